//! Every value comes back, bit by bit, and what machines count takes little room.

use proptest::prelude::*;

use super::*;

fn coded(values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(values, &mut bytes);
    bytes
}

/// Codes `values` and asserts that they come back; gives their size in bytes.
#[track_caller]
fn round_trip(values: &[f64]) -> usize {
    let bytes = coded(values);
    let mut back = [0.0; BLOCK];
    decode(&bytes, &mut back);
    let bits = |values: &[f64]| values.iter().map(|value| (!value.is_nan()).then(|| value.to_bits())).collect::<Vec<_>>();
    let mut expect = values.to_vec();
    expect.resize(BLOCK, f64::NAN);
    assert_eq!(bits(&back), bits(&expect));
    assert!(bytes.len() <= 650, "{} bytes", bytes.len());
    bytes.len()
}

fn sixty_four(value: impl Fn(u32) -> f64) -> Vec<f64> {
    (0..64).map(value).collect()
}

#[test]
fn what_machines_count_is_small() {
    let cases = [
        (vec![], 1),
        (vec![f64::NAN; 64], 1),
        (sixty_four(|_| 0.0), 2),
        // The size of a memory, in bytes: 35 bits.
        (sixty_four(|_| 25_281_191_936.0), 6),
        // A clock grows by the same each time.
        (sixty_four(|i| 2_000.5 + 2.0 * f64::from(i)), 17),
        // Ticks that vary by four around 200: five bits each.
        (sixty_four(|i| f64::from(1_000_000 + 200 * i + i * 7 % 5) / 100.0), 45),
        // Pages that come and go: what all differences have in common is not written.
        (sixty_four(|i| f64::from(1 << 20) * 4_096.0 + f64::from(i * 37 % 11) * 4_096.0), 47),
        // One that is missing costs the bitmap of 8 bytes.
        (sixty_four(|i| if i == 9 { f64::NAN } else { 0.0 }), 10),
    ];
    let expect: Vec<usize> = cases.iter().map(|(_, bytes)| *bytes).collect();
    let bytes: Vec<usize> = cases.iter().map(|(values, _)| round_trip(values)).collect();
    assert_eq!(bytes, expect);
    // Quotients of arbitrary numbers are kept bit by bit.
    assert!((400..=500).contains(&round_trip(&sixty_four(|i| f64::from(i * 37 % 101) / f64::from(400 + i % 3)))));
}

#[test]
fn odd_numbers_come_back() {
    for values in [
        vec![-0.0],
        vec![0.0, -0.0],
        vec![f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON],
        vec![5e-324, 0.0, -5e-324],
        vec![9_007_199_254_740_992.0, -9_007_199_254_740_992.0, 9_007_199_254_740_992.0, 0.0],
        vec![9_007_199_254_740_993.0 * 2.0, 1.0],
        vec![0.1, 0.2, 0.1 + 0.2],
        vec![1e300, 1.0, 1e-300],
        vec![0.0, 1e15, 0.0, 1.0, 2.0, 3.0],
    ] {
        round_trip(&values);
    }
}

proptest! {
    #[test]
    fn any_bits_come_back(bits in proptest::collection::vec(any::<u64>(), 0..=BLOCK)) {
        round_trip(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
    }

    #[test]
    fn whole_numbers_and_their_quotients_come_back(
        begin in -(1_i64 << 53)..1_i64 << 53,
        steps in proptest::collection::vec(
            prop_oneof![4 => -300..300_i64, 2 => Just(0), 1 => -1_i64 << 40..1_i64 << 40, 1 => Just(i64::MAX)],
            0..BLOCK,
        ),
        divisor in 0..DIVISORS.len(),
        unit in 0..20_u32,
    ) {
        let mut number = begin;
        let mut values = vec![number as f64 / DIVISORS[divisor]];
        for step in steps {
            // The greatest step stands for a missing value.
            number = if step == i64::MAX { number } else { (number + (step << unit)).clamp(-1 << 53, 1 << 53) };
            values.push(if step == i64::MAX { f64::NAN } else { number as f64 / DIVISORS[divisor] });
        }
        round_trip(&values);
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let mut first = [0.0; BLOCK];
        let mut second = [1.0; BLOCK];
        decode(&bytes, &mut first);
        decode(&bytes, &mut second);
        prop_assert_eq!(first.map(f64::to_bits), second.map(f64::to_bits), "all values are set");
    }
}
