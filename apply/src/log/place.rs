//! Directories and files below the log directory: found, opened and named. Every name is one component, and no symlink is followed at it, so that
//! nothing outside is ever read or written. It knows nothing of what files hold.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, fchmod, mkdirat, openat};
use rustix::io::Errno;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::stamp;

/// The symlink to the newest file of a directory.
pub(super) const LATEST: &str = "latest";
/// What `latest` is called until it is renamed.
const NEXT: &str = ".latest.next";
/// Daemon and its group: what commands print may be of a delicate kind, masked or not.
const FILE_MODE: Mode = Mode::from_bits_truncate(0o640);
/// Likewise.
const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o750);
/// Most files of one directory that are looked at, the newest: with ten a minute a year has five million, but pruning keeps a hundred.
const MAX_NAMES: usize = 1 << 16;

/// A sequence of files, each begun when the one before was full or its day over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// All events, a file a day.
    Index,
    /// Text of deployments.
    Global,
    /// What schedules changed.
    Changes,
    /// Text of a role.
    Role(RoleName),
}

impl Stream {
    /// Its directory's name.
    pub(super) fn directory(&self) -> &str {
        match self {
            Stream::Index => ".index",
            Stream::Global => ".global",
            Stream::Changes => ".changes",
            Stream::Role(role) => role.as_str(),
        }
    }

    /// The name of the file of a segment: for the index, a day.
    pub(super) fn file(&self, segment: &str) -> String {
        let (before, after) = self.around();
        format!("{before}{segment}{after}")
    }

    /// Which segment a file is, if any.
    pub(super) fn segment<'a>(&self, file: &'a str) -> Option<&'a str> {
        let (before, after) = self.around();
        let segment = file.strip_prefix(before)?.strip_suffix(after)?;
        is_segment(segment).then_some(segment)
    }

    fn around(&self) -> (&'static str, &'static str) {
        if *self == Stream::Index { ("index.", ".json") } else { ("log.", ".txt") }
    }

    /// Its segments, oldest first.
    pub(super) fn segments(&self, dir: &Dir) -> io::Result<BTreeSet<String>> {
        let mut segments = BTreeSet::new();
        for entry in dir.entries()? {
            let name = entry?.file_name();
            if let Some(segment) = name.to_str().and_then(|name| self.segment(name)) {
                segments.insert(segment.to_owned());
            }
            if segments.len() > MAX_NAMES {
                segments.pop_first();
            }
        }
        Ok(segments)
    }
}

/// Whether it is a day or second as the log names files.
pub(super) fn is_segment(segment: &str) -> bool {
    stamp::parse(segment).is_some()
}

/// When a segment was begun.
pub(super) fn begun(segment: &str) -> UnixMillis {
    stamp::parse(segment).unwrap_or_default()
}

/// The log directory, created closed to others where it is absent.
pub(super) fn open_root(path: &Path) -> io::Result<Dir> {
    if !path.is_dir() {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE.bits()).create(path)?;
    }
    Dir::open_ambient_dir(path, ambient_authority())
}

/// The directory `name` in `root`; created where it is absent.
pub(super) fn make_directory(root: &Dir, name: &str) -> io::Result<Dir> {
    match open_directory(root, name) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    match mkdirat(root, name, DIRECTORY_MODE) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let dir = open_directory(root, name)?;
    // Whatever the umask: the group reads logs.
    fchmod(&dir, DIRECTORY_MODE)?;
    Ok(dir)
}

/// The directory `name` in `root`, which must be one itself.
pub(super) fn open_directory(root: &Dir, name: &str) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Dir::from_std_file(File::from(openat(root, name, flags, Mode::empty())?)))
}

/// The file `name` in `dir` for appending; created where it is absent.
pub(super) fn append(dir: &Dir, name: &str) -> io::Result<File> {
    // Readable, so that the last byte can be looked at; not to wait should it be a pipe.
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(dir, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            let file = openat(dir, name, flags | OFlags::CREATE, FILE_MODE)?;
            fchmod(&file, FILE_MODE)?;
            file
        }
        other => other?,
    };
    regular(File::from(file))
}

/// The file `name` in `dir` for reading.
pub(super) fn open(dir: &Dir, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    regular(File::from(openat(dir, name, flags, Mode::empty())?))
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is no regular file: move it away"))
}

/// The error with the name of the file that has it.
pub(super) fn named(name: &str, err: &io::Error) -> io::Error {
    io::Error::new(err.kind(), format!("{name}: {err}"))
}

/// Makes `latest` name this file, in one step.
pub(super) fn point_latest(dir: &Dir, name: &str) -> io::Result<()> {
    if dir.read_link_contents(LATEST).is_ok_and(|target| target == Path::new(name)) {
        return Ok(());
    }
    match dir.remove_file(NEXT) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    dir.symlink_contents(name, NEXT)?;
    dir.rename(NEXT, dir, LATEST)
}

/// Removes a directory that holds nothing but what this module made.
pub(super) fn remove_directory(root: &Dir, name: &str, dir: &Dir) -> io::Result<()> {
    for link in [LATEST, NEXT] {
        match dir.remove_file(link) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
    }
    root.remove_dir(name)
}
