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
use crate::orders::{Order, OrderError, Orders};
use crate::plain::plain;

/// What the handlers know.
#[derive(Debug, Clone)]
struct Context {
    orders: Orders,
    body_bytes: usize,
}

/// `POST /v1/plugins/NAME/{rollback,release,allow}`, to be merged into the node's router below its guard.
pub fn routes<S>(orders: Orders, body_bytes: u64) -> Router<S> {
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

async fn method() -> HttpError {
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
    let ToBuild { digest } = read(body, &context).await?;
    give(&context, Order::Rollback { name, to: digest }).await
}

async fn release(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let name = plugin(name)?;
    let Nothing {} = read(body, &context).await?;
    give(&context, Order::Release { name }).await
}

async fn allow(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let name = plugin(name)?;
    let Nothing {} = read(body, &context).await?;
    give(&context, Order::Allow { name }).await
}

fn no_plugin(name: &str) -> HttpError {
    let message = format!("there is no plugin `{}`: /v1/plugins lists them", plain(name, 100));
    HttpError::new(StatusCode::NOT_FOUND, "not-found", message)
}

/// The plugin in the path. What cannot be a name is no plugin's.
fn plugin(name: Name) -> Result<PluginName, HttpError> {
    let Path(name) = name.map_err(super::routes::no_text)?;
    PluginName::new(&name).map_err(|_| no_plugin(&name))
}

async fn read<T: for<'de> Deserialize<'de>>(body: Body, context: &Context) -> Result<T, HttpError> {
    let bytes = body::whole(body, context.body_bytes).await?;
    let refuse = |what: &str| {
        let message = format!("the body is no such order: {}; send `{{}}` if there is nothing to say", plain(what, 300));
        HttpError::new(StatusCode::BAD_REQUEST, "bad-order", message)
    };
    // An array would be read as an object's values in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(refuse("it is no JSON object"));
    }
    serde_json::from_slice(&bytes).map_err(|err| refuse(&err.to_string()))
}

async fn give(context: &Context, order: Order) -> Result<Response, HttpError> {
    let name = order.plugin().clone();
    let message = context.orders.give(order).await.map_err(|err| {
        let (status, code) = match err {
            OrderError::NotFound => return no_plugin(name.as_str()),
            OrderError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            OrderError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            OrderError::Late => (StatusCode::GATEWAY_TIMEOUT, "not-done-yet"),
            OrderError::Ending => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        };
        HttpError::new(status, code, err.to_string())
    })?;
    tracing::info!(plugin = %name, result = %message, "an operator's order was carried out");
    Ok(Json(json!({ "message": message })).into_response())
}

#[cfg(test)]
mod tests;
