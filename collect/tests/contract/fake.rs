//! The worlds of the sources that tests play.

use tokio::sync::watch;
use verwalter_collect::source::{MetricSource, PeerSource, SeenPeer};
use verwalter_core::metrics::Source;

use crate::fakes::{Heard, Machines, Measured, Told};
use crate::metrics::{self, DEVICES, LEVEL};
use crate::{OWN, peers, seen};

pub(crate) struct Members(watch::Sender<Heard>);

/// Out of order, one twice, and the own node among them.
fn all() -> Heard {
    Some(Ok([3, 1, 2, 3].map(|number| seen(number, None)).into()))
}

impl peers::World for Members {
    const NAME: &'static str = "cantal";

    async fn new() -> (Members, Box<dyn PeerSource>) {
        let (say, told) = Told::new("cantal", OWN);
        say.send_replace(all());
        (Members(say), Box::new(told))
    }

    fn subject(&self) -> String {
        "the played agent".to_owned()
    }

    async fn silence(&mut self) {
        self.0.send_replace(Some(Err("the played agent says nothing: play on with it".to_owned())));
    }

    async fn speak(&mut self) {
        self.0.send_replace(all());
    }

    async fn hang(&mut self) {}
}

pub(crate) struct Figures(watch::Sender<Machines>);

impl metrics::World for Figures {
    const SOURCE: Source = Source::Cantal;

    async fn new() -> (Figures, Box<dyn MetricSource>) {
        let labels = |device: &str| [("metric".to_owned(), DEVICES.to_owned()), ("device".to_owned(), device.to_owned())].into();
        let mut machines = Machines::with(LEVEL, 7.0);
        machines.series[0].1 = vec![5.0, 6.0, 7.0];
        machines.series.extend([(labels("sdb"), vec![2.0]), (labels("sda"), vec![1.0])]);
        let (set, source) = Measured::new(Source::Cantal, machines);
        (Figures(set), Box::new(source))
    }

    fn peers(&self) -> [SeenPeer; 2] {
        [seen(2, None), seen(3, None)]
    }

    fn subject(&self) -> String {
        "n3".to_owned()
    }

    async fn silence(&mut self) {
        self.0.send_modify(|machines| machines.silent = ["n3".to_owned()].into());
    }

    async fn speak(&mut self) {
        self.0.send_modify(|machines| machines.silent.clear());
    }

    async fn hang(&mut self) {
        self.0.send_modify(|machines| machines.hung = true);
    }
}
