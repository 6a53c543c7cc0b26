//! A query plugin's two documents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use verwalter_core::ids::UnixMillis;
use verwalter_core::json::text::JsonText;
use verwalter_core::names::Hostname;
use verwalter_core::schedule::Schedule;

use super::{Flaw, LIMITS, read, schedule};

/// A question over HTTP.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When.
    pub now: UnixMillis,
    /// What follows `/v1/query/`.
    pub path: String,
    /// The HTTP method.
    pub method: String,
    /// The parameters of the URL.
    pub query: BTreeMap<String, String>,
    /// The request's body.
    pub body: Option<JsonText>,
    /// The node that was asked.
    pub hostname: Hostname,
    /// The configuration, JSON text; `None`: the manifest's.
    pub config: Option<String>,
    /// The schedule in force, and since when.
    pub schedule: Option<(Schedule, UnixMillis)>,
}

/// Which roles a node renders.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// When.
    pub now: UnixMillis,
    /// Which node.
    pub hostname: Hostname,
    /// The configuration, JSON text; `None`: the manifest's.
    pub config: Option<String>,
    /// What is to be rendered.
    pub schedule: Schedule,
    /// What was rendered before.
    pub previous: Option<Schedule>,
    /// Facts about the machine.
    pub machine: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryDocument {
    v: Option<u32>,
    #[serde(default)]
    now: UnixMillis,
    path: String,
    method: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
    hostname: Option<Hostname>,
    config: Option<Box<RawValue>>,
    schedule: Option<Box<RawValue>>,
    /// The host's own: what stands here is not looked at.
    #[serde(rename = "schedule_digest")]
    _schedule_digest: Option<IgnoredAny>,
    since: Option<UnixMillis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesDocument {
    v: Option<u32>,
    #[serde(default)]
    now: UnixMillis,
    hostname: Option<Hostname>,
    config: Option<Box<RawValue>>,
    schedule: Box<RawValue>,
    previous: Option<Box<RawValue>>,
    #[serde(default)]
    machine: Map<String, Value>,
}

/// Where a document does not say which node it is.
fn localhost() -> Hostname {
    Hostname::new("localhost").expect("a valid hostname")
}

impl Asked {
    /// Reads a question. What it leaves out is empty, and it is a `GET`.
    pub fn read(text: &str) -> Result<Asked, Flaw> {
        let document: QueryDocument = read(text)?;
        super::version(document.v)?;
        let body = document.body.map(|body| JsonText::read_fixed(body.get().as_bytes(), LIMITS));
        let schedule = document.schedule.map(|text| schedule::read(text.get(), "schedule")).transpose()?;
        Ok(Asked {
            now: document.now,
            path: document.path,
            method: document.method.unwrap_or_else(|| "GET".to_owned()),
            query: document.query,
            body: body.transpose().map_err(|err| Flaw::new("body", err.to_string()))?,
            hostname: document.hostname.unwrap_or_else(localhost),
            config: super::object(document.config, "config")?,
            schedule: schedule.map(|schedule| (schedule, document.since.unwrap_or_default())),
        })
    }
}

impl Rendered {
    /// Reads a render document.
    pub fn read(text: &str) -> Result<Rendered, Flaw> {
        let document: RolesDocument = read(text)?;
        super::version(document.v)?;
        Ok(Rendered {
            now: document.now,
            hostname: document.hostname.unwrap_or_else(localhost),
            config: super::object(document.config, "config")?,
            schedule: schedule::read(document.schedule.get(), "schedule")?,
            previous: document.previous.map(|text| schedule::read(text.get(), "previous")).transpose()?,
            machine: document.machine,
        })
    }
}
