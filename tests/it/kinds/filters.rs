//! Filters while a node renders: one instance a role and render, each question asked once in it.

use super::{add, site, start, template};
use crate::sandbox::guest::{FILTER_COMPONENT, FILTER_CORE, answering, translate};
use crate::support::{Node, run_to_end};

/// `web` and `db` on the own node, `db` with `instances`.
fn two_roles(instances: u32) -> Vec<u8> {
    let role = |name: &str, instances| format!(r#""{name}":{{"template":"{name}/v1","place":{{"alpha":{instances}}}}}"#);
    let schedule = format!("{{\"roles\":{{{},{}}}}}", role("web", 1), role("db", instances));
    answering(format!("\0{{\"v\":1,\"schedule\":{schedule}}}").as_bytes())
}

#[test]
fn each_role_has_an_instance_and_each_question_is_asked_once() {
    for (wat, count, fail) in [(FILTER_CORE, "count", "boom"), (FILTER_COMPONENT, "c_count", "c_boom")] {
        let site = site(1);
        site.write("etc/plugins/place.wasm", two_roles(1));
        site.write("etc/plugins/tools.wasm", translate(wat));
        site.write("etc/plugins/tools.yaml", "kind: filter\n");
        let text = format!("{{{{{count} 1}}}}{{{{{count} 1}}}}{{{{{count} \"1\"}}}}{{{{{count} 1}}}} {{{{ instances }}}}\n");
        template(&site, "web", &text);
        template(&site, "db", &text);
        let mut node = start(&site);
        for role in ["out/web", "out/db"] {
            assert_eq!(site.read(role).as_deref(), Some("1121 1\n"), "{role}");
        }
        let so_far = node.get("/v1/plugins/tools").json()["metrics"]["calls"].as_u64().expect("a number");
        // The next render begins anew, with two questions where the template has four.
        super::replace(&site, &mut node, "place", two_roles(2));
        node.eventually("db is rendered again", |_| (site.read("out/db").as_deref() == Some("1121 2\n")).then_some(()));
        assert_eq!(node.get("/v1/plugins/tools").json()["metrics"]["calls"], so_far + 2);

        // One role's failure is its own.
        template(&site, "db", &format!("{{{{{fail} 1}}}}"));
        let error = node.error("role db");
        assert!(error.contains("unreachable"), "{error}");
        assert_eq!(site.read("out/db").as_deref(), Some("1121 2\n"));
        template(&site, "web", &format!("again {text}"));
        node.eventually("web is rendered beside it", |_| (site.read("out/web").as_deref() == Some("again 1121 1\n")).then_some(()));
        node.stop();
    }
}

#[test]
fn another_manifest_makes_another_build_of_a_filter() {
    let site = site(1);
    let manifest = |fuel: u64| format!("kind: filter\nlimits: {{ fuel: {fuel} }}\n");
    site.write("etc/plugins/tools.wasm", translate(FILTER_CORE));
    site.write("etc/plugins/tools.yaml", manifest(1_000_000));
    template(&site, "web", "{{count 1}}\n");
    let mut node = start(&site);
    let rendered = |node: &mut Node| {
        let line = "verwalter_deployments_total{outcome=\"rendered\"} ";
        let text = node.get("/metrics").body;
        text.lines().find_map(|found| found.strip_prefix(line)?.parse::<u64>().ok()).expect("a number")
    };
    let so_far = rendered(&mut node);
    // An error says how to raise a limit there: what failed for it must not wait for its next try.
    super::saved(&site, "etc/plugins/tools.yaml", &manifest(2_000_000));
    node.eventually("web is rendered again", |node| (rendered(node) > so_far).then_some(()));
    node.stop();
}

#[test]
fn a_refusal_fails_the_role() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "tools", "kind: filter\n", translate(FILTER_CORE));
    template(&site, "web", "{{ refuse 1 }}");
    let error = node.error("role web");
    assert!(error.contains("not today"), "{error}");
    assert_eq!(site.read("out/web").as_deref(), Some("web x1 on alpha\n"));
    node.stop();
}

/// Such a build does not come into force: the former one stays, and so does everything that is rendered.
#[test]
fn a_filter_cannot_have_the_name_of_a_built_in_helper() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "tools", "kind: filter\n", translate(FILTER_CORE));
    let expect = "the filter `join` has the name of a built-in helper: rename it in its plugin, or switch the plugin off";
    site.write("etc/plugins/tools.wasm", translate(&FILTER_CORE.replace("echo", "join")));
    super::in_force(&mut node, "tools", |plugin| {
        plugin["state"] == "kept" && plugin["error"]["reason"].as_str().is_some_and(|reason| reason.contains(expect))
    });
    template(&site, "web", "new {{ count 1 }}\n");
    node.eventually("a role is rendered with the former build", |_| (site.read("out/web").as_deref() == Some("new 1\n")).then_some(()));
    let ended = run_to_end(["check", "--quiet", "--config-dir", &site.path("etc").display().to_string()]);
    assert!(ended.status == Some(1) && ended.err.contains(expect), "{ended:#?}");
    node.stop();
}

#[test]
fn a_role_that_looks_up_others_follows_them() {
    let site = site(1);
    site.write("etc/plugins/place.wasm", two_roles(1));
    template(&site, "web", "{{#each (nodes_of \"db\")}}{{ this }} x{{ lookup (lookup_node this \"db\") \"instances\" }}\n{{/each}}");
    template(&site, "db", "{{ instances }}\n");
    let mut node = start(&site);
    assert_eq!(site.read("out/web").as_deref(), Some("alpha x1\n"));
    // Nothing that web itself is given changes.
    super::replace(&site, &mut node, "place", two_roles(2));
    node.eventually("it follows", |_| (site.read("out/web").as_deref() == Some("alpha x2\n")).then_some(()));
    node.stop();
}
