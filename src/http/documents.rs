//! The documents that grow with the cluster: peers, the schedule in force, what the newest decision read. At 10,000 peers they are megabytes, so
//! that they are made in turns. It changes nothing and asks no plugin.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use verwalter_core::contract::whole_document;

use super::error::HttpError;
use super::routes::{document, method, no_text, nothing_yet, raw_document};
use super::turns::{self, Turns};
use crate::status::{self, View};
use crate::{store, why};

/// How many are made at a time: one for each processor of a small machine, and no more than some ten megabytes each.
const SLOTS: usize = 2;

/// What the handlers know.
#[derive(Clone)]
struct Context {
    view: View,
    turns: Turns,
}

/// The paths, to be merged into the node's router below its guard.
pub(super) fn routes<S>(view: View) -> Router<S> {
    with(view, Turns::new(SLOTS, turns::WAIT, "such documents are being made"))
}

fn with<S>(view: View, turns: Turns) -> Router<S> {
    Router::new()
        .route("/v1/peers", get(peers))
        .route("/v1/peers.pretty", get(peers))
        .route("/v1/schedule", get(schedule))
        .route("/v1/schedule.pretty", get(schedule))
        .route("/v1/scheduler_input", get(scheduler_input))
        .route("/v1/scheduler_input.pretty", get(scheduler_input))
        .route("/v1/why/{role}/{node}", get(why))
        .method_not_allowed_fallback(method)
        .with_state(Context { view, turns })
}

// What is shown is looked up once it is a request's turn: who waits holds nothing, and is not told what was.

async fn peers(State(Context { view, turns }): State<Context>, uri: Uri) -> Result<Response, HttpError> {
    turns.spend(move || document(&uri, &status::peers(&view))).await
}

async fn schedule(State(Context { view, turns }): State<Context>, uri: Uri) -> Result<Response, HttpError> {
    let made = turns.spend(move || {
        let in_force = view.in_force.borrow().clone().ok_or_else(|| nothing_yet("schedule"))?;
        Ok(raw_document(&uri, store::encode(&in_force, false)))
    });
    made.await?
}

async fn scheduler_input(State(Context { view, turns }): State<Context>, uri: Uri) -> Result<Response, HttpError> {
    let made = turns.spend(move || {
        let input = view.input.borrow().clone().ok_or_else(|| nothing_yet("scheduler input"))?;
        Ok(raw_document(&uri, whole_document(&input.document, &input.reads, &input.view).into_bytes()))
    });
    made.await?
}

async fn why(
    State(Context { view, turns }): State<Context>,
    place: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, HttpError> {
    let Path((role, node)) = place.map_err(no_text)?;
    let made = turns.spend(move || {
        let node = node.strip_suffix(".pretty").unwrap_or(&node);
        let in_force = view.in_force.borrow().clone().ok_or_else(|| nothing_yet("schedule"))?;
        let answer = why::explain(&in_force, &role, node);
        let answer = answer.map_err(|err| HttpError::new(StatusCode::NOT_FOUND, "not-placed", err.to_string()))?;
        Ok(document(&uri, &answer))
    });
    made.await?
}

#[cfg(test)]
mod tests;
