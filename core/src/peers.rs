//! The nodes as the leader sees them, ordered by hostname, each with its JSON text cached until it changes; and those that do not answer.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::ids::{NodeId, UnixMillis};
use crate::names::{Hostname, RoleName};

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its identity.
    pub id: NodeId,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links.
    pub name: String,
    /// Where its API listens, when known.
    pub addr: Option<SocketAddr>,
    /// When this node was first heard of.
    pub known_since: UnixMillis,
    /// When it last reported itself, when it ever did.
    pub last_report_direct: Option<UnixMillis>,
    /// Whether it answers.
    #[serde(default = "alive")]
    pub alive: bool,
    /// Since when that is so, as the leader saw it.
    #[serde(default)]
    pub since: UnixMillis,
    /// What it says of its own work; the keys `roles`, `schedule` and `errors` of its record. `None`: it did not say, as under cantal.
    #[serde(flatten)]
    pub state: Option<Arc<NodeState>>,
    /// Facts about the machine: what its agent measured once and what its `machine/*.yaml` says.
    pub machine: Arc<Map<String, Value>>,
}

/// Records of earlier versions had no other peers.
fn alive() -> bool {
    true
}

/// What a node says of its own work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// The roles that run there as the schedule in force wants them.
    pub roles: BTreeSet<RoleName>,
    /// The schedule that is in force there; `None`: none yet.
    pub schedule: Option<Digest>,
    /// How many roles could not be brought to what it says, and are tried again.
    pub errors: u32,
}

impl Peer {
    /// A node that answers, of which nothing more is known.
    pub fn named(id: NodeId, hostname: Hostname) -> Peer {
        Peer {
            id,
            name: hostname.to_string(),
            hostname,
            addr: None,
            known_since: UnixMillis(0),
            last_report_direct: None,
            alive: true,
            since: UnixMillis(0),
            state: None,
            machine: Arc::default(),
        }
    }

