//! How soon what does not end is stopped: by fuel, at the same place each time; by the wall clock, and how far past its deadline; what
//! one bulk operation over all memory can add to that; and that a thousand stopped calls leave nothing behind. It asserts no times.
//!
//! `cargo bench --bench stop -- 200` says how many calls a row has.

mod guests;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter::plugin::limits::{Limit, Limits};
use verwalter::plugin::manifest::Manifest;
use verwalter::plugin::{Activator, Compiler, Loaded};
use verwalter_core::contract::SnapshotView;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Failure, Kind, Scheduler};

use table::Row;

/// Calls a row: the 99th part of them is one.
const CALLS: usize = 100;
/// Where the clock is to stop them, more fuel than a second burns.
const DEADLINE: Duration = Duration::from_millis(50);
const PLENTY: u64 = 1_000_000_000_000;
/// Where fuel is to stop them, before any deadline.
const LITTLE: u64 = 10_000_000;
/// Stops after which the process must be as large as before.
const STOPS: usize = 1_000;
const WARM_UP: usize = 20;

fn main() {
    // Cargo adds flags of its own.
    let calls = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(CALLS).max(10);
    let cache = tempfile::tempdir().expect("a temporary directory");
    let compiler = Compiler::at(env!("CARGO_BIN_EXE_verwalter").into());
    let activator = Activator::without_storage(cache.path(), compiler, u64::MAX).expect("the sandbox opens");
    by_fuel(&activator, calls);
    by_clock(&activator, calls);
    bulk(&activator, calls);
    memory(&activator);
}

/// A guest under the default limits but for fuel and time.
fn load(activator: &Activator, wasm: &[u8], fuel: u64, time: Duration) -> Loaded {
    let mut limits = Limits::of(Kind::Scheduler);
    limits.set(Limit::Fuel, fuel).expect("within bounds");
    limits.set(Limit::Time, time.as_millis() as u64).expect("within bounds");
    let manifest = Manifest { limits, ..Manifest::plain(Kind::Scheduler) };
    activator.load(&PluginName::new("bench").expect("a valid name"), wasm, &manifest).expect("it loads")
}

/// One call that is stopped: why, and how long it took until its caller had the answer.
fn stopped(plugin: &Loaded) -> (Failure, Duration) {
    let view = Arc::new(SnapshotView::default());
    let begun = Instant::now();
    let failure = plugin.schedule("{}", &view).expect_err("it does not end by itself");
    (failure, begun.elapsed())
}

/// Time in the call until it was stopped.
fn ran(failure: &Failure) -> Duration {
    failure.cost.as_ref().expect("it ran").elapsed
}

fn by_fuel(activator: &Activator, calls: usize) {
    println!(
        "\n| stopped by fuel ({LITTLE}) | calls | different fuel figures | different places | median ms to stop |\n|---|---|---|---|---|"
    );
    for (name, wasm) in guests::counting() {
        let plugin = load(activator, &wasm, LITTLE, Duration::from_secs(60));
        let mut fuel = BTreeSet::new();
        let mut places = BTreeSet::new();
        let mut times = Vec::new();
        for _ in 0..calls {
            let (failure, _) = stopped(&plugin);
            fuel.insert(failure.cost.as_ref().map(|cost| cost.fuel));
            // It says after each step how far it is, and the message has the function that was running.
            places.insert((failure.log.len(), failure.message.clone()));
            times.push(ran(&failure));
        }
        println!("| {name} | {calls} | {} | {} | {:.1} |", fuel.len(), places.len(), table::median_ms(times));
    }
}

fn by_clock(activator: &Activator, calls: usize) {
    let mut rows = Vec::new();
    let mut drops = Vec::new();
    for (name, wasm) in guests::endless() {
        let plugin = load(activator, &wasm, PLENTY, DEADLINE);
        let mut over = Row::new(name);
        let mut dropped = Row::new(name);
        for _ in 0..calls {
            let (failure, took) = stopped(&plugin);
            over.push(ran(&failure).saturating_sub(DEADLINE));
            dropped.push(took.saturating_sub(ran(&failure)));
        }
        rows.push(over);
        drops.push(dropped);
    }
    table::print(&format!("past a deadline of {} ms, ms", DEADLINE.as_millis()), &rows);
    table::print("giving back what a stopped call held, ms", &drops);
}

/// One operation is one step to the engine: no clock is looked at within.
fn bulk(activator: &Activator, calls: usize) {
    let rows = guests::bulk().map(|(name, wasm)| {
        let plugin = load(activator, &wasm, PLENTY, Duration::from_secs(60));
        let mut row = Row::new(name);
        for _ in 0..calls {
            row.push(ran(&stopped(&plugin).0));
        }
        row
    });
    table::print("one operation as large as the default limits allow, then a trap: whole call, ms", &rows);
}

/// Resident memory over many stops of a guest that has touched all the memory that it may have.
fn memory(activator: &Activator) {
    let plugins = guests::greedy().map(|wasm| load(activator, &wasm, LITTLE, Duration::from_secs(60)));
    let mut resident = Vec::new();
    for n in 0..WARM_UP + STOPS {
        stopped(&plugins[n % plugins.len()]);
        resident.push(table::resident_kib());
    }
    table::print_memory(&resident[WARM_UP..]);
}
