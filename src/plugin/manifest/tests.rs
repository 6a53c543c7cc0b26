//! Tests of the manifest's grammar: everything that may be written, and every mistake with its place.

use std::time::Duration;

use verwalter_core::metrics::{Combine, Source, Take};

use super::*;
use crate::config::mistakes::MAX_MISTAKES;
use crate::plugin::limits::SPECS;

const EVERYTHING: &str = "
kind: scheduler
mode: shadow
digest: sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
input: columns
config: { spread: rack, weights: {cpu: 1.5} }
limits:
  { fuel: 10G, time: 3s, memory: 128MiB, table-elements: 1K, input: 1MiB, output: 2MiB, log: 1KiB, json-depth: 32, json-values: 1M,
    filters: 10, name-length: 100B, module: 1MiB, compile-time: 90s, compile-memory: 1GiB }
metrics:
  cpu:  { metric: \"cpu.idle\", take: rate, window: 60s }
  free: { metric: \"memory.MemAvailable\", take: last, window: 2m }
  rps:  { group: web, metric: requests, labels: {zone: a}, take: max, combine: avg }
on-failure: keep
";

fn parsed(text: &str) -> Result<Manifest, Vec<String>> {
    Manifest::parse(Path::new("f"), text).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn refused(text: &str, expect: &[&str]) {
    let errors = parsed(text).map(|_| ()).expect_err(text);
    assert_eq!(errors, expect, "{text}");
}

#[test]
fn everything_that_may_be_written() {
    let manifest = parsed(EVERYTHING).expect("sound");
    assert_eq!((manifest.kind, manifest.mode, manifest.on_failure), (Kind::Scheduler, Mode::Shadow, Some(OnFailure::Keep)));
    assert_eq!(manifest.digest, Some(Digest::of(b"{}")));
    assert!(matches!(manifest.input, Some(InputMode::Columns)));
    assert_eq!(manifest.config.to_string(), r#"{"spread":"rack","weights":{"cpu":1.5}}"#);
    let shown: Vec<_> = SPECS.iter().map(|spec| manifest.limits.describe(spec.limit)).collect();
    assert_eq!(shown, ["10G", "3s", "128MiB", "1K", "1MiB", "2MiB", "1KiB", "32", "1M", "10", "100B", "1MiB", "90s", "1GiB"]);
    let metrics = manifest.metrics.expect("written");
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let rule = |labels: &[(String, String)], take, seconds, combine| MetricRule {
        labels: labels.iter().cloned().collect(),
        take,
        window: Duration::from_secs(seconds),
        combine,
        ..MetricRule::default()
    };
    assert_eq!(metrics["cpu"], rule(&[label("metric", "cpu.idle")], Take::Rate, 60, Combine::Sum));
    assert_eq!(metrics["free"], rule(&[label("metric", "memory.MemAvailable")], Take::Last, 0, Combine::Sum));
    let labels = [label("group", "web"), label("metric", "requests"), label("zone", "a")];
    assert_eq!(metrics["rps"], rule(&labels, Take::Max, 30, Combine::Avg));
}

#[test]
fn metrics_with_conditions_groups_and_a_source() {
    let text = "kind: scheduler\nmetrics:\n  rx:\n    metric: net.rx\n    match: ['interface!~\"lo|veth.*\"', state = up]\n    take: p95\n    by: [interface, cgroup]\n    source: prometheus\n";
    let rule = &parsed(text).expect("sound").metrics.expect("written")["rx"];
    assert_eq!(rule.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(), [r#"interface!~"lo|veth.*""#, r#"state="up""#]);
    assert_eq!((rule.take, rule.combine, rule.window), (Take::P95, Combine::Sum, Duration::from_secs(30)));
    assert_eq!(rule.by.iter().map(String::as_str).collect::<Vec<_>>(), ["cgroup", "interface"]);
    assert_eq!(rule.source, Some(Source::Prometheus));
    refused(
        "kind: policy\nmetrics:\n  rx: {metric: a, match: [\"b\"]}\n",
        &[
            "f:3:19: `metrics.rx.match`: `b`: has none of the operators `=`, `!=`, `=~`, `!~`: write a label, an operator and a value, as in `interface!~\"lo|veth.*\"`",
        ],
    );
    let many = (0..17).map(|i| format!("l{i}")).collect::<Vec<_>>().join(", ");
    refused(
        &format!("kind: policy\nmetrics:\n  rx: {{metric: a, by: [{many}]}}\n"),
        &["f:3:19: `metrics.rx.by`: has 17 entries: at most 8 are possible"],
    );
}

#[test]
fn the_least_that_may_be_written() {
    for kind in [Kind::Scheduler, Kind::Policy, Kind::Filter, Kind::Query] {
        let manifest = parsed(&format!("kind: {kind}")).expect("sound");
        assert_eq!((manifest.mode, manifest.digest, manifest.metrics, manifest.on_failure), (Mode::Active, None, None, None));
        assert_eq!((manifest.config, manifest.limits), (Value::Object(serde_json::Map::new()), Limits::of(kind)));
    }
}

#[test]
fn syntax_and_type_errors() {
    refused("", &["f:1:1: the file is empty or ends too early"]);
    refused("mode: off", &["f:1:1: the key `kind` is missing: add it"]);
    refused("kind: sheduler", &["f:1:7: `kind`: `sheduler` is not known here: did you mean `scheduler`?"]);
    refused("kind: filter\nmod: off", &["f:2:1: `mod`: unknown key: did you mean `mode`?"]);
    refused("kind: filter\nmode: on", &["f:2:7: `mode`: `on` is not known here: known are `active`, `shadow`, `off`"]);
    refused("kind: filter\nlimits: {feul: 1G}", &["f:2:10: `limits.feul`: unknown key: did you mean `fuel`?"]);
    refused(
        "kind: filter\nlimits: {stack: 1MiB}",
        &[
            "f:2:10: `limits.stack`: unknown key: known are `fuel`, `time`, `memory`, `table-elements`, `input`, `output`, `log`, `json-depth`, `json-values`, `filters`, `name-length`, `module`, `compile-time`, `compile-memory`",
        ],
    );
    refused("kind: filter\nlimits: {time: 2}", &["f:2:16: `limits.time`: write a whole number and a unit: ms, s, m or h, as in `250ms`"]);
    refused("kind: filter\ndigest: abc", &["f:2:9: `digest`: a digest must be written `sha256:` and 64 hexadecimal digits"]);
    refused("kind: filter\nconfig: [1]", &["f:2:9: `config`: expected a mapping"]);
    refused("kind: filter\nconfig: {a: .nan}", &["f:2:13: `config.a`: `.nan` is no finite number: quote it if a text is meant"]);
    refused("kind: scheduler\nmetrics: {cpu: {take: rate}}", &["f:2:17: `metrics.cpu`: the key `metric` is missing: add it"]);
}

#[test]
fn all_semantic_errors_are_reported_at_once() {
    let text = "
kind: scheduler
on-failure: deny
limits:
  memory: 2GiB
  time: 1h
  fuel: 1
metrics:
  CPU: { metric: x }
  cpu: { metric: x, window: 2h, take: avg }
  mem: { metric: x, labels: { metric: y } }
";
    refused(
        text,
        &[
            "f:3:1: `on-failure`: `deny` is not possible for a scheduler plugin: write `keep`",
            "f:7:3: `limits.fuel`: 1 is out of range: write 100K to 1000G",
            "f:6:3: `limits.time`: 1h is out of range: write 10ms to 1m",
            "f:5:3: `limits.memory`: 2GiB is out of range: write 64KiB to 1GiB",
            "f:9:3: `metrics.CPU`: a metric's name must be `[a-z_][a-z0-9_.]*`, at most 64 characters",
            "f:10:21: `metrics.cpu.window`: 2h is out of range: write 1s to 1h",
            "f:11:31: `metrics.mem.labels.metric`: write `metric: …` beside `labels`, not in it",
        ],
    );
}

#[test]
fn what_a_kind_cannot_have() {
    refused(
        "kind: filter\ninput: columns\nmetrics: {}\non-failure: keep\n",
        &[
            "f:2:1: `input`: a filter plugin is not given a snapshot: remove the key",
            "f:3:1: `metrics`: a filter plugin is not given metrics: remove the key",
            "f:4:1: `on-failure`: `keep` is not possible for a filter plugin: write `fail`",
        ],
    );
    refused("kind: filter\nguards: {}", &["f:2:1: `guards`: a filter plugin decides nothing that could be guarded: remove the key"]);
    refused("kind: query\nguards: { max-moved: 50% }", &["f:2:11: `guards.max-moved`: a query plugin moves nothing: remove the key"]);
    assert!(parsed("kind: query\nguards: { allow-empty: true }").expect("sound").guards.allow_empty);
    refused("kind: query\non-failure: fail", &["f:2:1: `on-failure`: `fail` is not possible for a query plugin: remove the key"]);
    refused(
        "kind: policy\non-failure: keep",
        &["f:2:1: `on-failure`: `keep` is not possible for a policy plugin: write `deny` or `allow`"],
    );
    for choice in ["deny", "allow"] {
        assert!(parsed(&format!("kind: policy\non-failure: {choice}")).is_ok());
    }
}

#[test]
fn a_directory_in_place_of_the_file() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let errors = Manifest::read(dir.path()).expect_err("refused");
    assert_eq!(errors[0].message, "is a directory where a file is expected: move it away");
}

#[test]
fn mistakes_without_end_are_told_once() {
    let long = "X".repeat(100_000);
    let errors = parsed(&format!("kind: scheduler\nmetrics: {{{long}: {{metric: a}}}}")).expect_err("no name");
    assert!(errors.len() == 1 && errors[0].len() < 1_000, "{} bytes", errors[0].len());
    let many: String = (0..10_000).map(|n| format!("  X{n}: {{metric: a}}\n")).collect();
    refused(&format!("kind: scheduler\nmetrics:\n{many}"), &["f:2:1: `metrics`: has 10000 entries: at most 256 are possible"]);
}

/// Each mistake costs a search through the whole file: with one for each of them this would take hours.
#[test]
fn a_long_file_of_mistakes_is_refused_at_once() {
    let conditions = "l,".repeat(100_000);
    refused(
        &format!("kind: policy\nmetrics: {{a: {{metric: x, match: [{conditions}]}}}}"),
        &["f:2:26: `metrics.a.match`: has 100000 entries: at most 32 are possible"],
    );
    let labels: String = (0..100_000).map(|n| format!("{n}: x,")).collect();
    refused(
        &format!("kind: policy\nmetrics: {{a: {{metric: x, labels: {{{labels}}}}}}}"),
        &["f:2:26: `metrics.a.labels`: has 100000 entries: at most 32 are possible"],
    );
    let several: String = (0..200).map(|n| format!("  m{n}: {{metric: x, match: [{}]}}\n", "l,".repeat(30))).collect();
    let errors = parsed(&format!("kind: policy\nmetrics:\n{several}")).expect_err("no conditions");
    assert_eq!(errors.len(), MAX_MISTAKES + 1);
    assert_eq!(errors[MAX_MISTAKES], "f: has 5980 more mistakes than the 20 that are told: mend these first");
}

#[test]
fn metrics_that_nobody_could_ask_for() {
    let rule = |rule: &str, expect: &str| refused(&format!("kind: policy\nmetrics:\n  a: {rule}\n"), &[expect]);
    rule("{metric: ''}", "f:3:7: `metrics.a.metric`: is empty, and no series is called that: write the name of one");
    rule("{metric: x, by: ['']}", "f:3:18: `metrics.a.by`: `` is no label: write `[a-zA-Z_][a-zA-Z0-9_.]*`");
    rule("{metric: x, by: [\"\\e[31m\"]}", "f:3:18: `metrics.a.by`: `\\u{1b}[31m` is no label: write `[a-zA-Z_][a-zA-Z0-9_.]*`");
    rule("{metric: x, labels: {'': q}}", "f:3:27: `metrics.a.labels.`: `` is no label: write `[a-zA-Z_][a-zA-Z0-9_.]*`");
    for name in ["placed.web", "age_ms", "age_ms.cantal"] {
        refused(
            &format!("kind: policy\nmetrics: {{{name}: {{metric: x}}}}"),
            &[&format!("f:2:11: `metrics.{name}`: is a column of the host's, which the plugin could not read any more: take another name")],
        );
    }
    assert!(parsed("kind: policy\nmetrics: {placed: {metric: x}, age_msec: {metric: x}}").is_ok());
}
