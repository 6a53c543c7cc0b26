//! Hostile plugins of every kind in a running node, one after another beside a sound scheduler: whatever they try, rounds go on, other
//! plugins work, and the process takes no more memory than a guest may have. How each is told is the torture kit's business.

use super::{add, core, in_force, packed, placing, replace, says, site, start, template};
use crate::sandbox::guest::data;
use crate::support::{Node, Site};

/// Enough to do harm with, little enough that what loops ends soon. Memory is what a guest has without a word in its manifest.
const LIMITS: &str = "limits: { fuel: 200M, time: 500ms, output: 4MiB, log: 4KiB }\n";
/// Memory of one guest, its answer once more, and the stack of its call.
const MAY_GROW_KIB: u64 = (64 + 4 + 1) << 10;
const LOG: &str = r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))"#;
/// Stands in the metadata while guests do what they are for.
const WORD: &str = "rampant";

/// What they do: a name, and a body that leaves pointer and length of an answer, or nothing.
fn deeds() -> Vec<(&'static str, String)> {
    let deed = |name, body: &str| (name, body.to_owned());
    vec![
        deed("trap", "unreachable"),
        deed("loop", "(loop (br 0)) unreachable"),
        deed("calls in a loop", "(loop (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br 0)) unreachable"),
        deed(
            "grow and touch",
            "(loop $more
                (drop (memory.grow (i32.const 16)))
                (memory.fill (i32.mul (i32.sub (memory.size) (i32.const 16)) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
                (br $more))
            unreachable",
        ),
        deed("recurse", "(call $deeper) unreachable"),
        deed("flood", "(loop (call $log (i32.const 2) (i32.const 0) (i32.const 3000)) (br 0)) unreachable"),
        deed("huge answer", &packed(0, 0x4000_0000)),
        deed("answer nowhere", &packed(0xffff_0000, 0x1000)),
        deed("no answer", &packed(0, 0)),
        // A first byte that says it worked, and a long answer of zeros.
        deed("long junk", &format!("(drop (memory.grow (i32.const 16))) {}", packed(1 << 20, 1 << 20))),
        deed(
            "refusal without end",
            &format!("(memory.fill (i32.const 131072) (i32.const 1) (i32.const 524288)) {}", packed(131_072, 524_288)),
        ),
    ]
}

/// What stands in every guest beside its functions: `$has` says whether [`WORD`] is in its input.
fn items() -> String {
    format!(
        "{} (func $deeper (call $deeper) (call $deeper))
        (func $has (param $at i32) (param $len i32) (result i32)
            (local $end i32) (local $i i32)
            (local.set $end (i32.sub (i32.add (local.get $at) (local.get $len)) (i32.const {len})))
            (block $none
                (loop $next
                    (br_if $none (i32.gt_u (local.get $at) (local.get $end)))
                    (local.set $i (i32.const 0))
                    (block $differs
                        (loop $same
                            (br_if $differs (i32.ne
                                (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                                (i32.load8_u offset=2048 (local.get $i))))
                            (local.set $i (i32.add (local.get $i) (i32.const 1)))
                            (br_if $same (i32.lt_u (local.get $i) (i32.const {len}))))
                        (return (i32.const 1)))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br $next)))
            (i32.const 0))",
        data(2048, WORD.as_bytes()),
        len = WORD.len(),
    )
}

/// A guest that answers `sound` until the word is in its input.
fn gated(function: &str, sound: &str, deed: &str) -> Vec<u8> {
    let (answer, sound) = says(1024, 0, sound);
    let body = format!("(if (call $has (local.get $ptr) (local.get $len)) (then {deed} return)) {sound}");
    core(LOG, &format!("{answer} {}", items()), &[(function, &body)])
}

/// A guest whose other function is sound.
fn beside(function: &str, deed: &str, (other, sound): (&str, &str)) -> Vec<u8> {
    let (answer, sound) = says(1024, 0, sound);
    core(LOG, &format!("{answer} {}", items()), &[(function, deed), (other, &sound)])
}

/// The metadata, with the word or without it.
fn say(site: &Site, word: &str) {
    site.write("etc/runtime/word.yaml", format!("word: \"{word}\"\n"));
}

/// Of the process, as the kernel counts it.
fn kib(node: &Node, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Lets every deed be done in a node; `does` waits until it was.
fn endures(site: &Site, does: impl Fn(&mut Node, &str, &str)) {
    let mut node = start(site);
    let mut before = None;
    for (name, deed) in deeds() {
        does(&mut node, name, &deed);
        // The first one takes nothing: what activating and calling a plugin needs was there with it.
        before.get_or_insert_with(|| kib(&node, "RssAnon:"));
        assert_eq!(node.get("/healthz").status, 200, "after {name}");
    }
    say(site, "calm");
    node.round("a round after all", |round| round["accepted"] == true);
    // Pages of the program itself and of mapped machine code are the files', and come as they are needed.
    let most = kib(&node, "VmHWM:").saturating_sub(kib(&node, "RssFile:"));
    let before = before.expect("there are deeds");
    assert!(most <= before + MAY_GROW_KIB, "it grew from {before} to {most} KiB");
    let scheduler = node.get("/v1/plugins/place").json();
    assert_eq!((&scheduler["state"], &scheduler["metrics"]["failures"]), (&"active".into(), &serde_json::json!({})), "{scheduler:#}");
    node.stop();
    let rounds = node.rounds();
    let numbers: Vec<u64> = rounds.iter().map(|round| round["round"].as_u64().expect("a number")).collect();
    assert!(numbers.iter().zip(1..).all(|(found, due)| *found == due), "rounds are missing: {numbers:?}");
    let failed: Vec<_> = rounds.iter().filter(|round| round["accepted"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn schedulers_in_the_shadow() {
    let site = site(1);
    say(&site, "calm");
    endures(&site, |node, name, deed| {
        say(&site, "calm");
        site.write("etc/plugins/hostile.yaml", format!("kind: scheduler\nmode: shadow\n{LIMITS}"));
        let wasm = gated("vw_schedule", r#"{"v":1,"schedule":{}}"#, deed);
        let digest = verwalter_core::digest::Digest::of(&wasm).to_string();
        site.write("etc/plugins/hostile.wasm", wasm);
        in_force(node, "hostile", |plugin| plugin["digest"] == digest.as_str());
        say(&site, WORD);
        node.eventually(&format!("{name} fails in two rounds"), |node| {
            let shadow = node.get("/v1/plugins/hostile/shadow").json();
            let failed: u64 = shadow["failed"].as_object()?.values().filter_map(serde_json::Value::as_u64).sum();
            (shadow["digest"] == digest.as_str() && failed >= 2).then_some(())
        });
    });
}

#[test]
fn policies() {
    let site = site(1);
    say(&site, "calm");
    let instances = std::cell::Cell::new(1);
    endures(&site, |node, name, deed| {
        say(&site, "calm");
        // By its name it is a plugin of its own: what was set aside of another is not missed.
        let plugin = name.replace(' ', "-");
        let manifest = format!("kind: policy\non-failure: allow\n{LIMITS}");
        add(&site, node, &plugin, &manifest, gated("vw_review", r#"{"v":1,"verdict":"allow"}"#, deed));
        say(&site, WORD);
        instances.set(instances.get() + 1);
        replace(&site, node, "place", placing(instances.get()));
        let failed = format!("policy {plugin} failed and its `on-failure: allow` let the schedule pass: ");
        node.round(&format!("{name} fails in a round"), |round| {
            let warnings = round["warnings"].as_array().into_iter().flatten();
            warnings.filter_map(|warning| warning.as_str()).any(|warning| warning.starts_with(&failed))
        });
        node.eventually("its schedule passes", |node| (super::instances(node) == instances.get()).then_some(()));
        for suffix in ["wasm", "yaml"] {
            std::fs::remove_file(site.path(&format!("etc/plugins/{plugin}.{suffix}"))).expect("it is there");
        }
    });
}

#[test]
fn filters() {
    let site = site(1);
    endures(&site, |node, name, deed| {
        template(&site, "web", super::TEMPLATE);
        node.healthy();
        let plugin = name.replace(' ', "-");
        add(&site, node, &plugin, &format!("kind: filter\n{LIMITS}"), beside("vw_apply", deed, ("vw_filters", r#"["wild"]"#)));
        template(&site, "web", "{{ wild 1 }}\n");
        let error = node.error("role web");
        assert!(error.contains("wild"), "{name}: {error}");
        assert_eq!(site.read("out/web").as_deref(), Some("web x1 on alpha\n"), "{name}");
        for suffix in ["wasm", "yaml"] {
            std::fs::remove_file(site.path(&format!("etc/plugins/{plugin}.{suffix}"))).expect("it is there");
        }
    });
}

#[test]
fn queries() {
    let site = site(1);
    endures(&site, |node, name, deed| {
        let wasm = beside("vw_query", deed, ("vw_render_roles", "null"));
        let digest = verwalter_core::digest::Digest::of(&wasm).to_string();
        site.write("etc/plugins/hostile.yaml", format!("kind: query\n{LIMITS}"));
        site.write("etc/plugins/hostile.wasm", wasm);
        in_force(node, "hostile", |plugin| plugin["digest"] == digest.as_str());
        for _ in 0..2 {
            let reply = node.get("/v1/query/anything");
            assert!([422, 502].contains(&reply.status), "{name}: {reply:?}");
            assert!(reply.body.len() < 4_000, "{name}: {}", reply.body.len());
        }
    });
}
