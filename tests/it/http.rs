//! The API of a running node: what every path answers, and what careless or hostile clients get.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::support::{Node, Site, connect, exchange, exchange_last, get, request};

/// A node that has decided and deployed.
fn node() -> (Site, Node, SocketAddr) {
    let site = Site::prepared();
    let mut node = site.run(&["--hostname", "alpha"]);
    node.ready();
    let addr = node.addr();
    (site, node, addr)
}

fn serves(addr: SocketAddr) {
    let reply = get(addr, "/healthz");
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"));
}

#[test]
fn every_document_comes_compact_and_indented() {
    let (_site, mut node, addr) = node();
    // Rounds go on: what they change, counts of calls among it, is left out of the comparison.
    let steady = ["/v1/peers", "/v1/schedule", "/v1/why/web/alpha"];
    for path in ["/v1/status", "/v1/scheduler_input", "/v1/plugins", "/v1/plugins/spread"].iter().chain(&steady) {
        let compact = get(addr, path);
        let pretty = get(addr, &format!("{path}.pretty"));
        for reply in [&compact, &pretty] {
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}: {reply:?}");
        }
        let (one, other) = (compact.json(), pretty.json());
        if steady.contains(path) {
            assert_eq!(one, other, "{path}");
        }
        assert!(!compact.body.contains('\n'), "{path}: {compact:?}");
        assert!(pretty.body.ends_with('\n') && (one == Value::Array(vec![]) || pretty.body.contains("\n  ")), "{path}: {pretty:?}");
    }
    for path in ["/", "/healthz", "/readyz", "/v1/scheduler_debug_info"] {
        let reply = get(addr, path);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain; charset=utf-8")), "{path}: {reply:?}");
    }
    assert_eq!(get(addr, "/v1/peers").json(), Value::Array(vec![]), "a node is not its own peer");
    node.stop();
}

#[test]
fn the_index_lists_what_there_is() {
    let (_site, _node, addr) = node();
    let index = get(addr, "/").body;
    let paths: Vec<&str> = index.split_whitespace().filter(|word| word.starts_with('/')).collect();
    assert!(paths.len() > 8, "{index}");
    for path in paths {
        let path = path.trim_end_matches(',').replace("ROLE/NODE", "web/alpha").replace("ROLE", "web").replace("NAME", "spread");
        let expect = match path.rsplit('/').next() {
            Some("rollback" | "release" | "allow" | "plan" | "apply" | "adopt" | "forget") => 405,
            // The demo has neither a query plugin nor a shadow.
            Some("PATH" | "shadow") => 404,
            _ => 200,
        };
        if path != "/v1" {
            assert_eq!(get(addr, &path).status, expect, "{path}");
        }
    }
}

#[test]
fn the_status_has_the_predecessors_shape() {
    let (_site, _node, addr) = node();
    let status = get(addr, "/v1/status").json();
    let schedule = get(addr, "/v1/schedule").json();
    for key in [
        "version",
        "id",
        "name",
        "hostname",
        "peers",
        "peers_timestamp",
        "leader",
        "roles",
        "last_stable_timestamp",
        "num_errors",
        "errors",
        "failed_roles",
        "debug_force_leader",
        "metrics",
        "fetch_state",
        "election_state",
        "schedule_id",
        "schedule_status",
        "default_frontend",
    ] {
        assert!(!status[key].is_null(), "{key}: {status:#}");
    }
    assert_eq!(status["schedule_id"], schedule["hash"]);
    assert_eq!((&status["roles"], &status["num_errors"]), (&2.into(), &0.into()), "{status:#}");
    assert_eq!(status["leader"]["hostname"], "alpha");
    for key in ["timestamp", "hash", "data", "origin"] {
        assert!(!schedule[key].is_null(), "{key}: {schedule:#}");
    }
}

#[test]
fn what_is_not_there_and_what_is_not_allowed() {
    let (_site, mut node, addr) = node();
    let check = |method: &str, path: &str, status: u16, code: &str| {
        let reply = request(addr, method, path, &["Content-Length: 0"]);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{method} {path}: {reply:?}");
    };
    check("GET", "/v1/nothing", 404, "not-found");
    check("GET", "/v1/status.gron", 404, "not-found");
    check("GET", "/v1/plugins/none", 404, "not-found");
    check("GET", "/v1/why/web/beta", 404, "not-placed");
    check("GET", "/v1/why/none/alpha", 404, "not-placed");
    check("GET", "/../etc/passwd", 404, "not-found");
    check("GET", "/v1/why/web/%ff", 400, "bad-path");
    check("GET", "/v1/plugins/%ff", 400, "bad-path");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        check(method, "/v1/status", 405, "method-not-allowed");
    }
    for path in ["/", "/v1/status", "/v1/schedule", "/healthz", "/v1/plugins.pretty"] {
        let (head, full) = (request(addr, "HEAD", path, &[]), get(addr, path));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}: {head:?}");
        assert_eq!(head.header("content-type"), full.header("content-type"), "{path}");
    }
    node.healthy();
}

#[test]
fn only_requests_for_this_host_are_answered() {
    let (_site, _node, addr) = node();
    let port = addr.port();
    let check = |host: &str, status: u16| {
        let reply = request(addr, "GET", "/v1/status", &[&format!("Host: {host}")]);
        assert_eq!(reply.status, status, "{host}: {reply:?}");
        if status == 421 {
            assert_eq!((reply.code().as_str(), reply.header("connection")), ("foreign-host", Some("close")), "{host}: {reply:?}");
        }
    };
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8379", "alpha", "alpha:8379"] {
        check(host, 200);
    }
    check(&format!("127.0.0.1:{port}"), 200);
    for host in ["evil.example", "evil.example:8379", "192.0.2.1", "alpha.evil.example", "", "localhost@evil.example", "[::"] {
        check(host, 421);
    }
    let without = exchange(addr, b"GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n").expect("it is answered");
    assert_eq!(without.status, 421, "{without:?}");
    let two = request(addr, "GET", "/v1/status", &["Host: localhost", "Host: evil.example"]);
    assert_eq!((two.status, two.code().as_str()), (400, "several-hosts"), "{two:?}");
    let absolute = request(addr, "GET", "http://evil.example/v1/status", &["Host: localhost"]);
    assert_eq!((absolute.status, absolute.code().as_str()), (421, "foreign-host"), "the target names a host too: {absolute:?}");
}

