//! Merging a role's variables from general to specific.

use serde_json::{Map, Value};

/// Merges `levels`, the most general first. The most specific level that has a key decides: a value that is no mapping wins as
/// it is; a mapping is completed, one level deep, by the mappings that more general levels have under that key (values there
/// that are no mappings are passed over).
pub fn merge(levels: &[&Map<String, Value>]) -> Map<String, Value> {
    let mut merged = Map::new();
    for level in levels.iter().rev() {
        for (key, value) in *level {
            match merged.get_mut(key) {
                None => {
                    merged.insert(key.clone(), value.clone());
                }
                Some(Value::Object(specific)) => complete(specific, value),
                Some(_) => {}
            }
        }
    }
    merged
}

fn complete(specific: &mut Map<String, Value>, general: &Value) {
    let Value::Object(general) = general else { return };
    for (key, value) in general {
        if !specific.contains_key(key) {
            specific.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `levels` is a JSON array, the most general first.
    fn check(levels: &str, expect: &str) {
        let levels: Vec<Map<String, Value>> = serde_json::from_str(levels).expect("valid JSON");
        let merged = merge(&levels.iter().collect::<Vec<_>>());
        assert_eq!(serde_json::to_string(&merged).expect("JSON"), expect);
    }

    #[test]
    fn the_specific_level_wins() {
        check(r#"[{"dc":"x","version":"v1"},{"version":"v2"}]"#, r#"{"dc":"x","version":"v2"}"#);
        check(r#"[{"a":0,"port":1},{},{"port":2}]"#, r#"{"a":0,"port":2}"#);
    }

    #[test]
    fn mappings_merge_one_level_deep() {
        check(r#"[{"a":{"x":2,"y":[1]},"b":0},{"a":{"x":1}}]"#, r#"{"a":{"x":1,"y":[1]},"b":0}"#);
        check(r#"[{"a":{"x":{"deep":1}}},{"a":{"x":{"other":2}}}]"#, r#"{"a":{"x":{"other":2}}}"#);
    }

    #[test]
    fn values_that_are_no_mappings() {
        check(r#"[{"a":{"x":1}},{"a":5}]"#, r#"{"a":5}"#);
        check(r#"[{"a":{"x":1}},{"a":5},{"a":{"y":2}}]"#, r#"{"a":{"x":1,"y":2}}"#);
        check(r#"[{"a":{"x":1}},{"a":null}]"#, r#"{"a":null}"#);
    }
}
