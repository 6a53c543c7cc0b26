//! Against sockets of this process that answer well, badly or not at all.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[test]
fn addresses() {
    let check = |text: &str, expect: Result<&str, UrlError>| {
        let url = text.parse::<NodeUrl>().map(|url| url.to_string());
        assert_eq!(url, expect.map(str::to_owned), "{text}");
    };
    check(DEFAULT_NODE, Ok(DEFAULT_NODE));
    check("http://alpha:8379/", Ok("http://alpha:8379"));
    check("http://alpha", Ok("http://alpha"));
    check("http://[::1]:8379/verwalter/", Ok("http://[::1]:8379/verwalter"));
    check("https://alpha:8379", Err(UrlError::Tls));
    for bad in ["", "alpha", "alpha:8379", "127.0.0.1:8379", "/v1", "ftp://alpha", "http://", "http://a b", "http://u:p@alpha:8379"] {
        check(bad, Err(UrlError::Form));
    }
    for bad in ["http://alpha:port", "http://alpha:99999", "http://alpha:8379/?x", "http://:8379"] {
        check(bad, Err(UrlError::Form));
    }
}

async fn listener() -> (TcpListener, NodeUrl) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/below", listener.local_addr().expect("it is bound"));
    (listener, url.parse().expect("an address"))
}

/// Takes one request until `end` of it came, and answers with these bytes.
async fn serve(listener: &TcpListener, end: &str, answer: &[u8]) -> String {
    let (mut stream, _) = listener.accept().await.expect("a client comes");
    let mut request = Vec::new();
    while !request.ends_with(end.as_bytes()) {
        assert_ne!(stream.read_buf(&mut request).await.expect("it sends"), 0, "{}", String::from_utf8_lossy(&request));
    }
    stream.write_all(answer).await.expect("it reads");
    String::from_utf8(request).expect("ASCII")
}

const HEAD_END: &str = "\r\n\r\n";

#[tokio::test]
async fn a_request_and_its_answer() {
    let (listener, node) = listener().await;
    let served = serve(&listener, HEAD_END, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}rest");
    let (answer, request) = tokio::join!(get(&node, "/v1/plugins"), served);
    let answer = answer.expect("it is answered");
    assert_eq!((answer.is_success(), answer.body.as_slice()), (true, b"{\"a\":1}".as_slice()));
    assert!(request.starts_with("GET /below/v1/plugins HTTP/1.1\r\n"), "{request}");
    let host = format!("host: {}\r\n", listener.local_addr().expect("it is bound"));
    assert!(request.contains(&host) && !request.contains("content-type"), "{request}");
}

#[tokio::test]
async fn an_order_and_its_refusal() {
    let (listener, node) = listener().await;
    let body = r#"{"error":{"code":"conflict","message":"no former build"}}"#;
    let text = format!("HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let served = serve(&listener, "{}", text.as_bytes());
    let (answer, request) = tokio::join!(post(&node, "/v1/x", "{}".to_owned()), served);
    let answer = answer.expect("it is answered");
    let refusal = Refusal { code: "conflict".to_owned(), message: "no former build".to_owned() };
    assert_eq!((answer.status, answer.is_success(), answer.refusal()), (409, false, Some(refusal)));
    assert!(request.contains("content-type: application/json\r\n") && request.contains("content-length: 2\r\n"), "{request}");
}

#[tokio::test]
async fn what_is_no_node() {
    let (listener, node) = listener().await;
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n{\"a\":1}";
    for answer in [b"".as_slice(), b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-", short] {
        let (answer, _) = tokio::join!(get(&node, "/"), serve(&listener, HEAD_END, answer));
        assert!(matches!(answer, Err(ClientError::Broken { .. })), "{answer:?}");
    }
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{";
    let (answer, _) = tokio::join!(get(&node, "/"), serve(&listener, HEAD_END, huge));
    assert!(matches!(answer, Err(ClientError::TooLarge { .. })), "{answer:?}");
    drop(listener);
    let error = get(&node, "/").await.expect_err("nobody listens");
    assert!(matches!(error, ClientError::Unreachable { .. }) && error.to_string().contains("is it running?"), "{error}");
}

#[tokio::test]
async fn a_silent_node_is_not_waited_for() {
    let (listener, node) = listener().await;
    let wait = Duration::from_millis(30);
    let silent = within(wait, &node, Method::GET, "/", None);
    let (answer, _stream) = tokio::join!(silent, listener.accept());
    assert!(matches!(answer, Err(ClientError::TimedOut { after, .. }) if after == wait), "{answer:?}");
}
