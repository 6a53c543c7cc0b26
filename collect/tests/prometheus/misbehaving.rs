//! A server that hangs, floods, lies, sends elsewhere or wants a password: each its own error, with the next step in it.

use std::time::Duration;

use verwalter_collect::prometheus::{Bounds, ClientError, Credentials, Limits};
use verwalter_core::ids::UnixMillis;

use super::support::{Asked, PATIENCE, Reply, client, secret, serve, soon};

/// What the client makes of `reply`, and what it says.
async fn failed(reply: Reply, limits: Limits) -> (ClientError, String) {
    let server = serve(move |_| std::future::ready(reply.clone())).await;
    let mut client = client(server.addr);
    client.limits = limits;
    let error = soon("an answer", client.instant("up", None)).await.expect_err("it is no answer");
    let text = error.to_string();
    assert!(matches!(error, ClientError::Credentials(_)) || text.contains(&server.addr.to_string()), "it names the server: {text}");
    (error, text)
}

fn limits() -> Limits {
    Limits { deadline: PATIENCE, bytes: 10_000, bounds: Bounds { series: 5, samples: 10, labels: 100 } }
}

#[tokio::test]
async fn a_hung_server_is_left_after_the_deadline() {
    let short = Limits { deadline: Duration::from_millis(100), ..limits() };
    for begun in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\""] {
        let (error, text) = failed(Reply::Hang(begun.into()), short).await;
        assert!(matches!(error, ClientError::TimedOut { .. }) && text.contains("within 0.1 s"), "{text}");
    }
}

#[tokio::test]
async fn a_flood_is_cut_off_at_the_cap() {
    let announced = Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n".into());
    let (error, text) = failed(announced, limits()).await;
    assert!(matches!(error, ClientError::TooLarge { cap: 10_000, .. }) && text.contains("shorten the query's window"), "{text}");
    let until_closed = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(20_000));
    assert!(matches!(failed(Reply::Hang(until_closed.into()), limits()).await.0, ClientError::TooLarge { .. }));
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", "10\r\n0123456789abcdef\r\n".repeat(1_000));
    assert!(matches!(failed(Reply::Hang(chunked.into()), limits()).await.0, ClientError::TooLarge { .. }));
    // A head without an end.
    assert!(matches!(failed(Reply::Forever(b"X-Header: flood\r\n".into()), limits()).await.0, ClientError::Broken { .. }));
    let head = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    assert!(matches!(failed(Reply::Forever(head.into()), limits()).await.0, ClientError::Broken { .. }));
}

#[tokio::test]
async fn more_series_or_samples_than_wanted_are_not_read() {
    let series = |count: usize, samples: usize| {
        let one = format!(r#"{{"metric":{{}},"values":[{}]}}"#, vec![r#"[1,"1"]"#; samples].join(","));
        let all = vec![one; count].join(",");
        Reply::json(&format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{all}]}}}}"#))
    };
    let (error, text) = failed(series(6, 1), limits()).await;
    assert!(matches!(error, ClientError::Unreadable { .. }) && text.contains("more than 5 series"), "{text}");
    let (_, text) = failed(series(1, 11), limits()).await;
    assert!(text.contains("more than 10 samples"), "{text}");
}

