//! Guests that attack before they run: files that are too large, no plugins, made for another host, or made to be compiled for ever.

use verwalter_core::ports::FailureCause;

use super::frame::{CORE_IMPORTS, component_around, core, core_with};
use super::{Abi, Guest, Limit, Plugin, Step, Wall};

const NO_PLUGIN: &[Wall] = &[Wall::Step(Step::Inspect, "it ")];
const IMPORT: &[Wall] = &[Wall::Step(Step::Inspect, "which plugins do not get")];
const FORM: &[Wall] = &[Wall::Step(Step::Link, "must be")];
const MISSING: &[Wall] = &[Wall::Step(Step::Inspect, "does not export")];
const COMPILE: &[Wall] = &[Wall::Limit(Limit::CompileTime), Wall::Limit(Limit::CompileMemory)];
/// The least that there is: the kit shows that it holds, and does not take minutes.
const SHORT: &[(Limit, u64)] = &[(Limit::CompileTime, 1_000)];

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = sizes();
    guests.extend(forms());
    guests
}

fn sizes() -> Vec<Guest> {
    vec![
        Guest::new("file-of-200-mib", "a file of 200 MiB", Abi::Core, &[Wall::Limit(Limit::Module), Wall::Step(Step::Inspect, "")], |_| {
            Plugin::Sparse(200 << 20)
        }),
        Guest::new("file-beyond-limit", "a file one byte larger than its limit", Abi::Core, &[Wall::Limit(Limit::Module)], |limits| {
            Plugin::Sparse(limits.get(Limit::Module) + 1)
        }),
        Guest::core("compile-for-minutes", "one function that takes the compiler minutes", COMPILE, |_| branching(30_000)).lowered(SHORT),
        Guest::core("compile-with-gigabytes", "one function that takes the compiler gigabytes", COMPILE, |_| branching(30_000))
            .lowered(&[(Limit::CompileMemory, 64 << 20), (Limit::CompileTime, 10_000)]),
        Guest::core("many-functions", "a hundred thousand functions", COMPILE_OR_HARMLESS, |_| core_with(&"(func)".repeat(100_000), ""))
            .lowered(SHORT),
        Guest::core(
            "long-names",
            "a function with a name of 90,000 characters, which traps",
            &[Wall::Call(FailureCause::Trap, " in xxxxxxxx")],
            |_| {
                let name = "x".repeat(90_000);
                core_with(&format!("(func ${name} (unreachable))"), &format!("(call ${name})"))
            },
        ),
    ]
}

const COMPILE_OR_HARMLESS: &[Wall] = &[Wall::Limit(Limit::CompileTime), Wall::Limit(Limit::CompileMemory), Wall::Harmless];

/// A function of so many branches around writes to a thousand locals: every join has to merge them.
fn branching(branches: usize) -> String {
    const LOCALS: usize = 1_000;
    let steps: String = (0..branches)
        .map(|n| {
            let (to, from, other) = (n * 7 % LOCALS, n * 13 % LOCALS, n * 17 % LOCALS);
            format!("(block (br_if 0 (i32.wrap_i64 (local.get {from}))) (local.set {to} (i64.xor (local.get {from}) (local.get {other}))))")
        })
        .collect();
    let function = format!("(func $bomb (local {}) (loop {steps} (br 0)))", "i64 ".repeat(LOCALS));
    core_with(&function, "(call $bomb)")
}

fn forms() -> Vec<Guest> {
    let bytes = |bytes: &'static [u8]| move |_: &super::Limits| Plugin::Bytes(bytes.to_vec());
    let changed = |from: &'static str, to: &'static str| move |_: &super::Limits| core("").replace(from, to);
    vec![
        Guest::new("empty", "a file without a byte", Abi::Core, NO_PLUGIN, bytes(b"")),
        Guest::new("elf", "a program for this machine", Abi::Core, NO_PLUGIN, bytes(b"\x7fELF\x02\x01\x01\0")),
        Guest::new(
            "cut-short",
            "a header that announces four gigabytes",
            Abi::Core,
            NO_PLUGIN,
            bytes(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"),
        ),
        Guest::core(
            "no-type-check",
            "a body that adds integers as if they were fractions",
            &[Wall::Step(Step::Compile, "type mismatch")],
            |_| core("(drop (f32.add (i32.const 1) (i32.const 2)))"),
        ),
        Guest::core("import-wasi", "importing `fd_write` with another form than WASI's", IMPORT_OR_FORM, |_| {
            core("").replacen("(module", r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64)))"#, 1)
        }),
        Guest::core("import-unknown", "importing the phase of the moon", IMPORT, |_| {
            core("").replacen("(module", r#"(module (import "moon" "phase" (func (result i32)))"#, 1)
        }),
        Guest::core("import-form", "importing `log` with another form", &[Wall::Step(Step::Link, "verwalter::log")], |_| {
            core("").replacen("(module", &format!("(module {}", CORE_IMPORTS.replace("(param i32 i32 i32))", "(param i64))")), 1)
        }),
        Guest::component("import-clock", "importing a clock", IMPORT, |_| {
            component_around(r#"(import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))"#, "", "")
        }),
        Guest::core("export-missing", "no `vw_alloc`", MISSING, changed(r#"(export "vw_alloc")"#, "")),
        Guest::core("export-form", "`vw_alloc` with another form", FORM, changed("(param $size i32) (result i32) (i32.const 32768)", "")),
        Guest::core(
            "export-memory",
            "an export `memory` that is a global",
            FORM,
            changed(r#"(memory $memory (export "memory") 1)"#, r#"(memory $memory 1) (global (export "memory") i32 (i32.const 0))"#),
        ),
    ]
}

const IMPORT_OR_FORM: &[Wall] = &[Wall::Step(Step::Inspect, "which plugins do not get"), Wall::Step(Step::Link, "fd_write")];
