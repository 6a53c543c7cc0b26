//! The whole scheduler on small clusters, against the host's own admit.

use verwalter_plugin::host::Stub;

use super::*;

const HEAD: &str = r#""v":1,"now":1700000000000,"round":1,"term":1,"current_host":"a","current_id":"x""#;
const RUNTIME: &str = r#"{"web":{"instances":2,"template":"web/v1","vars":{"port":80}}}"#;

fn answer(host: &Stub, rest: &str) -> String {
    verwalter_plugin::export::schedule(schedule, host, &format!("{{{HEAD},{rest}}}")).unwrap_or_else(|err| err)
}

fn stub() -> Stub {
    Stub::new(["a", "b", "c"])
        .with_column("memory_free", &[1073741824.0, 4294967296.0, f64::NAN])
        .with_column("cpu", &[0.07, 0.5, 0.0])
        .with_attribute("rack", &["r1", "r1", "r2"])
}

const PLACED: &str = r#"{"v":1,"schedule":{"roles":{"web":{"port":80,"template":"web/v1","place":{"a":1,"b":1}}}}"#;

#[test]
fn from_columns() {
    let expect = r#","why":{"web":{"a":"new: 1024 MiB and 93 % CPU free","b":"new: 4096 MiB and 50 % CPU free"}},"changes":["web: +1 on a","web: +1 on b"]}"#;
    assert_eq!(answer(&stub(), &format!(r#""config":{{}},"runtime":{RUNTIME}"#)), format!("{PLACED}{expect}"));
}

#[test]
fn from_a_document_alike() {
    let document = format!(
        r#""runtime":{RUNTIME},"parents":[],"peers":{{"a":{{"machine":{{"rack":"r1"}}}},"b":{{"machine":{{"rack":"r1"}}}},"c":{{"machine":{{"rack":"r2"}}}}}},
        "metrics":{{"cpu":[0.07,0.5,0],"memory_free":[1073741824,4294967296,null]}}"#
    );
    for config in ["{}", r#"{"spread":"rack"}"#, r#"{"record":["memory_free"]}"#] {
        let columns = answer(&stub(), &format!(r#""config":{config},"runtime":{RUNTIME}"#));
        assert_eq!(answer(&Stub::default(), &format!(r#""config":{config},{document}"#)), columns);
    }
}

#[test]
fn kept_without_a_word() {
    let host = stub().with_column("placed.web", &[1.0, 1.0, 0.0]);
    let expect = r#","why":{"web":{"a":"kept","b":"kept"}}}"#;
    assert_eq!(answer(&host, &format!(r#""config":{{}},"runtime":{RUNTIME}"#)), format!("{PLACED}{expect}"));
}

#[test]
fn figures_are_recorded_once() {
    let record = |host: &Stub, parents: &str| {
        answer(host, &format!(r#""config":{{"record":["memory_free","cpu"]}},"runtime":{RUNTIME},"parents":[{parents}]"#))
    };
    let first = record(&stub(), "");
    let at_a = r#""a":{"instances":1,"placed":{"at":1700000000000,"cpu":0.07,"memory_free":1073741824}}"#;
    assert!(first.contains(at_a), "{first}");
    // The next round, with other figures: what was recorded stays, what is new is recorded now.
    let parent = r#"{"nodes":{"a":{"roles":{"web":{"instances":1,"placed":{"at":5,"cpu":0.25}}}},"gone":{"roles":{"web":{"instances":1}}}},"roles":{}}"#;
    let host = stub().with_column("placed.web", &[1.0, 0.0, 0.0]);
    let second = record(&host, parent);
    assert!(second.contains(r#""a":{"instances":1,"placed":{"at":5,"cpu":0.25}}"#), "{second}");
    assert!(second.contains(r#""b":{"instances":1,"placed":{"at":1700000000000,"cpu":0.5,"memory_free":4294967296}}"#), "{second}");
    // Kept, but the parent is not in the document: no figures rather than new ones every round.
    assert!(record(&host, "").contains(r#""place":{"a":1,"b":{"#));
    let missing = answer(&stub(), &format!(r#""config":{{"record":["load"]}},"runtime":{RUNTIME}"#));
    assert_eq!(missing, "no column `load`: declare it under `metrics` in the plugin's manifest");
}

#[test]
fn after_a_merge_of_two_leaders_nothing_moves() {
    let parent = |host: &str| format!(r#"{{"nodes":{{"{host}":{{"roles":{{"web":{{"instances":1}}}}}}}},"roles":{{}}}}"#);
    let document = format!(r#""config":{{}},"runtime":{RUNTIME},"parents":[{},{}]"#, parent("a"), parent("c"));
    let expect = r#""place":{"a":1,"c":1}}}},"why":{"web":{"a":"kept","c":"kept"}}}"#;
    assert!(answer(&stub(), &document).ends_with(expect));
}

#[test]
fn a_shortage_is_said() {
    let runtime = r#"{"web":{"instances":3,"template":"web/v1","only":{"rack":"r2"},"per_node_max":1}}"#;
    let expect = r#""why":{"web":{"c":"new: no samples, taken last"}},"changes":["web: +1 on c"],"log":"web: 2 of 3 instances are not placed: no peer has room (only, per_node_max, needs)"}"#;
    assert!(answer(&stub(), &format!(r#""config":{{}},"runtime":{runtime}"#)).ends_with(expect));
}

#[test]
fn many_changes_are_counted() {
    let names: Vec<String> = (100..300).map(|n| format!("n{n}")).collect();
    let host = Stub::new(names.iter().map(String::as_str));
    let answer = answer(&host, r#""config":{},"runtime":{"web":{"instances":150,"template":"web/v1"}}"#);
    assert!(answer.ends_with(r#""web: +1 on n199","and 50 more"]}"#), "{answer}");
    assert!(answer.contains(r#""n100":"new""#), "{answer}");
}

#[test]
fn errors_name_their_subject() {
    let check = |rest: &str, expect: &str| assert_eq!(answer(&stub(), rest), expect);
    check(r#""config":{"weights":{"memory":0,"cpu":0}}"#, "config: `weights` are all 0: give at least one of memory and cpu a weight");
    check(
        r#""config":{},"runtime":{"web":{"instances":"x"}}"#,
        "runtime metadata of role `web`: `instances` must be a whole number of 0 to 1000000, not \"x\"",
    );
    check(r#""config":{},"runtime":{"We b":{}}"#, "runtime metadata: role name `We b` must begin with a lower-case letter or a digit");
    check(r#""config":{},"runtime":[]"#, "`runtime` of the input document: invalid type: sequence, expected a map at line 1 column 0");
}
