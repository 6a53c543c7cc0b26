//! Tables of a few nodes, and one that other tests use.

use super::*;

/// A node called `hostname` whose id ends in `id`.
pub(crate) fn peer(hostname: &str, id: u8) -> Peer {
    let mut bytes = [0; 16];
    bytes[15] = id;
    let hostname = Hostname::new(hostname).expect("a valid hostname");
    Peer {
        name: format!("{hostname}.example.org"),
        known_since: UnixMillis(1_000),
        since: UnixMillis(1_000),
        ..Peer::named(NodeId::from_bytes(bytes), hostname)
    }
}

#[test]
fn those_that_do_not_answer_stand_apart() {
    let absent = |hostname: &str, id, since| Arc::new(Peer { alive: false, since: UnixMillis(since), ..peer(hostname, id) });
    let (alive, _) = PeerTable::new(vec![peer("beta", 2)]);
    let table =
        alive.clone().with_absent(&alive, vec![absent("gamma", 3, 5), absent("alpha", 1, 7), absent("beta", 4, 9), absent("alpha", 5, 8)]);
    // `beta` came back as another; of `alpha` the one that was seen last counts.
    assert_eq!(table.absent().map(|peer| (peer.hostname.as_str(), peer.since.0)).collect::<Vec<_>>(), [("alpha", 8), ("gamma", 5)]);
    assert_eq!((table.len(), table.position("alpha"), table.absent_position("gamma")), (1, None, Some(1)));
    let later = alive.with_absent(&table, vec![absent("gamma", 3, 5)]);
    assert!(Arc::ptr_eq(&later.absent[0].json, &table.absent[1].json), "an equal peer keeps its text");
    assert!(later.absent_rows().all(|(_, row)| row.contains("\"alive\":false,\"since\":5,")));
}

#[test]
fn what_a_node_says_of_its_work_stands_in_its_record() {
    let state = NodeState {
        roles: ["web", "db"].into_iter().map(|role| RoleName::new(role).expect("a role's name")).collect(),
        schedule: Some(Digest::of(b"x")),
        errors: 2,
    };
    let told = Peer { state: Some(Arc::new(state)), ..peer("alpha", 1) };
    let text = text(&told);
    assert!(
        text.contains(&format!(r#""since":1000,"roles":["db","web"],"schedule":"{}","errors":2,"machine""#, Digest::of(b"x"))),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Peer>(&text).expect("its own text"), told);
    assert_eq!((told.attribute("errors").as_deref(), told.attribute("since").as_deref()), (Some("2"), Some("1000")));
    // One that says nothing, and the text of an earlier version.
    let earlier = super::text(&peer("alpha", 1)).replace(r#""alive":true,"since":1000,"#, "");
    assert_eq!(serde_json::from_str::<Peer>(&earlier).expect("a record"), Peer { since: UnixMillis(0), ..peer("alpha", 1) });
    assert_eq!(peer("alpha", 1).attribute("errors"), None);
}

#[test]
fn ordered_by_hostname_and_found_by_it() {
    let (table, clashes) = PeerTable::new(vec![peer("beta", 2), peer("alpha", 1)]);
    assert!(clashes.is_empty());
    assert_eq!(table.iter().map(|p| p.hostname.as_str()).collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!(table.position("beta"), Some(1));
    assert_eq!(table.position("gamma"), None);
    assert_eq!(table.hostnames().collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!((table.hostname(1), table.hostname(2)), (Some("beta"), None));
}

#[test]
fn a_clash_of_hostnames_is_reported_and_the_older_node_stays() {
    let mut newer = peer("alpha", 2);
    newer.known_since = UnixMillis(2_000);
    let (table, clashes) = PeerTable::new(vec![newer, peer("alpha", 1)]);
    assert_eq!(table.len(), 1);
    assert_eq!(clashes[0].first, peer("alpha", 1).id);
    assert_eq!(clashes[0].second, peer("alpha", 2).id);
}

#[test]
fn a_renewed_table_shares_what_stayed_and_has_the_texts_of_a_new_one() {
    let facts = |text: &str| Arc::new(serde_json::from_str(text).expect("JSON"));
    let odd = |hostname: &str, id| Peer {
        name: r#"a "last_report_direct":1,"#.to_owned(),
        last_report_direct: Some(UnixMillis(3)),
        machine: facts(r#"{"last_report_direct": 9, "a": {"\"last_report_direct\":": 1}}"#),
        ..peer(hostname, id)
    };
    let first = vec![odd("alpha", 1), odd("beta", 2), peer("delta", 4)];
    let (former, _) = PeerTable::new(first.clone());
    let check = |later: &[Peer]| {
        let (renewed, clashes) = former.renewed(later.iter().cloned().map(Arc::new).collect());
        let (new, expect) = PeerTable::new(later.to_vec());
        assert_eq!(clashes, expect);
        assert!(renewed.iter().eq(new.iter()));
        assert!(renewed.json_rows().eq(new.json_rows()));
        assert!(renewed.hostnames().eq(new.hostnames()));
        assert!(new.hostnames().enumerate().all(|(at, name)| renewed.position(name) == Some(at as u32)));
        renewed
    };
    let mut later = first;
    later[1].last_report_direct = Some(UnixMillis(7));
    later[2].last_report_direct = Some(UnixMillis(8));
    later[0].last_report_direct = None;
    check(&later);
    later[0].last_report_direct = Some(UnixMillis(3));
    let renewed = check(&later);
    assert!(Arc::ptr_eq(&renewed.rows[0].json, &former.rows[0].json), "an equal peer keeps its text");
    assert!(Arc::ptr_eq(&renewed.names, &former.names), "the hostnames are the same");
    // Other facts, a rename, one more, a clash, one less, none.
    later[1].machine = facts(r#"{"rack": "r2"}"#);
    later[0].hostname = Hostname::new("zeta").expect("a valid hostname");
    later.push(odd("gamma", 3));
    later.push(odd("gamma", 5));
    check(&later);
    check(&later[1..2]);
    check(&[]);
}

#[test]
fn attributes_reach_into_machine_facts() {
    let mut alpha = peer("alpha", 1);
    alpha.machine = Arc::new(serde_json::from_str(r#"{"rack": "r1", "cpus": 2, "disk": {"ssd": true}}"#).expect("JSON"));
    let check = |name: &str, expect: Option<&str>| assert_eq!(alpha.attribute(name).as_deref(), expect, "{name}");
    check("rack", Some("r1"));
    check("cpus", Some("2"));
    check("disk.ssd", Some("true"));
    check("disk", None);
    check("disk.ssd.x", None);
    check("name", Some("alpha.example.org"));
    check("addr", None);
}
