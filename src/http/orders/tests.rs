//! Requests against the router alone, with a made-up task behind it.

use axum::http::{Request, header};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::orders::{Given, to_plugins};

const BODY_BYTES: u64 = 200;

/// What a client gets.
struct Reply {
    status: u16,
    allow: Option<String>,
    body: serde_json::Value,
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let request =
        Request::builder().method(method).uri(path).header(header::HOST, "alpha").header(header::CONTENT_TYPE, "application/json");
    request.body(body.into()).expect("a request")
}

async fn send(orders: PluginOrders, request: Request<Body>) -> Reply {
    let router: Router = routes(orders, BODY_BYTES);
    let response = router.oneshot(request).await.expect("a router always answers");
    let allow = response.headers().get(header::ALLOW).map(|allow| allow.to_str().expect("ASCII").to_owned());
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a short body");
    Reply { status, allow, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

/// Answers one order with `answer`, and says which it was.
async fn doer(mut given: mpsc::Receiver<Given<PluginOrder, String>>, answer: Result<String, OrderError>) -> PluginOrder {
    let (order, giver) = given.recv().await.expect("one is given");
    giver.send(answer).expect("its giver waits");
    order
}

fn name() -> PluginName {
    PluginName::new("spread").expect("a valid name")
}

/// An order that reaches its doer.
async fn arrives(path: &str, body: &str, expect: PluginOrder) {
    let (orders, given) = to_plugins();
    let sent = send(orders, request("POST", path, body.to_owned()));
    let (reply, order) = tokio::join!(sent, doer(given, Ok("it is done".to_owned())));
    assert_eq!((reply.status, reply.body), (200, json!({ "message": "it is done" })), "{path} {body}");
    assert_eq!(order, expect, "{path} {body}");
}

#[tokio::test]
async fn orders_arrive() {
    let digest = Digest::of(b"{}");
    let to_build = json!({ "digest": digest }).to_string();
    arrives("/v1/plugins/spread/rollback", "{}", PluginOrder::Rollback { name: name(), to: None }).await;
    arrives("/v1/plugins/spread/rollback", r#"{"digest": null}"#, PluginOrder::Rollback { name: name(), to: None }).await;
    arrives("/v1/plugins/spread/rollback", &to_build, PluginOrder::Rollback { name: name(), to: Some(digest) }).await;
    arrives("/v1/plugins/spread/release", "{}", PluginOrder::Release { name: name() }).await;
    arrives("/v1/plugins/spread/allow", " {} ", PluginOrder::Allow { name: name() }).await;
}

/// A request that is refused before it becomes an order: the queue stays empty.
async fn refused(request: Request<Body>, status: u16, code: &str) -> Reply {
    let (orders, mut given) = to_plugins();
    let what = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
    let reply = send(orders, request).await;
    assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (status, Some(code)), "{what}");
    assert!(given.try_recv().is_err(), "{what}");
    reply
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let path = "/v1/plugins/spread/release";
    for body in ["", "null", "[]", "{", r#"{"digest": "sha256:00"}"#, r#"{"force": true}"#, "\0"] {
        refused(request("POST", path, body), 400, "bad-order").await;
    }
    let short = refused(request("POST", "/v1/plugins/spread/rollback", r#"{"digest": "44136fa355b3"}"#), 400, "bad-order").await;
    assert!(short.body["error"]["message"].as_str().is_some_and(|text| text.contains("64 hexadecimal digits")), "{}", short.body);
    let large = "{}".to_owned() + &" ".repeat(BODY_BYTES as usize);
    refused(request("POST", path, large), 413, "body-too-large").await;
    for name in ["Spread", "..", "a%20b", &"a".repeat(65)] {
        refused(request("POST", &format!("/v1/plugins/{name}/allow"), "{}"), 404, "not-found").await;
    }
    refused(request("POST", "/v1/plugins/%ff/allow", "{}"), 400, "bad-path").await;
}

#[tokio::test]
async fn other_methods_are_told_which_one_there_is() {
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let (orders, _given) = to_plugins();
        let reply = send(orders, request(method, "/v1/plugins/spread/allow", "")).await;
        assert_eq!((reply.status, reply.allow.as_deref()), (405, Some("POST")), "{method}");
        if method != "HEAD" {
            assert!(reply.body["error"]["message"].as_str().is_some_and(|text| text.contains("use POST")), "{}", reply.body);
        }
    }
}

#[tokio::test]
async fn other_sites_pages_order_nothing() {
    let path = "/v1/plugins/spread/allow";
    let mut foreign = request("POST", path, "{}");
    foreign.headers_mut().insert(header::ORIGIN, header::HeaderValue::from_static("http://evil.example"));
    refused(foreign, 403, "foreign-origin").await;
    let mut form = request("POST", path, "{}");
    form.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    refused(form, 415, "json-only").await;
}

#[tokio::test]
async fn why_an_order_was_not_carried_out() {
    let check = async |answer: OrderError, status: u16, code: &str, told: &str| {
        let (orders, given) = to_plugins();
        let sent = send(orders, request("POST", "/v1/plugins/spread/rollback", "{}"));
        let (reply, _) = tokio::join!(sent, doer(given, Err(answer)));
        let error = &reply.body["error"];
        assert_eq!((reply.status, error["code"].as_str()), (status, Some(code)));
        assert!(error["message"].as_str().is_some_and(|text| text.contains(told)), "{error}");
    };
    check(OrderError::NotFound, 404, "not-found", "`spread`").await;
    check(OrderError::Conflict("it has no former build".to_owned()), 409, "conflict", "it has no former build").await;
    check(OrderError::Busy, 503, "busy", "try again").await;
    check(OrderError::Failed("the disk is full".to_owned()), 500, "failed", "disk is full").await;
    check(
        OrderError::Late { after: std::time::Duration::from_secs(30), reason: "a reload is under way: it will be done" },
        504,
        "not-done-yet",
        "will be done",
    )
    .await;
    let (orders, given) = to_plugins();
    drop(given);
    let reply = send(orders, request("POST", "/v1/plugins/spread/rollback", "{}")).await;
    assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (503, Some("ending")));
}

#[tokio::test]
async fn it_merges_into_a_router_that_reads() {
    let (orders, _given) = to_plugins();
    let reading: Router<u8> = Router::new().route("/v1/plugins/{name}", axum::routing::get(|| async { "one" }));
    let router = reading.merge(routes(orders, BODY_BYTES)).with_state(0);
    let status = |request: Request<Body>| async { router.clone().oneshot(request).await.expect("it answers").status().as_u16() };
    assert_eq!(status(Request::get("/v1/plugins/spread").body(Body::empty()).expect("a request")).await, 200);
    assert_eq!(status(Request::get("/v1/plugins/spread/allow").body(Body::empty()).expect("a request")).await, 405);
    assert_eq!(status(request("POST", "/v1/plugins/spread/rename", "{}")).await, 404);
}
