//! A demo that runs, with a line a round. It looks at the process from outside only.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far above what a round takes: only a defect reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A daemon with the rounds so far.
pub(crate) struct Node {
    child: Child,
    lines: Receiver<(Instant, String)>,
    rounds: Vec<Round>,
}

/// A round, as `demo --json` prints it.
pub(crate) struct Round {
    pub(crate) number: u64,
    /// Its time, ms since the epoch.
    pub(crate) at_ms: u64,
    pub(crate) accepted: bool,
    plugin_digest: Option<String>,
}

/// What the kernel counts, in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) anonymous: u64,
}

impl Node {
    /// Starts the demo on an empty directory and waits for its first round.
    pub(crate) fn start(dir: &Path, quiet: Duration, interval: Duration) -> Node {
        let settings = format!(
            "round-interval: {}ms\nreload-quiet-time: {}ms\ncollect-interval: 1s\noutput-dir: ../out\n",
            interval.as_millis(),
            quiet.as_millis()
        );
        std::fs::create_dir(dir.join("etc")).expect("it can be made");
        std::fs::write(dir.join("etc/verwalter.yaml"), settings).expect("it can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_verwalter"))
            .args(["demo", "--json", "--listen", "127.0.0.1:0", "--dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        let mut node = Node { child, lines, rounds: Vec::new() };
        node.next().expect("a first round");
        node
    }

    /// The next line, with when it was read; `None` at the end.
    fn next(&mut self) -> Option<Instant> {
        let (read, line) = match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no round in {DEADLINE:?}"),
        };
        let round: Value = serde_json::from_str(&line).expect("a JSON object a line");
        self.rounds.push(Round {
            number: round["round"].as_u64().expect("a number"),
            at_ms: round["at"].as_u64().expect("a time"),
            accepted: round["accepted"] == true,
            plugin_digest: round["plugin_digest"].as_str().map(str::to_owned),
        });
        Some(read)
    }

    /// Waits for the first round of a build; says when it was read.
    pub(crate) fn first_round_of(&mut self, digest: &str) -> Instant {
        loop {
            let read = self.next().expect("it runs on");
            if self.rounds.last().is_some_and(|round| round.plugin_digest.as_deref() == Some(digest)) {
                return read;
            }
        }
    }

    /// What it has in memory now.
    pub(crate) fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the daemon runs");
        let figure = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel tells");
            line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
        };
        Memory { resident: figure("VmRSS:"), anonymous: figure("RssAnon:") }
    }

    /// Ends it; gives all rounds.
    pub(crate) fn end(mut self) -> Vec<Round> {
        self.child.kill().expect("the daemon can be ended");
        self.child.wait().expect("the daemon ends");
        self.rounds
    }
}
