//! What the operators want: one file of runtime metadata a role.

use serde_json::{Map, Value};
use verwalter_plugin::json::whole;
use verwalter_plugin::{Error, RoleName};

/// The most instances of one role.
const MAX_INSTANCES: u32 = 1_000_000;

/// One role, as wanted.
#[derive(Debug)]
pub struct Role<'a> {
    /// Its name: the file's.
    pub name: RoleName,
    /// How many in the whole cluster.
    pub instances: u32,
    /// What the nodes render, `ROLE/VERSION`.
    pub template: Option<&'a str>,
    /// Variables for its templates.
    pub vars: Option<&'a Map<String, Value>>,
}

/// All roles by name. Keys that this scheduler does not know are for others.
pub fn read(runtime: &Map<String, Value>) -> Result<Vec<Role<'_>>, Error> {
    // A map's keys are in ascending order.
    runtime
        .iter()
        .map(|(name, value)| role(name, value))
        .collect()
}

fn role<'a>(name: &str, value: &'a Value) -> Result<Role<'a>, Error> {
    let refuse = |at: &str, problem: &str| Error::own(format!("runtime: {name}{at} {problem}"));
    let role_name = RoleName::new(name).map_err(|_| refuse("", "is no role name"))?;
    let wanted = value
        .as_object()
        .ok_or_else(|| refuse("", "must be a mapping"))?;
    let instances = wanted
        .get("instances")
        .and_then(whole)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n <= MAX_INSTANCES);
    let instances = instances
        .ok_or_else(|| refuse(".instances", "must be a whole number from 0 to 1000000"))?;
    let template = optional(wanted, "template", Value::as_str)
        .map_err(|()| refuse(".template", "must be a text"))?;
    let vars = optional(wanted, "vars", Value::as_object)
        .map_err(|()| refuse(".vars", "must be a mapping"))?;
    for reserved in ["place", "template"] {
        if vars.is_some_and(|vars| vars.contains_key(reserved)) {
            return Err(refuse(&format!(".vars.{reserved}"), "is reserved"));
        }
    }
    Ok(Role {
        name: role_name,
        instances,
        template,
        vars,
    })
}

/// The value of `key` as `read` wants it; `None` where it is absent.
fn optional<'a, T>(
    map: &'a Map<String, Value>,
    key: &str,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, ()> {
    map.get(key).map(|value| read(value).ok_or(())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runtime: Value, expect: &str) {
        let got = match read(runtime.as_object().unwrap()) {
            Ok(roles) => roles
                .iter()
                .map(|role| format!("{} {} {:?};", role.name, role.instances, role.template))
                .collect(),
            Err(err) => err.to_string(),
        };
        assert_eq!(got, expect, "{runtime}");
    }

    #[test]
    fn roles_come_by_name() {
        check(
            serde_json::json!({"web": {"instances": 2, "template": "web/v1", "later": 1}, "db": {"instances": 0, "vars": {"port": 1}}}),
            "db 0 None;web 2 Some(\"web/v1\");",
        );
    }

    #[test]
    fn refusals_name_role_and_key() {
        let instances = "runtime: web.instances must be a whole number from 0 to 1000000";
        check(
            serde_json::json!({"Web": {}}),
            "runtime: Web is no role name",
        );
        check(
            serde_json::json!({"web": []}),
            "runtime: web must be a mapping",
        );
        check(serde_json::json!({"web": {}}), instances);
        check(serde_json::json!({"web": {"instances": 1.5}}), instances);
        check(
            serde_json::json!({"web": {"instances": 1_000_001}}),
            instances,
        );
        check(
            serde_json::json!({"web": {"instances": 1, "template": null}}),
            "runtime: web.template must be a text",
        );
        check(
            serde_json::json!({"web": {"instances": 1, "vars": 1}}),
            "runtime: web.vars must be a mapping",
        );
        let reserved =
            serde_json::json!({"web": {"instances": 1, "vars": {"template": 1, "place": 1}}});
        check(reserved, "runtime: web.vars.place is reserved");
    }
}
