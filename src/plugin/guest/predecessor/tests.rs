//! The adapter against a recorded input of verwalter 0.13, and query modules in the engine itself.

use serde_json::{Value, json};
use wasmtime::{Module, Store};

use super::*;
use crate::plugin::call::drive;
use crate::plugin::limits::{Limit, Limits};
use crate::plugin::store;
use crate::plugin::wasi::seed::Seed;
use crate::plugin::{call, engine};

/// What a leader of the real verwalter 0.13.4 gave its scheduler.
const RECORDED: &str = include_str!("../../../../tests/fixtures/predecessor/scheduler_input.json");
const QUERY: &str = include_str!("../../../../tests/it/guests/predecessor_query.wat");

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The recorded cluster as today's document: peers by hostname with the own one, keys that 0.13 did not have.
fn document(recorded: &Value) -> Value {
    let mut peers = serde_json::Map::new();
    let own = json!({ "id": recorded["current_id"], "hostname": recorded["current_host"], "name": "one", "addr": null,
        "known_since": 1, "last_report_direct": null, "machine": {} });
    for mut peer in recorded["peers"].as_object().expect("peers").values().cloned().chain([own]) {
        let fields = peer.as_object_mut().expect("a peer");
        fields.remove("schedule");
        fields.remove("errors");
        fields.insert("machine".to_owned(), json!({ "rack": "r1" }));
        peers.insert(fields["hostname"].as_str().expect("a hostname").to_owned(), peer);
    }
    let mut document = recorded.clone();
    for (key, value) in [("v", json!(1)), ("round", json!(7)), ("term", json!(2)), ("config", json!({ "x": 1 })), ("peers", peers.into())] {
        document[key] = value;
    }
    document
}

#[test]
fn a_recorded_input_comes_out_as_it_was() {
    let recorded = value(RECORDED);
    let mut expect = recorded.clone();
    for peer in expect["peers"].as_object_mut().expect("peers").values_mut() {
        peer["schedule"] = Value::Null;
    }
    let input = input::scheduler(&document(&recorded).to_string()).expect("it converts");
    assert_eq!(value(&input), expect);
    let keys = |text: &str| -> Vec<usize> {
        ["now", "current_host", "current_id", "parents", "actions", "runtime", "peers", "metrics"]
            .iter()
            .map(|key| text.find(&format!("\"{key}\":")).expect("the key"))
            .collect()
    };
    assert!(keys(RECORDED).is_sorted() && keys(&input).is_sorted(), "{input}");
}

