//! A daemon from its start: time until its first schedule, and its resident memory once it idles, as the kernel counts it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Rounds until it counts as idle: everything that is made once was made.
const ROUNDS: usize = 10;

pub(crate) fn print_idle() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_verwalter"))
        .args(["demo", "--json", "--listen", "127.0.0.1:0", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon starts");
    let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut lines = stdout.lines().map_while(Result::ok);
    let first = lines.next().map_or(f64::NAN, |_| started.elapsed().as_secs_f64());
    let rounds = 1 + lines.take(ROUNDS - 1).count();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("the daemon runs");
    let figure = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    };
    println!("\n| daemon after {rounds} rounds of the demo (one scheduler, one filter plugin) | MiB |\n|---|---|");
    println!("| resident memory | {:.1} |", figure("VmRSS:"));
    println!("| of it anonymous | {:.1} |", figure("RssAnon:"));
    println!("| peak | {:.1} |", figure("VmHWM:"));
    println!("\nfirst schedule on an empty directory, plugins compiled and files written: {first:.2} s after process start");
    child.kill().expect("the daemon can be ended");
    child.wait().expect("the daemon ends");
}
