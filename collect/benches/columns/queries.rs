//! Twenty queries as manifests have them: levels, rates, windows of up to a minute, and a sum over eight series.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_collect::query::QuerySet;
use verwalter_core::metrics::{Combine, MatchOp, Matcher, MetricRule, Take};

fn rule(metric: &str, take: Take, window_secs: u64) -> MetricRule {
    MetricRule {
        labels: BTreeMap::from([("metric".to_owned(), metric.to_owned())]),
        take,
        window: Duration::from_secs(window_secs),
        ..MetricRule::default()
    }
}

fn like(pattern: &str, take: Take, window_secs: u64, combine: Combine) -> MetricRule {
    let matcher = Matcher { label: "metric".to_owned(), op: MatchOp::Like, value: pattern.to_owned() };
    MetricRule { matchers: [matcher].into(), take, window: Duration::from_secs(window_secs), combine, ..MetricRule::default() }
}

pub(crate) fn set() -> QuerySet {
    let rules = [
        rule("cpu.busy", Take::Last, 0),
        rule("cpu.busy", Take::Avg, 30),
        rule("cpu.busy", Take::P95, 60),
        rule("cpu.user", Take::Rate, 30),
        rule("cpu.iowait", Take::Delta, 60),
        rule("cpu.count", Take::Last, 0),
        rule("load_avg_1min", Take::Last, 0),
        rule("load_avg_5min", Take::Max, 60),
        rule("memory.MemTotal", Take::Last, 0),
        rule("memory.MemAvailable", Take::Last, 0),
        rule("memory.MemAvailable", Take::Min, 60),
        rule("fs.size", Take::Last, 0),
        rule("fs.available", Take::Last, 0),
        rule("disk.read.bytes", Take::Rate, 30),
        rule("disk.write.bytes", Take::Rate, 30),
        rule("net.interface.rx.bytes", Take::Rate, 30),
        rule("net.interface.tx.bytes", Take::Rate, 60),
        like("app.*\\.requests", Take::Rate, 30, Combine::Sum),
        rule("app000.queue", Take::Avg, 30),
        rule("app000.latency", Take::Max, 60),
    ];
    QuerySet::compile(1, &rules.into())
}
