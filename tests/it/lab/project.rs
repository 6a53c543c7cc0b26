//! In a project, where file, manifest and cases are known and what is found is kept.

use super::{INPUT, NOTHING, choosing, fails, plugin, plugin_in, slow, verdict};
use crate::support::Site;

/// A project with a build that depends on the order of members.
fn project(checks: &str) -> Site {
    let site = Site::fresh();
    site.write("project.yaml", format!("name: mine\nkind: scheduler\nlanguage: wat\n{checks}"));
    site.write("mine.yaml", "kind: scheduler\nlimits: { fuel: 1G }\n");
    site.write("cases/one/input.json", INPUT);
    site.write("cases/one/expected.json", NOTHING);
    site.write("build/mine.wasm", choosing("", "", "(i32.ne (i32.load8_u offset=2 (local.get $ptr)) (i32.const 118))"));
    site
}

#[test]
fn what_breaks_a_check_is_kept_as_a_case_has_it() {
    let site = project("");
    let ended = plugin(&site, &["test"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert!(ended.out.contains("(1G allowed)"), "the project's manifest holds: {ended:#?}");
    let kept = |name: &str| site.read(&format!("build/failed/{name}")).unwrap_or_else(|| panic!("{name}: {ended:#?}"));
    let (first, second) = (kept("peer-order.json"), kept("peer-order-2.json"));
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert!(first != second && read(&first) == read(&second), "the same in another order: {first} {second}");
    assert!(ended.out.contains("    written: ") && ended.out.contains("build/failed/peer-order.json"), "{ended:#?}");

    // It may be made a case as it stands.
    site.write("cases/two/input.json", first);
    site.write("cases/two/expected.json", NOTHING);
    assert!(plugin(&site, &["test"]).out.contains("case two: ok"));

    // What was kept before goes with the next run.
    site.write("build/mine.wasm", slow(1));
    assert_eq!(plugin(&site, &["test"]).status, Some(0));
    assert_eq!(site.read("build/failed/peer-order.json"), None);
}

#[test]
fn what_need_not_hold_is_switched_off_and_told() {
    let site = project("checks: { peer-order: false, stable: true }\n");
    let ended = plugin(&site, &["test"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.out.contains("check peer-order: off, as project.yaml says\n"), "{ended:#?}");
    let told: serde_json::Value = serde_json::from_str(&plugin(&site, &["test", "--json"]).out).expect("JSON");
    assert_eq!((&verdict(&told, "peer-order")["verdict"], &verdict(&told, "stable")["verdict"]), (&"off".into(), &"holds".into()));
    fails(
        &project("checks: { peer-oder: false }\n"),
        &["test"],
        "`checks.peer-oder`: no check that can be switched off: did you mean `peer-order`?",
    );
    fails(&project("checks: { sound: false }\n"), &["test"], "`checks.sound`: no check that can be switched off: known are");
}

#[test]
fn it_is_found_from_below_and_by_name() {
    let site = project("checks: { peer-order: false }\n");
    std::fs::create_dir(site.path("src")).expect("made");
    assert_eq!(plugin_in(&site.path("src"), &["test"]).status, Some(0));
    let dir = site.path("").display().to_string();
    assert_eq!(plugin_in(&std::env::temp_dir(), &["test", "--project", &dir]).status, Some(0));
    let ended = plugin_in(&std::env::temp_dir(), &["bench", "--project", &dir, "--peers", "3", "--time", "10ms"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}

#[test]
fn what_is_missing_is_told() {
    let site = Site::fresh();
    fails(&site, &["test"], "there is no project.yaml here or above");
    fails(&site, &["bench"], "there is no project.yaml here or above");
    let site = project("");
    std::fs::remove_file(site.path("build/mine.wasm")).expect("it is there");
    fails(&site, &["test"], "build/mine.wasm is not there: run `verwalter plugin build` first");
    fails(&site, &["bench"], "run `verwalter plugin build` first");
    fails(&site, &["test", "other.wasm"], "other.wasm cannot be read");
    let site = project("");
    std::fs::remove_file(site.path("mine.yaml")).expect("it is there");
    fails(&site, &["test"], "mine.yaml: does not exist");
    for args in
        [&["test", "x.wasm", "--project", "."][..], &["test", "--frobnicate"], &["bench", "--peers", "0"], &["bench", "--peers", "many"]]
    {
        assert_eq!(plugin(&site, args).status, Some(2), "{args:?}");
    }
}
