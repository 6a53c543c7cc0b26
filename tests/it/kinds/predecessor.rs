//! Plugins of verwalter 0.13 in a running node, unchanged: a scheduler decides, a query module answers and chooses roles.

use serde_json::json;

use super::{site, start};
use crate::sandbox::guest::{Old, data, old_answering, old_echoing, translate};
use crate::support::get;

/// What 0.13's schedulers returned: a schedule in the long notation, with variables at any level.
const SCHEDULE: &str = r#"{"schedule":{"roles":{"web":{"template":"web/v1"}},"nodes":{"alpha":{"roles":{"web":{"instances":4}}}}},
    "log":"four\n","actions":{},"debug":"as ever"}"#;

/// A site whose scheduler is this one.
fn deciding(wasm: Vec<u8>) -> super::Site {
    let site = site(1);
    site.write("etc/plugins/place.wasm", wasm);
    site
}

#[test]
fn a_scheduler_decides_and_its_schedule_is_rendered() {
    // What follows the result in memory is not part of it.
    let site = deciding(old_answering(format!("{SCHEDULE}\0{{\"schedule\"").as_bytes()));
    let mut node = start(&site);
    assert_eq!(site.read("out/web").as_deref(), Some("web x4 on alpha\n"));
    let plugin = node.get("/v1/plugins/place").json();
    assert_eq!((&plugin["state"], &plugin["abi"]), (&json!("active"), &json!("predecessor")), "{plugin:#}");
    assert_eq!(node.get("/v1/scheduler_debug_info").body, "four\n");
    node.healthy();
    node.stop();
}

#[test]
fn a_scheduler_is_told_what_it_always_was() {
    let site = deciding(old_echoing());
    site.write("etc/runtime/web.yaml", "owner: somebody\n");
    let mut node = start(&site);
    let schedule = node.get("/v1/schedule").json()["data"].clone();
    let told = schedule["state"].as_object().unwrap_or_else(|| panic!("{schedule:#}"));
    let keys: Vec<&str> = told.keys().map(String::as_str).collect();
    assert_eq!(keys, ["actions", "current_host", "current_id", "metrics", "now", "parents", "peers", "runtime"]);
    assert_eq!((&told["current_host"], &told["peers"], &told["metrics"]), (&json!("alpha"), &json!({}), &json!({})));
    assert_eq!(told["runtime"]["web"]["owner"], "somebody");
    node.stop();
}

#[test]
fn its_panic_is_told() {
    let imports = r#"(import "env" "log_panic" (func $log_panic (param i32 i32 i32 i32 i32)))"#;
    let items = data(512, b"no peers at allsrc/lib.rs");
    let panics = "(call $log_panic (i32.const 512) (i32.const 15) (i32.const 527) (i32.const 10) (i32.const 42)) (unreachable)";
    let site = deciding(Old { imports, items: &items, body: panics, ..Old::default() }.build());
    let mut node = site.demo(&["--json"]);
    let round = node.round("a round of it", |round| round["accepted"] == false);
    assert_eq!(round["cause"], "trap");
    let error = node.error("scheduler");
    assert!(error.starts_with("plugin place (") && error.contains("panicked at src/lib.rs:42: no peers at all: "), "{error}");
    // It is the guest that panicked: its words are in the log, by which other tests tell that the program did.
    drop(node);
}

/// 0.13's words for success of `init`.
const READY: &str = r#"{\22Ok\22:null}"#;

#[test]
fn a_query_module_answers_and_chooses() {
    let module = include_str!("../guests/predecessor_query.wat");
    let chosen = r#"{\22to_render\22:{\22web\22:{\22template\22:\22web/v1\22,\22instances\22:8,\22told\22:["#;
    let site = site(1);
    super::template(&site, "web", "{{ role }} x{{ instances }} on {{ node }} of {{ told.[0].hostname }}\n");
    // The demo's role has no such variable before the module chooses.
    site.write("etc/plugins/asks.yaml", "kind: query\n");
    let head = "{\\22Ok\\22:{\\22to_render\\22:{\\22web\\22:{}},\\22all_roles\\22:[";
    assert_eq!(module.matches(head).count(), 1, "the frame has changed");
    let wat = module.replace("@INIT@", READY);
    // The module's own answer names what it was told among the roles: no role names, which is refused, and files stay.
    site.write("etc/plugins/asks.wasm", translate(&wat));
    let mut node = site.demo(&["--json"]);
    let error = node.error("render-roles");
    assert!(error.contains("the roles to render were refused at `all_roles.0`"), "{error}");
    let addr = node.addr();
    let [init, query] = serde_json::from_value::<[serde_json::Value; 2]>(get(addr, "/v1/query/roles/web").json()).expect("both");
    assert_eq!((&init["hostname"], &query), (&json!("alpha"), &json!({ "path": "roles/web", "body": null })));
    assert_eq!(init["schedule"]["data"], node.get("/v1/schedule").json()["data"]);
    assert_eq!(init["schedule"]["hash"], node.get("/v1/schedule").json()["hash"]);

    // The same with a choice that will do: what it was told becomes a variable.
    let choosing = wat
        .replace(head, &format!("{{\\22Ok\\22:{chosen}"))
        .replace(
            "(call $put (i32.const 1040) (i32.const 43))",
            &format!("(call $put (i32.const 1040) (i32.const {}))", 6 + unescaped(chosen)),
        )
        .replace(
            "(call $byte (i32.const 125))\n    (i32.const 32768)))",
            "(call $put (i32.const 1200) (i32.const 17)) (call $byte (i32.const 125)) (i32.const 32768)))",
        )
        .replace("(func $put", "(data (i32.const 1200) \"},\\22all_roles\\22:[]}\") (func $put");
    super::replace(&site, &mut node, "asks", translate(&choosing));
    node.eventually("it is rendered", |_| (site.read("out/web").as_deref() == Some("web x8 on alpha of alpha\n")).then_some(()));
    node.healthy();
    node.stop();
}

/// The length of a text of the assembler.
fn unescaped(text: &str) -> usize {
    text.replace("\\22", "\"").len()
}

#[test]
fn a_query_module_says_why_not() {
    let site = site(1);
    let module = include_str!("../guests/predecessor_query.wat");
    let refusing =
        r#"{\22Err\22:{\22kind\22:\22init\22,\22message\22:\22no such schedule\22,\22causes\22:[\22it is new\22],\22backtrace\22:null}}"#;
    let mut node = start(&site);
    site.write("etc/plugins/asks.yaml", "kind: query\n");
    site.write("etc/plugins/asks.wasm", translate(&module.replace("@INIT@", refusing)));
    // What it says of the newest round is known before it is in force.
    let error = node.error("plugin asks");
    assert!(error.contains("`init`: init error: no such schedule; because it is new"), "{error}");
    node.stop();
}
