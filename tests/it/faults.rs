//! Bad input and a failing machine: each gives one clear error that names the file, key or plugin, what was good stays in force, and
//! mending it is enough.

pub(crate) mod disk;
mod lasting;
mod plugins;

use crate::support::{Node, Site};

/// A running node with its schedule deployed.
fn running() -> (Site, Node) {
    let site = Site::prepared();
    let mut node = site.run(&["--hostname", "alpha"]);
    node.ready();
    node.healthy();
    (site, node)
}

/// Every error in the status, a line each.
fn errors(node: &mut Node) -> Vec<String> {
    let status = node.get("/v1/status").json();
    let errors = status["errors"].as_object().expect("an object").values();
    errors.map(|error| error.as_str().expect("a text").to_owned()).collect()
}

/// The schedule in force.
fn hash(node: &mut Node) -> String {
    node.get("/v1/schedule").json()["hash"].as_str().expect("a text").to_owned()
}

/// Writes `content` to a file of the tree while the node runs: one error that says `told`, nothing changes, and it heals.
fn breaks_and_heals(file: &str, content: &str, told: &str) {
    let (site, mut node) = running();
    let (before, motd) = (hash(&mut node), site.read("out/motd"));
    let good = site.read(file);
    site.write(file, content);
    let error = node.error(&format!("config {}", site.path(file).display()));
    assert!(error.contains(told), "{told}: {error}");
    assert!(error.starts_with(&site.path(file).display().to_string()), "it names the file: {error}");
    assert_eq!(errors(&mut node).len(), 1, "one mistake is one error");
    let round = node.get("/v1/status").json()["round"]["round"].as_u64();
    node.status("rounds go on", |status| (status["round"]["round"].as_u64() > round && status["round"]["accepted"] == true).then_some(()));
    assert_eq!((hash(&mut node), site.read("out/motd")), (before, motd), "what was in force stays");
    match good {
        Some(good) => site.write(file, good),
        None => std::fs::remove_file(site.path(file)).expect("it is there"),
    }
    node.healthy();
    node.stop();
}

#[test]
fn broken_metadata() {
    breaks_and_heals("etc/runtime/web.yaml", "instances: [", "web.yaml:1:12: ");
    breaks_and_heals("etc/runtime/web.yaml", "instances: 1\ninstances: 2\n", "web.yaml:2:1: `web`: the key `instances` stands twice");
    breaks_and_heals("etc/runtime/new.json", "{\"a\": 9007199254740993}", "`new.a`: an integer beyond");
    breaks_and_heals("etc/runtime/new.yaml", "\u{7f}\0", "new.yaml");
}

#[test]
fn every_error_of_a_file_is_shown() {
    let (site, mut node) = running();
    let settings = site.read("etc/verwalter.yaml").expect("it is there");
    site.write("etc/verwalter.yaml", "round-interval: 1ms\nhttp:\n  connections: 0\n");
    node.error("config ");
    let found = errors(&mut node);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("verwalter.yaml:1:1: `round-interval`: ") && found[1].contains(":3:3: `http.connections`: "), "{found:#?}");
    site.write("etc/verwalter.yaml", settings);
    node.healthy();
    node.stop();
}

#[test]
fn a_key_that_two_files_claim() {
    let (site, mut node) = running();
    site.write("etc/runtime/motd/instances.yaml", "5");
    let error = node.error("config ");
    let [file, directory] = ["etc/runtime/motd.yaml", "etc/runtime/motd"].map(|below| site.path(below).display().to_string());
    assert_eq!(error, format!("{file}: `motd.instances`: `{directory}` has this key too: remove one"));
    std::fs::remove_dir_all(site.path("etc/runtime/motd")).expect("it is there");
    node.healthy();
    node.stop();
}

#[test]
fn broken_facts_sandbox_and_settings() {
    breaks_and_heals("etc/machine/site.yaml", "rack: {", "site.yaml:1:");
    breaks_and_heals("etc/sandbox/paths.yaml", "write: []", "`write`: unknown key: did you mean `writes`?");
    breaks_and_heals("etc/sandbox/paths.yaml", "writes: [a, ../b]", "paths.yaml:1:13: `writes[1]`: must be a path without `..`");
    breaks_and_heals("etc/verwalter.yaml", "round-interval: soon", "`round-interval`: write a whole number and a unit");
}

#[test]
fn metadata_that_no_scheduler_can_use_leaves_the_schedule() {
    let (site, mut node) = running();
    let before = hash(&mut node);
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: many");
    let error = node.error("scheduler");
    assert!(error.starts_with("plugin spread (") && error.contains("web") && error.contains("instances"), "{error}");
    assert_eq!(hash(&mut node), before);
    site.edit("etc/runtime/web.yaml", "instances: many", "instances: 4");
    node.healthy();
    node.stop();
}

#[test]
fn a_tree_that_was_never_sound_decides_nothing() {
    let site = Site::prepared();
    site.write("etc/runtime/web.yaml", "instances: [");
    let mut node = site.run(&[]);
    let error = node.error("scheduler");
    assert!(error.contains("runtime/ has been unreadable since the start: ") && error.contains("web.yaml:1:12"), "{error}");
    assert_eq!(node.get("/v1/schedule").status, 404);
    site.write("etc/runtime/web.yaml", "instances: 1\ntemplate: web/v1\nvars: { listen: 1, names: [a], allow: [], backends: {} }\n");
    node.healthy();
    node.stop();
}

