//! The agents that the settings name, made into sources of peers and figures. It opens the built-in agent's port and follows its key
//! file; it asks nobody itself.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use verwalter_collect::agent::figures::counts;
use verwalter_collect::agent::keys::{KeyError, KeyRing};
use verwalter_collect::agent::timing::Timing;
use verwalter_collect::agent::{self, Agent, BindError, PeerStore, refusal, remembered};
use verwalter_collect::inquiry::Inquirer;
use verwalter_collect::{OwnNode, Sources, cantal, prometheus};

use crate::config::settings::agents::{Agents, MetricsFrom, PeersFrom};
use crate::config::settings::builtin::Builtin;
use crate::exit::Exit;
use crate::storage::Storage;
use crate::telemetry::chain;

/// Below the storage directory: the peers that were known last.
const PEERS_FILE: &str = "peers.json";
/// How often the key file is looked at: whoever changes keys waits for all nodes anyway.
const KEYS_AGAIN: Duration = Duration::from_secs(5);

/// Why a node's agents cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// The built-in agent's address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Reachable from elsewhere, without a key.
    #[error(
        "the agent's {0} is reachable from other machines, and whoever reaches it could join the cluster: set `agent.key-file` in verwalter.yaml \
         to a file of mode 0600 with one line of `openssl rand -hex 32`, the same on all nodes, or add --insecure"
    )]
    Exposed(SocketAddr),
}

impl AgentsError {
    /// How the program ends for it.
    pub fn exit(&self) -> Exit {
        match self {
            AgentsError::Bind(_) => Exit::Listen,
            AgentsError::Keys(_) | AgentsError::Exposed(_) => Exit::Config,
        }
    }
}

/// The sources, and what the built-in agent tells of itself where it runs.
pub struct Opened {
    /// Who is asked.
    pub sources: Sources,
    /// The built-in agent's figures.
    pub agent: Option<watch::Receiver<agent::Status>>,
    /// What follows the key file until it is asked to end.
    pub keys: Option<KeyFile>,
}

/// What the sources need of the node.
pub struct Lent<'a> {
    /// This node.
    pub node: &'a OwnNode,
    /// Where peers are kept over a restart.
    pub storage: &'a Arc<Storage>,
    /// Tells this node's figures to the others.
    pub history: &'a Inquirer,
    /// Time between two readings of this machine.
    pub interval: Duration,
    /// The built-in agent may be reached from other machines without a key.
    pub insecure: bool,
}

/// The agents that the settings name. Peers are told by one of them; figures may come from several.
///
/// # Errors
/// When the built-in agent cannot listen, or its keys cannot be read.
pub async fn open(agents: &Agents, lent: Lent<'_>) -> Result<Opened, AgentsError> {
    let mut sources = Sources { default: agents.default_source(), ..Sources::default() };
    // Cantal knows nothing of our ports: they are the same everywhere.
    let port = lent.node.addr.map_or(0, |addr| addr.port());
    let settings = || cantal::Settings {
        agent: agents.cantal.address,
        scan: agents.cantal.scan_interval,
        ..cantal::Settings::new(lent.node.id, port)
    };
    // In order of preference.
    if agents.peers.cantal() {
        sources.peers.push(Box::new(cantal::Membership::new(settings())));
    }
    if agents.peers.cantal() || agents.metrics == MetricsFrom::Cantal {
        sources.metrics.push(Box::new(cantal::Figures::new(settings())));
    }
    if let Some(server) = &agents.prometheus {
        let mut asked = prometheus::Settings::new(server.url.clone(), lent.node.clone());
        asked.client.credentials = server.credentials.clone();
        asked.peer_label.clone_from(&server.peer_label);
        (asked.interval, asked.scrape_interval) = (server.interval, server.scrape_interval);
        sources.metrics.push(Box::new(prometheus::Prometheus::new(asked)));
    }
    // Where cantal is absent on purpose, nobody wants to hear of it for ever.
    sources.lenient = agents.peers == PeersFrom::Auto;
    let (mut status, mut followed) = (None, None);
    if exposed(agents) && !lent.insecure {
        return Err(AgentsError::Exposed(agents.builtin.listen));
    }
    if let Some(idle) = idle(agents) {
        tracing::warn!("{idle}");
    }
    if agents.peers.builtin() {
        let (mut agent, file) = builtin(&agents.builtin, keys(agents)?, &lent).await?;
        (status, followed) = (Some(agent.status()), file);
        sources.metrics.push(Box::new(agent.figures(lent.history.clone(), lent.interval)));
        sources.peers.push(Box::new(agent));
    }
    Ok(Opened { sources, agent: status, keys: followed })
}

/// The keys of the built-in agent as their file has them; none where there is no file, or the agent does not run.
///
/// # Errors
/// When the file cannot be used.
pub fn keys(agents: &Agents) -> Result<KeyRing, KeyError> {
    let file = agents.builtin.key_file.as_deref().filter(|_| agents.peers.builtin());
    file.map_or_else(|| Ok(KeyRing::default()), KeyRing::read)
}

