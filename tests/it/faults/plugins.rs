//! Schedulers that misbehave in a running daemon: the schedule in force stays, the status says why, the good one heals it.

use rustix::process::{Pid, Signal, kill_process};
use verwalter_core::digest::Digest;

use crate::support::{Node, Site, answering_plugin, core_plugin};

/// Limits that are reached soon.
const MANIFEST: &str = "kind: scheduler\nlimits: { fuel: 100M, time: 500ms, memory: 4MiB, output: 1MiB }\n";

/// Replaces the demo's scheduler by `wasm`, which fails its dry run with what says `told`; no round notices.
fn fails(wasm: &[u8], told: &str) {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    let good = node.round("a round", |round| round["accepted"] == true);
    let files = [std::fs::read(site.path("etc/plugins/spread.wasm")), std::fs::read(site.path("etc/plugins/spread.yaml"))];
    // The pin makes one change of two files, however long a loaded machine pauses between them.
    site.write("etc/plugins/spread.yaml", format!("{MANIFEST}digest: {}\n", Digest::of(wasm)));
    site.write("etc/plugins/spread.wasm", wasm);
    let error = node.status("the dry run's error", |status| {
        let error = status["errors"]["plugin spread"].as_str()?;
        error.starts_with("dry-run").then(|| error.to_owned())
    });
    assert!(error.starts_with("dry-run: on the newest recorded input it failed (") && error.contains(told), "{told}: {error}");
    in_force(&mut node, &good);
    let plugin = node.get("/v1/plugins/spread").json();
    assert_eq!((&plugin["state"], &plugin["digest"]), (&"kept".into(), &good["plugin_digest"]), "{plugin:#}");

    for (file, bytes) in ["etc/plugins/spread.wasm", "etc/plugins/spread.yaml"].into_iter().zip(files) {
        site.write(file, bytes.expect("it was there"));
    }
    node.healthy();
    let rounds = node.rounds();
    assert!(rounds.iter().all(|round| round["accepted"] == true && round["plugin_digest"] == good["plugin_digest"]), "{rounds:#?}");
    node.stop();
}

/// The schedule of an earlier round is still in force.
fn in_force(node: &mut Node, round: &serde_json::Value) {
    let status = node.get("/v1/status").json();
    assert_eq!((&status["schedule_id"], status["failed_roles"].as_array().map(Vec::len)), (&round["schedule"], Some(0)), "{status:#}");
    assert_eq!(node.get("/v1/schedule").json()["hash"], round["schedule"]);
}

