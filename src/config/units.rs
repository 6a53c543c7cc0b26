//! Durations, sizes and counts as people write them: `250ms`, `128MiB`, `5G`. A quantity without its unit is never guessed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};

/// A text that is no quantity of its sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a duration.
    #[error("write a whole number and a unit: ms, s, m or h, as in `250ms`")]
    Duration,
    /// Not a size.
    #[error("write a whole number and a unit: B, KiB, MiB or GiB, as in `64MiB`")]
    Size,
    /// Not a count.
    #[error("write a whole number, or one with K, M, G or T for thousands, millions, …, as in `5G`")]
    Count,
}

/// A duration, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(pub Duration);

/// A size in bytes, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// A number of things: fuel, values, elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(pub u64);

const DURATIONS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const COUNTS: [(&str, u64); 5] = [("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("K", 1_000), ("", 1)];

impl TimeSpan {
    /// So many milliseconds.
    pub const fn from_millis(ms: u64) -> TimeSpan {
        TimeSpan(Duration::from_millis(ms))
    }
}

impl ByteSize {
    /// So many bytes.
    pub const fn new(bytes: u64) -> ByteSize {
        ByteSize(bytes)
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The size in bytes, for what lies in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for TimeSpan {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<TimeSpan, UnitError> {
        parse(text, &DURATIONS).map(TimeSpan::from_millis).ok_or(UnitError::Duration)
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<ByteSize, UnitError> {
        parse(text, &SIZES).map(ByteSize).ok_or(UnitError::Size)
    }
}

impl FromStr for Count {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Count, UnitError> {
        parse(text, &COUNTS).map(Count).ok_or(UnitError::Count)
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &DURATIONS)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &SIZES)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &COUNTS)
    }
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start_matches(' '))?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// In the largest unit that gives a whole number, so that what is printed can be written back.
fn write(f: &mut fmt::Formatter<'_>, number: u64, units: &[(&str, u64)]) -> fmt::Result {
    let smallest = units[units.len() - 1];
    let (unit, factor) = units.iter().copied().find(|(_, factor)| number > 0 && number.is_multiple_of(*factor)).unwrap_or(smallest);
    write!(f, "{}{unit}", number / factor)
}

macro_rules! deserialize_from_text {
    ($($type:ident)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                // A number without a unit arrives as its text too, and is refused with the same words.
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

deserialize_from_text!(TimeSpan ByteSize Count);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = UnitError> + fmt::Display>(text: &str, expect: Result<&str, UnitError>) {
        assert_eq!(text.parse::<T>().map(|value| value.to_string()), expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn durations() {
        check::<TimeSpan>("250ms", Ok("250ms"));
        check::<TimeSpan>("1000ms", Ok("1s"));
        check::<TimeSpan>("90s", Ok("90s"));
        check::<TimeSpan>("120 s", Ok("2m"));
        check::<TimeSpan>("0s", Ok("0ms"));
        for bad in ["", "10", "s", "-1s", "1.5s", "1d", "1s ", "1S", "99999999999999999999s", "18446744073709551615h"] {
            check::<TimeSpan>(bad, Err(UnitError::Duration));
        }
        assert_eq!("2m".parse(), Ok(TimeSpan(Duration::from_secs(120))));
    }

    #[test]
    fn sizes() {
        check::<ByteSize>("128MiB", Ok("128MiB"));
        check::<ByteSize>("1024KiB", Ok("1MiB"));
        check::<ByteSize>("1000B", Ok("1000B"));
        for bad in ["", "1", "1MB", "1M", "MiB", "1mib", "18446744073709551615KiB"] {
            check::<ByteSize>(bad, Err(UnitError::Size));
        }
        assert_eq!("8MiB".parse::<ByteSize>().map(ByteSize::bytes), Ok(8 << 20));
    }

    #[test]
    fn counts() {
        check::<Count>("5G", Ok("5G"));
        check::<Count>("2000000", Ok("2M"));
        check::<Count>("1234", Ok("1234"));
        for bad in ["", "G", "5g", "5Gi", "-1", "1e9", "1_000", "99999999T"] {
            check::<Count>(bad, Err(UnitError::Count));
        }
    }
}
