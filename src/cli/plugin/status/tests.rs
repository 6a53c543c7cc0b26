//! The whole of what an operator reads, from made-up documents.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

const NOW: UnixMillis = UnixMillis(1_000_000_000);

fn full() -> Value {
    let digest = format!("sha256:{}", "4a".repeat(32));
    let bad = format!("sha256:{}", "bd".repeat(32));
    json!({
        "name": "spread", "kind": "scheduler", "mode": "active", "state": "kept", "digest": digest, "activated_at": 999_940_000_u64,
        "activations": 1, "abi": "component", "size_bytes": 81_920, "imports": ["verwalter:plugin/log@1.0.0"], "filters": [],
        "limits": { "fuel": "5G", "log": 7 },
        "error": { "step": "dry-run", "digest": bad, "reason": "places \u{1b}[2Jnothing", "at": 999_990_000_u64 },
        "steps": [
            { "step": "read", "outcome": "done", "took_us": 120 },
            { "step": "compile", "outcome": "done", "took_us": 1_204_000, "note": "not in the cache" },
            { "step": "dry-run", "outcome": "failed", "took_us": 30_500 },
        ],
        "generations": [
            { "number": 2, "digest": digest, "activated_at": 999_940_000_u64, "proven": true, "in_force": true, "quarantined": null },
            { "number": 1, "digest": bad, "activated_at": 990_000_000_u64, "proven": false, "in_force": false, "quarantined": "three bad rounds" },
        ],
        "quarantined": [{ "digest": bad, "reason": "three bad rounds", "since": 999_000_000_u64 }],
        "metrics": {
            "calls": 1203, "failures": { "fuel": 2, "trap": 1 },
            "latency_us": { "p50": 850, "p90": 1_500, "p99": 2_000_000, "max": 2_100_000, "buckets": [] },
            "fuel": { "last": 100, "total": 120_000 }, "peak_memory_bytes": 1_048_576, "log_lines": 4, "log_suppressed": 9,
        },
    })
}

fn table(plugins: &Value, expect: &Expect) {
    let read: Plugins = serde_json::from_value(json!({ "plugins": plugins })).expect("it is lenient");
    expect.assert_eq(&table::text(&read, NOW));
}

#[test]
fn a_table_of_all() {
    let nets = json!({ "name": "netfilters", "kind": "filter", "mode": "active", "state": "active", "metrics": { "calls": 7 } });
    table(
        &json!([nets, full(), { "name": "stray", "state": "off" }]),
        &expect![[r#"
        NAME        KIND       MODE    STATE   GEN  DIGEST        CALLS  FAILED     P50    P99
        netfilters  filter     active  active  -    -                 7       0       -      -
        spread      scheduler  active  kept    2    4a4a4a4a4a4a   1203       3  850 µs  2.0 s
          dry-run failed 10 s ago, build bdbdbdbdbdbd: places \u{1b}[2Jnothing
          build bdbdbdbdbdbd was put into quarantine 16 min ago: three bad rounds
        stray       -          -       off     -    -                 -       -       -      -
    "#]],
    );
    let error = json!({ "step": "compile", "reason": "it is being compiled", "at": NOW.0 - 2_000 });
    let steps = json!([{ "step": "read", "outcome": "done" }, { "step": "compile", "outcome": "pending" }]);
    table(
        &json!([{ "name": "large", "kind": "scheduler", "mode": "active", "state": "pending", "error": error, "steps": steps }]),
        &expect![[r#"
        NAME   KIND       MODE    STATE    GEN  DIGEST  CALLS  FAILED  P50  P99
        large  scheduler  active  pending  -    -           -       -    -    -
          compile goes on, as of 2 s ago: it is being compiled
    "#]],
    );
    let reloading = json!({ "reloading_since": NOW.0 - 12_000, "plugins": [] });
    expect![[r#"
        a reload that began 12 s ago is under way: what follows was before it
        no plugins: put NAME.wasm and NAME.yaml into the plugins directory"#]]
    .assert_eq(&table::text(&serde_json::from_value(reloading).expect("it is lenient"), NOW));
    table(&json!([]), &expect!["no plugins: put NAME.wasm and NAME.yaml into the plugins directory"]);
}

#[test]
fn one_plugin_in_detail() {
    let detail = |plugin: Value, expect: Expect| {
        let plugin: Plugin = serde_json::from_value(plugin).expect("it is lenient");
        expect.assert_eq(&detail::text(&plugin, NOW));
    };
    detail(
        full(),
        expect![[r#"
        name         spread
        kind         scheduler
        mode         active
        state        kept
        digest       sha256:4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a
        activated    60 s ago, once since the start
        file         component, 81920 bytes
        error        dry-run failed 10 s ago, build bdbdbdbdbdbd: places \u{1b}[2Jnothing
        steps        read           done        120 µs
                     compile        done         1.2 s  not in the cache
                     dry-run        failed     30.5 ms
        generations  2    4a4a4a4a4a4a  60 s ago, in force, proven
                     1    bdbdbdbdbdbd  2 h ago, in quarantine: three bad rounds
        quarantine   bdbdbdbdbdbd quarantined 16 min ago: three bad rounds; lift it with `verwalter plugin release spread`
        calls        1203, 3 failed (fuel 2, trap 1)
        latency      850 µs p50, 1.5 ms p90, 2.0 s p99, 2.1 s at most
        fuel         100 last, 120000 in all
        memory       1024 KiB at most
        log          4 lines, 9 more suppressed
        imports      verwalter:plugin/log@1.0.0
        limits       fuel           5G
                     log            7
    "#]],
    );
    detail(
        json!({ "name": "stray", "state": "off" }),
        expect![[r#"
        name         stray
        kind         -
        mode         -
        state        off
        digest       -
    "#]],
    );
}

#[test]
fn durations_and_digests_for_people() {
    let check = |us: u64, expect: &str| assert_eq!(duration(us), expect);
    check(0, "0 µs");
    check(999, "999 µs");
    check(1_000, "1.0 ms");
    check(1_540_000, "1.5 s");
    assert_eq!(short("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"), "44136fa355b3");
    assert_eq!((short("").as_str(), short("\x1b[").as_str()), ("", "\\u{1b}["));
}
