//! One question at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::net::TcpListener;
use verwalter_collect::cantal::{Agent, AgentError, Cause, HttpError, ListedValue, METRICS_BYTES, PEERS_BYTES};
use verwalter_collect::source::Peers;
use verwalter_core::ids::UnixMillis;

use crate::server::{Asked, HANGS, Reply, Server, Then, within};

const THEN: UnixMillis = UnixMillis(1_795_289_939_800);

async fn peers_of(server: &Server) -> Result<Peers, AgentError> {
    within(Agent::new(server.addr, HANGS).peers(THEN, 8_379)).await
}

/// What the list of peers becomes when the agent answers like this.
async fn told(reply: Reply) -> Result<Peers, AgentError> {
    let server = Server::start(move |_| reply.clone()).await;
    peers_of(&server).await
}

async fn fails(reply: Reply, expect: impl Fn(&Cause) -> bool) -> String {
    let error = told(reply).await.expect_err("no answer can be made of this");
    assert!(expect(&error.cause), "{error:?}");
    error.explain()
}

fn recorded_peers() -> Reply {
    Reply::recorded("all_peers", "json")
}

#[tokio::test]
async fn the_recorded_peers_are_told() {
    let server = Server::start(|_| recorded_peers()).await;
    let peers = peers_of(&server).await.expect("recorded");
    assert_eq!(peers.peers.iter().map(|peer| peer.hostname.as_str()).collect::<Vec<_>>(), ["node2.example.org", "node3.example.org"]);
    let asked = server.asked();
    assert_eq!(asked.iter().map(Asked::line).collect::<Vec<_>>(), ["GET /all_peers.json"]);
    let head = asked[0].head.to_lowercase();
    assert!(head.contains(&format!("\r\nhost: {}", server.addr)) && head.contains("\r\nconnection: close"), "{head}");
    // Cantal demands that such a question has no body.
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding") && asked[0].body.is_empty(), "{head}");
}

#[tokio::test]
async fn a_cluster_of_one_has_no_peers_and_no_trouble() {
    let peers = told(Reply::recorded("all_peers.node3-before-discovery", "json")).await.expect("recorded");
    assert!(peers.peers.is_empty() && peers.complaints.is_empty());
}

#[tokio::test]
async fn the_recorded_metrics_are_listed() {
    let server = Server::start(|_| Reply::recorded("all_metrics", "cbor")).await;
    let listed = within(Agent::new(server.addr, HANGS).metrics()).await.expect("recorded");
    assert_eq!(listed.len(), 2_409);
    let uptime = listed.iter().find(|one| one.labels.values().eq(["uptime"])).expect("recorded");
    assert_eq!((&uptime.value, uptime.at), (&ListedValue::Gauge(1_617.18), UnixMillis(1_795_289_938_600)));
}