#[test]
fn columns_become_numbers_by_id_with_their_digits() {
    let mut document = document(&value(RECORDED));
    document["metrics"] = json!({ "cpu": [0.1, null, 3], "none": [null, null, null] });
    let text = document.to_string().replace("0.1,null,3", "0.10000000000000001,null,3.0");
    let input = input::scheduler(&text).expect("it converts");
    let (one, three) = ("00000000000000000000000000000001", "00000000000000000000000000000003");
    let expect = format!(r#""metrics":{{"cpu":{{"{one}":0.10000000000000001,"{three}":3.0}},"none":{{}}}}}}"#);
    assert!(input.ends_with(&expect), "{input}");
}

#[test]
fn documents_without_what_they_need() {
    let check = |remove: &str| {
        let mut document = document(&value(RECORDED));
        document.as_object_mut().expect("an object").remove(remove);
        let refused = input::scheduler(&document.to_string()).expect_err(remove).to_string();
        let expect = format!("its input cannot be put into the shape of verwalter 0.13: missing field `{remove}`");
        assert!(refused.starts_with(&expect), "{refused}");
    };
    for key in ["now", "current_host", "current_id", "parents", "actions", "runtime", "peers"] {
        check(key);
    }
}

#[test]
fn answers_of_schedulers() {
    let check = |text: &str, expect: &str| match answer::schedule(text) {
        Ok(Reply::Done(bytes)) => assert_eq!(String::from_utf8_lossy(&bytes), expect),
        Err(misfit) => {
            let expect = format!("what it answered to `scheduler` has not the shape of verwalter 0.13: {expect}");
            assert!(misfit.to_string().starts_with(&expect), "{misfit}");
        }
        other => panic!("{other:?}"),
    };
    check(r#"{"schedule":{"a": 1.0},"log":"x"}"#, r#"{"v":1,"schedule":{"a": 1.0},"log":"x"}"#);
    check(r#"{"log":"","actions":{"1":[]},"schedule":[],"more":1}"#, r#"{"v":1,"schedule":[],"actions":{"1":[]},"log":""}"#);
    check(r#"{"schedule":{},"log":null,"actions":null}"#, r#"{"v":1,"schedule":{}}"#);
    check(r#"{"log":"x"}"#, "missing field `schedule`");
    check(r#"{"schedule":{},"schedule":{}}"#, "duplicate field `schedule`");
    check("[1]", "invalid length 1, expected an object with `schedule`, `log` and `actions`");
    check("true", "invalid type: boolean `true`, expected an object with `schedule`, `log` and `actions`");
}

/// What the query module `wat` answers to `request`, or why it does not.
fn ask(wat: &str, request: Request<'_>) -> Result<Reply, String> {
    let limits = Limits::of(Kind::Query);
    let engine = engine::run_engine().expect("an engine");
    let module = Module::new(&engine, wat::parse_str(wat).expect("text")).expect("a module");
    let linked = link(&engine, &module, Kind::Query).map_err(|err| format!("{err:#}"))?;
    let mut store: Store<CallState> = store::open(&engine, &limits, None, Seed::FIXED);
    let deadline = store.data().deadline;
    let call = async {
        let instance = linked.instantiate(&mut store).await?;
        instance.call(&mut store, request, limits.bytes(Limit::Output)).await
    };
    let id = verwalter_core::ports::PluginId {
        name: verwalter_core::names::PluginName::new("old").expect("a name"),
        digest: verwalter_core::digest::Digest::of(b""),
    };
    drive(call, deadline).map_err(|err| call::failure(&id, &limits, &err).message)
}

const QUESTION: &str = r#"{"v":1,"now":5000,"path":"a/b","method":"POST","query":"x=1","body":{"n":1.0},"hostname":"alpha","config":{},
    "schedule":{"roles":{}},"schedule_digest":"sha256:00","since":4000}"#;
const RENDER: &str =
    r#"{"v":1,"now":5000,"hostname":"alpha","config":{},"schedule":{"roles":{}},"previous":{"roles":{"web":{}}},"machine":{}}"#;

fn with_init(init: &str) -> String {
    QUERY.replace("@INIT@", &init.replace('"', "\\22"))
}

fn done(reply: Result<Reply, String>) -> Value {
    match reply {
        Ok(Reply::Done(bytes)) => serde_json::from_slice(&bytes).expect("JSON"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn query_modules_are_told_the_schedule_and_then_asked() {
    // sha256 of {"roles":{}} and {"roles":{"web":{}}}
    let wrapper = |timestamp: u64, data: Value| {
        let hash = verwalter_core::digest::Digest::of(data.to_string().as_bytes()).hex();
        json!({ "timestamp": timestamp, "hash": hash, "data": data, "origin": "0".repeat(32) })
    };
    let init = |since| json!({ "schedule": wrapper(since, json!({ "roles": {} })), "hostname": "alpha" });
    let wat = with_init(r#"{"Ok":null}"#);
    assert_eq!(done(ask(&wat, Request::Query(QUESTION))), json!([init(4000), { "path": "a/b", "body": { "n": 1.0 } }]));

    let roles = done(ask(&wat, Request::RenderRoles(RENDER)));
    let deployment = roles["all_roles"][1]["deployment_id"].as_str().expect("an id").to_owned();
    assert_eq!(deployment.len(), 32);
    let told = json!({ "deployment_id": deployment, "previous_schedule": wrapper(5000, json!({ "roles": { "web": {} } })) });
    assert_eq!(roles, json!({ "v": 1, "to_render": { "web": {} }, "all_roles": [init(5000), told] }));
    assert_eq!(roles, done(ask(&wat, Request::RenderRoles(RENDER))));
    let first = done(ask(&wat, Request::RenderRoles(&RENDER.replace(r#"{"roles":{"web":{}}}"#, "null"))));
    assert_eq!(first["all_roles"][1]["previous_schedule"], Value::Null);
    assert_ne!(first["all_roles"][1]["deployment_id"], json!(deployment));
}

#[test]
fn query_modules_that_refuse() {
    let check = |init: &str, expect: &str| {
        let got = match ask(&with_init(init), Request::Query(QUESTION)) {
            Ok(Reply::Refused(reason)) => reason,
            Err(message) => message,
            other => format!("{other:?}"),
        };
        assert!(got.starts_with(expect), "{got}");
    };
    check(
        r#"{"Err":{"kind":"Internal","message":"no such role","causes":["a","b"],"backtrace":null}}"#,
        "`init`: Internal error: no such role; because a; because b",
    );
    check(r#"{"Err":{"kind":"Odd","message":"m","causes":null,"backtrace":"at x"}}"#, "`init`: Odd error: m; backtrace: at x");
    check(r#"{"Err":{"kind":"Odd","message":"m"}}"#, "`init`: Odd error: m");
    check(r#"{"Err":[1,{"a":2}]}"#, r#"`init`: unknown error: [1,{"a":2}]"#);
    check(r#"{"Err":"no"}"#, r#"`init`: unknown error: "no""#);
    check(r#"{"Maybe":1}"#, "what it answered to `init` has not the shape of verwalter 0.13: unknown variant `Maybe`");
    check("true", "what it answered to `init` has not the shape of verwalter 0.13: ");
    check("", "what it points at as its answer is no JSON (line 1, column 1): this is a defect of the plugin");
    let nothing = QUESTION.replace(r#"{"roles":{}}"#, "null");
    let got = ask(&with_init(r#"{"Ok":null}"#), Request::Query(&nothing));
    assert_eq!(got, Err("its input cannot be put into the shape of verwalter 0.13: no schedule is in force yet".to_owned()));
}

#[test]
fn what_the_predecessor_did_not_know_is_absent() {
    let wat = with_init(r#"{"Ok":null}"#);
    for request in [Request::Describe, Request::CheckConfig("{}"), Request::Filters, Request::Review("{}")] {
        assert_eq!(ask(&wat, request), Ok(Reply::Absent), "{request:?}");
    }
}
