//! A Prometheus server that is played: what its API answers about three nodes.

use tokio::sync::watch;
use verwalter_collect::prometheus::{Prometheus, Settings};
use verwalter_collect::source::{MetricSource, SeenPeer};
use verwalter_core::metrics::Source;

use crate::metrics::{self, DEVICES, LEVEL};
use crate::server::within;
use crate::support::{Asked, Made, Reply, now, serve, settings};
use crate::{own, seen};

/// How the server is disposed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Good,
    Starting,
    Hung,
}

pub(crate) struct Figures {
    server: Made,
    mood: watch::Sender<Mood>,
    /// How many questions it has let hang.
    hanging: watch::Receiver<usize>,
}

fn answer(asked: &Asked) -> Reply {
    let now = now().0;
    if asked.body.contains("time%28%29") {
        let seconds = format!("{}.{:03}", now / 1_000, now % 1_000);
        return Reply::json(&format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[{seconds},"{seconds}"]}}}}"#));
    }
    if asked.head.contains("/label/__name__/values") {
        return Reply::json(&format!(r#"{{"status":"success","data":["{LEVEL}","{DEVICES}"]}}"#));
    }
    let at = (now - 1_000) / 1_000;
    let series = |host: &str, rest: &str, metric: &str| {
        let samples = [(at - 10, 1), (at - 5, 2), (at, 3)].map(|(at, value)| format!(r#"[{at},"{value}"]"#)).join(",");
        format!(r#"{{"metric":{{"__name__":"{metric}","instance":"{host}:9100"{rest}}},"values":[{samples}]}}"#)
    };
    let hosts = ["n3", "n1", "n2"].into_iter();
    let all: Vec<String> = match () {
        () if asked.body.contains(LEVEL) => hosts.map(|host| series(host, "", LEVEL)).collect(),
        () if asked.body.contains(DEVICES) => {
            hosts.flat_map(|host| ["sdb", "sda"].map(|device| series(host, &format!(r#","device":"{device}""#), DEVICES))).collect()
        }
        () => Vec::new(),
    };
    Reply::json(&format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, all.join(",")))
}

impl metrics::World for Figures {
    const SOURCE: Source = Source::Prometheus;

    async fn new() -> (Figures, Box<dyn MetricSource>) {
        let (mood, moods) = watch::channel(Mood::Good);
        let (hangs, hanging) = watch::channel(0);
        let server = serve(move |asked| {
            let mood = *moods.borrow();
            if mood == Mood::Hung {
                hangs.send_modify(|count| *count += 1);
            }
            std::future::ready(match mood {
                Mood::Good => answer(&asked),
                Mood::Starting => Reply::new("503 Service Unavailable", "starting"),
                Mood::Hung => Reply::Hang(Vec::new()),
            })
        })
        .await;
        let settings = Settings { own: own(), ..settings(server.addr) };
        (Figures { server, mood, hanging }, Box::new(Prometheus::new(settings)))
    }

    fn peers(&self) -> [SeenPeer; 2] {
        [seen(2, None), seen(3, None)]
    }

    fn subject(&self) -> String {
        self.server.addr.to_string()
    }

    async fn silence(&mut self) {
        self.mood.send_replace(Mood::Starting);
    }

    async fn speak(&mut self) {
        self.mood.send_replace(Mood::Good);
    }

    async fn hang(&mut self) {
        self.mood.send_replace(Mood::Hung);
        within(self.hanging.wait_for(|count| *count > 0)).await.expect("the server runs");
    }
}
