//! One file from outside as text, under a byte cap, and the one shape of error that every reader of files reports.
//! It never follows a path that a file names.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use verwalter_core::plain::plain;

/// The most that an error keeps of a key path, in characters: deeper than people read.
const MAX_KEY: usize = 400;

/// What is wrong with one file of the configuration tree. Its writer is at fault; what was in force before stays so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub struct FileError {
    /// The file or directory.
    pub path: PathBuf,
    /// Where in it, where that is known.
    pub at: Option<Position>,
    /// The key path, as `limits.fuel` or `writes[0]`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// A place in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

impl FileError {
    /// An error about the file as a whole.
    pub fn new(path: &Path, message: impl Into<String>) -> FileError {
        FileError { path: path.to_owned(), at: None, key: String::new(), message: message.into() }
    }

    /// The system refused to read `path`.
    pub fn io(path: &Path, err: &io::Error) -> FileError {
        let message = match err.kind() {
            io::ErrorKind::NotFound => "does not exist (or is a symbolic link to nothing)".to_owned(),
            io::ErrorKind::PermissionDenied => "may not be read by this user: check its owner and mode".to_owned(),
            // ELOOP has no stable kind of its own.
            _ if err.raw_os_error() == Some(40) => "is a symbolic link that leads back to itself".to_owned(),
            _ => format!("cannot be read: {err}"),
        };
        FileError::new(path, message)
    }

    /// The same error about the value at `key`, of which the beginning is kept: a key may be as long as the file.
    pub fn at_key(mut self, key: impl Into<String>) -> FileError {
        self.key = key.into();
        if let Some((end, _)) = self.key.char_indices().nth(MAX_KEY) {
            self.key.truncate(end);
            self.key.push('…');
        }
        self
    }

    /// The same error with its place in the file, where that is known.
    pub fn at_position(mut self, at: Option<Position>) -> FileError {
        self.at = at;
        self
    }

    /// What it is about: the file, where in it, and the key path.
    pub fn place(&self) -> String {
        let mut place = plain(&self.path.display().to_string(), usize::MAX);
        if let Some(at) = self.at {
            place += &format!(":{}:{}", at.line, at.column);
        }
        if !self.key.is_empty() {
            place += &format!(": `{}`", plain(&self.key, MAX_KEY + 1));
        }
        place
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}

/// What has a name.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A regular file, open for reading, and what it is.
    Regular(File, Metadata),
    /// A directory.
    Directory,
    /// A pipe, a socket or a device.
    Other,
}

/// Opens what has the name `path`, and looks at what was opened, not at what the name led to before: a pipe that came between the two would
/// hold a thread until somebody writes to it.
pub(crate) fn open_regular(path: &Path) -> io::Result<Opened> {
    let file = match OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path) {
        Ok(file) => file,
        // Of a socket.
        Err(err) if err.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => return Ok(Opened::Other),
        Err(err) => return Err(err),
    };
    let meta = file.metadata()?;
    Ok(match meta.file_type() {
        kind if kind.is_file() => Opened::Regular(file, meta),
        kind if kind.is_dir() => Opened::Directory,
        _ => Opened::Other,
    })
}

/// Reads a regular file of at most `cap_bytes` bytes of UTF-8.
pub fn read_text(path: &Path, cap_bytes: u64) -> Result<String, FileError> {
    let file = match open_regular(path).map_err(|err| FileError::io(path, &err))? {
        Opened::Regular(file, _) => file,
        Opened::Directory => return Err(FileError::new(path, "is a directory where a file is expected: move it away")),
        Opened::Other => return Err(FileError::new(path, "is no regular file: move it away")),
    };
    let mut bytes = Vec::new();
    file.take(cap_bytes + 1).read_to_end(&mut bytes).map_err(|err| FileError::io(path, &err))?;
    if bytes.len() as u64 > cap_bytes {
        return Err(FileError::new(path, format!("is larger than {cap_bytes} bytes: make it smaller")));
    }
    String::from_utf8(bytes).map_err(|err| {
        let sound = String::from_utf8_lossy(&err.as_bytes()[..err.utf8_error().valid_up_to()]);
        FileError::new(path, "holds bytes that are no UTF-8: save it as UTF-8").at_position(Some(end_of(&sound)))
    })
}

/// The position after the last character of `text`.
fn end_of(text: &str) -> Position {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position { line: saturate(line as u64), column: saturate(column as u64) }
}

pub(crate) fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("f");
        std::fs::write(&path, bytes).expect("written");
        let got = match read_text(&path, 8) {
            Ok(text) => text,
            Err(err) => err.to_string().replace(&path.display().to_string(), "f"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn texts() {
        check(b"", "");
        check(b"12345678", "12345678");
        check(b"123456789", "f: is larger than 8 bytes: make it smaller");
        check(b"a\nb\xff", "f:2:2: holds bytes that are no UTF-8: save it as UTF-8");
    }

    fn refused(path: &Path, expect: &str) {
        let err = read_text(path, 8).expect_err("refused");
        assert_eq!((err.path.as_path(), err.message.as_str()), (path, expect));
    }

    #[test]
    fn what_is_no_file() {
        let dir = tempfile::tempdir().expect("temporary directory");
        refused(dir.path(), "is a directory where a file is expected: move it away");
        refused(&dir.path().join("none"), "does not exist (or is a symbolic link to nothing)");
        refused(Path::new("/dev/null"), "is no regular file: move it away");
        // To open one waits for its writer, unless it is done right.
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a pipe");
        assert!(matches!(open_regular(&pipe), Ok(Opened::Other)));
        refused(&pipe, "is no regular file: move it away");
        let socket = dir.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        refused(&socket, "is no regular file: move it away");
        let link = dir.path().join("loop");
        std::os::unix::fs::symlink(&link, &link).expect("linked");
        refused(&link, "is a symbolic link that leads back to itself");
    }

    #[test]
    fn keys_are_told_in_part() {
        let err = FileError::new(Path::new("f"), "is odd").at_key("é".repeat(100_000));
        assert_eq!(err.key.chars().count(), MAX_KEY + 1);
    }

    #[test]
    fn errors_say_file_line_and_key() {
        let err = FileError::new(Path::new("a.yaml"), "is odd").at_key("b.c").at_position(Some(Position { line: 3, column: 7 }));
        assert_eq!(err.to_string(), "a.yaml:3:7: `b.c`: is odd");
    }
}
