//! `POST /v1/plan` and `POST /v1/apply`: what would be done on this node, and the order to do it. A handler hands over and waits; it renders
//! nothing itself.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use verwalter_core::digest::Digest;
use verwalter_core::plain::plain;
use verwalter_core::schedule::Schedule;

use super::error::HttpError;
use super::turns::{self, Turns};
use super::{body, guard, orders};
use crate::orders::{DeployOrder, DeployOrders, OrderError};
use crate::store;

/// How long an order to apply is waited for: commands and health checks take their time, role after role.
pub const APPLY_WAIT: Duration = Duration::from_secs(15 * 60);
/// Largest body of a plan unless the settings allow more: a schedule of 10,000 nodes, with room.
pub(super) const BODY_BYTES: u64 = 16 << 20;
/// How many of them are read at a time.
const SLOTS: usize = 2;

/// What the handlers know.
#[derive(Debug, Clone)]
struct Context {
    orders: DeployOrders,
    body_bytes: usize,
    /// A plan's body may be larger.
    plan_bytes: usize,
    turns: Turns,
}

/// To be merged into the node's router below its guard.
pub fn routes<S>(orders: DeployOrders, body_bytes: u64) -> Router<S> {
    let [body_bytes, plan_bytes] = [body_bytes, body_bytes.max(BODY_BYTES)].map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    with(Context { orders, body_bytes, plan_bytes, turns: Turns::new(SLOTS, turns::WAIT, "plans are being read") })
}

fn with<S>(context: Context) -> Router<S> {
    Router::new()
        .route("/v1/plan", post(plan))
        .route("/v1/apply", post(apply))
        // A plan changes nothing, but it reads files that only the daemon may: no other site's page asks for it.
        .route_layer(middleware::from_fn(guard::check_change))
        .method_not_allowed_fallback(orders::method)
        .with_state(context)
}

/// The body of a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// A schedule as /v1/schedule gives it, or alone; left out: the one in force.
    #[serde(default, deserialize_with = "given")]
    schedule: Option<Box<RawValue>>,
}

/// `null` is a schedule that somebody meant to give, and none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// The body of an order to apply one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToApply {
    plan: Digest,
}

async fn plan(State(context): State<Context>, body: Body) -> Result<Response, HttpError> {
    // Before the body: it is kept in memory while it arrives.
    let turn = context.turns.take().await?;
    let bytes = body::whole(body, context.plan_bytes).await?;
    let schedule = turn.spend(move || read(&bytes)).await??;
    let order = DeployOrder::Plan { schedule: schedule.map(Box::new) };
    let answer = context.orders.give(order).await.map_err(|err| match err {
        OrderError::Late { .. } => {
            let message = "the node is deploying a role and could not look yet: ask again; `verwalter log` shows what it does";
            HttpError::new(StatusCode::GATEWAY_TIMEOUT, "not-done-yet", message)
        }
        err => orders::refused(&err, nothing),
    })?;
    Ok(Json(answer).into_response())
}

fn read(bytes: &[u8]) -> Result<Option<Schedule>, HttpError> {
    let Given { schedule } = body::read_order(bytes)?;
    schedule.map(|raw| store::given(raw.get())).transpose().map_err(|err| {
        let message = format!("what was given is no schedule: {}", plain(&crate::telemetry::chain(&err), 1_000));
        HttpError::new(StatusCode::UNPROCESSABLE_ENTITY, "no-schedule", message)
    })
}

async fn apply(State(context): State<Context>, body: Body) -> Result<Response, HttpError> {
    let ToApply { plan } = body::order(body, context.body_bytes).await?;
    let answer = context.orders.give_within(DeployOrder::Apply { plan }, APPLY_WAIT).await.map_err(|err| orders::refused(&err, nothing))?;
    Ok(Json(answer).into_response())
}

fn nothing() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, "nothing-yet", "there is no schedule yet: /v1/status says what is missing")
}

#[cfg(test)]
mod tests;
