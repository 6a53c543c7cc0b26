//! Reading one source file under a byte cap. It parses nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ::procfs::ProcError;
use rustix::io::Errno;

/// Longest source file. `/proc/stat` of a machine with thousands of interrupts takes some 100 kB; above that it is arbitrary.
pub const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// Why the figures of one source are missing. The kernel or a container's mounts are at fault; all other figures stay in force.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is absent, not readable for this user, or a directory.
    #[error("cannot read {path}, its figures are left out")]
    Read {
        /// The source.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// The file is longer than [`MAX_SOURCE_BYTES`].
    #[error("{path} is longer than {MAX_SOURCE_BYTES} bytes, its figures are left out")]
    TooLong {
        /// The source.
        path: PathBuf,
    },
    /// The file has another form than any kernel writes.
    #[error("{path} is not understood, its figures are left out: {reason}")]
    Malformed {
        /// The source.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// What a process publishes cannot be used, or not all of it. Whoever wrote the application is at fault.
    #[error("process {pid} publishes {path}, which is left out or not complete: {reason}")]
    Application {
        /// The process.
        pid: u32,
        /// The file, below the process's root.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Looking into a process does not come to an end: its memory or its files lie on a file system that does not answer.
    #[error("looking into process {pid} hangs, what it publishes is left out: see what its files are mounted on, or end it")]
    Hangs {
        /// Its directory in procfs.
        path: PathBuf,
        /// The process.
        pid: u32,
    },
}

impl SourceError {
    /// The source in question.
    pub fn path(&self) -> &Path {
        match self {
            SourceError::Read { path, .. }
            | SourceError::TooLong { path }
            | SourceError::Malformed { path, .. }
            | SourceError::Application { path, .. }
            | SourceError::Hangs { path, .. } => path,
        }
    }

    /// Whether the source does not exist, which is no fault where the kernel offers it at will.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, SourceError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether what the source tells of has ended meanwhile.
    pub(super) fn is_gone(&self) -> bool {
        // An open file of a control group answers ENODEV once the group was removed.
        self.is_absent() || self.is(Errno::NODEV)
    }

    /// Whether the kernel has the source, but it was switched off.
    pub(super) fn is_unsupported(&self) -> bool {
        self.is(Errno::OPNOTSUPP)
    }

    fn is(&self, errno: Errno) -> bool {
        matches!(self, SourceError::Read { source, .. } if source.raw_os_error() == Some(errno.raw_os_error()))
    }
}

/// The bytes of `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    // Most have less: without room the first bytes would be read by themselves.
    let mut bytes = Vec::with_capacity(1 << 10);
    let outcome = File::open(path).and_then(|file| file.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes));
    match outcome {
        Err(source) => Err(SourceError::Read { path: path.to_owned(), source }),
        Ok(_) if bytes.len() as u64 > MAX_SOURCE_BYTES => Err(SourceError::TooLong { path: path.to_owned() }),
        Ok(_) => Ok(bytes),
    }
}

/// The text of `path`. Bytes that are not UTF-8 become replacement characters, which no figure contains.
pub(super) fn read_text(path: &Path) -> Result<String, SourceError> {
    read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Says that `path` was not understood.
pub(super) fn malformed(path: &Path, reason: impl Into<String>) -> SourceError {
    SourceError::Malformed { path: path.to_owned(), reason: reason.into() }
}

/// Says that the library did not understand `path`. Its own text asks the operator to report a bug there, so only the reason is kept.
pub(super) fn not_parsed(path: &Path, error: ProcError) -> SourceError {
    let reason = match error {
        ProcError::InternalError(error) => error.msg,
        other => other.to_string(),
    };
    malformed(path, reason)
}
