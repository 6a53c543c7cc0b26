//! What a query plugin is told: a question over HTTP, or which roles a node is about to render. It answers nothing.

mod roles;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::input::document::check_version;
use crate::text::{Text, part};
use crate::view::ScheduleView;

pub use roles::{RoleVars, Roles};

/// A request to `/v1/query/PATH` of one node.
#[derive(Debug, Deserialize)]
pub struct Question<'a> {
    v: u32,
    now: u64,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    hostname: Text<'a>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow)]
    schedule: Option<ScheduleView<'a>>,
    #[serde(borrow)]
    schedule_digest: Option<Text<'a>>,
    since: Option<u64>,
}

impl<'a> Question<'a> {
    /// Reads the document.
    #[inline]
    pub fn read(text: &'a str) -> Result<Question<'a>, Error> {
        let question: Question<'a> = serde_json::from_str(text).map_err(|err| Error::Document(err.to_string()))?;
        check_version(question.v)?;
        Ok(question)
    }

    /// When it was asked, in milliseconds since the Unix epoch. The only clock that a plugin has.
    pub fn now_ms(&self) -> u64 {
        self.now
    }

    /// What follows `/v1/query/`, decoded.
    pub fn path(&self) -> &str {
        &self.path.0
    }

    /// `GET` or `POST`.
    pub fn method(&self) -> &str {
        &self.method.0
    }

    /// The URL's parameters, decoded.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.query
    }

    /// The request's body as the author's own type; `None` where there was none.
    pub fn body<T: Deserialize<'a>>(&self) -> Result<Option<T>, Error> {
        self.body.map(|body| part("body", Some(body))).transpose()
    }

    /// The node that was asked.
    pub fn hostname(&self) -> &str {
        &self.hostname.0
    }

    /// The manifest's `config` as the author's own type; `{}` when there is none.
    pub fn config<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("config", self.config)
    }

    /// The schedule in force on that node; `None` before the first.
    pub fn schedule(&self) -> Option<&ScheduleView<'a>> {
        self.schedule.as_ref()
    }

    /// The schedule's digest, `sha256:…`.
    pub fn schedule_digest(&self) -> Option<&str> {
        self.schedule_digest.as_ref().map(|digest| &*digest.0)
    }

    /// When the schedule came into force on that node, in milliseconds since the Unix epoch.
    pub fn since_ms(&self) -> Option<u64> {
        self.since
    }
}

/// A node that is about to render.
#[derive(Debug, Deserialize)]
pub struct Render<'a> {
    v: u32,
    now: u64,
    #[serde(borrow)]
    hostname: Text<'a>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow)]
    schedule: ScheduleView<'a>,
    #[serde(borrow)]
    previous: Option<ScheduleView<'a>>,
    #[serde(borrow)]
    machine: Option<&'a RawValue>,
}

impl<'a> Render<'a> {
    /// Reads the document.
    #[inline]
    pub fn read(text: &'a str) -> Result<Render<'a>, Error> {
        let render: Render<'a> = serde_json::from_str(text).map_err(|err| Error::Document(err.to_string()))?;
        check_version(render.v)?;
        Ok(render)
    }

    /// When it asks, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.now
    }

    /// Which node.
    pub fn hostname(&self) -> &str {
        &self.hostname.0
    }

    /// The manifest's `config` as the author's own type; `{}` when there is none.
    pub fn config<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("config", self.config)
    }

    /// The schedule that is to be rendered.
    pub fn schedule(&self) -> &ScheduleView<'a> {
        &self.schedule
    }

    /// The schedule that was rendered before; `None` at first, and when a render is forced.
    pub fn previous(&self) -> Option<&ScheduleView<'a>> {
        self.previous.as_ref()
    }

    /// The facts about the machine as the author's own type.
    pub fn machine<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("machine", self.machine)
    }
}

#[cfg(test)]
mod tests;
