//! Requests and answers over TCP: what is in them, and what is refused.

use std::net::{Ipv6Addr, SocketAddr};

use foca::State;
use verwalter_core::names::Hostname;

use super::*;
use crate::agent::identity::Identity;

fn identity(number: u16) -> Identity {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    Identity::new(NodeId::from_bytes(id), 1_700_000_000_000, SocketAddr::new(ip.into(), 22_683))
}

fn card(number: u16, name: usize) -> Card {
    let who = identity(number);
    let hostname = Hostname::new(&format!("n{number}.{}", "x".repeat(50))).expect("a hostname");
    Card { id: who.id, generation: 1, version: 1, left: false, started: 1, hostname, name: "ä".repeat(name / 2), api: Some(who.addr) }
}

fn words(members: u16, name: usize) -> Words {
    let known = |number| Known {
        member: Member::new(identity(number), 3, State::Suspect),
        age: Some(number),
        card: (number % 2 == 0).then_some((1, 1)),
    };
    let (members, cards) = (1..=members, (1..=members).map(|number| card(number, name)).collect());
    Words { me: identity(0), incarnation: 7, card: card(0, name), members: members.map(known).collect(), cards }
}

#[test]
fn what_is_written_is_read() {
    let words = words(40, 30);
    assert_eq!(Words::read(&words.write(MAX_ANSWER)), Ok(words.clone()));
    assert_eq!(words.editions().count(), 20);
}

#[test]
fn the_largest_cluster_fits_a_request_and_an_answer_holds_what_it_can() {
    let most = u16::try_from(MAX_MEMBERS).expect("below 65536");
    let all = words(most, 250);
    let request = Words { cards: Vec::new(), ..all.clone() }.write(MAX_REQUEST);
    assert!(request.len() < MAX_REQUEST - 200, "{}", request.len());
    let answer = all.write(MAX_ANSWER - 200);
    assert!(answer.len() <= MAX_ANSWER - 200);
    let read = Words::read(&answer).expect("readable");
    assert_eq!(read.members.len(), MAX_MEMBERS);
    assert!(read.cards.len() > 5_000 && read.cards.len() < MAX_MEMBERS, "{}", read.cards.len());
}

#[test]
fn what_is_cut_or_goes_on_is_refused() {
    let written = words(3, 10).write(MAX_ANSWER);
    for len in 0..written.len() {
        assert!(Words::read(&written[..len]).is_err(), "cut at {len}");
    }
    assert_eq!(Words::read(&[written, vec![0]].concat()), Err(Malformed::Trailing));
}

#[test]
fn a_card_always_finds_room_in_a_datagram() {
    let label = "x".repeat(63);
    let hostname = Hostname::new(&[&label[..], &label, &label, &label[..61]].join(".")).expect("the longest");
    let longest = Card { hostname, left: true, ..card(1, 255) };
    let mut written = Vec::new();
    longest.write(&mut written);
    assert!(written.len() <= 561, "{}", written.len());
    assert_eq!(Card::read(&mut Reader::new(&written)), Ok(longest.clone()));
    let mut control = Vec::new();
    Card { name: "a\nb".to_owned(), ..longest }.write(&mut control);
    assert_eq!(Card::read(&mut Reader::new(&control)), Err(Malformed::Field("a name with control characters")));
}
