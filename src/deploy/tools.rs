//! What puts roles in place: the records of a node, the child that touches files, the one that runs commands. One transaction at a time.

mod ownership;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use verwalter_apply::Roots;
use verwalter_apply::command::{Cancel, Runner};
use verwalter_apply::confine::{FileChild, Landlock, Launch};
use verwalter_apply::diff::{self, Side, unified};
use verwalter_apply::files::{Fate, Staged};
use verwalter_apply::log::{self, Deployment, DeploymentLog, Outcome, RoleLog};
use verwalter_apply::record::{Origin, RecordError, Records};
use verwalter_apply::role::RenderedRole;
use verwalter_apply::transaction::{CommandHands, Deployed, Event, FileHands, Planned, TransactionError, Transactor};
use verwalter_collect::clock::unix_now;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

pub(super) use self::ownership::Noted;
use super::worker::owned::Owned;
use crate::config::sandbox::Sandbox;
use crate::reload::Config;
use crate::render::Mask;

/// The hidden subcommand that the child which touches files is started with.
pub const FILES_SUBCOMMAND: &str = "apply-files";
/// The permission bit that lets everybody read a file.
const OTHERS_READ: u32 = 0o004;
/// Longest wait for one request about files. Arbitrary: a thousand files on a slow disk take seconds.
const FILES_DEADLINE: Duration = Duration::from_secs(120);

/// Why a node has nothing to put roles in place with.
#[derive(Debug, thiserror::Error)]
pub(super) enum ToolsError {
    /// The records.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The process.
    #[error("this process may open no more files: raise its limit")]
    Process(#[source] std::io::Error),
}

/// A pass that is being logged.
pub(super) struct Logged {
    deployment: Option<Deployment>,
    /// The roles that have an entry in it, where they did something.
    roles: BTreeSet<RoleName>,
}

impl Logged {
    fn role(&mut self, role: &RoleName, origin: &Origin, cause: &str) -> Option<RoleLog> {
        self.role_log(role, origin.attempt, cause)
    }

    /// A role failed. Where it came to a transaction, that has told it already.
    pub(super) fn failed(&mut self, role: &RoleName, attempt: u32, message: &str) {
        if !self.roles.contains(role)
            && let Some(log) = self.role_log(role, attempt, cause(attempt))
        {
            log.finish(Outcome::Undone, Some(message), unix_now());
        }
    }

    fn role_log(&mut self, role: &RoleName, attempt: u32, cause: &str) -> Option<RoleLog> {
        self.roles.insert(role.clone());
        self.deployment.as_mut().map(|deployment| deployment.role(role, attempt, cause, unix_now()))
    }
}

/// On which terms roles are put in place.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Where files may be written.
    pub(super) roots: &'a Roots,
    /// What the node allows.
    pub(super) sandbox: &'a Sandbox,
    /// What keeps secrets out of everything that is said.
    pub(super) mask: &'a Arc<Mask>,
    /// Whose file is whose, where that matters.
    pub(super) owned: Option<&'a Owned>,
}

impl<'a> Terms<'a> {
    /// Those of a configuration.
    pub(super) fn of(config: &'a Config, roots: &'a Roots) -> Terms<'a> {
        Terms { roots, sandbox: &config.sandbox, mask: &config.mask, owned: None }
    }
}

/// Starting a child costs more than what it does for a small role: all roles of a pass have one. Between passes there is none.
#[derive(Default)]
struct Hand {
    in_pass: bool,
    child: Option<FileChild>,
}

/// See [`Tools::together`].
pub(super) struct Together<'a>(&'a Tools);

impl Drop for Together<'_> {
    fn drop(&mut self) {
        drop(std::mem::take(&mut *self.0.hand()));
    }
}

/// The tools of a node.
pub(super) struct Tools {
    /// What is remembered of its roles.
    pub(super) records: Records,
    log: Option<DeploymentLog>,
    /// Why the last deployment, or none, is logged in whole.
    unlogged: Mutex<Option<String>>,
    launch: Launch,
    runner: Runner,
    cancel: Cancel,
    /// Given after that one; see [`CommandHands::last`].
    last: Cancel,
    /// The child that works on files, for the pass that is under way.
    hand: Mutex<Hand>,
    /// Whether it was told how far the kernel confines the child.
    told: AtomicBool,
}

impl Tools {
    /// `records` is the directory of what is remembered, `log` that of the deployment log, without which everything goes on.
    pub(super) fn open(records: &Path, log: &Path) -> Result<Tools, ToolsError> {
        let log = DeploymentLog::open(log, log::Limits::default());
        if let Err(error) = &log {
            tracing::warn!(error = %crate::telemetry::chain(error), "deployments are not logged");
        }
        Ok(Tools {
            unlogged: Mutex::new(log.as_ref().err().map(|error| crate::telemetry::chain(error))),
            log: log.ok(),
            records: Records::open(records)?,
            launch: Launch { program: "/proc/self/exe".into(), args: vec![FILES_SUBCOMMAND.into()], deadline: FILES_DEADLINE },
            runner: Runner::current(),
            cancel: Cancel::new().map_err(ToolsError::Process)?,
            last: Cancel::new().map_err(ToolsError::Process)?,
            hand: Mutex::default(),
            told: AtomicBool::new(false),
        })
    }

