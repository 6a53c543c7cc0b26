//! Commands of a role: checks of staged files, reloads of services, probes of their health.
//!
//! A command runs below a supervising child, which is the running program once more: under limits of its own, in its own session, with
//! a closed environment, and with an end in any case. Which programs may run is the node's word alone ([`Permits`]); a template grants
//! itself nothing. Nothing here decides when a command runs or what follows from its failure.

mod account;
mod cancel;
mod capture;
mod confine;
mod error;
mod family;
mod permits;
mod protocol;
mod resolve;
mod runner;
mod show;
mod supervisor;

use std::path::PathBuf;
use std::time::Duration;

use verwalter_core::names::RoleName;

pub use self::cancel::Cancel;
pub(crate) use self::cancel::wait_for;
pub use self::error::{CommandError, Failure};
pub use self::permits::{Limits, Permits, SEARCH_PATH};
pub use self::runner::{Privileges, Runner, SUBCOMMAND};
pub use self::supervisor::{child_main, supervise};

/// How long a command may run that does not say so itself.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A command, with everything substituted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Where it was written, for messages: render file and line.
    pub what: String,
    /// What runs.
    pub program: Program,
    /// What it is given, without the program's own name. No text may contain a NUL; see [`Failure::TooLong`] for the bounds.
    pub arguments: Vec<String>,
    /// Ended when it runs longer, or longer than the node's own limit.
    pub timeout: Duration,
    /// Whether it needs root: runs as it is when the daemon is root, else through sudo.
    pub root: bool,
}

impl Command {
    /// As a person would write it for a shell, masked and shortened.
    pub fn show(&self, mask: &dyn Fn(&str) -> String) -> String {
        show::command(self, mask)
    }
}

/// What a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// This file. Absolute.
    Path(PathBuf),
    /// The first file of this name in the directories of `PATH`. Without a slash.
    Name(String),
    /// This text, run by `sh -exc`.
    Shell(String),
}

/// What surrounds a command: on whose behalf it runs, within what, and for how long anybody wants it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the node allows.
    pub permits: &'a Permits,
    /// Becomes `VERWALTER_ROLE`.
    pub role: &'a RoleName,
    /// Becomes `VERWALTER_DEPLOYMENT_ID`.
    pub deployment_id: &'a str,
    /// Ends what runs when the daemon ends.
    pub cancel: &'a Cancel,
    /// Takes secrets out of a text before anybody sees it.
    pub mask: &'a (dyn Fn(&str) -> String + Sync),
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("role", self.role).field("deployment_id", &self.deployment_id).finish_non_exhaustive()
    }
}

/// What a command printed on standard output and standard error, in the order in which it did, masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its beginning and its end, with a line between that says how much was left out. Bytes that are no UTF-8 are replaced.
    pub text: String,
    /// How many bytes were left out.
    pub left_out_bytes: u64,
}
