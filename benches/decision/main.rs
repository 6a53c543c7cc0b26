//! What a decision costs: the sample scheduler as a plugin, by columns and by JSON rows, beside the same scheduler compiled natively
//! on parsed structs, in one run; and a whole round with its parts. It prints the README's performance tables. Times are of this machine;
//! the ratios are the point. `cargo bench --bench decision -- whole-round` prints the whole rounds only.

mod cluster;
mod memory;
mod native;
mod table;
mod whole;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use verwalter::plugin::limits::{Limit, Limits};
use verwalter::plugin::manifest::Manifest;
use verwalter::plugin::{Activator, Compiler, Loaded};
use verwalter::round::decide::{Decided, decide, prepare};
use verwalter_core::contract::{InputMode, SchedulerInput, SnapshotView};
use verwalter_core::ids::{Round, Term, UnixMillis};
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Kind, Plugin, Scheduler};
use verwalter_core::schedule::Schedule;

use cluster::Cluster;
use table::Table;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const COMPONENT: &[u8] = include_bytes!("../../plugins/prebuilt/spread.wasm");
const CORE: &[u8] = include_bytes!("../../plugins/prebuilt/spread-core.wasm");

/// The argument by which only whole rounds are measured.
const WHOLE: &str = "whole-round";

fn main() {
    let mut criterion =
        Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).configure_from_args();
    let cache = tempfile::tempdir().expect("a temporary directory");
    let compiler = Compiler::at(env!("CARGO_BIN_EXE_verwalter").into());
    let activator = Activator::without_storage(cache.path(), compiler, u64::MAX).expect("the sandbox opens");
    // `cargo test --benches` only wants to see it run.
    if std::env::args().any(|argument| argument == "--test") {
        whole::print(&activator, 50, 2);
    } else {
        whole::print(&activator, SIZES[SIZES.len() - 1], whole::ROUNDS);
    }
    if std::env::args().any(|argument| argument == WHOLE) {
        return;
    }
    let mut table = Table::default();
    for size in SIZES {
        decisions(&mut criterion, &activator, &mut table, size);
    }
    small(&mut criterion, &activator, &mut table);
    table.print();
    memory::print_idle();
    criterion.final_summary();
}

/// A plugin as an operator would activate it, with room for the largest size.
fn load(activator: &Activator, wasm: &[u8], input: Option<InputMode>, kind: Kind) -> Loaded {
    let mut limits = Limits::of(kind);
    limits.set(Limit::Memory, 256 << 20).expect("within bounds");
    let metrics = (kind == Kind::Scheduler).then(cluster::metrics);
    let manifest = Manifest { input, limits, metrics, ..Manifest::plain(kind) };
    activator.load(&PluginName::new("bench").expect("a valid name"), wasm, &manifest).expect("the prebuilt plugin loads")
}

fn decisions(criterion: &mut Criterion, activator: &Activator, table: &mut Table, size: usize) {
    let cluster = Cluster::new(size);
    let first = round(&load(activator, COMPONENT, Some(InputMode::Columns), Kind::Scheduler), &cluster, &[]);
    for (case, parents) in [("first", Vec::new()), ("steady", vec![first.admitted.schedule])] {
        let native = native::NativeInput::new(&cluster.snapshot, &cluster.roles, parents.first());
        measure(criterion, table, case, "native, structs", size, || drop(black_box(native::schedule(&native))));
        let sight = native::Sight::new(&native);
        measure(criterion, table, case, "native, indices only", size, || drop(black_box(sight.decide())));
        let variants = [
            ("component, columns", COMPONENT, InputMode::Columns),
            ("core module, columns", CORE, InputMode::Columns),
            ("component, JSON rows", COMPONENT, InputMode::Document),
            ("core module, JSON rows", CORE, InputMode::Document),
        ];
        for (name, wasm, mode) in variants {
            let plugin = load(activator, wasm, Some(mode), Kind::Scheduler);
            measure(criterion, table, case, name, size, || drop(black_box(round(&plugin, &cluster, &parents))));
            let decided = round(&plugin, &cluster, &parents);
            table.parts(case, name, size, &decided);
        }
    }
}

/// A whole round but for the commit: document, fresh instance, call, admit, canonical form, digest.
fn round(plugin: &Loaded, cluster: &Cluster, parents: &[Schedule]) -> Decided {
    let own = cluster.snapshot.peers().get(0).expect("there is a peer");
    let input = SchedulerInput {
        now: UnixMillis(1_533_909_072_000),
        round: Round(1),
        term: Term { counter: 1, leader: own.id },
        current_host: &own.hostname,
        current_id: own.id,
        config: plugin.config(),
        runtime: &cluster.runtime,
        parents,
        actions: "{}",
    };
    let (document, view, took) = prepare(plugin, &input, &cluster.snapshot);
    decide(plugin, &document, &view, took).expect("the sample scheduler decides")
}

fn measure(criterion: &mut Criterion, table: &mut Table, case: &'static str, name: &'static str, size: usize, mut work: impl FnMut()) {
    let mut group = criterion.benchmark_group(case);
    group.sample_size(if size >= 10_000 { 20 } else { 40 });
    group.bench_function(BenchmarkId::new(name, size), |bencher| {
        bencher.iter_custom(|iterations| {
            let started = Instant::now();
            for _ in 0..iterations {
                work();
            }
            let took = started.elapsed();
            table.sample(case, name, size, took, iterations);
            took
        });
    });
    group.finish();
}

/// The fixed costs: a call into a live instance, and a fresh instance with its store.
fn small(criterion: &mut Criterion, activator: &Activator, table: &mut Table) {
    let scheduler = load(activator, &wat::parse_str(include_str!("empty-scheduler.wat")).expect("valid text"), None, Kind::Scheduler);
    let view = Arc::new(SnapshotView::default());
    measure(criterion, table, "fixed", "fresh component instance, one empty call, dropped", 1, || {
        drop(black_box(scheduler.schedule("{}", &view).expect("it answers")));
    });
    let filter = load(activator, &wat::parse_str(include_str!("empty-filter.wat")).expect("valid text"), None, Kind::Filter);
    let filter = Arc::new(filter);
    let mut session = filter.session();
    // The same question is not asked twice in one render: each call has arguments of its own.
    let mut asked = 0_u64;
    measure(criterion, table, "fixed", "empty component call in a live instance", 1, || {
        asked += 1;
        drop(black_box(session.apply("empty", &serde_json::json!([asked])).expect("it answers")));
    });
}
