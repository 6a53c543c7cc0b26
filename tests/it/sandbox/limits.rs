//! What a guest uses up: fuel, time, memory, tables, stack, input, log. Each limit ends the call alone and names the line that raises it.

use super::guest::{Core, component, component_with, core, core_with};
use super::world::{FRUGAL, SCHEDULER, Sandbox};

const OUT_OF_FUEL: &str = "used up its fuel of 10M; raise it with `limits: { fuel: 20M }` in the plugin's manifest";

#[test]
fn loops_end_by_fuel() {
    let sandbox = Sandbox::new();
    let in_call = format!("fuel: {OUT_OF_FUEL}");
    let at_start = format!("describe: {OUT_OF_FUEL}");
    sandbox.check(&core("(loop (br 0))"), FRUGAL, &in_call);
    sandbox.check(&component("(loop (br 0))"), FRUGAL, &in_call);
    sandbox.check(&core_with("", "(loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536)) (br 0))"), FRUGAL, &in_call);
    sandbox.check(&core_with(r#"(func (export "_initialize") (loop (br 0)))"#, ""), FRUGAL, &at_start);
    sandbox.check(&core_with("(func $start (loop (br 0))) (start $start)", ""), FRUGAL, &at_start);
    sandbox.check(&component_with("", "(func $start (loop (br 0))) (start $start)", ""), FRUGAL, &at_start);
    sandbox.check(&Core { alloc: "(loop (br 0)) (i32.const 0)", ..Core::default() }.build(), FRUGAL, &in_call);
}

#[test]
fn loops_end_by_the_clock_where_fuel_is_plenty() {
    let sandbox = Sandbox::new();
    let manifest = "kind: scheduler\nlimits: { fuel: 1T, time: 50ms }\n";
    let late = "ran longer than its time limit of 50ms; raise it with `limits: { time: 100ms }` in the plugin's manifest";
    sandbox.check(&core("(loop (br 0))"), manifest, &format!("time: {late}"));
    sandbox.check(&component("(loop (br 0))"), manifest, &format!("time: {late}"));
    sandbox.check(&core_with("(func $start (loop (br 0))) (start $start)", ""), manifest, &format!("describe: {late}"));
    // Of host calls alone.
    sandbox.check(
        &component("(loop (call $column (i32.const 0) (i32.const 4) (i32.const 4096)) (br 0))"),
        manifest,
        &format!("time: {late}"),
    );
}

#[test]
fn limits_are_on_without_a_word_in_the_manifest() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.load(&core("(loop (br 0))"), SCHEDULER).unwrap();
    let outcome = sandbox.outcome(&plugin);
    // Which comes first depends on the machine.
    let ended = ["fuel: used up its fuel of 5G", "time: ran longer than its time limit of 2s"];
    assert!(ended.iter().any(|ended| outcome.starts_with(ended)), "{outcome}");
}

#[test]
fn memory_is_limited_over_all_memories() {
    let sandbox = Sandbox::new();
    let grow = "(loop (drop (memory.grow (i32.const 16))) (br 0))";
    let default = "memory: asked for 67174400 bytes of memory, more than its limit of 64MiB; raise it with `limits: { memory: 128MiB }`";
    sandbox.check(&core(grow), SCHEDULER, default);
    sandbox.check(&core("(drop (memory.grow (i32.const 65535)))"), SCHEDULER, "memory: asked for 4294967296 bytes");
    sandbox.check(
        &component_with("", "(memory $own 1)", "(loop (drop (memory.grow $own (i32.const 16))) (br 0))"),
        SCHEDULER,
        "memory: asked for ",
    );
    let four = "(memory $a 1) (memory $b 1) (memory $c 1)";
    let grow_all =
        "(loop (drop (memory.grow $a (i32.const 1))) (drop (memory.grow $b (i32.const 1))) (drop (memory.grow $c (i32.const 1))) (br 0))";
    let manifest = "kind: scheduler\nlimits: { memory: 1MiB }\n";
    sandbox.check(&core_with(four, grow_all), manifest, "memory: asked for 1114112 bytes of memory, more than its limit of 1MiB");
    sandbox.check(
        &core_with("(memory $large 1024)", ""),
        SCHEDULER,
        "describe: asked for 67174400 bytes of memory, more than its limit of 64MiB",
    );
    sandbox.check(&core_with("(memory $huge 20000)", ""), SCHEDULER, "compile: the compiled plugin cannot be loaded: ");
    sandbox.check(
        &core_with("(memory $b 1) (memory $c 1) (memory $d 1) (memory $e 1)", ""),
        SCHEDULER,
        "compile: the compiled plugin cannot be loaded: ",
    );
}

#[test]
fn tables_are_limited() {
    let sandbox = Sandbox::new();
    let too_large = "asked for a table of 20001 elements, more than its limit of 20K; raise it with `limits: { table-elements: 40K }`";
    sandbox.check(&core_with("(table 20001 funcref)", ""), SCHEDULER, &format!("describe: {too_large}"));
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 20001)))";
    sandbox.check(&core_with("(table $t 0 funcref)", grow), SCHEDULER, &format!("memory: {too_large}"));
    sandbox.check(&core_with("(table 100001 funcref)", ""), SCHEDULER, "compile: the compiled plugin cannot be loaded: ");
}

