//! Commands that do not end by themselves, or not whole: everything of them is gone afterwards. The end of a pipe tells that.

use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use verwalter_apply::command::{Command, Failure};

use crate::site::{CHILD, Site, shell};

const SOON: Duration = Duration::from_millis(300);

#[test]
fn a_timeout_is_told_with_what_was_printed() {
    let site = Site::new();
    let err = site.run(&Command { timeout: SOON, ..shell("sleep 1000") }).expect_err("too long");
    assert_eq!(err.failure, Failure::TimedOut { after: SOON, survivors: 0 });
    assert!(err.to_string().starts_with("web.render.yaml:3: `sh -exc 'sleep 1000'` timed out after 300ms and was ended"), "{err}");
}

#[test]
fn a_command_is_asked_to_end_first() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let text = format!("trap 'echo asked; exit 0' TERM; exec 9>{}; echo started >&9; sleep 1000 & wait", alive.show());
    thread::scope(|scope| {
        let running = scope.spawn(|| site.sh(&text));
        assert_eq!(alive.next(), "started\n");
        site.cancel.cancel();
        let err = running.join().expect("no panic").expect_err("ended");
        assert_eq!(err.failure, Failure::Cancelled { survivors: 0 });
        assert!(err.output.text.contains("\nasked\n"), "{}", err.output.text);
    });
    alive.wait_for_end();
}

#[test]
fn who_ignores_the_question_is_killed() {
    let site = Site::new();
    let alive = site.fifo("alive");
    // The shell, its child in the group, and one that left the group and the session.
    let text = format!("trap '' TERM; exec 9>{}; setsid sleep 1000 & sleep 1000 & wait", alive.show());
    let err = site.run(&Command { timeout: SOON, ..shell(&text) }).expect_err("too long");
    assert_eq!(err.failure, Failure::TimedOut { after: SOON, survivors: 0 });
    alive.wait_for_end();
}

#[test]
fn a_stopped_command_is_ended_too() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let err = site.run(&Command { timeout: SOON, ..shell(&format!("exec 9>{}; kill -STOP $$", alive.show())) }).expect_err("too long");
    assert_eq!(err.failure, Failure::TimedOut { after: SOON, survivors: 0 });
    alive.wait_for_end();
}

#[test]
fn the_nodes_limit_holds_for_every_timeout() {
    let mut site = Site::new();
    site.limit(|limits| limits.timeout = Duration::from_secs(1));
    let err = site.sh("sleep 1000").expect_err("too long");
    assert_eq!(err.failure, Failure::TimedOut { after: Duration::from_secs(1), survivors: 0 });
}

#[test]
fn what_is_left_behind_is_ended_and_told() {
    let site = Site::new();
    let check = |text: &str, count| {
        let name = format!("alive{}", text.len());
        let alive = site.fifo(&name);
        let err = site.sh(&text.replace("ALIVE", &alive.show())).expect_err("it leaves something");
        assert_eq!(err.failure, Failure::Leftovers { count, survivors: 0 }, "{text}");
        assert!(err.to_string().contains("start services through what supervises them, such as systemctl"), "{err}");
        alive.wait_for_end();
    };
    // It has the output open, so a reader that waited for its end would hang.
    check("sleep 1000 9>ALIVE &", 1);
    // As daemons do it: away from the group, the session and the parent.
    check("setsid sh -c 'sleep 1000 9>ALIVE & sleep 1000 &' >/dev/null 2>&1", 2);
    check("for i in $(seq 100); do setsid sleep 1000 9>ALIVE & done", 100);
    check("(trap '' TERM HUP; exec 9>ALIVE; read line < /dev/tty || exec sleep 1000) &", 1);
}

#[test]
fn a_failure_counts_more_than_what_it_left() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let err = site.sh(&format!("sleep 1000 9>{} & exit 4", alive.show())).expect_err("it fails");
    assert_eq!(err.failure, Failure::Exit(4));
    alive.wait_for_end();
}

#[test]
fn what_ends_right_after_its_parent_is_no_leftover() {
    let site = Site::new();
    let (alive, go) = (site.fifo("alive"), site.path("go"));
    assert!(Process::new("mkfifo").arg(&go).status().expect("mkfifo").success());
    // The child goes on when its parent is gone, which is when nobody holds `go` for writing any more.
    let text = format!("exec 8<>{go}; (exec 9>{alive}; exec 8<&-; :) & :", go = go.display(), alive = alive.show());
    site.sh(&text).expect("it succeeds");
    alive.wait_for_end();
}

#[test]
fn the_end_of_the_daemon_ends_the_command() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let cancel = site.cancel.clone();
    let text = format!("exec 9>{}; echo started >&9; sleep 1000", alive.show());
    thread::scope(|scope| {
        let running = scope.spawn(|| site.sh(&text));
        assert_eq!(alive.next(), "started\n");
        cancel.cancel();
        let err = running.join().expect("no panic").expect_err("ended");
        assert_eq!(err.failure, Failure::Cancelled { survivors: 0 });
    });
    alive.wait_for_end();
    let err = site.sh("true").expect_err("the daemon ends");
    assert_eq!(err.failure, Failure::Cancelled { survivors: 0 });
}

#[test]
fn a_killed_daemon_takes_its_commands_along() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let text = format!("exec 9>{}; setsid sleep 1000 & echo $$ >&9; trap '' TERM HUP; sleep 1000", alive.show());
    let mut daemon = Process::new(CHILD).args(["run", "/bin/sh", "-c", &text]).stdout(Stdio::null()).spawn().expect("it starts");
    assert!(alive.next().trim().parse::<i32>().is_ok());
    daemon.kill().expect("SIGKILL");
    daemon.wait().expect("waited");
    alive.wait_for_end();
}

#[test]
fn a_killed_supervisor_is_told_and_its_session_ended() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let text = format!("exec 9>{}; echo $PPID >&9; sleep 1000", alive.show());
    thread::scope(|scope| {
        let running = scope.spawn(|| site.sh(&text));
        let supervisor = alive.next().trim().parse().ok().and_then(Pid::from_raw).expect("a number");
        kill_process(supervisor, Signal::KILL).expect("SIGKILL");
        let err = running.join().expect("no panic").expect_err("lost");
        assert!(matches!(err.failure, Failure::Lost(_)), "{err}");
    });
    alive.wait_for_end();
}
