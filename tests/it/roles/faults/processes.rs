//! Processes that are killed in the midst of their work: the one that touches files and the one that looks after a command.

use std::fs;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use super::{Two, broken, children, here, mended, script};
use crate::support::eventually;

/// The first time it says that it is there and waits; after that it fails.
const WAITS: &str = "[ ! -e HERE/at ] || exit 9; echo >HERE/at; read x <HERE/gate";
const RUN: &str = "- !Cmd [sh, HERE/service]\n";

impl Two {
    /// Until the script waits; then the child that was started with `word` is killed.
    fn killed(&mut self, word: &str) {
        assert!(Command::new("mkfifo").arg(self.site.path("gate")).status().expect("it runs").success());
        broken(&self.site, self.listen + 1);
        self.change();
        let site = &self.site;
        self.node.eventually("the script waits", |_| site.path("at").exists().then_some(()));
        let found = children(self.node.pid(), word);
        assert_eq!(found.len(), 1, "{found:?}");
        let pid = Pid::from_raw(found[0]).expect("a process");
        kill_process(pid, Signal::KILL).expect("it lives");
        // As a zombie it is nobody's child with that word.
        eventually("it is gone", || children(self.node.pid(), word).is_empty().then_some(()));
    }

    /// The script goes on.
    fn goes_on(&self) {
        fs::write(self.site.path("gate"), "\n").expect("it reads");
    }

    /// The first failure is `told`, in the log at least; then it is tried again, which the script refuses.
    fn told(&mut self, told: &str) {
        let told = told.replace("HERE", &here(&self.site));
        self.node.eventually(&told, |node| node.err.iter().any(|line| line.contains(&told)).then_some(()));
        self.node.status("it is tried again", |status| status["errors"]["role web"].as_str()?.contains("exit code 9").then_some(()));
        self.fails(|_| ());
    }
}

#[test]
fn the_file_child_between_staging_and_swap() {
    let mut two = Two::start(", check: [sh, HERE/service, '{{ staged }}']", "", &script("$1", WAITS));
    two.killed("apply-files");
    two.goes_on();
    two.told(
        "role web: the process that writes files ended (signal: 9 (SIGKILL)): somebody killed it, or the kernel did for want of memory, \
         which its log tells then; it is tried again; the former files are back",
    );
    mended(&two.site);
    two.comes_right();
    two.stop();
}

#[test]
fn the_file_child_while_a_command_runs_that_fails_then() {
    let mut two = Two::start("", RUN, &script("HERE/disk/d/page", &format!("{WAITS}; exit 8")));
    two.killed("apply-files");
    two.goes_on();
    two.told(
        "role web: web.render.yaml:6: `sh HERE/service` failed with exit code 8; the former files are back, and the services were told so",
    );
    mended(&two.site);
    two.comes_right();
    two.stop();
}

#[test]
fn the_file_child_while_a_command_runs_that_succeeds_then() {
    let mut two = Two::start("", RUN, &script("HERE/disk/d/page", WAITS));
    two.killed("apply-files");
    two.goes_on();
    two.comes_right();
    two.stop();
}

#[test]
fn the_child_that_looks_after_a_command() {
    let mut two = Two::start("", RUN, &script("HERE/disk/d/page", WAITS));
    two.killed("run-command");
    two.told(
        "role web: web.render.yaml:6: `sh HERE/service` was lost: the process that looks after it ended early (signal: 9 (SIGKILL)), so \
         what it started was ended; it is tried again; the former files are back, and the services were told so",
    );
    mended(&two.site);
    two.comes_right();
    two.stop();
}
