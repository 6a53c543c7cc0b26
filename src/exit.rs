//! How the program ends, for scripts and supervisors.

use std::process::ExitCode;

/// The exit codes. 2 is the command line's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It could not, or the answer is no: a check found errors, a decision was refused.
    Failed = 1,
    /// The configuration cannot be used.
    Config = 3,
    /// The sandbox cannot be set up.
    Sandbox = 4,
    /// The storage directory cannot be used, or another daemon runs on it.
    Storage = 5,
    /// The address cannot be listened on.
    Listen = 6,
    /// A tool is missing that a plugin's build needs.
    Toolchain = 7,
    /// A plan is not empty, and that was asked for.
    Differs = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
