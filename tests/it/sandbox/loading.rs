//! Files that must not come into force: foreign formats, imports that no plugin gets, exports that are missing or of another form.

use super::guest::{Core, FILTER_CORE, component_text, component_with, core, core_with, importing, placing, translate};
use super::world::{SCHEDULER, Sandbox};

#[test]
fn files_that_are_no_plugins() {
    let sandbox = Sandbox::new();
    let check = |bytes: &[u8], expect: &str| sandbox.check(bytes, SCHEDULER, expect);
    check(b"", "inspect: it is no WebAssembly");
    check(b"\x7fELF\x02\x01\x01\0", "inspect: it is no WebAssembly: it begins with \"7f454c46");
    check(b"(module)", "inspect: it is WebAssembly text: translate it with `wasm-tools parse` or `wat2wasm` first");
    check(&translate("(module)"), "inspect: it speaks no plugin ABI");
    check(&translate("(component)"), "inspect: it speaks no plugin ABI");
    check(&translate(FILTER_CORE), "inspect: the manifest says `kind: scheduler`, but what it exports makes it a filter");
    for whole in [placing(1), component_with("", "", "")] {
        for len in [4, 7, 8, 20, whole.len() / 2, whole.len() - 1] {
            let outcome = sandbox.load(&whole[..len], SCHEDULER).err().unwrap_or_else(|| panic!("cut to {len} bytes it is still a plugin"));
            assert!(
                outcome.starts_with("inspect: it cannot be read as WebAssembly: ")
                    || outcome.starts_with("inspect: it speaks no plugin ABI"),
                "{outcome}"
            );
        }
    }
    // Well-formed sections, a body that does not type-check.
    let mut wasm = core("(drop (i32.const 77))");
    let at = wasm.windows(3).position(|bytes| bytes == [0x41, 0xcd, 0x00]).unwrap();
    wasm[at] = 0x42;
    wasm[at + 2] = 0x00;
    wasm[at + 3] = 0x6a;
    check(&wasm, "compile: it does not compile: ");
}

