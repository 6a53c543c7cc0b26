//! What the operator wants: `runtime/ROLE.yaml`, checked. An error names the role and the key.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use verwalter_plugin::core::names::{NameError, TemplateRef};
use verwalter_plugin::{Error, Input, RoleName, json};

/// The most instances of one role. The host's own limit of placements.
const MAX_INSTANCES: u64 = 1_000_000;

/// One role, as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name: the file's stem.
    pub name: RoleName,
    /// How many in the whole cluster.
    pub instances: u32,
    /// How many on one peer at most.
    pub per_node_max: u32,
    /// What a new instance takes.
    pub needs: Needs,
    /// Machine facts, by dotted path, that a peer must have.
    pub only: Vec<(String, String)>,
    /// Variables of the role, `template` among them.
    pub vars: Map<String, Value>,
}

/// What one instance takes of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Memory in KiB.
    pub memory_kib: u64,
    /// Millionths of the machine's CPUs.
    pub cpu_millionths: u32,
}

/// Runtime metadata that cannot be used. The operator is at fault; the schedule in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolesError {
    /// The runtime metadata as a whole.
    #[error(transparent)]
    Runtime(#[from] Error),
    /// A file's name is no role's.
    #[error("runtime metadata: {0}")]
    Name(#[from] NameError),
    /// A key of a role.
    #[error("runtime metadata of role `{role}`: `{key}` {problem}")]
    Key {
        /// The role.
        role: String,
        /// The key, dotted.
        key: String,
        /// What is wrong and what is wanted.
        problem: String,
    },
}

/// All roles by name.
pub fn read(input: &Input<'_>) -> Result<Vec<Role>, RolesError> {
    let runtime: BTreeMap<String, Value> = input.runtime()?;
    runtime.into_iter().map(|(name, value)| role(&name, value)).collect()
}

fn role(name: &str, value: Value) -> Result<Role, RolesError> {
    let mut role = Role {
        name: RoleName::new(name)?,
        instances: 0,
        per_node_max: u32::MAX,
        needs: Needs::default(),
        only: Vec::new(),
        vars: Map::new(),
    };
    let refuse = |key: &str, problem: String| Err(RolesError::Key { role: name.to_owned(), key: key.to_owned(), problem });
    let wrong = |key: &str, wanted: &str, got: &Value| {
        let got = json::to_string(got).unwrap_or_else(|err| err.to_string());
        refuse(key, format!("must be {wanted}, not {got}"))
    };
    let Value::Object(map) = value else {
        return refuse("instances", "is missing: the file must be a mapping with `instances` and `template`".to_owned());
    };
    let (mut instances, mut template) = (None, None);
    for (key, value) in map {
        match (key.as_str(), value) {
            ("instances", value) => match whole(&value, 0) {
                Some(n) => instances = Some(n),
                None => return wrong(&key, "a whole number of 0 to 1000000", &value),
            },
            ("per_node_max", value) => match whole(&value, 1) {
                Some(n) => role.per_node_max = n,
                None => return wrong(&key, "a whole number of 1 to 1000000", &value),
            },
            ("template", Value::String(text)) => match TemplateRef::new(&text) {
                Ok(_) => template = Some(text),
                Err(err) => return refuse(&key, format!("is none: {err}")),
            },
            ("needs", Value::Object(needs)) => {
                for (kind, value) in &needs {
                    let key = format!("needs.{kind}");
                    match kind.as_str() {
                        "memory" => match value.as_u64() {
                            Some(bytes) => role.needs.memory_kib = bytes.div_ceil(1024),
                            None => return wrong(&key, "a whole number of bytes", value),
                        },
                        "cpu" => match value.as_f64() {
                            Some(share) if (0.0..=1.0).contains(&share) => role.needs.cpu_millionths = (share * 1e6).ceil() as u32,
                            _ => return wrong(&key, "a share of the machine, 0 to 1", value),
                        },
                        _ => return refuse(&key, "is not known: a role needs `memory` (bytes) or `cpu` (share of a machine)".to_owned()),
                    }
                }
            }
            ("only", Value::Object(facts)) => {
                for (fact, value) in facts {
                    let text = match &value {
                        Value::String(text) => text.clone(),
                        Value::Number(n) => n.to_string(),
                        Value::Bool(value) => value.to_string(),
                        _ => return wrong(&format!("only.{fact}"), "a text, number or boolean", &value),
                    };
                    role.only.push((fact, text));
                }
            }
            ("vars", Value::Object(vars)) => role.vars = vars,
            ("template", value) => return wrong(&key, "a text, ROLE/VERSION", &value),
            ("needs" | "only" | "vars", value) => return wrong(&key, "a mapping", &value),
            _ => return refuse(&key, "is not known; a role has instances, template, per_node_max, needs, only and vars".to_owned()),
        }
    }
    for taken in ["template", "place"] {
        if role.vars.contains_key(taken) {
            return refuse(&format!("vars.{taken}"), "is not yours to set".to_owned());
        }
    }
    let Some(instances) = instances else { return refuse("instances", "is missing: say how many the cluster runs".to_owned()) };
    let Some(template) = template else { return refuse("template", "is missing: say what the peers render, ROLE/VERSION".to_owned()) };
    role.instances = instances;
    role.vars.insert("template".to_owned(), Value::String(template));
    Ok(role)
}

/// A whole number of `least` to the most instances of a role.
fn whole(value: &Value, least: u64) -> Option<u32> {
    let n = value.as_u64().filter(|n| (least..=MAX_INSTANCES).contains(n))?;
    u32::try_from(n).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml_as_json: &str, expect: &str) {
        let value = serde_json::from_str(yaml_as_json).expect("JSON");
        let got = match role("web", value) {
            Ok(role) => format!(
                "{} max {} needs {:?} only {:?} vars {}",
                role.instances,
                role.per_node_max,
                (role.needs.memory_kib, role.needs.cpu_millionths),
                role.only,
                Value::Object(role.vars)
            ),
            Err(err) => err.to_string(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_whole_role() {
        check(
            r#"{"instances":3,"template":"web/v1","per_node_max":2,"needs":{"memory":1025,"cpu":0.25},"only":{"ssd":true,"rack":"r1","n":2},"vars":{"port":80}}"#,
            r#"3 max 2 needs (2, 250000) only [("n", "2"), ("rack", "r1"), ("ssd", "true")] vars {"port":80,"template":"web/v1"}"#,
        );
        check(r#"{"instances":0,"template":"web/v1"}"#, r#"0 max 4294967295 needs (0, 0) only [] vars {"template":"web/v1"}"#);
    }

    #[test]
    fn refusals_name_role_and_key() {
        let at = |key: &str, problem: &str| format!("runtime metadata of role `web`: `{key}` {problem}");
        for (text, key, problem) in [
            ("[]", "instances", "is missing: the file must be a mapping with `instances` and `template`"),
            (r#"{"template":"web/v1"}"#, "instances", "is missing: say how many the cluster runs"),
            (r#"{"instances":1}"#, "template", "is missing: say what the peers render, ROLE/VERSION"),
            (r#"{"instances":-1}"#, "instances", "must be a whole number of 0 to 1000000, not -1"),
            (r#"{"instances":"3"}"#, "instances", "must be a whole number of 0 to 1000000, not \"3\""),
            (r#"{"per_node_max":0}"#, "per_node_max", "must be a whole number of 1 to 1000000, not 0"),
            (r#"{"template":"web"}"#, "template", "is none: template `web` must be written ROLE/VERSION"),
            (r#"{"template":1}"#, "template", "must be a text, ROLE/VERSION, not 1"),
            (r#"{"needs":{"cpu":2}}"#, "needs.cpu", "must be a share of the machine, 0 to 1, not 2"),
            (r#"{"needs":{"memory":"1G"}}"#, "needs.memory", "must be a whole number of bytes, not \"1G\""),
            (r#"{"needs":{"disk":1}}"#, "needs.disk", "is not known: a role needs `memory` (bytes) or `cpu` (share of a machine)"),
            (r#"{"only":{"rack":[]}}"#, "only.rack", "must be a text, number or boolean, not []"),
            (r#"{"vars":[]}"#, "vars", "must be a mapping, not []"),
            (r#"{"vars":{"place":1}}"#, "vars.place", "is not yours to set"),
            (r#"{"replicas":1}"#, "replicas", "is not known; a role has instances, template, per_node_max, needs, only and vars"),
        ] {
            check(text, &at(key, problem));
        }
    }
}
