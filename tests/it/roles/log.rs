//! `verwalter log` and what a node tells of its deployment log.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::{listen, page, site};
use crate::support::{Site, eventually, program, run_to_end};

/// Ends with the test, whatever happens.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        // Most have ended by themselves.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Follower {
    fn start(site: &Site, args: &[&str]) -> Follower {
        let mut command = program();
        command.args(["log", "--follow", "--log-dir"]).arg(site.path("log")).args(args);
        Follower(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts"))
    }

    fn ends(&mut self) {
        let ended = eventually("it ends without a reader", || self.0.try_wait().expect("it is a child"));
        assert!(ended.success(), "{ended:?}");
    }
}

fn first_line(stream: impl std::io::Read) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("text");
    line
}

#[test]
fn who_follows_ends_with_its_reader_though_nothing_comes() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    node.stop();
    for (args, begin) in [(&[][..], " DeploymentStart"), (&["--role", "web"], " web: RoleStart ")] {
        let mut follower = Follower::start(&site, args);
        let line = first_line(follower.0.stdout.take().expect("it is piped"));
        assert!(line.contains(begin), "{args:?}: {line:?}");
        follower.ends();
    }
    let mut follower = Follower::start(&site, &["--role", "nope"]);
    assert_eq!(first_line(follower.0.stderr.take().expect("it is piped")), "nothing was done to the role nope yet; waiting\n");
    drop(follower.0.stdout.take());
    follower.ends();
}

#[test]
fn what_cannot_be_asked_or_printed_is_told() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    node.stop();
    let log = site.path("log").display().to_string();
    let none = run_to_end(["log", "-n", "0", "--log-dir", &log]);
    assert!(none.status == Some(2) && none.err.contains("--lines"), "{none:?}");
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let output = program().args(["log", "--log-dir", &log]).stdout(full).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.starts_with("verwalter: standard output cannot be written: No space"), "{said}");
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_of_the_node() {
    let site = site("");
    site.write("log/.index", "a file in the place of a directory");
    let mut node = site.run(&[]);
    node.ready();
    let error = node.error("deployment log");
    assert!(error.contains("/log/.index"), "{error}");
    page(&site, &mut node, 8080);
    fs::remove_file(site.path("log/.index")).expect("it is there");
    listen(&site, 8080, 8081);
    page(&site, &mut node, 8081);
    node.healthy();
    node.stop();
}
