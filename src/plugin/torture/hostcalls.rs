//! Guests that use what the host offers: without end, with bad pointers, by the megabyte. Host calls cost fuel by the byte and look
//! at the clock.

use verwalter_core::ports::FailureCause;

use super::frame::{component, core_with, data, endless, importing};
use super::runaway::{BURNS, LITTLE};
use super::{Guest, Limit, Wall};

const LOG: &[Wall] = &[Wall::Limit(Limit::Log)];
const DEFECT: &[Wall] = &[Wall::Call(FailureCause::Output, "this is a defect of the plugin")];
const UNREADABLE: &[Wall] = &[Wall::Call(FailureCause::Output, "handed over what cannot be read")];
/// Room for a column of ten thousand doubles.
const GROW: &str = "(drop (memory.grow (i32.const 4)))";

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = reading();
    guests.extend(logging());
    guests
}

fn reading() -> Vec<Guest> {
    let column = "(drop (call $column (i32.const 512) (i32.const 4) (i32.const 65536) (i32.const 10000)))";
    let attribute = "(drop (call $attribute (i32.const 512) (i32.const 4) (i32.const 65536) (i32.const 200000)))";
    vec![
        Guest::core("columns", "reading a column of 10,000 values, again and again", BURNS, move |_| {
            importing(b"load", &format!("{GROW} {}", endless(column)))
        }),
        Guest::core("attributes", "reading an attribute of 10,000 nodes, again and again", BURNS, move |_| {
            importing(b"name", &format!("{GROW} {}", endless(attribute)))
        })
        .lowered(LITTLE),
        Guest::core("attributes-unknown", "asking 10,000 nodes for an attribute that none has", BURNS, move |_| {
            importing(b"none", &format!("{GROW} {}", endless(attribute)))
        })
        .lowered(&[(Limit::Fuel, 10_000_000)]),
        Guest::component("hostnames", "reading 10,000 hostnames, again and again", BURNS, |_| {
            component("", &endless("(call $hostnames (i32.const 4096))"))
        })
        .lowered(LITTLE),
        Guest::component("columns-component", "reading a column of 10,000 values, again and again", BURNS, |_| {
            component(&data(0, b"load"), &endless("(call $column (i32.const 0) (i32.const 4) (i32.const 4096))"))
        })
        .lowered(LITTLE),
        Guest::component("series", "reading the past of one node, again and again", BURNS, |_| {
            component(&data(0, b"load"), &endless("(call $series (i32.const 0) (i32.const 4) (i32.const 9999) (i32.const 4096))"))
        })
        .lowered(LITTLE),
        Guest::core("column-name-of-megabytes", "asking for a column with a name of 7 MiB, again and again", BURNS, |_| {
            let ask = "(drop (call $column (i32.const 65536) (i32.const 7340032) (i32.const 0) (i32.const 0)))";
            importing(b"", &format!("(drop (memory.grow (i32.const 120))) {}", endless(ask)))
        }),
        Guest::component(
            "column-name-of-megabytes-component",
            "asking for a column with a name of 7 MiB, again and again",
            BURNS_OR_COPY,
            |_| {
                let ask = "(call $column (i32.const 65536) (i32.const 7340032) (i32.const 4096))";
                component("", &endless(ask)).replace(r#"(memory (export "memory") 16)"#, r#"(memory (export "memory") 128)"#)
            },
        ),
        Guest::core("column-name-past-end", "the name of a column behind its memory", DEFECT, |_| {
            importing(b"", "(drop (call $column (i32.const -1) (i32.const 2) (i32.const 0) (i32.const 0)))")
        }),
        Guest::core("column-past-end", "a column to be written over the end of its memory", DEFECT, |_| {
            importing(b"load", "(drop (call $column (i32.const 512) (i32.const 4) (i32.const 65000) (i32.const -1)))")
        }),
        Guest::core("column-name-utf8", "the name of a column that is no UTF-8", DEFECT, |_| {
            importing(b"\xff\xfe", "(drop (call $column (i32.const 512) (i32.const 2) (i32.const 0) (i32.const 0)))")
        }),
        Guest::component("column-name-past-end-component", "the name of a column behind its memory", UNREADABLE, |_| {
            component("", "(call $column (i32.const 1048576) (i32.const 1) (i32.const 4096))")
        }),
        Guest::component("column-past-end-component", "a result to be written over the end of its memory", UNREADABLE, |_| {
            component(&data(0, b"load"), "(call $column (i32.const 0) (i32.const 4) (i32.const 1048572))")
        }),
    ]
}

const BURNS_OR_COPY: &[Wall] = &[Wall::Limit(Limit::Fuel), Wall::Limit(Limit::Time), Wall::Limit(Limit::Output)];

fn logging() -> Vec<Guest> {
    let line = |len: u64| endless(&format!("(call $log (i32.const 2) (i32.const 0) (i32.const {len}))"));
    vec![
        Guest::core("log-empty", "logging empty lines without end", LOG, move |_| importing(b"", &line(0))),
        Guest::core("log-lines", "logging lines of 100 bytes without end", LOG, move |_| importing(b"", &line(100))),
        Guest::core("log-large", "logging a line larger than its limit", LOG, |limits| {
            let len = limits.get(Limit::Log) + 1;
            let grow = format!("(drop (memory.grow (i32.const {})))", (len >> 16) + 1);
            importing(b"", &format!("{grow} (call $log (i32.const 2) (i32.const 0) (i32.const {len}))"))
        }),
        Guest::component("log-lines-component", "logging lines of 100 bytes without end", LOG, |_| {
            component("", &endless("(call $write (i32.const 2) (i32.const 0) (i32.const 100))"))
        }),
        Guest::core("log-utf8", "a line that is no UTF-8", DEFECT, |_| {
            importing(b"\xff\xfe", "(call $log (i32.const 2) (i32.const 512) (i32.const 2))")
        }),
        Guest::core("log-past-end", "a line behind its memory", DEFECT, |_| {
            importing(b"", "(call $log (i32.const 2) (i32.const 65530) (i32.const 7))")
        }),
        Guest::core("log-of-filters", "logging in `_initialize`, before anybody asked", LOG, |_| {
            core_with(
                &format!(r#"(func (export "_initialize") {})"#, endless("(call $log (i32.const 2) (i32.const 0) (i32.const 1000))")),
                "",
            )
            .replace("(module", &format!("(module {}", super::frame::CORE_IMPORTS))
        }),
    ]
}
