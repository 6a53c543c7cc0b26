//! `lookup_node` and `nodes_of`: what the schedule in force places on other nodes. They see what was decided, never what became of it
//! there, and nothing that a node knows of itself.

use handlebars::{Helper, ScopedJson};
use serde_json::{Map, Value};
use verwalter_core::schedule::Schedule;

use super::{Work, all, arguments, brief, unfit, unnamed, usage};
use crate::render::Fault;
use crate::render::budget::{Budget, weight};

/// `lookup_node HOST`: an object whose `roles` has, by name, every role that the schedule places on HOST, with its merged variables:
/// those that its own templates get, but for `role`, `node` and `machine`. `lookup_node HOST ROLE`: the variables of that one.
/// What is not placed is an error that names it.
pub(super) fn lookup_node(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    match find(budget, helper)? {
        Found::Placed(value) => Ok(value),
        Found::Nowhere(what) => {
            Err(usage(helper, format!("{what}: test it with `has (lookup_node …)` or write `default (lookup_node …) …`")))
        }
    }
}

/// `lookup_node` that gives "missing" where nothing is placed.
pub(super) struct LookupNodeMaybe;

impl Work for LookupNodeMaybe {
    fn value<'rc>(&self, budget: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        match find(budget, helper)? {
            Found::Placed(value) => Ok(ScopedJson::Derived(value)),
            Found::Nowhere(_) => Ok(ScopedJson::Missing),
        }
    }
}

/// `nodes_of ROLE`: the hostnames of the nodes on which the schedule places ROLE, ascending. A role that the schedule does not know is
/// an error; one that is placed nowhere has no nodes.
pub(super) fn nodes_of(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [role] = arguments(helper)?;
    let role = text(helper, "the name of a role", 0, role)?;
    let schedule = schedule(budget, helper)?;
    let mut hosts = Vec::new();
    for host in schedule.nodes_of(role).map(|(host, _)| Value::from(host.as_str())) {
        budget.step()?;
        budget.make(weight(&host))?;
        hosts.push(host);
    }
    if hosts.is_empty() && !schedule.roles().any(|known| known.as_str() == role) {
        return Err(usage(helper, format!("finds no role `{}` in the schedule in force: name one that it has", brief(role))));
    }
    Ok(hosts.into())
}

enum Found {
    Placed(Value),
    /// What is not there.
    Nowhere(String),
}

fn find(budget: &Budget, helper: &Helper<'_>) -> Result<Found, Fault> {
    unnamed(helper)?;
    let values = all(helper)?;
    let (host, role) = match values.as_slice() {
        [host] => (host, None),
        [host, role] => (host, Some(text(helper, "the name of a role", 1, role)?)),
        values => return Err(usage(helper, format!("takes 1 or 2 arguments, not {}", values.len()))),
    };
    let host = text(helper, "a hostname", 0, host)?;
    let schedule = schedule(budget, helper)?;
    if schedule.roles_on(host).next().is_none() {
        return Ok(Found::Nowhere(format!("finds nothing that the schedule in force places on `{}`", brief(host))));
    }
    if let Some(role) = role {
        let nowhere = || Found::Nowhere(format!("finds no role `{}` that the schedule in force places on `{host}`", brief(role)));
        return Ok(vars(budget, &schedule, host, role)?.map_or_else(nowhere, Found::Placed));
    }
    let (mut roles, mut bytes) = (Map::new(), 0);
    for (role, _) in schedule.roles_on(host) {
        if let Some(vars) = vars(budget, &schedule, host, role.as_str())? {
            bytes += weight(&vars);
            budget.fits(bytes)?;
            roles.insert(role.as_str().to_owned(), vars);
        }
    }
    let node: Map<String, Value> = [("roles".to_owned(), Value::Object(roles))].into_iter().collect();
    Ok(Found::Placed(Value::Object(node)))
}

/// The merged variables of one placement. Charged when they are made: what a schedule has is capped where it is admitted, and only one
/// placement of it is made at a time.
fn vars(budget: &Budget, schedule: &Schedule, host: &str, role: &str) -> Result<Option<Value>, Fault> {
    budget.step()?;
    let vars = schedule.vars_of(host, role).map(Value::Object);
    if let Some(vars) = &vars {
        budget.make_value(weight(vars))?;
    }
    Ok(vars)
}

fn schedule(budget: &Budget, helper: &Helper<'_>) -> Result<Schedule, Fault> {
    budget.schedule().ok_or_else(|| usage(helper, "was called outside of a render"))
}

fn text<'a>(helper: &Helper<'_>, takes: &str, argument: usize, value: &'a Value) -> Result<&'a str, Fault> {
    value.as_str().ok_or_else(|| unfit(helper, takes, argument, &[], value))
}
