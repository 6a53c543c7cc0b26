//! `/v1/metrics` and `/v1/metrics/samples`: this machine's own hour of figures, asked of the task that keeps it, under a deadline. It waits for
//! no reading and no round.

use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use verwalter_collect::clock::unix_now;
use verwalter_collect::history::HORIZON;
use verwalter_collect::inquiry::{Inquirer, Listed, MAX_SAMPLED};
use verwalter_collect::query::Selection;
use verwalter_collect::series::{Labels, MAX_SERIES, SampleKind};
use verwalter_collect::unit::Unit;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::Hostname;

use super::error::HttpError;
use super::routes::{document, method};
use super::turns::{self, Turns};
use crate::config::units::TimeSpan;
use verwalter_core::plain::plain;

/// How long the collector may take. It answers between its readings, which are on another thread: within milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);
/// How far back samples go unless `since` says otherwise.
const SINCE: Duration = Duration::from_secs(600);
/// How many answers are made at a time: one may have megabytes.
const SLOTS: usize = 2;
/// The version of the documents.
const VERSION: u32 = 1;

/// Whom to ask, and for how long.
#[derive(Debug, Clone)]
struct Context {
    history: Inquirer,
    hostname: Hostname,
    deadline: Duration,
    turns: Turns,
}

/// The paths, to be merged into the node's router below its guard.
pub(super) fn routes<S>(history: Inquirer, hostname: Hostname) -> Router<S> {
    within(Context { history, hostname, deadline: DEADLINE, turns: Turns::new(SLOTS, turns::WAIT, "such answers are being made") })
}

fn within<S>(context: Context) -> Router<S> {
    Router::new()
        .route("/v1/metrics", get(list))
        .route("/v1/metrics.pretty", get(list))
        .route("/v1/metrics/samples", get(samples))
        .route("/v1/metrics/samples.pretty", get(samples))
        .method_not_allowed_fallback(method)
        .with_state(context)
}

/// What both documents begin with.
#[derive(Serialize)]
struct Answer<T> {
    v: u32,
    at: UnixMillis,
    hostname: Hostname,
    /// How many readings were taken: before the first one there is nothing to see.
    readings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<u64>,
    series: Vec<T>,
    left_out: usize,
    /// Where nothing matches: what may have been meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    near: Vec<String>,
}

/// A series in the list.
#[derive(Serialize)]
struct Line {
    labels: Labels,
    kind: &'static str,
    unit: Option<&'static str>,
    value: Option<f64>,
    age_ms: Option<u64>,
}

/// A series with samples.
#[derive(Serialize)]
struct Sampled {
    labels: Labels,
    kind: &'static str,
    unit: Option<&'static str>,
    /// Age in milliseconds and value, the oldest first.
    samples: Vec<(u64, f64)>,
}

type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;

async fn list(State(context): State<Context>, parameters: Parameters, uri: Uri) -> Result<Response, HttpError> {
    let asked = Asked::read(parameters, None, MAX_SERIES)?;
    let turn = context.turns.take().await?;
    let query = (!asked.selection.is_all()).then(|| asked.selection.query().clone());
    let Listed { found, left_out } = context.wait(context.history.series(query, asked.limit)).await?;
    let near = if found.is_empty() { context.near(asked.selection).await? } else { Vec::new() };
    let line = |line: verwalter_collect::inquiry::SeriesLine| Line {
        kind: kind_name(line.kind),
        unit: Unit::of(&line.labels).map(Unit::name),
        value: line.newest.map(|(_, value)| value),
        age_ms: line.newest.map(|(age, _)| millis(age)),
        labels: line.labels,
    };
    turn.spend(move || document(&uri, &context.answer(None, found.into_iter().map(line).collect(), left_out, near))).await
}