/// The most memory that the node ever had.
fn peak_memory_bytes(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts it");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number of KiB") * 1024
}

#[test]
fn a_large_body_is_refused_and_the_node_lives() {
    const BODY_BYTES: usize = 10_000_000;
    let (_site, mut node, addr) = node();
    let before = peak_memory_bytes(&node);
    let head = format!("POST /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
    let whole = [head.as_bytes(), &vec![b'x'; BODY_BYTES]].concat();
    // It may close while the client still sends, which drops its answer: then there is none.
    if let Some(reply) = exchange(addr, &whole) {
        assert_eq!((reply.status, reply.code().as_str()), (413, "body-too-large"), "{reply:?}");
    }
    // A client that waits for the answer gets it.
    let polite = exchange(addr, head.as_bytes()).expect("it is answered");
    assert_eq!((polite.status, polite.code().as_str(), polite.header("connection")), (413, "body-too-large", Some("close")), "{polite:?}");
    // Without a length it is not read either.
    let chunk = format!("{:x}\r\n{}\r\n", 100_000, "x".repeat(100_000));
    let chunked =
        format!("POST /v1/status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(100));
    if let Some(reply) = exchange(addr, chunked.as_bytes()) {
        assert!([405, 413].contains(&reply.status), "{reply:?}");
    }
    serves(addr);
    node.healthy();
    let grown = peak_memory_bytes(&node) - before;
    assert!(grown < BODY_BYTES as u64, "no body was kept, but memory grew by {grown} bytes");
    node.stop();
}

#[test]
fn garbage_is_no_harm() {
    let (_site, mut node, addr) = node();
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    let garbage: [&[u8]; 8] = [
        b"\r\n\r\n\r\n",
        b"\0\xff\xfe\x80garbage\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        long_target.as_bytes(),
        many_headers.as_bytes(),
    ];
    for bytes in garbage {
        let reply = exchange_last(addr, bytes);
        assert!(reply.as_ref().is_none_or(|reply| (400..500).contains(&reply.status)), "{reply:?}");
        serves(addr);
    }
    node.healthy();
    node.stop();
}

#[test]
fn slow_and_idle_clients_do_not_keep_others_out() {
    let site = Site::prepared();
    // A timeout that the test need not wait long for, and fewer places than clients.
    site.edit("etc/verwalter.yaml", "output-dir", "http: { timeout: 1s, connections: 200 }\noutput-dir");
    let mut node = site.run(&[]);
    node.ready();
    let addr = node.addr();
    let mut slow = connect(addr);
    slow.write_all(b"GET /v1/status HTT").expect("it is sent");
    let mut idle: Vec<TcpStream> = (0..300).map(|_| connect(addr)).collect();
    // All places are taken: this waits until the idle ones are shown out.
    serves(addr);
    for stream in idle.iter_mut().chain([&mut slow]) {
        let mut rest = Vec::new();
        // It is closed, with or without a word.
        if let Err(err) = stream.read_to_end(&mut rest) {
            assert_eq!(err.kind(), std::io::ErrorKind::ConnectionReset, "an idle client is kept for ever");
        }
    }
    serves(addr);
    node.stop();
}

#[test]
fn clients_that_never_read_do_not_keep_others_out() {
    const CLIENTS: usize = 4;
    let site = Site::prepared();
    site.edit("etc/verwalter.yaml", "output-dir", &format!("http: {{ timeout: 1s, connections: {CLIENTS} }}\noutput-dir"));
    let mut node = site.run(&[]);
    node.ready();
    let addr = node.addr();
    let requests = format!("GET /v1/plugins.pretty HTTP/1.1\r\nHost: {addr}\r\n\r\n").repeat(100);
    let deaf = (0..CLIENTS).map(|_| {
        let (mut stream, requests) = (connect(addr), requests.clone());
        std::thread::spawn(move || {
            loop {
                // It waits once the node reads no more, and fails once the node has given up.
                if let Err(err) = stream.write_all(requests.as_bytes()) {
                    break err.kind();
                }
            }
        })
    });
    for client in deaf.collect::<Vec<_>>() {
        let end = client.join().expect("it ends");
        assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&end), "a client that never reads is kept: {end}");
    }
    serves(addr);
    node.stop();
}

#[test]
fn many_requests_on_one_connection() {
    let (_site, _node, addr) = node();
    let mut stream = connect(addr);
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(&request.repeat(99)).expect("they are sent");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it is sent");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("they are answered");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 100);
}

#[test]
fn a_node_without_a_scheduler_lives_but_is_not_ready() {
    let site = Site::prepared();
    std::fs::remove_file(site.path("etc/plugins/spread.wasm")).expect("it is there");
    let mut node = site.run(&[]);
    let error = node.error("scheduler");
    assert!(error.starts_with("no scheduler plugin is active"), "{error}");
    serves(node.addr());
    let ready = node.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("no schedule is in force yet"), "{ready:?}");
    for path in ["/v1/schedule", "/v1/scheduler_input"] {
        let reply = node.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (404, "nothing-yet"), "{path}: {reply:?}");
    }
    node.stop();
}
