//! The recorded lists, and lists that no cantal should tell.

use proptest::prelude::*;

use super::*;

const RECORDED: &[u8] = include_bytes!("../../../tests/fixtures/cantal/all_peers.json");
const AFTER_A_DEATH: &[u8] = include_bytes!("../../../tests/fixtures/cantal/all_peers.30s-after-node3-killed.json");
/// When the first of them was recorded.
const THEN: UnixMillis = UnixMillis(1_795_289_939_800);

fn id(last: u8) -> NodeId {
    let mut bytes = [0; 16];
    bytes[15] = last;
    NodeId::from_bytes(bytes)
}

fn list(peers: &str) -> Peers {
    read(format!(r#"{{"peers":[{peers}]}}"#).as_bytes(), UnixMillis(100_000), 8379).expect("a list")
}

/// One peer's record in the fewest words, with its id's last digits and `more` behind.
fn record(id: &str, more: &str) -> String {
    format!(r#"{{"id":"000000000000000000000000000000{id}","hostname":"h{id}","name":"n","addresses":[],"known_since":1000{more}}}"#)
}

#[test]
fn the_recorded_list_is_understood() {
    let peers = read(RECORDED, THEN, 8379).expect("recorded");
    assert_eq!((peers.at, peers.complaints), (THEN, vec![]));
    let expect = |last, hostname: &str, ip: &str, known_since, last_report| SeenPeer {
        id: id(last),
        hostname: Hostname::new(hostname).expect("valid"),
        name: hostname.to_owned(),
        addr: Some(format!("{ip}:8379").parse().expect("valid")),
        agent: Some(format!("{ip}:22682").parse().expect("valid")),
        known_since: UnixMillis(known_since),
        last_report: Some(UnixMillis(last_report)),
        alive: true,
        machine: Arc::new(Map::new()),
        state: None,
    };
    let seen: Vec<SeenPeer> = peers.peers.iter().map(|peer| (**peer).clone()).collect();
    assert_eq!(
        seen,
        [
            expect(2, "node2.example.org", "10.77.0.2", 1_795_289_856_397, 1_795_289_938_042),
            expect(3, "node3.example.org", "10.77.0.3", 1_795_289_881_964, 1_795_289_938_013),
        ]
    );
}

#[test]
fn a_peer_is_alive_for_75_s_after_its_last_report() {
    let alive = |at| {
        let peers = read(AFTER_A_DEATH, UnixMillis(at), 8379).expect("recorded");
        peers.peers.iter().map(|peer| peer.alive).collect::<Vec<_>>()
    };
    // Node 3 was killed; its last direct report stands at …671996, node 2's at …701027.
    assert_eq!(alive(1_795_291_671_996 + 75_000), [true, true]);
    assert_eq!(alive(1_795_291_671_996 + 75_001), [true, false]);
    assert_eq!(alive(1_795_291_701_027 + 75_001), [false, false]);
}

#[test]
fn one_that_never_reported_is_alive_for_75_s_after_it_was_heard_of() {
    let check = |known_since: u64, expect: bool| {
        let text = record("02", "").replace("1000", &known_since.to_string());
        assert_eq!(list(&text).peers[0].alive, expect, "{known_since}");
    };
    check(25_000, true);
    check(24_999, false);
    check(200_000, true);
}

#[test]
fn every_option_may_be_null_or_missing_and_unknown_fields_do_not_matter() {
    let nulls = r#","primary_addr":null,"last_probe":null,"last_roundtrip":null,"random_peer_roundtrip":null,"report":null,"last_report_direct":null"#;
    let unknown = r#","from_the_future":{"a":[1,{"b":null}]},"last_report":5,"probe_time":null"#;
    for more in [nulls, unknown, ""] {
        let peers = list(&record("02", more));
        assert_eq!(peers.complaints, Vec::<String>::new());
        let peer = &peers.peers[0];
        assert_eq!((peer.addr, peer.agent, peer.last_report), (None, None, None));
    }
}

#[test]
fn what_makes_no_sense_is_left_out_and_told() {
    let good = record("02", "");
    let check = |bad: &str, words: &str| {
        let peers = list(&format!("{bad},{good}"));
        assert_eq!(peers.peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [id(2)], "{bad}");
        assert!(peers.complaints.len() == 1 && peers.complaints[0].contains(words), "{words}: {:?}", peers.complaints);
    };
    check(&record("xy", ""), "a node id must be 32 hexadecimal digits");
    check(&record("03", "").replace(r#""hostname":"h03","#, ""), "no `hostname`");
    check(&record("03", "").replace(r#""h03""#, "null"), "no `hostname`");
    check(&record("03", "").replace(r#""name":"n","#, ""), "no `name`");
    check(&record("03", "").replace("h03", "bad_name"), "rename the machine");
    check(&record("03", "").replace(r#","known_since":1000"#, ""), "no `known_since`");
    check(&record("03", r#","primary_addr":"nowhere""#), "`nowhere` is no address");
    check(&record("03", r#","primary_addr":7"#), "its record is not cantal's");
    check(&record("03", &format!(r#","name":"{}""#, "n".repeat(600))), "its record is not cantal's");
    check(&record("03", "").replace(r#""n""#, &format!("\"{}\"", "n".repeat(600))), "longer than 512 bytes");
    check("7", "its record is not cantal's");
    check("null", "its record is not cantal's");
    check(&format!("{}1{}", "[".repeat(100), "]".repeat(100)), "its record is not cantal's");
    check(&good.replace("h02", "other").replace(&good, ""), "listed twice");
}

#[test]
fn hostnames_are_read_as_the_own_one_is() {
    assert_eq!(list(&record("02", "").replace("h02", "Beta")).peers[0].hostname.as_str(), "beta");
}

#[test]
fn an_address_of_the_old_internet_stays_one() {
    let peers = list(&record("02", r#","primary_addr":"[::ffff:10.0.0.2]:22682""#));
    assert_eq!(peers.peers[0].addr, Some("10.0.0.2:8379".parse().expect("valid")));
}

#[test]
fn complaints_are_counted_beyond_their_cap() {
    let peers = list(&vec!["{}"; 100].join(","));
    assert_eq!(peers.complaints.len(), MAX_COMPLAINTS);
    assert_eq!(peers.complaints[MAX_COMPLAINTS - 1], format!("and {} more such peers", 100 - (MAX_COMPLAINTS - 1)));
}

#[test]
fn more_peers_than_are_kept_are_told() {
    let one = |number: usize| format!(r#"{{"id":"{number:032x}","hostname":"h","name":"n","known_since":1}}"#);
    let all: Vec<String> = (0..MAX_PEERS + 2).map(one).collect();
    let peers = list(&all.join(","));
    assert_eq!((peers.peers.len(), peers.complaints.len()), (MAX_PEERS, 2));
}

#[test]
fn what_is_no_list_of_peers_is_an_error() {
    for bytes in
        [&b""[..], b"{}", b"[]", b"{\"peers\":{}}", b"{\"peers\":null}", b"{\"peers\":[]", b"{\"peers\":[]}x", b"\xff\xfe", b"<html>"]
    {
        assert!(read(bytes, THEN, 1).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    let deep = format!("{{\"peers\":[{}", "[".repeat(1 << 20));
    assert!(read(deep.as_bytes(), THEN, 1).is_err());
}

proptest! {
    #[test]
    fn no_damage_to_a_recording_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = RECORDED.to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(peers) = read(&bytes, THEN, 1) {
            prop_assert!(peers.peers.is_sorted_by_key(|peer| peer.id) && peers.complaints.len() <= MAX_COMPLAINTS);
        }
        bytes.truncate(end.index(bytes.len()));
        prop_assert!(read(&bytes, THEN, 1).is_err(), "it is not whole");
    }
}

/// Who is alive of `peers`.
fn shown(peers: &Peers) -> Vec<(NodeId, bool)> {
    peers.peers.iter().map(|peer| (peer.id, peer.alive)).collect()
}

/// So long after node 3's last report, which is 29 ms older than node 2's.
fn later(millis: u64) -> UnixMillis {
    UnixMillis(1_795_289_938_013 + millis)
}

/// As an agent answers when it was just started.
fn empty(at: UnixMillis) -> Peers {
    Peers { at, ..Peers::default() }
}

#[test]
fn whom_an_agent_forgot_is_held_for_what_it_was() {
    const NEVER: UnixMillis = UnixMillis(0);
    let before = read(RECORDED, THEN, 8379).expect("recorded");
    let check = |millis, expect: &[(NodeId, bool)]| assert_eq!(shown(&remember(&before, empty(later(millis)), NEVER)), expect, "{millis}");
    check(1_000, &[(id(2), true), (id(3), true)]);
    check(75_010, &[(id(2), true), (id(3), false)]);
    check(75_030, &[(id(2), false), (id(3), false)]);
    check(3_600_010, &[(id(2), false)]);
    check(3_600_030, &[]);
    // Whom it meets again is what it says of it.
    let mut met = read(RECORDED, later(5_000), 8379).expect("recorded");
    met.peers.remove(0);
    let again = remember(&before, met.clone(), NEVER);
    assert_eq!(shown(&again), [(id(2), true), (id(3), true)]);
    assert!(Arc::ptr_eq(&again.peers[1], &met.peers[0]) && Arc::ptr_eq(&again.peers[0], &before.peers[0]));
}

#[test]
fn a_long_silence_counts_for_nobody() {
    let mut known = read(RECORDED, THEN, 8379).expect("recorded");
    // Node 2 was gone before the agent fell silent.
    let gone = SeenPeer { alive: false, ..(*known.peers[0]).clone() };
    known.peers[0] = Arc::new(gone);
    let back = later(600_000);
    for (millis, alive) in [(600_000, true), (675_000, true), (675_001, false)] {
        known = remember(&known, empty(later(millis)), back);
        assert_eq!(shown(&known), [(id(2), false), (id(3), alive)], "{millis}");
    }
    // An outage longer than nodes that are gone are told of.
    let known = read(RECORDED, THEN, 8379).expect("recorded");
    assert_eq!(shown(&remember(&known, empty(later(9_000_000)), later(9_000_000))), [(id(2), true), (id(3), true)]);
}

#[test]
fn whom_an_agent_forgot_grows_old_although_its_clock_was_set_back() {
    let mut known = read(RECORDED, THEN, 8379).expect("recorded");
    for (millis, alive) in [(0, true), (75_000, true), (75_001, false)] {
        let at = UnixMillis(1_000_000 + millis);
        known = remember(&known, empty(at), UnixMillis(0));
        assert_eq!(shown(&known), [(id(2), alive), (id(3), alive)], "{millis}");
    }
}
