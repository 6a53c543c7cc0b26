//! The text is checked against the format's grammar by hand, and by Debian's promtool where it is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Cost, FailureCause, PluginId};

use super::*;
use crate::counts::{Counts, Deployed};
use crate::plugin::meter::Meters;
use crate::plugin::pipeline::Step;

fn name(name: &str) -> PluginName {
    PluginName::new(name).expect("a valid name")
}

fn readings() -> Readings {
    let (meters, counts) = (Meters::default(), Counts::default());
    let spread = PluginId { name: name("spread"), digest: Digest::of(b"{}") };
    let cost = |us, fuel| Cost { fuel, elapsed: Duration::from_micros(us), peak_memory: 65_536 };
    meters.build(&spread).record(Ok(&cost(15, 100)));
    meters.build(&spread).record(Ok(&cost(70_000_000, 7)));
    meters.build(&spread).record(Err((FailureCause::Fuel, Some(&cost(900, 1_000)))));
    meters.build(&PluginId { name: name("nets"), digest: Digest::of(b"[]") });
    meters.plugin(&spread.name).activated();
    meters.plugin(&spread.name).refused(Step::CheckConfig);
    counts.deployed(Deployed::Failed);
    let plugin = PluginReading {
        name: name("spread"),
        kind: "scheduler".to_owned(),
        state: "active".to_owned(),
        digest: Some(spread.digest),
        generation: Some(4),
    };
    let broken = PluginReading { name: name("nets"), kind: String::new(), state: "failed".to_owned(), digest: None, generation: None };
    Readings {
        version: "v0",
        resident_memory_bytes: Some(1 << 20),
        peers: 3,
        agent: Some(agent::Status { alive: 2, down: 1, ..agent::Status::default() }),
        placements: 12,
        counts: counts.read(),
        catalog_generation: 9,
        plugins: vec![broken, plugin],
        tallies: meters.plugins(),
        builds: meters.builds(),
    }
}

/// A sample: its name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads a sample line of the format: `name{key="value",…} number`.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(list) = rest.strip_prefix('{') {
        rest = list;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut chars = after.char_indices();
            let close = loop {
                match chars.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next()?.1 {
                        'n' => '\n',
                        quoted @ ('"' | '\\') => quoted,
                        _ => return None,
                    }),
                    (_, c) => value.push(c),
                }
            };
            let is_name = key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty();
            if !is_name || labels.insert(key.to_owned(), value).is_some() {
                return None;
            }
            rest = &after[close + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    Some((name.to_owned(), labels, value))
}

/// A family: its type, its unit, its samples.
#[derive(Default)]
struct Parsed {
    kind: String,
    unit: Option<String>,
    samples: Vec<Sample>,
}

/// Reads a whole exposition strictly.
fn parse(text: &str) -> BTreeMap<String, Parsed> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with its mark");
    let mut families: BTreeMap<String, Parsed> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        let told = line.strip_prefix("# ").map(|told| told.splitn(3, ' ').collect::<Vec<_>>());
        match told.as_deref() {
            Some(["HELP", family, help]) => {
                assert!(!help.contains('\\') && families.insert((*family).to_owned(), Parsed::default()).is_none(), "{line}");
                current = (*family).to_owned();
            }
            Some([what, family, word]) => {
                assert_eq!(*family, current, "{line}");
                let parsed = families.get_mut(&current).expect("its help came first");
                match *what {
                    "TYPE" => parsed.kind = (*word).to_owned(),
                    "UNIT" => parsed.unit = Some((*word).to_owned()),
                    _ => panic!("{line}"),
                }
            }
            Some(_) => panic!("{line}"),
            None => {
                let parsed = families.get_mut(&current).expect("a sample belongs to a family");
                let sample = sample(line).unwrap_or_else(|| panic!("{line}"));
                let endings: &[&str] = match parsed.kind.as_str() {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "info" => &["_info"],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    other => panic!("{other}"),
                };
                assert!(endings.iter().any(|ending| sample.0 == format!("{current}{ending}")), "{line}");
                parsed.samples.push(sample);
            }
        }
    }
    families
}

#[test]
fn the_text_follows_the_grammar() {
    let families = parse(&text(readings()));
    assert_eq!(families.len(), FAMILIES.len());
    let mut seen = BTreeSet::new();
    for (name, family) in &families {
        assert!(name.starts_with("verwalter_") && !name.ends_with("_total"), "{name}");
        if let Some(unit) = &family.unit {
            assert!(name.ends_with(&format!("_{unit}")), "{name}");
        }
        assert!(!family.samples.is_empty(), "{name}: the readings of this test have everything");
        for (name, labels, _) in &family.samples {
            assert!(seen.insert((name.clone(), labels.clone())), "{name} {labels:?} twice");
        }
    }
}

