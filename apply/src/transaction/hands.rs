//! The hands of a running daemon: files through a confined child, commands through children of their own. They decide nothing.

use std::path::PathBuf;
use std::time::Duration;

use verwalter_core::names::RoleName;

use super::{Call, Commands, Resolve};
use crate::command::{Cancel, Command, Context, Permits, Program as Runs, Runner};
use crate::confine::{ChildError, FileChild, Landlock, Launch};
use crate::error::ApplyError;
use crate::files::{Change, Entry, FileWork, Former, Identified, Staged, StagedFile, Undone};
use crate::health::{self, DEFAULT_STATUS, wait_healthy};
use crate::role::{CommandLine, Health, Probe, Program};
use crate::{Applied, Roots};

/// Files through a child that is started when there is work, and anew where other roots are to be worked in.
pub struct FileHands<'a> {
    launch: &'a Launch,
    roots: &'a Roots,
    child: Option<FileChild>,
    /// Told how far the kernel confines each child.
    confined: &'a mut dyn FnMut(&Landlock),
}

impl<'a> FileHands<'a> {
    /// No child yet.
    pub fn new(launch: &'a Launch, roots: &'a Roots, confined: &'a mut dyn FnMut(&Landlock)) -> FileHands<'a> {
        FileHands { launch, roots, child: None, confined }
    }

    /// With a child that others are done with: it is used where it reaches the roots as they are now.
    pub fn with_child(self, child: Option<FileChild>) -> FileHands<'a> {
        FileHands { child, ..self }
    }

    /// The child, for others to go on with.
    pub fn into_child(self) -> Option<FileChild> {
        self.child
    }

    fn child(&mut self, entries: &[Entry]) -> Result<&mut FileChild, ApplyError> {
        // What was begun is ended also where the operator has taken the directory out of the sandbox meanwhile.
        let roots = self.roots.with_entries(entries);
        if self.child.as_ref().is_none_or(|child| !child.reaches(&roots)) {
            self.child = None;
            let child = FileChild::start(self.launch, &roots)?;
            (self.confined)(&child.confinement().landlock);
            self.child = Some(child);
        }
        Ok(self.child.as_mut().expect("it was started"))
    }

    /// Whatever failed, the next request begins with a child that is whole.
    fn ask<T>(&mut self, entries: &[Entry], request: impl FnOnce(&mut FileChild) -> Result<T, ApplyError>) -> Result<T, ApplyError> {
        let answer = request(self.child(entries)?);
        if matches!(answer, Err(ApplyError::Child(_))) {
            self.child = None;
        }
        answer
    }

    /// For what may be done again after any crash: a child that somebody killed meanwhile is no reason to leave files as they are.
    fn insist<T>(&mut self, entries: &[Entry], request: impl Fn(&mut FileChild) -> Result<T, ApplyError>) -> Result<T, ApplyError> {
        match self.ask(entries, &request) {
            Err(ApplyError::Child(ChildError::Ended { .. })) => self.ask(entries, &request),
            answer => answer,
        }
    }
}

impl FileWork for FileHands<'_> {
    fn stage(&mut self, role: &RoleName, changes: &[Change]) -> Result<Staged, ApplyError> {
        self.insist(&[], |child| child.stage(role, changes))
    }

    fn preview(&mut self, role: &RoleName, changes: &[Change]) -> Result<Vec<StagedFile>, ApplyError> {
        self.ask(&[], |child| child.preview(role, changes))
    }

    fn former(&mut self, role: &RoleName, file: &StagedFile, limit: u64) -> Result<Option<Former>, ApplyError> {
        self.ask(&[], |child| child.former(role, file, limit))
    }

    fn identify(&mut self, role: &RoleName, dests: &[String], known: &[PathBuf]) -> Result<Vec<Identified>, ApplyError> {
        self.ask(&[], |child| child.identify(role, dests, known))
    }

    fn swap(&mut self, entries: &[Entry]) -> Result<Applied, ApplyError> {
        self.ask(entries, |child| child.swap(entries))
    }

    fn undo(&mut self, entries: &[Entry]) -> Result<Undone, ApplyError> {
        self.insist(entries, |child| child.undo(entries))
    }

    fn finish(&mut self, entries: &[Entry]) -> Result<(), ApplyError> {
        self.insist(entries, |child| child.finish(entries))
    }
}

/// Commands within what the node allows.
pub struct CommandHands<'a> {
    /// Starts them.
    pub runner: &'a Runner,
    /// What the node allows.
    pub permits: &'a Permits,
    /// Ends what runs when the daemon ends.
    pub cancel: &'a Cancel,
    /// Given after that one, ends what then tells services that the former files are back.
    pub last: &'a Cancel,
    /// Takes secrets out of what is said.
    pub mask: &'a (dyn Fn(&str) -> String + Sync),
}

impl CommandHands<'_> {
    fn context<'c>(&'c self, call: &Call<'c>, cancel: &'c Cancel) -> Context<'c> {
        let CommandHands { permits, mask, .. } = self;
        Context { permits, role: call.role, deployment_id: &call.origin.deployment, cancel, mask }
    }
}

impl Commands for CommandHands<'_> {
    fn check(&self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<(), String> {
        self.runner.check(&command(line, arguments)?, &self.context(call, self.cancel)).map_err(|err| err.to_string())
    }

    fn run(&mut self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        let output = self.runner.run(&command(line, arguments)?, &self.context(call, self.cancel)).map_err(|err| err.to_string())?;
        Ok(output.text)
    }

    fn run_again(&mut self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        let output = self.runner.run(&command(line, arguments)?, &self.context(call, self.last)).map_err(|err| err.to_string())?;
        Ok(output.text)
    }

    fn is_over(&self) -> bool {
        self.last.is_cancelled()
    }

    fn healthy(&mut self, call: &Call<'_>, health: &[Health], resolve: &Resolve<'_>) -> Result<(), String> {
        let mut checks = Vec::with_capacity(health.len());
        for Health { source, probe, within, every, successes } in health {
            let (probe, timeout) = match probe {
                Probe::Command(line) => (health::Probe::Command(command(line, resolve(line)?)?), line.timeout),
                Probe::Http { url, timeout, status, contains } => {
                    let expect_status = status.map_or(DEFAULT_STATUS, |status| status..=status);
                    (health::Probe::Http { url: url.clone(), expect_status, contains: contains.clone() }, *timeout)
                }
            };
            let (what, successes) = (source.clone(), *successes);
            let timeout = timeout.max(Duration::from_millis(1));
            checks.push(health::Health { what, probe, within: *within, every: *every, successes, timeout });
        }
        wait_healthy(&checks, self.runner, &self.context(call, self.cancel)).map_err(|err| err.to_string())
    }
}

/// The command as it is run.
fn command(line: &CommandLine, mut arguments: Vec<String>) -> Result<Command, String> {
    let named = |name: &str| if name.contains('/') { Runs::Path(name.into()) } else { Runs::Name(name.to_owned()) };
    let program = match &line.program {
        Program::Named(name) | Program::Root(name) => named(name),
        Program::Shell => match arguments.pop() {
            Some(script) if arguments.is_empty() => Runs::Shell(script),
            _ => return Err(format!("{}: the shell takes one text", line.source)),
        },
    };
    let root = matches!(line.program, Program::Root(_));
    Ok(Command { what: line.source.clone(), program, arguments, timeout: line.timeout, root })
}
