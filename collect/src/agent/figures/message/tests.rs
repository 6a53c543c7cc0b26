//! Messages there and back, and noise.

use proptest::prelude::*;
use verwalter_core::ids::NodeId;

use super::*;
use crate::agent::figures::row;
use crate::agent::seal::{ClusterName, overhead};
use crate::source::Row;

fn me() -> Identity {
    Identity::new(NodeId::from_bytes([7; 16]), 42, ([10, 0, 0, 1], 22_683).into())
}

#[test]
fn messages_are_read_as_they_were_written() {
    let digest = Digest::of(b"a set");
    let ask = Ask { turn: 3, interval_ms: 2_000, ttl_s: 30, digest };
    assert_eq!(Ask::read(&ask.write(&me())), Ok((me(), ask)));
    let head = Head { digest, seq: 9, age_ms: 1_200, facts: u64::MAX, parts: 5 };
    for told in [Told::Part { head, part: 4, bytes: b"row" }, Told::Unknown(digest), Told::Full(digest)] {
        assert_eq!(Told::read(&told.write(&me())), Ok((me(), told)));
    }
    for question in [Question::Rules { digest, json: b"[]" }, Question::Facts] {
        assert_eq!(Question::read(&question.write(&me())), Ok((me(), question)));
    }
    for reply in [Reply::Adopted, Reply::Refused("no room"), Reply::Facts { version: 1, json: b"{}" }] {
        assert_eq!(Reply::read(&reply.write(&me())), Ok((me(), reply)));
    }
}

#[test]
fn forged_parts_and_tails_are_refused() {
    let digest = Digest::of(b"a set");
    for (parts, part) in [(0, 0), (5, 5), (65, 0)] {
        let head = Head { digest, seq: 9, age_ms: 0, facts: 0, parts };
        let forged = Told::Part { head, part, bytes: b"" }.write(&me());
        assert_eq!(Told::read(&forged), Err(Malformed::Field("the number of a part")), "{part} of {parts}");
    }
    let mut ask = Ask { turn: 3, interval_ms: 2_000, ttl_s: 30, digest }.write(&me());
    ask.push(0);
    assert_eq!(Ask::read(&ask), Err(Malformed::Trailing));
}

/// The documentation of `Figures` tells them; 28 bytes are IP's and UDP's.
#[test]
fn bytes_of_a_row_and_of_a_wish() {
    let cluster = ClusterName::new("test").expect("a name");
    let digest = Digest::of(b"a set");
    let row = row::write(&Row { values: vec![1.5; 50], ..Row::default() }, 1_000).expect("room");
    let head = Head { digest, seq: 9, age_ms: 1_200, facts: u64::MAX, parts: 1 };
    let told = Told::Part { head, part: 0, bytes: &row }.write(&me());
    let ask = Ask { turn: 3, interval_ms: 2_000, ttl_s: 30, digest }.write(&me());
    assert_eq!((28 + overhead(&cluster) + told.len(), 28 + overhead(&cluster) + ask.len()), (577, 154));
    let v6 = Identity { addr: ("::1".parse::<std::net::IpAddr>().expect("an address"), 1).into(), ..me() };
    assert_eq!(Told::Part { head, part: 0, bytes: b"" }.write(&v6).len(), PART_HEADER);
}

proptest! {
    #[test]
    fn noise_is_refused_or_means_what_it_says(noise in prop::collection::vec(any::<u8>(), 0..160)) {
        if let Ok((sender, ask)) = Ask::read(&noise) {
            prop_assert_eq!(Ask::read(&ask.write(&sender)), Ok((sender, ask)));
        }
        if let Ok((sender, told)) = Told::read(&noise) {
            let written = told.write(&sender);
            prop_assert_eq!(Told::read(&written), Ok((sender, told)));
        }
        if let Ok((sender, question)) = Question::read(&noise) {
            let written = question.write(&sender);
            prop_assert_eq!(Question::read(&written), Ok((sender, question)));
        }
        if let Ok((sender, reply)) = Reply::read(&noise) {
            let written = reply.write(&sender);
            prop_assert_eq!(Reply::read(&written), Ok((sender, reply)));
        }
    }
}