#[test]
fn figures_reach_their_metrics() {
    let families = parse(&text(readings()));
    let check = |name: &str, labels: &[(&str, &str)], expect: f64| {
        let labels: BTreeMap<String, String> = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut samples = families.values().flat_map(|family| &family.samples);
        let found = samples.find(|sample| sample.0 == name && sample.1 == labels);
        assert_eq!(found.map(|sample| sample.2), Some(expect), "{name} {labels:?}");
    };
    let build = [("plugin", "spread"), ("digest", "44136fa355b3")];
    let with = |key: &'static str, value: &'static str| [build[0], build[1], (key, value)];
    check("verwalter_build_info", &[("version", "v0")], 1.0);
    check("verwalter_cluster_peers", &[], 3.0);
    check("verwalter_schedule_placements", &[], 12.0);
    check("verwalter_deployments_total", &[("outcome", "failed")], 1.0);
    check("verwalter_rounds_total", &[("outcome", "changed")], 0.0);
    check("verwalter_catalog_generation", &[], 9.0);
    check("verwalter_plugin_state", &[("plugin", "spread"), ("kind", "scheduler"), ("state", "active")], 1.0);
    check("verwalter_plugin_state", &[("plugin", "nets"), ("kind", ""), ("state", "failed")], 1.0);
    check("verwalter_plugin_generation", &build, 4.0);
    check("verwalter_plugin_activations_total", &[("plugin", "spread"), ("result", "activated"), ("step", "")], 1.0);
    check("verwalter_plugin_activations_total", &[("plugin", "spread"), ("result", "refused"), ("step", "check-config")], 1.0);
    check("verwalter_plugin_calls_total", &build, 3.0);
    check("verwalter_plugin_failures_total", &with("cause", "fuel"), 1.0);
    check("verwalter_plugin_failures_total", &with("cause", "trap"), 0.0);
    check("verwalter_plugin_fuel_total", &build, 1_107.0);
    check("verwalter_plugin_peak_memory_bytes", &build, 65_536.0);
    check("verwalter_plugin_call_duration_microseconds_count", &build, 3.0);
    check("verwalter_plugin_call_duration_microseconds_sum", &build, 70_000_915.0);
    for (le, count) in [("10.0", 0.0), ("20.0", 1.0), ("1000.0", 2.0), ("60000000.0", 2.0), ("+Inf", 3.0)] {
        check("verwalter_plugin_call_duration_microseconds_bucket", &with("le", le), count);
    }
    check("verwalter_round_duration_seconds_bucket", &[("le", "0.00001")], 0.0);
    check("verwalter_round_duration_seconds_bucket", &[("le", "60.0")], 0.0);
}

#[test]
fn label_values_are_escaped() {
    let mut odd = readings();
    let state = "a\"b\\c\nd{e=\"f\"}";
    state.clone_into(&mut odd.plugins[0].state);
    let families = parse(&text(odd));
    let samples = &families["verwalter_plugin_state"].samples;
    assert!(samples.iter().any(|(_, labels, _)| labels["state"] == state), "{samples:?}");
}

#[test]
fn a_node_without_plugins_has_metrics_too() {
    let empty = Readings { agent: None, plugins: vec![], tallies: vec![], builds: vec![], resident_memory_bytes: None, ..readings() };
    let families = parse(&text(empty));
    assert_eq!(families["verwalter_rounds"].samples.len(), 4);
    assert!(families["verwalter_plugin_calls"].samples.is_empty());
    assert!(families["verwalter_agent_members"].samples.is_empty());
}

#[test]
fn the_built_in_agent_is_counted_where_it_runs() {
    let families = parse(&text(readings()));
    let members = families["verwalter_agent_members"].samples.iter().map(|(_, labels, value)| (labels["state"].as_str(), *value));
    assert_eq!(members.collect::<Vec<_>>(), [("alive", 2.0), ("suspect", 0.0), ("down", 1.0), ("left", 0.0)]);
    let causes = |family: &str| families[family].samples.len();
    assert_eq!((causes("verwalter_agent_packets_dropped"), causes("verwalter_agent_rows_dropped")), (8, 7));
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let answered = |accept: &[&'static str]| {
        let headers = accept.iter().map(|accept| (header::ACCEPT, axum::http::HeaderValue::from_static(accept))).collect();
        response(readings(), &headers).headers()[header::CONTENT_TYPE].clone()
    };
    // As Prometheus 2 and 3 ask.
    let older = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let newer = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for accept in [&[older][..], &[newer], &["text/plain", "application/openmetrics-text"], &["Application/OpenMetrics-Text; q=1"]] {
        assert_eq!(answered(accept), OPEN_METRICS, "{accept:?}");
    }
    for accept in [&[][..], &["*/*"], &["text/plain;version=0.0.4"], &["application/openmetrics-text;q=0, text/plain"]] {
        assert_eq!(answered(accept), PLAIN_TEXT, "{accept:?}");
    }
}

#[test]
fn the_older_format_has_the_same_samples() {
    let open = text(readings());
    let plain = plain_text(&open);
    let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(samples(&plain), samples(&open));
    let types = plain.lines().filter(|line| line.starts_with("# TYPE ")).collect::<Vec<_>>();
    assert_eq!(types.len(), FAMILIES.len());
    for told in ["verwalter_build_info gauge", "verwalter_rounds_total counter", "verwalter_round_duration_seconds histogram"] {
        assert!(types.contains(&format!("# TYPE {told}").as_str()), "{types:#?}");
    }
    assert!(plain.contains("# HELP verwalter_build_info The program that runs.") && !plain.contains("# UNIT") && !plain.contains("# EOF"));
}

#[test]
fn promtool_finds_nothing_wrong() {
    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = match promtool {
        Ok(promtool) => promtool,
        Err(err) => {
            println!("skipped: promtool cannot be run ({err}): it comes with Debian's package `prometheus`");
            return;
        }
    };
    let input = plain_text(&text(readings()));
    promtool.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // Its taste is seconds everywhere; calls of plugins take microseconds and are counted in them.
    let problems = told.lines().filter(|line| !line.starts_with("verwalter_plugin_call_duration_microseconds use base unit"));
    assert_eq!(problems.collect::<Vec<_>>(), Vec::<&str>::new(), "{input}");
}
