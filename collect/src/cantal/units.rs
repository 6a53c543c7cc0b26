//! Cantal's names and units made those of [`procfs`](crate::procfs), so that a query means the same whichever agent a site runs.
//!
//! | cantal's series | its unit | here |
//! |---|---|---|
//! | `cpu.*`, per process `user_time`, `system_time` (counters) | ticks | seconds: 100 ticks each |
//! | `disk.{read,write}.time`, `disk.time`, `disk.weighted_time` (counters) | milliseconds | seconds |
//! | `disk.{read,write}.bytes`, `memory.*`, `net.interface.*.bytes`, per process `vsize`, `rss`, `swap`, `read_bytes`, `write_bytes` | bytes | as they are |
//! | `uptime`, `idle_time` | seconds | as they are |
//! | `load_avg_*`, `open_files`, `num_threads`, `net.*` counts, and whatever applications publish | counts, or theirs | as they are |
//!
//! Ticks are `USER_HZ`, which is 100 on every architecture that cantal runs on; the agent does not say its own.
//!
//! * `disk.*` get the label `layer` as in `procfs`; RAM disks, and partitions beside their disk, are left out as there.
//! * `net.interface.*` of `lo` are left out, as there.
//! * `cpu.busy` is made here of the counters, from each two neighbouring samples.
//! * Of whole numbers (counters, and levels like `memory.*`, `rss`, `in_progress`) cantal 0.6.10 hands out no sample after which the value
//!   fell, as the recordings show. The newest is always there, so that `last` is right, and a reset costs a rate what was counted in the one
//!   scan before it; but `max`, `avg` and `p95` of such a level miss its peaks.
//! * Cantal has no `cpu.count`, `fs.*` or `cgroup.*`: queries for them match nothing. Its `net.interface.*.errs` and `.drop` keep their names
//!   (`procfs` calls them `errors` and `drops`), and its `proc_runnable` and `proc_total` never come (it reads them wrongly).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::answer::{Listed, ListedValue, Sampled};
use crate::procfs::disk;
use crate::series::{Labels, SampleKind};

/// Ticks a second.
const USER_HZ: f64 = 100.0;
/// Milliseconds a second.
const MILLIS: f64 = 1_000.0;
/// The label that only exists here.
pub(super) const LAYER: &str = "layer";
/// The metric that only exists here.
const BUSY: &str = "cpu.busy";
/// What the busy share is made of. The kernel counts guest time within user time, too, so that it is not among them.
const CPU_TIMES: [&str; 8] = ["cpu.user", "cpu.nice", "cpu.system", "cpu.idle", "cpu.iowait", "cpu.irq", "cpu.softirq", "cpu.steal"];
const CPU_IDLE: [&str; 2] = ["cpu.idle", "cpu.iowait"];

/// The labels of the series that is made here.
pub(super) fn busy_labels() -> Labels {
    Labels::from([("metric".to_owned(), BUSY.to_owned())])
}

/// The query, in cantal's language, for what the busy share is made of.
pub(super) fn busy_pattern() -> String {
    format!("^(?:{})$", CPU_TIMES.map(regex::escape).join("|"))
}

/// Names and units as above.
pub(super) fn normalise(found: Vec<Sampled>) -> Vec<Sampled> {
    let devices: BTreeSet<String> = found.iter().filter_map(|series| device(&series.labels)).map(str::to_owned).collect();
    let kept = found.into_iter().filter(|series| is_kept(&series.labels, |disk| devices.contains(disk)));
    kept.map(|mut series| {
        let per_unit = per_unit(&series.labels, series.kind);
        series.samples.iter_mut().for_each(|(_, value)| *value /= per_unit);
        add_layer(&mut series.labels);
        series
    })
    .collect()
}

/// As [`normalise`], of one listed value. Nothing is left out: whoever lists wants to see what there is.
pub(super) fn listed(mut listed: Listed) -> Listed {
    if let ListedValue::Counter(value) = &mut listed.value {
        *value /= per_unit(&listed.labels, SampleKind::Counter);
    }
    add_layer(&mut listed.labels);
    listed
}

/// Whether these are labels that cantal itself makes: `metric` and the others named. An application may call its own series as it likes.
fn is_own(labels: &Labels, others: &[&str]) -> bool {
    labels.keys().all(|key| key == "metric" || others.contains(&key.as_str()))
}

/// Cantal's units in one of ours.
fn per_unit(labels: &Labels, kind: SampleKind) -> f64 {
    let metric = labels.get("metric").map_or("", String::as_str);
    match metric {
        _ if kind != SampleKind::Counter => 1.0,
        "user_time" | "system_time" if labels.contains_key("pid") && is_own(labels, &["pid", "cgroup"]) => USER_HZ,
        "disk.read.time" | "disk.write.time" | "disk.time" | "disk.weighted_time" if device(labels).is_some() => MILLIS,
        _ if metric.starts_with("cpu.") && is_own(labels, &[]) => USER_HZ,
        _ => 1.0,
    }
}

/// The device of one of cantal's own disk series.
fn device(labels: &Labels) -> Option<&str> {
    let is_disk = labels.get("metric").is_some_and(|metric| metric.starts_with("disk.")) && is_own(labels, &["device", LAYER]);
    labels.get("device").filter(|_| is_disk).map(String::as_str)
}

fn is_kept(labels: &Labels, is_device: impl Fn(&str) -> bool) -> bool {
    if let Some(device) = device(labels) {
        return disk::is_kept(device, is_device);
    }
    let of_interface = labels.get("metric").is_some_and(|metric| metric.starts_with("net.interface.")) && is_own(labels, &["interface"]);
    !(of_interface && labels.get("interface").is_some_and(|interface| interface == "lo"))
}

fn add_layer(labels: &mut Labels) {
    let Some(device) = device(labels) else { return };
    let layer = disk::layer(device).to_owned();
    labels.insert(LAYER.to_owned(), layer);
}

/// The share of processors' time that was neither idle nor waited for disks, between each two neighbouring samples of `times`.
///
/// A pair in which no time passed, or in which a counter went back (a restart, a processor taken offline), says nothing.
pub(super) fn busy(times: &[Sampled]) -> Sampled {
    let mut moments: BTreeMap<Duration, (usize, f64, f64)> = BTreeMap::new();
    for series in times {
        let Some(metric) = series.labels.get("metric").filter(|_| is_own(&series.labels, &[])) else { continue };
        if !CPU_TIMES.contains(&metric.as_str()) {
            continue;
        }
        for (at, value) in &series.samples {
            let (count, all, idle) = moments.entry(*at).or_default();
            *count += 1;
            *all += value;
            if CPU_IDLE.contains(&metric.as_str()) {
                *idle += value;
            }
        }
    }
    // A moment without one of them would make the others look like a jump.
    let whole = moments.values().map(|(count, ..)| *count).max().unwrap_or(0);
    let moments: Vec<_> = moments.into_iter().filter(|(_, (count, ..))| *count == whole).collect();
    let shares = moments.windows(2).filter_map(|pair| {
        let [(_, (_, all_before, idle_before)), (at, (_, all, idle))] = pair else { return None };
        let passed = all - all_before;
        (passed > 0.0).then(|| (*at, (1.0 - (idle - idle_before) / passed).clamp(0.0, 1.0)))
    });
    let mut samples: Vec<_> = shares.collect();
    samples.reverse();
    Sampled { labels: busy_labels(), kind: SampleKind::Gauge, samples }
}

#[cfg(test)]
mod tests;
