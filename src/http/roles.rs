//! `/v1/roles`: what belongs to which role of this node, read from what it remembers, and an operator's orders about that. Orders are handed to
//! the task that deploys; a handler changes nothing itself, and waits for no deployment to show what there is.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use verwalter_core::names::RoleName;
use verwalter_core::plain::plain;

use super::error::HttpError;
use super::routes::{document, no_text};
use super::turns::{self, Turns};
use super::{body, guard, orders, routes as reading};
use crate::deploy::Remembered;
use crate::orders::{DeployOrder, DeployOrders, RoleOrder};

/// How many answers are put together at a time: a record may have megabytes.
const SLOTS: usize = 2;

/// What the handlers know.
#[derive(Debug, Clone)]
struct Context {
    remembered: Arc<Remembered>,
    orders: DeployOrders,
    body_bytes: usize,
    turns: Turns,
}

/// The paths, to be merged into the node's router below its guard. `records`: where it is remembered what belongs to which role.
pub fn routes<S: Clone + Send + Sync + 'static>(records: PathBuf, orders: DeployOrders, body_bytes: u64) -> Router<S> {
    let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
    let turns = Turns::new(SLOTS, turns::WAIT, "such answers are being made");
    let context = Context { remembered: Arc::new(Remembered::new(records)), orders, body_bytes, turns };
    let orders = Router::new()
        .route("/v1/roles/{name}/adopt", post(adopt))
        .route("/v1/roles/{name}/forget", post(forget))
        // As for the orders about plugins.
        .route_layer(middleware::from_fn(guard::check_change))
        .method_not_allowed_fallback(orders::method)
        .with_state(context.clone());
    let views = Router::new()
        .route("/v1/roles", get(list))
        .route("/v1/roles.pretty", get(list))
        .route("/v1/roles/{name}", get(detail))
        .method_not_allowed_fallback(reading::method)
        .with_state(context);
    orders.merge(views)
}

/// Which files are adopted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Adopt {
    paths: Vec<String>,
}

/// Which files are forgotten.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forget {
    #[serde(default)]
    paths: Option<Vec<String>>,
}

type Name = Result<Path<String>, PathRejection>;

async fn adopt(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let role = role(name)?;
    let Adopt { paths } = body::order(body, context.body_bytes).await?;
    give(&context, RoleOrder::Adopt { role, paths }).await
}

async fn forget(State(context): State<Context>, name: Name, body: Body) -> Result<Response, HttpError> {
    let role = role(name)?;
    let Forget { paths } = body::order(body, context.body_bytes).await?;
    give(&context, RoleOrder::Forget { role, paths }).await
}

async fn give(context: &Context, order: RoleOrder) -> Result<Response, HttpError> {
    let role = order.role().clone();
    let answer = context.orders.give(DeployOrder::Role(order)).await.map_err(|err| orders::refused(&err, || no_role(role.as_str())))?;
    Ok(document(&Uri::from_static("/"), &answer))
}

fn no_role(name: &str) -> HttpError {
    let message =
        format!("nothing is remembered of a role `{}` on this node: /v1/roles lists those of which something is", plain(name, 100));
    HttpError::new(StatusCode::NOT_FOUND, "not-found", message)
}

/// The role in the path. What cannot be a name is no role's.
fn role(name: Name) -> Result<RoleName, HttpError> {
    let Path(name) = name.map_err(no_text)?;
    RoleName::new(&name).map_err(|_| no_role(&name))
}

async fn list(State(Context { remembered, turns, .. }): State<Context>, uri: Uri) -> Result<Response, HttpError> {
    let listed = turns.spend(move || {
        let roles = remembered.list().map_err(failed)?;
        Ok(document(&uri, &serde_json::json!({ "roles": roles })))
    });
    listed.await?
}

async fn detail(State(Context { remembered, turns, .. }): State<Context>, name: Name, uri: Uri) -> Result<Response, HttpError> {
    let Path(name) = name.map_err(no_text)?;
    let name = name.strip_suffix(".pretty").unwrap_or(&name).to_owned();
    let role = RoleName::new(&name).map_err(|_| no_role(&name))?;
    let found = turns.spend(move || match remembered.detail(&role).map_err(failed)? {
        Some(detail) => Ok(document(&uri, &detail)),
        None => Err(no_role(&name)),
    });
    found.await?
}

fn failed(message: String) -> HttpError {
    HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
}

#[cfg(test)]
mod tests;
