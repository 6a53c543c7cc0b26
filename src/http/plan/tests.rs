//! Requests against the router alone: which bodies are read, and when.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Task, Poll};

use axum::body::Bytes;
use axum::http::{Request, header};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::orders::{Given as Ordered, to_deploy};

const BODY_BYTES: usize = 200;
const PLAN_BYTES: usize = 2_000;

fn context() -> (Context, mpsc::Receiver<Ordered<DeployOrder, Value>>) {
    let (orders, given) = to_deploy();
    let turns = Turns::new(1, turns::WAIT, "plans are being read");
    (Context { orders, body_bytes: BODY_BYTES, plan_bytes: PLAN_BYTES, turns }, given)
}

/// A body of a length that nobody tells before.
struct Arriving {
    rest: Bytes,
    begun: Arc<AtomicBool>,
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.begun.store(true, Ordering::SeqCst);
        let rest = std::mem::take(&mut self.rest);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }
}

/// Status, code, and whether anything of the body was read.
async fn send(context: &Context, path: &str, body: &str) -> (u16, String, bool) {
    let begun = Arc::new(AtomicBool::new(false));
    let body = Body::new(Arriving { rest: Bytes::copy_from_slice(body.as_bytes()), begun: begun.clone() });
    let request = Request::builder().method("POST").uri(path).header(header::HOST, "alpha");
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body).expect("a request");
    let response = with::<()>(context.clone()).oneshot(request).await.expect("a router always answers");
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.expect("a short body");
    let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
    (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned(), begun.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_read_when_it_is_its_turn() {
    let (context, mut given) = context();
    let turn = context.turns.take().await.expect("nobody else is there");
    assert_eq!(send(&context, "/v1/plan", "{}").await, (503, "busy".to_owned(), false), "it fills no memory while it waits");
    assert!(given.try_recv().is_err());
    drop(turn);
    let doer = async {
        let (order, giver) = given.recv().await.expect("one is given");
        giver.send(Ok(json!({}))).expect("its giver waits");
        order
    };
    let (sent, order) = tokio::join!(send(&context, "/v1/plan", "{}"), doer);
    assert_eq!((sent, order), ((200, String::new(), true), DeployOrder::Plan { schedule: None }));
}

#[tokio::test]
async fn only_a_plan_may_be_large() {
    let (context, mut given) = context();
    let check = async |path: &str, bytes: usize, status: u16, code: &str| {
        let body = " ".repeat(bytes);
        assert_eq!(send(&context, path, &body).await, (status, code.to_owned(), true), "{path} {bytes}");
    };
    check("/v1/apply", BODY_BYTES, 400, "bad-order").await;
    check("/v1/apply", BODY_BYTES + 1, 413, "body-too-large").await;
    check("/v1/plan", PLAN_BYTES, 400, "bad-order").await;
    check("/v1/plan", PLAN_BYTES + 1, 413, "body-too-large").await;
    assert_eq!(send(&context, "/v1/plan", r#"{"schedule": 1}"#).await, (422, "no-schedule".to_owned(), true));
    assert!(given.try_recv().is_err());
}
