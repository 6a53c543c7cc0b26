//! What a guest asks of the host: with bad pointers, and without end. Host calls cost fuel, look at the clock and check every number.

use super::guest::{component, importing};
use super::world::{FRUGAL, SCHEDULER, Sandbox};

const READ: &str = r#"(import "verwalter" "column" (func $column (param i32 i32 i32 i32) (result i32)))
    (import "verwalter" "attribute" (func $attribute (param i32 i32 i32 i32) (result i32)))
    (import "verwalter" "log" (func $log (param i32 i32 i32)))
    (data (i32.const 512) "hostname\ff")"#;

#[test]
fn endless_host_calls_end_by_fuel() {
    let sandbox = Sandbox::new();
    let ended = "fuel: used up its fuel of 10M; raise it with `limits: { fuel: 20M }`";
    let core = |call: &str| importing(READ, &format!("(loop {call} (br 0))"));
    sandbox.check(&core("(drop (call $column (i32.const 512) (i32.const 8) (i32.const 0) (i32.const 0)))"), FRUGAL, ended);
    sandbox.check(&core("(drop (call $attribute (i32.const 512) (i32.const 8) (i32.const 0) (i32.const 0)))"), FRUGAL, ended);
    let little = "kind: scheduler\nlimits: { fuel: 1M }\n";
    sandbox.check(&core("(call $log (i32.const 0) (i32.const 512) (i32.const 0))"), little, "fuel: used up its fuel of 1M");
    let looped = |call: &str| component(&format!("(loop {call} (br 0))"));
    sandbox.check(&looped("(call $hostnames (i32.const 4096))"), FRUGAL, ended);
    sandbox.check(&looped("(call $attribute (i32.const 0) (i32.const 4) (i32.const 4096))"), FRUGAL, ended);
    sandbox.check(&looped("(call $column (i32.const 0) (i32.const 4) (i32.const 4096))"), FRUGAL, ended);
    sandbox.check(&looped("(call $series (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4096))"), FRUGAL, ended);
    sandbox.check(&looped("(call $write (i32.const 0) (i32.const 0) (i32.const 0))"), little, "fuel: used up its fuel of 1M");
}

#[test]
fn what_moves_is_paid_by_the_byte() {
    let sandbox = Sandbox::new();
    // 100 calls with a name of 60,000 bytes: 100 × 1,000 for the calls are little, the bytes are not.
    let repeat = |call: &str| {
        format!("(local $n i32) (loop {call} (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))")
    };
    let manifest = "kind: scheduler\nlimits: { fuel: 1M }\n";
    let names = importing(READ, &repeat("(drop (call $column (i32.const 0) (i32.const 500) (i32.const 0) (i32.const 0)))"));
    sandbox.check(&names, manifest, r#"{"nodes":{},"roles":{}}"#);
    let names = importing(READ, &repeat("(drop (call $column (i32.const 1200) (i32.const 30000) (i32.const 0) (i32.const 0)))"));
    sandbox.check(&names, manifest, "fuel: used up its fuel of 1M");
    let names = component(&repeat("(call $column (i32.const 20000) (i32.const 30000) (i32.const 4096))"));
    sandbox.check(&names, manifest, "fuel: used up its fuel of 1M");
}

#[test]
fn host_calls_with_bad_pointers() {
    let sandbox = Sandbox::new();
    let bad = "output: it passed a pointer or length outside its memory: this is a defect of the plugin";
    let check = |call: &str, expect: &str| sandbox.check(&importing(READ, call), SCHEDULER, expect);
    check("(drop (call $column (i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 0)))", bad);
    check("(drop (call $column (i32.const -1) (i32.const -1) (i32.const 0) (i32.const 0)))", bad);
    check("(drop (call $column (i32.const -1) (i32.const 2) (i32.const 0) (i32.const 0)))", bad);
    check("(drop (call $attribute (i32.const 512) (i32.const 8) (i32.const 65530) (i32.const 1000)))", bad);
    check("(drop (call $attribute (i32.const 512) (i32.const 8) (i32.const -4) (i32.const -1)))", bad);
    check("(call $log (i32.const 0) (i32.const 65530) (i32.const 7))", bad);
    check("(call $log (i32.const 0) (i32.const 512) (i32.const 9))", "output: it passed a text that is no UTF-8");
    check("(drop (call $column (i32.const 512) (i32.const 9) (i32.const 0) (i32.const 0)))", "output: it passed a text that is no UTF-8");
    // What does not fit is not written, and the guest learns how much there is.
    check(
        "(if (i32.ne (call $attribute (i32.const 512) (i32.const 8) (i32.const -4) (i32.const 0)) (i32.const 26)) (then unreachable))",
        "{",
    );

    let check = |call: &str| sandbox.check(&component(call), SCHEDULER, "output: ");
    check("(call $column (i32.const 1048576) (i32.const 1) (i32.const 4096))");
    check("(call $column (i32.const 0) (i32.const 4) (i32.const 1048572))");
    check("(call $write (i32.const 0) (i32.const -1) (i32.const -1))");
}
