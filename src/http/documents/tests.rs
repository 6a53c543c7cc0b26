//! Requests against the router alone, of a node that has decided nothing yet: when they are answered.

use std::path::Path as FilePath;
use std::sync::{Arc, OnceLock};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;
use verwalter_collect::inquiry;
use verwalter_core::ids::NodeId;

use super::*;
use crate::cluster::Leadership;
use crate::config::settings::Settings;
use crate::orders::{to_deploy, to_plugins};
use crate::plugin::{Activator, Compiler};
use crate::reload::{Inputs, Loader};
use crate::storage::Storage;

/// A channel on which nothing comes any more.
fn silent<T: Default>() -> watch::Receiver<T> {
    watch::channel(T::default()).1
}

fn view(dir: &FilePath) -> View {
    let storage = Arc::new(Storage::open(dir).expect("a storage"));
    let id = NodeId::from_bytes([1; 16]);
    let activator = Activator::without_storage(&dir.join("cache"), Compiler::default(), u64::MAX).expect("a cache");
    let meters = activator.meters().clone();
    let inputs = Inputs { newest: silent(), recorded: None, in_force: silent(), collected: OnceLock::new() };
    let config = Loader::new(dir.join("etc"), activator, Settings::default(), inputs).first();
    View {
        id,
        hostname: "alpha".parse().expect("a hostname"),
        name: "alpha".to_owned(),
        addr: "127.0.0.1:8379".parse().expect("an address"),
        leadership: Arc::new(Leadership::alone(id, &storage, None).expect("the storage is writable")),
        config: watch::channel(Arc::new(config)).1,
        reloading_since: silent(),
        collected: silent(),
        history: inquiry::channel().0,
        agent: None,
        key_failure: None,
        in_force: silent(),
        round: silent(),
        input: silent(),
        deployed: silent(),
        store_failure: silent(),
        journal_failure: silent(),
        shadows: silent(),
        generations: None,
        records_dir: dir.join("roles"),
        orders: to_plugins().0,
        deploy_orders: to_deploy().0,
        meters,
        counts: Arc::default(),
    }
}

async fn get(view: &View, turns: &Turns, path: &str) -> (u16, Value) {
    let router: Router = with(view.clone(), turns.clone());
    let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("it answers");
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 10_000).await.expect("a short body");
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

#[tokio::test(start_paused = true)]
async fn every_document_waits_for_its_turn() {
    let dir = tempfile::tempdir().expect("a directory");
    let (view, turns) = (view(dir.path()), Turns::new(1, turns::WAIT, "such documents are being made"));
    let check = async |path: &str, status: u16, code: Option<&str>| {
        let (found, answer) = get(&view, &turns, path).await;
        assert_eq!((found, answer["error"]["code"].as_str()), (status, code), "{path}: {answer}");
    };
    let paths = ["/v1/peers", "/v1/schedule", "/v1/scheduler_input", "/v1/why/web/alpha"];
    let turn = turns.take().await.expect("nobody else is there");
    for path in paths {
        check(path, 503, Some("busy")).await;
        check(&format!("{path}.pretty"), 503, Some("busy")).await;
    }
    drop(turn);
    for path in paths {
        let (status, code) = if path == "/v1/peers" { (200, None) } else { (404, Some("nothing-yet")) };
        check(path, status, code).await;
        check(&format!("{path}.pretty"), status, code).await;
    }
}