async fn samples(State(context): State<Context>, parameters: Parameters, uri: Uri) -> Result<Response, HttpError> {
    let asked = Asked::read(parameters, Some(SINCE), MAX_SAMPLED)?;
    let turn = context.turns.take().await?;
    let since = asked.since.unwrap_or(SINCE);
    let Listed { found, left_out } = context.wait(context.history.samples(asked.selection.query().clone(), since, asked.limit)).await?;
    let near = if found.is_empty() { context.near(asked.selection).await? } else { Vec::new() };
    let sampled = |series: verwalter_collect::inquiry::SeriesSamples| Sampled {
        kind: kind_name(series.kind),
        unit: Unit::of(&series.labels).map(Unit::name),
        samples: series.samples.into_iter().map(|(age, value)| (millis(age), value)).collect(),
        labels: series.labels,
    };
    turn.spend(move || document(&uri, &context.answer(Some(since), found.into_iter().map(sampled).collect(), left_out, near))).await
}

impl Context {
    fn answer<T>(&self, since: Option<Duration>, series: Vec<T>, left_out: usize, near: Vec<String>) -> Answer<T> {
        let readings = *self.history.readings().borrow();
        Answer {
            v: VERSION,
            at: unix_now(),
            hostname: self.hostname.clone(),
            readings,
            since_ms: since.map(millis),
            series,
            left_out,
            near,
        }
    }

    /// The collector's answer, or why there is none.
    async fn wait<T>(&self, answer: impl Future<Output = Option<T>>) -> Result<T, HttpError> {
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => {
                let message = "nobody keeps this machine's figures any more: the node is ending, or its log says what broke off";
                Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "ending", message))
            }
            Err(_) => {
                let message = format!(
                    "this machine's figures were not told within {} ms: the machine is overloaded, ask again in a moment",
                    self.deadline.as_millis()
                );
                Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message))
            }
        }
    }

    async fn near(&self, selection: Selection) -> Result<Vec<String>, HttpError> {
        let known = self.wait(self.history.series(None, MAX_SERIES)).await?;
        // Comparing thousands of names takes some milliseconds.
        let near = tokio::task::spawn_blocking(move || selection.near(known.found.iter().map(|line| &line.labels)));
        Ok(near.await.unwrap_or_default())
    }
}

/// What a request asks.
#[derive(Debug)]
struct Asked {
    selection: Selection,
    since: Option<Duration>,
    limit: usize,
}

impl Asked {
    /// Reads `match=WORD…`, `limit=N` and, where `since` is something, `since=10m`.
    fn read(parameters: Parameters, since: Option<Duration>, max: usize) -> Result<Asked, HttpError> {
        let Query(pairs) = parameters.map_err(|_| refused("what follows `?` must be NAME=VALUE pairs"))?;
        let (mut words, mut limit, mut far) = (Vec::new(), None, None);
        for (name, value) in &pairs {
            match name.as_str() {
                "match" => words.push(value.as_str()),
                "limit" if limit.is_none() => {
                    let number = value.parse().ok().filter(|number| (1..=max).contains(number));
                    limit = Some(number.ok_or_else(|| refused(format!("`limit` must be a whole number from 1 to {max}")))?);
                }
                "since" if since.is_some() && far.is_none() => far = Some(age(value)?),
                "limit" | "since" if since.is_some() || name == "limit" => return Err(refused(format!("`{name}` is there twice"))),
                other => {
                    let known = if since.is_some() { "`match`, `since` and `limit`" } else { "`match` and `limit`" };
                    return Err(refused(format!("there is no parameter `{}`: {known} are", plain(other, 100))));
                }
            }
        }
        let selection = Selection::read(words)
            .map_err(|error| HttpError::new(StatusCode::BAD_REQUEST, "bad-selection", plain(&error.to_string(), 1_000)))?;
        Ok(Asked { selection, since: far.or(since), limit: limit.unwrap_or(max) })
    }
}

fn age(text: &str) -> Result<Duration, HttpError> {
    let TimeSpan(age) = text.parse().map_err(|error: crate::config::units::UnitError| refused(format!("`since`: {error}")))?;
    if age.is_zero() || age > HORIZON {
        return Err(refused("`since` must be from 1ms to 1h: older samples are not kept"));
    }
    Ok(age)
}

fn refused(message: impl Into<String>) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, "bad-query", message)
}

fn kind_name(kind: SampleKind) -> &'static str {
    match kind {
        SampleKind::Counter => "counter",
        SampleKind::Gauge => "gauge",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
