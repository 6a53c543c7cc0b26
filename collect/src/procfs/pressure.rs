//! How long tasks waited for processors, memory and disks: the kernel's pressure stall information. A kernel without it is no fault.

use std::path::Path;

use super::Reading;
use super::source::{self, SourceError};

/// The metrics of one resource: whose wait, the share and the time.
type Lines = &'static [(&'static str, &'static str, &'static str)];

/// For processors there is no `full`: some task always runs.
const RESOURCES: [(&str, Lines); 3] = [
    ("cpu", &[("some", "pressure.cpu.some.avg10", "pressure.cpu.some.total")]),
    (
        "memory",
        &[
            ("some", "pressure.memory.some.avg10", "pressure.memory.some.total"),
            ("full", "pressure.memory.full.avg10", "pressure.memory.full.total"),
        ],
    ),
    ("io", &[("some", "pressure.io.some.avg10", "pressure.io.some.total"), ("full", "pressure.io.full.avg10", "pressure.io.full.total")]),
];

/// Adds `pressure.*`.
pub(super) fn read(proc: &Path, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
    let outcomes = RESOURCES.iter().map(|(resource, lines)| read_one(&proc.join("pressure").join(resource), lines, reading));
    // Switched off at boot, the files are there but do not open.
    outcomes.filter(|outcome| !matches!(outcome, Err(error) if error.is_absent() || error.is_unsupported())).collect()
}

fn read_one(path: &Path, lines: Lines, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    for (whose, share, time) in lines {
        let line = text.lines().find_map(|line| line.strip_prefix(whose)?.strip_prefix(' '));
        let word = |key: &str| line?.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let percent: Option<f64> = word("avg10").and_then(|value| value.parse().ok()).filter(|percent| (0.0..=100.0).contains(percent));
        let microseconds: Option<u64> = word("total").and_then(|value| value.parse().ok());
        let (Some(percent), Some(microseconds)) = (percent, microseconds) else {
            return Err(source::malformed(path, format!("no line `{whose} avg10=0.00 avg60=0.00 avg300=0.00 total=0`")));
        };
        // In whole hundredths of a percent, as the kernel has it: else noise would show in every document.
        reading.gauge(share, &[], (percent * 100.0).round() / 10_000.0);
        reading.counter(time, &[], microseconds as f64 / 1e6);
    }
    Ok(())
}
