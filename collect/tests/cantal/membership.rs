//! The source of peers, while its agent comes and goes.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::cantal::Membership;
use verwalter_collect::source::{PeerNews, PeerSource};

use crate::server::{Reply, Server, Then, within};
use crate::{id, settings};

/// The source at work on an agent whose answers can be changed.
struct Scene {
    reply: Arc<Mutex<Reply>>,
    server: Server,
    news: watch::Receiver<PeerNews>,
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl Scene {
    async fn new(reply: Reply) -> Scene {
        let reply = Arc::new(Mutex::new(reply));
        let answers = reply.clone();
        let server = Server::start(move |_| answers.lock().expect("not poisoned").clone()).await;
        let (tell, news) = watch::channel(PeerNews::default());
        let drain = CancellationToken::new();
        let source = Box::new(Membership::new(settings(server.addr)));
        assert_eq!(source.name(), "cantal");
        let task = tokio::spawn(source.run(tell, drain.clone()));
        Scene { reply, server, news, drain, task }
    }

    fn answer(&self, reply: Reply) {
        *self.reply.lock().expect("not poisoned") = reply;
    }

    async fn until(&mut self, told: impl Fn(&PeerNews) -> bool) -> PeerNews {
        within(self.news.wait_for(|news| told(news))).await.expect("the source runs").clone()
    }

    async fn end(self) {
        self.drain.cancel();
        within(self.task).await.expect("it ends in peace");
    }
}

fn hostnames(news: &PeerNews) -> Vec<&str> {
    news.peers.iter().flat_map(|peers| &peers.peers).map(|peer| peer.hostname.as_str()).collect()
}

#[tokio::test]
async fn the_last_good_word_stays_while_the_agent_is_silent() {
    let mut scene = Scene::new(Reply::recorded("all_peers", "json")).await;
    let first = scene.until(|news| news.peers.is_some()).await;
    assert_eq!((hostnames(&first), first.trouble.as_deref()), (vec!["node2.example.org", "node3.example.org"], None));

    scene.answer(Reply::raw(""));
    let silent = scene.until(|news| news.trouble.is_some()).await;
    assert_eq!(hostnames(&silent), hostnames(&first));
    let at = silent.peers.as_ref().expect("kept").at;

    scene.answer(Reply::recorded("all_peers.30s-after-node3-killed", "json"));
    let again = scene.until(|news| news.trouble.is_none()).await;
    let peers = again.peers.expect("told");
    assert!(peers.at >= at);
    assert_eq!(peers.peers[1].last_report.map(|at| at.0), Some(1_795_291_671_996));
    scene.end().await;
}

#[tokio::test]
async fn an_agent_that_starts_anew_loses_nobody() {
    let now = verwalter_collect::clock::unix_now().0;
    let recorded = String::from_utf8(Reply::recorded("all_peers", "json").body().to_vec()).expect("JSON");
    let fresh = recorded.replace("1795289938042", &now.to_string()).replace("1795289938013", &now.to_string());
    assert_eq!(
        fresh.matches(&now.to_string()).count(),
        recorded.matches("1795289938042").count() + recorded.matches("1795289938013").count()
    );
    let mut scene = Scene::new(Reply::ok(fresh.as_bytes())).await;
    let first = scene.until(|news| news.peers.is_some()).await;
    let at = |news: &PeerNews| news.peers.as_ref().map(|peers| peers.at);
    scene.answer(Reply::ok(br#"{"peers":[]}"#));
    // Two words later the first of them is the new one for sure.
    let next = scene.until(|news| at(news) > at(&first)).await;
    let after = scene.until(|news| at(news) > at(&next)).await;
    assert_eq!(hostnames(&after), ["node2.example.org", "node3.example.org"]);
    assert!(after.peers.expect("told").peers.iter().all(|peer| peer.alive));
    scene.end().await;
}

#[tokio::test]
async fn a_new_word_follows_every_question() {
    let mut scene = Scene::new(Reply::recorded("all_peers", "json")).await;
    let first = scene.until(|news| news.peers.is_some()).await.peers.expect("told").at;
    scene.until(|news| news.peers.as_ref().is_some_and(|peers| peers.at > first)).await;
    assert!(scene.server.asked().len() >= 2);
    scene.end().await;
}

#[tokio::test]
async fn trouble_before_the_first_word_is_told_with_the_next_step() {
    let mut scene = Scene::new(Reply::ok(b"{}")).await;
    let news = scene.until(|news| news.trouble.is_some()).await;
    assert!(news.peers.is_none());
    let trouble = news.trouble.expect("told");
    assert!(trouble.contains(&scene.server.addr.to_string()) && trouble.contains("is it cantal"), "{trouble}");
    scene.end().await;
}

#[tokio::test]
async fn the_own_node_is_no_peer_of_its_own() {
    let own = String::from_utf8(Reply::recorded("all_peers", "json").body().to_vec()).expect("JSON").replace("0002\"", "0001\"");
    let mut scene = Scene::new(Reply::ok(own.as_bytes())).await;
    let news = scene.until(|news| news.peers.is_some()).await;
    assert_eq!(news.peers.expect("told").peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [id(3)]);
    scene.end().await;
}

#[tokio::test]
async fn it_ends_while_its_agent_hangs() {
    let (_hold, held) = watch::channel(());
    let scene = Scene::new(Reply::recorded("all_peers", "json").then(Then::Wait(held))).await;
    scene.server.holds(1).await;
    scene.end().await;
}
