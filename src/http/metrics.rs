//! `/metrics`: the node's figures, as OpenMetrics where that is accepted, else in the older text format. All metrics stand in one table, so that their names, units and
//! labels are read in one place. Labels come from closed sets, plugins' names and digests: never from errors, paths or guests.

mod readings;

use std::fmt;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use verwalter_collect::agent::figures::counts;
use verwalter_collect::agent::{self, refusal};

use crate::histogram::{BOUNDS_US, Latency};
use crate::plugin::meter::CAUSES;

pub use readings::{PluginReading, Readings};

/// What scrapers are told that they get.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One metric: a family of samples with one name.
struct Family {
    /// Without its unit and without the format's own endings (`_total`, `_bucket`, `_info`).
    name: &'static str,
    unit: Option<&'static str>,
    kind: MetricType,
    help: &'static str,
    samples: fn(&Readings, &mut Samples<'_, '_>) -> fmt::Result,
}

use MetricType::{Counter, Gauge, Histogram, Info};

/// Every metric there is.
#[rustfmt::skip]
const FAMILIES: [Family; 25] = [
    Family { name: "verwalter_build", unit: None, kind: Info, help: "The program that runs.",
        samples: |r, s| s.info(&[("version", r.version)]) },
    Family { name: "verwalter_process_resident_memory", unit: Some("bytes"), kind: Gauge, help: "Memory of the daemon that is in RAM.",
        samples: |r, s| r.resident_memory_bytes.map_or(Ok(()), |bytes| s.gauge(&[], bytes)) },
    Family { name: "verwalter_cluster_peers", unit: None, kind: Gauge, help: "Nodes that the newest snapshot knows, this one included.",
        samples: |r, s| s.gauge(&[], r.peers) },
    Family { name: "verwalter_agent_members", unit: None, kind: Gauge, help: "Other nodes that the built-in agent knows, by how they are.",
        samples: |r, s| r.agent.iter().flat_map(members).try_for_each(|(state, n)| s.gauge(&[("state", state)], n)) },
    Family { name: "verwalter_agent_packets", unit: None, kind: Counter, help: "Packets of the built-in agent about membership.",
        samples: |r, s| r.agent.iter().flat_map(|agent| [("sent", agent.counts.sent), ("received", agent.counts.received)])
            .try_for_each(|(direction, n)| s.counter(&[("direction", direction)], n)) },
    Family { name: "verwalter_agent_packets_dropped", unit: None, kind: Counter, help: "Packets that the built-in agent could not use, by cause.",
        samples: |r, s| r.agent.iter().flat_map(|agent| refusal::Cause::ALL.iter().map(|cause| (cause.name(), agent.counts.dropped(*cause))))
            .try_for_each(|(cause, n)| s.counter(&[("cause", cause)], n)) },
    Family { name: "verwalter_agent_rows", unit: None, kind: Counter, help: "Rows of figures between built-in agents.",
        samples: |r, s| r.agent.iter().flat_map(|agent| [("told", agent.figures.told), ("heard", agent.figures.heard)])
            .try_for_each(|(direction, n)| s.counter(&[("direction", direction)], n)) },
    Family { name: "verwalter_agent_rows_dropped", unit: None, kind: Counter, help: "Packets and rows of figures that could not be used, by cause.",
        samples: |r, s| r.agent.iter().flat_map(|agent| counts::Cause::ALL.iter().map(|cause| (cause.name(), agent.figures.dropped(*cause))))
            .try_for_each(|(cause, n)| s.counter(&[("cause", cause)], n)) },
    Family { name: "verwalter_rounds", unit: None, kind: Counter, help: "Rounds by how they ended.",
        samples: |r, s| r.counts.rounds_by_name().into_iter().try_for_each(|(outcome, n)| s.counter(&[("outcome", outcome)], n)) },
    Family { name: "verwalter_round_duration", unit: Some("seconds"), kind: Histogram, help: "Rounds, from waking up to the commit.",
        samples: |r, s| s.histogram(&[], &r.counts.round_duration, MICROSECONDS_IN_A_SECOND) },
    Family { name: "verwalter_schedule_changes", unit: None, kind: Counter, help: "New schedules that this node put in force.",
        samples: |r, s| s.counter(&[], r.counts.rounds_by_name()[0].1) },
    Family { name: "verwalter_schedule_placements", unit: None, kind: Gauge, help: "Roles on nodes in the schedule in force.",
        samples: |r, s| s.gauge(&[], r.placements) },
    Family { name: "verwalter_deployments", unit: None, kind: Counter, help: "Tries of this node to deploy a role, by how they ended.",
        samples: |r, s| r.counts.deployments_by_name().into_iter().try_for_each(|(outcome, n)| s.counter(&[("outcome", outcome)], n)) },
    Family { name: "verwalter_catalog_generation", unit: None, kind: Gauge, help: "Grows by one with every reload of the plugins.",
        samples: |r, s| s.gauge(&[], r.catalog_generation) },
    Family { name: "verwalter_plugin_state", unit: None, kind: Gauge, help: "1 for the state that a plugin is in.",
        samples: |r, s| r.plugins.iter().try_for_each(|p| s.gauge(&[("plugin", p.name.as_str()), ("kind", &p.kind), ("state", &p.state)], 1)) },
    Family { name: "verwalter_plugin_generation", unit: None, kind: Gauge, help: "The generation of the build in force.",
        samples: |r, s| {
            let in_force = r.plugins.iter().filter_map(|p| Some((p, p.digest?, p.generation?)));
            in_force.into_iter().try_for_each(|(p, digest, n)| s.gauge(&[("plugin", p.name.as_str()), ("digest", &digest.short())], n))
        } },
    Family { name: "verwalter_plugin_activations", unit: None, kind: Counter, help: "Builds that came into force, and those that a step refused.",
        samples: |r, s| r.tallies.iter().try_for_each(|(name, tally)| {
            s.counter(&[("plugin", name.as_str()), ("result", "activated"), ("step", "")], tally.activated)?;
            let mut refused = tally.refused.iter();
            refused.try_for_each(|(step, n)| s.counter(&[("plugin", name.as_str()), ("result", "refused"), ("step", step)], *n))
        }) },
    Family { name: "verwalter_plugin_quarantines", unit: None, kind: Counter, help: "Builds that were put into quarantine.",
        samples: |r, s| r.tallies.iter().try_for_each(|(name, tally)| s.counter(&[("plugin", name.as_str())], tally.quarantines)) },
    Family { name: "verwalter_plugin_rollbacks", unit: None, kind: Counter, help: "Returns to a former build, ordered or not.",
        samples: |r, s| r.tallies.iter().try_for_each(|(name, tally)| s.counter(&[("plugin", name.as_str())], tally.rollbacks)) },
    Family { name: "verwalter_plugin_calls", unit: None, kind: Counter, help: "Calls of a build, failed ones too.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| s.counter(&[("plugin", id.name.as_str()), ("digest", &id.digest.short())], m.calls)) },
    Family { name: "verwalter_plugin_failures", unit: None, kind: Counter, help: "Failed calls of a build, by cause.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| CAUSES.iter().try_for_each(|cause| {
            let labels = [("plugin", id.name.as_str()), ("digest", &id.digest.short()), ("cause", &cause.to_string())];
            s.counter(&labels, m.failures.get(cause).copied().unwrap_or(0))
        })) },
    Family { name: "verwalter_plugin_call_duration", unit: Some("microseconds"), kind: Histogram, help: "Wall time of the calls of a build whose cost is known.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| s.histogram(&[("plugin", id.name.as_str()), ("digest", &id.digest.short())], &m.latency_us, 1.0)) },
    Family { name: "verwalter_plugin_fuel", unit: None, kind: Counter, help: "Fuel that a build used.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| s.counter(&[("plugin", id.name.as_str()), ("digest", &id.digest.short())], m.fuel.total)) },
    Family { name: "verwalter_plugin_peak_memory", unit: Some("bytes"), kind: Gauge, help: "The most linear memory that a call of a build had.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| s.gauge(&[("plugin", id.name.as_str()), ("digest", &id.digest.short())], m.peak_memory_bytes)) },
    Family { name: "verwalter_plugin_log_lines", unit: None, kind: Counter, help: "Lines that a build logged: written to the daemon's log, or beyond its rate.",
        samples: |r, s| r.builds.iter().try_for_each(|(id, m)| {
            let (name, digest) = (id.name.as_str(), id.digest.short());
            s.counter(&[("plugin", name), ("digest", &digest), ("result", "written")], m.log_lines)?;
            s.counter(&[("plugin", name), ("digest", &digest), ("result", "suppressed")], m.log_suppressed)
        }) },
];

fn members(agent: &agent::Status) -> [(&'static str, u64); 4] {
    [("alive", agent.alive), ("suspect", agent.suspect), ("down", agent.down), ("left", agent.left)].map(|(state, n)| (state, n as u64))
}

const MICROSECONDS_IN_A_SECOND: f64 = 1e6;

/// Labels as pairs: the encoder escapes their values.
#[derive(Debug)]
struct Labels<'a>(&'a [(&'static str, &'a str)]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

/// Where a family's samples go.
struct Samples<'a, 'b> {
    encoder: &'a mut MetricEncoder<'b>,
}

impl Samples<'_, '_> {
    fn counter(&mut self, labels: &[(&'static str, &str)], value: u64) -> fmt::Result {
        if labels.is_empty() {
            return self.encoder.encode_counter::<NoLabelSet, _, f64>(&value, None);
        }
        self.encoder.encode_family(&Labels(labels))?.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    fn gauge(&mut self, labels: &[(&'static str, &str)], value: u64) -> fmt::Result {
        if labels.is_empty() {
            return self.encoder.encode_gauge(&value);
        }
        self.encoder.encode_family(&Labels(labels))?.encode_gauge(&value)
    }

    fn info(&mut self, labels: &[(&'static str, &str)]) -> fmt::Result {
        self.encoder.encode_info(&Labels(labels))
    }

    /// `scale`: how many microseconds the metric's unit has.
    fn histogram(&mut self, labels: &[(&'static str, &str)], latency: &Latency, scale: f64) -> fmt::Result {
        let bounds = BOUNDS_US.iter().map(|us| *us as f64 / scale).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(latency.counts).collect();
        let (sum, count) = (latency.sum_us as f64 / scale, latency.count());
        if labels.is_empty() {
            return self.encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None);
        }
        self.encoder.encode_family(&Labels(labels))?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &FAMILIES {
            let unit = family.unit.map(|unit| Unit::Other(unit.to_owned()));
            let mut encoder = encoder.encode_descriptor(family.name, family.help, unit.as_ref(), family.kind)?;
            (family.samples)(self, &mut Samples { encoder: &mut encoder })?;
        }
        Ok(())
    }
}

/// The readings as OpenMetrics.
pub fn text(readings: Readings) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(readings));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("writing into a string does not fail");
    text
}

/// OpenMetrics in the text format 0.0.4, which names a counter's family as its samples, and knows neither infos, units nor an end.
fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        let (mark, what, name, rest) = (words.next(), words.next(), words.next(), words.next());
        match (mark, what, name.and_then(family)) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(family)) => {
                let (ending, kind) = match family.kind {
                    Counter => ("_total", "counter"),
                    Info => ("_info", "gauge"),
                    _ => ("", rest.unwrap_or_default()),
                };
                let words = if what == "TYPE" { kind } else { rest.unwrap_or_default() };
                plain.push_str(&format!("# {what} {}{ending} {words}\n", name.unwrap_or_default()));
            }
            (Some("#"), ..) => {}
            _ => plain.extend([line, "\n"]),
        }
    }
    plain
}

/// The family that has this name, its unit included.
fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| {
        let rest = name.strip_prefix(family.name);
        rest.is_some_and(|rest| rest.strip_prefix('_').unwrap_or(rest) == family.unit.unwrap_or_default())
    })
}

/// Whether OpenMetrics is among what a scraper accepts. Whoever names no format may know the older one only.
fn accepts_open_metrics(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|format| format.eq_ignore_ascii_case("application/openmetrics-text"));
        let refused = |part: &str| part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        is_named && !parts.any(refused)
    })
}

/// The readings as an answer to a scraper, in the format that it asks for.
pub fn response(readings: Readings, headers: &HeaderMap) -> Response {
    let text = text(readings);
    if accepts_open_metrics(headers) {
        return ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response();
    }
    ([(header::CONTENT_TYPE, PLAIN_TEXT)], plain_text(&text)).into_response()
}

#[cfg(test)]
mod tests;
