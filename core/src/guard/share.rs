//! A share of a whole, written `50%` or 0.5, exact to a millionth. It never guesses whether 50 meant a half.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A share between nothing and all, in millionths: whole numbers, so that 57 of 100 is 57 % and not a little less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

/// A value that is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a percentage from 0% to 100%, as in `50%`, or a fraction from 0 to 1, as in 0.5")]
pub struct ShareError;

const WHOLE: u32 = 1_000_000;
const PERCENT: u32 = WHOLE / 100;

impl Share {
    /// One half.
    pub const HALF: Share = Share(WHOLE / 2);

    /// Whether `part` is more than this share of `whole`.
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(WHOLE) > u128::from(self.0) * u128::from(whole)
    }

    /// The least whole percentage that `part` of `whole` does not exceed; all, where there is none.
    pub fn holding(part: u64, whole: u64) -> Share {
        let percents = (0..=100).map(|percent| Share(percent * PERCENT));
        percents.into_iter().find(|share| !share.is_exceeded_by(part, whole)).unwrap_or(Share(WHOLE))
    }
}

/// A fraction from 0 to 1.
impl TryFrom<f64> for Share {
    type Error = ShareError;
    fn try_from(fraction: f64) -> Result<Share, ShareError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(ShareError);
        }
        // Between 0 and a million: the conversion is exact.
        Ok(Share((fraction * f64::from(WHOLE)).round() as u32))
    }
}

/// `50%`, `12.5%` or `0.5`.
impl FromStr for Share {
    type Err = ShareError;
    fn from_str(text: &str) -> Result<Share, ShareError> {
        let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
        // Rust reads `inf`, `1e-3` and `+1` as numbers; people who write them here mean something else.
        if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(ShareError);
        }
        let number: f64 = number.parse().map_err(|_| ShareError)?;
        Share::try_from(number / whole)
    }
}

/// As a percentage, which can be written back.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / PERCENT, self.0 % PERCENT);
        if rest == 0 {
            return write!(f, "{percent}%");
        }
        let decimals = format!("{rest:04}");
        write!(f, "{percent}.{}%", decimals.trim_end_matches('0'))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        deserializer.deserialize_any(ShareVisitor)
    }
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = Share;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share: `50%` or 0.5")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Share, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, fraction: f64) -> Result<Share, E> {
        Share::try_from(fraction).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Share, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Share, E> {
        self.visit_f64(number as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(text.parse::<Share>().ok().map(|share| share.to_string()).as_deref(), expect, "{text}");
    }

    #[test]
    fn percentages_and_fractions() {
        check("50%", Some("50%"));
        check("0.5", Some("50%"));
        check("12.5%", Some("12.5%"));
        check("0.0001%", Some("0.0001%"));
        check("0%", Some("0%"));
        check("0", Some("0%"));
        check("100%", Some("100%"));
        check("1", Some("100%"));
        for bad in ["", "%", ".", "50", "101%", "1.5", "-1%", "+5%", "inf", "NaN", "1e-3", "50 %", " 50%", "5%%", "1.2.3%", "½"] {
            check(bad, None);
        }
    }

    #[test]
    fn read_from_a_document() {
        let read = |text: &str| serde_json::from_str::<Share>(text).ok().map(|share| share.to_string());
        assert_eq!(read("\"80%\""), Some("80%".to_owned()));
        assert_eq!(read("0.8"), Some("80%".to_owned()));
        assert_eq!(read("1"), Some("100%".to_owned()));
        for bad in ["80", "-1", "1.01", "true", "null", "[]"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_share_is_not_exceeded_by_itself() {
        assert!(!"57%".parse::<Share>().expect("valid").is_exceeded_by(57, 100));
        assert!("57%".parse::<Share>().expect("valid").is_exceeded_by(58, 100));
        assert!(!Share::HALF.is_exceeded_by(0, 0));
        assert!(Share::HALF.is_exceeded_by(u64::MAX, u64::MAX));
        assert_eq!(Share::holding(2, 3).to_string(), "67%");
        assert_eq!(Share::holding(0, 3).to_string(), "0%");
        assert_eq!(Share::holding(5, 0).to_string(), "100%");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millionths in 0..=WHOLE) {
            prop_assert_eq!(Share(millionths).to_string().parse(), Ok(Share(millionths)));
        }

        #[test]
        fn a_holding_share_holds(part in 0u64..1000, more in 0u64..1000) {
            prop_assert!(!Share::holding(part, part + more).is_exceeded_by(part, part + more));
        }
    }
}
