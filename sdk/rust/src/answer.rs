//! A scheduler's answer: the schedule and what is said about it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Error;
use crate::input::Input;
use crate::json::{self, bytes};
use crate::schedule::Schedule;

/// What a scheduler returns.
#[derive(Debug, Clone)]
pub struct Answer {
    schedule: Schedule,
    actions: BTreeMap<String, String>,
    changes: Vec<String>,
    log: String,
}

impl Answer {
    /// An answer that says nothing but the schedule.
    pub fn new(schedule: Schedule) -> Answer {
        Answer { schedule, actions: BTreeMap::new(), changes: Vec::new(), log: String::new() }
    }

    /// Adds a line about what changed, for people; outside the schedule's digest.
    pub fn change(&mut self, line: impl Into<String>) -> &mut Answer {
        self.changes.push(line.into());
        self
    }

    /// Answers the operators' action `id`: what is answered is no longer pending.
    pub fn action<T: Serialize + ?Sized>(&mut self, id: &str, value: &T) -> Result<&mut Answer, Error> {
        let text = json::to_string(value).map_err(|source| Error::Value { key: format!("actions.{id}"), source })?;
        self.actions.insert(id.to_owned(), text);
        Ok(self)
    }

    /// Adds a line to the text for the author, which the host shows beside the decision.
    pub fn log(&mut self, line: &str) -> &mut Answer {
        if !self.log.is_empty() {
            self.log.push('\n');
        }
        self.log.push_str(line);
        self
    }

    /// The answer's JSON. `input` must be the one that the schedule was made for.
    pub fn to_json(&self, input: &Input<'_>) -> String {
        let mut out = Vec::with_capacity(self.schedule.size_hint() * 2 + 1024);
        out.extend_from_slice(b"{\"v\":1,\"schedule\":");
        self.schedule.write(input, &mut out);
        if !self.actions.is_empty() {
            out.extend_from_slice(b",\"actions\":");
            let mut open = b'{';
            for (id, value) in &self.actions {
                out.push(std::mem::replace(&mut open, b','));
                bytes::write_str(id, &mut out);
                out.push(b':');
                out.extend_from_slice(value.as_bytes());
            }
            out.push(b'}');
        }
        self.schedule.write_why(input, &mut out);
        if !self.changes.is_empty() {
            out.extend_from_slice(b",\"changes\":");
            let mut open = b'[';
            for line in &self.changes {
                out.push(std::mem::replace(&mut open, b','));
                bytes::write_str(line, &mut out);
            }
            out.push(b']');
        }
        if !self.log.is_empty() {
            out.extend_from_slice(b",\"log\":");
            bytes::write_str(&self.log, &mut out);
        }
        out.push(b'}');
        bytes::into_text(out)
    }
}
