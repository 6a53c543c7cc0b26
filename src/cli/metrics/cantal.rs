//! The list of a cantal agent, asked of it without any node between. Its names and units become those of this program.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use verwalter_collect::cantal::{Agent, Listed, ListedValue, PORT};
use verwalter_collect::clock::unix_now;
use verwalter_collect::unit::Unit;
use verwalter_core::ids::UnixMillis;

use super::Words;
use super::reading::{Line, Told};

/// How long the agent may take: on a machine with 40,000 processes its list has megabytes.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where an agent listens unless it was told otherwise.
pub(super) fn default_address() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT)
}

/// What the agent lists of what is chosen, as JSON and as it is shown.
pub(super) fn list(agent: SocketAddr, words: &Words) -> anyhow::Result<(String, Told<Line>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for the request")?;
    let listed = runtime.block_on(Agent::new(agent, DEADLINE).metrics());
    let listed = listed.map_err(|error| anyhow::anyhow!("{}", error.explain()))?;
    let at = unix_now();
    let chosen = listed.iter().filter(|listed| words.selection.query().matches(&listed.labels));
    let series: Vec<Line> = chosen.map(|listed| line(listed, at)).collect();
    let near = if series.is_empty() { words.selection.near(listed.iter().map(|listed| &listed.labels)) } else { Vec::new() };
    let document = json!({ "v": 1, "at": at, "source": "cantal", "agent": agent, "series": series, "left_out": 0, "near": near });
    Ok((document.to_string(), Told { at: Some(at.0), readings: None, series, left_out: 0, near }))
}

fn line(listed: &Listed, now: UnixMillis) -> Line {
    let (kind, value, state) = match &listed.value {
        ListedValue::Counter(value) => ("counter", Some(*value), None),
        ListedValue::Gauge(value) => ("gauge", Some(*value), None),
        ListedValue::State { text, .. } => ("state", None, Some(text.clone())),
    };
    Line {
        labels: listed.labels.clone(),
        kind: kind.to_owned(),
        unit: Unit::of(&listed.labels).filter(|_| state.is_none()).map(|unit| unit.name().to_owned()),
        value,
        state,
        age_ms: Some(now.0.saturating_sub(listed.at.0)),
    }
}
