//! The paths and what each shows. Every document comes compact, and indented with the suffix `.pretty`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::json;

use super::error::HttpError;
use super::guard::{Guard, Hosts, check, check_change};
use super::metrics::{self, Readings};
use super::turns::Turns;
use super::{documents, orders, plan, query, roles, series, shadow};
use crate::round::Outcome;
use crate::status::{self, View};

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
const TEXT: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

/// The index page: what there is to ask.
const INDEX: &str = "\
verwalter: this node's API. Add .pretty to a /v1 path for indented JSON.

/v1/status                what is in force, what failed and why
/v1/peers                 the other nodes
/v1/schedule              the schedule in force
/v1/why/ROLE/NODE         why a role stands on a node
/v1/plugins               every plugin, its build, its limits, its errors, what it cost
/v1/plugins/NAME/shadow   how a plugin in shadow mode compares with those in force
/v1/roles                 what belongs to which role on this machine, and on whose word
/v1/roles/ROLE            the files of a role, on whose word they are its own, and since when
/v1/query/PATH            a question to the query plugin, by GET or with a JSON body by POST
/v1/metrics               this machine's series, by ?match=METRIC or ?match=LABEL=VALUE
/v1/metrics/samples       their samples, by ?match=… and ?since=10m, at most an hour
/v1/scheduler_input       what the newest decision read: the document, peers and metrics
/v1/scheduler_debug_info  what the scheduler plugin logged in it
/healthz  /readyz         for supervisors and load balancers
/metrics                  figures for Prometheus, as OpenMetrics where that is accepted

By POST, with Content-Type: application/json and a body of {}:
/v1/plugins/NAME/rollback, /v1/plugins/NAME/release, /v1/plugins/NAME/allow
/v1/plan                  what would be done here (a body of {schedule: …}: for that one instead of the one in force)
/v1/apply                 (with a body of {plan: DIGEST}: does it, if it is still the same)
/v1/roles/ROLE/forget     (a body of {paths: […]} names files: those alone belong to it no longer)
/v1/roles/ROLE/adopt      (with a body of {paths: […]}: files that are there already become its own)
";

pub(super) fn router(view: View, hosts: Hosts, body_bytes: u64) -> Router {
    let shadows = view.shadows.clone();
    let look: shadow::Look = Arc::new(move |name| {
        let book = shadows.borrow().clone();
        book.get(name).map(|status| serde_json::to_value(status).expect("texts and numbers are JSON"))
    });
    let context = query::Context {
        view: view.clone(),
        body_bytes: usize::try_from(body_bytes).unwrap_or(usize::MAX),
        turns: Turns::new(query::SLOTS, Duration::ZERO, "questions are being answered"),
    };
    // A question changes nothing, but it costs a plugin's time: for POST there is one rule.
    let asked = get(query::ask).merge(post(query::ask).route_layer(middleware::from_fn(check_change)));
    Router::new()
        .merge(documents::routes(view.clone()))
        .merge(orders::routes(view.orders.clone(), body_bytes))
        .merge(roles::routes(view.records_dir.clone(), view.deploy_orders.clone(), body_bytes))
        .merge(plan::routes(view.deploy_orders.clone(), body_bytes))
        .merge(shadow::routes(look))
        .merge(series::routes(view.history.clone(), view.hostname.clone()))
        .route("/v1/query/{*path}", asked.with_state(context))
        .route("/metrics", get(figures))
        .route("/", get(|| async { (TEXT, INDEX) }))
        .route("/healthz", get(|| async { (TEXT, "ok\n") }))
        .route("/readyz", get(ready))
        .route("/v1/scheduler_debug_info", get(scheduler_debug_info))
        .route("/v1/plugins/{name}", get(plugin))
        .route("/v1/status", get(status))
        .route("/v1/status.pretty", get(status))
        .route("/v1/plugins", get(plugins))
        .route("/v1/plugins.pretty", get(plugins))
        .fallback(unknown)
        .method_not_allowed_fallback(method)
        .layer(middleware::from_fn_with_state(Guard { hosts, body_bytes }, check))
        .with_state(view)
}

async fn figures(State(view): State<View>, headers: HeaderMap) -> Response {
    metrics::response(Readings::of(&view, &view.meters, &view.counts), &headers)
}

async fn unknown(uri: Uri) -> HttpError {
    let shown: String = uri.path().chars().take(100).collect();
    HttpError::new(StatusCode::NOT_FOUND, "not-found", format!("there is nothing at `{shown}`: / lists what there is"))
}

pub(super) async fn method() -> HttpError {
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path is for reading: use GET or HEAD")
}

/// A document, indented when the path asks for it.
pub(super) fn document(uri: &Uri, value: &impl Serialize) -> Response {
    let pretty = uri.path().ends_with(".pretty");
    let text = if pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
    let mut text = text.expect("the node's own documents are JSON");
    if pretty {
        text.push(b'\n');
    }
    (JSON, text).into_response()
}

/// A JSON text that is kept ready, indented when the path asks for it.
pub(super) fn raw_document(uri: &Uri, text: Vec<u8>) -> Response {
    if !uri.path().ends_with(".pretty") {
        return (JSON, text).into_response();
    }
    match serde_json::from_slice::<serde_json::Value>(&text) {
        Ok(value) => document(uri, &value),
        Err(_) => (JSON, text).into_response(),
    }
}

pub(super) fn nothing_yet(what: &str) -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, "nothing-yet", format!("there is no {what} yet: /v1/status says what is missing"))
}

async fn status(State(view): State<View>, uri: Uri) -> Response {
    document(&uri, &view.status())
}

async fn ready(State(view): State<View>) -> Response {
    let waits = view.unready();
    if waits.is_empty() {
        return (TEXT, "ready\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{}\n", waits.join("\n"))).into_response()
}

async fn scheduler_debug_info(State(view): State<View>) -> Result<Response, HttpError> {
    let report = view.round.borrow().clone().ok_or_else(|| nothing_yet("decision"))?;
    let text = match &report.outcome {
        Outcome::Accepted(accepted) => accepted.debug.clone(),
        Outcome::Denied { message, debug, .. } | Outcome::Failed { message, debug, .. } => {
            format!("{debug}{}{message}", if debug.is_empty() { "" } else { "\n" })
        }
    };
    Ok((TEXT, text).into_response())
}

async fn plugins(State(view): State<View>, uri: Uri) -> Response {
    let catalog = view.config.borrow().catalog.clone();
    let statuses: Vec<_> = catalog.statuses().map(|plugin| status::plugin(&view, plugin)).collect();
    document(&uri, &json!({ "generation": catalog.generation(), "reloading_since": *view.reloading_since.borrow(), "plugins": statuses }))
}

/// A path whose parts are no text once they are decoded.
pub(super) fn no_text(_: PathRejection) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, "bad-path", "the path is no UTF-8 text: mend what follows its `%` signs")
}

async fn plugin(State(view): State<View>, name: Result<Path<String>, PathRejection>, uri: Uri) -> Result<Response, HttpError> {
    let Path(name) = name.map_err(no_text)?;
    let name = name.strip_suffix(".pretty").unwrap_or(&name);
    let catalog = view.config.borrow().catalog.clone();
    match catalog.status(name) {
        Some(plugin) => Ok(document(&uri, &status::plugin(&view, plugin))),
        None => Err(orders::no_plugin(name)),
    }
}
