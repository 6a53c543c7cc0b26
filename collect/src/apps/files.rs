//! Opening a file that a stranger names, below the stranger's root. It never opens what is no plain file, follows no last link, and reads no file
//! of somebody else.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2};
use rustix::io::Errno;

/// Which file.
pub(super) type FileId = (u64, u64);
/// Which file, and when it was last changed: seconds and nanoseconds, and its size.
pub(super) type Stamp = (FileId, i64, i64, u64);

/// Why a file is not read.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// It is not there, not for this user's eyes, or its process has ended.
    Absent,
    /// It belongs to another user than the one who runs the process.
    Stranger {
        /// The file.
        file: FileId,
        /// Its user.
        owner: u32,
    },
    /// Whatever else.
    Because(String),
}

/// A plain file that was found and not yet opened.
#[derive(Debug)]
pub(super) struct Pinned {
    fd: OwnedFd,
    stamp: Stamp,
}

/// Finds `path` below `root`, for a process that `user` runs.
pub(super) fn find(root: impl AsFd, path: &Path, user: u32) -> Result<Pinned, Refusal> {
    // What the path leads to, and no more than that: opening a device or a pipe would do something.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let fd = openat2(root, path, flags, Mode::empty(), resolve).map_err(refusal)?;
    let stat = fstat(&fd).map_err(refusal)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refusal::Because("it is no plain file".to_owned()));
    }
    let file = (stat.st_dev, stat.st_ino);
    if stat.st_uid != user {
        return Err(Refusal::Stranger { file, owner: stat.st_uid });
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(Pinned { fd, stamp: (file, stat.st_mtime, stat.st_mtime_nsec as i64, size) })
}

impl Pinned {
    /// Which file.
    pub(super) fn file(&self) -> FileId {
        self.stamp.0
    }

    /// Which file as it stands.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.stamp.3
    }

    /// Its first bytes, at most `limit`.
    pub(super) fn read(&self, limit: u64) -> Result<Vec<u8>, Refusal> {
        // Without waiting: somebody who holds a lease on the file would be asked to let go of it first.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        // A descriptor of a path alone cannot be read; this is the same file opened for it, whatever the path leads to by now.
        let fd = open(format!("/proc/self/fd/{}", self.fd.as_raw_fd()), flags, Mode::empty()).map_err(refusal)?;
        let mut bytes = Vec::new();
        let outcome = File::from(fd).take(limit).read_to_end(&mut bytes);
        outcome.map_err(|error| Refusal::Because(error.to_string()))?;
        Ok(bytes)
    }
}

fn refusal(errno: Errno) -> Refusal {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM | Errno::SRCH | Errno::WOULDBLOCK => Refusal::Absent,
        Errno::NOSYS => Refusal::Because("the kernel has no openat2: Linux 5.6 is needed".to_owned()),
        other => Refusal::Because(io::Error::from(other).to_string()),
    }
}
