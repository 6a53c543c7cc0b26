//! The processes that come from a command, wherever they went: found in `/proc`, and signalled without ever hitting another process that
//! took over a number. It waits for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process as `/proc` tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    /// `Z` and `X` are dead.
    state: char,
    parent: i32,
    session: i32,
    /// When it started, in ticks since boot: with the number it names one process for good.
    started: u64,
}

impl Process {
    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// The living descendants of `ancestor`. One whose parent ends while this looks may be missed: look again until there are none.
pub(super) fn signal_descendants(ancestor: Pid, signals: &[Signal]) -> io::Result<usize> {
    let all = processes()?;
    let mut children = BTreeMap::<i32, Vec<&Process>>::new();
    for process in &all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([ancestor.as_raw_pid()]);
    let mut open = vec![ancestor.as_raw_pid()];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            if seen.insert(child.pid) {
                open.push(child.pid);
                found.push(*child);
            }
        }
    }
    Ok(signal_all(&found, signals))
}

/// Signals what lives in the session `leader` began, itself excepted. The leader must be a child that was not waited for, so that its
/// number is still its own.
pub(super) fn signal_session(leader: Pid, signals: &[Signal]) -> io::Result<usize> {
    let leader = leader.as_raw_pid();
    let found: Vec<_> = processes()?.into_iter().filter(|process| process.session == leader && process.pid != leader).collect();
    Ok(signal_all(&found, signals))
}

/// Says how many of them were alive.
fn signal_all(processes: &[Process], signals: &[Signal]) -> usize {
    let living = processes.iter().filter(|process| !process.is_dead());
    living.filter(|process| signal_one(process, signals)).count()
}

/// Whether it was alive. That it may not be signalled is no reason to stop with the others.
fn signal_one(process: &Process, signals: &[Signal]) -> bool {
    let Some(pid) = Pid::from_raw(process.pid) else { return false };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    // The handle was opened by number: only now is it sure to be the process that was seen.
    let is_same = stat(process.pid).is_some_and(|now| now.started == process.started && !now.is_dead());
    if is_same {
        for signal in signals {
            let _ = pidfd_send_signal(&handle, *signal);
        }
    }
    is_same
}

fn processes() -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        // One that ended meanwhile is none.
        found.extend(pid.and_then(stat));
    }
    Ok(found)
}

fn stat(pid: i32) -> Option<Process> {
    parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The name stands in parentheses and may contain any byte, parentheses too: fields are counted from the last one.
fn parse(pid: i32, text: &[u8]) -> Option<Process> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&text[end + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(15)?.parse().ok()?;
    Some(Process { pid, state, parent, session, started })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use rustix::process::getpid;

    use super::*;

    /// The child's session is its own: this process' may be led by one that its PID namespace does not show, whose number is then 0.
    #[test]
    fn reads_what_the_kernel_writes() {
        let mut child = Command::new("setsid").arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("setsid");
        let (mut stdin, mut stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        stdin.write_all(b"x").expect("written");
        stdout.read_exact(&mut [0]).expect("it answers once it has begun its session");
        let pid = Pid::from_child(&child).as_raw_pid();
        let seen = stat(pid).expect("it lives");
        assert_eq!((seen.pid, seen.parent, seen.session), (pid, getpid().as_raw_pid(), pid));
        assert!(seen.started > 0 && !seen.is_dead());
        drop(stdin);
        assert!(child.wait().expect("waited").success());
        assert!(stat(pid).is_none());
    }

    #[test]
    fn names_cannot_forge_fields() {
        let line = b"7 (a) R 1 1 1 (\xff) S 3 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999 0";
        assert_eq!(parse(7, line), Some(Process { pid: 7, state: 'S', parent: 3, session: 5, started: 999 }));
        for bad in [&b""[..], b"7 (a", b"7 (a) S", b"7 (a) S x 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999"] {
            assert_eq!(parse(7, bad), None);
        }
    }

    #[test]
    fn finds_children_only() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().expect("cat");
        let pid = Pid::from_child(&child);
        assert_eq!(signal_descendants(pid, &[Signal::KILL]).expect("read"), 0, "it has no children, and is none of its own");
        assert!(child.try_wait().expect("waited").is_none());
        drop(child.stdin.take());
        assert!(child.wait().expect("waited").success());
    }
}
