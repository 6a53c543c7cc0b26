//! A running program with what it printed so far. It ends with the test, whatever happens.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{DEADLINE, PAUSE, Reply, get};

enum Line {
    Out(String),
    Err(String),
}

/// A started program.
pub(crate) struct Node {
    child: Child,
    lines: Receiver<Line>,
    /// Standard output so far, by line.
    pub(crate) out: Vec<String>,
    /// Standard error so far, by line.
    pub(crate) err: Vec<String>,
    /// Lines of standard output that [`Node::round`] has passed.
    passed: usize,
}

impl Node {
    /// Starts a command.
    pub(crate) fn start(command: Command) -> Node {
        Node::heard(command, |_| false)
    }

    /// Starts a command whose standard error nobody reads any more once it told its address.
    pub(crate) fn start_unheard(command: Command) -> Node {
        Node::heard(command, |line| addr_in(line).is_some())
    }

    fn heard(mut command: Command, enough: fn(&str) -> bool) -> Node {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (sender, lines) = mpsc::channel();
        pump(child.stdout.take().expect("it is piped"), Line::Out, sender.clone(), |_| false);
        pump(child.stderr.take().expect("it is piped"), Line::Err, sender, enough);
        Node { child, lines, out: Vec::new(), err: Vec::new(), passed: 0 }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `look` finds something; looks again after each line that is printed, and now and then.
    pub(crate) fn eventually<T>(&mut self, what: &str, mut look: impl FnMut(&mut Node) -> Option<T>) -> T {
        self.wait(&mut look).unwrap_or_else(|| panic!("never: {what}\n{}", self.transcript()))
    }

    /// Waits until it says where its API listens.
    pub(crate) fn addr(&mut self) -> SocketAddr {
        self.eventually("its address is told", |node| node.out.iter().chain(&node.err).find_map(|line| addr_in(line)))
    }

    /// What the API answers.
    pub(crate) fn get(&mut self, path: &str) -> Reply {
        get(self.addr(), path)
    }

    /// Waits until the status object is as `look` wants it.
    pub(crate) fn status<T>(&mut self, what: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        let addr = self.addr();
        let mut last = Value::Null;
        let found = self.wait(&mut |_| {
            last = get(addr, "/v1/status").json();
            look(&last)
        });
        found.unwrap_or_else(|| panic!("never: {what}\nlast status: {last:#}\n{}", self.transcript()))
    }

    /// Waits for an error in the status whose place begins with `place`; gives its text.
    pub(crate) fn error(&mut self, place: &str) -> String {
        self.status(&format!("an error of {place}"), |status| {
            let errors = status["errors"].as_object()?;
            errors.iter().find(|(key, _)| key.starts_with(place)).map(|(_, text)| text.as_str().expect("a text").to_owned())
        })
    }

    /// Waits until the status has no error any more.
    pub(crate) fn healthy(&mut self) {
        self.status("no error is left", |status| (status["num_errors"] == 0).then_some(()));
    }

    /// Waits until everything is in force and deployed.
    pub(crate) fn ready(&mut self) {
        let addr = self.addr();
        self.eventually("it is ready", |_| (get(addr, "/readyz").status == 200).then_some(()));
    }

    /// With `--json`: the next round that `want` likes. Each call goes on after the round that the one before gave.
    pub(crate) fn round(&mut self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        self.eventually(what, |node| {
            while let Some(line) = node.out.get(node.passed) {
                node.passed += 1;
                let round = json_object(line);
                if want(&round) {
                    return Some(round);
                }
            }
            None
        })
    }

    /// With `--json`: all rounds so far.
    pub(crate) fn rounds(&self) -> Vec<Value> {
        self.out.iter().map(|line| json_object(line)).collect()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("its own child can be signalled");
    }

    /// Waits for its end and for all that it printed.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        while self.read() != Err(RecvTimeoutError::Disconnected) {
            assert!(Instant::now() < until, "it never ended\n{}", self.transcript());
        }
        let status = self.child.wait().expect("it can be waited for");
        assert!(!self.err.iter().any(|line| line.contains("panicked")), "{}", self.transcript());
        status
    }

    /// Asks it to end, as a supervisor does; it must do so with status 0.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.end();
        assert_eq!(status.code(), Some(0), "{}", self.transcript());
    }

    /// Everything that it printed.
    pub(crate) fn transcript(&self) -> String {
        format!("--- standard output\n{}\n--- standard error\n{}", self.out.join("\n"), self.err.join("\n"))
    }

    fn wait<T>(&mut self, look: &mut dyn FnMut(&mut Node) -> Option<T>) -> Option<T> {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look(self) {
                return Some(found);
            }
            if Instant::now() >= until {
                return None;
            }
            if self.read() == Err(RecvTimeoutError::Disconnected) {
                // It ended: what it left behind is looked at once more.
                return look(self);
            }
        }
    }

    /// Takes what was printed; pauses when that is nothing.
    fn read(&mut self) -> Result<(), RecvTimeoutError> {
        let mut next = self.lines.recv_timeout(PAUSE)?;
        loop {
            match next {
                Line::Out(line) => self.out.push(line),
                Line::Err(line) => self.err.push(line),
            }
            match self.lines.try_recv() {
                Ok(line) => next = line,
                Err(_) => return Ok(()),
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Most have ended by themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends what is printed, up to a line that is `enough`.
fn pump(stream: impl Read + Send + 'static, line: fn(String) -> Line, sender: Sender<Line>, enough: fn(&str) -> bool) {
    std::thread::spawn(move || {
        for text in BufReader::new(stream).lines() {
            let Ok(text) = text else { return };
            let last = enough(&text);
            if sender.send(line(text)).is_err() || last {
                return;
            }
        }
    });
}

fn json_object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|err| panic!("not JSON ({err}): {line}"));
    assert!(value.is_object(), "not an object: {line}");
    value
}

fn addr_in(line: &str) -> Option<SocketAddr> {
    // Other lines tell other addresses: the built-in agent's, its peers'.
    let at = line.find("127.0.0.1:").filter(|_| line.contains("verwalter runs") || line.contains("verwalter demo: http://"))?;
    let text: String = line[at..].chars().take_while(|c| c.is_ascii_digit() || [':', '.'].contains(c)).collect();
    text.parse().ok().filter(|addr: &SocketAddr| addr.port() != 0)
}
