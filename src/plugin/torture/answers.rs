//! Guests whose answer is a lie: where it lies, how long it is, what its bytes are, what its JSON says.

use verwalter_core::ports::FailureCause;

use super::frame::{Core, answering, component, component_answering, core, core_with, data, packed, result_at, swelling};
use super::{Guest, Limit, Limits, Wall};

const DEFECT: &[Wall] = &[Wall::Call(FailureCause::Output, "this is a defect of the plugin")];
const UNREADABLE: &[Wall] = &[Wall::Call(FailureCause::Output, "handed over what cannot be read")];
const OUTPUT: &[Wall] = &[Wall::Limit(Limit::Output)];
const REFUSED: &[Wall] = &[Wall::Call(FailureCause::Refused, "the answer ")];

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = places();
    guests.extend(allocators());
    guests.extend(bytes());
    guests.extend(documents());
    guests
}

/// Pointers and lengths.
fn places() -> Vec<Guest> {
    let at = |ptr: u64, len: u64| core(&format!("(return {})", packed(ptr, len)));
    let result = |tag: u64, ptr: u64, len: u64| component_answering(&result_at(tag, ptr, len));
    const MAX: u64 = u32::MAX as u64;
    vec![
        Guest::core("pointer-past-end", "an answer that begins behind its memory", DEFECT, move |_| at(65_536, 1)),
        Guest::core("answer-over-end", "an answer that ends one byte behind its memory", DEFECT, move |_| at(65_500, 37)),
        Guest::core("pointer-negative", "an answer at address -1", DEFECT, move |_| at(MAX, 1)),
        Guest::core("length-negative", "an answer of -1 bytes", OUTPUT, move |_| at(0, MAX)),
        Guest::core("sum-wraps", "an answer whose end wraps around to 0", DEFECT, move |_| at(MAX - 999, 1_000)),
        Guest::component("pointer-past-end-component", "a text behind its memory", UNREADABLE, move |_| result(0, 1 << 20, 1)),
        Guest::component("length-negative-component", "a text of -1 bytes", UNREADABLE, move |_| result(0, 0, MAX)),
        Guest::component("result-past-end", "a result behind its memory", UNREADABLE, |_| component("", "(return (i32.const -4))")),
        Guest::component("result-misaligned", "a result at an odd address", UNREADABLE, |_| component("", "(return (i32.const 2))")),
        Guest::component("result-of-no-kind", "a result that is neither ok nor error", UNREADABLE, move |_| result(7, 0, 0)),
    ]
}

/// Where the input goes is the guest's word.
fn allocators() -> Vec<Guest> {
    let alloc = |alloc: &str| Core { alloc: alloc.to_owned(), ..Core::default() }.text();
    vec![
        Guest::core("alloc-null", "an allocator that says 0", &[Wall::Harmless], move |_| alloc("(i32.const 0)")),
        Guest::core("alloc-odd", "an allocator that says 32769", &[Wall::Harmless], move |_| alloc("(i32.const 32769)")),
        Guest::core("alloc-past-end", "an allocator that says -16", DEFECT, move |_| alloc("(i32.const -16)")),
        Guest::core("alloc-over-end", "an allocator that gives one byte", DEFECT, move |_| alloc("(i32.const 65535)")),
        Guest::core("alloc-own-data", "an allocator that gives the place of its answer", DEFECT, move |_| alloc("(i32.const 1024)")),
        Guest::component("realloc-past-end", "an allocator that says -16", UNREADABLE, |_| {
            super::frame::component_allocating("(return (i32.const -16))")
        }),
        Guest::component("realloc-odd", "an allocator that says 32769", UNREADABLE, |_| {
            super::frame::component_allocating("(return (i32.const 32769))")
        }),
    ]
}

