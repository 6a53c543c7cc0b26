//! Where peers and figures come from: the two traits that every agent stands behind, and what they tell.
//!
//! A source is a task. It publishes what it learns and keeps the last good word when its agent is silent; it never ends for a fault of
//! an agent, and nothing that an agent answers makes it panic or grow beyond its caps.
//!
//! What everybody may rely on stands at [`PeerSource`] and [`MetricSource`], clause by clause. `tests/contract` asks each of every source
//! that there is; a new one joins there with a world that it looks at.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::Source;
use verwalter_core::names::Hostname;
use verwalter_core::peers::{NodeState, Peer};

use crate::query::QuerySet;

/// What a source does until it is asked to end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A peer as its source sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenPeer {
    /// Its identity.
    pub id: NodeId,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links.
    pub name: String,
    /// Where its API listens, when known.
    pub addr: Option<SocketAddr>,
    /// Where its agent answers, when known.
    pub agent: Option<SocketAddr>,
    /// When it was first heard of.
    pub known_since: UnixMillis,
    /// When it last reported itself, when it ever did.
    pub last_report: Option<UnixMillis>,
    /// Whether the source holds it for alive.
    pub alive: bool,
    /// Facts about the machine, as far as the source knows them.
    pub machine: Arc<Map<String, Value>>,
    /// What it says of its own work, where the source carries it.
    pub state: Option<Arc<NodeState>>,
}

impl SeenPeer {
    /// A node that is alive, of which nothing more is known.
    pub fn named(id: NodeId, hostname: Hostname) -> SeenPeer {
        SeenPeer {
            id,
            name: hostname.to_string(),
            hostname,
            addr: None,
            agent: None,
            known_since: UnixMillis(0),
            last_report: None,
            alive: true,
            machine: Arc::default(),
            state: None,
        }
    }

    /// What plugins are told of it, where it is as it is `since` then.
    pub fn told(&self, since: UnixMillis) -> Peer {
        Peer {
            id: self.id,
            hostname: self.hostname.clone(),
            name: self.name.clone(),
            addr: self.addr,
            known_since: self.known_since,
            last_report_direct: self.last_report,
            alive: self.alive,
            since,
            state: self.state.clone(),
            machine: self.machine.clone(),
        }
    }
}

/// What a node says of itself beside its figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Facts about its machine: what its agent measured once and what its operator says.
    pub machine: Arc<Map<String, Value>>,
    /// Its own work; `None` before its first schedule.
    #[serde(default)]
    pub state: Option<Arc<NodeState>>,
}

/// The peers that a source knows, without the own node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peers {
    /// When the source was asked, or last changed its mind.
    pub at: UnixMillis,
    /// By id, each once.
    pub peers: Vec<Arc<SeenPeer>>,
    /// What could not be used of the source's word, one text each, at most [`MAX_COMPLAINTS`].
    pub complaints: Vec<String>,
}

/// Most complaints that are kept of one answer.
pub const MAX_COMPLAINTS: usize = 16;

/// What a peer source tells, always the newest.
#[derive(Debug, Clone, Default)]
pub struct PeerNews {
    /// The last good word; `None` until there is one.
    pub peers: Option<Arc<Peers>>,
    /// Why there is no newer one, with the next step for the operator; `None` while all is well.
    pub trouble: Option<String>,
}

/// Who is there.
///
/// 1. Its name is in lower case and always the same.
/// 2. Where its agent answers, its word comes, without trouble. Where it never did, trouble comes all the same: whoever waits for this source
///    turns to another one then.
/// 3. A word has the peers by id in ascending order, each once, without the own node, and at most [`MAX_COMPLAINTS`] complaints.
/// 4. While the agent is silent the last good word stays, those who are held for dead now included, with trouble that names whom it asked and
///    the operator's next step.
/// 5. The agent's next good word ends the trouble.
/// 6. When `drain` is cancelled it ends: at once, or within the few seconds that saving its state may take, and also while its agent hangs.
///    Nothing is published behind its end.
pub trait PeerSource: Send + 'static {
    /// What it is called in settings, logs and status.
    fn name(&self) -> &'static str;

    /// The task: publishes to `news` until `drain` is cancelled.
    fn run(self: Box<Self>, news: watch::Sender<PeerNews>, drain: CancellationToken) -> Task;
}

