//! What one node takes of a schedule: a role that this node cannot or may not run is refused by name, the others go on.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::names::{Hostname, NameError, RoleName, TemplateRef};
use crate::roles::RoleOverride;
use crate::schedule::Schedule;

/// The most roles that a node runs. Arbitrary, above any machine known.
pub const MAX_ROLES_PER_NODE: usize = 1_000;

/// What a node knows of itself.
#[derive(Debug)]
pub struct NodeFacts<'a> {
    /// Its key in the schedule.
    pub hostname: &'a Hostname,
    /// The templates that it has.
    pub templates: &'a BTreeSet<TemplateRef>,
    /// Facts about the machine, for templates, as `machine`.
    pub machine: &'a Map<String, Value>,
}

/// One role as this node will render it.
#[derive(Debug, Clone, PartialEq)]
pub struct RolePlan {
    /// Which role.
    pub role: RoleName,
    /// By which templates.
    pub template: TemplateRef,
    /// With which context: merged variables, and `role`, `node` and `machine`.
    pub vars: Map<String, Value>,
}

/// Why a role is not rendered here. The schedule or this node's files are at fault; what the role wrote before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing says which template.
    #[error("role {role}: the variable `template` is missing: set it to ROLE/VERSION in the role's runtime metadata or schedule")]
    NoTemplate {
        /// Which role.
        role: RoleName,
    },
    /// The variable is no template reference.
    #[error("role {role}: {source}")]
    BadTemplate {
        /// Which role.
        role: RoleName,
        /// What is wrong with it.
        source: NameError,
    },
    /// This node has no such directory.
    #[error("role {role}: there is no directory templates/{template} on this node: install it, or place the role elsewhere")]
    UnknownTemplate {
        /// Which role.
        role: RoleName,
        /// What it asks for.
        template: TemplateRef,
    },
    /// More roles than a node takes.
    #[error("role {role}: more than {MAX_ROLES_PER_NODE} roles on one node")]
    TooMany {
        /// Which role.
        role: RoleName,
    },
}

impl Refusal {
    /// The role that is refused.
    pub fn role(&self) -> &RoleName {
        match self {
            Refusal::NoTemplate { role }
            | Refusal::BadTemplate { role, .. }
            | Refusal::UnknownTemplate { role, .. }
            | Refusal::TooMany { role } => role,
        }
    }
}

/// What came of a schedule on one node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Accepted {
    /// The roles to render, by name.
    pub roles: Vec<RolePlan>,
    /// The roles that are not.
    pub refused: Vec<Refusal>,
}

/// Takes this node's part of `schedule`.
pub fn accept(schedule: &Schedule, facts: &NodeFacts<'_>) -> Accepted {
    let hostname = facts.hostname.as_str();
    let roles = schedule.roles_on(hostname).map(|(role, _)| role);
    plan(roles, facts, |role| schedule.vars_of(hostname, role.as_str()).expect("the role was listed for this node"))
}

/// Takes the roles that a query plugin chose for this node instead of the schedule's. Their variables are whole: nothing of the
/// schedule is merged into them.
pub fn accept_override(chosen: &RoleOverride, facts: &NodeFacts<'_>) -> Accepted {
    plan(chosen.roles.keys(), facts, |role| chosen.roles[role].clone())
}

/// Plans `roles` in their order; `vars` has the variables of each.
fn plan<'a>(roles: impl Iterator<Item = &'a RoleName>, facts: &NodeFacts<'_>, vars: impl Fn(&RoleName) -> Map<String, Value>) -> Accepted {
    let mut accepted = Accepted::default();
    for role in roles {
        let plan = if accepted.roles.len() == MAX_ROLES_PER_NODE {
            Err(Refusal::TooMany { role: role.clone() })
        } else {
            plan_role(role, vars(role), facts)
        };
        match plan {
            Ok(plan) => accepted.roles.push(plan),
            Err(refusal) => accepted.refused.push(refusal),
        }
    }
    accepted
}

