//! The daemon's side: starts the child, asks it for one thing after the other, and ends it. It touches no file of a role itself.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use verwalter_core::names::RoleName;

use super::pipe::Pipes;
use super::restrict::Confinement;
use super::wire::{self, Reply, Request, Setup, WireFormer};
use crate::files::{Accounts, Change, ChangeKind, Entry, FileWork, Former, Identified, Staged, StagedFile, Undone};
use crate::{Applied, ApplyError, Roots};

/// Time for a child that was killed to be gone: longer only when it hangs in the kernel, as on a dead network file system.
const GRACE: Duration = Duration::from_secs(5);

/// How the child is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program: in the daemon `/proc/self/exe`, which stays the same file when the program is replaced on the disk.
    pub program: PathBuf,
    /// The arguments that make it call [`serve`](super::serve()).
    pub args: Vec<OsString>,
    /// The longest that one request may take. What takes longer is killed.
    pub deadline: Duration,
}

/// What is wrong with the child. What it swapped in before is undone by the next one, from the journal.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("the process that writes files cannot be started: {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It did not answer in time and was killed.
    #[error("the process that writes files did not answer within {} s and was killed: look at the disk and at the mounts", .after.as_secs())]
    TimedOut {
        /// The time that it had.
        after: Duration,
    },
    /// It ended in the middle of a request.
    #[error("the process that writes files ended ({how}): {}", why(.how))]
    Ended {
        /// How.
        how: String,
    },
    /// It said something that nobody asked for.
    #[error("the process that writes files answered something else than was asked: was the program replaced? restart the daemon")]
    Confused {
        /// What is odd about it, where that is known.
        source: io::Error,
    },
    /// The role is too large to be told.
    #[error("the role's paths are more than the process that writes files takes at once: split the role")]
    TooLarge,
}

/// Where to look for the reason of an end.
fn why(how: &str) -> &'static str {
    if how.contains("SIGKILL") {
        "somebody killed it, or the kernel did for want of memory, which its log tells then; it is tried again"
    } else {
        "the daemon's error output has its message; it is tried again"
    }
}

/// A child that works on files, and nowhere but in the roots that it was started with.
#[derive(Debug)]
pub struct FileChild {
    process: Child,
    pipes: Option<Pipes>,
    deadline: Duration,
    confinement: Confinement,
    roots: Roots,
    /// Which directories the roots were when the kernel let it have them.
    had: Vec<Option<(u64, u64)>>,
}

impl FileChild {
    /// Starts a child for these roots and waits until it is confined.
    ///
    /// A root that is not there then stays out of the child's reach, so start one anew when there is work after a while. To undo entries whose roots
    /// are the node's no longer, see [`Roots::with_entries`].
    pub fn start(launch: &Launch, roots: &Roots) -> Result<FileChild, ChildError> {
        let failed = |source| ChildError::Start { program: launch.program.clone(), source };
        let roots = roots.absolute().map_err(failed)?;
        if let Some(root) = roots.writes.iter().chain([&roots.output]).find(|root| root.to_str().is_none()) {
            let odd = format!("the name of the directory {} is no UTF-8: rename it", root.display());
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, odd)));
        }
        let mut command = Command::new(&launch.program);
        command.args(&launch.args).env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        // An interrupt from the terminal is for the daemon, which ends what it has begun.
        command.process_group(0);
        let mut process = command.spawn().map_err(failed)?;
        let pipes = match (process.stdin.take(), process.stdout.take()) {
            (Some(to), Some(from)) => Pipes::new(to, from),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let confinement = Confinement { landlock: super::Landlock::Partial };
        let mut child = FileChild { process, pipes: None, deadline: launch.deadline, confinement, roots, had: Vec::new() };
        child.pipes = Some(pipes.map_err(failed)?);
        let setup = Setup { version: wire::VERSION, output: child.roots.output.clone(), writes: child.roots.writes.clone() };
        (child.confinement, _) = child.exchange(&setup, &[])?;
        child.had = directories(&child.roots);
        Ok(child)
    }

    /// Whether it is there and reaches these roots as they are now: a directory that came since, or was mounted over one, is out of its reach.
    pub fn reaches(&self, roots: &Roots) -> bool {
        self.pipes.is_some() && self.roots == *roots && self.had == directories(roots)
    }

    /// How far the kernel confines it. The daemon says once when that is not at all.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// The roots that it was started with, by absolute paths.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// [`files::sweep`](crate::files::sweep()) in the child.
    pub fn sweep(&mut self) -> Result<usize, ApplyError> {
        match self.ask(&Request::Sweep, &[])? {
            (Reply::Swept(count), _) => Ok(count),
            _ => Err(confused()),
        }
    }

    fn ask(&mut self, request: &Request, body: &[u8]) -> Result<(Reply, Vec<u8>), ApplyError> {
        match self.exchange(request, body)? {
            (Reply::Refused(err), _) => Err(err),
            answered => Ok(answered),
        }
    }

    /// Says one thing and hears one thing. After an error the child is gone.
    fn exchange<A: serde::de::DeserializeOwned>(&mut self, said: &impl serde::Serialize, body: &[u8]) -> Result<(A, Vec<u8>), ChildError> {
        let Some(mut pipes) = self.pipes.take() else { return Err(ChildError::Ended { how: "earlier".into() }) };
        pipes.begin(self.deadline);
        let heard = wire::write_frame(&mut pipes, said, body).and_then(|()| wire::read_frame(&mut pipes));
        match heard {
            Ok(Some(answer)) => {
                self.pipes = Some(pipes);
                Ok(answer)
            }
            Err(err) if err.kind() == io::ErrorKind::FileTooLarge => {
                // Found before anything was said.
                self.pipes = Some(pipes);
                Err(ChildError::TooLarge)
            }
            Err(err) if err.kind() == io::ErrorKind::TimedOut => {
                self.end();
                Err(ChildError::TimedOut { after: self.deadline })
            }
            Ok(None) => Err(self.ended()),
            Err(err) if matches!(err.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof) => Err(self.ended()),
            Err(source) => {
                self.end();
                Err(ChildError::Confused { source })
            }
        }
    }

    fn ended(&mut self) -> ChildError {
        // Its pipes are closed: it is ending by itself, and how is worth a moment.
        let how = self.wait().or_else(|| self.end());
        ChildError::Ended { how: how.map_or_else(|| "and is not gone yet".into(), |status| status.to_string()) }
    }

    /// Kills the child and waits until it is gone, for a while.
    fn end(&mut self) -> Option<ExitStatus> {
        self.pipes = None;
        // It may be gone already.
        let _ = self.process.kill();
        self.wait()
    }

    /// Waits until the child is gone, for a while.
    fn wait(&mut self) -> Option<ExitStatus> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw)?;
        if let Ok(Some(status)) = self.process.try_wait() {
            return Some(status);
        }
        let timeout = Timespec { tv_sec: i64::try_from(GRACE.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
        let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else { return self.process.wait().ok() };
        // A signal or a timeout: then it is looked at once more and left to the system.
        let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout));
        self.process.try_wait().ok().flatten()
    }
}

