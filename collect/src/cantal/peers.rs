//! The list of peers as cantal tells it, made into what the cluster may rely on.
//!
//! One peer that makes no sense never spoils the others: it is left out, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Map;
use serde_json::value::RawValue;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

use crate::source::{MAX_COMPLAINTS, Peers, SeenPeer};
use crate::table::KEEP_ABSENT;

/// Most peers that are kept, the first in the list. Arbitrary, above the 10,000 that the rest is built for.
pub const MAX_PEERS: usize = 16_384;
/// How long a peer is held for alive after it last reported. Cantal hears of a healthy peer by others, and then probes it itself only
/// every 60 s, so that its own report may be that old, and some.
pub const ALIVE_MILLIS: u64 = 75_000;
/// Longest full name, in bytes. Arbitrary, above the 253 of a domain.
const MAX_NAME_BYTES: usize = 512;
/// How much of a stranger's text a complaint quotes, in characters.
const QUOTED: usize = 64;

/// One peer, as cantal 0.6 writes it. What else it says is not needed.
#[derive(Deserialize)]
struct RawPeer {
    id: String,
    hostname: Option<String>,
    name: Option<String>,
    primary_addr: Option<String>,
    known_since: Option<u64>,
    last_report_direct: Option<u64>,
}

/// Reads an answer of `/all_peers.json` that was asked for `at`. An error only where the whole is no list of peers.
pub(super) fn read(bytes: &[u8], at: UnixMillis, api_port: u16) -> Result<Peers, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let gathered = deserializer.deserialize_map(Answer { at, api_port })?;
    deserializer.end()?;
    let Gathered { peers, mut complaints, untold } = gathered;
    if untold > 0 {
        complaints.truncate(MAX_COMPLAINTS - 1);
        complaints.push(format!("and {} more such peers", untold + 1));
    }
    Ok(Peers { at, peers: peers.into_values().map(Arc::new).collect(), complaints })
}

#[derive(Default)]
struct Gathered {
    peers: BTreeMap<NodeId, SeenPeer>,
    complaints: Vec<String>,
    untold: usize,
}

impl Gathered {
    fn complain(&mut self, complaint: String) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(complaint);
        } else {
            self.untold += 1;
        }
    }
}

/// Walks the answer without keeping more of it than one peer's text.
struct Answer {
    at: UnixMillis,
    api_port: u16,
}

impl<'de> Visitor<'de> for Answer {
    type Value = Gathered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the list `peers`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Gathered, A::Error> {
        let mut gathered = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "peers" && gathered.is_none() {
                gathered = Some(map.next_value_seed(List(&self))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        gathered.ok_or_else(|| serde::de::Error::missing_field("peers"))
    }
}

struct List<'a>(&'a Answer);

impl<'de> serde::de::DeserializeSeed<'de> for List<'_> {
    type Value = Gathered;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Gathered, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Gathered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of peers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Gathered, A::Error> {
        let mut gathered = Gathered::default();
        while let Some(text) = list.next_element::<&RawValue>()? {
            let seen = peer(text.get(), self.0.at, self.0.api_port);
            match seen {
                Err(complaint) => gathered.complain(complaint),
                Ok(peer) if gathered.peers.contains_key(&peer.id) => {
                    gathered.complain(format!("peer {} is listed twice: give every machine an /etc/machine-id of its own", peer.id));
                }
                Ok(peer) if gathered.peers.len() >= MAX_PEERS => {
                    gathered.complain(format!("peer {} is left out: {MAX_PEERS} are kept at most", peer.id));
                }
                Ok(peer) => {
                    gathered.peers.insert(peer.id, peer);
                }
            }
        }
        Ok(gathered)
    }
}

/// What an agent tells now, and of whom it told before and does not now. cantal lists a peer for two days after its last report: it has forgotten
/// whom it does not list, since it was started anew and meets them again within seconds. They are held for what they were by their last report,
/// for as long as plugins are told of nodes that are gone. Who was alive when the agent fell silent has until some time after `back_at`, when
/// it spoke again.
pub(super) fn remember(before: &Peers, mut told: Peers, back_at: UnixMillis) -> Peers {
    let keep = u64::try_from(KEEP_ABSENT.as_millis()).unwrap_or(u64::MAX);
    let at = told.at;
    let listed: BTreeSet<NodeId> = told.peers.iter().map(|peer| peer.id).collect();
    let room = MAX_PEERS.saturating_sub(told.peers.len());
    let forgotten = before.peers.iter().filter(|peer| !listed.contains(&peer.id)).filter_map(|peer| {
        let reported = peer.last_report.unwrap_or(peer.known_since);
        // A time to come is that of a clock set back, and would never grow old.
        let last_report = if reported > at { Some(at) } else { peer.last_report };
        let heard = if peer.alive { reported.max(back_at).min(at) } else { reported.min(at) };
        let alive = is_alive(at, heard, None);
        let stays = alive || at.0.saturating_sub(reported.0) <= keep;
        let changed = (alive, last_report) != (peer.alive, peer.last_report);
        stays.then(|| if changed { Arc::new(SeenPeer { alive, last_report, ..(**peer).clone() }) } else { peer.clone() })
    });
    let forgotten: Vec<Arc<SeenPeer>> = forgotten.take(room).collect();
    told.peers.extend(forgotten);
    told.peers.sort_by_key(|peer| peer.id);
    told
}

/// One peer, or why it is left out.
fn peer(text: &str, at: UnixMillis, api_port: u16) -> Result<SeenPeer, String> {
    let raw: RawPeer = serde_json::from_str(text).map_err(|error| format!("a peer is left out, its record is not cantal's: {error}"))?;
    let RawPeer { id, hostname, name, primary_addr, known_since, last_report_direct } = raw;
    let left_out = |why: &str| format!("peer `{}` is left out: {why}", quoted(&id));
    let parsed = NodeId::parse(&id).map_err(|error| left_out(&error.to_string()))?;
    let missing = |field: &str| left_out(&format!("cantal has no `{field}` of it yet"));
    let hostname = hostname.ok_or_else(|| missing("hostname"))?;
    // As the own name is read: the kernel keeps capitals, names on the network mean the same without.
    let hostname = Hostname::new(&hostname.to_lowercase()).map_err(|error| left_out(&format!("{error}; rename the machine")))?;
    let name = name.ok_or_else(|| missing("name"))?;
    if name.len() > MAX_NAME_BYTES {
        return Err(left_out(&format!("its name is longer than {MAX_NAME_BYTES} bytes; rename the machine")));
    }
    let known_since = UnixMillis(known_since.ok_or_else(|| missing("known_since"))?);
    let agent = match primary_addr.map(|text| text.parse::<SocketAddr>().map_err(|_| text)) {
        Some(Err(text)) => return Err(left_out(&format!("`{}` is no address", quoted(&text)))),
        Some(Ok(agent)) => Some(agent),
        None => None,
    };
    let last_report = last_report_direct.map(UnixMillis);
    Ok(SeenPeer {
        id: parsed,
        hostname,
        name,
        addr: agent.map(|agent| SocketAddr::new(canonical(agent.ip()), api_port)),
        agent,
        known_since,
        last_report,
        alive: is_alive(at, known_since, last_report),
        machine: Arc::new(Map::new()),
        state: None,
    })
}

/// Whether a peer that last reported (or was first heard of) then is held for alive at `at`. A time to come is that of a clock set back.
fn is_alive(at: UnixMillis, known_since: UnixMillis, last_report: Option<UnixMillis>) -> bool {
    at.0.saturating_sub(last_report.unwrap_or(known_since).0) <= ALIVE_MILLIS
}

fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