    /// Ends commands that run, and lets none begin but those that tell services that former files are back. For good: the daemon ends.
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }

    /// Ends those too: what they would tell is for the next start.
    pub(super) fn give_up(&self) {
        self.last.cancel();
    }

    /// Whether [`Tools::stop`] was called, so that no role should be begun.
    pub(super) fn is_stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Why what was done last is not in the deployment log.
    pub(super) fn unlogged(&self) -> Option<String> {
        self.unlogged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a pass over the node's roles. Where nothing is done in it, nothing is logged.
    pub(super) fn begin(&self, deployment: &str, schedule: Option<Digest>, mask: &Arc<Mask>) -> Logged {
        let log = self.log.as_ref().map(|log| {
            let mask = mask.clone();
            log.begin(deployment, schedule, Arc::new(move |text: &str| mask.hide(text).into_owned()), unix_now())
        });
        *self.hand() = Hand { in_pass: true, child: None };
        Logged { deployment: log, roles: BTreeSet::new() }
    }

    /// Ends it, and drops what is old of the log where something was added. `present`: the roles that are this node's.
    pub(super) fn end(&self, logged: Logged, present: &BTreeSet<RoleName>) {
        drop(std::mem::take(&mut *self.hand()));
        let (Some(log), Some(deployment)) = (&self.log, logged.deployment) else { return };
        let summary = deployment.finish(unix_now());
        if summary.logged
            && let Err(error) = log.prune(present, unix_now())
        {
            tracing::warn!(error = %crate::telemetry::chain(&error), "old deployment logs could not be removed");
        }
        if summary.logged {
            *self.unlogged.lock().unwrap_or_else(PoisonError::into_inner) = log.failures().last.filter(|_| summary.failures > 0);
        }
    }

    /// Makes a role what was rendered.
    pub(super) fn deploy(
        &self,
        logged: &mut Logged,
        role: &RoleName,
        rendered: &RenderedRole,
        origin: &Origin,
        terms: Terms<'_>,
    ) -> Result<Deployed, TransactionError> {
        let mut log = logged.role(role, origin, cause(origin.attempt));
        let done = self.with(role, Some(rendered), log.as_mut(), terms, |transactor| transactor.deploy(role, rendered, origin));
        finish(log, &done);
        done
    }

    /// Takes a role off the node.
    pub(super) fn remove(
        &self,
        logged: &mut Logged,
        role: &RoleName,
        origin: &Origin,
        terms: Terms<'_>,
    ) -> Result<Deployed, TransactionError> {
        let mut log = logged.role(role, origin, "it is this node's no longer");
        let done = self.with(role, None, log.as_mut(), terms, |transactor| transactor.remove(role, origin));
        finish(log, &done);
        done
    }

    /// What [`Tools::deploy`] would do.
    pub(super) fn plan(
        &self,
        role: &RoleName,
        rendered: &RenderedRole,
        origin: &Origin,
        terms: Terms<'_>,
        limit: u64,
    ) -> Result<Planned, TransactionError> {
        self.with(role, Some(rendered), None, terms, |transactor| transactor.plan(role, rendered, origin, limit))
    }

    /// What [`Tools::remove`] would do.
    pub(super) fn plan_removal(&self, role: &RoleName, terms: Terms<'_>, limit: u64) -> Result<Planned, TransactionError> {
        self.with(role, None, None, terms, |transactor| transactor.plan_removal(role, limit))
    }

    /// Until it is dropped, one child works on the files of all roles.
    pub(super) fn together(&self) -> Together<'_> {
        *self.hand() = Hand { in_pass: true, child: None };
        Together(self)
    }

    /// Undoes what a crash left of these roles, and says whether that is all done. What cannot be undone now is tried again before anything
    /// else is done to the role.
    pub(super) fn recover(&self, roles: &[RoleName], terms: Terms<'_>) -> bool {
        let mut done = true;
        let _together = self.together();
        for role in roles {
            if let Err(error) = self.with(role, None, None, terms, |transactor| transactor.recover(role)) {
                tracing::error!(%role, %error, "what a crash left of a role could not be undone");
                done = false;
            }
        }
        done
    }

    /// The files that belong to a role; none where its record cannot be read, which is told when it is deployed.
    pub(super) fn owned(&self, role: &RoleName) -> BTreeSet<PathBuf> {
        self.records.load(role).map(|record| record.files().into_keys().map(Path::to_owned).collect()).unwrap_or_default()
    }

    fn with<T>(
        &self,
        role: &RoleName,
        rendered: Option<&RenderedRole>,
        mut log: Option<&mut RoleLog>,
        terms: Terms<'_>,
        work: impl FnOnce(&mut Transactor<'_>) -> T,
    ) -> T {
        let Terms { roots, sandbox, mask, owned } = terms;
        let others = |path: &Path| owned.is_some_and(|owned| owned.other_owner(path, role).is_some());
        let hide = |text: &str| mask.hide(text).into_owned();
        let mut confined = |landlock: &Landlock| self.confined(landlock);
        let child = self.hand().child.take();
        let mut files = FileHands::new(&self.launch, roots, &mut confined).with_child(child);
        let (cancel, last) = (&self.cancel, &self.last);
        let mut commands = CommandHands { runner: &self.runner, permits: &sandbox.commands, cancel, last, mask: &hide };
        let mut events = |event: Event<'_>| {
            if let Event::Undoing { cause } = &event {
                tracing::warn!(%role, cause = %mask.hide(cause), "undoing what was begun");
            }
            if let Some(log) = &mut log {
                note(log, rendered, terms, &event);
            }
        };
        let (records, now) = (&self.records, &unix_now);
        let done =
            work(&mut Transactor { records, files: &mut files, commands: &mut commands, roots, others: &others, now, events: &mut events });
        let child = files.into_child();
        let mut hand = self.hand();
        hand.child = child.filter(|_| hand.in_pass);
        done
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confined(&self, landlock: &Landlock) {
        if let Landlock::Absent { reason } = landlock
            && !self.told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                reason,
                "this kernel has no Landlock: that files are written in allowed directories only is seen to by their paths alone"
            );
        }
    }
}