#[test]
fn recursion_ends_at_the_stack() {
    let sandbox = Sandbox::new();
    let deep = "stack: recursed deeper than its stack of 512 KiB allows";
    sandbox.check(&core_with("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)"), SCHEDULER, deep);
    sandbox.check(&component_with("", "(func $deeper (call $deeper) (call $deeper))", "(call $deeper)"), SCHEDULER, deep);
}

#[test]
fn input_is_limited() {
    let padding = "x".repeat(1000);
    let manifest = format!("kind: scheduler\nconfig: {{ padding: {padding} }}\nlimits: {{ input: 1KiB }}\n");
    let sandbox = Sandbox::new();
    sandbox.check(&core(""), &manifest, "input: its input has ");
    let plugin = sandbox.load(&core(""), &manifest).unwrap();
    let outcome = sandbox.outcome(&plugin);
    assert!(
        outcome.ends_with("bytes, more than its limit of 1KiB; raise it with `limits: { input: 2KiB }` in the plugin's manifest"),
        "{outcome}"
    );
}

#[test]
fn logs_are_limited() {
    let sandbox = Sandbox::new();
    let flood = "log: logged more than its limit of 64KiB; raise it with `limits: { log: 128KiB }` in the plugin's manifest";
    let import = r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))"#;
    let guest = |body| Core { imports: import, body, ..Core::default() }.build();
    sandbox.check(&guest("(loop (call $log (i32.const 2) (i32.const 0) (i32.const 1000)) (br 0))"), SCHEDULER, flood);
    sandbox.check(&guest("(loop (call $log (i32.const 2) (i32.const 0) (i32.const 0)) (br 0))"), SCHEDULER, flood);
    sandbox.check(&component("(loop (call $write (i32.const 2) (i32.const 0) (i32.const 1000)) (br 0))"), SCHEDULER, flood);
    sandbox.check(
        &guest("(call $log (i32.const 2) (i32.const 0) (i32.const 60000))"),
        "kind: scheduler\nlimits: { log: 0B }\n",
        "log: logged more than its limit of 0B",
    );
}

#[test]
fn the_file_is_limited() {
    let sandbox = Sandbox::new();
    let long = core_with(&format!("(data \"{}\")", "x".repeat(2_000)), "");
    let expect = format!(
        "read: the plugin's file has {} bytes, more than its limit of 1KiB; raise it with `limits: {{ module: 2KiB }}` in the plugin's manifest",
        long.len()
    );
    sandbox.check(&long, "kind: scheduler\nlimits: { module: 1KiB }\n", &expect);
    sandbox.check(&long, "kind: scheduler\nlimits: { module: 4KiB }\n", r#"{"nodes":{},"roles":{}}"#);
}

/// A function of many branches around writes to many locals: every join has to merge them.
fn branching(branches: usize) -> Vec<u8> {
    let steps: String = (0..branches)
        .map(|n| {
            format!(
                "(block (br_if 0 (i32.wrap_i64 (local.get {}))) (local.set {} (local.get {})))",
                n * 13 % 500,
                n * 7 % 500,
                n * 17 % 500
            )
        })
        .collect();
    core_with(&format!("(func $bomb (local {}) (loop {steps} (br 0)))", "i64 ".repeat(500)), "(call $bomb)")
}

#[test]
fn compiling_is_limited() {
    let sandbox = Sandbox::new();
    sandbox.check(
        &branching(60_000),
        "kind: scheduler\nlimits: { compile-time: 1s }\n",
        "compile: compiling it took more processor time than its limit of 1s; raise it with `limits: { compile-time: 2s }` in the plugin's manifest",
    );
    sandbox.check(
        &branching(20_000),
        "kind: scheduler\nlimits: { compile-memory: 64MiB }\n",
        "compile: compiling it took more memory than its limit of 64MiB; raise it with `limits: { compile-memory: 128MiB }` in the plugin's manifest",
    );
}
