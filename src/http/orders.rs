//! The paths that change something: an operator's orders about plugins. A handler hands the order over and waits for its answer
//! under a deadline; it never does anything itself.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;

use super::error::HttpError;
use super::{body, guard};
use crate::orders::{OrderError, PluginOrder, PluginOrders};
use verwalter_core::plain::plain;

/// What the handlers know.
#[derive(Debug, Clone)]
struct Context {
    orders: PluginOrders,
    body_bytes: usize,
}

/// `POST /v1/plugins/NAME/{rollback,release,allow}`, to be merged into the node's router below its guard.
pub fn routes<S>(orders: PluginOrders, body_bytes: u64) -> Router<S> {
    let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
    Router::new()
        .route("/v1/plugins/{name}/rollback", post(rollback))
        .route("/v1/plugins/{name}/release", post(release))
        .route("/v1/plugins/{name}/allow", post(allow))
        // Below the fallback for methods: who asks with GET is told to POST, whatever else is missing.
        .route_layer(middleware::from_fn(guard::check_change))
        .method_not_allowed_fallback(method)
        .with_state(Context { orders, body_bytes })
}

pub(super) async fn method() -> HttpError {
    let message = "this path takes an order: use POST with a JSON body, `{}` if there is nothing to say";
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
}

/// The body of an order that needs no words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The body of a rollback.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToBuild {
    #[serde(default)]
    digest: Option<Digest>,
}

type Name = Result<Path<String>, PathRejection>;

async fn rollback(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let name = plugin(name)?;
    let ToBuild { digest } = body::order(body, context.body_bytes).await?;
    give(&context, PluginOrder::Rollback { name, to: digest }).await
}

async fn release(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let name = plugin(name)?;
    let Nothing {} = body::order(body, context.body_bytes).await?;
    give(&context, PluginOrder::Release { name }).await
}

async fn allow(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let name = plugin(name)?;
    let Nothing {} = body::order(body, context.body_bytes).await?;
    give(&context, PluginOrder::Allow { name }).await
}

pub(super) fn no_plugin(name: &str) -> HttpError {
    let message = format!("there is no plugin `{}`: /v1/plugins lists them", plain(name, 100));
    HttpError::new(StatusCode::NOT_FOUND, "not-found", message)
}

/// The plugin in the path. What cannot be a name is no plugin's.
fn plugin(name: Name) -> Result<PluginName, HttpError> {
    let Path(name) = name.map_err(super::routes::no_text)?;
    PluginName::new(&name).map_err(|_| no_plugin(&name))
}

async fn give(context: &Context, order: PluginOrder) -> Result<Response, HttpError> {
    let name = order.plugin().clone();
    let message = context.orders.give(order).await.map_err(|err| refused(&err, || no_plugin(name.as_str())))?;
    tracing::info!(plugin = %name, result = %message, "an operator's order was carried out");
    Ok(Json(json!({ "message": message })).into_response())
}

/// Why an order was not carried out, for its giver. `absent`: what it says where there is nothing of that name.
pub(super) fn refused(err: &OrderError, absent: impl FnOnce() -> HttpError) -> HttpError {
    let (status, code) = match err {
        OrderError::NotFound => return absent(),
        OrderError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
        OrderError::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        OrderError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        OrderError::Late { .. } => (StatusCode::GATEWAY_TIMEOUT, "not-done-yet"),
        OrderError::Ending => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
    };
    HttpError::new(status, code, err.to_string())
}

#[cfg(test)]
mod tests;
