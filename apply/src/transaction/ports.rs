//! What a transaction needs of others beside work on files: hands for commands, and an ear for what happens.

use std::collections::BTreeSet;
use std::path::PathBuf;

use verwalter_core::names::RoleName;

use crate::files::Staged;
use crate::record::Origin;
use crate::role::{CommandLine, Health};

/// Runs commands within what the node allows.
pub trait Commands {
    /// Whether one may run, as far as that can be told without running it.
    ///
    /// # Errors
    /// One line that says why not, and what to do.
    fn check(&self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<(), String>;

    /// Runs one to its end, and gives what it printed.
    ///
    /// # Errors
    /// One line that says what happened and what to do.
    fn run(&mut self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String>;

    /// The same for one that tells a service what is in force again, while a transaction is undone.
    ///
    /// # Errors
    /// Likewise.
    fn run_again(&mut self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        self.run(call, line, arguments)
    }

    /// Whether not even those are run any more, since the daemon ends: what they would tell is for its next start.
    fn is_over(&self) -> bool {
        false
    }

    /// Waits until the role is healthy.
    ///
    /// # Errors
    /// One line that says what was seen last.
    fn healthy(&mut self, call: &Call<'_>, health: &[Health], resolve: &Resolve<'_>) -> Result<(), String>;
}

/// Gives the texts of a command's arguments.
pub type Resolve<'a> = dyn Fn(&CommandLine) -> Result<Vec<String>, String> + 'a;

/// On whose behalf commands run.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The role.
    pub role: &'a RoleName,
    /// What it is deployed for.
    pub origin: &'a Origin,
}

/// What happens, as it happens: for the deployment's log.
#[derive(Debug)]
pub enum Event<'a> {
    /// All is staged and checked.
    Staged {
        /// All.
        staged: &'a Staged,
        /// Files in place into which a secret was printed.
        private: &'a BTreeSet<PathBuf>,
    },
    /// A command was run.
    Ran {
        /// Which.
        line: &'a CommandLine,
        /// What it printed.
        output: &'a str,
    },
    /// A service's own log is worth reading from here.
    Log {
        /// As in `!PeekLog`.
        log: &'a str,
    },
    /// What was begun is being undone.
    Undoing {
        /// Why.
        cause: &'a str,
    },
    /// The role is as the schedule wants it.
    Committed(&'a Deployed),
}

/// What became of a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deployed {
    /// Files with new bytes or attributes.
    pub written: Vec<PathBuf>,
    /// Files that are gone.
    pub removed: Vec<PathBuf>,
    /// Files that should have gone and were edited by somebody: they stay, and belong to the role no longer.
    pub kept: Vec<PathBuf>,
    /// Files that were already as they should be.
    pub unchanged: usize,
    /// Commands that were run.
    pub commands: usize,
}

impl Deployed {
    /// Whether anything was done.
    pub fn is_idle(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty() && self.kept.is_empty() && self.commands == 0
    }
}
