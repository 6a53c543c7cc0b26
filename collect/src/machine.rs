//! Facts about the machine that do not change while it runs, and what the operator adds to them. It never measures a load.

use serde_json::{Map, Value};

use super::series::Sample;

/// Which figures of a reading are facts, and what they are called there.
const FACTS: [(&str, &str); 4] =
    [("cpus", "cpu.count"), ("memory_bytes", "memory.MemTotal"), ("swap_bytes", "memory.SwapTotal"), ("root_fs_bytes", "fs.size")];

/// What the machine says of itself, from the first reading of its figures and from the kernel. A figure that is missing there is no fact.
///
/// | fact | meaning |
/// |---|---|
/// | `cpus` | processors online |
/// | `memory_bytes`, `swap_bytes` | sizes as the kernel counts them |
/// | `root_fs_bytes` | size of the root file system |
/// | `kernel` | its release, such as `6.12.48` |
/// | `architecture` | of the kernel, such as `x86_64` |
pub fn measure(first_reading: &[Sample]) -> Map<String, Value> {
    let system = rustix::system::uname();
    let mut facts = Map::new();
    facts.insert("kernel".to_owned(), system.release().to_string_lossy().into());
    facts.insert("architecture".to_owned(), system.machine().to_string_lossy().into());
    for (fact, metric) in FACTS {
        let is_it = |sample: &&Sample| sample.labels.get("metric").is_some_and(|name| name == metric);
        if let Some(sample) = first_reading.iter().find(is_it) {
            // All four are whole numbers of at least 0; a fact of `2.0` processors would read oddly.
            facts.insert(fact.to_owned(), (sample.value as u64).into());
        }
    }
    facts
}

/// The measured facts with the operator's beside and over them: the operator's win, and of two mappings under one key the entries are
/// merged, no deeper.
pub fn merge(measured: &Map<String, Value>, operator: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = measured.clone();
    for (key, value) in operator {
        match (merged.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => {
                below.extend(above.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::series::SampleKind;
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn facts_come_from_the_first_reading() {
        let sample = |metric: &str, value| {
            let labels = [("metric".to_owned(), metric.to_owned())].into();
            Sample { labels, kind: SampleKind::Gauge, value }
        };
        let mut facts = measure(&[sample("cpu.count", 2.0), sample("memory.MemTotal", 25_276_502_016.0), sample("uptime", 1.0)]);
        let kernel = facts.remove("kernel").expect("the kernel names itself");
        assert!(kernel.as_str().is_some_and(|kernel| !kernel.is_empty()), "{kernel}");
        assert!(facts.remove("architecture").is_some_and(|arch| arch.is_string()));
        assert_eq!(Value::from(facts), json!({"cpus": 2, "memory_bytes": 25_276_502_016_u64}));
    }

    #[test]
    fn the_operator_wins() {
        let check = |measured, operator, expect| assert_eq!(Value::from(merge(&map(measured), &map(operator))), expect);
        check(json!({"cpus": 2}), json!({}), json!({"cpus": 2}));
        check(json!({"cpus": 2}), json!({"cpus": 1, "rack": "r1"}), json!({"cpus": 1, "rack": "r1"}));
        check(json!({"disk": {"ssd": true, "size": 1}}), json!({"disk": {"size": 2}}), json!({"disk": {"ssd": true, "size": 2}}));
        check(json!({"disk": {"a": {"b": 1}}}), json!({"disk": {"a": {"c": 2}}}), json!({"disk": {"a": {"c": 2}}}));
        check(json!({"disk": {"ssd": true}}), json!({"disk": "none"}), json!({"disk": "none"}));
        check(json!({"disk": "none"}), json!({"disk": {"ssd": true}}), json!({"disk": {"ssd": true}}));
        check(json!({"cpus": 2}), json!({"cpus": null}), json!({"cpus": null}));
    }
}