    /// What a plugin reads under `name`: `id`, `name`, `addr`, `since` (milliseconds), `schedule` (its digest), `errors`, or a
    /// machine fact by its dotted path. A scalar as text, else `None`.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let state = self.state.as_deref();
        match name {
            "id" => return Some(self.id.to_string()),
            "name" => return Some(self.name.clone()),
            "addr" => return self.addr.map(|addr| addr.to_string()),
            "since" => return Some(self.since.0.to_string()),
            "schedule" => return state.and_then(|state| state.schedule).map(|digest| digest.to_string()),
            "errors" => return state.map(|state| state.errors.to_string()),
            _ => {}
        }
        let mut steps = name.split('.');
        let mut fact = self.machine.get(steps.next()?)?;
        for step in steps {
            fact = fact.get(step)?;
        }
        match fact {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// One row of a [`PeerTable`].
#[derive(Debug, Clone)]
struct Row {
    peer: Arc<Peer>,
    json: Arc<str>,
}

/// All nodes that answer, the own one included, in ascending order of hostname, each hostname once; and those that were here and do not
/// answer now. Columns and placements of a scheduler's first choice are of the former; the latter may keep what they have.
#[derive(Debug, Clone, Default)]
pub struct PeerTable {
    rows: Vec<Row>,
    names: Arc<Names>,
    absent: Vec<Row>,
}

/// The hostnames of a table. Tables of the same hostnames share them.
#[derive(Debug, Default)]
struct Names {
    by_hostname: HashMap<Hostname, u32>,
    /// All hostnames back to back, and where each ends: an answer names them in this order, and each is compared.
    text: String,
    ends: Vec<usize>,
}

/// The key before the one number that changes with every report. No text of a peer holds it earlier: within texts the quotes are escaped.
const LAST_REPORT: &str = "\"last_report_direct\":";

impl Row {
    /// The row of `peer`, which may share with what `former` had of the same hostname.
    fn renewed(former: Option<&Row>, peer: Arc<Peer>) -> Row {
        let Some(row) = former else { return Row { json: text(&peer).into(), peer } };
        if Arc::ptr_eq(&row.peer, &peer) || row.peer == peer {
            return row.clone();
        }
        // A report comes from each peer every other second, and all else is mostly the same.
        let only_report =
            row.peer.name == peer.name && *row.peer == Peer { last_report_direct: row.peer.last_report_direct, ..Peer::clone(&peer) };
        let json = if only_report { reported(&row.json, peer.last_report_direct) } else { None };
        Row { json: json.unwrap_or_else(|| text(&peer)).into(), peer }
    }
}

/// A peer's text with another last report.
fn reported(json: &str, last_report: Option<UnixMillis>) -> Option<String> {
    let begin = json.find(LAST_REPORT)? + LAST_REPORT.len();
    let end = begin + json[begin..].find([',', '}'])?;
    let number = last_report.map_or_else(|| "null".to_owned(), |at| at.0.to_string());
    Some([&json[..begin], &number, &json[end..]].concat())
}

fn text(peer: &Peer) -> String {
    serde_json::to_string(peer).expect("a peer has text keys and finite numbers")
}

impl Names {
    fn of(rows: &[Row]) -> Names {
        let mut names = Names { by_hostname: HashMap::with_capacity(rows.len()), ..Names::default() };
        for (index, Row { peer, .. }) in rows.iter().enumerate() {
            let index = u32::try_from(index).expect("a table of peers fits memory, hence u32");
            names.by_hostname.insert(peer.hostname.clone(), index);
            names.text.push_str(peer.hostname.as_str());
            names.ends.push(names.text.len());
        }
        names
    }
}

/// Two live nodes with one hostname. The newer one is left out until one of them is renamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nodes {first} and {second} both call themselves `{hostname}`: rename one of them")]
pub struct DuplicateHostname {
    /// The name in question.
    pub hostname: Hostname,
    /// Who is in the table.
    pub first: NodeId,
    /// Who was left out.
    pub second: NodeId,
}

impl PeerTable {
    /// Orders `peers`. Of two with one hostname the first stays and the clash is reported.
    pub fn new(peers: Vec<Peer>) -> (PeerTable, Vec<DuplicateHostname>) {
        PeerTable::default().renewed(peers.into_iter().map(Arc::new).collect())
    }

    /// The table of `peers`, which shares with this one what has not changed: rows and hostnames.
    /// Of two with one hostname the first stays and the clash is reported.
    pub fn renewed(&self, mut peers: Vec<Arc<Peer>>) -> (PeerTable, Vec<DuplicateHostname>) {
        let mut clashes = Vec::new();
        peers.sort_by(|a, b| a.hostname.cmp(&b.hostname).then(a.known_since.cmp(&b.known_since)).then(a.id.cmp(&b.id)));
        let mut rows: Vec<Row> = Vec::with_capacity(peers.len());
        // Both are in order of hostname: one pass over each.
        let mut former = self.rows.iter().peekable();
        for peer in peers {
            if let Some(last) = rows.last()
                && last.peer.hostname == peer.hostname
            {
                clashes.push(DuplicateHostname { hostname: peer.hostname.clone(), first: last.peer.id, second: peer.id });
                continue;
            }
            while former.next_if(|row| row.peer.hostname < peer.hostname).is_some() {}
            rows.push(Row::renewed(former.next_if(|row| row.peer.hostname == peer.hostname), peer));
        }
        let same_names =
            rows.len() == self.rows.len() && rows.iter().zip(&self.rows).all(|(new, old)| new.peer.hostname == old.peer.hostname);
        let names = if same_names { self.names.clone() } else { Arc::new(Names::of(&rows)) };
        (PeerTable { rows, names, absent: Vec::new() }, clashes)
    }

    /// The same with those that do not answer, which share with `former` what has not changed. One whose hostname another node has now is
    /// left out: it came back with another identity. Of two with one hostname the one that was seen last stays.
    pub fn with_absent(mut self, former: &PeerTable, mut absent: Vec<Arc<Peer>>) -> PeerTable {
        absent.sort_by(|a, b| a.hostname.cmp(&b.hostname).then(b.since.cmp(&a.since)).then(a.id.cmp(&b.id)));
        absent.dedup_by(|later, first| later.hostname == first.hostname);
        absent.retain(|peer| self.position(peer.hostname.as_str()).is_none());
        let known = |peer: &Peer| former.absent_position(peer.hostname.as_str()).map(|position| &former.absent[position as usize]);
        self.absent = absent.into_iter().map(|peer| Row::renewed(known(&peer), peer)).collect();
        self
    }

    /// Whether both tables have the same hostnames, and so admit the same answers.
    pub fn has_hostnames_of(&self, other: &PeerTable) -> bool {
        let alive = Arc::ptr_eq(&self.names, &other.names) || self.hostnames().eq(other.hostnames());
        alive && self.absent().map(|peer| &peer.hostname).eq(other.absent().map(|peer| &peer.hostname))
    }

    /// Those that do not answer, by hostname.
    pub fn absent(&self) -> impl ExactSizeIterator<Item = &Peer> {
        self.absent.iter().map(|row| &*row.peer)
    }

    /// The one at `position` among them.
    pub fn absent_at(&self, position: u32) -> Option<&Peer> {
        self.absent.get(position as usize).map(|row| &*row.peer)
    }

    /// Each one's JSON text, by hostname.
    pub fn absent_rows(&self) -> impl ExactSizeIterator<Item = (&Hostname, &str)> {
        self.absent.iter().map(|row| (&row.peer.hostname, &*row.json))
    }

    /// The place of `hostname` among them.
    pub fn absent_position(&self, hostname: &str) -> Option<u32> {
        let found = self.absent.binary_search_by(|row| row.peer.hostname.as_str().cmp(hostname)).ok()?;
        u32::try_from(found).ok()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of `hostname`, when it is known.
    pub fn position(&self, hostname: &str) -> Option<u32> {
        self.names.by_hostname.get(hostname).copied()
    }

    /// The hostname at `position`.
    pub fn hostname(&self, position: u32) -> Option<&str> {
        let position = position as usize;
        let end = *self.names.ends.get(position)?;
        let begin = position.checked_sub(1).map_or(0, |before| self.names.ends[before]);
        Some(&self.names.text[begin..end])
    }

    /// All hostnames, in order.
    pub fn hostnames(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut begin = 0;
        self.names.ends.iter().map(move |end| &self.names.text[std::mem::replace(&mut begin, *end)..*end])
    }

    /// The node at `position`.
    pub fn get(&self, position: u32) -> Option<&Peer> {
        self.rows.get(position as usize).map(|row| &*row.peer)
    }

    /// All nodes, by hostname.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Peer> {
        self.rows.iter().map(|row| &*row.peer)
    }

    /// Each node's JSON text, by hostname; made once when the table was.
    pub fn json_rows(&self) -> impl ExactSizeIterator<Item = (&Hostname, &str)> {
        self.rows.iter().map(|row| (&row.peer.hostname, &*row.json))
    }
}

#[cfg(test)]
pub(crate) mod tests;
