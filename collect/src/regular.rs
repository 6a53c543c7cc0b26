//! Opening files whose names an operator gave. It never waits for whoever would write into a pipe, and reads nothing.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The regular file at `path`, and what it is; `None` for anything else that has this name.
///
/// What was opened is looked at, not what the name led to before: a pipe that came between the two would hold a thread for ever.
pub(crate) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        // Of a socket.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_nothing_waits() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), "text").expect("written");
        let (_, metadata) = open(&path("file")).expect("opened").expect("a regular file");
        assert_eq!(metadata.len(), 4);
        mkfifoat(CWD, path("pipe"), Mode::RUSR | Mode::WUSR).expect("a pipe");
        let _listens = UnixListener::bind(path("socket")).expect("a socket");
        for other in [path("pipe"), path("socket"), dir.path().to_owned()] {
            assert!(open(&other).expect("looked at").is_none(), "{}", other.display());
        }
        assert_eq!(open(&path("none")).expect_err("not there").kind(), io::ErrorKind::NotFound);
    }
}