fn plan_role(role: &RoleName, mut vars: Map<String, Value>, facts: &NodeFacts<'_>) -> Result<RolePlan, Refusal> {
    let Some(template) = vars.get("template").and_then(Value::as_str) else {
        return Err(Refusal::NoTemplate { role: role.clone() });
    };
    let template = TemplateRef::new(template).map_err(|source| Refusal::BadTemplate { role: role.clone(), source })?;
    if !facts.templates.contains(&template) {
        return Err(Refusal::UnknownTemplate { role: role.clone(), template });
    }
    vars.insert("role".to_owned(), Value::from(role.as_str()));
    vars.entry("node").or_insert_with(|| Value::from(facts.hostname.as_str()));
    vars.entry("machine").or_insert_with(|| Value::Object(facts.machine.clone()));
    Ok(RolePlan { role: role.clone(), template, vars })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admit::admit;
    use crate::json::strict::JsonLimits;
    use crate::peers::PeerTable;
    use crate::peers::tests::peer;
    use crate::ports::RawOutput;
    use crate::roles::read_override;

    fn check(schedule: &str, expect: &[&str]) {
        let (peers, _) = PeerTable::new(vec![peer("alpha", 1)]);
        let output = RawOutput(format!(r#"{{"v":1,"schedule":{schedule}}}"#).into_bytes());
        let admitted = admit(&output, &peers, LIMITS).expect("a sound answer");
        compare(|facts| accept(&admitted.schedule, facts), expect);
    }

    fn check_override(roles: &str, expect: &[&str]) {
        let output = RawOutput(format!(r#"{{"v":1,"to_render":{roles}}}"#).into_bytes());
        let chosen = read_override(&output, LIMITS).expect("a sound answer").expect("not null");
        compare(|facts| accept_override(&chosen, facts), expect);
    }

    const LIMITS: JsonLimits = JsonLimits { depth: 32, values: 100_000 };

    fn compare(take: impl Fn(&NodeFacts<'_>) -> Accepted, expect: &[&str]) {
        let facts = NodeFacts {
            hostname: &peer("alpha", 1).hostname,
            templates: &BTreeSet::from([TemplateRef::new("web/v1").expect("valid")]),
            machine: &serde_json::from_str(r#"{"cpus":2}"#).expect("JSON"),
        };
        let accepted = take(&facts);
        let plans = accepted.roles.iter().map(|plan| format!("{} {} {}", plan.role, plan.template, Value::Object(plan.vars.clone())));
        let got: Vec<String> = plans.chain(accepted.refused.iter().map(ToString::to_string)).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn sound_roles_go_on_beside_refused_ones() {
        check(
            r#"{"vars":{"dc":"x"},"roles":{"web":{"template":"web/v1","place":{"alpha":2}},"none":{"place":{"alpha":1}},
                "bad":{"template":"../etc","place":{"alpha":1}},"gone":{"template":"web/v2","place":{"alpha":1}},"elsewhere":{}}}"#,
            &[
                r#"web web/v1 {"dc":"x","instances":2,"machine":{"cpus":2},"node":"alpha","role":"web","template":"web/v1"}"#,
                "role bad: template name `..` must begin with a lower-case letter or a digit",
                "role gone: there is no directory templates/web/v2 on this node: install it, or place the role elsewhere",
                "role none: the variable `template` is missing: set it to ROLE/VERSION in the role's runtime metadata or schedule",
            ],
        );
    }

    #[test]
    fn roles_of_an_override_are_planned_the_same_way() {
        check_override(
            r#"{"web":{"template":"web/v1","role":"other","node":"told"},"none":{},"gone":{"template":"web/v2"}}"#,
            &[
                r#"web web/v1 {"machine":{"cpus":2},"node":"told","role":"web","template":"web/v1"}"#,
                "role gone: there is no directory templates/web/v2 on this node: install it, or place the role elsewhere",
                "role none: the variable `template` is missing: set it to ROLE/VERSION in the role's runtime metadata or schedule",
            ],
        );
        check_override("{}", &[]);
    }

    #[test]
    fn a_node_takes_a_thousand_roles_and_refuses_the_next() {
        let roles: Vec<String> = (0..=MAX_ROLES_PER_NODE).map(|n| format!(r#""r{n:04}":{{"template":"web/v1"}}"#)).collect();
        let output = RawOutput(format!(r#"{{"v":1,"to_render":{{{}}}}}"#, roles.join(",")).into_bytes());
        let chosen = read_override(&output, LIMITS).expect("a sound answer").expect("not null");
        let facts = NodeFacts {
            hostname: &peer("alpha", 1).hostname,
            templates: &BTreeSet::from([TemplateRef::new("web/v1").expect("valid")]),
            machine: &Map::new(),
        };
        let accepted = accept_override(&chosen, &facts);
        assert_eq!(accepted.roles.len(), MAX_ROLES_PER_NODE);
        assert_eq!(accepted.refused, [Refusal::TooMany { role: RoleName::new("r1000").expect("valid") }]);
    }
}
