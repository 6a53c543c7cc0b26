//! Filter plugins that offer what templates cannot use, burn the fuel of a render, or answer what swells; and what any plugin says of
//! itself at its activation.

use verwalter_core::ports::FailureCause;

use super::frame::{answer, core_with, data, filter, filter_component, filter_listing, packed};
use super::runaway::BURNS;
use super::{Guest, Limit, Step, Wall};

const NAME: &[Wall] = &[Wall::Step(Step::Describe, "the filter name")];
const LIST: &[Wall] = &[Wall::Step(Step::Describe, "its list of filters is no list of names")];
const REFUSED: &[Wall] = &[Wall::Call(FailureCause::Refused, "answered no ")];

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = lists();
    guests.extend(applications());
    guests.extend(words());
    guests
}

fn lists() -> Vec<Guest> {
    let listing = |list: &'static str| move |_: &super::Limits| filter(list, "", "");
    vec![
        Guest::core(
            "names-too-many",
            "one filter more than its limit",
            &[Wall::Limit(Limit::Filters), Wall::Limit(Limit::Output)],
            |limits| {
                let names: Vec<String> = (0..=limits.get(Limit::Filters)).map(|n| format!("f{n}")).collect();
                let list = serde_json::json!(names).to_string();
                let names = answer(32_768, &[b"\0", list.as_bytes()].concat());
                let grow = format!("(drop (memory.grow (i32.const {})))", list.len() >> 16);
                // Data segments are there before anything grows: the memory has room from the beginning.
                filter_listing(&names.data, &format!("{grow} {}", names.packed), "")
                    .replace(r#"(export "memory") 2)"#, &format!(r#"(export "memory") {})"#, 3 + (list.len() >> 16)))
            },
        )
        .filter(),
        Guest::core("name-too-long", "a name one byte longer than its limit", &[Wall::Limit(Limit::NameLength)], |limits| {
            filter(&format!("[\"{}\"]", "x".repeat(limits.bytes(Limit::NameLength) + 1)), "", "")
        })
        .filter(),
        Guest::core("name-empty", "a name without a letter", NAME, listing(r#"[""]"#)).filter(),
        Guest::core("name-of-path", "a name that is a path", NAME, listing(r#"["../a"]"#)).filter(),
        Guest::core("name-twice", "the same name twice", &[Wall::Step(Step::Describe, "twice")], listing(r#"["a","a"]"#)).filter(),
        Guest::core("list-no-json", "a list that is no JSON", LIST, listing("[")).filter(),
        Guest::core("list-of-numbers", "a list of numbers", LIST, listing("[1]")).filter(),
        Guest::core("list-deep", "a list of 10,000 arrays, each within the one before", LIST, |_| filter(&"[".repeat(10_000), "", ""))
            .filter(),
        Guest::component("list-of-millions", "a list of seven million empty names", COPY, |_| {
            let list = "(drop (memory.grow (i32.const 900))) (i32.store (i32.const 256) (i32.const 131072))
                (i32.store (i32.const 260) (i32.const 7000000)) (i32.const 256)";
            filter_component("", list, "(unreachable)")
        })
        .filter(),
        Guest::core("list-loop", "an endless loop where its filters are listed", BURNS, |_| {
            filter_listing("", "(loop (br 0)) (unreachable)", "")
        })
        .filter(),
    ]
}

const COPY: &[Wall] = &[Wall::Limit(Limit::Output), Wall::Limit(Limit::Memory)];

fn applications() -> Vec<Guest> {
    let named = |items: &str, apply: &str| filter(r#"["a"]"#, items, apply);
    vec![
        Guest::core("filter-loop", "an endless loop", BURNS, move |_| named("", "(loop (br 0))")).filter(),
        Guest::core("filter-again", "a little work, called again and again in one render", BURNS, move |_| {
            named(
                "",
                "(local $n i32) (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))",
            )
        })
        .filter()
        .called(200_000),
        Guest::core("filter-hoards", "more memory with each call of one render", &[Wall::Limit(Limit::Memory)], move |_| {
            named("", "(drop (memory.grow (i32.const 16)))")
        })
        .filter()
        .called(20_000),
        Guest::core("filter-trap", "a trap", &[Wall::Call(FailureCause::Trap, "unreachable")], move |_| named("", "(unreachable)"))
            .filter(),
        Guest::core("filter-no-json", "an answer that is no JSON", REFUSED, move |_| {
            let junk = answer(2048, b"\0{nonsense");
            named(&junk.data, &format!("(return {})", junk.packed))
        })
        .filter(),
        Guest::core("filter-utf8", "an answer that is no UTF-8", REFUSED, move |_| {
            let junk = answer(2048, b"\0\"\xff\"");
            named(&junk.data, &format!("(return {})", junk.packed))
        })
        .filter(),
        Guest::core("filter-deep", "a hundred thousand arrays, each within the one before", &[Wall::Limit(Limit::JsonDepth)], move |_| {
            let fill = "(drop (memory.grow (i32.const 1))) (memory.fill (i32.const 65537) (i32.const 91) (i32.const 100000))";
            named("", &format!("{fill} (return {})", packed(65_536, 100_001)))
        })
        .filter(),
        Guest::core("filter-swells", "a million small objects, each many times what it is as text", SWELLS, move |_| {
            let build = r#"(local $at i32) (drop (memory.grow (i32.const 128)))
                (local.set $at (i32.const 131073)) (i32.store8 (local.get $at) (i32.const 91))
                (loop
                  (memory.init $item (i32.add (local.get $at) (i32.const 1)) (i32.const 0) (i32.const 7))
                  (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 7))) (i32.const 8131073))))
                (i32.store8 (local.get $at) (i32.const 93))"#;
            let len = (8_131_073_u64 - 131_073).div_ceil(7) * 7 + 2;
            named(r#"(data $item "{\22\22:1},")"#, &format!("{build} (return {})", packed(131_072, len)))
        })
        .filter(),
    ]
}

const SWELLS: &[Wall] = &[Wall::Limit(Limit::JsonValues), Wall::Limit(Limit::Output)];

/// What a plugin says of itself, and of its configuration.
fn words() -> Vec<Guest> {
    let saying = |function: &'static str, bytes: &'static [u8]| {
        move |_: &super::Limits| {
            let said = answer(4096, bytes);
            core_with(&format!("{} (func (export \"{function}\") (param i32 i32) (result i64) {})", said.data, said.packed), "")
        }
    };
    // One text of 7 MiB between a beginning and an end.
    let long = |function: &'static str, head: &'static [u8], tail: &'static str| {
        move |_: &super::Limits| {
            let start = 65_536 - head.len() as u64;
            let end = 65_536 + (7 << 20);
            let items = format!(
                "{} (data $end \"{tail}\") (func (export \"{function}\") (param i32 i32) (result i64)
                   (drop (memory.grow (i32.const 120))) (memory.fill (i32.const 65536) (i32.const 120) (i32.const {}))
                   (memory.init $end (i32.const {end}) (i32.const 0) (i32.const {})) {})",
                data(start, head),
                7 << 20,
                tail.replace("\\22", "\"").len(),
                packed(start, end - start + tail.replace("\\22", "\"").len() as u64)
            );
            core_with(&items, "")
        }
    };
    vec![
        Guest::core(
            "describe-junk",
            "describing itself in no JSON",
            &[Wall::Step(Step::Describe, "is no description")],
            saying("vw_describe", b"\0{"),
        ),
        Guest::core(
            "describe-other",
            "describing itself as a filter",
            &[Wall::Step(Step::Describe, "it says it is a filter")],
            saying("vw_describe", b"\0{\"name\":\"x\",\"kind\":\"filter\"}"),
        ),
        Guest::core(
            "describe-of-megabytes",
            "a kind of 7 MiB",
            SHORT_REASON,
            long("vw_describe", b"\0{\"name\":\"x\",\"kind\":\"", "\\22}"),
        ),
        Guest::core("describe-refuses", "refusing to describe itself, in megabytes", SHORT_REASON, long("vw_describe", b"\x01", "")),
        Guest::core("config-refused", "refusing its configuration, in megabytes", CONFIG, long("vw_check_config", b"\x01", "")),
        Guest::core(
            "config-output",
            "an answer beyond its memory to its configuration",
            &[Wall::Step(Step::CheckConfig, "defect")],
            |_| core_with(&format!(r#"(func (export "vw_check_config") (param i32 i32) (result i64) {})"#, packed(65_000, 1_000)), ""),
        ),
        Guest::core("config-trap", "a trap at its configuration", &[Wall::Step(Step::CheckConfig, "unreachable")], |_| {
            core_with(r#"(func (export "vw_check_config") (param i32 i32) (result i64) (unreachable))"#, "")
        }),
    ]
}

/// Whatever it says, the reason is a few hundred characters, cut with an ellipsis.
const SHORT_REASON: &[Wall] = &[Wall::Step(Step::Describe, "…")];
const CONFIG: &[Wall] = &[Wall::Step(Step::CheckConfig, "…")];