fn bytes() -> Vec<Guest> {
    let over = |limits: &Limits| limits.get(Limit::Output) + 1;
    let utf8 = [&result_at(0, 2060, 2)[..], b"\xff\xfe"].concat();
    vec![
        Guest::core("answer-empty", "an answer without a byte", DEFECT, |_| answering(b"")),
        Guest::core("answer-tag", "an answer that begins with byte 2", DEFECT, |_| answering(b"\x02{}")),
        Guest::core("answer-utf8", "an answer that is no UTF-8", REFUSED, |_| answering(b"\0\xff\xfe")),
        Guest::component("answer-utf8-component", "a text that is no UTF-8", UNREADABLE, move |_| component_answering(&utf8)),
        Guest::core("answer-beyond-limit", "an answer one byte longer than its limit", OUTPUT_OR_MEMORY, move |limits| {
            swelling("", b' ', over(limits), "")
        }),
        Guest::core("answer-all-memory", "all of its memory as its answer", OUTPUT, |_| {
            core(&format!("(return {})", packed(0, 65_536)))
                .replace(r#"(export "memory") 1)"#, r#"(export "memory") 512)"#)
                .replace(&packed(0, 65_536), &packed(0, 512 << 16))
        }),
        Guest::core(
            "refusal-of-megabytes",
            "saying no in megabytes",
            &[Wall::Call(FailureCause::Answered, "answered an error: xxxx")],
            |_| {
                let fill = "(drop (memory.grow (i32.const 112))) (memory.fill (i32.const 65536) (i32.const 120) (i32.const 7340032))";
                core(&format!("{fill} (i32.store8 (i32.const 65536) (i32.const 1)) (return {})", packed(65_536, 7 << 20)))
            },
        ),
    ]
}

const OUTPUT_OR_MEMORY: &[Wall] = &[Wall::Limit(Limit::Output), Wall::Limit(Limit::Memory)];

/// JSON that is no schedule.
fn documents() -> Vec<Guest> {
    const STATE: &str = r#"{"v":1,"schedule":{"state":"#;
    let text = |text: &str| answering(format!("\0{text}").as_bytes());
    let state = move |value: &str| text(&format!("{STATE}{value}}}}}"));
    vec![
        Guest::core("json-nan", "NaN in its answer", REFUSED, move |_| state("NaN")),
        Guest::core("json-infinity", "a number beyond all doubles", REFUSED, move |_| state("1e999")),
        Guest::core("json-integer", "an integer that doubles cannot hold", REFUSED, move |_| state("9007199254740993")),
        Guest::core("json-digits", "a number of 60,000 digits", REFUSED, move |_| swelling(STATE, b'7', 60_000, "}}")),
        Guest::core("json-duplicate-keys", "one key twice", REFUSED, move |_| state(r#"{"a":1,"a":2}"#)),
        Guest::core("json-two-values", "a second value behind its answer", REFUSED, move |_| text(r#"{"v":1,"schedule":{}} {}"#)),
        Guest::core("json-deep", "a million arrays, each within the one before", JSON_DEEP, |_| swelling(STATE, b'[', 1_000_000, "")),
        Guest::core("json-objects-deep", "objects nested one deeper than the limit", JSON_DEEP, move |limits| {
            let depth = limits.json().depth as usize + 1;
            state(&format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)))
        }),
        Guest::core("json-values", "more values than its limit", JSON_VALUES, |_| objects()),
        Guest::core("json-string", "a string as long as its answer may be", STRING, |limits| {
            swelling(&format!("{STATE}\""), b'x', limits.get(Limit::Output) - 200, "\"}}")
        }),
        Guest::core("json-role-of-megabytes", "the name of a role as long as its answer may be", REFUSED_OR_MEMORY, |limits| {
            swelling(r#"{"v":1,"schedule":{"roles":{""#, b'x', limits.get(Limit::Output) - 200, r#"":{}}}}"#)
        }),
        Guest::core("json-key-of-megabytes", "an unknown key as long as its answer may be", STRING, |limits| {
            swelling(r#"{"v":1,"schedule":{""#, b'x', limits.get(Limit::Output) - 200, r#"":1}}"#)
        }),
        Guest::core("json-path", "a role called ../../etc", REFUSED, move |_| text(r#"{"v":1,"schedule":{"roles":{"../../etc":{}}}}"#)),
        Guest::core("json-unknown-node", "placing on a node that is not there", REFUSED, move |_| {
            text(r#"{"v":1,"schedule":{"roles":{"web":{"place":{"omega":1}}}}}"#)
        }),
        Guest::core("json-instances", "four billion instances", REFUSED, move |_| {
            text(r#"{"v":1,"schedule":{"roles":{"web":{"place":{"node00000":4294967296}}}}}"#)
        }),
    ]
}

const JSON_DEEP: &[Wall] = &[Wall::Limit(Limit::JsonDepth), Wall::Limit(Limit::Output), Wall::Limit(Limit::Memory)];
const JSON_VALUES: &[Wall] = &[Wall::Limit(Limit::JsonValues), Wall::Limit(Limit::Output), Wall::Limit(Limit::Memory)];
/// One long text is within the limits: it costs what its output limit allows.
const STRING: &[Wall] = &[Wall::Harmless, Wall::Limit(Limit::Memory)];
const REFUSED_OR_MEMORY: &[Wall] = &[Wall::Call(FailureCause::Refused, "the answer "), Wall::Limit(Limit::Memory)];

/// An array of as many small objects as eight megabytes hold: each takes many times its text.
fn objects() -> String {
    const HEAD: &str = r#"{"v":1,"schedule":{"state":["#;
    const ITEM: &str = r#"{"":1},"#;
    let head = [b"\0", HEAD.as_bytes()].concat();
    let (start, items) = (2048_u64, 1_190_000_u64);
    let first = start + head.len() as u64;
    let end = first + items * ITEM.len() as u64;
    let copy = format!(
        "(local $at i32) (if (i32.eq (memory.grow (i32.const 128)) (i32.const -1)) (then unreachable))
         (local.set $at (i32.const {first}))
         (loop
           (memory.init $item (local.get $at) (i32.const 0) (i32.const {len}))
           (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const {len}))) (i32.const {end}))))
         (memory.init $tail (i32.sub (i32.const {end}) (i32.const 1)) (i32.const 0) (i32.const 3))",
        len = ITEM.len()
    );
    let items = format!(r#"{} (data $item "{}") (data $tail "]}}}}")"#, data(start, &head), ITEM.replace('"', "\\22"));
    core_with(&items, &format!("{copy} (return {})", packed(start, end + 2 - start)))
}
