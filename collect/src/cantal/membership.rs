//! The peers that the local cantal agent knows, asked for again and again. While it is silent its last good word stays; whom it forgot when it
//! was started anew stays for a while.

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::UnixMillis;

use super::peers::remember;
use super::{Agent, Settings};
use crate::clock::unix_now;
use crate::source::{PeerNews, PeerSource, Task};

/// Who is there, in the eyes of the local agent.
#[derive(Debug)]
pub struct Membership {
    settings: Settings,
}

impl Membership {
    /// Asks the agent that `settings` name.
    pub fn new(settings: Settings) -> Membership {
        Membership { settings }
    }
}

impl PeerSource for Membership {
    fn name(&self) -> &'static str {
        "cantal"
    }

    fn run(self: Box<Self>, news: watch::Sender<PeerNews>, drain: CancellationToken) -> Task {
        Box::pin(async move { drain.run_until_cancelled(follow(&self.settings, &news)).await.unwrap_or_default() })
    }
}

async fn follow(settings: &Settings, news: &watch::Sender<PeerNews>) {
    let agent = Agent::new(settings.agent, settings.peers_deadline);
    let mut ticks = tokio::time::interval(settings.peers_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // When the agent spoke again after it was silent: it may have been started anew then.
    let mut back_at = UnixMillis(0);
    loop {
        ticks.tick().await;
        // When the question was sent, not when the answer came: what a slow agent says is that old.
        match agent.peers(unix_now(), settings.api_port).await {
            Ok(mut peers) => {
                peers.peers.retain(|peer| peer.id != settings.own);
                news.send_modify(|news| {
                    if news.trouble.take().is_some() {
                        back_at = peers.at;
                        tracing::info!(agent = %agent.addr(), "cantal tells its peers again");
                    }
                    let peers = match &news.peers {
                        Some(before) => remember(before, peers, back_at),
                        None => peers,
                    };
                    news.peers = Some(peers.into());
                });
            }
            Err(error) => {
                let trouble = error.explain();
                news.send_if_modified(|news| {
                    if news.trouble.is_none() {
                        let now = if news.peers.is_some() { "the peers that it told last stay" } else { "it told no peers yet" };
                        tracing::warn!(agent = %agent.addr(), trouble, "cantal does not tell its peers: {now}");
                    }
                    let changed = news.trouble.as_ref() != Some(&trouble);
                    news.trouble = Some(trouble);
                    changed
                });
            }
        }
    }
}
