//! Requests against the router alone, with a made-up task behind it and real records.

use axum::http::{Request, header};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::orders::{Given, OrderError, to_deploy};

const BODY_BYTES: u64 = 200;

fn request(method: &str, path: &str, body: &str) -> Request<Body> {
    let request =
        Request::builder().method(method).uri(path).header(header::HOST, "alpha").header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_owned())).expect("a request")
}

async fn send(records: &std::path::Path, orders: DeployOrders, request: Request<Body>) -> (u16, Value) {
    let router: Router = routes(records.to_owned(), orders, BODY_BYTES);
    let response = router.oneshot(request).await.expect("a router always answers");
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.expect("a short body");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn nowhere() -> &'static std::path::Path {
    std::path::Path::new("/nowhere/roles")
}

async fn doer(mut given: mpsc::Receiver<Given<DeployOrder, Value>>, answer: Result<Value, OrderError>) -> DeployOrder {
    let (order, giver) = given.recv().await.expect("one is given");
    giver.send(answer).expect("its giver waits");
    order
}

fn web() -> RoleName {
    RoleName::new("web").expect("a valid name")
}

#[tokio::test]
async fn orders_arrive() {
    let check = async |path: &str, body: &str, expect: RoleOrder| {
        let (orders, given) = to_deploy();
        let done = json!({ "message": "it is done", "files": ["/out/a"] });
        let sent = send(nowhere(), orders, request("POST", path, body));
        let (reply, order) = tokio::join!(sent, doer(given, Ok(done.clone())));
        assert_eq!((reply, order), ((200, done), DeployOrder::Role(expect)), "{path} {body}");
    };
    let paths = vec!["a".to_owned(), "/b".to_owned()];
    check("/v1/roles/web/adopt", r#"{"paths": ["a", "/b"]}"#, RoleOrder::Adopt { role: web(), paths: paths.clone() }).await;
    check("/v1/roles/web/forget", r#"{"paths": ["a", "/b"]}"#, RoleOrder::Forget { role: web(), paths: Some(paths) }).await;
    check("/v1/roles/web/forget", "{}", RoleOrder::Forget { role: web(), paths: None }).await;
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let check = async |request: Request<Body>, status: u16, code: &str| {
        let (orders, mut given) = to_deploy();
        let what = format!("{} {}", request.method(), request.uri());
        let reply = send(nowhere(), orders, request).await;
        assert_eq!((reply.0, reply.1["error"]["code"].as_str()), (status, Some(code)), "{what}");
        assert!(given.try_recv().is_err(), "{what}");
    };
    for body in ["", "{}", "[]", r#"{"paths": "a"}"#, r#"{"paths": [1]}"#, r#"{"paths": ["a"], "force": true}"#] {
        check(request("POST", "/v1/roles/web/adopt", body), 400, "bad-order").await;
    }
    check(request("POST", "/v1/roles/web/forget", r#"{"path": ["a"]}"#), 400, "bad-order").await;
    check(request("POST", "/v1/roles/a%20b/adopt", r#"{"paths": ["a"]}"#), 404, "not-found").await;
    check(request("POST", "/v1/roles/%ff/forget", "{}"), 400, "bad-path").await;
    check(request("GET", "/v1/roles/web/adopt", ""), 405, "method-not-allowed").await;
    check(request("POST", "/v1/roles", "{}"), 405, "method-not-allowed").await;
    check(request("POST", "/v1/roles/web/adopt", &" ".repeat(BODY_BYTES as usize + 1)), 413, "body-too-large").await;
    let mut foreign = request("POST", "/v1/roles/web/forget", "{}");
    foreign.headers_mut().insert(header::ORIGIN, header::HeaderValue::from_static("http://evil.example"));
    check(foreign, 403, "foreign-origin").await;
}

#[tokio::test]
async fn why_an_order_was_not_carried_out() {
    let check = async |answer: OrderError, status: u16, code: &str, told: &str| {
        let (orders, given) = to_deploy();
        let sent = send(nowhere(), orders, request("POST", "/v1/roles/web/forget", "{}"));
        let ((found, body), _) = tokio::join!(sent, doer(given, Err(answer)));
        assert_eq!((found, body["error"]["code"].as_str()), (status, Some(code)));
        assert!(body["error"]["message"].as_str().is_some_and(|text| text.contains(told)), "{body}");
    };
    check(OrderError::NotFound, 404, "not-found", "a role `web`").await;
    check(OrderError::Conflict("it is a directory".to_owned()), 409, "conflict", "it is a directory").await;
    check(OrderError::Failed("the disk is full".to_owned()), 500, "failed", "the disk is full").await;
}

#[tokio::test]
async fn what_is_remembered_is_shown() {
    let temp = tempfile::tempdir().expect("a directory");
    let (orders, _given) = to_deploy();
    let get = async |path: &str| send(temp.path(), orders.clone(), request("GET", path, "")).await;
    assert_eq!(get("/v1/roles").await, (200, json!({ "roles": [] })));
    assert_eq!(send(nowhere(), orders.clone(), request("GET", "/v1/roles", "")).await, (200, json!({ "roles": [] })));
    assert_eq!(get("/v1/roles/web").await.0, 404);
    std::fs::write(temp.path().join("web.json"), "half").expect("written");
    let (status, body) = get("/v1/roles.pretty").await;
    assert_eq!((status, body["roles"][0]["name"].as_str()), (200, Some("web")));
    assert!(body["roles"][0]["error"].as_str().is_some_and(|text| text.contains("is damaged")), "{body}");
    let (status, body) = get("/v1/roles/web.pretty").await;
    assert!(status == 200 && body["error"].as_str().is_some_and(|text| text.contains("is damaged")), "{body}");
}
