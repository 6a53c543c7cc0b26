//! What files are taken for.

use super::*;

fn check(wat: &str, expect: &str) {
    let wasm = wat::parse_str(wat).expect("valid text");
    let got = match inspect(&wasm) {
        Ok(found) => format!("{} {:?}", found.abi, found.kinds),
        Err(err) => err.to_string(),
    };
    assert!(got.starts_with(expect), "{got}");
}

const ALLOC: &str = r#"(memory (export "memory") 1) (func (export "vw_abi_1")) (func (export "vw_alloc") (param i32) (result i32) i32.const 0)
    (func (export "vw_free") (param i32 i32))"#;

#[test]
fn core_modules() {
    check(
        &format!(r#"(module {ALLOC} (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#),
        "core module, ABI 1 [Scheduler]",
    );
    check(&format!("(module {ALLOC})"), "it has the marker `vw_abi_1` but does not export `vw_schedule`");
    check(
        r#"(module (func (export "vw_abi_1")) (memory (export "memory") 1))"#,
        "it has the marker `vw_abi_1` but does not export vw_alloc",
    );
    check("(module)", "it speaks no plugin ABI");
}

#[test]
fn refused_imports_say_how_to_build_without_them() {
    let with =
        |import: &str| format!(r#"(module {import} {ALLOC} (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#);
    check(&with(r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#), "core module");
    check(
        &with(r#"(import "wasi_snapshot_preview1" "path_open" (func))"#),
        "it imports `wasi_snapshot_preview1.path_open`, which plugins do not get: of WASI preview 1 they get args, environ,",
    );
    check(
        &with(r#"(import "wasi_unstable" "fd_write" (func))"#),
        "it imports `wasi_unstable.fd_write`, which plugins do not get: build for preview 1 of WASI",
    );
    check(&with(r#"(import "env" "pow" (func))"#), "it imports `env.pow`, which plugins do not get: an undefined symbol");
    check(
        &with(r#"(import "env" "abort" (func))"#),
        "it imports `env.abort`, which plugins do not get: compile AssemblyScript with --use abort=",
    );
    check(&with(r#"(import "verwalter" "clock" (func))"#), "it imports `verwalter.clock`, which plugins do not get: this host knows");
    check(&with(r#"(import "verwalter" "log" (func))"#), "core module");
}

#[test]
fn modules_of_the_predecessor() {
    let with = |items: &str| format!(r#"(module {items} (memory (export "memory") 1) (func (export "alloc")) (func (export "dealloc")))"#);
    let (scheduler, query) =
        (r#"(func (export "scheduler"))"#, r#"(func (export "init")) (func (export "render_roles")) (func (export "query"))"#);
    check(&with(scheduler), "verwalter 0.13 module [Scheduler]");
    check(&with(query), "verwalter 0.13 module [Query]");
    check(&with(&format!("{scheduler} {query}")), "verwalter 0.13 module [Scheduler, Query]");
    check(&with(r#"(func (export "init")) (func (export "query"))"#), "it speaks no plugin ABI");
    check(&format!("(module {scheduler})"), "it speaks no plugin ABI");
    for name in MATHS_IMPORTS.into_iter().chain([PANIC_IMPORT]) {
        check(&with(&format!(r#"(import "env" "{name}" (func)) {scheduler}"#)), "verwalter 0.13 module");
    }
    let refused = |import| with(&format!("{import} {scheduler}"));
    check(&refused(r#"(import "env" "sin" (func))"#), "it imports `env.sin`, which plugins do not get: an undefined symbol");
    check(&refused(r#"(import "verwalter" "log" (func))"#), "it imports `verwalter.log`, which plugins do not get");
}

#[test]
fn files_that_are_no_plugins() {
    let check = |bytes: &[u8], expect: &str| assert!(inspect(bytes).expect_err(expect).to_string().starts_with(expect));
    check(b"", "it is no WebAssembly");
    check(b"MZ\x90", "it is no WebAssembly: it begins with \"4d5a90\"");
    check(b"  (module)", "it is WebAssembly text");
    check(b"\0asm\x01\0\0", "it cannot be read as WebAssembly");
    check(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f", "it cannot be read as WebAssembly");
}

/// What begins with `header` and has so many sections with the number `id`, each with `count` times `item`.
fn many(header: &[u8; 4], sections: usize, id: u8, count: usize, item: &[u8]) -> Vec<u8> {
    let leb = |n: usize| [n as u8 | 0x80, (n >> 7) as u8 | 0x80, (n >> 14) as u8];
    let mut wasm = [*b"\0asm", *header].concat();
    for _ in 0..sections {
        wasm.push(id);
        wasm.extend(leb(3 + count * item.len()));
        wasm.extend(leb(count));
        wasm.extend(item.repeat(count));
    }
    wasm
}

#[test]
fn no_name_is_passed_over() {
    let check = |wasm: Vec<u8>, expect: &str| {
        let err = inspect(&wasm).expect_err(expect).to_string();
        assert!(err.starts_with(expect), "{err}");
    };
    let (module, import, export) = (b"\x01\0\0\0", b"\x01a\x01b\0\0", b"\x01a\0\0");
    check(many(module, 1, 2, MAX_NAMES, import), "it speaks no plugin ABI");
    check(many(module, 1, 2, MAX_NAMES + 1, import), "it has more than 10000 imports");
    check(many(module, 1, 7, MAX_NAMES, export), "it speaks no plugin ABI");
    check(many(module, 1, 7, MAX_NAMES + 1, export), "it has more than 10000 exports");
    // A component may have many sections of one sort.
    let (component, import, export) = (b"\x0d\0\x01\0", b"\0\x01a\x01\0", b"\0\x01a\x01\0\0");
    check(many(component, 2, 10, MAX_NAMES / 2, import), "it speaks no plugin ABI");
    check(many(component, 3, 10, MAX_NAMES / 2, import), "it has more than 10000 imports");
    check(many(component, 2, 11, MAX_NAMES / 2, export), "it speaks no plugin ABI");
    check(many(component, 3, 11, MAX_NAMES / 2, export), "it has more than 10000 exports");
}

#[test]
fn what_is_listed_does_not_grow_with_the_names() {
    let long = "x".repeat(50_000);
    let exports: String = (0..20).map(|n| format!(r#"(func (export "{n}{long}"))"#)).collect();
    let scheduler = format!(r#"(module {exports} {ALLOC} (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#);
    let found = inspect(&wat::parse_str(scheduler).expect("valid text")).expect("a plugin");
    assert!(found.exports.iter().all(|name| name.chars().count() <= MAX_NAME_CHARS + 1));
    for wat in
        [format!("(module {exports})"), format!(r#"(module (import "{long}" "{long}" (func)) {ALLOC} (func (export "vw_schedule")))"#)]
    {
        let err = inspect(&wat::parse_str(wat).expect("valid text")).expect_err("refused").to_string();
        assert!(err.len() < 2_000, "{} bytes", err.len());
    }
}
