//! Guests that do not end, in both ABIs, put together from the frames of the torture kit.

const CORE: &str = include_str!("../../src/plugin/torture/scheduler_core.wat");
const COMPONENT: &str = include_str!("../../src/plugin/torture/scheduler_component.wat");
/// The default memory limit in pages, and in bytes less the first page, where guests have their texts.
const PAGES: u32 = 1024;
const BYTES: u32 = (PAGES - 1) << 16;
/// The default limit of a table.
const ELEMENTS: u32 = 20_000;

/// A name for the table, and the build.
type Guest = (&'static str, Vec<u8>);

fn core(imports: &str, items: &str, body: &str) -> Vec<u8> {
    let text = CORE.replace("(;IMPORTS;)", imports).replace("(;ALLOC;)", "(i32.const 32768)");
    translate(&text.replace("(;ITEMS;)", items).replace("(;BODY;)", body))
}

fn component(items: &str, body: &str) -> Vec<u8> {
    translate(&COMPONENT.replace("(;IMPORTS;)", "").replace("(;ITEMS;)", items).replace("(;BODY;)", body))
}

fn translate(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the bench's own text is sound")
}

const ENDLESS: &str = "(loop (br 0)) unreachable";
const LOG: &str = r#"(import "verwalter" "log" (func $write (param i32 i32 i32)))"#;
const ATTRIBUTE: &str = r#"(import "verwalter" "attribute" (func $attribute (param i32 i32 i32 i32) (result i32)))"#;

/// They log an empty line after each of a thousand turns of some work: how many there are says where they were stopped.
pub(crate) fn counting() -> [Guest; 3] {
    let counting = "(local $n i32)
        (loop $turn
            (local.set $n (i32.const 1000))
            (loop $work (br_if $work (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (call $write (i32.const 2) (i32.const 0) (i32.const 0))
            (br $turn))
        unreachable";
    [
        ("an endless loop, core", core("", "", ENDLESS)),
        ("one that tells where it is, core", core(LOG, "", counting)),
        ("one that tells where it is, component", component("", counting)),
    ]
}

/// They run until the clock stops them.
pub(crate) fn endless() -> Vec<Guest> {
    let fill = format!("(loop (memory.fill (i32.const 65536) (i32.const 7) (i32.const {BYTES})) (br 0)) unreachable");
    vec![
        ("an endless loop, core", core("", "", ENDLESS)),
        ("an endless loop, component", component("", ENDLESS)),
        ("host calls in a loop, core", {
            let calls = "(loop (drop (call $attribute (i32.const 0) (i32.const 8) (i32.const 8192) (i32.const 1024))) (br 0)) unreachable";
            core(ATTRIBUTE, r#"(data (i32.const 0) "hostname")"#, calls)
        }),
        ("host calls in a loop, component", {
            let calls = "(loop (call $attribute (i32.const 0) (i32.const 8) (i32.const 8192)) (br 0)) unreachable";
            component(r#"(data (i32.const 0) "hostname")"#, calls)
        }),
        ("`memory.fill` of all memory in a loop, core", core("", &format!("(func (export \"_initialize\") {GROW})"), &fill)),
    ]
}

/// All memory that there may be beside the first page.
const GROW: &str = "(drop (memory.grow (i32.const 1023)))";

/// One operation over as much as there may be, on memory that nobody touched before.
pub(crate) fn bulk() -> [Guest; 5] {
    let once = |operation: &str| core("", "", &format!("{GROW} {operation} unreachable"));
    let table = |operation: &str| {
        core("", &format!("(table $t {ELEMENTS} funcref) (elem declare func $schedule)"), &format!("{operation} unreachable"))
    };
    [
        ("nothing, for comparison", once("")),
        ("`memory.fill`, 64 MiB", once(&format!("(memory.fill (i32.const 65536) (i32.const 7) (i32.const {BYTES}))"))),
        ("`memory.copy`, 64 MiB onto themselves", once(&format!("(memory.copy (i32.const 65536) (i32.const 65535) (i32.const {BYTES}))"))),
        ("`memory.copy`, 32 MiB to the other 32", once("(memory.copy (i32.const 33554432) (i32.const 0) (i32.const 33554432))")),
        ("`table.fill`, 20,000 elements", table(&format!("(table.fill $t (i32.const 0) (ref.func $schedule) (i32.const {ELEMENTS}))"))),
    ]
}

/// They touch all their memory, then run out of fuel.
pub(crate) fn greedy() -> [Vec<u8>; 2] {
    // One byte a page is enough for the kernel.
    let touch = "(local $at i32)
        (loop $page
            (i32.store8 (local.get $at) (i32.const 1))
            (br_if $page (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 67108864))))
        (loop (br 0)) unreachable";
    [core("", "", &format!("(local $at i32) {GROW} {}", touch.replace("(local $at i32)", ""))), component("", ENDLESS)]
}
