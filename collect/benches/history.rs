//! What an hour of a real machine's samples costs: bytes a sample, and the time of an appended moment, of a row and of a closed block.

#[path = "../tests/history/recording.rs"]
mod recording;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use recording::Recording;
use verwalter_collect::history::{History, MAX_MOMENTS};
use verwalter_collect::query::{QuerySet, SeriesView};
use verwalter_collect::series::Sample;
use verwalter_core::metrics::{Combine, MatchOp, Matcher, MetricRule, Take};

const INTERVAL: Duration = Duration::from_secs(2);
/// So that one recording of some hundred series stands for a machine with more.
const COPIES: usize = 4;

fn samples(recording: &Recording, moment: usize) -> Vec<Sample> {
    let one = recording.samples(moment);
    let copy = |number: usize| {
        one.iter().cloned().map(move |mut sample| {
            sample.labels.insert("copy".to_owned(), number.to_string());
            sample
        })
    };
    (0..COPIES).flat_map(copy).collect()
}

/// Twenty queries as manifests have them.
fn queries() -> QuerySet {
    let rule = |metric: &str, take, window_secs| MetricRule {
        labels: BTreeMap::from([("metric".to_owned(), metric.to_owned())]),
        take,
        window: Duration::from_secs(window_secs),
        ..MetricRule::default()
    };
    let matching = |rule: MetricRule, label: &str, op, value: &str| MetricRule {
        matchers: [Matcher { label: label.to_owned(), op, value: value.to_owned() }].into(),
        ..rule
    };
    let by = |rule: MetricRule, label: &str| MetricRule { by: [label.to_owned()].into(), ..rule };
    let any = |metrics: &str, take, window_secs| {
        let rule = MetricRule { take, window: Duration::from_secs(window_secs), ..MetricRule::default() };
        matching(rule, "metric", MatchOp::Like, metrics)
    };
    let rules = [
        rule("cpu.busy", Take::Avg, 30),
        rule("cpu.busy", Take::P95, 300),
        rule("cpu.busy", Take::Series, 60),
        rule("cpu.user", Take::Rate, 60),
        rule("cpu.system", Take::Rate, 60),
        rule("cpu.iowait", Take::Delta, 300),
        rule("cpu.count", Take::Last, 1),
        rule("load_avg_1min", Take::Last, 1),
        rule("load_avg_5min", Take::Max, 600),
        rule("memory.MemAvailable", Take::Last, 1),
        rule("memory.MemAvailable", Take::Min, 300),
        MetricRule { combine: Combine::Max, ..rule("memory.Dirty", Take::Max, 300) },
        matching(rule("disk.read.bytes", Take::Rate, 60), "layer", MatchOp::Equal, "physical"),
        matching(rule("disk.write.bytes", Take::Rate, 60), "layer", MatchOp::Equal, "physical"),
        by(matching(rule("disk.time", Take::Rate, 60), "device", MatchOp::Like, "sd.|vd.|nvme.*"), "device"),
        by(rule("net.interface.rx.bytes", Take::Rate, 60), "interface"),
        matching(rule("net.interface.tx.bytes", Take::Rate, 60), "interface", MatchOp::Unlike, "veth.*|docker.*"),
        any("net\\.interface\\..*\\.errors", Take::Delta, 300),
        rule("fs.available", Take::Min, 600),
        rule("cgroup.memory.current", Take::Max, 60),
    ];
    QuerySet::compile(1, &BTreeSet::from(rules))
}

/// The longest windows there are, over two series of each interface.
fn long_query() -> QuerySet {
    let matcher = Matcher { label: "metric".to_owned(), op: MatchOp::Like, value: r"net\.interface\..x\.bytes".to_owned() };
    let window = Duration::from_secs(3_600);
    QuerySet::compile(1, &BTreeSet::from([MetricRule { matchers: [matcher].into(), take: Take::Rate, window, ..MetricRule::default() }]))
}

fn hour(recording: &Recording) -> (History, Duration) {
    let mut history = History::new(INTERVAL);
    let mut at = Duration::ZERO;
    for moment in 0..MAX_MOMENTS {
        at = INTERVAL * u32::try_from(moment).expect("few moments");
        history.append(at, samples(recording, moment));
    }
    (history, at)
}

fn of_a_machine(criterion: &mut Criterion) {
    let recording = Recording::of_fixture();
    let (mut history, at) = hour(&recording);
    let kept: usize = history.series().map(|series| series.newest_first().count()).sum();
    let bytes = history.sample_bytes();
    let series = history.series().count();
    println!("{series} series, {kept} samples in {bytes} bytes: {:.3} bytes a sample", bytes as f64 / kept as f64);

    let set = queries();
    assert_eq!(set.queries().len(), 20);
    let unasked = history.clone();
    criterion.bench_function("a row of 20 queries", |bench| bench.iter(|| history.row(&set, at)));
    criterion.bench_function("a row of 20 queries, its series looked up anew", |bench| {
        bench.iter_batched_ref(|| unasked.clone(), |history| history.row(&set, at), BatchSize::LargeInput);
    });
    let long = long_query();
    let matching = history.series().filter(|series| long.queries()[0].matches(series.labels())).count();
    let name = format!("a row of one query over an hour of {matching} series");
    criterion.bench_function(&name, |bench| bench.iter(|| history.row(&long, at)));
    let moment = Cell::new(MAX_MOMENTS);
    criterion.bench_function("a moment appended", |bench| {
        let next = || {
            moment.set(moment.get() + 1);
            samples(&recording, moment.get())
        };
        let append = |samples| history.append(INTERVAL * u32::try_from(moment.get()).expect("few moments"), samples);
        bench.iter_batched(next, append, BatchSize::PerIteration);
    });
}

criterion_group!(benches, of_a_machine);
criterion_main!(benches);
