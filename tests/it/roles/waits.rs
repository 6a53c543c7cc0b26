//! Roles that wait although they changed: to settle, for their interval, for an order. What is not to happen is told by what happens meanwhile.

use serde_json::Value;

use super::{listen, page, render_file, site, told};
use crate::support::{Node, Site, eventually};

/// An hour, in milliseconds.
const HOUR: u64 = 3_600_000;
const TELL: &str = "- !Sh 'cat HERE/out/page >>HERE/told'\n";

/// The role's part of the status, once `look` likes it.
fn role(node: &mut Node, name: &str, what: &str, look: impl Fn(&Value) -> bool) -> Value {
    node.status(what, |status| {
        let role = &status["deployment"]["roles"][name];
        // Of the schedule in force, with the configuration in force.
        (status["deployment"]["schedule"] == status["schedule_id"] && look(role)).then(|| role.clone())
    })
}

fn waits_for(node: &mut Node, reason: &str) -> Value {
    role(node, "web", &format!("web waits: {reason}"), |role| role["waiting"]["reason"] == reason)
}

/// Changes another role and waits until that is deployed: whatever was to be done for `web` before is done then.
fn meanwhile(site: &Site, node: &mut Node, from: &str, to: &str) {
    site.edit("etc/runtime/motd.yaml", from, to);
    node.eventually("the other role goes on", |_| site.read("out/motd")?.contains(to).then_some(()));
}

#[test]
fn not_again_within_the_interval_also_after_a_restart() {
    let interval = format!("{TELL}interval: 1h\n");
    let site = site(&interval);
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let before = role(&mut node, "web", "the first time is at once", |role| role["state"] == "rendered");
    assert!(before["waiting"].is_null(), "{before}");
    listen(&site, 8080, 8081);
    let waiting = waits_for(&mut node, "interval");
    assert_eq!((&waiting["state"], &waiting["at"]), (&before["state"], &before["at"]), "it is what it was");
    let until = waiting["waiting"]["until_ms"].as_u64().expect("it is known") - before["at"].as_u64().expect("it was deployed");
    assert!((HOUR - 60_000..HOUR + 60_000).contains(&until), "{waiting}");
    node.healthy();
    meanwhile(&site, &mut node, "managed by verwalter", "meanwhile");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    // Back to what is in force: there is nothing to wait for.
    listen(&site, 8081, 8080);
    role(&mut node, "web", "the wait ends", |role| role["waiting"].is_null());
    node.stop();
    site.edit("etc/runtime/web.yaml", "listen: 8080", "listen: 8082");
    let mut node = site.run(&[]);
    node.ready();
    let waiting = waits_for(&mut node, "interval");
    assert_eq!((&waiting["state"], waiting["unchanged"].as_u64()), (&Value::from("rendered"), Some(1)), "{waiting}");
    assert_eq!(told(&site), ["listen 8080"]);
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    // Another pace is another input, and what is written last counts.
    render_file(&site, TELL);
    page(&site, &mut node, 8082);
    role(&mut node, "web", "it waits no longer", |role| role["waiting"].is_null());
    node.healthy();
    node.stop();
    assert_eq!(told(&site), ["listen 8080", "listen 8082"]);
}

#[test]
fn changes_in_a_row_are_one_deployment() {
    let site = site(&format!("{TELL}wait: {{ min: 1h }}\n"));
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let mut until = 0;
    for port in 8080..8083 {
        listen(&site, port, port + 1);
        let later = |role: &Value| {
            role["waiting"]["until_ms"].as_u64().is_some_and(|now| role["waiting"]["reason"] == "settling" && now > until + 10)
        };
        let waiting = role(&mut node, "web", "it waits from the newest change on", later);
        until = waiting["waiting"]["until_ms"].as_u64().expect("it is known");
    }
    meanwhile(&site, &mut node, "managed by verwalter", "meanwhile");
    assert_eq!(told(&site), ["listen 8080"]);
    render_file(&site, &format!("{TELL}wait: {{ min: 10ms }}\n"));
    eventually("it is deployed", || (told(&site).len() > 1).then_some(()));
    page(&site, &mut node, 8083);
    meanwhile(&site, &mut node, "meanwhile", "afterwards");
    node.healthy();
    node.stop();
    assert_eq!(told(&site), ["listen 8080", "listen 8083"], "all of them at once");
}

#[test]
fn without_an_order_nothing_is_done_where_the_node_says_so() {
    let site = site(&format!("{TELL}on-remove:\n- !Sh 'echo gone >>HERE/told'\n"));
    let settings = site.read("etc/verwalter.yaml").expect("it is there");
    let manual = format!("{settings}deploy: {{ mode: manual }}\n");
    site.write("etc/verwalter.yaml", &manual);
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let waiting = waits_for(&mut node, "manual");
    assert_eq!((&waiting["state"], &waiting["waiting"]["until_ms"]), (&Value::from("waiting"), &Value::Null));
    let hint = waiting["waiting"]["hint"].as_str().expect("a text");
    assert!(hint.contains("`verwalter plan`") && hint.contains("`verwalter apply --plan DIGEST`"), "{hint}");
    assert!(!site.path("out/page").exists() && !site.path("out/motd").exists() && told(&site).is_empty());
    node.stop();

    site.write("etc/verwalter.yaml", &settings);
    let mut node = site.run(&[]);
    node.ready();
    page(&site, &mut node, 8080);
    node.healthy();
    node.stop();

    site.write("etc/verwalter.yaml", &manual);
    let mut node = site.run(&[]);
    node.ready();
    node.status("its files are in place: it waits for nothing", |status| {
        let web = &status["deployment"]["roles"]["web"];
        (web["state"] == "rendered" && web["waiting"].is_null()).then_some(())
    });
    // Nor does it go by itself: what the schedule has no longer stays, and is told of.
    let before = node.get("/v1/status").json()["schedule_id"].clone();
    std::fs::rename(site.path("etc/runtime/web.yaml"), site.path("web.kept")).expect("it is there");
    node.status("it is placed no longer", |status| {
        let deployed = status["schedule_id"] != before && status["deployment"]["schedule"] == status["schedule_id"];
        (deployed && status["deployment"]["roles"]["web"]["waiting"]["reason"] == "manual").then_some(())
    });
    node.healthy();
    assert!(site.path("out/page").exists());
    assert_eq!(told(&site), ["listen 8080"]);
    node.stop();

    site.write("etc/verwalter.yaml", &settings);
    let mut node = site.run(&[]);
    eventually("it goes, and says farewell", || (told(&site) == ["listen 8080", "gone"]).then_some(()));
    node.eventually("its file is gone", |_| (!site.path("out/page").exists()).then_some(()));
    node.stop();
}
