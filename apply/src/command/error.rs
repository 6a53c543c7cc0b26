//! What can go wrong with a command, each with what to do about it. It decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::{Output, show};

/// A command that did not succeed. Its message is one line, masked; nothing of the command runs any more unless it says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: `{command}` {failure}{}", said(output))]
pub struct CommandError {
    /// Where the command was written: render file and line.
    pub what: String,
    /// The command, masked and shortened.
    pub command: String,
    /// What happened.
    pub failure: Failure,
    /// What it had printed until then.
    pub output: Box<Output>,
}

impl CommandError {
    /// The message without what and which, where they were said already.
    pub fn short(&self) -> String {
        format!("it {}{}", self.failure, said(&self.output))
    }
}

/// What happened to a command instead of success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The node's operator did not allow the program.
    #[error("is not allowed: list {} under `commands.programs` in a sandbox file", .program.display())]
    NotAllowed {
        /// What would have run.
        program: PathBuf,
    },
    /// The node's operator allowed no root commands.
    #[error("needs root, which this node gives to no command: set `commands.root: true` in a sandbox file")]
    RootNotAllowed,
    /// There is no such file.
    #[error("was not found: install {program}, or correct its name (searched: {searched})")]
    NotFound {
        /// Its name or path.
        program: String,
        /// Where it was looked for.
        searched: String,
    },
    /// The file is no program, or lacks what runs it.
    #[error("cannot be executed: {} {reason}", .program.display())]
    NotExecutable {
        /// The file.
        program: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Others than root and the daemon could put another program there.
    #[error("is not safe to run: {} {reason}", .path.display())]
    Untrusted {
        /// The file or the directory that is at fault.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: &'static str,
    },
    /// No process could be made of it.
    #[error("is no command: {0}")]
    Invalid(String),
    /// Its arguments are more than the kernel takes.
    #[error("has {what} of {bytes} bytes, and at most {limit_bytes} can be passed: write it to a file and pass the file's name")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit_bytes: usize,
    },
    /// The account of the sandbox cannot be had.
    #[error("cannot run as {user}: {reason}")]
    Account {
        /// The account.
        user: String,
        /// Why not and what to do.
        reason: String,
    },
    /// It could not be limited or confined as the sandbox says, so it was not started.
    #[error("was not started: {0}")]
    NotConfined(String),
    /// Starting it failed for want of something on this machine.
    #[error("could not be started: {0}")]
    NotStarted(String),
    /// It ended with a code other than 0.
    #[error("failed with exit code {0}")]
    Exit(i32),
    /// A signal ended it that was not the daemon's.
    #[error("was ended by {}", signal(*.0))]
    Signal(i32),
    /// It ran too long, and was ended.
    #[error("timed out after {after:?} and was ended{}", left(*.survivors))]
    TimedOut {
        /// How long it ran.
        after: Duration,
        /// How many of its processes could not be ended.
        survivors: usize,
    },
    /// The daemon ends, and so it was ended or not begun.
    #[error("was not run to its end because the daemon ends{}", left(*.survivors))]
    Cancelled {
        /// How many of its processes could not be ended.
        survivors: usize,
    },
    /// It succeeded and left processes behind, which were ended.
    #[error(
        "left {count} of its processes running, which were ended{}: start services through what supervises them, such as systemctl",
        left(*.survivors)
    )]
    Leftovers {
        /// How many there were.
        count: usize,
        /// How many of them could not be ended.
        survivors: usize,
    },
    /// The child that looks after it failed. What the command did is not known.
    #[error("was lost: {0}")]
    Lost(String),
}

impl Failure {
    /// Without secrets: the program's name may have been made of variables too.
    pub(super) fn masked(self, mask: &dyn Fn(&str) -> String) -> Failure {
        let masked = |path: PathBuf| PathBuf::from(mask(&path.to_string_lossy()));
        match self {
            Failure::NotAllowed { program } => Failure::NotAllowed { program: masked(program) },
            Failure::NotFound { program, searched } => Failure::NotFound { program: mask(&program), searched },
            Failure::NotExecutable { program, reason } => Failure::NotExecutable { program: masked(program), reason },
            Failure::Invalid(reason) => Failure::Invalid(mask(&reason)),
            other => other,
        }
    }

    /// Whether another try must end the same way until somebody changes something: nothing ran.
    pub fn is_refusal(&self) -> bool {
        match self {
            Failure::NotAllowed { .. }
            | Failure::RootNotAllowed
            | Failure::NotFound { .. }
            | Failure::NotExecutable { .. }
            | Failure::Untrusted { .. }
            | Failure::Invalid(_)
            | Failure::TooLong { .. }
            | Failure::Account { .. }
            | Failure::NotConfined(_) => true,
            Failure::NotStarted(_)
            | Failure::Exit(_)
            | Failure::Signal(_)
            | Failure::TimedOut { .. }
            | Failure::Cancelled { .. }
            | Failure::Leftovers { .. }
            | Failure::Lost(_) => false,
        }
    }
}

fn said(output: &Output) -> String {
    show::last_lines(&output.text).map_or_else(String::new, |lines| format!("; it said last: {lines}"))
}

fn left(survivors: usize) -> String {
    match survivors {
        0 => String::new(),
        _ => format!(", except {survivors} that this user may not end or the kernel holds: end them by hand"),
    }
}

/// A signal as people know it, and the limit behind it.
fn signal(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL: it crashed",
        6 => "SIGABRT: it gave up",
        7 => "SIGBUS: it crashed",
        8 => "SIGFPE: it crashed",
        9 => "SIGKILL, from outside, from the kernel for want of memory, or at the limit `cpu`",
        11 => "SIGSEGV: it crashed",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM, from outside",
        24 => "SIGXCPU: raise `commands.limits.cpu` in a sandbox file, or make it calculate less",
        25 => "SIGXFSZ: raise `commands.limits.file-size` in a sandbox file, or make it write less",
        31 => "SIGSYS: it made a forbidden system call",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failure: Failure, output: &str, expect: &str) {
        let output = Box::new(Output { text: output.to_owned(), left_out_bytes: 0 });
        let error = CommandError { what: "web.render.yaml:12".into(), command: "nginx -t".into(), failure, output };
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn messages_are_one_line() {
        check(Failure::Exit(1), "", "web.render.yaml:12: `nginx -t` failed with exit code 1");
        check(Failure::Exit(1), "a\nb: oops\n", "web.render.yaml:12: `nginx -t` failed with exit code 1; it said last: a / b: oops");
        check(
            Failure::NotAllowed { program: "/usr/sbin/nginx".into() },
            "",
            "web.render.yaml:12: `nginx -t` is not allowed: list /usr/sbin/nginx under `commands.programs` in a sandbox file",
        );
        check(
            Failure::TimedOut { after: Duration::from_secs(30), survivors: 0 },
            "waiting",
            "web.render.yaml:12: `nginx -t` timed out after 30s and was ended; it said last: waiting",
        );
        check(Failure::Signal(11), "", "web.render.yaml:12: `nginx -t` was ended by SIGSEGV: it crashed");
        check(Failure::Signal(64), "", "web.render.yaml:12: `nginx -t` was ended by signal 64");
    }
}
