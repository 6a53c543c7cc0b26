//! Sealing and opening, with every mistake.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

fn cluster() -> ClusterName {
    ClusterName::new("prod").expect("valid")
}

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(&keys.iter().map(|&byte| [byte; 32]).collect::<Vec<_>>())
}

fn sealed(keys: &KeyRing, body: &[u8]) -> Vec<u8> {
    seal(Kind::Datagram, &cluster(), keys, b"", body, &mut StdRng::seed_from_u64(1))
}

fn opened(keys: &KeyRing, packet: &[u8]) -> Result<Vec<u8>, Sealed> {
    open(Kind::Datagram, &cluster(), keys, b"", packet)
}

#[test]
fn what_is_sealed_is_opened_by_whoever_has_the_key() {
    let packet = sealed(&ring(&[1]), b"hello");
    assert_eq!(packet.len(), 5 + overhead(&cluster()));
    assert!(!packet.windows(5).any(|window| window == b"hello"));
    assert_eq!(opened(&ring(&[2, 1]), &packet), Ok(b"hello".to_vec()));
    assert!(matches!(opened(&ring(&[2]), &packet), Err(Sealed::UnknownKey { .. })));
    assert!(matches!(opened(&KeyRing::default(), &packet), Err(Sealed::NoKeys { .. })));
}

#[test]
fn in_clear_only_among_nodes_without_keys() {
    let packet = sealed(&KeyRing::default(), b"hello");
    assert_eq!(opened(&KeyRing::default(), &packet), Ok(b"hello".to_vec()));
    assert_eq!(opened(&ring(&[1]), &packet), Err(Sealed::Clear));
}

#[test]
fn a_byte_changed_anywhere_is_noticed() {
    let keys = ring(&[1]);
    let packet = sealed(&keys, b"hello");
    for index in 0..packet.len() {
        let mut changed = packet.clone();
        changed[index] ^= 1;
        assert!(opened(&keys, &changed).is_err(), "byte {index}");
        assert!(opened(&keys, &packet[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn strangers_are_told_apart() {
    let keys = ring(&[1]);
    let dev = ClusterName::new("dev").expect("valid");
    let packet = seal(Kind::Datagram, &dev, &keys, b"", b"hello", &mut StdRng::seed_from_u64(1));
    let error = opened(&keys, &packet).expect_err("another cluster");
    assert!(error.to_string().contains("`dev`, this node to `prod`"), "{error}");
    let mut newer = sealed(&keys, b"hello");
    newer[1] = 9;
    assert_eq!(opened(&keys, &newer), Err(Sealed::Protocol { theirs: 9 }));
    assert_eq!(opened(&keys, b"GET / HTTP/1.1\r\n"), Err(Sealed::Garbage));
}

#[test]
fn an_answer_fits_its_request_only() {
    let keys = ring(&[1]);
    let mut rng = StdRng::seed_from_u64(1);
    let answer = seal(Kind::Answer, &cluster(), &keys, b"request 1", b"hello", &mut rng);
    let check = |kind, bound: &[u8]| open(kind, &cluster(), &keys, bound, &answer);
    assert_eq!(check(Kind::Answer, b"request 1"), Ok(b"hello".to_vec()));
    assert!(matches!(check(Kind::Answer, b"request 2"), Err(Sealed::Forged { .. })));
    assert_eq!(check(Kind::Request, b"request 1"), Err(Sealed::Kind));
}

#[test]
fn names_of_clusters() {
    assert!(ClusterName::new("eu-1.example_x").is_ok());
    for bad in ["", "a b", "käse", &"x".repeat(49)] {
        assert_eq!(ClusterName::new(bad), Err(ClusterNameError), "{bad}");
    }
}
