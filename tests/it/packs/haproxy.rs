//! The pack `haproxy`: one configuration, read by haproxy before it takes its place.

use std::io::Write as _;
use std::process::Command;

use super::bench::{Bench, ask, usable};
use crate::support::{Node, eventually};

/// What was made, served by a real haproxy, with sockets in place of ports.
fn serves(conf: &str) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let here = dir.path().display().to_string();
    let places = [
        ("    user haproxy\n    group haproxy\n", ""),
        ("/run/haproxy/admin.sock", "HERE/admin"),
        ("bind 127.0.0.1:8405\n", "bind unix@HERE/health\n"),
        ("bind 127.0.0.1:5432\n", "bind unix@HERE/db\n"),
        ("bind *:8080\n", "bind unix@HERE/shop\n"),
        ("bind *:8081\n", "bind unix@HERE/later\n"),
    ];
    let mut own = conf.to_owned();
    for (from, to) in places {
        assert_eq!(own.matches(from).count(), 1, "{from}: {conf}");
        own = own.replace(from, &to.replace("HERE", &here));
    }
    let path = dir.path().join("haproxy.cfg");
    std::fs::write(&path, own).expect("written");
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&path);
    let mut server = Node::start(command);
    let health = eventually("it serves", || ask(&dir.path().join("health"), "127.0.0.1", "/"));
    assert!(health.0.contains(" 200 "), "{health:?}");
    let later = ask(&dir.path().join("later"), "later.example", "/").expect("an answer");
    assert!(later.0.contains(" 503 "), "no backend yet: {later:?}");
    server.signal(rustix::process::Signal::TERM);
    server.end();
}

#[test]
fn haproxy_reads_it_before_it_takes_its_place() {
    let real = usable("haproxy", &["-v"]);
    let mut bench = Bench::start("haproxy", if real { &["haproxy"] } else { &[] });
    bench.settled();
    let conf = "etc/haproxy/haproxy.cfg";
    assert!(bench.read(conf).expect("made").contains("    server n1 n1:8000 weight 1\n"), "one node");
    bench.told();
    bench.join();
    bench.is_as_expected();
    if real {
        serves(&bench.read(conf).expect("made"));
    }
    assert!(bench.told().contains(&"systemctl reload-or-restart haproxy.service".to_owned()));
    let part = "does not fit";
    for hostile in ["8000 backup", "\"8000\\n    server evil 192.0.2.66:80\"", "'8000;'", "'\"8000\"'"] {
        bench.refuses_of("lb", "shop", "port: 8000", &format!("port: {hostile}"), part);
    }
    for hostile in ["\"*:80 process 1\"", "\"*:80\\n    acl x always_true\"", "'$HOME:80'"] {
        bench.refuses("lb", "bind: \"*:8081\"", &format!("bind: {hostile}"), part);
    }
    bench.refuses("lb", "check: /health", "check: \"/health HTTP/1.1\\\\r\\\\nHost: x\"", part);
    bench.refuses("lb", "    later:", "    \"later\\nlisten evil\":", part);
    bench.refuses("lb", "backend: later", "backend: latter", "finds no role `latter`");
    if real {
        // Sound words that make no sense: haproxy itself refuses them, and nothing was changed.
        bench.refuses("lb", "balance: leastconn", "balance: best", "; nothing was changed");
    } else {
        let _ = writeln!(std::io::stderr(), "left out: what haproxy itself refuses");
    }
    bench.follows("shop", ("port: 8000", "port: 8001"), conf, "server n1 n1:8001 weight 1\n");
    bench.told();
    bench.leave("lb", conf);
    assert!(bench.told().contains(&"systemctl stop haproxy.service".to_owned()));
    bench.stop();
}