/// What is odd about the settings, though a node can start with them.
pub fn oddities(agents: &Agents) -> Vec<String> {
    let mut odd = Vec::new();
    if exposed(agents) {
        odd.push(format!("{}: `verwalter run` refuses it without --insecure", AgentsError::Exposed(agents.builtin.listen)));
    }
    odd.extend(idle(agents).map(str::to_owned));
    odd
}

/// What is written in vain.
fn idle(agents: &Agents) -> Option<&'static str> {
    let idle = !agents.peers.builtin() && agents.builtin != Builtin::default();
    idle.then_some("`agent` is set and nothing uses it: add `peers: agent`, or `auto`, to have this node join")
}

/// Whether the built-in agent would be reachable from other machines without a key.
fn exposed(agents: &Agents) -> bool {
    agents.peers.builtin() && agents.builtin.key_file.is_none() && !agents.builtin.listen.ip().is_loopback()
}

async fn builtin(settings: &Builtin, ring: KeyRing, lent: &Lent<'_>) -> Result<(Agent, Option<KeyFile>), AgentsError> {
    let (sender, keys) = watch::channel(Arc::new(ring));
    let agent = Agent::bind(agent::Settings {
        node: lent.node.clone(),
        bind: settings.listen,
        advertise: settings.advertise,
        cluster: settings.cluster.clone(),
        seeds: settings.seeds.clone(),
        keys,
        timing: Timing::default(),
        store: Some(Arc::new(Stored { storage: lent.storage.clone(), name: lent.storage.path().join(PEERS_FILE).display().to_string() })),
    })
    .await?;
    Ok((agent, settings.key_file.clone().map(|path| KeyFile { path, keys: sender, trouble: watch::Sender::default() })))
}

/// The built-in agent for the status page.
pub fn document(agent: &agent::Status) -> Value {
    let dropped = refusal::Cause::ALL.iter().map(|cause| (cause.name().to_owned(), agent.counts.dropped(*cause).into()));
    let lost = counts::Cause::ALL.iter().map(|cause| (cause.name().to_owned(), agent.figures.dropped(*cause).into()));
    json!({
        "address": agent.advertised,
        "members": { "alive": agent.alive, "suspect": agent.suspect, "down": agent.down, "left": agent.left },
        "keys": agent.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "packets": {
            "sent": agent.counts.sent, "received": agent.counts.received, "dropped": dropped.collect::<Map<_, _>>(),
            "rejoins": agent.counts.rejoins,
        },
        "rows": { "told": agent.figures.told, "heard": agent.figures.heard, "dropped": lost.collect::<Map<_, _>>() },
    })
}

/// The peers that were known last, in the storage directory.
struct Stored {
    storage: Arc<Storage>,
    /// The file's path.
    name: String,
}

impl PeerStore for Stored {
    fn name(&self) -> &str {
        &self.name
    }

    fn load(&self) -> io::Result<Option<Vec<u8>>> {
        self.storage.read(PEERS_FILE, remembered::MAX_DOCUMENT as u64).map_err(|error| io::Error::other(chain(&error)))
    }

    fn save(&self, bytes: &[u8]) -> io::Result<()> {
        self.storage.write(PEERS_FILE, bytes).map_err(|error| io::Error::other(chain(&error)))
    }
}

/// A key file that is followed, so that keys are changed while the cluster runs.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    keys: watch::Sender<Arc<KeyRing>>,
    /// Why the file cannot be used now, for the status: the next start would fail.
    trouble: watch::Sender<Option<String>>,
}

impl KeyFile {
    /// Why the file cannot be used now.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// Follows the file until `drain`. While it cannot be used, the keys in force stay.
    pub async fn follow(self, drain: CancellationToken) {
        let KeyFile { path, keys, trouble } = self;
        let mut again = tokio::time::interval(KEYS_AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                _ = again.tick() => {}
            }
            let read = tokio::task::spawn_blocking({
                let path: Box<Path> = path.as_path().into();
                move || KeyRing::read(&path)
            });
            match read.await {
                Ok(Ok(ring)) => {
                    if trouble.send_replace(None).is_some() {
                        tracing::info!("the cluster's keys can be read again");
                    }
                    keys.send_if_modified(|former| {
                        let changed = !former.ids().eq(ring.ids());
                        if changed {
                            *former = Arc::new(ring);
                        }
                        changed
                    });
                }
                Ok(Err(error)) => {
                    let text = chain(&error);
                    trouble.send_if_modified(|known| {
                        let changed = known.as_ref() != Some(&text);
                        if changed {
                            tracing::warn!(error = text, "the cluster's keys stay as they are");
                            *known = Some(text);
                        }
                        changed
                    });
                }
                // Reading broke off: with the program, or the next one will do.
                Err(_) => {}
            }
        }
    }
}
