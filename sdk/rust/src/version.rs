//! Orders of version texts, for "the newest template" and the like. It judges no version and changes none.
//!
//! | function | order | for |
//! |---|---|---|
//! | [`natural`] | that of dpkg and, nearly, rpm: numbers by value, `~` before the end | any text: `v9` < `v10`, `1.0~rc1` < `1.0` |
//! | [`Semver`] | Semantic Versioning 2.0 | `1.0.0-rc.1` < `1.0.0` |
//!
//! ```
//! use verwalter_plugin::version::{Semver, natural, newest};
//!
//! assert_eq!(newest(["web/v9", "web/v10", "web/v1"]), Some("web/v10"));
//! assert!(natural("1.0~rc1", "1.0").is_lt());
//! assert!(Semver::parse("v1.0.0-rc.1") < Semver::parse("v1.0"));
//! ```

use std::cmp::Ordering;

/// Compares as dpkg compares upstream versions (Debian policy, 5.6.12), on the bytes of any texts.
///
/// From the left, by turns: the longest beginnings without a digit are compared byte by byte, where `~` comes first, then the end of the
/// beginning, then ASCII letters, then all others; next the longest beginnings of digits, as numbers of any length, none being 0. The
/// first difference decides. There are no epochs and revisions: `:` and `-` are characters like others.
///
/// `Equal` does not mean the same text: `1.0` and `1.00` are equal. O(length).
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (left, right) = (split(&mut a, |byte| !byte.is_ascii_digit()), split(&mut b, |byte| !byte.is_ascii_digit()));
        let order = compare_texts(left, right);
        if order.is_ne() {
            return order;
        }
        let (left, right) = (split(&mut a, u8::is_ascii_digit), split(&mut b, u8::is_ascii_digit));
        let order = compare_numbers(left, right);
        if order.is_ne() || (a.is_empty() && b.is_empty()) {
            return order;
        }
    }
}

/// The newest of `versions` by [`natural`]; of equal ones the greatest by its bytes, so that their order does not matter.
pub fn newest<'v>(versions: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    versions.into_iter().max_by(|a, b| natural(a, b).then_with(|| a.cmp(b)))
}

/// Cuts the longest beginning that `matches` off `rest`.
fn split<'t>(rest: &mut &'t [u8], matches: impl Fn(&u8) -> bool) -> &'t [u8] {
    let end = rest.iter().position(|byte| !matches(byte)).unwrap_or(rest.len());
    let (beginning, after) = rest.split_at(end);
    *rest = after;
    beginning
}

fn compare_texts(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let longer = a.len().max(b.len());
    let mut orders = (0..longer).map(|at| weight(a.get(at)).cmp(&weight(b.get(at))));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A version by Semantic Versioning 2.0 (<https://semver.org>): `MAJOR.MINOR.PATCH`, `-PRE.RELEASE`, `+BUILD`.
///
/// More is read than the standard allows: a leading `v`, a missing minor or patch number (0), leading zeros. The build is not compared,
/// as the standard has it; so versions that are equal may be written differently.
#[derive(Debug, Clone, Copy)]
pub struct Semver<'v> {
    numbers: [u64; 3],
    /// Without its `-`; "" for a release.
    pre: &'v str,
}

impl<'v> Semver<'v> {
    /// Reads a version; `None` where `text` is none, or a number is beyond 64 bits.
    pub fn parse(text: &'v str) -> Option<Semver<'v>> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text.split_once('+').unwrap_or((text, "0"));
        let (core, pre) = text.split_once('-').unwrap_or((text, "0"));
        if !identifiers(build) || !identifiers(pre) {
            return None;
        }
        let pre = if core.len() == text.len() { "" } else { pre };
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            let Some(part) = parts.next() else { break };
            *number = digits(part)?;
        }
        if core.is_empty() || parts.next().is_some() {
            return None;
        }
        Some(Semver { numbers, pre })
    }

    /// The major, minor and patch number.
    pub fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    /// The pre-release, `rc.1`; `None` for a release.
    pub fn pre_release(&self) -> Option<&'v str> {
        (!self.pre.is_empty()).then_some(self.pre)
    }
}

/// `parse` would take a sign.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn identifiers(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

impl Ord for Semver<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (self.pre_release(), other.pre_release()) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare_identifiers(a, b),
        })
    }
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let order = match (is_number(a), is_number(b)) {
            (true, true) => compare_numbers(a.as_bytes(), b.as_bytes()),
            (false, false) => a.cmp(b),
            // Numbers come before words.
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl PartialOrd for Semver<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Semver<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Semver<'_> {}
