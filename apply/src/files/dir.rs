//! A directory below a root, held open, and what is done to single names in it. A name is never followed when it is a symlink, and never
//! has more than one component: nothing here leads out of the directory.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir as Root;
use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, RenameFlags, StatxFlags};
use rustix::io::Errno;

use super::steps::{Step, Steps};

/// The bits of `st_mode` that are a file's mode.
const MODE_BITS: u32 = 0o7777;

/// How a file is opened that was seen to be a regular one. Should something else have taken its place since: not to be led elsewhere, not to
/// wait for the writer of a pipe.
pub(crate) const SEEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir(OwnedFd);

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) inode: u64,
    pub(super) file_type: FileType,
    /// Its permission bits.
    pub(super) mode: u32,
    pub(super) len: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// What it is mounted by; equal on a kernel that does not tell.
    pub(super) mount: Mount,
}

/// Tells mounts, and volumes within one mount, apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mount {
    id: u64,
    device: (u32, u32),
}

/// A directory, whatever path leads to it.
pub(super) type DirectoryId = (u64, (u32, u32));

impl Mount {
    /// Whether a file of `other` can be moved here. For anything but directories only the mount is telling: some
    /// file systems give files devices of their own.
    pub(super) fn is_same(self, other: Mount, file_type: FileType) -> bool {
        self.id == other.id && (file_type != FileType::Directory || self.device == other.device)
    }
}

impl Look {
    fn of(stat: &sys::Statx) -> Look {
        let told = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
        let mode = u32::from(stat.stx_mode);
        Look {
            inode: stat.stx_ino,
            file_type: FileType::from_raw_mode(mode),
            mode: mode & MODE_BITS,
            len: stat.stx_size,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            mount: Mount { id: if told { stat.stx_mnt_id } else { 0 }, device: (stat.stx_dev_major, stat.stx_dev_minor) },
        }
    }

    /// Which directory it is.
    pub(super) fn id(&self) -> DirectoryId {
        (self.inode, self.mount.device)
    }

    pub(super) fn is_file(&self) -> bool {
        self.file_type == FileType::RegularFile
    }

    pub(super) fn is_directory(&self) -> bool {
        self.file_type == FileType::Directory
    }
}

const LOOK: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::MNT_ID);

/// Opens a root itself. It may be a symlink: the operator named it.
pub(super) fn open_root(path: &Path) -> io::Result<Root> {
    Root::open_ambient_dir(path, ambient_authority())
}

impl Dir {
    /// Opens `below` beneath `root`; the root itself for an empty path. Symlinks that stay beneath are followed.
    pub(super) fn beneath(root: &Root, below: &Path) -> io::Result<Dir> {
        let dir = if below.as_os_str().is_empty() { root.try_clone()? } else { root.open_dir(below)? };
        Ok(Dir(dir.into_std_file().into()))
    }

