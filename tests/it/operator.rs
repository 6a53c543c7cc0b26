//! The commands that talk to a running node, against a real one and against what is none.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Ended, Site, run_to_end};

/// The command must fail with status 1 and one line that says `told`.
fn fails(args: &[&str], told: &str) -> Ended {
    let ended = run_to_end(args);
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{args:?}: {ended:#?}");
    assert!(ended.err.starts_with("verwalter: ") && ended.err.contains(told), "{told}: {ended:#?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:#?}");
    ended
}

#[test]
fn status_of_a_running_node() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    let url = format!("http://{}", node.addr());
    let table = run_to_end(["plugin", "status", "--node", &url]);
    assert_eq!((table.status, table.err.as_str()), (Some(0), ""), "{table:#?}");
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("NAME"), "{}", table.out);
    assert!(lines[1].starts_with("netfilters  filter") && lines[2].starts_with("spread      scheduler"), "{}", table.out);
    let whole = node.get("/v1/plugins").json();
    let spread = &whole["plugins"][1];
    let digest = spread["digest"].as_str().expect("it is in force");
    assert!(lines[2].contains("active") && lines[2].contains(&digest[7..19]), "{}", table.out);
    let detail = run_to_end(["plugin", "status", "spread", "--node", &url]);
    assert!(
        detail.out.contains(digest) && detail.out.contains("\nlimits       ") && detail.out.contains(" fuel           5G\n"),
        "{detail:#?}"
    );
    let raw = run_to_end(["plugin", "status", "--json", "--node", &url]);
    let raw: Value = serde_json::from_str(&raw.out).expect("it is the node's JSON");
    assert_eq!(raw["plugins"][1]["digest"], digest);
    fails(&["plugin", "status", "none", "--node", &url], "there is no plugin `none`");
    node.stop();
    fails(&["plugin", "status", "--node", &url], &format!("no node answers at {url}: is it running? say where with --node URL"));
}

/// A node that answers each of `answers` in turn; gives back the first line and the body of what it was asked.
fn fake(answers: &'static [(u16, &str)]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let asked = std::thread::spawn(move || {
        let answer = |(status, body): &(u16, &str)| {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            stream.set_read_timeout(Some(crate::support::DEADLINE)).expect("a timeout can be set");
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let (head, body_bytes) = loop {
                let read = stream.read(&mut chunk).expect("it sends");
                request.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                if body.len() >= length {
                    break (head.lines().next().unwrap_or_default().to_owned(), body.to_owned());
                }
            };
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
            format!("{head} {body_bytes}")
        };
        answers.iter().map(answer).collect()
    });
    (url, asked)
}

#[test]
fn orders_are_sent_and_their_answers_printed() {
    let check = |args: &[&str], answers: &'static [(u16, &str)], expect: &[&str], told: Result<&str, &str>| {
        let (url, asked) = fake(answers);
        let args = [&["plugin"], args, &["--node", &url]].concat();
        match told {
            Ok(out) => {
                let ended = run_to_end(&args);
                assert_eq!((ended.status, ended.out.as_str()), (Some(0), out), "{args:?}: {ended:#?}");
            }
            Err(told) => drop(fails(&args, told)),
        }
        assert_eq!(asked.join().expect("it was asked"), expect, "{args:?}");
    };
    let done: &[(u16, &str)] = &[(200, r#"{"message": "it is\u001b done"}"#)];
    let told = Ok("it is\\u{1b} done\n");
    check(&["release", "spread"], done, &["POST /v1/plugins/spread/release HTTP/1.1 {}"], told);
    check(&["allow", "spread"], done, &["POST /v1/plugins/spread/allow HTTP/1.1 {}"], told);
    check(&["rollback", "spread"], done, &["POST /v1/plugins/spread/rollback HTTP/1.1 {}"], told);
    const BUILD: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let order = format!("POST /v1/plugins/spread/rollback HTTP/1.1 {}", json!({ "digest": BUILD }));
    check(&["rollback", "spread", "--to", BUILD], done, &[&order], told);
    const KEPT: &str = r#"{"name": "spread", "generations": [
        {"digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;
    let asked = "GET /v1/plugins/spread HTTP/1.1 ";
    check(&["rollback", "spread", "--to", "44136"], &[(200, KEPT), (200, "{}")], &[asked, &order], Ok("it is done\n"));
    check(&["rollback", "spread", "--to", "beef"], &[(200, KEPT)], &[asked], Err("no kept build of spread begins with beef"));
    let refused: &[(u16, &str)] = &[(409, r#"{"error": {"code": "conflict", "message": "it has no former build"}}"#)];
    check(&["rollback", "spread"], refused, &["POST /v1/plugins/spread/rollback HTTP/1.1 {}"], Err("it has no former build"));
    let shadow: &[(u16, &str)] = &[(200, r#"{"rounds": 3, "diffs": []}"#)];
    check(&["shadow", "next"], shadow, &["GET /v1/plugins/next/shadow HTTP/1.1 "], Ok("diffs: none\nrounds: 3\n"));
    check(&["status", "spread"], &[(200, "[7")], &[asked], Err("cannot be read"));
    check(&["status", "spread"], &[(502, "bad gateway")], &[asked], Err("status 502"));
}

#[test]
fn names_and_addresses_are_checked_before_anything_is_sent() {
    let check = |args: &[&str], told: &str| {
        let ended = run_to_end(args);
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told), "{args:?}: {ended:#?}");
    };
    check(&["plugin", "release"], "<NAME>");
    check(&["plugin", "release", "../spread"], "plugin name `../spread`");
    check(&["plugin", "status", "--node", "localhost:8379"], "write http://HOST:PORT");
    check(&["plugin", "status", "--node", "https://localhost:8379"], "no TLS");
}
