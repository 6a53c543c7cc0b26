//! Lines of the index: when, in which deployment, where its text begins, and what happened. It reads and writes lines, not files.

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::stamp;
use crate::diff::escape;

/// Longest line that is read, in bytes. Ours have at most half of that, however much of a name, a cause or an id is escaped.
const MAX_BYTES: usize = 16 << 10;

/// An event of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: UnixMillis,
    /// Which deployment.
    pub deployment: String,
    /// Where its text begins.
    pub pointer: Pointer,
    /// What happened.
    pub marker: Marker,
    /// What else is known. Lines of the predecessor have none.
    pub context: Context,
}

/// Where in which file something is told. Offsets are in bytes, at the beginning of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "variant", content = "fields")]
pub enum Pointer {
    /// Segment and offset in `.global`.
    Global(String, u64),
    /// Segment and offset in `.changes`.
    Changes(String, u64),
    /// Role, segment and offset in the role's directory.
    Role(RoleName, String, u64),
    /// A service's own log, `NAME/PATH` with NAME from the sandbox' `log-dirs`, and how long it was.
    External(String, u64),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MarkerText", into = "MarkerText")]
pub enum Marker {
    /// Something was to be done.
    DeploymentStart,
    /// What the schedule changed.
    DeploymentChanges,
    /// It was done, or it is known for each role why not.
    DeploymentFinish,
    /// It was given up.
    DeploymentError,
    /// A role was begun.
    RoleStart,
    /// It ended: [`Context::outcome`] says how.
    RoleFinish,
    /// A command was begun; what names it.
    ActionStart(String),
    /// It ended.
    ActionFinish(String),
    /// A service's own log goes on where the pointer says.
    ExternalLog,
}

/// What is known of an entry beside the predecessor's four elements: the fifth of a line. Unknown members are left unread.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// The schedule that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Digest>,
    /// The role that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// How many tries this is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why it was tried, or for an end, why it ended so: one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// How a role or a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There was nothing to do.
    Unchanged,
    /// It is in force; a command succeeded.
    Done,
    /// It failed, and what was before is in force.
    Undone,
    /// It failed. Of a role: not everything is as it was.
    Failed,
    /// It was not seen to an end.
    Interrupted,
}

impl Outcome {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Done => "done",
            Outcome::Undone => "undone",
            Outcome::Failed => "failed",
            Outcome::Interrupted => "interrupted",
        }
    }
}

impl Entry {
    /// The role that it is about.
    pub fn role(&self) -> Option<&RoleName> {
        match &self.pointer {
            Pointer::Role(role, _, _) => Some(role),
            _ => self.context.role.as_ref(),
        }
    }

    /// Its line, with the newline.
    pub fn line(&self) -> String {
        let array = (stamp::rfc3339(self.at), &self.deployment, &self.pointer, &self.marker, &self.context);
        let mut line = serde_json::to_string(&array).expect("texts, numbers and maps with text keys are JSON");
        line.push('\n');
        line
    }

    /// Reads a line, this program's or the predecessor's; `None` where it is neither.
    pub fn parse(line: &[u8]) -> Option<Entry> {
        if line.len() > MAX_BYTES {
            return None;
        }
        let mut elements = serde_json::from_slice::<Vec<serde_json::Value>>(line).ok()?.into_iter();
        let at = stamp::from_rfc3339(elements.next()?.as_str()?)?;
        let deployment = elements.next()?.as_str()?.to_owned();
        let pointer = serde_json::from_value(elements.next()?).ok()?;
        let marker = serde_json::from_value(elements.next()?).ok()?;
        // What a later version makes of it is no reason to hide the rest.
        let context = elements.next().and_then(|context| serde_json::from_value(context).ok()).unwrap_or_default();
        Some(Entry { at, deployment, pointer, marker, context })
    }
}

impl std::fmt::Display for Entry {
    /// One line for people: when, which deployment, role, what happened, how it ended, why. Nothing in it moves a cursor.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ", stamp::rfc3339(self.at), escape(&self.deployment))?;
        if let Some(role) = self.role() {
            write!(f, "{role} ")?;
        }
        write!(f, "{}", escape(&self.marker.to_string()))?;
        if let Some(attempt) = self.context.attempt {
            write!(f, " attempt {attempt}")?;
        }
        if let Some(outcome) = self.context.outcome {
            write!(f, " {}", outcome.name())?;
        }
        if let Pointer::External(log, at) = &self.pointer {
            write!(f, " {} from byte {at}", escape(log))?;
        }
        self.context.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {}", escape(cause)))
    }
}

impl std::fmt::Display for Marker {
    /// As rulers of text logs name it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How markers are written: those without a name as texts, the others as variants with fields.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum MarkerText {
    Plain(Plain),
    Named(Named),
}

#[derive(Serialize, Deserialize)]
enum Plain {
    DeploymentStart,
    DeploymentChanges,
    DeploymentFinish,
    DeploymentError,
    RoleStart,
    RoleFinish,
    ExternalLog,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "variant", content = "fields")]
enum Named {
    ActionStart([String; 1]),
    ActionFinish([String; 1]),
}

impl From<MarkerText> for Marker {
    fn from(text: MarkerText) -> Marker {
        match text {
            MarkerText::Plain(Plain::DeploymentStart) => Marker::DeploymentStart,
            MarkerText::Plain(Plain::DeploymentChanges) => Marker::DeploymentChanges,
            MarkerText::Plain(Plain::DeploymentFinish) => Marker::DeploymentFinish,
            MarkerText::Plain(Plain::DeploymentError) => Marker::DeploymentError,
            MarkerText::Plain(Plain::RoleStart) => Marker::RoleStart,
            MarkerText::Plain(Plain::RoleFinish) => Marker::RoleFinish,
            MarkerText::Plain(Plain::ExternalLog) => Marker::ExternalLog,
            MarkerText::Named(Named::ActionStart([name])) => Marker::ActionStart(name),
            MarkerText::Named(Named::ActionFinish([name])) => Marker::ActionFinish(name),
        }
    }
}

impl From<Marker> for MarkerText {
    fn from(marker: Marker) -> MarkerText {
        match marker {
            Marker::DeploymentStart => MarkerText::Plain(Plain::DeploymentStart),
            Marker::DeploymentChanges => MarkerText::Plain(Plain::DeploymentChanges),
            Marker::DeploymentFinish => MarkerText::Plain(Plain::DeploymentFinish),
            Marker::DeploymentError => MarkerText::Plain(Plain::DeploymentError),
            Marker::RoleStart => MarkerText::Plain(Plain::RoleStart),
            Marker::RoleFinish => MarkerText::Plain(Plain::RoleFinish),
            Marker::ExternalLog => MarkerText::Plain(Plain::ExternalLog),
            Marker::ActionStart(name) => MarkerText::Named(Named::ActionStart([name])),
            Marker::ActionFinish(name) => MarkerText::Named(Named::ActionFinish([name])),
        }
    }
}