/// Puts a directory where a file is expected.
fn directory_for_a_file(file: &str, place: &str, told: &str) {
    let (site, mut node) = running();
    let before = (hash(&mut node), site.read("out/nginx/web.conf"));
    let good = std::fs::read(site.path(file)).expect("it is there");
    std::fs::remove_file(site.path(file)).expect("it is there");
    std::fs::create_dir(site.path(file)).expect("the place is free");
    let error = node.error(place);
    assert!(error.contains(told), "{told}: {error}");
    if file != "out/motd" {
        assert_eq!((hash(&mut node), site.read("out/nginx/web.conf")), before, "what was in force stays");
    }
    std::fs::remove_dir(site.path(file)).expect("nothing was put in");
    site.write(file, good);
    node.healthy();
    node.stop();
}

#[test]
fn a_directory_where_a_file_is_expected() {
    directory_for_a_file("etc/templates/web/v1/nginx.conf.hbs", "role web", "`nginx.conf.hbs`, which is no template");
    directory_for_a_file("etc/templates/web/v1/web.render.yaml", "role web", "template web/v1: ");
    directory_for_a_file("etc/runtime/web.yaml", "config ", "runtime/web.yaml: ");
    directory_for_a_file("etc/plugins/spread.wasm", "config ", "plugins/spread.wasm: is a directory where a file is expected");
    directory_for_a_file("etc/machine/site.yaml", "config ", "machine/site.yaml: ");
}

#[test]
fn a_template_with_a_missing_variable() {
    let (site, mut node) = running();
    let before = site.read("out/nginx/web.conf");
    site.edit("etc/templates/web/v1/nginx.conf.hbs", "listen {{ listen }};", "listen {{ port }};");
    let error = node.error("role web");
    assert_eq!(
        error,
        "role web: template web/v1: nginx.conf.hbs:9: there is no `port`: give the role that variable, or write `default port …`"
    );
    assert_eq!(site.read("out/nginx/web.conf"), before, "the old file stays");
    let status = node.get("/v1/status").json();
    assert_eq!((&status["failed_roles"], &status["num_errors"]), (&serde_json::json!(["web"]), &1.into()), "{status:#}");
    assert_eq!(status["deployment"]["roles"]["motd"]["state"], "rendered", "the other role goes on");
    // Mended from the other side: the variable comes.
    site.edit("etc/runtime/web.yaml", "  listen: 8080", "  listen: 8080\n  port: 9090");
    node.healthy();
    assert!(site.read("out/nginx/web.conf").is_some_and(|conf| conf.contains("listen 9090;")));
    node.stop();
}

#[test]
fn a_template_that_is_no_template() {
    let (site, mut node) = running();
    let before = site.read("out/motd");
    site.edit("etc/templates/motd/v1/motd.hbs", "{{#with placed}}", "{{#with placed");
    let error = node.error("role motd");
    assert!(error.starts_with("template motd/v1: motd.hbs:"), "{error}");
    assert_eq!(site.read("out/motd"), before);
    site.edit("etc/templates/motd/v1/motd.hbs", "{{#with placed", "{{#with placed}}");
    node.healthy();
    site.edit("etc/templates/motd/v1/facts.yaml.hbs", "{{ quote_yaml greeting }}", "{{ netmask greeting }}");
    let error = node.error("role motd");
    assert!(error.contains("facts.yaml.hbs:") && error.contains("filter `netmask` failed: "), "{error}");
    assert_eq!(site.read("out/motd"), before, "no file of the role is written when one fails");
    node.stop();
}

#[test]
fn killed_in_the_middle_it_continues() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    let before = node.get("/v1/schedule").json();
    let stored = || site.read("var/schedule/schedule.json").filter(|text| text.contains(before["hash"].as_str().expect("a text")));
    node.eventually("the schedule is stored", |_| stored());
    // As a crash in the middle of a write leaves it.
    site.write("out/nginx/.vw-0123456789abcdef.tmp", "half a fi");
    site.write("var/schedule/.vw-fedcba9876543210.tmp", "{\"timest");
    node.signal(rustix::process::Signal::KILL);
    assert_eq!(node.end().code(), None);

    let mut node = site.run(&[]);
    node.ready();
    assert_eq!(node.get("/v1/schedule").json(), before, "placements and times are the same");
    node.eventually("what the crash left is removed", |_| {
        let left = ["out/nginx/.vw-0123456789abcdef.tmp", "var/schedule/.vw-fedcba9876543210.tmp"];
        left.iter().all(|below| !site.path(below).exists()).then_some(())
    });
    node.healthy();
    node.stop();
}

#[test]
fn a_stored_schedule_that_was_damaged_is_replaced() {
    for damage in ["{\"timest", "[]", ""] {
        let (site, mut node) = running();
        node.stop();
        site.write("var/schedule/schedule.json", damage);
        let mut node = site.run(&["--hostname", "alpha"]);
        node.ready();
        node.healthy();
        assert!(node.err.iter().any(|line| line.contains("starting without the stored schedule")), "{}", node.transcript());
        let hash = hash(&mut node);
        node.stop();
        assert!(site.read("var/schedule/schedule.json").is_some_and(|text| text.contains(&hash)), "the next decision is stored");
    }
}
