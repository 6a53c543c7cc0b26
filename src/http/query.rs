//! `/v1/query/PATH`: an operator's question to the query plugin, by GET with parameters or POST with a JSON body. The plugin reads the
//! schedule in force and changes nothing.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::json::text::JsonText;
use verwalter_core::ports::{Failure, FailureCause, Kind};

use super::body;
use super::error::HttpError;
use super::routes::{no_text, raw_document};
use super::turns::Turns;
use crate::query::{self, Question};
use crate::status::View;
use verwalter_collect::clock::unix_now;

/// Questions that are answered at a time: rounds and renders must find their turn beside them.
pub(super) const SLOTS: usize = 2;

/// What a body may hold; its bytes are capped by the settings.
const BODY: JsonLimits = JsonLimits { depth: 32, values: 100_000 };

/// What a handler needs beside the question.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) view: View,
    pub(super) body_bytes: usize,
    pub(super) turns: Turns,
}

pub(super) async fn ask(
    State(Context { view, body_bytes, turns }): State<Context>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    uri: Uri,
    body: Body,
) -> Result<Response, HttpError> {
    let Path(path) = path.map_err(no_text)?;
    let path = path.strip_suffix(".pretty").unwrap_or(&path).to_owned();
    let parameters = once_each(parameters)?;
    let body = read(body, body_bytes).await?;
    let catalog = view.config.borrow().catalog.clone();
    let Some(plugin) = catalog.query() else {
        let broken = catalog.broken(Kind::Query).map_or(String::new(), |broken| format!(" ({broken})"));
        let message =
            format!("no query plugin is active: put NAME.wasm and NAME.yaml with `kind: query` into the plugins directory{broken}");
        return Err(HttpError::new(StatusCode::NOT_FOUND, "no-query-plugin", message));
    };
    let turn = turns.take().await?;
    let question = Question { path, method: if method == Method::POST { "POST" } else { "GET" }, parameters, body };
    let in_force = view.in_force.borrow().clone();
    let hostname = view.hostname.clone();
    let answered = turn.spend(move || {
        let answer = query::answer(&*plugin, &question, &hostname, in_force.as_deref(), unix_now()).map_err(|failure| refused(&failure))?;
        Ok(raw_document(&uri, String::from(answer).into_bytes()))
    });
    answered.await?
}

/// By name. Which of two values is meant is not for the node to guess.
fn once_each(parameters: Result<Query<Vec<(String, String)>>, QueryRejection>) -> Result<BTreeMap<String, String>, HttpError> {
    let refused =
        || HttpError::new(StatusCode::BAD_REQUEST, "bad-query", "what follows `?` must be NAME=VALUE pairs, each name once".to_owned());
    let Query(pairs) = parameters.map_err(|_| refused())?;
    let count = pairs.len();
    let parameters: BTreeMap<String, String> = pairs.into_iter().collect();
    if parameters.len() == count { Ok(parameters) } else { Err(refused()) }
}

async fn read(body: Body, body_bytes: usize) -> Result<Option<JsonText>, HttpError> {
    let bytes = body::whole(body, body_bytes).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = JsonText::read_fixed(&bytes, BODY);
    text.map(Some).map_err(|err| HttpError::new(StatusCode::BAD_REQUEST, "bad-body", format!("the body must be JSON: {err}")))
}

/// What an operator is told: a plugin's own error is about the question, anything else about the plugin.
fn refused(failure: &Failure) -> HttpError {
    let (status, code) = match failure.cause {
        FailureCause::Answered => (StatusCode::UNPROCESSABLE_ENTITY, "answered-an-error"),
        FailureCause::Host => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        _ => (StatusCode::BAD_GATEWAY, "plugin-failed"),
    };
    HttpError::new(status, code, failure.to_string())
}
