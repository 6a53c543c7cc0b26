//! Numbers as people read them.

use super::*;

#[test]
fn numbers() {
    let check = |value: f64, unit: Option<Unit>, expect: &str, a_second: &str| {
        assert_eq!(figure(value, Measure { unit, per_second: false }), expect, "{value} {unit:?}");
        assert_eq!(figure(value, Measure { unit, per_second: true }), a_second, "{value} {unit:?} a second");
    };
    check(0.0, None, "0", "0 /s");
    check(3.0, None, "3", "3 /s");
    check(99_999.0, None, "99999", "99999 /s");
    check(123_456.0, None, "123 K", "123 K/s");
    check(-2_500_000.0, None, "-2.50 M", "-2.50 M/s");
    check(1.5e16, None, "15000 T", "15000 T/s");
    check(0.123_44, None, "0.123", "0.123 /s");
    check(0.012_34, None, "0.0123", "0.0123 /s");
    check(0.001_234, None, "0.00123", "0.00123 /s");
    check(0.000_012, None, "1.2e-5", "1.2e-5 /s");
    check(12.345, None, "12.3", "12.3 /s");
    check(999.9, None, "1000", "1000 /s");
    check(0.0, Some(Unit::Bytes), "0 B", "0 B/s");
    check(1023.0, Some(Unit::Bytes), "1023 B", "1023 B/s");
    check(1536.0, Some(Unit::Bytes), "1.50 KiB", "1.50 KiB/s");
    check(8_589_934_592.0, Some(Unit::Bytes), "8 GiB", "8 GiB/s");
    check(1e30, Some(Unit::Bytes), "8.67e11 EiB", "8.67e11 EiB/s");
    check(0.123, Some(Unit::Ratio), "12.3 %", "12.3 %/s");
    check(1.0, Some(Unit::Ratio), "100 %", "100 %/s");
    check(0.0, Some(Unit::Seconds), "0 s", "0 s/s");
    check(0.000_25, Some(Unit::Seconds), "250 µs", "2.5e-4 s/s");
    check(0.25, Some(Unit::Seconds), "250 ms", "0.250 s/s");
    check(90.0, Some(Unit::Seconds), "90 s", "90 s/s");
    check(5_400.0, Some(Unit::Seconds), "90 min", "5400 s/s");
    check(90_000.0, Some(Unit::Seconds), "25 h", "90000 s/s");
    check(1_000_000.0, Some(Unit::Seconds), "11.6 d", "1.00e6 s/s");
    check(f64::NAN, None, "-", "-/s");
    check(f64::INFINITY, Some(Unit::Seconds), "- d", "- s/s");
}

#[test]
fn ages() {
    let check = |ms: u64, expect: &str| assert_eq!(age(ms), expect);
    check(0, "0.0 s");
    check(431, "0.4 s");
    check(9_999, "10.0 s");
    check(35_000, "35 s");
    check(600_000, "10 min");
    check(u64::MAX, "2.14e11 d");
}
