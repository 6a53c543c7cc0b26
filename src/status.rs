//! What the API and the command line read of a running node: views of the channels that its tasks publish on. It decides nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;
use verwalter_core::ports::PluginId;

use crate::agents;
use crate::cluster::Leadership;
use crate::counts::Counts;
use crate::deploy::{DeployReport, RoleOutcome, Waiting};
use crate::orders::{DeployOrders, PluginOrders};
use crate::plugin::PluginStatus;
use crate::plugin::generations::Generations;
use crate::plugin::meter::Meters;
use crate::reload::Config;
use crate::round::shadow::Book;
use crate::round::{Outcome, ReviewSummary, RoundInput, RoundReport};
use crate::store::InForce;
use verwalter_collect::agent;
use verwalter_collect::inquiry::Inquirer;
use verwalter_collect::table::source_name;
use verwalter_collect::{Published, SourcesState};

/// This program's version, as the predecessor writes it.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The channels of a running node.
#[derive(Clone)]
pub struct View {
    /// This node.
    pub id: NodeId,
    /// This node.
    pub hostname: Hostname,
    /// This node, for people.
    pub name: String,
    /// Where the API listens.
    pub addr: SocketAddr,
    /// Who leads.
    pub leadership: Arc<Leadership>,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// Since when another configuration is being made, if one is.
    pub reloading_since: watch::Receiver<Option<UnixMillis>>,
    /// The newest snapshot.
    pub collected: watch::Receiver<Option<Arc<Published>>>,
    /// Whom to ask for this machine's own series.
    pub history: Inquirer,
    /// The built-in agent in figures, where it runs.
    pub agent: Option<watch::Receiver<agent::Status>>,
    /// Why its keys cannot be read any more.
    pub key_failure: Option<watch::Receiver<Option<String>>>,
    /// The schedule in force.
    pub in_force: watch::Receiver<Option<Arc<InForce>>>,
    /// The newest round.
    pub round: watch::Receiver<Option<Arc<RoundReport>>>,
    /// What the newest decision read.
    pub input: watch::Receiver<Option<Arc<RoundInput>>>,
    /// The newest deployment.
    pub deployed: watch::Receiver<Option<Arc<DeployReport>>>,
    /// Why the schedule could not be stored.
    pub store_failure: watch::Receiver<Option<String>>,
    /// Why the newest round could not be recorded.
    pub journal_failure: watch::Receiver<Option<String>>,
    /// How the plugins in shadow compare.
    pub shadows: watch::Receiver<Arc<Book>>,
    /// What is remembered of plugins.
    pub generations: Option<Arc<Generations>>,
    /// Where it is remembered what belongs to which role.
    pub records_dir: PathBuf,
    /// Where operators' orders about plugins go.
    pub orders: PluginOrders,
    /// Where their orders about roles go.
    pub deploy_orders: DeployOrders,
    /// What plugins did.
    pub meters: Arc<Meters>,
    /// What this node did.
    pub counts: Arc<Counts>,
}

/// The leader, as others see it.
#[derive(Serialize)]
struct Leader<'a> {
    id: NodeId,
    name: &'a str,
    hostname: &'a Hostname,
    addr: Option<SocketAddr>,
    schedule: Option<String>,
}

impl View {
    /// Everything that is wrong now, by where.
    pub fn errors(&self) -> BTreeMap<String, String> {
        let mut errors = BTreeMap::new();
        let config = self.config.borrow().clone();
        for error in config.errors.iter() {
            errors
                .entry(format!("config {}", error.place()))
                .and_modify(|text: &mut String| *text += &format!("; {}", error.message))
                .or_insert_with(|| error.to_string());
        }
        for plugin in config.catalog.statuses() {
            if let Some(error) = &plugin.error {
                errors.insert(format!("plugin {}", plugin.name), error.to_string());
            }
        }
        match self.round.borrow().as_deref().map(|report| &report.outcome) {
            Some(Outcome::Failed { message, .. }) => drop(errors.insert("scheduler".to_owned(), message.clone())),
            Some(Outcome::Denied { message, .. }) => drop(errors.insert("policy".to_owned(), message.clone())),
            Some(Outcome::Accepted(_)) | None => {}
        }
        if let Some(message) = self.key_failure.as_ref().and_then(|failure| failure.borrow().clone()) {
            errors.insert("agent.key-file".to_owned(), message);
        }
        if let Some(published) = self.collected.borrow().as_deref().filter(|published| !published.sources.troubles.is_empty()) {
            errors.insert("agents".to_owned(), published.sources.troubles.join("; "));
        }
        if let Some(message) = self.journal_failure.borrow().as_ref() {
            errors.insert("journal".to_owned(), message.clone());
        }
        if let Some(message) = self.store_failure.borrow().as_ref() {
            errors.insert("store".to_owned(), message.clone());
        }
        if let Some(message) = self.deployed.borrow().as_ref().and_then(|report| report.unchosen.clone()) {
            errors.insert("render-roles".to_owned(), message);
        }
        if let Some(message) = self.deployed.borrow().as_ref().and_then(|report| report.unlogged.clone()) {
            errors.insert("deployment log".to_owned(), message);
        }
        for (role, message) in self.failed_roles() {
            errors.insert(format!("role {role}"), message);
        }
        errors
    }

