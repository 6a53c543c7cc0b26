//! A role in a deployment's log: templates with what they changed, commands with what they printed, how it ended. Everything is masked on its way
//! in. Nothing is written before something is done.

use std::fmt::Write as _;
use std::sync::Arc;

use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::deployment::Run;
use super::entry::{Context, Marker, Outcome, Pointer};
use super::output::Output;
use super::text::Growing;
use crate::diff::{Diff, Style, escape};

/// Most of a text that is noted, in bytes.
const NOTE_BYTES: usize = 16 << 10;

/// A role that is being logged. Dropped without an end it is logged as interrupted.
#[derive(Debug)]
pub struct RoleLog {
    run: Arc<Run>,
    role: RoleName,
    attempt: u32,
    cause: String,
    begun: UnixMillis,
    started: bool,
    ended: bool,
    text: Option<Growing>,
    action: Option<(String, Output)>,
}

impl RoleLog {
    pub(super) fn new(run: Arc<Run>, role: &RoleName, attempt: u32, cause: &str, now: UnixMillis) -> RoleLog {
        let cause = run.line(cause);
        let (role, text, action) = (role.clone(), None, None);
        RoleLog { run, role, attempt, cause, begun: now, started: false, ended: false, text, action }
    }

    /// Notes that a template makes a file, and what changes in it. The diff was made with this deployment's mask: it is masked once more here, but
    /// a secret of several lines is found in whole texts only.
    pub fn template(&mut self, source: &str, diff: &Diff, now: UnixMillis) {
        let name = format!("{:?} -> {:?}", self.run.line(source), self.run.line(&diff.path));
        self.block("template", &name, &self.run.masked(&diff.text(Style::Raw)), now);
    }

    /// Notes what changes in a file that no template makes: it is removed, or put back.
    pub fn diff(&mut self, diff: &Diff, now: UnixMillis) {
        let name = format!("{:?}", self.run.line(&diff.path));
        self.block("diff", &name, &self.run.masked(&diff.text(Style::Raw)), now);
    }

    /// Notes a text: of one line as `name: text`, of several as a block.
    pub fn note(&mut self, name: &str, text: &str, now: UnixMillis) {
        let name = self.run.line(name);
        let mut text = self.run.masked(text);
        let end = text.floor_char_boundary(NOTE_BYTES);
        if end < text.len() {
            let left = text.len() - end;
            text.truncate(end);
            let _ = write!(text, "… {left} bytes left out");
        }
        if text.trim_end().contains('\n') {
            self.block("debug", &format!("{name:?}"), &text, now);
        } else {
            self.start(now);
            let line = format!("{name}: {}\n", escape(text.trim_end()));
            self.write(&line, now);
        }
    }

    /// A command begins; `name` is what names it, such as its render file. One that was begun before ends, interrupted.
    pub fn action_start(&mut self, name: &str, now: UnixMillis) {
        self.start(now);
        if self.action.is_some() {
            self.action_finish(Outcome::Interrupted, now);
        }
        let name = self.run.line(name);
        self.event(Marker::ActionStart(name.clone()), self.context(None), now);
        self.action = Some((name, Output::new(self.run.output_bytes())));
    }

    /// Takes what the command printed, in pieces of any size. It is written when the command ends, since a secret may lie across pieces.
    pub fn output(&mut self, bytes: &[u8]) {
        if let Some((_, output)) = &mut self.action {
            output.take(bytes);
        }
    }

    /// The command ended. Without one nothing is written.
    pub fn action_finish(&mut self, outcome: Outcome, now: UnixMillis) {
        let Some((name, output)) = self.action.take() else { return };
        let printed = output.shown(self.run.mask());
        if !printed.is_empty() {
            self.block("output", &format!("{name:?}"), &printed, now);
        }
        self.event(Marker::ActionFinish(name), self.context(Some(outcome)), now);
    }

    /// Notes that a service's own log, `NAME/PATH`, goes on at `offset`.
    pub fn peek(&mut self, log: &str, offset: u64, now: UnixMillis) {
        self.start(now);
        let log = self.run.line(log);
        let marker = Marker::ExternalLog;
        let text = format!("{}external log: {log} from byte {offset}\n", self.ruler(&marker, now));
        self.write(&text, now);
        self.run.index(Pointer::External(log, offset), marker, self.context(None), now);
    }

    /// Ends the role. A role in which nothing was noted and which is unchanged leaves no trace. `reason` says why it failed, in one line.
    pub fn finish(mut self, outcome: Outcome, reason: Option<&str>, now: UnixMillis) {
        if self.started || outcome != Outcome::Unchanged {
            self.start(now);
            self.end(outcome, reason, now);
        }
        self.ended = true;
    }

    fn end(&mut self, outcome: Outcome, reason: Option<&str>, now: UnixMillis) {
        self.ended = true;
        self.action_finish(Outcome::Interrupted, now);
        let reason = reason.map(|reason| self.run.line(reason));
        let result = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        self.write(&format!("result: {}{result}\n", outcome.name()), now);
        self.run.tell(&self.role, self.attempt, outcome, reason.as_deref());
        let context = self.context(Some(outcome));
        self.event(Marker::RoleFinish, Context { cause: reason.or(context.cause), ..context }, now);
    }

    /// Logs the role's beginning, once.
    fn start(&mut self, now: UnixMillis) {
        if self.started {
            return;
        }
        self.started = true;
        self.run.start(now);
        self.event(Marker::RoleStart, self.context(None), self.begun);
        let line = format!("attempt: {}\ncause: {}\n", self.attempt, self.cause);
        self.write(&line, now);
    }

    fn event(&mut self, marker: Marker, context: Context, now: UnixMillis) {
        let ruler = self.ruler(&marker, now);
        if let Some((segment, at)) = self.write(&ruler, now) {
            self.run.index(Pointer::Role(self.role.clone(), segment, at), marker, context, now);
        }
    }

    fn ruler(&self, marker: &Marker, now: UnixMillis) -> String {
        self.run.ruler(&format!("{}: {marker}", self.role), now)
    }

    fn context(&self, outcome: Option<Outcome>) -> Context {
        let cause = (!self.cause.is_empty()).then(|| self.cause.clone());
        Context { role: Some(self.role.clone()), attempt: Some(self.attempt), cause, outcome, ..self.run.context() }
    }

    /// Writes a block. Its lines are indented, so that nothing printed passes for a line of the log.
    fn block(&mut self, kind: &str, name: &str, text: &str, now: UnixMillis) {
        self.start(now);
        let mut block = format!("+++ {kind} start: {name} +++\n");
        for line in text.lines() {
            let _ = writeln!(block, "  {}", escape(line));
        }
        let _ = writeln!(block, "+++ {kind} end: {name} +++");
        self.write(&block, now);
    }

    fn write(&mut self, lines: &str, now: UnixMillis) -> Option<(String, u64)> {
        self.run.append_role(&mut self.text, &self.role, lines, now)
    }
}

impl Drop for RoleLog {
    fn drop(&mut self) {
        if self.started && !self.ended {
            let last = self.run.last();
            self.end(Outcome::Interrupted, None, last);
        }
    }
}
