//! Questions to the query plugin: an operator's by way of the API, and this node's about the roles that it renders. It decides nothing
//! about a schedule.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use verwalter_core::contract::{QueryInput, RolesInput, query_document, roles_document};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::json::text::JsonText;
use verwalter_core::names::Hostname;
use verwalter_core::ports::{Decision, Failure, FailureCause, Query};
use verwalter_core::roles::{RoleOverride, read_override};
use verwalter_core::schedule::Schedule;

use crate::store::InForce;

/// What an operator asks.
#[derive(Debug)]
pub struct Question {
    /// What follows `/v1/query/`.
    pub path: String,
    /// The request's method.
    pub method: &'static str,
    /// The parameters after `?`.
    pub parameters: BTreeMap<String, String>,
    /// The request's body.
    pub body: Option<JsonText>,
}

/// Asks. Blocks for as long as the plugin's limits allow.
pub fn answer(
    plugin: &dyn Query,
    question: &Question,
    hostname: &Hostname,
    in_force: Option<&InForce>,
    now: UnixMillis,
) -> Result<JsonText, Failure> {
    let input = QueryInput {
        now,
        path: &question.path,
        method: question.method,
        query: &question.parameters,
        body: question.body.as_ref(),
        hostname,
        config: plugin.config(),
        schedule: in_force.map(|in_force| (&in_force.schedule, in_force.since)),
    };
    let decision = plugin.query(&query_document(&input))?;
    JsonText::read(&decision.output.0, plugin.json_limits()).map_err(|err| refused(plugin, &decision, err.to_string()))
}

fn refused(plugin: &dyn Query, decision: &Decision, message: String) -> Failure {
    Failure {
        plugin: plugin.id().clone(),
        cause: FailureCause::Refused,
        message,
        log: decision.log.clone(),
        cost: Some(Box::new(decision.cost)),
    }
}

/// Asks which roles a node renders; `None` leaves that to the schedule. Blocks for as long as the plugin's limits allow.
///
/// None at all where the schedule has some is more often an accident than meant, and would remove the files of every role: a guard, as a
/// scheduler has one.
pub fn roles(
    plugin: &dyn Query,
    schedule: &Schedule,
    previous: Option<&Schedule>,
    hostname: &Hostname,
    machine: &Map<String, Value>,
    now: UnixMillis,
) -> Result<Option<RoleOverride>, Failure> {
    let input = RolesInput { now, hostname, config: plugin.config(), schedule, previous, machine };
    let decision = plugin.render_roles(&roles_document(&input))?;
    let chosen = read_override(&decision.output, plugin.json_limits()).map_err(|err| refused(plugin, &decision, err.to_string()))?;
    let placed = schedule.roles_on(hostname.as_str()).count();
    if placed > 0 && !plugin.allows_empty() && chosen.as_ref().is_some_and(|chosen| chosen.roles.is_empty()) {
        let message = format!(
            "it would render no role on this node, where the schedule has {placed}; what is rendered stays. If this is meant, allow it with \
             `guards: {{ allow-empty: true }}` in the plugin's manifest"
        );
        return Err(Failure { cause: FailureCause::Guard, ..refused(plugin, &decision, message) });
    }
    Ok(chosen)
}

/// What a node's roles were chosen from, so that the plugin is asked once for the same.
#[derive(Debug, Default)]
pub struct Chosen {
    known: Option<(Digest, Option<RoleOverride>)>,
    previous: Option<Schedule>,
}

impl Chosen {
    /// The roles for `schedule`: remembered, or asked for.
    pub fn roles(
        &mut self,
        plugin: &dyn Query,
        schedule: &Schedule,
        hostname: &Hostname,
        machine: &Map<String, Value>,
        now: UnixMillis,
    ) -> Result<Option<RoleOverride>, Failure> {
        let circumstances = format!(
            "{} {} {} {}",
            schedule.digest(),
            plugin.id().digest,
            plugin.config(),
            serde_json::to_string(machine).unwrap_or_default()
        );
        let key = Digest::of(circumstances.as_bytes());
        if let Some((_, chosen)) = self.known.as_ref().filter(|(known, _)| *known == key) {
            return Ok(chosen.clone());
        }
        let chosen = roles(plugin, schedule, self.previous.as_ref(), hostname, machine, now)?;
        self.known = Some((key, chosen.clone()));
        self.previous = Some(schedule.clone());
        Ok(chosen)
    }
}
