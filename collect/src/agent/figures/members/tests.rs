//! Who counts as a member, and where its agent is reached.

use super::*;

#[test]
fn a_member_is_one_life_at_one_address() {
    let who = |id: u8, generation, port| Identity::new(NodeId::from_bytes([id; 16]), generation, ([10, 0, 0, 1], port).into());
    let members = Members::new(who(1, 1, 1), [who(2, 5, 7)]);
    assert!(members.has(&who(2, 5, 7)));
    for other in [who(2, 4, 7), who(2, 6, 7), who(2, 5, 8), who(3, 5, 7), who(1, 1, 1)] {
        assert!(!members.has(&other), "{other:?}");
    }
    assert_eq!(members.get(NodeId::from_bytes([2; 16])), Some(who(2, 5, 7)));
}

#[test]
fn an_ipv6_socket_reaches_ipv4_by_another_name() {
    let check = |mapped, to: &str, expect: &str| {
        let [to, expect] = [to, expect].map(|addr| addr.parse().expect("an address"));
        assert_eq!(reachable(mapped, to), expect);
    };
    check(false, "10.0.0.1:7", "10.0.0.1:7");
    check(true, "10.0.0.1:7", "[::ffff:10.0.0.1]:7");
    check(true, "[2001:db8::1]:7", "[2001:db8::1]:7");
}
