//! `verwalter role adopt|forget|list` on a running node: what belongs to a role, and what becomes of it.

use std::fs;

use serde_json::{Value, json};

use super::{page, site, told};
use crate::support::{Ended, Node, Site, eventually, run_to_end};

/// `verwalter role …` against the node.
fn role(node: &mut Node, args: &[&str]) -> Ended {
    let url = format!("http://{}", node.addr());
    run_to_end([&["role"], args, &["--node", &url]].concat())
}

/// The order must be carried out; gives what it says.
fn done(node: &mut Node, args: &[&str]) -> String {
    let ended = role(node, args);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{args:?}: {ended:#?}");
    ended.out
}

/// The order must be refused with one line that says `expect`.
fn refused(node: &mut Node, args: &[&str], expect: &str) {
    let ended = role(node, args);
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{args:?}: {ended:#?}");
    assert!(ended.err.contains(expect) && ended.err.lines().count() == 1, "{expect}: {ended:#?}");
}

fn files(node: &mut Node, role: &str) -> Value {
    let reply = node.get(&format!("/v1/roles/{role}")).json();
    reply["files"].as_array().map(|files| files.iter().map(|file| file["path"].clone()).collect()).unwrap_or_default()
}

fn out(site: &Site, name: &str) -> String {
    site.path("out").join(name).to_string_lossy().into_owned()
}

#[test]
fn files_are_adopted_and_forgotten() {
    let site = site("on-remove:\n- !Sh 'echo gone >>HERE/told'\n");
    for name in ["stale", "other", "motd.old"] {
        site.write(&format!("out/{name}"), "by hand");
    }
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let (own, stale) = (out(&site, "page"), out(&site, "stale"));
    assert_eq!(files(&mut node, "web"), json!([own]));
    // All or nothing, each with its reason.
    refused(&mut node, &["adopt", "web", "stale", "absent"], "/out/absent cannot be adopted: there is no such file; nothing was changed");
    refused(&mut node, &["adopt", "web", "stale", "/etc/passwd"], "lies outside of what this node lets be written");
    refused(&mut node, &["adopt", "web", "motd"], "/out/motd belongs to the role motd: forget it there first");
    refused(&mut node, &["adopt", "db", "stale"], "the role db is not on this node");
    refused(&mut node, &["forget", "db"], "nothing is remembered of a role `db` on this node");
    refused(&mut node, &["forget", "web", "stale"], "/out/stale does not belong to it: `verwalter role list web` shows what does");
    assert_eq!(files(&mut node, "web"), json!([own]));
    // What it produces stays, what it does not produce goes.
    let said = done(&mut node, &["adopt", "web", "stale", &own]);
    assert!(said.starts_with("2 files belong to the role web now: its next deployment"), "{said}");
    node.eventually("what it does not produce goes", |_| (!site.path("out/stale").exists()).then_some(()));
    node.eventually("that is committed", |node| (files(node, "web") == json!([own])).then_some(()));
    node.healthy();
    let log = run_to_end(["log", "--role", "web", "-n", "10", "--log-dir", &site.path("log").to_string_lossy()]);
    for part in ["cause: an operator ordered it", &stale, "-by hand"] {
        assert!(log.out.contains(part), "{part}: {}", log.out);
    }
    let table = done(&mut node, &["list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("ROLE") && lines[2].starts_with("web ") && lines[2].contains("web/v1"), "{table}");
    let detail = done(&mut node, &["list", "web"]);
    assert!(detail.contains(&own) && detail.contains("template    web/v1"), "{detail}");
    let raw: Value = serde_json::from_str(&done(&mut node, &["list", "--json", "web"])).expect("JSON");
    assert_eq!((raw["files"][0]["path"].as_str(), raw["attempt"].as_u64()), (Some(own.as_str()), Some(1)));
    let schedule = node.get("/v1/status").json()["schedule_id"].clone();
    assert_eq!(raw["schedule"].as_str().and_then(|digest| digest.strip_prefix("sha256:")), schedule.as_str());
    // Forgotten, the file stays when the role leaves; what it does then, it still does.
    let said = done(&mut node, &["forget", "web", "page"]);
    assert!(said.starts_with("1 file stays and belongs to the role web no longer; it is still this node's"), "{said}");
    assert_eq!(files(&mut node, "web"), json!([]));
    fs::rename(site.path("etc/runtime/web.yaml"), site.path("web.kept")).expect("it is there");
    eventually("it says farewell", || (told(&site) == ["gone"]).then_some(()));
    node.eventually("nothing is remembered of it", |node| (node.get("/v1/roles/web").status == 404).then_some(()));
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    // Back again, its file is its own.
    fs::rename(site.path("web.kept"), site.path("etc/runtime/web.yaml")).expect("it is there");
    node.eventually("its file is its own", |node| (files(node, "web") == json!([own])).then_some(()));
    // Forgotten as a whole, nothing runs and nothing goes.
    let said = done(&mut node, &["forget", "web"]);
    assert!(said.contains("1 file stays and belongs to the role web no longer, and nothing runs when it leaves"), "{said}");
    fs::rename(site.path("etc/runtime/web.yaml"), site.path("web.kept")).expect("it is there");
    node.status("it left", |status| status["deployment"]["roles"]["web"].is_null().then_some(()));
    assert_eq!((site.read("out/page").as_deref(), told(&site).len()), (Some("listen 8080\n"), 1));
    assert_eq!(site.read("out/other").as_deref(), Some("by hand"), "what nobody named stays");
    node.stop();
}

#[test]
fn adopted_files_outlive_a_restart_and_a_role_that_fails() {
    let site = site("- !Sh 'false'\n");
    site.write("out/old", "by hand");
    let mut node = site.run(&[]);
    node.error("role web");
    done(&mut node, &["adopt", "web", "old"]);
    node.stop();
    let mut node = site.run(&[]);
    node.error("role web");
    assert_eq!(files(&mut node, "web"), json!([out(&site, "old")]));
    let listed = done(&mut node, &["list", "web"]);
    assert!(listed.contains("since       -") && listed.trim_end().ends_with("out/old  adopted"), "{listed}");
    super::render_file(&site, "");
    page(&site, &mut node, 8080);
    node.healthy();
    assert!(!site.path("out/old").exists(), "it goes with what it is not part of");
    node.eventually("only that is its own", |node| (files(node, "web") == json!([out(&site, "page")])).then_some(()));
    node.stop();
}

#[test]
fn what_is_said_is_checked_before_anything_is_sent() {
    let check = |args: &[&str], told: &str| {
        let ended = run_to_end(args);
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told), "{args:?}: {ended:#?}");
    };
    check(&["role", "adopt", "web"], "<PATH>");
    check(&["role", "adopt"], "<ROLE>");
    check(&["role", "forget", "../web"], "role name `../web`");
}
