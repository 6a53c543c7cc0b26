//! One deployment in the log: its beginning and end, what the schedule changed, and its roles. Nothing is written before something is done.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::entry::{Context, Entry, Marker, Outcome, Pointer};
use super::place::{self, Stream};
use super::role::RoleLog;
use super::text::Growing;
use super::{Mask, Shared, stamp};
use crate::diff::escape;

/// Longest line that is made of somebody's words, in bytes.
const MAX_LINE: usize = 2000;
/// Longest deployment id, in bytes.
const MAX_ID: usize = 128;
/// Most changes of a schedule that are listed: who wants more compares the schedules.
const MAX_CHANGES: usize = 1000;

/// What a deployment left in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Something was done in it, hence written.
    pub logged: bool,
    /// How many lines or blocks could not be written.
    pub failures: u64,
}

/// A deployment that is being logged. Dropped without an end it is logged as given up.
#[derive(Debug)]
pub struct Deployment {
    run: Arc<Run>,
    ended: bool,
}

/// What a deployment and its roles write through.
pub(super) struct Run {
    shared: Arc<Shared>,
    id: String,
    schedule: Option<Digest>,
    mask: Mask,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: UnixMillis,
    /// The newest time that was given: for what is dropped.
    last: UnixMillis,
    started: bool,
    failures: u64,
    root: Option<Dir>,
    index: Option<Growing>,
    global: Option<Growing>,
    changes: Option<Growing>,
}

impl Deployment {
    pub(super) fn new(shared: Arc<Shared>, id: &str, schedule: Option<Digest>, mask: Mask, now: UnixMillis) -> Deployment {
        let state = State { begun: now, last: now, started: false, failures: 0, root: None, index: None, global: None, changes: None };
        let id = one_line(&mask(id), MAX_ID);
        Deployment { run: Arc::new(Run { shared, id, schedule, mask, state: Mutex::new(state) }), ended: false }
    }

    /// Logs what the schedule changed, one line each.
    pub fn changes(&mut self, changes: &[String], now: UnixMillis) {
        if !changes.is_empty() {
            self.run.changes(changes, now);
        }
    }

    /// Begins a role. Nothing is written before something is done in it. Log one at a time: the predecessor's page takes what stands between
    /// a role's start and its end to be the role's.
    ///
    /// `attempt` counts tries from 1; `cause` says why it is tried, in one line.
    pub fn role(&mut self, role: &RoleName, attempt: u32, cause: &str, now: UnixMillis) -> RoleLog {
        RoleLog::new(Arc::clone(&self.run), role, attempt, cause, now)
    }

    /// Ends it: everything was done, or it is logged for each role why not.
    pub fn finish(mut self, now: UnixMillis) -> Summary {
        self.end(Marker::DeploymentFinish, None, now)
    }

    /// Gives it up, for a reason.
    pub fn fail(mut self, reason: &str, now: UnixMillis) -> Summary {
        self.run.start(now);
        self.end(Marker::DeploymentError, Some(reason), now)
    }

    fn end(&mut self, marker: Marker, reason: Option<&str>, now: UnixMillis) -> Summary {
        self.ended = true;
        let logged = self.run.state().started;
        if logged {
            self.run.global(marker, reason, now);
        }
        let failures = self.run.state().failures;
        if logged && failures == 0 {
            self.run.shared.succeeded();
        }
        Summary { logged, failures }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if !self.ended {
            let last = self.run.state().last;
            self.end(Marker::DeploymentError, Some("it was given up without a reason"), last);
        }
    }
}

impl Run {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left at most a torn line, which the next one ends.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where texts go before they are written: no secrets, one line.
    pub(super) fn line(&self, text: &str) -> String {
        one_line(&(self.mask)(text), MAX_LINE)
    }

    /// The same, of any number of lines.
    pub(super) fn masked(&self, text: &str) -> String {
        (self.mask)(text)
    }

    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    pub(super) fn output_bytes(&self) -> usize {
        self.shared.limits.output_bytes
    }

    pub(super) fn context(&self) -> Context {
        Context { schedule: self.schedule, ..Context::default() }
    }

    /// The line that each event has in a text log.
    pub(super) fn ruler(&self, what: &str, now: UnixMillis) -> String {
        format!("{} {} ------------ {what} ----------- \n", stamp::rfc3339(now), self.id)
    }

    pub(super) fn last(&self) -> UnixMillis {
        self.state().last
    }

    /// Logs the deployment's beginning, once.
    pub(super) fn start(&self, now: UnixMillis) {
        let mut state = self.state();
        state.last = state.last.max(now);
        if state.started {
            return;
        }
        state.started = true;
        let begun = state.begun;
        drop(state);
        self.global(Marker::DeploymentStart, None, begun);
        if let Some(schedule) = self.schedule {
            self.note(&format!("schedule: {schedule}\n"));
        }
    }

