//! The columns of a plugin whose manifest declares no metrics. It evaluates nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::metrics::{Combine, MetricRule, Take};

/// Over which window the default rates are taken: quiet enough to place by, quick enough to see a load come.
const RATE_WINDOW: Duration = Duration::from_secs(30);

/// What a plugin sees of each peer when its manifest has no `metrics`.
///
/// | name | unit | meaning |
/// |---|---|---|
/// | `cpu` | ratio 0 to 1 | share of all processors that was neither idle nor waiting for disks, between the last two samples |
/// | `cpus` | count | processors online |
/// | `load` | tasks | load average of the last minute |
/// | `memory_total` | bytes | memory that the kernel manages |
/// | `memory_free` | bytes | memory that a new process could have without swapping (`MemAvailable`) |
/// | `disk_size` | bytes | size of the root file system |
/// | `disk_free` | bytes | what users other than root may still write there |
/// | `disk_read`, `disk_write` | bytes/s | over all disks, mean of 30 s; layers above disks (LVM, RAID) are not counted again |
/// | `net_rx`, `net_tx` | bytes/s | over all interfaces but loopback, mean of 30 s; what a bridge forwards counts at each interface it passes |
pub fn default_metrics() -> BTreeMap<String, MetricRule> {
    let root = ("mount", "/");
    let physical = ("layer", "physical");
    let metrics = [
        ("cpu", last("cpu.busy", None)),
        ("cpus", last("cpu.count", None)),
        ("load", last("load_avg_1min", None)),
        ("memory_total", last("memory.MemTotal", None)),
        ("memory_free", last("memory.MemAvailable", None)),
        ("disk_size", last("fs.size", Some(root))),
        ("disk_free", last("fs.available", Some(root))),
        ("disk_read", rate("disk.read.bytes", Some(physical))),
        ("disk_write", rate("disk.write.bytes", Some(physical))),
        ("net_rx", rate("net.interface.rx.bytes", None)),
        ("net_tx", rate("net.interface.tx.bytes", None)),
    ];
    metrics.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect()
}

fn last(metric: &str, label: Option<(&str, &str)>) -> MetricRule {
    MetricRule { labels: labels(metric, label), take: Take::Last, window: Duration::ZERO, combine: Combine::Sum, ..MetricRule::default() }
}

fn rate(metric: &str, label: Option<(&str, &str)>) -> MetricRule {
    MetricRule { labels: labels(metric, label), take: Take::Rate, window: RATE_WINDOW, combine: Combine::Sum, ..MetricRule::default() }
}

fn labels(metric: &str, label: Option<(&str, &str)>) -> BTreeMap<String, String> {
    [("metric", metric)].into_iter().chain(label).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
