//! Names and units, one by one, and the busy share with the expected numbers.

use super::*;

fn series(pairs: &[(&str, &str)], kind: SampleKind, samples: &[(u64, f64)]) -> Sampled {
    let labels = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Sampled { labels, kind, samples: samples.iter().map(|(at, value)| (Duration::from_secs(*at), *value)).collect() }
}

#[test]
fn units_are_ours() {
    let check = |pairs: &[(&str, &str)], kind, expect: f64| {
        let found = normalise(vec![series(pairs, kind, &[(1, 5_000.0)])]);
        assert_eq!(found[0].samples, [(Duration::from_secs(1), expect)], "{pairs:?}");
    };
    use SampleKind::{Counter, Gauge};
    check(&[("metric", "cpu.user")], Counter, 50.0);
    check(&[("metric", "user_time"), ("pid", "7")], Counter, 50.0);
    check(&[("metric", "system_time"), ("pid", "7"), ("cgroup", "web")], Counter, 50.0);
    check(&[("metric", "disk.read.time"), ("device", "sda")], Counter, 5.0);
    check(&[("metric", "disk.weighted_time"), ("device", "sda")], Counter, 5.0);
    check(&[("metric", "disk.read.bytes"), ("device", "sda")], Counter, 5_000.0);
    check(&[("metric", "memory.MemTotal")], Gauge, 5_000.0);
    check(&[("metric", "uptime")], Gauge, 5_000.0);
    // What an application calls like that is its own affair.
    check(&[("metric", "cpu.user"), ("pid", "7")], Counter, 5_000.0);
    check(&[("metric", "user_time"), ("pid", "7"), ("group", "web")], Counter, 5_000.0);
    check(&[("metric", "user_time")], Counter, 5_000.0);
    check(&[("metric", "cpu.user")], Gauge, 5_000.0);
    check(&[("metric", "disk.time"), ("device", "sda"), ("appname", "x")], Counter, 5_000.0);
}

#[test]
fn a_sum_over_disks_or_interfaces_counts_nothing_twice() {
    let one = |metric: &str, label: &str, value: &str| series(&[("metric", metric), (label, value)], SampleKind::Counter, &[]);
    let disks = ["sda", "sda1", "nvme0n1", "nvme0n1p2", "dm-0", "loop0", "ram1", "zram0", "mmcblk0p1"];
    let mut found: Vec<Sampled> = disks.iter().map(|disk| one("disk.read.bytes", "device", disk)).collect();
    found.extend([one("net.interface.rx.bytes", "interface", "lo"), one("net.interface.rx.bytes", "interface", "eth0")]);
    let kept: Vec<String> = normalise(found)
        .iter()
        .map(|one| one.labels.iter().filter(|(key, _)| *key != "metric").map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(kept, ["sda physical", "nvme0n1 physical", "dm-0 stacked", "mmcblk0p1 physical", "eth0"]);
}

#[test]
fn busy_is_the_share_that_was_neither_idle_nor_waiting() {
    let counter = |metric: &str, samples: &[(u64, f64)]| series(&[("metric", metric)], SampleKind::Counter, samples);
    let times = [
        counter("cpu.user", &[(8, 16.0), (6, 14.0), (4, 13.0), (2, 10.0)]),
        // Sample 6 is missing: without it the others would look like a jump.
        counter("cpu.idle", &[(8, 36.0), (4, 33.0), (2, 30.0)]),
        counter("cpu.iowait", &[(8, 6.0), (6, 6.0), (4, 6.0), (2, 5.0)]),
        // Counted within user.
        counter("cpu.guest", &[(8, 900.0), (6, 500.0), (4, 100.0), (2, 0.0)]),
        series(&[("metric", "cpu.user"), ("pid", "7")], SampleKind::Counter, &[(8, 1.0)]),
    ];
    let busy = busy(&times);
    assert_eq!(busy.labels, busy_labels());
    // From 2 to 4: 3 busy of 7. From 4 to 8: 3 of 6.
    assert_eq!(busy.samples, [(Duration::from_secs(8), 0.5), (Duration::from_secs(4), 1.0 - 4.0 / 7.0)]);
}

#[test]
fn busy_says_nothing_where_counters_stood_still_or_went_back() {
    let counter = |metric: &str, samples: &[(u64, f64)]| series(&[("metric", metric)], SampleKind::Counter, samples);
    let restarted = [counter("cpu.user", &[(6, 2.0), (4, 1.0), (2, 100.0)]), counter("cpu.idle", &[(6, 2.0), (4, 1.0), (2, 100.0)])];
    assert_eq!(busy(&restarted).samples, [(Duration::from_secs(6), 0.5)]);
    let still = [counter("cpu.user", &[(4, 1.0), (2, 1.0)]), counter("cpu.idle", &[(4, 1.0), (2, 1.0)])];
    assert_eq!(busy(&still).samples, []);
    assert_eq!(busy(&[]).samples, []);
}
