//! What a command may write, and as whom.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;
use verwalter_apply::command::{Command, Failure};

use crate::site::{Site, shell};

#[test]
fn writing_is_confined_where_the_sandbox_says_so() {
    let mut site = Site::new();
    fs::create_dir(site.path("logs")).expect("mkdir");
    fs::write(site.path("old"), "old").expect("written");
    fs::write(site.path("one"), "old").expect("written");
    site.permits.allow_writes(site.path("logs")).expect("exact");
    site.permits.allow_writes(site.path("one")).expect("exact");
    let at = |text: &str| text.replace("DIR", &site.temp.path().display().to_string());
    match site.sh(&at("cat DIR/old; echo new > DIR/logs/a; echo new > DIR/one; echo gone > /dev/null")) {
        Ok(_) => {}
        Err(err) if matches!(&err.failure, Failure::NotConfined(reason) if reason.contains("Landlock")) => {
            // A kernel without it: nothing runs unconfined that was to be confined.
            assert!(!site.path("logs/a").exists());
            return;
        }
        Err(err) => panic!("{err}"),
    }
    assert_eq!(fs::read_to_string(site.path("one")).expect("there"), "new\n");
    for text in ["echo new > DIR/old", "rm DIR/old", "mv DIR/old DIR/logs/old", "ln -s x DIR/link", "mkdir DIR/d", "echo x > DIR/new"] {
        let err = site.sh(&at(text)).expect_err(text);
        assert!(matches!(err.failure, Failure::Exit(_)), "{text}: {err}");
    }
    assert_eq!(fs::read_to_string(site.path("old")).expect("there"), "old");
    let names = fs::read_dir(site.temp.path()).expect("read").count();
    assert_eq!(names, 3, "nothing was made");
}

#[test]
fn a_directory_that_is_not_there_cannot_confine() {
    let mut site = Site::new();
    site.permits.allow_writes(site.path("absent")).expect("exact");
    let err = site.sh("true").expect_err("not confined");
    assert!(matches!(err.failure, Failure::NotConfined(_)) && err.failure.is_refusal(), "{err}");
}

#[test]
fn commands_run_as_the_account_of_the_sandbox() {
    let mut site = Site::new();
    site.permits.run_as("nobody").expect("a name");
    site.permits.set_root(true);
    let outcome = site.sh("id -u; id -G");
    if !geteuid().is_root() {
        let err = outcome.expect_err("only root can").to_string();
        assert!(err.contains("cannot run as nobody: only a root daemon can"), "{err}");
        return;
    }
    let own = fs::metadata("/proc/self").expect("there").uid();
    assert_eq!((own, site.printed("id -u; id -G").as_str()), (0, "65534\n65534\n"));
    let output = site.run(&Command { root: true, ..shell("id -u") }).expect("runs").text;
    assert!(output.ends_with("\n0\n"), "root commands stay root's: {output}");
    let mut site = Site::new();
    site.permits.run_as("no-such-account").expect("a name");
    let err = site.sh("true").expect_err("no account").to_string();
    assert!(err.contains("there is no such account in /etc/passwd"), "{err}");
}
