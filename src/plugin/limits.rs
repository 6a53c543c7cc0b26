//! What a plugin may use: one call of it, its file, and the process that compiles it. Every limit is on by default; the manifest moves it within its bounds.

use std::time::Duration;

use verwalter_core::json::strict::JsonLimits;
use verwalter_core::ports::Kind;

use super::inspect::MAX_WASM_BYTES;

/// A guest's stack. Fixed: the engine is built with it.
pub const STACK_BYTES: usize = 512 << 10;
/// Core instances in one component, and tables. Fixed: the pool is built with it, and reserves address space for it, not memory. A Rust
/// component has 3, one with Python's runtime and standard library 38.
pub const MAX_INSTANCES: u32 = 64;
/// The greatest memory limit: the pool's slots are made for it.
pub const MAX_MEMORY: usize = 1 << 30;
/// The greatest table limit: the pool's slots are made for it. Go's tables have about 10,000 elements.
pub const MAX_TABLE_ELEMENTS: usize = 100_000;

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Instructions, roughly; for a filter those of one render of one role.
    Fuel,
    /// Wall time of one call: the backstop behind fuel.
    Time,
    /// Linear memory of all instances of one call, bytes.
    Memory,
    /// Elements of one table.
    TableElements,
    /// The input document, bytes.
    Input,
    /// The answer, bytes.
    Output,
    /// What it logs in one call, bytes.
    Log,
    /// Nesting of its answer's free values.
    JsonDepth,
    /// Values in its answer.
    JsonValues,
    /// Filters that one plugin offers.
    Filters,
    /// The name of a filter, bytes.
    NameLength,
    /// The plugin's file, bytes.
    Module,
    /// Processor time of the process that compiles it.
    CompileTime,
    /// Memory of the process that compiles it, bytes.
    CompileMemory,
}

/// How a limit's number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Plain, or with K, M, G for powers of 1,000.
    Count,
    /// Bytes: `64MiB`.
    Bytes,
    /// Milliseconds inside; written `2s`, `250ms`.
    Time,
}

/// A limit's name and bounds.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Which.
    pub limit: Limit,
    /// Its key in the manifest.
    pub key: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// In force without a word in the manifest.
    pub default: u64,
    /// The least that may be set.
    pub least: u64,
    /// The greatest that may be set.
    pub greatest: u64,
    /// Why the default is what it is.
    pub reason: &'static str,
}

const MIB: u64 = 1 << 20;

/// All limits: the one table behind the manifest, the errors and the documentation.
#[rustfmt::skip]
pub const SPECS: [Spec; 14] = [
    Spec { limit: Limit::Fuel, key: "fuel", unit: Unit::Count, default: 5_000_000_000, least: 100_000, greatest: 1_000_000_000_000,
        reason: "about 2 s of work; a decision over 10,000 peers by JSON takes a twenty-fifth" },
    Spec { limit: Limit::Time, key: "time", unit: Unit::Time, default: 2_000, least: 10, greatest: 60_000,
        reason: "a fifth of the default round, so that a slow plugin delays no round" },
    Spec { limit: Limit::Memory, key: "memory", unit: Unit::Bytes, default: 64 * MIB, least: 64 << 10, greatest: MAX_MEMORY as u64,
        reason: "six times what a decision over 10,000 peers by JSON takes" },
    Spec { limit: Limit::TableElements, key: "table-elements", unit: Unit::Count, default: 20_000, least: 1, greatest: MAX_TABLE_ELEMENTS as u64,
        reason: "twice the functions of the largest language runtime known" },
    Spec { limit: Limit::Input, key: "input", unit: Unit::Bytes, default: 32 * MIB, least: 1 << 10, greatest: 512 * MIB,
        reason: "half its memory; 10,000 peers with long machine facts take 10 MiB" },
    Spec { limit: Limit::Output, key: "output", unit: Unit::Bytes, default: 8 * MIB, least: 1 << 10, greatest: 256 * MIB,
        reason: "three roles on each of 10,000 nodes in the long notation take 2 MiB" },
    Spec { limit: Limit::Log, key: "log", unit: Unit::Bytes, default: 64 << 10, least: 0, greatest: 16 * MIB,
        reason: "a screenful a second for people; more is a flood" },
    Spec { limit: Limit::JsonDepth, key: "json-depth", unit: Unit::Count, default: 32, least: 4, greatest: 100,
        reason: "configuration nests ten levels at most; the parser itself ends at 128" },
    Spec { limit: Limit::JsonValues, key: "json-values", unit: Unit::Count, default: 1_000_000, least: 100, greatest: 100_000_000,
        reason: "a hundred placements on each of 10,000 nodes" },
    Spec { limit: Limit::Filters, key: "filters", unit: Unit::Count, default: 256, least: 1, greatest: 10_000,
        reason: "arbitrary, above any library of template helpers known" },
    Spec { limit: Limit::NameLength, key: "name-length", unit: Unit::Bytes, default: 64, least: 8, greatest: 1 << 10,
        reason: "what a line of a template has room for; the length of role names" },
    Spec { limit: Limit::Module, key: "module", unit: Unit::Bytes, default: 64 * MIB, least: 1 << 10, greatest: MAX_WASM_BYTES,
        reason: "three times the largest language runtime known (Python, 18 MiB)" },
    Spec { limit: Limit::CompileTime, key: "compile-time", unit: Unit::Time, default: 60_000, least: 1_000, greatest: 3_600_000,
        reason: "ten times what the largest language runtimes take on a slow core; processor time, in whole seconds" },
    Spec { limit: Limit::CompileMemory, key: "compile-memory", unit: Unit::Bytes, default: 2 << 30, least: 64 * MIB, greatest: 64 << 30,
        reason: "six times what Python's runtime takes; it lasts for seconds, in a process of its own" },
];