/// What is staged stays until it is finished or undone, or the role is staged anew: the child keeps nothing between requests.
impl FileWork for FileChild {
    fn stage(&mut self, role: &RoleName, changes: &[Change]) -> Result<Staged, ApplyError> {
        // The child sees neither users nor groups.
        let resolved = resolve(role, changes)?;
        let (changes, body) = wire::part(&resolved);
        match self.ask(&Request::Stage { role: role.clone(), changes }, &body)? {
            (Reply::Staged(staged), _) => Ok(staged),
            _ => Err(confused()),
        }
    }

    fn preview(&mut self, role: &RoleName, changes: &[Change]) -> Result<Vec<StagedFile>, ApplyError> {
        let resolved = resolve(role, changes)?;
        let (changes, body) = wire::part(&resolved);
        match self.ask(&Request::Preview { role: role.clone(), changes }, &body)? {
            (Reply::Previewed(files), _) => Ok(files),
            _ => Err(confused()),
        }
    }

    fn former(&mut self, role: &RoleName, file: &StagedFile, limit: u64) -> Result<Option<Former>, ApplyError> {
        match self.ask(&Request::Former { role: role.clone(), file: file.clone(), limit }, &[])? {
            (Reply::Former(former), bytes) => Ok(former.map(|WireFormer { len, mode }| Former { bytes, len, mode })),
            _ => Err(confused()),
        }
    }

    fn identify(&mut self, role: &RoleName, dests: &[String], known: &[PathBuf]) -> Result<Vec<Identified>, ApplyError> {
        match self.ask(&Request::Identify { role: role.clone(), dests: dests.to_vec(), known: known.to_vec() }, &[])? {
            (Reply::Identified(files), _) => Ok(files),
            _ => Err(confused()),
        }
    }

    fn swap(&mut self, entries: &[Entry]) -> Result<Applied, ApplyError> {
        match self.ask(&Request::Swap { entries: entries.to_vec() }, &[])? {
            (Reply::Swapped(applied), _) => Ok(applied),
            _ => Err(confused()),
        }
    }

    fn undo(&mut self, entries: &[Entry]) -> Result<Undone, ApplyError> {
        match self.ask(&Request::Undo { entries: entries.to_vec() }, &[])? {
            (Reply::Undone(undone), _) => Ok(undone),
            _ => Err(confused()),
        }
    }

    fn finish(&mut self, entries: &[Entry]) -> Result<(), ApplyError> {
        match self.ask(&Request::Finish { entries: entries.to_vec() }, &[])? {
            (Reply::Finished, _) => Ok(()),
            _ => Err(confused()),
        }
    }
}

impl Drop for FileChild {
    fn drop(&mut self) {
        self.end();
    }
}

/// By device and inode, in the order of the roots.
fn directories(roots: &Roots) -> Vec<Option<(u64, u64)>> {
    let identity = |root: &PathBuf| std::fs::metadata(root).ok().map(|meta| (meta.dev(), meta.ino()));
    [&roots.output].into_iter().chain(&roots.writes).map(identity).collect()
}

fn confused() -> ApplyError {
    ApplyError::Child(ChildError::Confused { source: wire::malformed("the answer belongs to another request") })
}

/// The changes, with numbers in place of the names of users and groups.
fn resolve(role: &RoleName, changes: &[Change]) -> Result<Vec<Change>, ApplyError> {
    let accounts = Accounts::default();
    let mut resolved = changes.to_vec();
    for change in &mut resolved {
        let ChangeKind::Write(write) = &mut change.kind else { continue };
        let owner = write.owner.as_deref().map(|name| accounts.user(name)).transpose();
        let group = write.group.as_deref().map(|name| accounts.group(name)).transpose();
        match (owner, group) {
            (Ok(owner), Ok(group)) => {
                write.owner = owner.map(|number| number.to_string());
                write.group = group.map(|number| number.to_string());
            }
            (Err(reason), _) | (_, Err(reason)) => {
                let path = change.dest.chars().take(256).collect::<String>().into();
                return Err(ApplyError::Owner { role: role.clone(), path, reason: reason.into() });
            }
        }
    }
    Ok(resolved)
}
