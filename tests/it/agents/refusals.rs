//! Settings with which the agent must not begin.

use std::os::unix::fs::PermissionsExt;

use super::Member;
use crate::support::{Ended, program, run_to_end};

/// Starts, and gives what it ends with.
fn refused(member: &Member) -> (Option<i32>, String) {
    let mut node = member.start(program(), "127.0.0.1:0");
    let status = node.end();
    (status.code(), node.err.join("\n"))
}

fn check(member: &Member) -> Ended {
    run_to_end(["check".as_ref(), "--quiet".as_ref(), "--config-dir".as_ref(), member.site.path("etc").as_os_str()])
}

#[test]
fn an_open_port_needs_a_key() {
    let (code, err) = refused(&Member::new(1, "{listen: '0.0.0.0:0'}"));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("0.0.0.0:0 is reachable from other machines") && err.contains("agent.key-file"), "{err}");
    let checked = check(&Member::new(1, "{listen: '0.0.0.0:0'}"));
    assert!(checked.status == Some(0) && checked.err.contains("refuses it without --insecure"), "{checked:?}");
    let unused = Member::new(1, "{seeds: ['10.0.0.1:1']}");
    unused.site.edit("etc/verwalter.yaml", "peers: agent", "peers: none");
    let checked = check(&unused);
    assert!(checked.status == Some(0) && checked.err.contains("`agent` is set and nothing uses it"), "{checked:?}");
}

#[test]
fn keys_that_others_may_read_are_not_used() {
    let member = Member::new(1, "{listen: '127.0.0.1:0', key-file: cluster.key}");
    let (code, err) = refused(&member);
    assert!(code == Some(3) && err.contains("cannot read the cluster keys of") && err.contains("cluster.key"), "{err}");
    let checked = check(&member);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    assert!(checked.err.contains("verwalter.yaml: `agent.key-file`: cannot read the cluster keys of"), "{checked:?}");
    member.site.write("etc/cluster.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    let path = member.site.path("etc/cluster.key");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("the mode can be set");
    let (code, err) = refused(&member);
    assert!(code == Some(3) && err.contains("chmod 0600"), "{err}");
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address");
    let (code, err) = refused(&Member::new(1, &format!("{{listen: '{addr}'}}")));
    assert!(code == Some(6) && err.contains(&format!("the agent cannot listen on {addr}")), "{code:?} {err}");
}