#[test]
fn imports_that_no_plugin_gets() {
    let sandbox = Sandbox::new();
    let check = |import: &str, expect: &str| sandbox.check(&importing(import, ""), SCHEDULER, expect);
    let wasi =
        "inspect: it imports `wasi_snapshot_preview1.path_open`, which plugins do not get: of WASI preview 1 they get args, environ,";
    check(r#"(import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#, wasi);
    check(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32)))"#,
        "link: incompatible import type for `wasi_snapshot_preview1::fd_write`",
    );
    check(
        r#"(import "env" "abort" (func (param i32 i32 i32 i32)))"#,
        "inspect: it imports `env.abort`, which plugins do not get: compile AssemblyScript with --use abort=",
    );
    check(
        r#"(import "env" "pow" (func (param f64 f64) (result f64)))"#,
        "inspect: it imports `env.pow`, which plugins do not get: an undefined symbol",
    );
    check(
        r#"(import "moon" "phase" (func (result i32)))"#,
        "inspect: it imports `moon.phase`, which plugins do not get: a plugin sees its input document",
    );
    check(
        r#"(import "verwalter" "clock" (func (result i64)))"#,
        "inspect: it imports `verwalter.clock`, which plugins do not get: this host knows",
    );
    check(r#"(import "verwalter" "log" (func (param i64)))"#, "link: incompatible import type for `verwalter::log`");
    check(r#"(import "verwalter" "log" (memory 1))"#, "link: incompatible import type for `verwalter::log`");
    check(r#"(import "verwalter" "memory" (memory 1))"#, "inspect: it imports `verwalter.memory`");

    let check = |import: &str, expect: &str| sandbox.check(&component_with(import, "", ""), SCHEDULER, expect);
    let clock = r#"(import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))"#;
    let wasi = "inspect: it imports `wasi:clocks/wall-clock@0.2.0`, which plugins do not get: build for wasm32-unknown-unknown (Rust), or with --stub-wasi";
    check(clock, wasi);
    check(r#"(import "moon" (func))"#, "inspect: it imports `moon`, which plugins do not get");
    check(r#"(import "verwalter:plugin/snapshot@2.0.0" (instance))"#, "inspect: it imports `verwalter:plugin/snapshot@2.0.0`");
    let more = component_text("", "", "").replace(
        r#"(export "hostnames" (func (result (list string))))"#,
        r#"(export "hostnames" (func (result (list string)))) (export "clock" (func (result u64)))"#,
    );
    sandbox.check(&translate(&more), SCHEDULER, "link: component imports instance `verwalter:plugin/snapshot@1.0.0`");
}

#[test]
fn core_exports_of_another_form() {
    let sandbox = Sandbox::new();
    let frame = include_str!("../../../src/plugin/torture/scheduler_core.wat")
        .replace("(;ALLOC;)", "(i32.const 0)")
        .replace("(;BODY;)", "(i64.const 0)");
    let check = |from: &str, to: &str, expect: &str| {
        assert!(frame.contains(from), "{from}");
        sandbox.check(&translate(&frame.replace(from, to)), SCHEDULER, expect);
    };
    check(r#"(export "vw_abi_1")"#, "", "inspect: it speaks no plugin ABI");
    check(r#"(export "memory")"#, "", "inspect: it has the marker `vw_abi_1` but does not export memory");
    check(r#"(export "vw_alloc")"#, "", "inspect: it has the marker `vw_abi_1` but does not export vw_alloc");
    check(r#"(export "vw_free")"#, "", "inspect: it has the marker `vw_abi_1` but does not export vw_free");
    check(r#"(export "vw_schedule")"#, "", "inspect: it has the marker `vw_abi_1` but does not export `vw_schedule`, nor");
    check(
        r#"(memory $memory (export "memory") 1)"#,
        r#"(memory 1) (global (export "memory") i32 (i32.const 0))"#,
        "link: its export `memory` must be memory, it is neither function nor memory",
    );
    check("(param i32 i32))", "(param i32))", "link: its export `vw_free` must be fn(i32, i32), it is fn(i32)");
    check(
        "(param $size i32) (result i32) (i32.const 0)",
        "(param $size i64) (result i32) (i32.const 0)",
        "link: its export `vw_alloc` must be fn(i32) -> i32, it is fn(i64) -> i32",
    );
    let schedule = "(param $ptr i32) (param $len i32) (result i64)\n    (i64.const 0)";
    check(
        schedule,
        "(param $ptr i32) (result i64) (i64.const 0)",
        "link: its export `vw_schedule` must be fn(i32, i32) -> i64, it is fn(i32) -> i64",
    );
    check(schedule, "(param $ptr i32) (param $len i32)", "link: its export `vw_schedule` must be fn(i32, i32) -> i64, it is fn(i32, i32)");
    check(
        "(;ITEMS;)",
        r#"(func (export "vw_describe") (result i64) (i64.const 0))"#,
        "link: its export `vw_describe` must be fn(i32, i32) -> i64, it is fn() -> i64",
    );
    check("(;ITEMS;)", r#"(func (export "_initialize") (param i32))"#, "link: its export `_initialize` must be fn(), it is fn(i32)");
}

#[test]
fn component_exports_of_another_form() {
    let sandbox = Sandbox::new();
    let frame = component_text("", "", "");
    let check = |from: &str, to: &str, expect: &str| {
        assert!(frame.contains(from), "{from}");
        sandbox.check(&translate(&frame.replace(from, to)), SCHEDULER, expect);
    };
    let form = "link: its function `schedule` must be func(string) -> result<string, string>, it is ";
    let unit = "(result (result (error string)))";
    check("(result (result string (error string)))", unit, &format!("{form}func(string) -> result<_, string>"));
    check(r#"(export "schedule" (func $schedule))"#, r#"(export "scheduled" (func $schedule))"#, &format!("{form}not there"));
    check("scheduling@1.0.0", "scheduling@2.0.0", "inspect: it speaks no plugin ABI");
    check("scheduling@1.0.0", "reviewing@1.0.0", "inspect: the manifest says `kind: scheduler`, but what it exports makes it a policy");
}

#[test]
fn what_a_plugin_says_of_itself() {
    let sandbox = Sandbox::new();
    let described = |text: &str| {
        let (data, packed) = (super::guest::data(4096, text.as_bytes()), super::guest::packed(4096, u32::try_from(text.len()).unwrap()));
        core_with(&format!(r#"{data} (func (export "vw_describe") (param i32 i32) (result i64) {packed})"#), "")
    };
    let check = |text: &str, expect: &str| sandbox.check(&described(text), SCHEDULER, expect);
    check("\0{\"name\":\"x\",\"kind\":\"scheduler\",\"reads\":[\"peers\"]}", r#"{"nodes":{},"roles":{}}"#);
    check("\0{\"name\":\"x\",\"kind\":\"filter\"}", "describe: it says it is a filter, the manifest says `kind: scheduler`");
    check("\0nonsense", "describe: what it answers to `describe` is no description: ");
    check("\u{1}not now", "describe: not now");
    check("\u{5}", "describe: its answer begins with byte 5");
    let long = "x".repeat(10_000);
    for text in [format!("\0\"{long}\""), format!("\u{1}{long}")] {
        let stopped = sandbox.load(&described(&text), SCHEDULER).map(|_| ()).expect_err("no description");
        assert!(stopped.len() < 1_000, "told in {} bytes", stopped.len());
    }
}

#[test]
fn what_a_plugin_says_of_its_configuration() {
    let sandbox = Sandbox::new();
    let refusing = core_with(
        &format!(
            "{} (func (export \"vw_check_config\") (param i32 i32) (result i64) {})",
            super::guest::data(4096, b"\x01`spread` is missing"),
            super::guest::packed(4096, 20)
        ),
        "",
    );
    sandbox.check(&refusing, SCHEDULER, "check-config: it refuses its configuration: `spread` is missing");
    let trapping = core_with(r#"(func (export "vw_check_config") (param i32 i32) (result i64) (unreachable))"#, "");
    sandbox.check(&trapping, SCHEDULER, "check-config: trapped: wasm trap: wasm `unreachable` instruction executed");
    sandbox.check(&Core::default().build(), SCHEDULER, "{");
}

#[test]
fn a_complaint_longer_than_a_pipe_holds_nobody_up() {
    // The compiler quotes the name in its message; the message does not fit the pipe to its parent.
    let name = "n".repeat(90_000);
    let text = core_with(&format!(r#"(func (export "{name}")) (func (export "{name}"))"#), "(return (i64.const 0))");
    Sandbox::new().check(&text, SCHEDULER, "compile: it does not compile: ");
}
