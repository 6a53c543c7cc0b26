//! Numbers for people: three digits that matter, with their unit. It is never used on what programs read.

use std::time::Duration;

use verwalter_collect::unit::Unit;

/// What a number is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure {
    /// In what; `None`: a count.
    pub(super) unit: Option<Unit>,
    /// Whether it is so many a second.
    pub(super) per_second: bool,
}

/// A number for people.
pub(super) fn figure(value: f64, measure: Measure) -> String {
    const BINARY: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    const DECIMAL: [&str; 5] = ["", "K", "M", "G", "T"];
    let text = match (measure.unit, measure.per_second) {
        (Some(Unit::Ratio), _) => format!("{} %", three(value * 100.0)),
        (Some(Unit::Bytes), _) => scaled(value, 1024.0, 1024.0, &BINARY),
        (Some(Unit::Seconds), false) => seconds(value),
        // A second a second: how many processors, or requests at a time.
        (Some(Unit::Seconds), true) => format!("{} s", three(value)),
        (None, _) => scaled(value, 1000.0, 100_000.0, &DECIMAL),
    };
    match (measure.per_second, text.ends_with(|c: char| c.is_ascii_digit())) {
        (false, _) => text,
        (true, true) => format!("{text} /s"),
        (true, false) => format!("{text}/s"),
    }
}

/// How long ago something was.
pub(super) fn age(ms: u64) -> String {
    if ms < 10_000 { format!("{:.1} s", ms as f64 / 1e3) } else { seconds(Duration::from_millis(ms).as_secs_f64()) }
}

/// In the largest prefix of which there is one, once `value` reaches `from`.
fn scaled(value: f64, step: f64, from: f64, prefixes: &[&str]) -> String {
    let (mut scaled, mut place) = (value, 0);
    if value.abs() >= from {
        while scaled.abs() >= step && place + 1 < prefixes.len() {
            scaled /= step;
            place += 1;
        }
    }
    format!("{} {}", three(scaled), prefixes[place]).trim_end().to_owned()
}

fn seconds(value: f64) -> String {
    const UNITS: [(f64, f64, &str); 6] = [
        (1e-3, 1e-6, "µs"),
        (1.0, 1e-3, "ms"),
        (120.0, 1.0, "s"),
        (7_200.0, 60.0, "min"),
        (172_800.0, 3_600.0, "h"),
        (f64::MAX, 86_400.0, "d"),
    ];
    let (_, unit, name) = UNITS.into_iter().find(|(below, ..)| value.abs() < *below).unwrap_or(UNITS[5]);
    // None of anything is none of the smallest, too.
    if value == 0.0 { "0 s".to_owned() } else { format!("{} {name}", three(value / unit)) }
}

/// Three digits that matter, but all of a whole number's.
fn three(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "-".to_owned(),
        _ if value == value.trunc() && size < 1e6 => format!("{value:.0}"),
        0.0..0.000_5 => format!("{value:.1e}"),
        0.000_5..0.009_995 => format!("{value:.5}"),
        0.009_995..0.099_95 => format!("{value:.4}"),
        0.099_95..0.999_5 => format!("{value:.3}"),
        0.999_5..9.995 => format!("{value:.2}"),
        9.995..99.95 => format!("{value:.1}"),
        _ if size < 1e6 => format!("{value:.0}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests;