/// What is wanted of a metric source, always the newest.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The queries in force.
    pub queries: Arc<QuerySet>,
    /// Whose figures.
    pub peers: Arc<Peers>,
}

/// What a peer's figures said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose figures.
    pub peer: NodeId,
    /// Which queries were asked: [`QuerySet::generation`].
    pub generation: u64,
    /// When the newest of its samples was taken, by the own node's clock.
    pub taken: UnixMillis,
    /// What the queries say.
    pub row: Row,
}

/// The numbers that a set of queries makes of one peer's samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// One value for each query without `by`, in the order of the set; NaN where no sample says anything. With `take: series` the newest sample.
    pub values: Vec<f64>,
    /// The values of queries with `by`, in ascending order of query and group, NaN left out.
    pub groups: Vec<GroupValue>,
    /// The samples of queries with `take: series`, in ascending order of query and group.
    pub samples: Vec<Samples>,
    /// The queries that matched no series, by their place in the set, in ascending order.
    pub unmatched: Vec<u16>,
    /// The queries with `by` that have more groups than are kept, by their place in the set.
    pub left_out: Vec<LeftOut>,
}

/// A query with `by` of which not all groups were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The query's place in the set.
    pub query: u16,
    /// How many groups with a number there were beyond the first [`MAX_GROUPS`](verwalter_core::metrics::MAX_GROUPS) by name.
    pub groups: u32,
}

/// One value of a query with `by`.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupValue {
    /// The query's place in the set.
    pub query: u16,
    /// The values of the labels in `by`, in the order of their names.
    pub group: Vec<String>,
    /// A finite number.
    pub value: f64,
}

/// The samples of a query with `take: series`.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// The query's place in the set.
    pub query: u16,
    /// As in [`GroupValue`]; empty without `by`.
    pub group: Vec<String>,
    /// Oldest first, at most [`MAX_SAMPLES`](verwalter_core::metrics::MAX_SAMPLES).
    pub values: Vec<f64>,
}

/// What comes from a metric source.
#[derive(Debug, Clone)]
pub enum MetricNews {
    /// A peer's figures.
    Report(Report),
    /// The figures of one peer could not be had, or not all of them, with the next step for the operator. Its last good ones age. It holds
    /// until a report of the peer comes; it need not be told again.
    Trouble {
        /// Whose.
        peer: NodeId,
        /// Why.
        reason: String,
    },
    /// What is wrong beyond single peers, one text each, at most [`MAX_COMPLAINTS`]: a query that is refused, figures that name no peer.
    /// Replaces the former ones; empty: all is well again.
    Complaints(Vec<String>),
    /// All of the source's peers were asked once more.
    Swept,
}

/// What is measured.
///
/// 1. Reports of the peers that are [`Wanted`] and alive come again and again, as long as their agents answer. Whether the own node is among
///    them is the source's choice, as is one that is wanted but held for dead.
/// 2. A report bears the generation of the queries that it answers, and its [`Row`] fits them: a value for each query without `by`, finite or
///    NaN; groups and samples in ascending order, each once, finite, of queries that ask for them; unmatched places in ascending order, each
///    once.
/// 3. Queries that are not [asked](QuerySet::asked) of it are NaN and unmatched in it, and have no groups or samples.
/// 4. `taken` is a moment by the own clock that has passed, whatever other clocks show.
/// 5. Other queries are followed at once, other peers with the next sweep: a peer that is not wanted any more is neither reported nor
///    trouble from then on.
/// 6. A peer whose figures cannot be had is told as [trouble](MetricNews::Trouble), when that begins or changes, or in each sweep. It names
///    the agent, server or node in question and the operator's next step, and holds until a report of the peer comes: figures are never
///    told again for want of newer ones, so that they age. What is missing in a report is told behind it.
/// 7. While anything is asked, sweeps end, also where no agent answers: [`MetricNews::Swept`] comes within the deadlines of the questions.
/// 8. When `drain` is cancelled it ends at once, also while agents hang and while its channel is full, and when nobody listens any more it
///    ends with its next word. Nothing is sent behind its end. It goes on when nobody can want anything else.
pub trait MetricSource: Send + 'static {
    /// Which one it is.
    fn source(&self) -> Source;

    /// The task: follows `wanted` and sends what it learns, until `drain` is cancelled. A full channel makes it wait.
    fn run(self: Box<Self>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task;
}
