//! `/proc/meminfo`, every line by its own name.
//!
//! The `procfs` crate is not used for it: it drops fields it does not know, demands some that minimal kernels lack, and slices a line
//! by bytes, which panics on garbage.

use std::path::Path;

use super::Reading;
use super::source::{self, SourceError};

/// Longest field name, in bytes. The kernel's longest has 18.
const MAX_FIELD_BYTES: usize = 64;

/// Adds `memory.*`.
pub(super) fn read(proc: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let path = proc.join("meminfo");
    let text = source::read_text(&path)?;
    let mut understood = false;
    for (name, value) in text.lines().filter_map(field) {
        understood = true;
        reading.gauge(&format!("memory.{name}"), &[], value as f64);
    }
    if understood { Ok(()) } else { Err(source::malformed(&path, "no line of the form `MemTotal: 1024 kB`")) }
}

/// One line as name and bytes; a line without a unit is a count.
fn field(line: &str) -> Option<(String, u64)> {
    let (name, rest) = line.split_once(':')?;
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'(' | b')');
    if name.is_empty() || name.len() > MAX_FIELD_BYTES || !name.bytes().all(sound) {
        return None;
    }
    let mut words = rest.split_ascii_whitespace();
    let value: u64 = words.next()?.parse().ok()?;
    let value = match words.next() {
        None => value,
        Some("kB") => value.checked_mul(1024)?,
        Some(_) => return None,
    };
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_meminfo() {
        let check =
            |line, expect: Option<(&str, u64)>| assert_eq!(field(line), expect.map(|(name, value)| (name.to_owned(), value)), "{line}");
        check("MemTotal:       24684084 kB", Some(("MemTotal", 24_684_084 * 1024)));
        check("Active(anon):     117128 kB", Some(("Active(anon)", 117_128 * 1024)));
        check("HugePages_Total:       3", Some(("HugePages_Total", 3)));
        check("MemTotal: 5 MB", None);
        check("MemTotal: -5 kB", None);
        check("MemTotal: 18446744073709551615 kB", None);
        check("MemTotalé: 5 kB", None);
        check(": 5 kB", None);
        check("é", None);
        check("", None);
    }
}