/// A filter's fuel covers one render of one role: a tenth of a decision's.
const FILTER_FUEL: u64 = 500_000_000;

/// The limits of one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    values: [u64; SPECS.len()],
}

/// A number outside a limit's bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value} is out of range: write {least} to {greatest}")]
pub struct OutOfBounds {
    value: String,
    least: String,
    greatest: String,
}

impl Limits {
    /// The defaults for plugins of `kind`.
    pub fn of(kind: Kind) -> Limits {
        let mut values = SPECS.map(|spec| spec.default);
        if kind == Kind::Filter {
            values[Limit::Fuel as usize] = FILTER_FUEL;
        }
        Limits { values }
    }

    /// Moves a limit within its bounds.
    pub fn set(&mut self, limit: Limit, value: u64) -> Result<(), OutOfBounds> {
        let spec = spec(limit);
        if !(spec.least..=spec.greatest).contains(&value) {
            return Err(OutOfBounds {
                value: write(spec.unit, value),
                least: write(spec.unit, spec.least),
                greatest: write(spec.unit, spec.greatest),
            });
        }
        self.values[limit as usize] = value;
        Ok(())
    }

    /// The limit's number, in its unit.
    pub fn get(&self, limit: Limit) -> u64 {
        self.values[limit as usize]
    }

    /// The limit as `usize`, for comparing lengths.
    pub fn bytes(&self, limit: Limit) -> usize {
        usize::try_from(self.get(limit)).unwrap_or(usize::MAX)
    }

    /// The wall time of one call.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.get(Limit::Time))
    }

    /// The processor time for compiling, in whole seconds: what the system can limit.
    pub fn compile_seconds(&self) -> u64 {
        self.get(Limit::CompileTime).div_ceil(1_000)
    }

    /// The budget for reading an answer.
    pub fn json(&self) -> JsonLimits {
        let get = |limit| u32::try_from(self.get(limit)).unwrap_or(u32::MAX);
        JsonLimits { depth: get(Limit::JsonDepth), values: get(Limit::JsonValues) }
    }

    /// The limit's value as it is written in a manifest.
    pub fn describe(&self, limit: Limit) -> String {
        write(spec(limit).unit, self.get(limit))
    }

    /// The line of a manifest that doubles the limit, or that there is no more.
    pub fn raise_hint(&self, limit: Limit) -> String {
        let spec = spec(limit);
        let doubled = match self.get(limit) {
            0 => spec.default,
            value => value.saturating_mul(2).min(spec.greatest),
        };
        if doubled == self.get(limit) {
            return "that is as high as it goes: make the plugin do less".to_owned();
        }
        format!("raise it with `limits: {{ {}: {} }}` in the plugin's manifest", spec.key, write(spec.unit, doubled))
    }
}

/// The table's row for `limit`.
pub fn spec(limit: Limit) -> &'static Spec {
    &SPECS[limit as usize]
}

/// All limits as the README's table.
pub fn markdown_table() -> String {
    let mut table = "| limit | default | from | to | why that default |\n|---|---|---|---|---|\n".to_owned();
    for spec in SPECS {
        let [default, least, greatest] = [spec.default, spec.least, spec.greatest].map(|value| write(spec.unit, value));
        let default = if spec.limit == Limit::Fuel { format!("{default}; filters {}", write(spec.unit, FILTER_FUEL)) } else { default };
        table.push_str(&format!("| `{}` | {default} | {least} | {greatest} | {} |\n", spec.key, spec.reason));
    }
    table
}

fn write(unit: Unit, value: u64) -> String {
    let steps: &[(u64, &str)] = match unit {
        Unit::Count => &[(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "K")],
        Unit::Bytes => &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")],
        Unit::Time => &[(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")],
    };
    let step = steps.iter().find(|(size, _)| value >= *size && value.is_multiple_of(*size));
    match step {
        Some((size, suffix)) => format!("{}{suffix}", value / size),
        // Zero: a quantity is written with its unit all the same.
        None => match (unit, steps.last()) {
            (Unit::Bytes | Unit::Time, Some((_, suffix))) => format!("{value}{suffix}"),
            _ => value.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_defaults_are_within_bounds() {
        for (index, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.limit as usize, index, "{}", spec.key);
            assert!((spec.least..=spec.greatest).contains(&spec.default), "{}", spec.key);
        }
    }

    #[test]
    fn hints_are_lines_of_a_manifest() {
        let mut limits = Limits::of(Kind::Scheduler);
        assert_eq!(limits.raise_hint(Limit::Fuel), "raise it with `limits: { fuel: 10G }` in the plugin's manifest");
        assert_eq!(limits.raise_hint(Limit::Time), "raise it with `limits: { time: 4s }` in the plugin's manifest");
        limits.set(Limit::Memory, 1 << 30).expect("within bounds");
        assert_eq!(limits.raise_hint(Limit::Memory), "that is as high as it goes: make the plugin do less");
        assert_eq!(limits.describe(Limit::Memory), "1GiB");
        limits.set(Limit::Log, 0).expect("within bounds");
        assert_eq!(limits.describe(Limit::Log), "0B");
        assert_eq!(limits.raise_hint(Limit::Log), "raise it with `limits: { log: 64KiB }` in the plugin's manifest");
        assert_eq!(limits.set(Limit::Time, 5).expect_err("too short").to_string(), "5ms is out of range: write 10ms to 1m");
    }
}
