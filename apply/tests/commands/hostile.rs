//! Commands that use up what they can: the daemon gets its answer, of bounded size, in bounded time.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;
use verwalter_apply::command::{Command, Failure, Program};

use crate::site::{Site, shell};

const LIMIT_BYTES: u64 = 64 << 10;

#[test]
fn ten_megabytes_of_output() {
    let site = Site::new();
    let check = |text: &str, total: u64, first: &str, last: &str| {
        let output = site.sh(text).expect("runs");
        assert!(output.text.len() as u64 <= LIMIT_BYTES + 100, "{}", output.text.len());
        assert!(output.text.starts_with(first) && output.text.ends_with(last), "{}", &output.text[..100]);
        let line = format!("… {} bytes left out …", output.left_out_bytes);
        assert_eq!(output.text.lines().filter(|text| *text == line).count(), 1);
        let shown = output.text.len() as u64 - line.len() as u64 - 1;
        // A line feed is put before that line where the cut fell within one.
        assert!((total..=total + 1).contains(&(shown + output.left_out_bytes)), "{shown} + {}", output.left_out_bytes);
    };
    check("exec 2>&-; seq -f %09.0f 1000000", 10_000_000 + 7, "+ exec\n", "001000000\n");
    check("exec 2>&-; head -c 10000000 /dev/zero | tr '\\0' x", 10_000_000 + 7, "+ exec\n", "x");
}

/// Wherever the cuts fall: ten different places.
#[test]
fn a_secret_that_is_cut_through_is_not_shown() {
    let site = Site::new();
    let mask = |text: &str| text.replace("hunter2-9", "");
    for before in 0..10 {
        let text = format!("exec 2>&-; head -c {before} /dev/zero | tr '\\0' .; yes hunter2-9 | head -c 1000000 | tr -d '\\n'");
        let output = site.run_masked(&shell(&text), &mask).expect("runs");
        let line = format!("… {} bytes left out …", output.left_out_bytes);
        let rest: String = output.text.lines().filter(|shown| *shown != line && !shown.starts_with('+')).collect();
        assert_eq!(rest.trim_matches('.'), "", "{before}");
    }
}

#[test]
fn output_that_is_no_text() {
    let site = Site::new();
    let output = site.sh("exec 2>&-; head -c 10000000 /dev/urandom").expect("runs");
    assert!(output.text.len() as u64 <= 3 * LIMIT_BYTES + 100, "each byte is replaced by three at most");
    assert!(output.left_out_bytes >= 10_000_000 - LIMIT_BYTES);
}

#[test]
fn a_command_that_closes_its_output_runs_on() {
    let site = Site::new();
    let (closed, go) = (site.fifo("closed"), site.path("go"));
    assert!(std::process::Command::new("mkfifo").arg(&go).status().expect("mkfifo").success());
    let text = format!("exec >&- 2>&-; echo closed > {}; read line < {}; exit $line", closed.show(), go.display());
    thread::scope(|scope| {
        let running = scope.spawn(|| site.sh(&text));
        assert_eq!(closed.next(), "closed\n");
        fs::write(&go, "5\n").expect("written");
        assert_eq!(running.join().expect("no panic").expect_err("it fails").failure, Failure::Exit(5));
    });
}

#[test]
fn arguments_beyond_what_the_kernel_takes() {
    let mut site = Site::new();
    let count = site.program("count", "#!/bin/sh\necho $# ${#1}\n");
    let run = |arguments: Vec<String>| {
        site.run(&Command {
            what: "a:1".into(),
            program: Program::Path(count.clone()),
            arguments,
            timeout: Duration::from_secs(60),
            root: false,
        })
    };
    assert_eq!(run(vec!["x".repeat((128 << 10) - 1)]).expect("just fits").text, "1 131071\n");
    let err = run(vec!["x".repeat(128 << 10)]).expect_err("too long");
    assert_eq!(err.failure, Failure::TooLong { what: "an argument", bytes: 131_072, limit_bytes: 131_071 });
    assert!(err.to_string().len() < 1000, "the message is short all the same");
    assert!(matches!(run(vec![String::new(); 200_000]).expect_err("too many").failure, Failure::TooLong { what: "arguments", .. }));
    assert_eq!(run(vec!["\u{1}".repeat(1000); 800]).expect("fits, whatever it is escaped to").text, "800 1000\n");
    let err = run(vec!["a".into(), "b\0c".into()]).expect_err("a NUL");
    assert!(err.to_string().contains("argument 2 contains a NUL"), "{err}");
    let err = site.run(&shell("true\0")).expect_err("a NUL");
    assert!(matches!(err.failure, Failure::Invalid(_)), "{err}");
}

#[test]
fn a_loop_ends_at_the_limit_of_processor_time() {
    let mut site = Site::new();
    site.limit(|limits| limits.cpu = Duration::from_secs(1));
    let err = site.sh("set +x; while :; do :; done").expect_err("too much");
    assert_eq!(err.failure, Failure::Signal(24));
    assert!(err.to_string().contains("raise `commands.limits.cpu`"), "{err}");
}

#[test]
fn printing_without_end_is_told_as_what_it_is() {
    let mut site = Site::new();
    site.limit(|limits| limits.cpu = Duration::from_secs(1));
    let err = site.sh("exec yes").expect_err("too much");
    assert_eq!(err.failure, Failure::Signal(24), "{err}");
    assert!(err.output.left_out_bytes > 10_000_000);
    let deaf = Command { timeout: Duration::from_secs(2), ..shell("trap '' XCPU TERM; exec yes") };
    let err = site.run(&deaf).expect_err("too much");
    assert!(matches!(err.failure, Failure::TimedOut { survivors: 0, .. }), "{err}");
}

#[test]
fn files_memory_and_descriptors_have_limits() {
    let mut site = Site::new();
    site.limit(|limits| {
        limits.file_bytes = 4096;
        limits.open_files = 16;
        limits.memory_bytes = 64 << 20;
    });
    let err = site.sh(&format!("exec head -c 10000 /dev/zero > {}", site.path("big").display())).expect_err("too large");
    assert_eq!(err.failure, Failure::Signal(25));
    assert_eq!(fs::metadata(site.path("big")).expect("there").len(), 4096);
    assert_eq!(site.printed("ulimit -n; ulimit -c; ulimit -d"), "16\n0\n65536\n");
    let err = site.sh("exec sort -S 256M /dev/zero").expect_err("too much");
    assert!(matches!(err.failure, Failure::Exit(2)), "{err}");
}

#[test]
fn a_fork_bomb_stays_within_its_processes_and_ends() {
    let mut site = Site::new();
    site.limit(|limits| limits.processes = 30);
    if !geteuid().is_root() {
        let err = site.sh("true").map(drop);
        assert!(err.is_ok() || matches!(err, Err(err) if matches!(err.failure, Failure::NotStarted(_) | Failure::Exit(_))));
        return;
    }
    // The kernel does not hold root to the limit.
    site.permits.run_as("nobody").expect("a name");
    let alive = site.fifo("alive");
    let bomb = site.program("bomb", &format!("#!/bin/sh\nexec 9>{}\nset +e\nsetsid $0 &\nsetsid $0 &\nwait\n", alive.show()));
    let timeout = Duration::from_millis(500);
    let command = Command { what: "a:1".into(), program: Program::Path(bomb), arguments: Vec::new(), timeout, root: false };
    // It is ended, or breaks down by itself where no process can be made any more.
    if let Err(err) = site.run(&command) {
        assert!(!matches!(err.failure, Failure::NotStarted(_)), "{err}");
    }
    alive.wait_for_end();
}
