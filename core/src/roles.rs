//! The roles that a query plugin chose for a node instead of those of the schedule: read strictly from what the guest answered.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::admit::MAX_ROLES;
use crate::contract::envelope::{check_version, set, unknown_key};
use crate::json::strict::{JsonError, JsonLimits, Reader};
use crate::names::RoleName;
use crate::ports::RawOutput;

/// Which roles a node renders, with which variables.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleOverride {
    /// Each role's whole variables: nothing of the schedule is merged into them.
    pub roles: BTreeMap<RoleName, Map<String, Value>>,
    /// All roles of the cluster as the plugin sees them, where it says so.
    pub all_roles: Option<Vec<RoleName>>,
}

/// Why the choice was refused. The plugin is at fault; what the node rendered before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    /// The bytes are no text.
    #[error("the roles to render are no UTF-8 text (first bad byte at {0})")]
    Encoding(usize),
    /// The text is no answer of the contract's version 1.
    #[error("the roles to render were refused{}", .0.placed())]
    Answer(JsonError),
}

// Not its source: the message says all of it.
impl From<JsonError> for RolesError {
    fn from(err: JsonError) -> RolesError {
        RolesError::Answer(err)
    }
}

/// Reads what `render-roles` answered: `{"v": 1, "to_render": {ROLE: {…}}, "all_roles": [ROLE…]}` (the last may be absent), or null,
/// which leaves the choice to the schedule.
pub fn read_override(output: &RawOutput, limits: JsonLimits) -> Result<Option<RoleOverride>, RolesError> {
    let text = std::str::from_utf8(&output.0).map_err(|err| RolesError::Encoding(err.valid_up_to()))?;
    let reader = Reader::new(limits);
    Ok(reader.finish(text, OverrideSeed(&reader))?)
}

#[derive(Clone, Copy)]
struct OverrideSeed<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for OverrideSeed<'_> {
    type Value = Option<RoleOverride>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OverrideSeed<'_> {
    type Value = Option<RoleOverride>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, or an object with `v` and `to_render`")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let reader = self.0;
        let (mut version, mut roles, mut all_roles) = (None, None, None);
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "v" => set(reader, &key, &mut version, access.next_value::<u32>())?,
                "to_render" => set(reader, &key, &mut roles, access.next_value_seed(ToRender(reader)))?,
                "all_roles" => set(reader, &key, &mut all_roles, access.next_value_seed(AllRoles(reader)))?,
                _ => return Err(unknown_key(reader, &key, "this answer", "`v`, `to_render` and `all_roles`")),
            }
        }
        check_version(reader, version)?;
        let missing = "`to_render` is missing: answer null to leave the roles to the schedule";
        let roles = roles.ok_or_else(|| de::Error::custom(missing))?;
        Ok(Some(RoleOverride { roles, all_roles }))
    }
}

/// Role to its variables.
struct ToRender<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for ToRender<'_> {
    type Value = BTreeMap<RoleName, Map<String, Value>>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ToRender<'_> {
    type Value = BTreeMap<RoleName, Map<String, Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object: role to its variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let reader = self.0;
        let mut roles = BTreeMap::new();
        while let Some(key) = access.next_key::<String>()? {
            let name = reader.at(&key, check_role(&key, roles.len()))?;
            let vars = reader.at(&key, access.next_value_seed(reader.map()))?;
            match roles.entry(name) {
                Entry::Vacant(entry) => entry.insert(vars),
                Entry::Occupied(_) => return reader.at(&key, Err(de::Error::custom("the key stands twice in one object"))),
            };
        }
        Ok(roles)
    }
}

/// A list of roles.
struct AllRoles<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for AllRoles<'_> {
    type Value = Vec<RoleName>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<RoleName>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AllRoles<'_> {
    type Value = Vec<RoleName>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of roles")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<RoleName>, A::Error> {
        let mut roles = Vec::new();
        loop {
            let place = roles.len().to_string();
            let Some(name) = self.0.at(&place, access.next_element::<String>())? else { return Ok(roles) };
            self.0.charge()?;
            roles.push(self.0.at(&place, check_role(&name, roles.len()))?);
        }
    }
}

