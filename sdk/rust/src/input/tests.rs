//! Both input modes give the same view, and what is no document is refused.

use super::*;
use crate::host::Stub;

const HEAD: &str = r#""v":1,"now":1700000000000,"round":3,"term":2,"current_host":"a","current_id":"00000000000000000000000000000001""#;

/// A document with the usual head and `rest`.
fn document(rest: &str) -> String {
    format!("{{{HEAD}{rest}}}")
}

const PEERS: &str = r#","peers":{"b":{"id":"02","hostname":"b","machine":{"rack":"r2","disk":{"ssd":true,"n":2}}},"a":{"id":"01","addr":null,"since":7,"errors":2,"machine":{"since":1}}},
    "metrics":{"cpu":[0.5,null],"short":[1]}"#;

#[test]
fn both_modes_answer_alike() {
    let rows = document(PEERS);
    let stub = Stub::default();
    let rows = Input::read(&rows, &stub).expect("a document");
    let columns = document("");
    let host = Stub::new(["b", "a"])
        .with_column("cpu", &[0.5, f64::NAN])
        .with_column("short", &[1.0])
        .with_attribute("rack", &["", "r2"])
        .with_attribute("disk.n", &["", "2"])
        .with_attribute("disk.ssd", &["", "true"])
        .with_attribute("since", &["7", ""])
        .with_attribute("errors", &["2", ""])
        .with_attribute("id", &["01", "02"])
        .with_attribute("hostname", &["a", "b"]);
    let columns = Input::read(&columns, &host).expect("a document");
    for input in [&rows, &columns] {
        assert_eq!(input.hostnames().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((input.position("b"), input.position("a"), input.position("c")), (Some(1), Some(0), None));
        let cpu = input.required_column("cpu").expect("there");
        assert_eq!(cpu[0], 0.5);
        assert!(cpu[1].is_nan());
        assert!(input.column("load").expect("no error").is_none());
        assert_eq!(
            input.required_column("load").expect_err("absent").to_string(),
            "no column `load`: declare it under `metrics` in the plugin's manifest"
        );
        assert_eq!(input.column("short").expect_err("cut").to_string(), "column `short` has 1 values for 2 peers");
        for (name, expect) in [
            ("rack", ["", "r2"]),
            ("disk.n", ["", "2"]),
            ("disk.ssd", ["", "true"]),
            ("disk", ["", ""]),
            ("id", ["01", "02"]),
            ("hostname", ["a", "b"]),
            ("addr", ["", ""]),
            ("since", ["7", ""]),
            ("errors", ["2", ""]),
        ] {
            assert_eq!(input.attribute(name).expect("no error").iter().collect::<Vec<_>>(), expect, "{name}");
            assert_eq!(input.peer(1).expect("there").attribute(name).expect("no error"), expect[1], "{name}");
        }
        assert!(input.peer(2).is_none());
    }
}

#[test]
fn the_head_and_the_parts() {
    let text = document(r#","config":{"weight":2},"runtime":{"web":{"n":1}},"later":[1]"#);
    let host = Stub::default();
    let input = Input::read(&text, &host).expect("a document");
    assert_eq!((input.now_ms(), input.round(), input.term()), (1_700_000_000_000, 3, 2));
    assert_eq!((input.current_host(), input.current_id()), ("a", "00000000000000000000000000000001"));
    assert_eq!(input.config::<BTreeMap<String, u32>>().expect("numbers")["weight"], 2);
    assert_eq!(input.actions::<BTreeMap<&str, u32>>().expect("none").len(), 0);
    assert_eq!(
        input.runtime::<BTreeMap<String, u32>>().expect_err("web is a mapping").to_string(),
        "`runtime` of the input document: invalid type: map, expected u32 at line 1 column 7"
    );
}

fn refused(text: &str, expect: &str) {
    let err = Input::read(text, &Stub::default()).expect_err("refused").to_string();
    assert!(err.starts_with(expect), "{text}: {err}");
}

#[test]
fn what_is_no_document() {
    refused("", "the input document: EOF");
    refused("[]", "the input document: invalid length 0");
    refused("{}", "the input document: missing field `v`");
    refused(&document("").replace("\"v\":1", "\"v\":2"), "the input document: version 2 is not spoken here, only 1");
    refused(&document(r#","peers":[]"#), "the input document: invalid type: sequence, expected an object");
    refused(&document(r#","peers":{"b":{},"a":{},"b":{}}"#), "the input document: the peer `b` stands twice");
}

const PARENT: &str = r#"{"nodes":{"a":{"roles":{"db":{},"web":{"instances":2,"port":80}},"vars":{"x":1}},"gone":{"roles":{"web":{"instances":9}}}},"roles":{"web":{"template":"web/v1"}},"state":{"n":1}}"#;

#[test]
fn parents() {
    let text =
        document(&format!(r#","parents":[{PARENT},{{"nodes":{{"b":{{"roles":{{"web":{{"instances":1}}}}}}}},"roles":{{}}}}]{PEERS}"#));
    let host = Stub::default();
    let input = Input::read(&text, &host).expect("a document");
    let parents = input.parents().expect("schedules");
    assert_eq!(parents.len(), 2);
    let all: Vec<_> = parents[0].placements().iter().map(|p| (p.hostname(), p.role(), p.instances().expect("a number"))).collect();
    assert_eq!(all, [("a", "db", 1), ("a", "web", 2), ("gone", "web", 9)]);
    let vars: BTreeMap<&str, u32> = parents[0].placements()[1].vars().expect("numbers");
    assert_eq!(vars["port"], 80);
    assert_eq!(parents[0].roles::<BTreeMap<&str, BTreeMap<&str, &str>>>().expect("texts")["web"]["template"], "web/v1");
    assert_eq!(parents[0].state::<BTreeMap<&str, u32>>().expect("numbers").expect("there")["n"], 1);
    assert!(parents[1].state::<u32>().expect("none").is_none());
    // From several parents the greatest number counts.
    assert_eq!(input.placed("web").expect("numbers"), [2, 1]);
    assert_eq!(input.placed("db").expect("numbers"), [1, 0]);
    assert_eq!(input.placed("none").expect("numbers"), [0, 0]);
}

#[test]
fn the_hosts_own_column_spares_the_parent() {
    let text = document("");
    let host = Stub::new(["a", "b"]).with_column("placed.web", &[0.0, 3.0]);
    let input = Input::read(&text, &host).expect("a document");
    assert_eq!(input.placed("web").expect("numbers"), [0, 3]);
    assert_eq!(input.placed("db").expect("numbers"), [0, 0]);
}

#[test]
fn a_walk_finds_in_any_order() {
    let text = document("");
    let host = Stub::new(["a", "b", "c"]);
    let input = Input::read(&text, &host).expect("a document");
    let mut walk = input.walk();
    let found: Vec<_> = ["a", "b", "x", "c", "a", "c"].iter().map(|name| walk.find(name)).collect();
    assert_eq!(found, [Some(0), Some(1), None, Some(2), Some(0), Some(2)]);
}
