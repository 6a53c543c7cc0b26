//! Guests that do not come to an end: loops, recursion, traps, in every function that the host calls.

use verwalter_core::ports::FailureCause;

use super::frame::{Core, calling_itself, component, component_allocating, component_reentering, core, core_with, endless};
use super::{Guest, Limit, Step, Wall};

/// What ends a loop; which comes first depends on the machine.
pub(super) const BURNS: &[Wall] = &[Wall::Limit(Limit::Fuel), Wall::Limit(Limit::Time)];
/// Fuel for loops that differ from others in where they are only.
pub(super) const LITTLE: &[(Limit, u64)] = &[(Limit::Fuel, 100_000_000)];
const TRAPS: &[Wall] = &[Wall::Call(FailureCause::Trap, "unreachable")];
const TRAPS_EARLY: &[Wall] = &[Wall::Step(Step::Describe, "unreachable")];
const STACK: &[Wall] = &[Wall::Call(FailureCause::Stack, "recursed deeper than its stack of 512 KiB")];
/// Whole pages of a memory that was grown as far as it goes.
const FILLING: &str = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const 900))))";

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = loops();
    guests.extend(bulk());
    guests.extend(recursion());
    guests.extend(traps());
    guests
}

fn loops() -> Vec<Guest> {
    let initialize = |body: &str| core_with(&format!(r#"(func (export "_initialize") {body})"#), "");
    let exchange =
        |name: &str| core_with(&format!(r#"(func (export "{name}") (param i32 i32) (result i64) {} unreachable)"#, endless("")), "");
    vec![
        Guest::core("loop", "an endless loop", BURNS, |_| core(&endless(""))),
        Guest::component("loop-component", "an endless loop", BURNS, |_| component("", &endless(""))),
        Guest::core("loop-in-start", "an endless loop in its start function", BURNS, |_| {
            core_with(&format!("(func $start {}) (start $start)", endless("")), "")
        })
        .lowered(LITTLE),
        Guest::component("loop-in-start-component", "an endless loop in its start function", BURNS, |_| {
            component(&format!("(func $start {}) (start $start)", endless("")), "")
        })
        .lowered(LITTLE),
        Guest::core("loop-in-initialize", "an endless loop in `_initialize`", BURNS, move |_| initialize(&endless(""))).lowered(LITTLE),
        Guest::core("loop-in-describe", "an endless loop in `vw_describe`", BURNS, move |_| exchange("vw_describe")).lowered(LITTLE),
        Guest::core("loop-in-check-config", "an endless loop in `vw_check_config`", BURNS, move |_| exchange("vw_check_config"))
            .lowered(LITTLE),
        Guest::core("loop-in-alloc", "an endless loop in `vw_alloc`", BURNS, |_| {
            Core { alloc: format!("{} (i32.const 0)", endless("")), ..Core::default() }.text()
        })
        .lowered(LITTLE),
        Guest::core("loop-in-free", "an endless loop in `vw_free`", BURNS, |_| Core { free: endless(""), ..Core::default() }.text())
            .lowered(LITTLE),
        Guest::component("loop-in-realloc", "an endless loop in the allocator of its component", BURNS, |_| {
            component_allocating(&endless(""))
        })
        .lowered(LITTLE),
    ]
}

/// Instructions that do much at once: they cost fuel by the byte and by the element.
fn bulk() -> Vec<Guest> {
    let table = "(table $t 15000 funcref) (elem $e funcref (ref.null func)) (elem declare func $f) (func $f)";
    let many = "(i32.const 15000)";
    vec![
        Guest::core("fill", "one fill of all its memory, again and again", BURNS, |_| {
            let size = "(i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))";
            core(&format!("{FILLING} {}", endless(&format!("(memory.fill (i32.const 1) (i32.const 7) {size})"))))
        }),
        Guest::core("copy", "one copy of half its memory, again and again", BURNS, |_| {
            let half = "(i32.mul (memory.size) (i32.const 32768))";
            core(&format!("{FILLING} {}", endless(&format!("(memory.copy (i32.const 0) {half} {half})"))))
        }),
        Guest::core("init", "copying a data segment, again and again", BURNS, |_| {
            let items = format!("(data $passive \"{}\")", "x".repeat(30_000));
            core_with(&items, &endless("(memory.init $passive (i32.const 4096) (i32.const 0) (i32.const 30000))"))
        })
        .lowered(LITTLE),
        Guest::core("table-fill", "one fill of a whole table, again and again", BURNS, move |_| {
            core_with(table, &endless(&format!("(table.fill $t (i32.const 0) (ref.func $f) {many})")))
        })
        .lowered(LITTLE),
        Guest::core("table-copy", "one copy of a whole table, again and again", BURNS, move |_| {
            core_with(table, &endless(&format!("(table.copy $t $t (i32.const 0) (i32.const 0) {many})")))
        })
        .lowered(LITTLE),
        Guest::core("grow-by-nothing", "growing its memory and its table by nothing, again and again", BURNS, move |_| {
            core_with(table, &endless("(drop (memory.grow (i32.const 0))) (drop (table.grow $t (ref.null func) (i32.const 0)))"))
        })
        .lowered(&[(Limit::Fuel, 10_000_000)]),
        Guest::component(
            "strings-between-components",
            "a string of megabytes from one inner component to another, again and again",
            COMPOSED,
            |_| include_str!("adapters.wat").to_owned(),
        ),
        Guest::component(
            "own-function",
            "calling a function of its own as if it were the host's",
            &[Wall::Call(FailureCause::Trap, "cannot enter component instance")],
            |_| calling_itself(),
        ),
    ]
}

/// What the engine copies between inner components is neither metered nor looked at by the clock.
const COMPOSED: &[Wall] = &[Wall::Step(Step::Inspect, "components within it call each other")];

fn recursion() -> Vec<Guest> {
    vec![
        Guest::core("recursion", "recursing without end", STACK, |_| {
            core_with("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)")
        }),
        Guest::component("recursion-component", "recursing without end", STACK, |_| {
            component("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)")
        }),
        Guest::core("recursion-by-table", "recursing without end by call_indirect", STACK, |_| {
            let items = "(table $t 1 funcref) (elem (table $t) (i32.const 0) func $deeper) (type $f (func))
                (func $deeper (call_indirect $t (type $f) (i32.const 0)) (call_indirect $t (type $f) (i32.const 0)))";
            core_with(items, "(call $deeper)")
        }),
        Guest::core("recursion-with-large-frames", "recursing with as much on the stack as one function can have", STACK, |_| {
            // All of them are in use across the call, so that none can stay in a register.
            let params = "i64 ".repeat(900);
            let gets: String = (0..900).map(|n| format!("(local.get {n})")).collect();
            let items = format!("(func $deeper (param {params}) (call $deeper {gets}) (call $deeper {gets}))");
            core_with(&items, &format!("(call $deeper {})", "(i64.const 1)".repeat(900)))
        }),
        Guest::component(
            "host-call-in-realloc",
            "calling the host from the allocator that the host calls",
            &[Wall::Call(FailureCause::Trap, "cannot leave component instance")],
            |_| component_reentering(),
        ),
    ]
}

fn traps() -> Vec<Guest> {
    vec![
        Guest::core("trap", "an instruction that traps", TRAPS, |_| core("(unreachable)")),
        Guest::component("trap-component", "an instruction that traps", TRAPS, |_| component("", "(unreachable)")),
        Guest::core("trap-in-initialize", "a trap in `_initialize`", TRAPS_EARLY, |_| {
            core_with(r#"(func (export "_initialize") (unreachable))"#, "")
        }),
        Guest::core("trap-in-start", "a trap in its start function", TRAPS_EARLY, |_| {
            core_with("(func $start (unreachable)) (start $start)", "")
        }),
        Guest::core("trap-in-alloc", "a trap in `vw_alloc`", TRAPS, |_| {
            Core { alloc: "(unreachable)".to_owned(), ..Core::default() }.text()
        }),
        Guest::core("trap-in-free", "a trap in `vw_free`, after a sound answer", TRAPS, |_| {
            Core { free: "(unreachable)".to_owned(), ..Core::default() }.text()
        }),
        Guest::core("free-twice", "answering the address of its input, so that it is freed twice, and trapping then", TRAPS, |_| {
            let free = "(if (i32.eq (global.get $freed) (local.get $ptr)) (then unreachable)) (global.set $freed (local.get $ptr))";
            let body = "(i32.store8 (local.get $ptr) (i32.const 0))
                (return (i64.or (i64.const 4294967296) (i64.extend_i32_u (local.get $ptr))))";
            Core {
                items: "(global $freed (mut i32) (i32.const 0))".to_owned(),
                free: free.to_owned(),
                body: body.to_owned(),
                ..Core::default()
            }
            .text()
        }),
    ]
}
