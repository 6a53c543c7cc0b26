//! From documents of the contract to what modules of verwalter 0.13 were told. Values are copied as text wherever their shape is
//! the same: numbers keep their digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use verwalter_core::digest::Digest;

use super::Misfit;

/// Of a scheduler's document what 0.13 knew. It had no configuration, round or term.
#[derive(Deserialize)]
struct SchedulerDocument<'a> {
    #[serde(borrow)]
    now: &'a RawValue,
    #[serde(borrow)]
    current_host: &'a RawValue,
    current_id: String,
    #[serde(borrow)]
    parents: &'a RawValue,
    #[serde(borrow)]
    actions: &'a RawValue,
    #[serde(borrow)]
    runtime: &'a RawValue,
    /// By hostname, whose order is that of columns.
    #[serde(borrow)]
    peers: BTreeMap<String, Peer<'a>>,
    #[serde(borrow, default)]
    metrics: BTreeMap<String, Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Peer<'a> {
    id: String,
    #[serde(borrow)]
    addr: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    hostname: &'a RawValue,
    #[serde(borrow)]
    known_since: &'a RawValue,
    #[serde(borrow)]
    last_report_direct: &'a RawValue,
}

/// A scheduler's input, with the keys in the order of 0.13.
#[derive(Serialize)]
struct SchedulerInput<'a> {
    now: &'a RawValue,
    current_host: &'a RawValue,
    current_id: &'a str,
    parents: &'a RawValue,
    actions: &'a RawValue,
    runtime: &'a RawValue,
    /// By id, without the own node.
    peers: BTreeMap<&'a str, OldPeer<'a>>,
    /// By name, then by id; the own node too. What has no sample is left out.
    metrics: BTreeMap<&'a str, BTreeMap<&'a str, &'a RawValue>>,
}

#[derive(Serialize)]
struct OldPeer<'a> {
    id: &'a str,
    addr: &'a RawValue,
    name: &'a RawValue,
    hostname: &'a RawValue,
    /// The stamp of what the peer last applied: not part of today's document, and null was always possible.
    schedule: (),
    known_since: &'a RawValue,
    last_report_direct: &'a RawValue,
    errors: u32,
}

/// What `scheduler` is called with.
pub(super) fn scheduler(document: &str) -> Result<String, Misfit> {
    let told: SchedulerDocument<'_> = parse(document)?;
    let metrics = told.metrics.iter().map(|(name, column)| {
        let samples = told.peers.values().zip(column).filter(|(_, value)| value.get() != "null");
        (name.as_str(), samples.map(|(peer, value)| (peer.id.as_str(), *value)).collect())
    });
    let others = told.peers.values().filter(|peer| peer.id != told.current_id).map(|peer| {
        let old = OldPeer {
            id: &peer.id,
            addr: peer.addr,
            name: peer.name,
            hostname: peer.hostname,
            schedule: (),
            known_since: peer.known_since,
            last_report_direct: peer.last_report_direct,
            errors: 0,
        };
        (peer.id.as_str(), old)
    });
    Ok(write(&SchedulerInput {
        now: told.now,
        current_host: told.current_host,
        current_id: &told.current_id,
        parents: told.parents,
        actions: told.actions,
        runtime: told.runtime,
        peers: others.collect(),
        metrics: metrics.collect(),
    }))
}

/// What both documents for query plugins say.
#[derive(Deserialize)]
struct InForce<'a> {
    now: u64,
    #[serde(borrow)]
    hostname: &'a RawValue,
    #[serde(borrow)]
    schedule: &'a RawValue,
    /// When the schedule came into force, where the document says it.
    #[serde(default)]
    since: Option<u64>,
}

#[derive(Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    path: &'a RawValue,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Former<'a> {
    /// Null, and hence absent, where the node never had one.
    #[serde(borrow)]
    previous: Option<&'a RawValue>,
}

/// A schedule as 0.13 sent it around.
#[derive(Serialize)]
struct Wrapper<'a> {
    timestamp: u64,
    hash: String,
    data: &'a RawValue,
    origin: &'a str,
}

#[derive(Serialize)]
struct Init<'a> {
    schedule: Wrapper<'a>,
    hostname: &'a RawValue,
}

#[derive(Serialize)]
struct QueryInput<'a> {
    path: &'a RawValue,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct RolesInput<'a> {
    deployment_id: &'a str,
    previous_schedule: Option<Wrapper<'a>>,
}

/// What `init` and `query` are called with.
pub(super) fn query(document: &str) -> Result<[String; 2], Misfit> {
    let (init, _) = init(document)?;
    let Question { path, body } = parse(document)?;
    Ok([init, write(&QueryInput { path, body })])
}

/// What `init` and `render_roles` are called with.
pub(super) fn render_roles(document: &str) -> Result<[String; 2], Misfit> {
    let (init, now) = init(document)?;
    let Former { previous } = parse(document)?;
    // The document has none, and two renders of one document are one: the same name is then right.
    let deployment = Digest::of(document.as_bytes()).hex();
    let input = RolesInput { deployment_id: &deployment[..32], previous_schedule: previous.map(|data| wrap(data, now)) };
    Ok([init, write(&input)])
}

/// What `init` is called with, and the document's time.
fn init(document: &str) -> Result<(String, u64), Misfit> {
    let InForce { now, hostname, schedule, since } = parse(document)?;
    if schedule.get() == "null" {
        return Err(Misfit::Document("no schedule is in force yet".to_owned()));
    }
    Ok((write(&Init { schedule: wrap(schedule, since.unwrap_or(now)), hostname }), now))
}

fn wrap(data: &RawValue, timestamp: u64) -> Wrapper<'_> {
    /// Who decided is not told: an id that is nobody's.
    const NOBODY: &str = "00000000000000000000000000000000";
    Wrapper { timestamp, hash: Digest::of(data.get().as_bytes()).hex(), data, origin: NOBODY }
}

fn parse<'a, T: Deserialize<'a>>(document: &'a str) -> Result<T, Misfit> {
    serde_json::from_str(document).map_err(|err| Misfit::Document(err.to_string()))
}

fn write(input: &impl Serialize) -> String {
    serde_json::to_string(input).expect("text keys, and values that are JSON already")
}
