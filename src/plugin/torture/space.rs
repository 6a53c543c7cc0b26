//! Guests that want room: memories, tables, instances, components within components, handles.

use verwalter_core::ports::FailureCause;

use super::frame::{component, component_around, core, core_with, endless};
use super::{Abi, Guest, Limit, Limits, Plugin, Step, Wall};

const MEMORY: &[Wall] = &[Wall::Limit(Limit::Memory)];
/// The pool's slots are what a limit can be raised to at most.
const MEMORY_OR_SLOT: &[Wall] = &[Wall::Limit(Limit::Memory), Wall::Step(Step::Compile, "cannot be loaded")];
const TABLE: &[Wall] = &[Wall::Limit(Limit::TableElements), Wall::Step(Step::Compile, "cannot be loaded")];
const SLOT: &[Wall] = &[Wall::Step(Step::Compile, "cannot be loaded")];
const REFUSED: &[Wall] = &[Wall::Step(Step::Compile, "it does not compile")];
const PAGE: u64 = 64 << 10;

pub(super) fn guests() -> Vec<Guest> {
    let mut guests = memories();
    guests.extend(tables());
    guests.extend(components());
    guests
}

fn memories() -> Vec<Guest> {
    let pages = |limits: &Limits| limits.get(Limit::Memory) / PAGE + 1;
    vec![
        Guest::core("grow", "growing its memory without end", MEMORY, |_| core(&endless("(drop (memory.grow (i32.const 16)))"))),
        Guest::component("grow-component", "growing two memories without end", MEMORY, |_| {
            let body = endless("(drop (memory.grow $own (i32.const 4)))");
            component("(memory $own 1)", &body)
        }),
        Guest::core("grow-and-touch", "growing its memory without end and writing to all of it", MEMORY, |_| {
            let end = "(i32.mul (memory.grow (i32.const 16)) (i32.const 65536))";
            core(&endless(&format!("(memory.fill {end} (i32.const 7) (i32.const 1048576))")))
        }),
        Guest::core("grow-to-4-gib", "growing its memory to 4 GiB at once", MEMORY, |_| core("(drop (memory.grow (i32.const 65535)))")),
        Guest::core("memory-beyond-limit", "a memory that is larger than its limit from the beginning", MEMORY_OR_SLOT, move |limits| {
            core_with(&format!("(memory $large {})", pages(limits)), "")
        }),
        Guest::core("memory-of-4-gib", "a memory of 4 GiB from the beginning", SLOT, |_| core_with("(memory $huge 65536)", "")),
        Guest::core("several-memories", "growing four memories in turn", MEMORY, |_| {
            let grow: String = ["$a", "$b", "$c"].map(|name| format!("(drop (memory.grow {name} (i32.const 16)))")).concat();
            core_with("(memory $a 1) (memory $b 1) (memory $c 1)", &endless(&grow))
        }),
        Guest::core("many-memories", "a hundred memories", &[Wall::Step(Step::Compile, "")], |_| core_with(&"(memory 1)".repeat(99), "")),
        Guest::core("shared-memory", "a memory that others could change while it is read", REFUSED, |_| {
            core("").replace(r#"(memory $memory (export "memory") 1)"#, r#"(memory $memory (export "memory") 1 1 shared)"#)
        }),
        Guest::core("memory64", "a memory with 64-bit addresses", REFUSED, |_| core_with("(memory $wide i64 1)", "")),
        Guest::core("left-behind", "finding what an earlier call of it left in memory", &[Wall::Harmless], |_| {
            core("(if (i32.load (i32.const 512)) (then unreachable)) (i32.store (i32.const 512) (i32.const 1))")
        })
        .called(10),
    ]
}

fn tables() -> Vec<Guest> {
    let beyond = |limits: &Limits| limits.get(Limit::TableElements) + 1;
    vec![
        Guest::core("table-beyond-limit", "a table that is larger than its limit from the beginning", TABLE, move |limits| {
            core_with(&format!("(table {} funcref)", beyond(limits)), "")
        }),
        Guest::core("table-of-billions", "a table of four billion elements", SLOT, |_| core_with("(table 4294967295 funcref)", "")),
        Guest::core("table-grow", "growing a table without end", &[Wall::Limit(Limit::TableElements)], |_| {
            core_with("(table $t 0 funcref)", &endless("(drop (table.grow $t (ref.null func) (i32.const 100)))"))
        }),
        Guest::core("many-tables", "a hundred tables", &[Wall::Step(Step::Compile, "")], |_| {
            core_with(&"(table 1 funcref)".repeat(100), "")
        }),
    ]
}

fn components() -> Vec<Guest> {
    vec![
        Guest::component("many-instances", "a hundred instances of a module", SLOT, |_| {
            let instances = "(core instance (instantiate $one))".repeat(100);
            component_around(&format!("(core module $one (memory 1)) {instances}"), "", "")
        }),
        Guest::new(
            "nested-deep",
            "a hundred thousand components, each within the one before",
            Abi::Component,
            &[Wall::Step(Step::Inspect, "nest")],
            |_| Plugin::Bytes(nested(100_000)),
        ),
        Guest::component(
            "nested-eightfold",
            "a component that instantiates the one within it eight times, 12 levels deep",
            MULTIPLYING,
            |_| multiplying(12),
        )
        .lowered(&[(Limit::CompileTime, 1_000), (Limit::CompileMemory, 512 << 20)]),
        Guest::component(
            "handles",
            "making handles of a resource of its own without end",
            &[Wall::Call(FailureCause::Output, "store handle limit exceeded")],
            |_| {
                let before = "(type $r (resource (rep i32))) (core func $new (canon resource.new $r))";
                let text = component_around(before, "", &endless("(drop (call $new (i32.const 1)))"));
                text.replace(
                    r#"(import "host" "memory" (memory 1))"#,
                    r#"(import "host" "memory" (memory 1)) (import "host" "new" (func $new (param i32) (result i32)))"#,
                )
                .replace(r#"(with "host" (instance"#, r#"(with "host" (instance (export "new" (func $new))"#)
            },
        ),
    ]
}

/// Sixty billion instances: refused while it is compiled, by a limit of the engine or of the compiling process.
const MULTIPLYING: &[Wall] =
    &[Wall::Limit(Limit::CompileTime), Wall::Limit(Limit::CompileMemory), Wall::Step(Step::Compile, "it does not compile")];

fn multiplying(levels: u32) -> String {
    let mut inner = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..levels {
        inner = format!("(component $c {inner} {})", "(instance (instantiate $c))".repeat(8));
    }
    component_around(&format!("{inner} (instance (instantiate $c))"), "", "")
}

/// The binary form of components within components: each is a section of the one around it.
fn nested(levels: usize) -> Vec<u8> {
    const HEADER: [u8; 8] = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
    const COMPONENT_SECTION: u8 = 4;
    // From the inside out, each part reversed: appending is cheap, putting before is not.
    let mut reversed: Vec<u8> = Vec::new();
    for level in 0..=levels {
        if level > 0 {
            let mut section = vec![COMPONENT_SECTION];
            leb(reversed.len() as u64, &mut section);
            reversed.extend(section.iter().rev());
        }
        reversed.extend(HEADER.iter().rev());
    }
    reversed.reverse();
    reversed
}

fn leb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
