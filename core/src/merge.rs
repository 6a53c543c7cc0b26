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

/// Whether `a` and `b` merge to the same variables, told without merging: for comparing thousands of placements whose levels differ.
pub fn same(a: &[&Map<String, Value>], b: &[&Map<String, Value>]) -> bool {
    same_keys(a, b, |key| match (first(a, key), first(b, key)) {
        (Some(Value::Object(_)), Some(Value::Object(_))) => {
            let (a, b) = (mappings(a, key), mappings(b, key));
            same_keys(&a, &b, |key| first(&a, key) == first(&b, key))
        }
        (a, b) => a == b,
    })
}

/// Whether both have the same keys, and `same` holds for each.
fn same_keys(a: &[&Map<String, Value>], b: &[&Map<String, Value>], same: impl Fn(&str) -> bool) -> bool {
    a.iter().flat_map(|level| level.keys()).all(|key| same(key))
        && b.iter().flat_map(|level| level.keys()).all(|key| first(a, key).is_some())
}

/// What the most specific level has under `key`.
fn first<'a>(levels: &[&'a Map<String, Value>], key: &str) -> Option<&'a Value> {
    levels.iter().rev().find_map(|level| level.get(key))
}

fn mappings<'a>(levels: &[&'a Map<String, Value>], key: &str) -> Vec<&'a Map<String, Value>> {
    levels.iter().filter_map(|level| level.get(key)?.as_object()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    /// Few keys and values, so that levels shadow and complete each other.
    fn level() -> impl Strategy<Value = Map<String, Value>> {
        let key = || prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned);
        let scalar = || prop_oneof![Just(Value::Null), (0..2).prop_map(Value::from)];
        let mapping = prop::collection::btree_map(key(), scalar(), 0..3).prop_map(|map| Value::Object(map.into_iter().collect()));
        prop::collection::btree_map(key(), prop_oneof![scalar(), mapping], 0..3).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_same_is_what_merges_to_the_same(a in prop::collection::vec(level(), 3), b in prop::collection::vec(level(), 3)) {
            let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
            prop_assert_eq!(same(&a, &b), merge(&a) == merge(&b));
            prop_assert!(same(&a, &a));
        }

        #[test]
        fn a_level_that_says_nothing_new_changes_nothing(a in prop::collection::vec(level(), 3)) {
            let merged = merge(&a.iter().collect::<Vec<_>>());
            prop_assert!(same(&a.iter().collect::<Vec<_>>(), &[&merged]));
        }
    }
}
