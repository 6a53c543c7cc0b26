//! What works: both ABIs decide, the same input gives the same bytes and the same fuel, and many calls run side by side.

use std::collections::BTreeSet;
use std::sync::Barrier;

use super::guest::{component, core, placing};
use super::world::{SCHEDULER, Sandbox, cluster, decide};

#[test]
fn both_abis_decide() {
    let sandbox = Sandbox::new();
    sandbox.check(&core(""), SCHEDULER, r#"{"nodes":{},"roles":{}}"#);
    sandbox.check(&component(""), SCHEDULER, r#"{"nodes":{},"roles":{}}"#);
    sandbox.check(&placing(7), SCHEDULER, r#"{"nodes":{"alpha":{"roles":{"web":{"instances":7}}}},"roles":{"web":{}}}"#);
}

#[test]
fn the_same_input_costs_the_same_fuel_and_gives_the_same_bytes() {
    let sandbox = Sandbox::new();
    let snapshot = cluster(Default::default());
    for wasm in [placing(2), component("(call $hostnames (i32.const 4096))")] {
        let plugin = sandbox.load(&wasm, SCHEDULER).unwrap();
        let runs: BTreeSet<(u64, String)> = (0..20)
            .map(|_| decide(&plugin, &snapshot, &[]).unwrap())
            .map(|decided| (decided.cost.fuel, decided.admitted.schedule.canonical().to_string()))
            .collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        assert!(runs.first().unwrap().0 > 0);
    }
}

#[test]
fn nothing_is_left_of_a_call() {
    let sandbox = Sandbox::new();
    // A guest that traps when it finds what a former call of it wrote.
    let leaving = "(if (i32.load (i32.const 512)) (then unreachable)) (i32.store (i32.const 512) (i32.const 1))";
    for wasm in [core(leaving), component(leaving)] {
        let plugin = sandbox.load(&wasm, SCHEDULER).unwrap();
        for _ in 0..20 {
            assert_eq!(sandbox.outcome(&plugin), r#"{"nodes":{},"roles":{}}"#);
        }
    }
}

#[test]
fn more_calls_than_permits_all_come_to_their_end() {
    const CALLS: usize = 24;
    let sandbox = Sandbox::new();
    // Long enough that they overlap.
    let busy = "(local $n i32) (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))";
    let plugins = [core(busy), component(busy)].map(|wasm| sandbox.load(&wasm, SCHEDULER).unwrap());
    let begin = Barrier::new(CALLS);
    let (sandbox, begin) = (&sandbox, &begin);
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let call = |plugin| {
            scope.spawn(move || {
                begin.wait();
                sandbox.outcome(plugin)
            })
        };
        let calls: Vec<_> = plugins.iter().cycle().take(CALLS).map(call).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(outcomes, vec![r#"{"nodes":{},"roles":{}}"#; CALLS]);
}
