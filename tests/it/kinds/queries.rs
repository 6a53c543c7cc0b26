//! Query plugins: what questions reach them and how their answers come back, and the roles that they choose for the node.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::{ECHO, add, core, in_force, placing, replace, says, site, start, template};
use crate::sandbox::guest::{data, packed, translate};
use crate::support::{Node, Reply, Site, eventually, exchange, get};

const QUERY: &str = "kind: query\n";
const JSON_TYPE: &str = "Content-Type: application/json";

/// A query plugin: what it says to questions, a body, and which roles to render, an answer after its first byte.
fn querying(query: &str, (first, roles): (u8, &str)) -> Vec<u8> {
    let (items, render_roles) = says(1024, first, roles);
    core("", &items, &[("vw_query", query), ("vw_render_roles", &render_roles)])
}

/// One that always answers the same.
fn saying(first: u8, text: &str) -> Vec<u8> {
    let (items, query) = says(8192, first, text);
    let (roles, render_roles) = says(1024, 0, "null");
    core("", &format!("{items} {roles}"), &[("vw_query", &query), ("vw_render_roles", &render_roles)])
}

fn post(addr: SocketAddr, path: &str, headers: &[&str], body: &str) -> Reply {
    let mut text = format!("POST {path} HTTP/1.1\r\nConnection: close\r\nHost: {addr}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    exchange(addr, format!("{text}\r\n{body}").as_bytes()).expect("an answer")
}

fn check(reply: &Reply, status: u16, code: &str, told: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{reply:?}");
    assert!(reply.body.contains(told), "{told}: {reply:?}");
}

#[test]
fn questions_and_answers() {
    let site = site(1);
    let mut node = start(&site);
    let addr = node.addr();
    check(&get(addr, "/v1/query/all"), 404, "no-query-plugin", "put NAME.wasm and NAME.yaml with `kind: query`");
    // One that is there and broken is named, with what is wrong.
    site.write("etc/plugins/asks.yaml", "kind: query\n");
    site.write("etc/plugins/asks.wasm", "");
    node.error("plugin asks");
    check(&get(addr, "/v1/query/all"), 404, "no-query-plugin", "(asks: inspect: it is no WebAssembly: the file is empty)");
    add(&site, &mut node, "asks", "kind: query\nconfig: { x: 1 }\n", querying(ECHO, (0, "null")));

    let hash = node.get("/v1/schedule").json()["hash"].as_str().expect("a text").to_owned();
    let mut told = get(addr, "/v1/query/roles/w%C3%A9b/a%2Fb?x=1&y=%20z%26").json();
    assert!(told["now"].as_u64().is_some_and(|now| now > 1_600_000_000_000) && told["since"].is_u64(), "{told:#}");
    assert_eq!(told["schedule"]["nodes"]["alpha"]["roles"]["web"], json!({ "instances": 1 }));
    for key in ["now", "since", "schedule"] {
        told.as_object_mut().expect("an object").remove(key);
    }
    let expect = json!({ "v": 1, "path": "roles/wéb/a/b", "method": "GET", "query": { "x": "1", "y": " z&" }, "body": null,
        "hostname": "alpha", "config": { "x": 1 }, "schedule_digest": format!("sha256:{hash}") });
    assert_eq!(told, expect);

    let told = post(addr, "/v1/query/do", &[JSON_TYPE], r#"{"a":[1,2.50,"ü"]}"#);
    assert_eq!(told.header("content-type"), Some("application/json"));
    // Its digits are the client's.
    assert!(told.body.contains(r#""body":{"a":[1,2.50,"ü"]}"#) && !told.body.contains('\n'), "{told:?}");
    assert_eq!((&told.json()["method"], &told.json()["path"]), (&json!("POST"), &json!("do")));
    let pretty = get(addr, "/v1/query/do.pretty");
    assert!(pretty.body.contains("\n  \"path\": \"do\"") && pretty.body.ends_with("}\n"), "{pretty:?}");
    assert_eq!(crate::support::request(addr, "HEAD", "/v1/query/do", &[]).status, 200);
    node.stop();
}

#[test]
fn questions_that_are_refused() {
    let site = site(1);
    site.write("etc/verwalter.yaml", format!("{}http: {{ body: 4KiB }}\n", super::SETTINGS));
    let mut node = start(&site);
    add(&site, &mut node, "asks", QUERY, querying(ECHO, (0, "null")));
    let addr = node.addr();
    let ask = |headers: &[&str], body: &str| post(addr, "/v1/query/do", headers, body);
    check(&get(addr, "/v1/query/%ff"), 400, "bad-path", "UTF-8");
    check(&get(addr, "/v1/query/a?x=1&x=2"), 400, "bad-query", "each name once");
    check(&ask(&[JSON_TYPE], "{"), 400, "bad-body", "the body must be JSON");
    check(&ask(&[JSON_TYPE], r#"{"a":1,"a":2}"#), 400, "bad-body", "`a`");
    check(&ask(&[JSON_TYPE], &"[".repeat(100)), 400, "bad-body", "nested deeper than 32 levels, the most that is taken here");
    check(&ask(&[JSON_TYPE], &format!("{:?}", "x".repeat(5000))), 413, "body-too-large", "4096 bytes");
    // The same without a length.
    let chunk = "x".repeat(5000);
    let head =
        format!("POST /v1/query/do HTTP/1.1\r\nConnection: close\r\nHost: {addr}\r\n{JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let reply = exchange(addr, format!("{head}1388\r\n{chunk}\r\n0\r\n\r\n").as_bytes()).expect("an answer");
    check(&reply, 413, "body-too-large", "4096 bytes");
    // As for every POST: another site's page must not make a browser send it.
    check(&ask(&[JSON_TYPE, "Origin: http://evil.example"], "{}"), 403, "foreign-origin", "evil.example");
    check(&ask(&["Content-Type: text/plain"], "{}"), 415, "json-only", "application/json");
    assert_eq!(ask(&[JSON_TYPE, &format!("Origin: http://{addr}")], "{}").status, 200);
    check(&crate::support::request(addr, "PUT", "/v1/query/do", &["Content-Length: 0"]), 405, "method-not-allowed", "GET");
    node.stop();
}

#[test]
fn answers_that_are_none() {
    let site = site(1);
    let mut node = start(&site);
    let addr = node.addr();
    add(&site, &mut node, "asks", "kind: query\nlimits: { fuel: 10M }\n", saying(0, "[1]"));
    assert_eq!(get(addr, "/v1/query/any").body, "[1]");
    let mut fails = |wasm: Vec<u8>, status: u16, code: &str, told: &str| {
        replace(&site, &mut node, "asks", wasm);
        check(&get(addr, "/v1/query/any"), status, code, told);
    };
    fails(saying(1, "no such role"), 422, "answered-an-error", "answered an error: no such role");
    fails(querying("unreachable", (0, "null")), 502, "plugin-failed", "unreachable");
    fails(querying("(loop $l (br $l)) unreachable", (0, "null")), 502, "plugin-failed", "raise it with `limits: { fuel: 20M }`");
    fails(saying(0, "certainly!"), 502, "plugin-failed", "line 1 column 1");
    fails(saying(0, "1 2"), 502, "plugin-failed", "line 1 column 3");
    fails(saying(7, "{}"), 502, "plugin-failed", "its answer begins with byte 7");
    // It is about questions alone: rounds and files go on.
    node.healthy();
    node.stop();
}

#[test]
fn two_query_plugins_are_one_too_many() {
    let site = site(1);
    let mut node = start(&site);
    let addr = node.addr();
    add(&site, &mut node, "one", QUERY, saying(0, "\"one\""));
    site.write("etc/plugins/another.wasm", saying(0, "\"another\""));
    site.write("etc/plugins/another.yaml", QUERY);
    let error = node.error("plugin another");
    assert_eq!(error, "place: 2 query plugins are active (another, one): set `mode: off` in the manifest of all but one");
    assert_eq!(get(addr, "/v1/query/any").body, "\"one\"", "the one that answered goes on");
    site.write("etc/plugins/one.yaml", "kind: query\nmode: off\n");
    node.healthy();
    assert_eq!(get(addr, "/v1/query/any").body, "\"another\"");
    node.stop();
}

#[test]
fn few_at_a_time() {
    let site = site(1);
    let mut node = start(&site);
    let addr = node.addr();
    let slow = "(loop $l (br $l)) unreachable";
    add(&site, &mut node, "slow", "kind: query\nlimits: { fuel: 1T, time: 3s }\n", querying(slow, (0, "null")));
    // One more asks than there are places for, until somebody found none.
    let refused = Arc::new(OnceLock::new());
    let ask = |refused: Arc<OnceLock<Reply>>| {
        move || {
            eventually("no place is left", || {
                let reply = get(addr, "/v1/query/any");
                assert!([502, 503].contains(&reply.status), "{reply:?}");
                if reply.status == 503 {
                    let _ = refused.set(reply);
                }
                refused.get().map(|_| ())
            });
        }
    };
    let asking: Vec<_> = (0..3).map(|_| std::thread::spawn(ask(refused.clone()))).collect();
    asking.into_iter().for_each(|asked| asked.join().expect("no panic"));
    check(refused.get().expect("they waited for it"), 503, "busy", "2 questions are being answered already");
    node.round("rounds go on", |round| round["accepted"] == true);
    node.healthy();
    node.stop();
}

/// Chooses roles: the deployed file of `web` and the status as `look` wants it.
fn chooses(site: &Site, node: &mut Node, roles: (u8, &str)) {
    replace(site, node, "asks", querying(ECHO, roles));
}

fn becomes(site: &Site, node: &mut Node, file: &str, text: &str) {
    node.eventually(&format!("{file} becomes {text:?}"), |_| (site.read(file).as_deref() == Some(text)).then_some(()));
}

const WEB: &str = "web x1 on alpha\n";

#[test]
fn roles_may_be_chosen() {
    let site = site(1);
    template(&site, "db", "{{ role }} {{ flavour }} on {{ node }} with {{ machine.rack }}\n");
    site.write("etc/machine/site.yaml", "rack: r7\n");
    let mut node = start(&site);
    becomes(&site, &mut node, "out/web", WEB);
    add(&site, &mut node, "asks", QUERY, querying(ECHO, (0, "null")));
    node.healthy();
    assert_eq!(site.read("out/web").as_deref(), Some(WEB), "null leaves it to the schedule");

    let db = r#""db":{"template":"db/v1","flavour":"plain"}"#;
    chooses(&site, &mut node, (0, &format!(r#"{{"v":1,"to_render":{{{db}}},"all_roles":["db","web"]}}"#)));
    becomes(&site, &mut node, "out/db", "db plain on alpha with r7\n");
    let roles = |status: &Value| status["deployment"]["roles"].as_object().map(|roles| roles.keys().cloned().collect::<Vec<_>>());
    node.status("db alone", |status| (roles(status) == Some(vec!["db".to_owned()])).then_some(()));

    // Variables are whole: nothing of the schedule is merged in.
    let other = r#"{"v":1,"to_render":{"web":{"template":"web/v1","instances":9,"node":"told"}}}"#;
    chooses(&site, &mut node, (0, other));
    becomes(&site, &mut node, "out/web", "web x9 on told\n");

    let missing = format!(r#"{{"v":1,"to_render":{{{db},"web":{{"template":"web/v9"}}}}}}"#);
    chooses(&site, &mut node, (0, &missing));
    let error = node.error("role web");
    assert!(error.contains("there is no directory templates/web/v9 on this node"), "{error}");
    assert_eq!(site.read("out/web").as_deref(), Some("web x9 on told\n"));
    assert_eq!(node.get("/v1/status").json()["deployment"]["roles"]["db"]["state"], "rendered");
    chooses(&site, &mut node, (0, "null"));
    becomes(&site, &mut node, "out/web", WEB);
    node.healthy();
    node.stop();
}

/// Null for one instance; otherwise `failing`, a body.
fn fails_on_two(failing: &str) -> Vec<u8> {
    let (items, null) = says(1024, 0, "null");
    let (no, _) = says(2048, 1, "not two");
    // The schedule's only digit after `"instances":`, which is looked for.
    let items = format!(
        "{items} {no} {} (func $two (param $at i32) (param $end i32) (result i32)
            (block $none
              (loop $next
                (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
                (if (i64.eq (i64.load (local.get $at)) (i64.load (i32.const 3072))) (then (return (i32.const 1))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $next)))
            (i32.const 0))",
        data(3072, br#"nces":2}"#)
    );
    let roles = format!("(if (call $two (local.get $ptr) (i32.add (local.get $ptr) (local.get $len))) (then {failing})) {null}");
    core("", &items, &[("vw_query", ECHO), ("vw_render_roles", &roles)])
}

#[test]
fn a_choice_that_fails_keeps_files_and_is_tried_again() {
    for (failing, told) in [
        ("unreachable".to_owned(), "unreachable"),
        (format!("(return {})", packed(2048, 8)), "answered an error: not two"),
        (format!("(return {})", packed(3072, 8)), "its answer begins with byte 110"),
    ] {
        let site = site(1);
        let mut node = start(&site);
        add(&site, &mut node, "asks", QUERY, fails_on_two(&failing));
        site.write("etc/plugins/place.wasm", placing(2));
        let error = node.error("render-roles");
        assert!(error.starts_with("which roles to render here was not said, files stay as they are: plugin asks ("), "{error}");
        assert!(error.contains(told), "{error}");
        node.status("the role says so too", |status| status["errors"].get("role web").map(|_| ()));
        assert_eq!(site.read("out/web").as_deref(), Some(WEB));
        // It is tried again by itself.
        let calls = |node: &mut Node| node.get("/v1/plugins/asks").json()["metrics"]["calls"].as_u64().expect("a number");
        let so_far = calls(&mut node);
        node.eventually("another try", |node| (calls(node) > so_far).then_some(()));
        // What would do well is asked at once, whatever was to be waited for, and roles whose inputs are the same heal too.
        chooses(&site, &mut node, (0, "null"));
        becomes(&site, &mut node, "out/web", "web x2 on alpha\n");
        node.healthy();
        node.stop();
    }
}

#[test]
fn a_choice_that_failed_heals_roles_that_did_not_change() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "asks", QUERY, fails_on_two("unreachable"));
    site.write("etc/plugins/place.wasm", placing(2));
    node.error("render-roles");
    replace(&site, &mut node, "place", placing(1));
    node.healthy();
    let role = node.get("/v1/status").json()["deployment"]["roles"]["web"].clone();
    assert_eq!((&role["state"], &role["unchanged"]), (&json!("rendered"), &json!(1)), "{role:#}");
    node.stop();
}

#[test]
fn a_component_answers_too() {
    let site = site(1);
    let mut node = start(&site);
    let addr = node.addr();
    let component = include_str!("../guests/query_component.wat");
    add(&site, &mut node, "modern", QUERY, translate(component));
    let told = get(addr, "/v1/query/a%20b?c=d").json();
    assert_eq!((&told["path"], &told["query"]), (&json!("a b"), &json!({ "c": "d" })));
    becomes(&site, &mut node, "out/web", "web x7 on alpha\n");
    in_force(&mut node, "modern", |plugin| plugin["abi"] == "component");
    node.healthy();
    node.stop();
}

/// It would remove the files of every role at once.
#[test]
fn choosing_no_role_at_all_must_be_allowed() {
    let site = site(1);
    let mut node = start(&site);
    becomes(&site, &mut node, "out/web", WEB);
    site.write("etc/plugins/asks.wasm", querying(ECHO, (0, r#"{"v":1,"to_render":{}}"#)));
    site.write("etc/plugins/asks.yaml", QUERY);
    super::in_force(&mut node, "asks", |plugin| {
        let reason = plugin["error"]["reason"].as_str().unwrap_or_default();
        plugin["state"] == "failed"
            && reason.contains("it would render no role on this node, where the schedule has 1; what is rendered stays")
    });
    assert_eq!(site.read("out/web").as_deref(), Some(WEB));
    site.write("etc/plugins/asks.yaml", "kind: query\nguards: { allow-empty: true }\n");
    node.eventually("the role's file is gone", |_| site.read("out/web").is_none().then_some(()));
    node.stop();
}