    /// Opens a directory in this one, which must be no symlink.
    pub(super) fn open(&self, name: &Path) -> io::Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Dir(sys::openat(&self.0, single(name)?, flags, Mode::empty())?))
    }

    /// The directory itself.
    pub(super) fn look(&self) -> io::Result<Look> {
        Ok(Look::of(&sys::statx(&self.0, "", AtFlags::EMPTY_PATH, LOOK)?))
    }

    /// What has the name, if anything has.
    pub(super) fn look_at(&self, name: &Path) -> io::Result<Option<Look>> {
        match sys::statx(&self.0, single(name)?, AtFlags::SYMLINK_NOFOLLOW, LOOK) {
            Ok(stat) => Ok(Some(Look::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether names may be added here.
    pub(super) fn check_writable(&self) -> io::Result<()> {
        Ok(sys::accessat(&self.0, ".", sys::Access::WRITE_OK | sys::Access::EXEC_OK, AtFlags::EACCESS)?)
    }

    /// Opens a regular file to be read; the inode must be this one.
    pub(super) fn open_file(&self, name: &Path, inode: u64) -> io::Result<File> {
        let file = sys::openat(&self.0, single(name)?, OFlags::RDONLY | SEEN, Mode::empty())?;
        let look = Look::of(&sys::statx(&file, "", AtFlags::EMPTY_PATH, LOOK)?);
        if !look.is_file() || look.inode != inode {
            return Err(Errno::STALE.into());
        }
        Ok(File::from(file))
    }

    /// All bytes of a regular file, or None when there are more than `limit`.
    pub(super) fn read(&self, name: &Path, inode: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.open_file(name, inode)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }

    /// The names in it that `wanted` wants.
    pub(super) fn names(&self, wanted: impl Fn(&OsStr) -> bool) -> io::Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        for entry in sys::Dir::new(self.reopen()?)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." && wanted(name) {
                names.push(PathBuf::from(name));
            }
        }
        Ok(names)
    }

    /// Makes a directory that only this user may enter; one that is there already is left.
    pub(super) fn make(&self, steps: &dyn Steps, name: &Path) -> io::Result<()> {
        steps.before(Step::MakeDirectory)?;
        match sys::mkdirat(&self.0, single(name)?, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Creates a file that only this user may read, until it gets its mode: the bytes may be a secret.
    pub(super) fn create(&self, steps: &dyn Steps, name: &Path) -> io::Result<File> {
        steps.before(Step::Write)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(sys::openat(&self.0, single(name)?, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Sets the mode of a directory that this process made here.
    pub(super) fn set_own_mode(&self, mode: u32) -> io::Result<()> {
        Ok(sys::fchmod(self.reopen()?, Mode::from_raw_mode(mode))?)
    }

    /// Lets a file here and one in `other` change places. False where the file system cannot.
    pub(super) fn exchange(&self, steps: &dyn Steps, name: &Path, other: &Dir, other_name: &Path) -> io::Result<bool> {
        let exchanged = steps.before(Step::Exchange).and_then(|()| {
            let names = (single(name)?, single(other_name)?);
            Ok(sys::renameat_with(&self.0, names.0, &other.0, names.1, RenameFlags::EXCHANGE)?)
        });
        capable(exchanged)
    }

    /// Moves a file or directory to a place that must be free. Where the file system cannot do that in one step, a file has both
    /// names in between.
    pub(super) fn move_new(&self, steps: &dyn Steps, name: &Path, to: &Dir, to_name: &Path) -> io::Result<()> {
        let moved = steps.before(Step::MoveNew).and_then(|()| {
            let names = (single(name)?, single(to_name)?);
            Ok(sys::renameat_with(&self.0, names.0, &to.0, names.1, RenameFlags::NOREPLACE)?)
        });
        if capable(moved)? {
            return Ok(());
        }
        if self.look_at(name)?.is_some_and(|look| look.is_directory()) {
            // A directory has no second name; a plain rename takes the place of nothing but an empty directory.
            if to.look_at(to_name)?.is_some() {
                return Err(Errno::EXIST.into());
            }
            return self.move_over(steps, name, to, to_name);
        }
        self.link(steps, name, to, to_name)?;
        self.remove_file(steps, name)
    }

    /// Moves a file over what is in the other place.
    pub(super) fn move_over(&self, steps: &dyn Steps, name: &Path, to: &Dir, to_name: &Path) -> io::Result<()> {
        steps.before(Step::Move)?;
        Ok(sys::renameat(&self.0, single(name)?, &to.0, single(to_name)?)?)
    }

    /// Gives a file here a second name there, which must be free.
    pub(super) fn link(&self, steps: &dyn Steps, name: &Path, to: &Dir, to_name: &Path) -> io::Result<()> {
        steps.before(Step::Link)?;
        // Without AT_SYMLINK_FOLLOW a symlink itself would get the name.
        Ok(sys::linkat(&self.0, single(name)?, &to.0, single(to_name)?, AtFlags::empty())?)
    }

    /// Removes the name of a file.
    pub(super) fn remove_file(&self, steps: &dyn Steps, name: &Path) -> io::Result<()> {
        steps.before(Step::Remove)?;
        Ok(sys::unlinkat(&self.0, single(name)?, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(super) fn remove_directory(&self, steps: &dyn Steps, name: &Path) -> io::Result<()> {
        steps.before(Step::Remove)?;
        Ok(sys::unlinkat(&self.0, single(name)?, AtFlags::REMOVEDIR)?)
    }

    /// Makes the names in it outlive a power failure.
    pub(super) fn sync(&self, steps: &dyn Steps) -> io::Result<()> {
        steps.before(Step::Sync)?;
        Ok(sys::fsync(self.reopen()?)?)
    }

    /// Makes everything of its file system outlive a power failure.
    pub(super) fn sync_file_system(&self, steps: &dyn Steps) -> io::Result<()> {
        steps.before(Step::Sync)?;
        Ok(sys::syncfs(self.reopen()?)?)
    }

    /// The directory as a handle that can be synced and asked for attributes; the one at hand may be O_PATH.
    pub(super) fn reopen(&self) -> io::Result<OwnedFd> {
        Ok(sys::openat(&self.0, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }
}

/// False for what a file system says that cannot do a kind of rename.
fn capable(renamed: io::Result<()>) -> io::Result<bool> {
    match renamed {
        Ok(()) => Ok(true),
        Err(err) if matches!(Errno::from_io_error(&err), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => Ok(false),
        Err(err) => Err(err),
    }
}

/// `name`, if it is one name and nothing else.
fn single(name: &Path) -> io::Result<&Path> {
    let mut parts = name.components();
    match (parts.next(), parts.next()) {
        (Some(std::path::Component::Normal(part)), None) if part == name.as_os_str() => Ok(name),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a single name")),
    }
}