fn check_role<E: de::Error>(name: &str, before: usize) -> Result<RoleName, E> {
    if before == MAX_ROLES {
        return Err(E::custom(format_args!("more than {MAX_ROLES} roles in one answer")));
    }
    RoleName::new(name).map_err(E::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expect: &str) {
        let got = match read_override(&RawOutput(answer.as_bytes().to_vec()), JsonLimits { depth: 4, values: 50_000 }) {
            Ok(Some(RoleOverride { roles, all_roles })) => {
                let roles: Map<String, Value> = roles.into_iter().map(|(role, vars)| (role.into(), Value::Object(vars))).collect();
                format!("{} {all_roles:?}", Value::Object(roles))
            }
            Ok(None) => "left to the schedule".to_owned(),
            Err(err) => err.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        };
        assert_eq!(got, expect, "{}", &answer[..answer.len().min(1000)]);
    }

    #[test]
    fn choices() {
        check("null", "left to the schedule");
        check(r#"{"v":1,"to_render":{}}"#, "{} None");
        check(
            r#"{"all_roles":["web","db"],"to_render":{"web":{"x":[1]},"a":{}},"v":1}"#,
            r#"{"a":{},"web":{"x":[1]}} Some(["web", "db"])"#,
        );
    }

    #[test]
    fn refusals() {
        let at = |what: &str| {
            format!("the roles to render were refused{} {what}", if what.starts_with('`') && what.contains("`: ") { " at" } else { ":" })
        };
        check("", &at("EOF while parsing a value"));
        check("null null", &at("trailing characters"));
        check("[]", &at("invalid type: sequence, expected null, or an object with `v` and `to_render`"));
        check("{}", &at("`v` is missing: write \"v\": 1"));
        check(r#"{"v":2,"to_render":{}}"#, &at("`v`: version 2 is not spoken here; write 1"));
        check(r#"{"v":1}"#, &at("`to_render` is missing: answer null to leave the roles to the schedule"));
        check(r#"{"v":1,"roles":{}}"#, &at("`roles`: not a key of this answer; it may hold `v`, `to_render` and `all_roles`"));
        check(r#"{"v":1,"to_render":{},"to_render":{}}"#, &at("`to_render`: the key stands twice in one object"));
        check(r#"{"v":1,"to_render":{"web":{},"web":{}}}"#, &at("`to_render.web`: the key stands twice in one object"));
        check(r#"{"v":1,"to_render":{"web":{"a":1,"a":1}}}"#, &at("`to_render.web.a`: the key stands twice in one object"));
        check(
            r#"{"v":1,"to_render":{"../x":{}}}"#,
            &at("`to_render.../x`: role name `../x` must begin with a lower-case letter or a digit"),
        );
        check(r#"{"v":1,"to_render":{"web":null}}"#, &at("`to_render.web`: expected an object"));
        check(
            r#"{"v":1,"to_render":{"web":{"a":[[[[]]]]}}}"#,
            &at("`to_render.web.a.0.0`: nested deeper than 4 levels; raise it with `limits: { json-depth: 8 }` in the plugin's manifest"),
        );
        check(r#"{"v":1,"to_render":[]}"#, &at("`to_render`: invalid type: sequence, expected an object: role to its variables"));
        check(
            r#"{"v":1,"to_render":{},"all_roles":["web","W"]}"#,
            &at("`all_roles.1`: role name `W` must begin with a lower-case letter or a digit"),
        );
        check(r#"{"v":1,"to_render":{},"all_roles":[1]}"#, &at("`all_roles.0`: invalid type: integer `1`, expected a string"));
    }

    #[test]
    fn the_number_of_roles_is_bounded() {
        let roles: Vec<String> = (0..=MAX_ROLES).map(|n| format!("\"r{n}\"")).collect();
        let refusal = |at: &str| format!("the roles to render were refused at `{at}`: more than 10000 roles in one answer");
        check(&format!(r#"{{"v":1,"to_render":{{}},"all_roles":[{}]}}"#, roles.join(",")), &refusal("all_roles.10000"));
        check(&format!(r#"{{"v":1,"to_render":{{{}:{{}}}}}}"#, roles.join(":{},")), &refusal("to_render.r10000"));
    }

    #[test]
    fn no_text() {
        let err = read_override(&RawOutput(b"\xff".to_vec()), JsonLimits { depth: 4, values: 10 }).expect_err("no text");
        assert_eq!(err, RolesError::Encoding(0));
    }
}
