//! What a node remembers of its roles, for those who look at it: which files belong to each, since when, and on whose word. It reads records
//! and changes nothing; while a role is deployed it shows what was in force before.

use std::path::{Path, PathBuf};

use serde::Serialize;
use verwalter_apply::record::{Generation, Pending, Record, Records};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use crate::telemetry::chain;

/// Where records are looked up.
#[derive(Debug)]
pub struct Remembered {
    dir: PathBuf,
}

/// A role in a list.
#[derive(Debug, Serialize)]
pub struct RoleSummary {
    name: RoleName,
    #[serde(flatten)]
    state: State,
    /// How many files belong to it.
    files: usize,
    /// How many of these an operator made its own, and no deployment since.
    adopted: usize,
}

/// A role with its files.
#[derive(Debug, Serialize)]
pub struct RoleDetail {
    name: RoleName,
    #[serde(flatten)]
    state: State,
    files: Vec<File>,
}

/// What both say.
#[derive(Debug, Default, Serialize)]
struct State {
    /// When what is in force was committed; none of these where nothing ever was.
    since: Option<UnixMillis>,
    schedule: Option<Digest>,
    template: Option<String>,
    deployment: Option<String>,
    attempt: Option<u32>,
    /// What was begun and is neither committed nor undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Begun>,
    /// Why the record cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Begun {
    since: UnixMillis,
    schedule: Digest,
    template: String,
    deployment: String,
    attempt: u32,
}

#[derive(Debug, Serialize)]
struct File {
    path: PathBuf,
    /// Made its own by an operator, and by no deployment since.
    adopted: bool,
}

impl Remembered {
    /// `dir`: the directory of the records. It need not be there.
    pub fn new(dir: PathBuf) -> Remembered {
        Remembered { dir }
    }

    /// Every role, by name. A record that cannot be read says why.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<RoleSummary>, String> {
        let Some(records) = self.records()? else { return Ok(Vec::new()) };
        let roles = records.roles().map_err(|err| chain(&err))?;
        let summary = |name: RoleName| match records.load(&name) {
            Ok(record) => RoleSummary { files: record.files().len(), adopted: record.adopted.len(), state: State::of(record), name },
            Err(err) => RoleSummary { files: 0, adopted: 0, state: State::unreadable(chain(&err)), name },
        };
        Ok(roles.into_iter().map(summary).collect())
    }

    /// One role; `None` where nothing is remembered of it.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn detail(&self, role: &RoleName) -> Result<Option<RoleDetail>, String> {
        let Some(records) = self.records()? else { return Ok(None) };
        if !records.knows(role).map_err(|err| chain(&err))? {
            return Ok(None);
        }
        let name = role.clone();
        Ok(Some(match records.load(role) {
            Ok(record) => {
                // Without digests: of a file that holds a password one would tell who may not read it whether a guess is right.
                let file = |path: &Path| File { adopted: record.adopted.contains_key(path), path: path.to_owned() };
                let files = record.files().into_keys().map(file).collect();
                RoleDetail { files, state: State::of(record), name }
            }
            Err(err) => RoleDetail { files: Vec::new(), state: State::unreadable(chain(&err)), name },
        }))
    }

    fn records(&self) -> Result<Option<Records>, String> {
        Records::look(&self.dir).map_err(|err| chain(&err))
    }
}

impl State {
    fn of(record: Record) -> State {
        let pending = record.pending.map(|Pending { since, origin, .. }| Begun {
            since,
            schedule: origin.schedule,
            template: origin.template,
            deployment: origin.deployment,
            attempt: origin.attempt,
        });
        let Some(Generation { at, origin, .. }) = record.generation else { return State { pending, ..State::default() } };
        State {
            since: Some(at),
            schedule: Some(origin.schedule),
            template: Some(origin.template),
            deployment: Some(origin.deployment),
            attempt: Some(origin.attempt),
            pending,
            error: None,
        }
    }

    fn unreadable(error: String) -> State {
        State { error: Some(error), ..State::default() }
    }
}
