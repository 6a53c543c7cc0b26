//! Replaces one file below a directory handle so that a reader, a crash or a full disk only ever meets the old bytes or the new ones.
//!
//! It never follows a symlink out of the handle, never replaces anything but a regular file, and never leaves a temporary file
//! behind, short of a crash: those are called `.vw-<16 hexadecimal digits>.tmp`, and [`sweep`] removes them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use rustix::fs::OFlags;

use crate::files::{Direct, Step, Steps};

const TEMP_PREFIX: &str = ".vw-";
const TEMP_SUFFIX: &str = ".tmp";
/// Names of 64 random bits clash only if something makes them on purpose; after this many it is no accident.
const TEMP_ATTEMPTS: usize = 16;
/// The bits of `st_mode` that are a file's mode.
const MODE_BITS: u32 = 0o7777;

/// What [`replace`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file has the new bytes and mode, and so has the disk.
    Written,
    /// Bytes and mode were already these: nothing was touched, neither inode nor times.
    Unchanged,
}

/// Gives the file at `path` below `dir` these bytes and this mode (permission bits, not subject to the umask).
///
/// Its directory must exist. On an error the file is what it was, with one exception: when only the last step, the fsync of the
/// directory, failed, it is the new one and may not outlive a power failure.
pub fn replace(dir: &Dir, path: &Path, bytes: &[u8], mode: u32) -> io::Result<Outcome> {
    replace_with(dir, path, bytes, mode, &Direct)
}

/// [`replace`], with a hook before every step.
pub(crate) fn replace_with(dir: &Dir, path: &Path, bytes: &[u8], mode: u32, steps: &dyn Steps) -> io::Result<Outcome> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name"))?;
    let name = Path::new(name);
    let parent = open_parent(dir, path)?;
    match parent.symlink_metadata(name) {
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(meta) if !meta.is_file() => return Err(io::Error::other("it is neither a file nor absent: remove it first")),
        Ok(meta) if holds(&parent, name, &meta, bytes, mode)? => return Ok(Outcome::Unchanged),
        Ok(_) => {}
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(err),
    }
    steps.before(Step::Write)?;
    let (temp, file) = create_temp(&parent)?;
    let filled = steps.before(Step::Write).and_then(|()| fill(file, bytes, mode));
    let swapped = filled.and_then(|()| steps.before(Step::Move)).and_then(|()| parent.rename(&temp, &parent, name));
    if let Err(err) = swapped {
        // The first failure is the one to report; a temporary file that cannot be removed either is left to `sweep`.
        let _ = parent.remove_file(&temp);
        return Err(err);
    }
    steps.before(Step::Sync)?;
    sync_dir(&parent)?;
    Ok(Outcome::Written)
}

/// Removes what crashed writers left in the directory at `path` below `dir` (not in those below it) and says how many files that was.
///
/// Call it before the first write: a temporary file of a writer that still runs looks the same.
pub fn sweep(dir: &Dir, path: &Path) -> io::Result<usize> {
    let dir = if path.as_os_str().is_empty() { dir.try_clone()? } else { dir.open_dir(path)? };
    let mut removed = 0;
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_temp_name) && entry.file_type()?.is_file() {
            dir.remove_file(&name)?;
            removed += 1;
        }
    }
    if removed > 0 {
        sync_dir(&dir)?;
    }
    Ok(removed)
}

/// Whether `name` is one that this module gives to temporary files.
pub fn is_temp_name(name: &str) -> bool {
    let digits = name.strip_prefix(TEMP_PREFIX).and_then(|rest| rest.strip_suffix(TEMP_SUFFIX));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Makes the names in `dir` outlive a power failure.
pub fn sync_dir(dir: &Dir) -> io::Result<()> {
    // The handle itself may be O_PATH, which cannot be synced.
    dir.open(".")?.sync_all()
}

fn open_parent(dir: &Dir, path: &Path) -> io::Result<Dir> {
    match path.parent() {
        Some(parent) if parent.components().any(|part| part != Component::CurDir) => dir.open_dir(parent),
        _ => dir.try_clone(),
    }
}

fn holds(parent: &Dir, name: &Path, meta: &Metadata, bytes: &[u8], mode: u32) -> io::Result<bool> {
    if meta.len() != bytes.len() as u64 || meta.mode() & MODE_BITS != mode & MODE_BITS {
        return Ok(false);
    }
    let mut options = OpenOptions::new();
    // Should something else have taken the file's place since: not to be led elsewhere, not to wait for the writer of a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    options.read(true).custom_flags(i32::try_from(flags).expect("open flags are an int of the C interface"));
    let file = match parent.open_with(name, &options) {
        Ok(file) => file,
        // A file that may be replaced but not read: replace it.
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => return Ok(false),
        Err(err) => return Err(err),
    };
    let mut rest = bytes;
    let mut file = file.take(bytes.len() as u64 + 1);
    let mut chunk = [0; 16 * 1024];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(rest.is_empty());
        }
        let Some(tail) = rest.strip_prefix(&chunk[..count]) else {
            return Ok(false);
        };
        rest = tail;
    }
}