    fn failed_roles(&self) -> Vec<(String, String)> {
        let deployed = self.deployed.borrow().clone();
        let roles = deployed.iter().flat_map(|report| &report.roles);
        roles.filter_map(|(role, outcome)| Some((role.to_string(), outcome.failure()?.to_owned()))).collect()
    }

    /// What this node still waits for before it can be relied on; empty when it is ready.
    pub fn unready(&self) -> Vec<&'static str> {
        let mut waits = Vec::new();
        if self.collected.borrow().is_none() {
            waits.push("no figures of this machine yet");
        }
        let in_force = self.in_force.borrow().as_ref().map(|in_force| in_force.schedule.digest());
        if in_force.is_none() {
            waits.push("no schedule is in force yet");
        }
        let deployed = self.deployed.borrow().as_ref().map(|report| (report.digest, report.unchosen.is_some()));
        match deployed {
            Some((_, true)) => waits.push("nothing can be deployed: `errors` in /v1/status says why"),
            deployed if deployed.map(|(digest, _)| digest) != in_force => waits.push("the schedule in force is not deployed yet"),
            _ => {}
        }
        waits
    }

    /// The predecessor's status object, with keys of its own beside it.
    pub fn status(&self) -> Value {
        let in_force = self.in_force.borrow().clone();
        let round = self.round.borrow().clone();
        let config = self.config.borrow().clone();
        let collected = self.collected.borrow().clone();
        let errors = self.errors();
        let failed: Vec<String> = self.failed_roles().into_iter().map(|(role, _)| role).collect();
        let digest = in_force.as_ref().map(|in_force| in_force.schedule.digest());
        let leader =
            Leader { id: self.id, name: &self.name, hostname: &self.hostname, addr: None, schedule: digest.map(|digest| digest.hex()) };
        let peers = collected.as_ref().map_or(0, |published| published.snapshot.peers().len().saturating_sub(1));
        let roles = self.deployed.borrow().as_ref().map_or(0, |report| report.roles.len());
        let term = self.leadership.term().map(|term| term.counter);
        json!({
            "version": VERSION,
            "id": self.id,
            "name": self.name,
            "hostname": self.hostname,
            "peers": peers,
            "peers_timestamp": collected.as_ref().map(|published| published.snapshot.at),
            "leader": leader,
            "roles": roles,
            "last_stable_timestamp": collected.as_ref().map(|published| published.snapshot.at),
            "num_errors": errors.len(),
            "errors": errors,
            "failed_roles": failed,
            "debug_force_leader": false,
            "metrics": { "scheduling_time": round.as_ref().map(|report| millis(report)) },
            "fetch_state": { "state": "StableLeader" },
            "election_state": { "is_leader": true, "is_stable": true, "leader": null, "epoch": term },
            "schedule_id": digest.map(|digest| digest.hex()),
            "schedule_status": "ok",
            "default_frontend": "common",
            "term": term,
            "schedule_since": in_force.as_ref().map(|in_force| in_force.since),
            "config_generation": config.generation,
            "restart_needed": config.restart_needed,
            "reloading_since": *self.reloading_since.borrow(),
            "sources": collected.as_deref().map(|published| sources(&published.sources)),
            "agent": self.agent.as_ref().map(|agent| agents::document(&agent.borrow())),
            "round": round.as_deref().map(round_summary),
            "deployment": self.deployed.borrow().as_deref().map(deployment),
        })
    }
}

/// Who tells of peers and figures, and the metrics that nobody has.
fn sources(sources: &SourcesState) -> Value {
    let unmatched = sources.unmatched.iter().map(|(rule, near)| json!({ "metric": rule.to_string(), "near": near }));
    json!({
        "peers": sources.peers,
        "metrics": sources.metrics.map(source_name),
        "unmatched": unmatched.collect::<Vec<_>>(),
    })
}

