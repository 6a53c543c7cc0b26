//! A temporary directory, a runner and what surrounds a command; and pipes with names, whose ends tell what lives. It checks nothing.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command as Process;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use verwalter_apply::command::{Cancel, Command, CommandError, Context, Limits, Output, Permits, Privileges, Program, Runner};
use verwalter_core::names::RoleName;

/// Ends a test that hangs, and nothing else.
pub(crate) const HUNG: Duration = Duration::from_secs(60);
/// The child for tests.
pub(crate) const CHILD: &str = env!("CARGO_BIN_EXE_verwalter-run-command");

pub(crate) struct Site {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) permits: Permits,
    pub(crate) runner: Runner,
    pub(crate) cancel: Cancel,
}

impl Site {
    /// Where a shell may run.
    pub(crate) fn new() -> Site {
        let temp = tempfile::tempdir().expect("a temporary directory");
        // Commands may run as other users.
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let mut permits = Permits::default();
        permits.allow_program("/bin/sh".into()).expect("exact");
        let runner = Runner::at(CHILD.into(), Vec::new(), Privileges::detect());
        Site { temp, permits, runner, cancel: Cancel::new().expect("files") }
    }

    pub(crate) fn limit(&mut self, change: impl FnOnce(&mut Limits)) {
        let mut limits = Limits::default();
        change(&mut limits);
        self.permits.set_limits(limits).expect("within bounds");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// A program with this text, which may run.
    pub(crate) fn program(&mut self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        self.permits.allow_program(path.clone()).expect("exact");
        path
    }

    pub(crate) fn run(&self, command: &Command) -> Result<Output, CommandError> {
        self.run_masked(command, &str::to_owned)
    }

    pub(crate) fn run_masked(&self, command: &Command, mask: &(dyn Fn(&str) -> String + Sync)) -> Result<Output, CommandError> {
        self.within(mask, |context| self.runner.run(command, context))
    }

    /// What surrounds commands here.
    pub(crate) fn within<T>(&self, mask: &(dyn Fn(&str) -> String + Sync), work: impl FnOnce(&Context<'_>) -> T) -> T {
        let role = RoleName::new("web").expect("valid");
        work(&Context { permits: &self.permits, role: &role, deployment_id: "d1", cancel: &self.cancel, mask })
    }

    pub(crate) fn sh(&self, text: &str) -> Result<Output, CommandError> {
        self.run(&shell(text))
    }

    /// What a successful shell prints, without the trace of `-x`.
    pub(crate) fn printed(&self, text: &str) -> String {
        let output = self.sh(&format!("set +x; {text}")).expect("it succeeds").text;
        output.strip_prefix("+ set +x\n").expect("the shell traces").to_owned()
    }

    /// A pipe with a name, open to everybody.
    pub(crate) fn fifo(&self, name: &str) -> Fifo {
        let path = self.path(name);
        assert!(Process::new("mkfifo").args(["-m", "666"]).arg(&path).status().expect("mkfifo runs").success());
        Fifo::new(path)
    }
}

/// A command of a shell.
pub(crate) fn shell(text: &str) -> Command {
    Command { what: "web.render.yaml:3".into(), program: Program::Shell(text.into()), arguments: Vec::new(), timeout: HUNG, root: false }
}

/// The reading end of a pipe: what processes write to it, and that none of them lives any more.
pub(crate) struct Fifo {
    pub(crate) path: PathBuf,
    chunks: Receiver<String>,
    /// Holds it open for writing, so that it has an end only once that is waited for, even when no process ever opened it.
    held: Cell<Option<File>>,
}

impl Fifo {
    fn new(path: PathBuf) -> Fifo {
        let (send, chunks) = channel();
        let held = File::options().read(true).write(true).open(&path).expect("the pipe opens");
        let mut file = File::open(&path).expect("the pipe opens");
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = file.read(&mut chunk) {
                if send.send(String::from_utf8_lossy(&chunk[..count]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Fifo { path, chunks, held: Cell::new(Some(held)) }
    }

    pub(crate) fn show(&self) -> String {
        self.path.display().to_string()
    }

    /// What is written next.
    pub(crate) fn next(&self) -> String {
        self.chunks.recv_timeout(HUNG).expect("something is written")
    }

    /// Waits until nobody has it open for writing any more, and says what was written meanwhile.
    pub(crate) fn wait_for_end(&self) -> String {
        drop(self.held.take());
        let mut text = String::new();
        loop {
            match self.chunks.recv_timeout(HUNG) {
                Ok(chunk) => text.push_str(&chunk),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return text,
                Err(err) => panic!("somebody still has the pipe open: {err}"),
            }
        }
    }
}
