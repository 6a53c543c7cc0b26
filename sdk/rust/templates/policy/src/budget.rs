//! The manifest's `config`.

use serde_json::{Map, Value};
use verwalter_plugin::Error;
use verwalter_plugin::json::whole;

/// What a schedule must keep to.
#[derive(Debug, PartialEq)]
pub struct Budget {
    /// The most instances of a role, in the order of the roles' names.
    pub most: Vec<(String, u64)>,
    /// Roles that must not be gone once they ran.
    pub protected: Vec<String>,
}

impl Budget {
    /// Reads and checks it.
    pub fn read(config: &Map<String, Value>) -> Result<Budget, Error> {
        if let Some(key) = config
            .keys()
            .find(|key| !["most", "protected"].contains(&key.as_str()))
        {
            return Err(Error::own(format!(
                "config: unknown key {key}, expected most or protected"
            )));
        }
        let most = config.get("most").map_or(Some(Vec::new()), most);
        let most = most.ok_or("config: most must be a mapping of roles to whole numbers")?;
        let protected = config.get("protected").map_or(Some(Vec::new()), texts);
        let protected = protected.ok_or("config: protected must be a list of texts")?;
        Ok(Budget { most, protected })
    }
}

/// Refuses a configuration before the plugin is activated.
pub fn check(config: &Map<String, Value>) -> Result<(), Error> {
    Budget::read(config).map(|_| ())
}

fn most(value: &Value) -> Option<Vec<(String, u64)>> {
    // A map's keys are in ascending order.
    let entries = value.as_object()?.iter();
    entries
        .map(|(role, most)| Some((role.clone(), u64::try_from(whole(most)?).ok()?)))
        .collect()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(config: Value, expect: &str) {
        let got = Budget::read(config.as_object().unwrap()).map(|_| String::new());
        assert_eq!(
            got.unwrap_or_else(|err| err.to_string()),
            expect,
            "{config}"
        );
    }

    #[test]
    fn budgets() {
        let most = "config: most must be a mapping of roles to whole numbers";
        let protected = "config: protected must be a list of texts";
        check(serde_json::json!({}), "");
        check(
            serde_json::json!({"most": {"web": 0}, "protected": ["db"]}),
            "",
        );
        check(serde_json::json!({"most": {"web": -1}}), most);
        check(serde_json::json!({"most": {"web": 1.5}}), most);
        check(serde_json::json!({"most": null, "protected": null}), most);
        check(serde_json::json!({"protected": ["db", 1]}), protected);
        check(
            serde_json::json!({"most": 1, "z": 1, "least": 1}),
            "config: unknown key least, expected most or protected",
        );
    }
}