fn millis(report: &RoundReport) -> u64 {
    u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A round in one object: for the status and for `demo --json`.
pub fn round_summary(report: &RoundReport) -> Value {
    let mut summary = json!({
        "round": report.round,
        "term": report.term.counter,
        "at": report.at,
        "peers": report.peers,
        "plugin": report.plugin.as_ref().map(|plugin| &plugin.name),
        "plugin_digest": report.plugin.as_ref().map(|plugin| plugin.digest),
        "elapsed_us": micros(report.elapsed),
    });
    let outcome = match &report.outcome {
        Outcome::Accepted(accepted) => json!({
            "accepted": true,
            "schedule": accepted.digest.hex(),
            "changed": accepted.changed,
            "roles": accepted.totals.roles,
            "placements": accepted.totals.placements,
            "instances": accepted.totals.instances,
            "changes": accepted.changes,
            "warnings": accepted.warnings,
            "reviews": reviews(&accepted.reviews),
            "fuel": accepted.cost.fuel,
            "peak_memory_bytes": accepted.cost.peak_memory,
            "call_us": micros(accepted.cost.elapsed),
            "prepare_us": micros(accepted.prepare),
            "admit_us": micros(accepted.admit),
        }),
        Outcome::Denied { digest, message, reviews: words, .. } => json!({
            "accepted": false, "denied": true, "proposed": digest.hex(), "error": message, "reviews": reviews(words),
        }),
        Outcome::Failed { cause, message, .. } => json!({ "accepted": false, "cause": cause, "error": message }),
    };
    if let (Value::Object(summary), Value::Object(outcome)) = (&mut summary, outcome) {
        summary.extend(outcome);
    }
    summary
}

fn reviews(reviews: &[ReviewSummary]) -> Value {
    let one = |review: &ReviewSummary| {
        json!({
            "plugin": review.plugin.name, "digest": review.plugin.digest, "verdict": review.verdict, "reasons": review.reasons, "log": review.debug,
        })
    };
    reviews.iter().map(one).collect()
}

/// A plugin with all that is remembered of it.
pub fn plugin(view: &View, status: &PluginStatus) -> Value {
    let mut value = serde_json::to_value(status).expect("texts and numbers are JSON");
    let ledger = view.generations.as_ref().map(|generations| generations.ledger(&status.name)).unwrap_or_default();
    let in_force = ledger.in_force().map(|last| last.number);
    let generations: Vec<Value> = ledger
        .generations()
        .iter()
        .rev()
        .map(|generation| {
            json!({
                "number": generation.number,
                "digest": generation.build.wasm,
                "manifest_digest": generation.build.manifest,
                "activated_at": generation.activated_at,
                "proven": generation.proven,
                "in_force": status.digest.is_some() && in_force == Some(generation.number),
                "quarantined": ledger.set_aside(generation.build).map(|aside| &aside.reason),
            })
        })
        .collect();
    let set_aside: Vec<Value> = ledger
        .all_set_aside()
        .iter()
        .map(|aside| {
            json!({ "digest": aside.build.wasm, "manifest_digest": aside.build.manifest, "reason": aside.reason, "since": aside.since })
        })
        .collect();
    if let Value::Object(value) = &mut value {
        value.insert("generations".to_owned(), generations.into());
        value.insert("quarantined".to_owned(), set_aside.into());
        let id = status.digest.map(|digest| PluginId { name: status.name.clone(), digest });
        let metrics = id.and_then(|id| view.meters.reading(&id));
        value.insert("metrics".to_owned(), serde_json::to_value(metrics).expect("counters are JSON"));
    }
    value
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn deployment(report: &DeployReport) -> Value {
    let role = |outcome: &RoleOutcome| match outcome {
        RoleOutcome::Rendered { written, unchanged, removed, commands, at } => json!({
            "state": "rendered", "written": written, "unchanged": unchanged, "removed": removed, "commands": commands, "at": at,
        }),
        RoleOutcome::Failed { message, attempts } => json!({ "state": "failed", "error": message, "attempts": attempts }),
        RoleOutcome::Refused { message } => json!({ "state": "refused", "error": message }),
        RoleOutcome::Waiting => json!({ "state": "waiting" }),
    };
    let waiting = |Waiting { reason, until }: &Waiting| json!({ "reason": reason.name(), "until_ms": until, "hint": reason.hint() });
    let mut roles: BTreeMap<String, Value> = report.roles.iter().map(|(name, outcome)| (name.to_string(), role(outcome))).collect();
    for (name, wait) in &report.waiting {
        if let Some(Value::Object(role)) = roles.get_mut(name.as_str()) {
            role.insert("waiting".to_owned(), waiting(wait));
        }
    }
    json!({ "schedule": report.digest.hex(), "roles": roles })
}

/// The API's peer list: the own node is not its own peer.
pub fn peers(view: &View) -> Value {
    let collected = view.collected.borrow().clone();
    let peers = collected.iter().flat_map(|published| {
        let table = published.snapshot.peers();
        table.iter().chain(table.absent())
    });
    let listed = peers.filter(|peer| peer.id != view.id).map(|peer| {
        json!({
            "id": peer.id,
            "primary_addr": peer.addr,
            "name": peer.name,
            "hostname": peer.hostname,
            "known_since": peer.known_since,
            "last_report_direct": peer.last_report_direct,
            "alive": peer.alive,
            "since": peer.since,
            "roles": peer.state.as_ref().map(|state| &state.roles),
            "schedule": peer.state.as_ref().and_then(|state| state.schedule).map(|digest| digest.hex()),
            // The predecessor had a number here always.
            "errors": peer.state.as_ref().map_or(0, |state| state.errors),
        })
    });
    Value::Array(listed.collect())
}

/// When something happened, for people: seconds and milliseconds of the epoch are for programs.
pub fn since(at: UnixMillis, now: UnixMillis) -> String {
    let seconds = now.0.saturating_sub(at.0) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}
