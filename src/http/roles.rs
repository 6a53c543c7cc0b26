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
use tokio::sync::Semaphore;
use verwalter_core::names::RoleName;
use verwalter_core::plain::plain;

use super::error::HttpError;
use super::routes::{document, no_text};
use super::{body, guard, orders, routes as reading};
use crate::deploy::{Remembered, RoleDetail};
use crate::orders::{DeployOrder, DeployOrders, RoleOrder};

/// How many answers are put together at a time: a record may have megabytes.
const SLOTS: usize = 2;

/// What the handlers know.
#[derive(Debug, Clone)]
struct Context {
    remembered: Arc<Remembered>,
    orders: DeployOrders,
    body_bytes: usize,
    slots: Arc<Semaphore>,
}

/// The paths, to be merged into the node's router below its guard. `records`: where it is remembered what belongs to which role.
pub fn routes<S: Clone + Send + Sync + 'static>(records: PathBuf, orders: DeployOrders, body_bytes: u64) -> Router<S> {
    let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
    let context = Context { remembered: Arc::new(Remembered::new(records)), orders, body_bytes, slots: Arc::new(Semaphore::new(SLOTS)) };
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

async fn list(State(context): State<Context>, uri: Uri) -> Result<Response, HttpError> {
    let roles = read(&context, |remembered| remembered.list()).await?;
    Ok(document(&uri, &serde_json::json!({ "roles": roles })))
}

async fn detail(State(context): State<Context>, name: Name, uri: Uri) -> Result<Response, HttpError> {
    let Path(name) = name.map_err(no_text)?;
    let name = name.strip_suffix(".pretty").unwrap_or(&name);
    let role = RoleName::new(name).map_err(|_| no_role(name))?;
    let found: Option<RoleDetail> = read(&context, move |remembered| remembered.detail(&role)).await?;
    found.map(|role| document(&uri, &role)).ok_or_else(|| no_role(name))
}

/// Reads what is remembered, on a thread that may wait for the disk.
async fn read<T: Send + 'static>(
    context: &Context,
    look: impl FnOnce(&Remembered) -> Result<T, String> + Send + 'static,
) -> Result<T, HttpError> {
    let Ok(slot) = context.slots.clone().try_acquire_owned() else {
        let message = format!("{SLOTS} such answers are being made already: ask again in a moment");
        return Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message));
    };
    let remembered = context.remembered.clone();
    let found = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        look(&remembered)
    });
    let failed = |message: String| HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message);
    match found.await {
        Ok(found) => found.map_err(failed),
        Err(_) => Err(failed("it broke off: a defect, please report it with the log".to_owned())),
    }
}

#[cfg(test)]
mod tests;
