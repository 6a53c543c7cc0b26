//! Units by name, and those of a whole machine's figures.

use std::collections::BTreeSet;

use super::*;
use crate::procfs::{Reader, Roots};

fn labels(metric: &str, others: &[&str]) -> Labels {
    let pairs = [("metric", metric)].into_iter().chain(others.iter().map(|label| (*label, "x")));
    pairs.map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

#[test]
fn names_say_the_unit() {
    let check = |metric: &str, others: &[&str], expect: Option<Unit>| assert_eq!(Unit::of(&labels(metric, others)), expect, "{metric}");
    check("net.interface.rx.bytes", &["interface"], Some(Unit::Bytes));
    check("http_request_duration_seconds_total", &[], Some(Unit::Seconds));
    check("cache.hit-ratio", &["pid"], Some(Unit::Ratio));
    check("read_bytes", &["pid", "cgroup"], Some(Unit::Bytes));
    check("bytesize", &[], None);
    check("total", &[], None);
    check("memory.used", &["pid"], None);
    check("memory.MemFree", &[], Some(Unit::Bytes));
    check("user_time", &["pid", "cgroup"], Some(Unit::Seconds));
    check("user_time", &["pid", "appname"], None);
    check("", &[], None);
    assert_eq!(Unit::of(&Labels::new()), None);
    for unit in [Unit::Seconds, Unit::Bytes, Unit::Ratio] {
        assert_eq!(Unit::named(unit.name()), Some(unit));
    }
    assert_eq!(Unit::named("furlongs"), None);
}

#[test]
fn what_a_machine_measures_without_a_unit_are_counts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc/later");
    let reading = Reader::new(Roots { proc: root.join("proc"), sys: root.join("sys"), fs: root }).read();
    let with = |wanted: Option<Unit>| -> BTreeSet<&str> {
        let found = reading.samples.iter().filter(|sample| Unit::of(&sample.labels) == wanted);
        found.map(|sample| sample.labels["metric"].as_str()).collect()
    };
    let is_count = |metric: &&str| {
        const COUNTS: [&str; 8] = [".ops", ".merges", ".packets", ".errors", ".drops", "in_progress", "pids.current", "oom_kills"];
        COUNTS.iter().any(|end| metric.ends_with(end))
            || ["cpu.count", "load_avg_", "proc_", "memory.HugePages_", "net.sockets", "net.Tcp", "net.Udp", "net.Ip"]
                .iter()
                .any(|beginning| metric.starts_with(beginning))
    };
    let counts = with(None);
    assert_eq!(counts.iter().filter(|metric| !is_count(metric)).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(counts.len() > 20, "{counts:?}");
    let ratios: Vec<_> = with(Some(Unit::Ratio)).into_iter().filter(|metric| !metric.starts_with("pressure.")).collect();
    assert!(ratios.iter().all(|metric| *metric == "cpu.busy"), "{ratios:?}");
    for (metric, unit) in [
        ("disk.read.time", Unit::Seconds),
        ("cgroup.memory.current", Unit::Bytes),
        ("net.IpExt.InOctets", Unit::Bytes),
        ("fs.size", Unit::Bytes),
    ] {
        assert!(with(Some(unit)).contains(metric), "{metric}");
    }
}