    /// Logs an event of the whole deployment.
    fn global(&self, marker: Marker, reason: Option<&str>, now: UnixMillis) {
        let cause = reason.map(|reason| self.line(reason));
        let mut text = self.ruler(&marker.to_string(), now);
        if let Some(cause) = &cause {
            let _ = writeln!(text, "reason: {cause}");
        }
        let context = Context { cause, ..self.context() };
        if let Some((segment, at)) = self.append_global(&text) {
            self.index(Pointer::Global(segment, at), marker, context, now);
        }
    }

    /// Writes lines into the text of the deployment.
    pub(super) fn note(&self, lines: &str) {
        self.append_global(lines);
    }

    fn append_global(&self, lines: &str) -> Option<(String, u64)> {
        let mut state = self.state();
        let state = &mut *state;
        let (at, limit) = (state.begun, self.shared.limits.segment_bytes);
        let open = |root: &Dir| Growing::text(root, &Stream::Global, limit, at);
        let written = with(&mut state.global, &mut state.root, &self.shared, open, lines);
        self.counted(state, &Stream::Global, written)
    }

    fn changes(&self, changes: &[String], now: UnixMillis) {
        self.start(now);
        let marker = Marker::DeploymentChanges;
        let short = self.schedule.map_or_else(|| "-".repeat(8), |schedule| schedule.hex()[..8].to_owned());
        let date = stamp::rfc3339(now);
        let mut text = self.ruler(&marker.to_string(), now);
        for change in changes.iter().take(MAX_CHANGES) {
            let _ = writeln!(text, "{date}: {short}: {}", self.line(change));
        }
        if changes.len() > MAX_CHANGES {
            let _ = writeln!(text, "{date}: {short}: … {} lines left out", changes.len() - MAX_CHANGES);
        }
        let mut guard = self.state();
        let state = &mut *guard;
        let (at, limit) = (state.begun, self.shared.limits.segment_bytes);
        let open = |root: &Dir| Growing::text(root, &Stream::Changes, limit, at);
        let written = with(&mut state.changes, &mut state.root, &self.shared, open, &text);
        let written = self.counted(state, &Stream::Changes, written);
        drop(guard);
        if let Some((segment, at)) = written {
            self.index(Pointer::Changes(segment, at), marker, self.context(), now);
        }
    }

    /// Writes lines into the text of a role.
    pub(super) fn append_role(&self, text: &mut Option<Growing>, role: &RoleName, lines: &str, now: UnixMillis) -> Option<(String, u64)> {
        let mut state = self.state();
        state.last = state.last.max(now);
        let stream = Stream::Role(role.clone());
        let open = |root: &Dir| Growing::text(root, &stream, self.shared.limits.segment_bytes, now);
        let written = with(text, &mut state.root, &self.shared, open, lines);
        self.counted(&mut state, &stream, written)
    }

    /// Writes a line of the index, of the day on which it happened.
    pub(super) fn index(&self, pointer: Pointer, marker: Marker, context: Context, now: UnixMillis) {
        let line = Entry { at: now, deployment: self.id.clone(), pointer, marker, context }.line();
        let mut state = self.state();
        let state = &mut *state;
        state.last = state.last.max(now);
        if state.index.as_ref().is_some_and(|index| index.segment() < stamp::day(now).as_str()) {
            state.index = None;
        }
        let open = |root: &Dir| Growing::index(root, now);
        let written = with(&mut state.index, &mut state.root, &self.shared, open, &line);
        self.counted(state, &Stream::Index, written);
    }

    fn counted(&self, state: &mut State, stream: &Stream, written: io::Result<(String, u64)>) -> Option<(String, u64)> {
        match written {
            Ok(written) => Some(written),
            Err(err) => {
                state.failures += 1;
                self.shared.failed(stream.directory(), &err);
                None
            }
        }
    }

    /// One line about a role in the text of the deployment.
    pub(super) fn tell(&self, role: &RoleName, attempt: u32, outcome: Outcome, cause: Option<&str>) {
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        self.note(&format!("{role}: {} at attempt {attempt}{cause}\n", outcome.name()));
    }
}

/// Appends lines to a file that is opened when first needed. Gives its segment, and where in it they begin.
fn with(
    growing: &mut Option<Growing>,
    root: &mut Option<Dir>,
    shared: &Shared,
    open: impl FnOnce(&Dir) -> io::Result<Growing>,
    lines: &str,
) -> io::Result<(String, u64)> {
    let growing = match growing {
        Some(growing) => growing,
        None => {
            let root = match root {
                Some(root) => root,
                None => root.insert(place::open_root(&shared.path)?),
            };
            growing.insert(open(root)?)
        }
    };
    let at = growing.write(lines)?;
    Ok((growing.segment().to_owned(), at))
}

/// `text` as one line without control characters, of at most `max` bytes.
fn one_line(text: &str, max: usize) -> String {
    let escaped = escape(text.trim());
    let end = escaped.floor_char_boundary(max);
    if end < escaped.len() { format!("{}…", &escaped[..end]) } else { escaped.into_owned() }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}