fn create_temp(parent: &Dir) -> io::Result<(String, File)> {
    let mut options = OpenOptions::new();
    // Closed to others until its mode is set: the bytes may be a secret.
    options.write(true).create_new(true).mode(0o600);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..TEMP_ATTEMPTS {
        // Keys from the operating system's random numbers: enough against clashes, and no crate for it.
        let name = format!("{TEMP_PREFIX}{:016x}{TEMP_SUFFIX}", RandomState::new().build_hasher().finish());
        match parent.open_with(&name, &options) {
            Ok(file) => return Ok((name, file)),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => last = err,
            Err(err) => return Err(err),
        }
    }
    Err(last)
}

fn fill(mut file: File, bytes: &[u8], mode: u32) -> io::Result<()> {
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(mode & MODE_BITS))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use cap_std::ambient_authority;

    use super::*;

    fn dir() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).expect("it opens");
        (temp, dir)
    }

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(path).expect("read").map(|e| e.expect("entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn writes_then_leaves_equal_bytes_alone() {
        let (temp, dir) = dir();
        fs::create_dir(temp.path().join("sub")).expect("mkdir");
        let path = Path::new("sub/a");
        let file = temp.path().join("sub/a");
        assert_eq!(replace(&dir, path, b"one", 0o640).expect("written"), Outcome::Written);
        let first = fs::metadata(&file).expect("there");
        assert_eq!(first.permissions().mode() & 0o7777, 0o640);
        assert_eq!(replace(&dir, path, b"one", 0o640).expect("same"), Outcome::Unchanged);
        assert_eq!(fs::metadata(&file).expect("there").ino(), first.ino());
        assert_eq!(replace(&dir, path, b"one", 0o600).expect("other mode"), Outcome::Written);
        assert_eq!(replace(&dir, path, b"two", 0o600).expect("other bytes of one length"), Outcome::Written);
        assert_eq!(replace(&dir, path, b"", 0o600).expect("empty"), Outcome::Written);
        assert_eq!(fs::read(&file).expect("there"), b"");
        assert_eq!(names(&temp.path().join("sub")), ["a"], "no temporary file is left");
    }

    #[test]
    fn long_files_are_compared_to_the_end() {
        let (_temp, dir) = dir();
        let mut bytes = vec![7; 100_000];
        replace(&dir, Path::new("a"), &bytes, 0o600).expect("written");
        bytes[99_999] = 8;
        assert_eq!(replace(&dir, Path::new("a"), &bytes, 0o600).expect("written"), Outcome::Written);
        assert_eq!(replace(&dir, Path::new("a"), &bytes, 0o600).expect("same"), Outcome::Unchanged);
    }

    #[test]
    fn refuses_what_is_no_file_and_leaves_no_trace() {
        let (temp, dir) = dir();
        fs::create_dir(temp.path().join("d")).expect("mkdir");
        fs::write(temp.path().join("target"), "old").expect("write");
        symlink("target", temp.path().join("link")).expect("symlink");
        symlink("/", temp.path().join("out")).expect("symlink");
        let check = |path: &str, kind| assert_eq!(replace(&dir, Path::new(path), b"x", 0o600).expect_err(path).kind(), kind, "{path}");
        check("d", io::ErrorKind::IsADirectory);
        check("link", io::ErrorKind::Other);
        check("out/a", io::ErrorKind::PermissionDenied);
        check("../a", io::ErrorKind::PermissionDenied);
        check("..", io::ErrorKind::InvalidInput);
        check("absent/a", io::ErrorKind::NotFound);
        check("target/a", io::ErrorKind::NotADirectory);
        assert_eq!(fs::read(temp.path().join("target")).expect("there"), b"old");
        assert_eq!(names(temp.path()), ["d", "link", "out", "target"]);
    }

    #[test]
    fn a_failed_swap_removes_its_temporary_file() {
        let (temp, dir) = dir();
        let name = "n".repeat(256);
        // The stat of such a name already fails, so the swap is driven directly.
        let (temp_name, file) = create_temp(&dir).expect("created");
        assert!(is_temp_name(&temp_name));
        drop(file);
        assert_eq!(sweep(&dir, Path::new("")).expect("swept"), 1);
        assert!(replace(&dir, Path::new(&name), b"x", 0o600).is_err());
        assert_eq!(names(temp.path()), [""; 0]);
    }

    #[test]
    fn sweeps_only_its_own_names() {
        let (temp, dir) = dir();
        for name in [".vw-0123456789abcdef.tmp", ".vw-0123.tmp", ".vw-0123456789abcdef", "a.tmp"] {
            fs::write(temp.path().join(name), "").expect("write");
        }
        fs::create_dir(temp.path().join(".vw-0123456789abcdee.tmp")).expect("mkdir");
        assert_eq!(sweep(&dir, Path::new("")).expect("swept"), 1);
        assert_eq!(names(temp.path()), [".vw-0123.tmp", ".vw-0123456789abcdee.tmp", ".vw-0123456789abcdef", "a.tmp"]);
    }
}
