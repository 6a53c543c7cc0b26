//! What can be read of plugins: `/metrics`, `metrics` in `/v1/plugins`, and their words in the daemon's log.

use std::collections::BTreeMap;

use serde_json::Value;

use super::daemon::Daemon;
use super::guest::{Act, scheduler};
use crate::support::{core_plugin_with, request};

/// Every sample of an exposition by its name with labels; a line that is none fails.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    let sample = |line| -> Option<(&str, f64)> {
        let (name, value): (&str, &str) = str::rsplit_once(line, ' ')?;
        let bare = name.split('{').next()?;
        let sound = bare.starts_with("verwalter_") && bare.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        (sound && (name == bare || name.ends_with('}'))).then_some((name, value.parse().ok()?))
    };
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("no sample: {line}"))).collect()
}

#[test]
fn every_build_has_its_figures() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let next = daemon.install("spread", &scheduler(3, &[("hard", Act::Trap), ("full", Act::Answer(1, "full"))]));
    daemon.activated("spread", &next);
    daemon.places(3);
    daemon.say("full");
    daemon.round("it answers an error", |round| round["cause"] == "answered");
    daemon.install("spread", b"garbage");
    daemon.kept_out("spread", "inspect", "");
    let plugin = daemon.plugin("spread", "errors are counted", |plugin| plugin["metrics"]["failures"]["answered"].as_u64() >= Some(3));
    let metrics = &plugin["metrics"];
    assert!(metrics["calls"].as_u64() >= Some(5), "{metrics:#}");
    assert!(
        metrics["fuel"]["last"].as_u64() > Some(0) && metrics["fuel"]["total"].as_u64() > metrics["fuel"]["last"].as_u64(),
        "{metrics:#}"
    );
    assert_eq!(metrics["peak_memory_bytes"], 32 * 65536);
    assert!(metrics["latency_us"]["p50"].as_u64() > Some(0), "{metrics:#}");

    let reply = daemon.node.get("/metrics");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let accepts = ["Accept: application/openmetrics-text;version=1.0.0;q=0.6,*/*;q=0.2"];
    let open = request(daemon.node.addr(), "GET", "/metrics", &accepts);
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    assert!(samples(&open.body).keys().eq(samples(&reply.body).keys()), "{}", open.body);
    let found = samples(&reply.body);
    let short = &next["sha256:".len()..][..12];
    let labels = format!("plugin=\"spread\",digest=\"{short}\"");
    let least = |sample: String, least: f64| {
        let value = found.get(sample.as_str()).unwrap_or_else(|| panic!("no {sample} in\n{}", reply.body));
        assert!(*value >= least, "{sample} {value}");
    };
    least(format!("verwalter_plugin_calls_total{{{labels}}}"), 5.0);
    least(format!("verwalter_plugin_failures_total{{{labels},cause=\"answered\"}}"), 3.0);
    least(format!("verwalter_plugin_call_duration_microseconds_count{{{labels}}}"), 5.0);
    least(format!("verwalter_plugin_call_duration_microseconds_bucket{{le=\"+Inf\",{labels}}}"), 5.0);
    least(format!("verwalter_plugin_fuel_total{{{labels}}}"), 1000.0);
    least(format!("verwalter_plugin_peak_memory_bytes{{{labels}}}"), 32.0 * 65536.0);
    least(format!("verwalter_plugin_generation{{{labels}}}"), 2.0);
    least("verwalter_plugin_activations_total{plugin=\"spread\",result=\"activated\",step=\"\"}".to_owned(), 2.0);
    least("verwalter_plugin_activations_total{plugin=\"spread\",result=\"refused\",step=\"inspect\"}".to_owned(), 1.0);
    least("verwalter_plugin_state{plugin=\"spread\",kind=\"scheduler\",state=\"kept\"}".to_owned(), 1.0);
    let detail = daemon.order(&["status", "spread"]);
    for told in ["\ncalls        ", "failed (answered ", "\nlatency      ", "\nfuel         ", "\nmemory       2048 KiB"] {
        assert!(detail.contains(told), "{told}: {detail}");
    }
}

/// A scheduler that logs `line` so many times a call.
fn talking(line: &str, times: u32) -> Vec<u8> {
    let answer = r#"{"v":1,"schedule":{}}"#;
    let escape = |text: &str| text.bytes().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let text = format!(
        r#"(data (i32.const 1024) "\00{}") (data (i32.const 4096) "{}")
        (func (export "vw_schedule") (param i32 i32) (result i64)
            (local $i i32)
            (loop $again
                (call $log (i32.const 3) (i32.const 4096) (i32.const {}))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {times}))))
            (i64.const {}))"#,
        escape(answer),
        escape(line),
        line.len(),
        (answer.len() as u64 + 1) << 32 | 1024,
    );
    core_plugin_with(r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))"#, &text)
}

#[test]
fn a_guests_words_are_in_the_log_and_a_flood_is_cut() {
    let mut daemon = Daemon::start(&talking("I am \u{1b}[31mhere", 1));
    daemon.node.eventually("it is heard", |node| node.err.iter().any(|line| line.contains("a plugin says")).then_some(()));
    let line = daemon.node.err.iter().find(|line| line.contains("a plugin says")).expect("it was found").clone();
    for told in [" WARN ", " guest: ", "plugin=spread", "digest=", "call=\"schedule\"", "I am ", "here"] {
        assert!(line.contains(told), "{told}: {line}");
    }
    assert!(!line.contains('\u{1b}'), "{line}");

    let flood = daemon.install("spread", &talking("again", 400));
    daemon.activated("spread", &flood);
    let counted = |plugin: &Value| plugin["metrics"]["log_suppressed"].as_u64() >= Some(2_000);
    let plugin = daemon.plugin("spread", "it is cut", counted);
    let (lines, suppressed) = (plugin["metrics"]["log_lines"].as_u64(), plugin["metrics"]["log_suppressed"].as_u64());
    assert!(lines > Some(0) && lines < suppressed, "{plugin:#}");
    daemon.node.eventually("the cut is told", |node| {
        node.err.iter().any(|line| line.contains("lines of this plugin were suppressed") && line.contains("plugin=spread")).then_some(())
    });
    let short = &flood["sha256:".len()..][..12];
    let labels = format!("plugin=\"spread\",digest=\"{short}\"");
    assert!(daemon.metric(&format!("verwalter_plugin_log_lines_total{{{labels},result=\"suppressed\"}}")) >= 2_000.0);
    assert!(
        (daemon.logged(&["again"]) as f64) < daemon.metric(&format!("verwalter_plugin_log_lines_total{{{labels},result=\"suppressed\"}}"))
    );
}