/// Another notation of an endpoint that speaks JSON ends the agent.
#[tokio::test]
async fn nothing_is_asked_that_ends_an_agent() {
    let server = Server::start(|_| Reply::raw("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")).await;
    let agent = Agent::new(server.addr, HANGS);
    within(async {
        agent.peers(THEN, 1).await.expect_err("500");
        agent.metrics().await.expect_err("500");
    })
    .await;
    let asked: BTreeSet<String> = server.asked().iter().map(|asked| asked.line().to_owned()).collect();
    assert_eq!(asked, ["GET /all_metrics.cbor", "GET /all_peers.json"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_socket_left_open_after_connection_close_is_not_waited_for() {
    let peers = told(recorded_peers().then(Then::StayOpen)).await.expect("recorded");
    assert_eq!(peers.peers.len(), 2);
}

#[tokio::test]
async fn an_answer_in_chunks_is_read() {
    let recorded = recorded_peers();
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".to_vec();
    for chunk in recorded.body().chunks(100) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
    }
    bytes.extend(b"0\r\nX-Trailer: 1\r\n\r\n");
    for then in [Then::Close, Then::StayOpen] {
        assert_eq!(told(Reply::raw(bytes.clone()).then(then)).await.expect("whole").peers.len(), 2);
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_the_connection_is_read() {
    let bytes = [&b"HTTP/1.0 200 OK\r\n\r\n"[..], recorded_peers().body()].concat();
    assert_eq!(told(Reply::raw(bytes)).await.expect("whole").peers.len(), 2);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("bound");
    drop(listener);
    let error = within(Agent::new(addr, HANGS).peers(THEN, 1)).await.expect_err("nobody listens");
    assert!(matches!(error.cause, Cause::Http(HttpError::Connect { .. })), "{error:?}");
    let words = error.explain();
    assert!(words.contains(&addr.to_string()) && words.contains("--cluster-name"), "{words}");
}

#[tokio::test]
async fn a_hung_agent_is_given_up() {
    let (_hold, held) = tokio::sync::watch::channel(());
    let server = Server::start(move |_| recorded_peers().then(Then::Wait(held.clone()))).await;
    let error = within(Agent::new(server.addr, Duration::from_millis(50)).peers(THEN, 1)).await.expect_err("it hangs");
    assert!(matches!(error.cause, Cause::Http(HttpError::TimedOut(_))), "{error:?}");
}

#[tokio::test]
async fn an_agent_that_hangs_within_its_answer_is_given_up() {
    let mut reply = recorded_peers();
    reply.bytes.truncate(reply.bytes.len() - 10);
    let reply = reply.then(Then::StayOpen);
    let server = Server::start(move |_| reply.clone()).await;
    let error = within(Agent::new(server.addr, Duration::from_millis(50)).peers(THEN, 1)).await.expect_err("it hangs");
    assert!(matches!(error.cause, Cause::Http(HttpError::TimedOut(_))), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_told() {
    let words = fails(Reply::raw(""), |cause| matches!(cause, Cause::Http(HttpError::Closed))).await;
    assert!(words.contains("look at its log"), "{words}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told() {
    let mut reply = recorded_peers();
    reply.bytes.truncate(reply.bytes.len() - 10);
    fails(reply, |cause| matches!(cause, Cause::Http(HttpError::Broken { .. } | HttpError::Closed))).await;
    fails(Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"), |cause| matches!(cause, Cause::Http(HttpError::Closed))).await;
}

#[tokio::test]
async fn garbage_is_told() {
    fails(Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"), |cause| matches!(cause, Cause::Http(HttpError::Broken { .. }))).await;
    fails(Reply::raw(vec![0xff; 5_000]), |cause| matches!(cause, Cause::Http(HttpError::Broken { .. }))).await;
    let words = fails(Reply::ok(b"<html>"), |cause| matches!(cause, Cause::Json(_))).await;
    assert!(words.contains("is it cantal"), "{words}");
}

#[tokio::test]
async fn garbage_for_metrics_is_told() {
    let server = Server::start(|_| Reply::ok(b"\x9f\x01")).await;
    let error = within(Agent::new(server.addr, HANGS).metrics()).await.expect_err("no map");
    assert!(matches!(error.cause, Cause::Cbor(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_status_is_told_and_no_redirection_followed() {
    let statuses =
        ["404 Not Found", "500 Internal Server Error", "501 Not Implemented", "204 No Content", "302 Found\r\nLocation: /all_peers.gron"];
    for status in statuses {
        let reply = Reply::raw(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        let server = Server::start(move |_| reply.clone()).await;
        let error = peers_of(&server).await.expect_err("no success");
        assert!(matches!(error.cause, Cause::Http(HttpError::Status(_))), "{error:?}");
        assert_eq!(server.asked().len(), 1, "{status}");
    }
    // What stands below it is neither waited for nor measured.
    for length in [9, PEERS_BYTES + 1] {
        let head = format!("HTTP/1.1 500 Internal Server Error\r\nContent-Length: {length}\r\n\r\n");
        fails(Reply::raw(head).then(Then::StayOpen), |cause| matches!(cause, Cause::Http(HttpError::Status(_)))).await;
    }
}

#[tokio::test]
async fn an_announcement_over_the_cap_is_refused_unread() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", PEERS_BYTES + 1);
    fails(Reply::raw(head).then(Then::StayOpen), |cause| matches!(cause, Cause::Http(HttpError::TooLong(PEERS_BYTES)))).await;
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_cap() {
    let chunk = [&b"4000\r\n"[..], &[b' '; 0x4000], b"\r\n"].concat();
    let reply = Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").then(Then::Forever(chunk));
    fails(reply, |cause| matches!(cause, Cause::Http(HttpError::TooLong(PEERS_BYTES)))).await;
    let endless = Reply::raw("HTTP/1.0 200 OK\r\n\r\n").then(Then::Forever(vec![0x80; 1 << 16]));
    let server = Server::start(move |_| endless.clone()).await;
    let error = within(Agent::new(server.addr, HANGS).metrics()).await.expect_err("no end");
    assert!(matches!(error.cause, Cause::Http(HttpError::TooLong(METRICS_BYTES))), "{error:?}");
}

#[tokio::test]
async fn an_endless_head_is_given_up() {
    let long = Reply::raw("HTTP/1.1 200 OK\r\nX: ").then(Then::Forever(vec![b'x'; 1 << 12]));
    fails(long, |cause| matches!(cause, Cause::Http(HttpError::Broken { .. }))).await;
    let many = Reply::raw("HTTP/1.1 200 OK\r\n").then(Then::Forever(b"X: y\r\n".repeat(100)));
    fails(many, |cause| matches!(cause, Cause::Http(HttpError::Broken { .. }))).await;
}