/// Why a role is deployed.
fn cause(attempt: u32) -> &'static str {
    if attempt > 1 { "it failed before" } else { "what it is made of or owns changed" }
}

/// Logs what happens.
fn note(log: &mut RoleLog, rendered: Option<&RenderedRole>, terms: Terms<'_>, event: &Event<'_>) {
    match event {
        Event::Staged { staged, private } => differences(log, rendered, staged, private, terms.mask),
        Event::Ran { line, output } => {
            log.action_start(&line.source, unix_now());
            log.output(output.as_bytes());
            log.action_finish(Outcome::Done, unix_now());
        }
        Event::Log { log: name } => match external(name, terms.sandbox) {
            Some(path) => log.peek(name, fs::metadata(path).map_or(0, |meta| meta.len()), unix_now()),
            None => log.note("!PeekLog", &format!("`{name}` is no NAME/PATH with NAME from `log-dirs` of a sandbox file"), unix_now()),
        },
        Event::Undoing { cause } => log.note("undoing", cause, unix_now()),
        Event::Committed(_) => {}
    }
}

/// The service's own log that `!PeekLog` names.
fn external(name: &str, sandbox: &Sandbox) -> Option<PathBuf> {
    let (name, below) = name.split_once('/')?;
    let plain = Path::new(below).components().all(|part| matches!(part, Component::Normal(_)));
    sandbox.log_dirs.get(name).filter(|_| plain).map(|dir| dir.join(below))
}

/// Logs what changes in each file.
fn differences(log: &mut RoleLog, rendered: Option<&RenderedRole>, staged: &Staged, private: &BTreeSet<PathBuf>, mask: &Mask) {
    let hide = |text: &str| mask.hide(text).into_owned();
    for (index, file) in staged.files().iter().enumerate() {
        if matches!(file.fate, Fate::Unchanged | Fate::Gone | Fate::Kept) {
            continue;
        }
        let limits = diff::Limits::default();
        // One that cannot be read is compared as if it were not there.
        let former = file.former(limits.bytes as u64 + 1).ok().flatten();
        let fresh = rendered.and_then(|rendered| rendered.files.get(index)).filter(|_| file.fate != Fate::Remove);
        // What it is made with today says nothing of what it was made with.
        let closed = former.as_ref().is_some_and(|former| former.mode & OTHERS_READ == 0);
        let private = closed || private.contains(&file.path) || fresh.is_some_and(|fresh| fresh.private);
        let former = former.as_ref().map(|former| Side { bytes: &former.bytes, mode: Some(former.mode), private });
        let new = fresh.map(|fresh| Side { bytes: &fresh.bytes, mode: Some(fresh.mode), private: false });
        let path = file.path.display().to_string();
        let changes = unified(former, new, path.trim_start_matches('/'), &hide, &limits);
        match fresh {
            Some(fresh) => log.template(&fresh.template, &changes, unix_now()),
            None => log.diff(&changes, unix_now()),
        }
    }
}

fn finish(log: Option<RoleLog>, done: &Result<Deployed, TransactionError>) {
    let Some(log) = log else { return };
    match done {
        Ok(deployed) if deployed.is_idle() => log.finish(Outcome::Unchanged, None, unix_now()),
        Ok(_) => log.finish(Outcome::Done, None, unix_now()),
        Err(error @ (TransactionError::Untouched { .. } | TransactionError::Undone { .. })) => {
            log.finish(Outcome::Undone, Some(&error.to_string()), unix_now());
        }
        Err(error) => log.finish(Outcome::Failed, Some(&error.to_string()), unix_now()),
    }
}
