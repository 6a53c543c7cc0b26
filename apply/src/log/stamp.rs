//! Times as the deployment log writes them, all UTC. It knows no clock and no zones.

use verwalter_core::ids::UnixMillis;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// The last millisecond of the year 9999: beyond it years have five digits, and clocks are wrong.
const LAST: u64 = 253_402_300_799_999;
/// Days from 0000-03-01 to 1970-01-01, and in four centuries.
const EPOCH_DAY: u64 = 719_468;
const ERA_DAYS: u64 = 146_097;

/// `2026-11-22T15:39:42.123Z`.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    let (year, month, day) = date(at);
    let (hour, minute, second) = time(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", at.0.min(LAST) % 1000)
}

/// `20261122`.
pub(super) fn day(at: UnixMillis) -> String {
    let (year, month, day) = date(at);
    format!("{year:04}{month:02}{day:02}")
}

/// `20261122153942`.
pub(super) fn segment(at: UnixMillis) -> String {
    let (hour, minute, second) = time(at);
    format!("{}{hour:02}{minute:02}{second:02}", day(at))
}

/// The beginning of a day or second as [`day`] and [`segment`] write them.
pub(super) fn parse(digits: &str) -> Option<UnixMillis> {
    if !matches!(digits.len(), 8 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse().ok());
    millis([number(0..4)?, number(4..6)?, number(6..8)?], [number(8..10)?, number(10..12)?, number(12..14)?])
}

/// Reads RFC 3339, as this program and its predecessor write it: any fraction, any offset.
pub(super) fn from_rfc3339(text: &str) -> Option<UnixMillis> {
    let bytes = text.as_bytes();
    let separators = [(4, b"-"), (7, b"-"), (10, b"T"), (13, b":"), (16, b":")];
    if !text.is_ascii() || bytes.len() < 20 || separators.iter().any(|(at, byte)| !byte.contains(&bytes[*at])) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let whole = millis([number(0, 4)?, number(5, 7)?, number(8, 10)?], [number(11, 13)?, number(14, 16)?, number(17, 19)?])?;
    let mut rest = &text[19..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let first: String = after[..digits].chars().chain("000".chars()).take(3).collect();
        fraction = if digits > 0 { first.parse().ok()? } else { return None };
        rest = &after[digits..];
    }
    let at = i64::try_from(whole.0 + fraction).ok()?;
    let ahead = match rest.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => {
            let two = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let minutes = two(h1, h2) * 60 + two(m1, m2);
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    u64::try_from(at - ahead * 60_000).ok().map(UnixMillis)
}

/// Year, month and day of month.
fn date(at: UnixMillis) -> (u64, u64, u64) {
    // Years that begin in March have their leap day last, so that lengths of months need no case.
    let days = at.0.min(LAST) / DAY_MILLIS + EPOCH_DAY;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

fn time(at: UnixMillis) -> (u64, u64, u64) {
    let seconds = at.0.min(LAST) % DAY_MILLIS / 1000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn millis([year, month, day]: [u64; 3], [hour, minute, second]: [u64; 3]) -> Option<UnixMillis> {
    // A leap second is told as the first of the next minute.
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year / 400, year % 400);
    let days = era * ERA_DAYS + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days - EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UnixMillis(seconds * 1000))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_and_read() {
        let check = |at, expect: &str| {
            assert_eq!(rfc3339(UnixMillis(at)), expect);
            assert_eq!(from_rfc3339(expect), Some(UnixMillis(at)), "{expect}");
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_795_362_482_123, "2026-11-22T15:48:02.123Z");
        check(LAST, "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(UnixMillis(u64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(segment(UnixMillis(1_795_362_482_123)), "20261122154802");
        assert_eq!(day(UnixMillis(1_795_362_482_123)), "20261122");
    }

    #[test]
    fn the_predecessors_times_are_read_and_others_are_not() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(from_rfc3339(text).map(|at| at.0), expect, "{text}");
        check("2026-11-22T15:48:02Z", Some(1_795_362_482_000));
        check("2026-11-22T17:48:02.123456789+02:00", Some(1_795_362_482_123));
        check("2026-11-22T15:48:02.5-00:30", Some(1_795_364_282_500));
        for bad in ["", "2026-11-22", "2026-11-22T15:48:02", "2026-13-22T15:48:02Z", "2026-11-22T15:48:02.Z", "2026-11-22T15:48:02+2:00"] {
            check(bad, None);
        }
        check("1970-01-01T00:00:00+01:00", None);
        check("2026-11-22T15:48:02é", None);
        for bad in ["", "2026", "20261322", "2026112215480", "+0261122", "19691231"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(at in 0..=LAST) {
            prop_assert_eq!(from_rfc3339(&rfc3339(UnixMillis(at))), Some(UnixMillis(at)));
            prop_assert_eq!(parse(&segment(UnixMillis(at))), Some(UnixMillis(at - at % 1000)));
            prop_assert_eq!(parse(&day(UnixMillis(at))), Some(UnixMillis(at - at % DAY_MILLIS)));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,30}", digits in "[0-9TZ:.+-]{0,30}") {
            for text in [text, digits] {
                let _ = from_rfc3339(&text);
                let _ = parse(&text);
            }
        }
    }
}
