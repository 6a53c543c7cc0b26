//! How much memory this process has, as the system counts it. Where the system does not say, nothing is known and nothing fails.

use std::fs;

/// Resident memory now, in bytes.
pub(super) fn now() -> Option<u64> {
    read("VmRSS:")
}

/// The most resident memory since the last [`forget_peak`], in bytes.
pub(super) fn peak() -> Option<u64> {
    read("VmHWM:")
}

/// Begins a new peak at what is resident now. Whether the system allows that or not: a peak is at least what it was.
pub(super) fn forget_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

fn read(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_counted() {
        const BYTES: usize = 32 << 20;
        let before = now().unwrap();
        let touched = vec![1_u8; BYTES];
        assert!(peak().unwrap() >= before + BYTES as u64 / 2, "{} bytes are not seen", std::hint::black_box(&touched).len());
    }
}
