//! Which source counts, on tokio's paused clock: it moves when everybody waits.

use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

use super::*;
use crate::source::{SeenPeer, Task};

struct Fake {
    name: &'static str,
    script: watch::Receiver<PeerNews>,
}

impl PeerSource for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(mut self: Box<Self>, news: watch::Sender<PeerNews>, drain: CancellationToken) -> Task {
        Box::pin(async move {
            let follow = async {
                while self.script.changed().await.is_ok() {
                    news.send_replace(self.script.borrow_and_update().clone());
                }
                std::future::pending::<()>().await;
            };
            let _ = drain.run_until_cancelled(follow).await;
        })
    }
}

/// Two sources, `first` preferred.
struct World {
    seats: Seats,
    first: watch::Sender<PeerNews>,
    second: watch::Sender<PeerNews>,
    begun: Instant,
    _tasks: JoinSet<()>,
}

impl World {
    fn new() -> World {
        let (first, first_script) = watch::channel(PeerNews::default());
        let (second, second_script) = watch::channel(PeerNews::default());
        let mut tasks = JoinSet::new();
        let sources: Vec<Box<dyn PeerSource>> =
            vec![Box::new(Fake { name: "first", script: first_script }), Box::new(Fake { name: "second", script: second_script })];
        let seats = Seats::start(sources, false, &mut tasks, &CancellationToken::new());
        World { seats, first, second, begun: Instant::now(), _tasks: tasks }
    }

    /// The next change of mind: who counts, and how many seconds have passed.
    async fn next(&mut self) -> (Option<&'static str>, u64) {
        tokio::time::timeout(Duration::from_secs(3_600), self.seats.changed()).await.expect("something changes");
        (self.seats.chosen(), self.begun.elapsed().as_secs())
    }

    async fn nothing(&mut self) {
        let changed = tokio::time::timeout(Duration::from_secs(3_600), self.seats.changed()).await;
        assert!(changed.is_err(), "{:?}", self.seats.chosen());
    }
}

fn good(at: u64) -> PeerNews {
    let beta = SeenPeer::named(NodeId::from_bytes([2; 16]), Hostname::new("beta").expect("valid"));
    let peers = Peers { at: UnixMillis(at), peers: vec![Arc::new(beta)], ..Peers::default() };
    PeerNews { peers: Some(Arc::new(peers)), trouble: None }
}

/// A word that names nobody.
fn alone(at: u64) -> PeerNews {
    PeerNews { peers: Some(Arc::new(Peers { at: UnixMillis(at), ..Peers::default() })), trouble: None }
}

fn silent(former: PeerNews) -> PeerNews {
    PeerNews { trouble: Some("nobody answers on 127.0.0.1: start it".to_owned()), ..former }
}

#[tokio::test(start_paused = true)]
async fn the_first_that_answers_counts() {
    let mut world = World::new();
    // The second one is quicker, but the first may still answer.
    world.second.send_replace(good(2));
    world.nothing().await;
    world.first.send_replace(good(1));
    assert_eq!(world.next().await, (Some("first"), 3_600));
    assert_eq!(world.seats.peers().at.0, 1);
    world.first.send_replace(good(3));
    world.next().await;
    assert_eq!(world.seats.peers().at.0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_silent_one_is_replaced_after_a_while_and_comes_back() {
    let mut world = World::new();
    world.first.send_replace(silent(PeerNews::default()));
    world.second.send_replace(good(2));
    assert_eq!(world.next().await, (Some("second"), 0));
    assert_eq!(world.seats.troubles(), [] as [String; 0], "nobody misses one that never answered");
    // The preferred one answers: after ten seconds it is trusted.
    world.first.send_replace(good(1));
    assert_eq!(world.next().await, (Some("first"), 10));
    // It falls silent: its last word counts for ten seconds more.
    world.first.send_replace(silent(good(1)));
    assert_eq!(world.next().await, (Some("first"), 10));
    assert_eq!(world.seats.troubles(), ["first: nobody answers on 127.0.0.1: start it"]);
    assert_eq!(world.seats.peers().at.0, 1);
    assert_eq!(world.next().await, (Some("second"), 20));
    assert_eq!(world.seats.troubles(), ["first: nobody answers on 127.0.0.1: start it"], "it did answer once");
    assert_eq!(world.seats.peers().at.0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_short_silence_changes_nothing() {
    let mut world = World::new();
    world.first.send_replace(good(1));
    world.second.send_replace(good(2));
    world.next().await;
    world.first.send_replace(silent(good(1)));
    assert_eq!(world.next().await.0, Some("first"));
    world.first.send_replace(good(3));
    assert_eq!(world.next().await.0, Some("first"));
    world.nothing().await;
    // With nobody better at hand the last word stays, however old.
    world.second.send_replace(silent(good(2)));
    world.first.send_replace(silent(good(3)));
    assert_eq!(world.next().await.0, Some("first"));
    world.nothing().await;
    assert_eq!(world.seats.peers().at.0, 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_knows_nobody_does_not_replace_one_that_fell_silent() {
    let mut world = World::new();
    world.first.send_replace(good(1));
    world.second.send_replace(alone(2));
    assert_eq!(world.next().await.0, Some("first"));
    world.first.send_replace(silent(good(1)));
    assert_eq!(world.next().await.0, Some("first"));
    world.nothing().await;
    assert_eq!(world.seats.peers().at.0, 1);
    assert_eq!(world.seats.troubles(), ["first: nobody answers on 127.0.0.1: start it"]);
    // It meets somebody.
    world.second.send_replace(good(3));
    assert_eq!(world.next().await.0, Some("second"));
}

#[tokio::test(start_paused = true)]
async fn one_that_knows_nobody_waits_for_the_others_to_start() {
    let mut world = World::new();
    world.first.send_replace(silent(PeerNews::default()));
    world.second.send_replace(alone(2));
    assert_eq!(world.next().await, (Some("second"), 10));
    // Whoever is alone loses nothing with the first one that knows somebody.
    world.first.send_replace(good(1));
    assert_eq!(world.next().await, (Some("first"), 10));
}

#[tokio::test(start_paused = true)]
async fn without_sources_nothing_ever_changes() {
    let mut seats = Seats::start(Vec::new(), false, &mut JoinSet::new(), &CancellationToken::new());
    assert!(tokio::time::timeout(Duration::from_secs(3_600), seats.changed()).await.is_err());
    assert_eq!((seats.chosen(), seats.troubles(), seats.peers()), (None, Vec::new(), Arc::default()));
}
