//! What must outlive an end, a restart and a directory that goes away.

use rustix::process::Signal;

use super::{hash, running};
use crate::support::run_to_end;

#[test]
fn what_was_decided_before_the_end_is_deployed_before_it() {
    let (site, mut node) = running();
    let generation = node.get("/v1/status").json()["config_generation"].as_u64();
    site.edit("etc/runtime/motd.yaml", "managed by verwalter", "on its way out");
    // The round that follows and the end come at the same moment.
    node.status("the edit is read", |status| (status["config_generation"].as_u64() > generation).then_some(()));
    node.signal(Signal::TERM);
    assert!(node.end().success());
    let stored = site.read("var/schedule/schedule.json").expect("a schedule is stored");
    let rendered = site.read("out/motd").expect("a file is rendered");
    assert_eq!(stored.contains("on its way out"), rendered.contains("on its way out"), "what is in force is deployed");
}

#[test]
fn a_restart_with_broken_facts_leaves_good_files_alone() {
    let (site, mut node) = running();
    let motd = site.read("out/motd").expect("a file is rendered");
    assert!(motd.contains("demo-1"), "{motd}");
    node.stop();
    site.edit("etc/templates/motd/v1/motd.hbs", "{{ machine.rack }}", r#"{{ default machine.rack "unknown" }}"#);
    let good = site.read("etc/machine/site.yaml").expect("it is there");
    site.write("etc/machine/site.yaml", "rack: [");
    let mut node = site.run(&["--hostname", "alpha"]);
    let error = node.error("role motd");
    assert!(error.contains("machine/ has been unreadable since the start") && error.contains("site.yaml:1:7"), "{error}");
    assert_eq!(site.read("out/motd"), Some(motd.clone()));
    site.write("etc/machine/site.yaml", good);
    node.healthy();
    assert_eq!(site.read("out/motd"), Some(motd));
    node.stop();
}

#[test]
fn metadata_that_goes_away_takes_no_role_along() {
    let (site, mut node) = running();
    let before = hash(&mut node);
    std::fs::rename(site.path("etc/runtime"), site.path("aside")).expect("it is there");
    let error = node.error("config");
    assert!(error.contains("runtime: is gone; what it held stays in force"), "{error}");
    assert_eq!(hash(&mut node), before);
    std::fs::create_dir(site.path("etc/runtime")).expect("it is gone");
    let error = node.error("scheduler");
    assert!(error.contains("the schedule in force stays"), "nothing at all is more likely an accident: {error}");
    assert_eq!(hash(&mut node), before);
    let node_url = format!("http://{}", node.addr());
    let ended = run_to_end(["plugin", "allow", "spread", "--node", &node_url]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    node.status("an empty directory is meant", |status| (status["round"]["placements"] == 0).then_some(()));
    node.stop();
}
