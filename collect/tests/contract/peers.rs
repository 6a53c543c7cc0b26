//! The clauses of the contract of peer sources.

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::source::{MAX_COMPLAINTS, PeerNews, PeerSource, Peers};
use verwalter_core::ids::NodeId;

use crate::server::within;
use crate::{OWN, assert_helps, id};

/// What a source looks at: an agent that knows the nodes [`OTHERS`] beside [`OWN`].
pub(crate) trait World: Sized {
    /// What the source is called.
    const NAME: &'static str;

    /// The world with a good agent, and a source that was not started yet.
    async fn new() -> (Self, Box<dyn PeerSource>);

    /// What trouble must name.
    fn subject(&self) -> String;

    /// Its agent says nothing useful any more.
    async fn silence(&mut self);

    /// Its agent is as good as before.
    async fn speak(&mut self);

    /// Its agent takes questions and does not answer; returns once the source waits.
    async fn hang(&mut self);
}

/// By id.
pub(crate) const OTHERS: [NodeId; 2] = [id(2), id(3)];

/// A source at work.
struct Running<W> {
    world: W,
    news: watch::Receiver<PeerNews>,
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl<W: World> Running<W> {
    async fn start() -> Running<W> {
        let (world, source) = W::new().await;
        Running::of(world, source)
    }

    fn of(world: W, source: Box<dyn PeerSource>) -> Running<W> {
        let (tell, news) = watch::channel(PeerNews::default());
        let drain = CancellationToken::new();
        let task = tokio::spawn(source.run(tell, drain.clone()));
        Running { world, news, drain, task }
    }

    /// Waits for such news; all that comes until then is looked at.
    async fn until(&mut self, told: impl Fn(&PeerNews) -> bool) -> PeerNews {
        let holds = |news: &PeerNews| {
            news.peers.as_deref().into_iter().for_each(assert_fits);
            told(news)
        };
        within(self.news.wait_for(holds)).await.expect("the source goes on").clone()
    }

    async fn good(&mut self) -> PeerNews {
        self.until(|news| news.trouble.is_none() && ids(news, true) == OTHERS).await
    }

    async fn end(mut self) {
        self.drain.cancel();
        within(self.task).await.expect("it ends in peace");
        self.news.mark_unchanged();
        assert!(self.news.changed().await.is_err(), "nobody is left who could publish");
    }
}

fn ids(news: &PeerNews, alive: bool) -> Vec<NodeId> {
    let peers = news.peers.iter().flat_map(|peers| &peers.peers);
    peers.filter(|peer| peer.alive || !alive).map(|peer| peer.id).collect()
}

fn assert_fits(peers: &Peers) {
    assert!(peers.peers.is_sorted_by(|a, b| a.id < b.id), "by id, each once: {peers:?}");
    assert!(peers.peers.iter().all(|peer| peer.id != OWN), "without the own node: {peers:?}");
    assert!(peers.complaints.len() <= MAX_COMPLAINTS, "{:?}", peers.complaints);
}

pub(crate) async fn its_name_is_in_lower_case<W: World>() {
    let (_world, source) = W::new().await;
    assert_eq!(source.name(), W::NAME);
    assert!(source.name().bytes().all(|byte| byte.is_ascii_lowercase()));
}

pub(crate) async fn the_first_word_comes_without_the_own_node_and_by_id<W: World>() {
    let mut running = Running::<W>::start().await;
    let news = running.good().await;
    assert_eq!(ids(&news, false), OTHERS);
    let peers = news.peers.expect("told");
    assert_eq!(peers.peers.iter().map(|peer| peer.hostname.as_str()).collect::<Vec<_>>(), ["n2", "n3"]);
    running.end().await;
}

pub(crate) async fn the_last_word_stays_with_trouble_until_there_is_another<W: World>() {
    let mut running = Running::<W>::start().await;
    running.good().await;
    for _ in 0..2 {
        running.world.silence().await;
        let subject = running.world.subject();
        let silent = running.until(|news| news.trouble.as_ref().is_some_and(|trouble| trouble.contains(&subject))).await;
        assert_helps(&silent.trouble.clone().unwrap_or_default(), &subject);
        assert_eq!(ids(&silent, false), OTHERS);
        running.world.speak().await;
        running.good().await;
    }
    running.end().await;
}

pub(crate) async fn an_agent_that_never_answered_is_trouble<W: World>() {
    let (mut world, source) = W::new().await;
    world.silence().await;
    let mut running = Running::of(world, source);
    let trouble = running.until(|news| news.trouble.is_some()).await;
    assert!(ids(&trouble, true).is_empty());
    let subject = running.world.subject();
    let named = running.until(|news| news.trouble.as_ref().is_some_and(|trouble| trouble.contains(&subject))).await;
    assert_helps(&named.trouble.unwrap_or_default(), &subject);
    running.world.speak().await;
    running.good().await;
    running.end().await;
}

pub(crate) async fn it_ends_while_its_agent_hangs<W: World>() {
    let mut running = Running::<W>::start().await;
    running.good().await;
    running.world.hang().await;
    running.end().await;
}

pub(crate) async fn it_ends_before_it_has_said_anything<W: World>() {
    Running::<W>::start().await.end().await;
}

macro_rules! peer_sources {
    ($($source:ident: $world:ty,)*) => {
        $(mod $source {
            #[tokio::test]
            async fn its_name_is_in_lower_case() {
                super::its_name_is_in_lower_case::<$world>().await;
            }

            #[tokio::test]
            async fn the_first_word_comes_without_the_own_node_and_by_id() {
                super::the_first_word_comes_without_the_own_node_and_by_id::<$world>().await;
            }

            #[tokio::test]
            async fn the_last_word_stays_with_trouble_until_there_is_another() {
                super::the_last_word_stays_with_trouble_until_there_is_another::<$world>().await;
            }

            #[tokio::test]
            async fn an_agent_that_never_answered_is_trouble() {
                super::an_agent_that_never_answered_is_trouble::<$world>().await;
            }

            #[tokio::test]
            async fn it_ends_while_its_agent_hangs() {
                super::it_ends_while_its_agent_hangs::<$world>().await;
            }

            #[tokio::test]
            async fn it_ends_before_it_has_said_anything() {
                super::it_ends_before_it_has_said_anything::<$world>().await;
            }
        })*
    };
}

peer_sources! {
    cantal: crate::cantal::Members,
    agent: crate::agent::Members,
    fake: crate::fake::Members,
}
