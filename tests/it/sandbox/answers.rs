//! What a guest hands back: traps, pointers and lengths outside its memory, wrong bytes, wrong text. None of it reaches a schedule.

use super::guest::{Core, answering, component, component_with, core, core_with, data, packed};
use super::world::{SCHEDULER, Sandbox};

const BAD_POINTER: &str = "output: it passed a pointer or length outside its memory: this is a defect of the plugin";

#[test]
fn traps() {
    let sandbox = Sandbox::new();
    sandbox.check(&core("(unreachable)"), SCHEDULER, "trap: trapped: wasm trap: wasm `unreachable` instruction executed in schedule");
    sandbox.check(&component("(unreachable)"), SCHEDULER, "trap: trapped: wasm trap: wasm `unreachable` instruction executed");
    sandbox.check(&core("(drop (i32.load (i32.const 65536)))"), SCHEDULER, "trap: trapped: wasm trap: out of bounds memory access");
    sandbox.check(&core("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), SCHEDULER, "trap: trapped: wasm trap: integer divide by zero");
    sandbox.check(
        &core_with(r#"(func (export "_initialize") (unreachable))"#, ""),
        SCHEDULER,
        "describe: trapped: wasm trap: wasm `unreachable`",
    );
    sandbox.check(
        &core_with("(func $start (unreachable)) (start $start)", ""),
        SCHEDULER,
        "describe: trapped: wasm trap: wasm `unreachable`",
    );
}

#[test]
fn pointers_outside_memory() {
    let sandbox = Sandbox::new();
    let check = |ptr, len| sandbox.check(&core(&format!("(return {})", packed(ptr, len))), SCHEDULER, BAD_POINTER);
    check(65_536, 1);
    check(65_500, 37);
    check(0, 65_537);
    check(u32::MAX, 1);
    check(u32::MAX, 8 << 20);
}

#[test]
fn lengths_beyond_the_limit() {
    let sandbox = Sandbox::new();
    let check = |len, manifest, expect: &str| sandbox.check(&core(&format!("(return {})", packed(0, len))), manifest, expect);
    let small = "kind: scheduler\nlimits: { output: 1KiB }\n";
    let raise = "raise it with `limits: { output: 2KiB }` in the plugin's manifest";
    check(1_500, small, &format!("output: its answer has 1500 bytes, more than its limit of 1KiB; {raise}"));
    check(u32::MAX, SCHEDULER, "output: its answer has 4294967295 bytes, more than its limit of 8MiB");
    let long = component_with("", &data(2048, &result_at(0, 0, 1_500)), "(return (i32.const 2048))");
    sandbox.check(&long, small, &format!("output: handed over more than its output limit of 1KiB; {raise}"));
    let huge = component_with("", &data(2048, &result_at(0, 0, u32::MAX)), "(return (i32.const 2048))");
    sandbox.check(&huge, SCHEDULER, "output: handed over what cannot be read (");
}

#[test]
fn components_that_break_their_own_types() {
    let sandbox = Sandbox::new();
    let check =
        |bytes: &[u8], expect: &str| sandbox.check(&component_with("", &data(2048, bytes), "(return (i32.const 2048))"), SCHEDULER, expect);
    check(&result_at(7, 0, 0), "output: handed over what cannot be read (");
    check(&result_at(0, 1 << 20, 1), "output: handed over what cannot be read (");
    check(&[&result_at(0, 2060, 2)[..], b"\xff\xfe"].concat(), "output: handed over what cannot be read (");
    check(&[&result_at(1, 2060, 9)[..], b"not today"].concat(), "answered: answered an error: not today");
    sandbox.check(&component("(return (i32.const -4))"), SCHEDULER, "output: handed over what cannot be read (");
    sandbox.check(&component("(return (i32.const 2))"), SCHEDULER, "output: handed over what cannot be read (");
}

/// A result<string, string> as it lies in memory.
fn result_at(tag: u32, ptr: u32, len: u32) -> Vec<u8> {
    [tag, ptr, len].iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn first_bytes() {
    let sandbox = Sandbox::new();
    let check = |bytes: &[u8], expect: &str| sandbox.check(&answering(bytes), SCHEDULER, expect);
    check(b"", "output: its answer is empty; it must begin with byte 0 (done) or 1 (refused): this is a defect of the plugin");
    check(b"\x02{}", "output: its answer begins with byte 2; 0 means done, 1 refused: this is a defect of the plugin");
    check(b"{\"v\":1}", "output: its answer begins with byte 123");
    check(b"\x01no nodes", "answered: answered an error: no nodes");
    check(b"\x01\xff", "answered: answered an error: \u{fffd}");
}

#[test]
fn texts_that_are_no_answer() {
    let sandbox = Sandbox::new();
    let check = |text: &[u8], expect: &str| sandbox.check(&answering(&[b"\0", text].concat()), SCHEDULER, expect);
    check(b"", "refused: the answer was refused: EOF while parsing a value");
    check(b"\xff\xfe", "refused: the answer is no UTF-8 text (first bad byte at 0)");
    check(b"hello", "refused: the answer was refused: expected value");
    check(b"[]", "refused: the answer was refused: invalid type: sequence, expected an answer");
    check(br#"{"v":1,"schedule":{}} {}"#, "refused: the answer was refused: trailing characters");
    check(br#"{"v":2,"schedule":{}}"#, "refused: the answer was refused at `v`: version 2 is not spoken here; write 1");
    check(br#"{"v":1,"schedule":{},"extra":1}"#, "refused: the answer was refused at `extra`: not a key of an answer");
    check(br#"{"v":1,"schedule":{"roles":{"web":{"place":{"omega":1}}}}}"#, "refused: the answer was refused at `schedule.roles.web.place");
    check(br#"{"v":1,"schedule":{"roles":{"../etc":{}}}}"#, "refused: the answer was refused at `schedule.roles");
}

#[test]
fn texts_that_nest_or_swell() {
    let sandbox = Sandbox::new();
    let nested = |depth: usize| format!("\0{{\"v\":1,\"schedule\":{{\"state\":{}{}}}}}", "[".repeat(depth), "]".repeat(depth));
    sandbox.check(&answering(nested(20).as_bytes()), SCHEDULER, r#"{"nodes":{},"roles":{},"state":[["#);
    let outcome = sandbox.outcome(&sandbox.load(&answering(nested(200).as_bytes()), SCHEDULER).unwrap());
    assert!(outcome.starts_with("refused: ") && outcome.contains("nested deeper than 32 levels"), "{outcome}");
    // A million brackets: the reader must not recurse with them.
    let head = br#"{"v":1,"schedule":{"state":"#;
    let (start, end) = (2048, 2048 + 1 + u32::try_from(head.len()).unwrap());
    let fill = format!("(drop (memory.grow (i32.const 32))) (memory.fill (i32.const {end}) (i32.const 91) (i32.const 1000000))");
    let answer = packed(start, end - start + 1_000_000);
    let million = core_with(&data(start, &[b"\0", &head[..]].concat()), &format!("{fill} (return {answer})"));
    let outcome = sandbox.outcome(&sandbox.load(&million, SCHEDULER).unwrap());
    assert!(outcome.starts_with("refused: ") && outcome.contains("nested deeper than 32 levels"), "{outcome}");
    let wide = format!("\0{{\"v\":1,\"schedule\":{{\"state\":[{}1]}}}}", "1,".repeat(200));
    let outcome = sandbox.outcome(&sandbox.load(&answering(wide.as_bytes()), "kind: scheduler\nlimits: { json-values: 100 }\n").unwrap());
    assert!(outcome.starts_with("refused: ") && outcome.contains("more than 100 values in one document"), "{outcome}");
}

#[test]
fn allocators_that_lie() {
    let sandbox = Sandbox::new();
    let check = |alloc, expect: &str| sandbox.check(&Core { alloc, ..Core::default() }.build(), SCHEDULER, expect);
    check("(i32.const -16)", BAD_POINTER);
    check("(i32.const 65535)", BAD_POINTER);
    check("(unreachable)", "trap: trapped: wasm trap: wasm `unreachable` instruction executed");
    // Onto its own data: the guest hurts itself only.
    check("(i32.const 1024)", "output: its answer begins with byte 123");
}