fn schedule_body(code: &str) -> Vec<u8> {
    core_plugin(&format!(r#"(func $f (export "vw_schedule") (param i32 i32) (result i64) {code})"#))
}

#[test]
fn one_that_traps() {
    fails(&schedule_body("unreachable"), "unreachable");
}

#[test]
fn one_that_loops() {
    fails(&schedule_body("(loop $l (br $l)) unreachable"), "raise it with `limits: { fuel: 200M }` in the plugin's manifest");
}

#[test]
fn one_that_recurses() {
    fails(&schedule_body("(call $f (local.get 0) (local.get 1))"), "stack");
}

#[test]
fn one_that_grows() {
    let grow = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    fails(&schedule_body(grow), "`limits: { memory: 8MiB }`");
}

#[test]
fn one_whose_answer_lies_nowhere() {
    fails(&schedule_body("(i64.const 0x00001000fffffff0)"), "memory");
}

#[test]
fn one_whose_answer_is_too_large() {
    fails(&schedule_body("(i64.const 0x0018000000000400)"), "`limits: { output: 2MiB }`");
}

#[test]
fn one_that_returns_junk() {
    fails(&answering_plugin(0, "certainly!"), "the answer was refused: ");
    fails(&answering_plugin(0, r#"{"v":1,"schedule":{"nodes":{"nobody":{"roles":{"web":{"instances":1}}}}}}"#), "nobody");
    fails(&answering_plugin(0, r#"{"v":1,"schedule":{"roles":{"../etc":{}}}}"#), "../etc");
    fails(&answering_plugin(0, r#"{"v":2,"schedule":{}}"#), "v");
    fails(&answering_plugin(7, "{}"), "its answer begins with byte 7");
    fails(&answering_plugin(1, "no capacity left"), "answered an error: no capacity left");
}

#[test]
fn one_that_asks_for_what_no_plugin_gets() {
    let (site, mut node) = super::running();
    let before = super::hash(&mut node);
    let text = r#"(module (import "env" "system" (func (param i32)))
        (memory (export "memory") 1) (func (export "vw_abi_1")) (func (export "vw_alloc") (param i32) (result i32) i32.const 0)
        (func (export "vw_free") (param i32 i32)) (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#;
    site.write("etc/plugins/spread.wasm", wat::parse_str(text).expect("sound text"));
    let error = node.error("plugin spread");
    assert!(error.starts_with("inspect: it imports `env.system`, which plugins do not get"), "{error}");
    assert_eq!(super::hash(&mut node), before);
    let status = node.get("/v1/status").json();
    assert_eq!((&status["round"]["accepted"], &status["num_errors"]), (&true.into(), &1.into()), "the old build decides: {status:#}");
    node.stop();
}

#[test]
fn a_manifest_that_asks_for_nonsense() {
    let (site, mut node) = super::running();
    let good = site.read("etc/plugins/spread.yaml").expect("it is there");
    let mut check = |from: &str, to: &str, told: &str| {
        site.edit("etc/plugins/spread.yaml", from, to);
        let error = node.error("plugin spread");
        assert!(error.contains(told), "{told}: {error}");
        assert_eq!(node.get("/v1/plugins/spread").json()["state"], "kept");
        site.write("etc/plugins/spread.yaml", &good);
        node.healthy();
    };
    check("kind: scheduler", "kind: sheduler", "spread.yaml:2:7: `kind`: ");
    check("kind: scheduler", "kind: filter", "`metrics`: a filter plugin is not given metrics: remove the key");
    check("fuel: 5G", "fuel: 1", "`limits.fuel`: ");
    check("# digest: sha256:…", &format!("digest: sha256:{}", "0".repeat(64)), "pin: the manifest allows sha256:000");
    check("cpu: 1 }", "cpu: 1001 }", "check-config: it refuses its configuration: ");
    node.stop();
}

#[test]
fn two_schedulers_are_one_too_many() {
    let (site, mut node) = super::running();
    let before = super::hash(&mut node);
    site.write("etc/plugins/another.yaml", "kind: scheduler\nguards: { allow-empty: true }\n");
    site.write("etc/plugins/another.wasm", answering_plugin(0, r#"{"v":1,"schedule":{}}"#));
    let error = node.error("plugin another");
    assert!(error.starts_with("place: 2 scheduler plugins are active (another, spread): set `mode: off`"), "{error}");
    assert_eq!(node.get("/v1/status").json()["round"]["plugin"], "spread", "the one that decided goes on");
    assert_eq!(super::hash(&mut node), before);
    site.write("etc/plugins/another.yaml", "kind: scheduler\nmode: off\n");
    node.healthy();
    node.stop();
}

/// A module that takes the compiler a while: thousands of functions.
fn large() -> Vec<u8> {
    let functions: String = (0..20_000)
        .map(|n| format!("(func (param i32) (result i32) (i32.mul (i32.add (local.get 0) (i32.const {n})) (local.get 0)))"))
        .collect();
    core_plugin(&format!(r#"{functions} (func (export "vw_schedule") (param i32 i32) (result i64) unreachable)"#))
}

/// The compiling child of `parent`, if there is one that has set its limits: its process, from the kernel's list.
fn compiling(parent: u32) -> Option<i32> {
    let entries = std::fs::read_dir("/proc").expect("the kernel lists processes").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.into_iter().find(|pid| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let limited = |line: &str| line.split_whitespace().collect::<Vec<_>>().starts_with(&["Max", "open", "files", "64"]);
        read("status").lines().any(|line| line == format!("PPid:\t{parent}"))
            && read("cmdline").contains("compile-plugin")
            && read("limits").lines().any(limited)
    })
}

#[test]
fn one_that_compiles_for_long_holds_up_nothing() {
    let (site, mut node) = super::running();
    let parent = node.pid();
    site.write("etc/plugins/large.yaml", "kind: scheduler\nmode: shadow\n");
    site.write("etc/plugins/large.wasm", large());
    let child = node.eventually("it compiles", |_| compiling(parent));
    let pid = Pid::from_raw(child).expect("not zero");
    kill_process(pid, Signal::STOP).expect("it is this user's");
    site.edit("etc/templates/motd/v1/motd.hbs", "{{ greeting }}.", "Meanwhile.");
    node.eventually("what was edited is deployed", |_| site.read("out/motd").filter(|motd| motd.starts_with("Meanwhile.")));
    let plugin = node.get("/v1/plugins/large").json();
    let last = plugin["steps"].as_array().and_then(|steps| steps.last());
    assert_eq!((&plugin["state"], last.map(|step| &step["outcome"])), (&"pending".into(), Some(&"pending".into())), "{plugin:#}");
    let under_way = node.error("plugin large");
    assert_eq!(under_way, "compile: it is being compiled; it is activated when that is done");
    // Nor does it hold up another plugin.
    site.write("etc/plugins/another.yaml", "kind: scheduler\nmode: shadow\nguards: { allow-empty: true }\n");
    site.write("etc/plugins/another.wasm", answering_plugin(0, r#"{"v":1,"schedule":{}}"#));
    node.eventually("another one is activated", |node| (node.get("/v1/plugins/another").json()["state"] == "shadow").then_some(()));
    assert_eq!(compiling(parent), Some(child), "it has not ended");
    kill_process(pid, Signal::CONT).expect("it is this user's");
    // That it traps is found out only now.
    let error = node.status("how it goes on", |status| {
        let error = status["errors"]["plugin large"].as_str()?;
        (error != under_way).then(|| error.to_owned())
    });
    assert!(error.starts_with("dry-run: ") && error.contains("unreachable"), "{error}");
    node.stop();
}

#[test]
fn a_compiler_dies_with_its_daemon() {
    let (site, mut node) = super::running();
    site.write("etc/plugins/large.yaml", "kind: scheduler\n");
    site.write("etc/plugins/large.wasm", large());
    let parent = node.pid();
    let child = node.eventually("it compiles", |_| compiling(parent));
    let pid = Pid::from_raw(child).expect("not zero");
    // Stopped, it does not come to an end by itself.
    kill_process(pid, Signal::STOP).expect("it is this user's");
    node.signal(Signal::KILL);
    // Where nobody collects it, its end shows as Z.
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).ok().and_then(|stat| stat.rsplit(") ").next()?.chars().next());
    crate::support::eventually("the child is gone", || state().is_none_or(|state| state == 'Z').then_some(()));
}
