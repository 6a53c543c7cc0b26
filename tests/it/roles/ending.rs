//! A node that is asked to end while a role's command runs.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use rustix::process::Signal;

use super::site;
use crate::support::{Node, Site};

/// A node whose role waits at a gate, and which was asked to end twice at once, as `timeout` does it.
fn asked_twice() -> (Site, Node) {
    let site = site("- !Sh 'echo >HERE/at; read x <HERE/gate'\n");
    assert!(Command::new("mkfifo").arg(site.path("gate")).status().expect("it runs").success());
    let mut node = site.run(&[]);
    node.eventually("the command waits", |_| site.path("at").exists().then_some(()));
    // It gets both before it can look at either.
    for signal in [Signal::STOP, Signal::TERM, Signal::INT, Signal::CONT] {
        node.signal(signal);
    }
    node.eventually("it ends", |node| says(node, "ending: what is in force").then_some(()));
    (site, node)
}

fn says(node: &Node, told: &str) -> bool {
    node.err.iter().any(|line| line.contains(told))
}

#[test]
fn two_signals_at_once_are_one_wish() {
    let (site, mut node) = asked_twice();
    // Opened for both, it waits for nobody.
    let mut gate = File::options().read(true).write(true).open(site.path("gate")).expect("it is there");
    gate.write_all(b"\n").expect("it takes a byte");
    let status = node.end();
    assert!(status.code() == Some(0) && !says(&node, "ending at once"), "{}", node.transcript());
}

#[test]
fn who_insists_need_not_wait() {
    let (_site, mut node) = asked_twice();
    node.eventually("it ends at once", |node| {
        node.signal(Signal::TERM);
        says(node, "ending at once").then_some(())
    });
    assert_eq!(node.end().code(), Some(0), "{}", node.transcript());
}