#[tokio::test]
async fn garbage_is_told_as_such() {
    for body in ["", "<html>", "{}", "[1]", r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":"x"}]}}"#] {
        let (error, text) = failed(Reply::json(body), limits()).await;
        assert!(matches!(error, ClientError::Unreadable { .. }) && text.contains("cannot be used"), "{body}: {text}");
    }
    for raw in ["", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let (error, text) = failed(Reply::Raw(raw.into()), limits()).await;
        assert!(matches!(error, ClientError::Broken { .. }) && text.contains("does a Prometheus server listen there"), "{raw}: {text}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:3: parse error: unexpected end"}"#;
    for status in ["400 Bad Request", "422 Unprocessable Entity", "503 Service Unavailable", "200 OK"] {
        let (error, text) = failed(Reply::new(status, body), limits()).await;
        assert!(matches!(error, ClientError::Refused { .. }) && text.ends_with("unexpected end"), "{status}: {text}");
        assert!(!error.is_of_server(), "other queries may fare better");
    }
}

#[tokio::test]
async fn another_status_names_what_to_look_at() {
    let (error, text) = failed(Reply::new("404 Not Found", "404 page not found"), limits()).await;
    assert!(matches!(error, ClientError::Status { .. }) && text.contains("--web.route-prefix"), "{text}");
    assert!(error.is_of_server());
    let (_, text) = failed(Reply::new("502 Bad Gateway", "<html>"), limits()).await;
    assert!(text.contains("502 Bad Gateway"), "{text}");
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (error, text) = failed(Reply::new(status, "Unauthorized\n"), limits()).await;
        assert!(matches!(error, ClientError::Denied { .. }) && text.contains("a user or token"), "{text}");
    }
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/prometheus/api/v1/query\r\nContent-Length: 0\r\n\r\n";
    let (error, text) = failed(Reply::Raw(elsewhere.into()), limits()).await;
    assert!(matches!(error, ClientError::Redirected { .. }) && text.contains("`http://127.0.0.1:1/prometheus/api/v1/query`"), "{text}");
    // It need not wait for the body of one.
    let (error, _) = failed(Reply::Hang(b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 9\r\n\r\n".into()), limits()).await;
    assert!(matches!(error, ClientError::Redirected { .. }));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let server = serve(|_| std::future::ready(Reply::json("{}"))).await;
    let client = client(server.addr);
    drop(server);
    // The port is closed once the task that listens has been dropped.
    let error = soon("an error", async {
        loop {
            match client.instant("up", None).await {
                Err(error @ ClientError::Unreachable { .. }) => return error,
                _ => tokio::task::yield_now().await,
            }
        }
    });
    assert!(error.await.to_string().contains("is it running"));
}

#[tokio::test]
async fn an_answer_counts_although_the_connection_stays_open() {
    let body = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]},"warnings":["old"]}"#;
    let raw = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = serve(move |_| std::future::ready(Reply::Hang(raw.clone().into()))).await;
    let answer = soon("an answer", client(server.addr).instant("2", None)).await.expect("an answer");
    assert_eq!(answer.series[0].samples, [(UnixMillis(1_500), 2.0)]);
    assert_eq!(answer.warnings, ["old"]);
}

#[tokio::test]
async fn what_is_asked_is_a_form_with_credentials() {
    let (asked, mut seen) = tokio::sync::mpsc::unbounded_channel::<Asked>();
    let server = serve(move |request| {
        let _ = asked.send(request);
        std::future::ready(Reply::json(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#))
    })
    .await;
    let dir = tempfile::tempdir().expect("a directory");
    let credentials = Credentials::Bearer { token_file: secret(dir.path(), "abc.def\n") };
    let mut client = client(server.addr);
    client.credentials = credentials;
    client.server = format!("http://{}/prometheus/", server.addr).parse().expect("an address");
    soon("an answer", client.instant("a+b", Some(UnixMillis(1_234)))).await.expect("an answer");
    let Asked { head, body } = seen.recv().await.expect("a request");
    assert!(head.starts_with("POST /prometheus/api/v1/query HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("\r\nauthorization: bearer abc.def"), "{head}");
    assert_eq!(body, "query=a%2Bb&timeout=60000ms&time=1.234");
    let step = Duration::from_millis(1_500);
    soon("an answer", client.range("c", UnixMillis(0), UnixMillis(5), step)).await.expect("an answer");
    let Asked { head, body } = seen.recv().await.expect("a request");
    assert!(head.starts_with("POST /prometheus/api/v1/query_range HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, "query=c&timeout=60000ms&start=0.000&end=0.005&step=1.5");
    let missing = Credentials::Bearer { token_file: dir.path().join("missing") };
    client.credentials = missing;
    let error = client.instant("a", None).await.expect_err("no token, no question");
    assert!(error.to_string().contains("make it readable"), "{error}");
    assert!(seen.try_recv().is_err(), "nothing was asked without it");
}
