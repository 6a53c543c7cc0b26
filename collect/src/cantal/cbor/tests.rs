//! Values of every kind, and bytes that are none.

use proptest::prelude::*;

use super::*;

#[test]
fn numbers_of_every_width_are_read() {
    let check = |bytes: &[u8], expect: f64| assert_eq!(Reader::new(bytes).f64(), Ok(expect), "{bytes:02x?}");
    check(&[0x00], 0.0);
    check(&[0x17], 23.0);
    check(&[0x18, 0xff], 255.0);
    check(&[0x19, 0x01, 0x00], 256.0);
    check(&[0x1a, 0x00, 0x01, 0x00, 0x00], 65_536.0);
    check(&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0], 4_294_967_296.0);
    check(&[0x20], -1.0);
    check(&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN as f64);
    // The examples of RFC 8949, appendix A.
    check(&[0xf9, 0x3c, 0x00], 1.0);
    check(&[0xf9, 0x7b, 0xff], 65_504.0);
    check(&[0xf9, 0x00, 0x01], 5.960_464_477_539_063e-8);
    check(&[0xf9, 0xc4, 0x00], -4.0);
    check(&[0xf9, 0x7c, 0x00], f64::INFINITY);
    check(&[0xfa, 0x47, 0xc3, 0x50, 0x00], 100_000.0);
    check(&[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], 1.1);
    assert!(Reader::new(&[0xf9, 0x7e, 0x00]).f64().expect("a number").is_nan());
    assert!(Reader::new(&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).f64().is_err(), "below any whole number of 64 bits");
}

#[test]
fn arrays_with_and_without_a_length_are_walked() {
    let check = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        let mut items = reader.array().expect("an array");
        let mut read = Vec::new();
        while reader.more(&mut items).expect("whole") {
            read.push(reader.u64().expect("a number"));
        }
        assert!(!reader.more(&mut items).expect("still at its end"));
        assert_eq!((read, reader.end()), (vec![1, 2], Ok(())));
    };
    check(&[0x82, 1, 2]);
    check(&[0x9f, 1, 2, 0xff]);
}

#[test]
fn a_length_that_lies_costs_nothing() {
    let mut reader = Reader::new(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    let mut items = reader.array().expect("an array");
    assert!(reader.more(&mut items).expect("announced"));
    assert_eq!(reader.u64(), Ok(1));
    assert!(reader.more(&mut items).expect("announced") && reader.u64().is_err());
    let text = [0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, b'a'];
    assert!(Reader::new(&text).text().is_err());
    let bytes = [0x5a, 0xff, 0xff, 0xff, 0xff, 0];
    assert!(Reader::new(&bytes).bytes().is_err());
}

#[test]
fn what_nests_without_end_is_refused() {
    let bomb = vec![0x81; 1 << 20];
    assert!(Reader::new(&bomb).skip().is_err());
    let bomb = vec![0x9f; 1 << 20];
    assert!(Reader::new(&bomb).skip().is_err());
}

#[test]
fn what_ends_too_early_or_too_late_is_told() {
    assert!(Reader::new(&[]).kind().is_err());
    let mut reader = Reader::new(&[0x9f]);
    let mut items = reader.array().expect("an array");
    assert!(reader.more(&mut items).is_err());
    let mut reader = Reader::new(&[1, 2]);
    assert_eq!(reader.u64(), Ok(1));
    assert!(reader.end().is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), steps in proptest::collection::vec(0_u8..8, 0..40)) {
        let mut reader = Reader::new(&bytes);
        let mut open = Vec::new();
        for step in steps {
            let went = match step {
                0 => reader.u64().map(drop),
                1 => reader.f64().map(drop),
                2 => reader.text().map(drop),
                3 => reader.bytes().map(drop),
                4 => reader.skip(),
                5 => reader.array().map(|items| open.push(items)),
                6 => reader.map().map(|items| open.push(items)),
                _ => open.last_mut().map_or(Ok(()), |items| reader.more(items).map(drop)),
            };
            if went.is_err() {
                break;
            }
        }
    }
}
