//! Owner, group, mode and extended attributes of a staged file. Only the staged file is changed, never the one in place.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{self as sys, Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::dir::Look;

/// The label of SELinux.
const SELINUX: &str = "security.selinux";
/// Attributes of users begin with it.
const USER: &str = "user.";
/// The kernel's limit for the list of names, and for one value.
const MAX_XATTR_BYTES: usize = 64 << 10;
/// A file has no more than these many bytes of attributes copied: more than file systems keep beside a file.
const MAX_COPIED_BYTES: usize = 1 << 20;

/// The owner and group that a file must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Owners {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

impl Owners {
    /// Whether the file has them already.
    pub(super) fn fit(self, look: &Look) -> bool {
        self.uid.is_none_or(|uid| uid == look.uid) && self.gid.is_none_or(|gid| gid == look.gid)
    }

    /// Gives them to a staged file; what is not asked for is as `former` has it, where that is permitted.
    pub(super) fn give(self, file: &File, former: Option<&Look>) -> io::Result<()> {
        if let Some(former) = former {
            // One by one: a member of the group may give the file to it, and only root to the owner.
            let kept = [(self.uid.is_none().then_some(former.uid), None), (None, self.gid.is_none().then_some(former.gid))];
            for (uid, gid) in kept {
                match chown(file, uid, gid) {
                    // Not permitted, or unknown in this user namespace.
                    Err(err) if matches!(Errno::from_io_error(&err), Some(Errno::PERM | Errno::INVAL)) => {}
                    other => other?,
                }
            }
        }
        chown(file, self.uid, self.gid)
    }
}

fn chown(file: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    Ok(sys::fchown(file, uid.map(Uid::from_raw), gid.map(Gid::from_raw))?)
}

/// Sets the mode. Comes after the owners: changing those takes bits of it away.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(sys::fchmod(file, Mode::from_raw_mode(mode & 0o7777))?)
}

/// Copies the SELinux label and the users' attributes of the former file. What the file system cannot keep, or this user may not
/// set, is left out.
pub(super) fn copy(from: impl AsFd, to: &File) -> io::Result<()> {
    let mut names = vec![0; MAX_XATTR_BYTES];
    let Some(len) = possible(sys::flistxattr(&from, &mut names[..]))? else { return Ok(()) };
    let mut copied = 0;
    for name in names[..len].split(|b| *b == 0).filter_map(|name| std::str::from_utf8(name).ok()) {
        if (name == SELINUX || name.starts_with(USER)) && copied < MAX_COPIED_BYTES {
            copied += copy_one(&from, to, name)?;
        }
    }
    Ok(())
}

/// Gives a new file the SELinux label of its directory, as it would have if it had been made there.
pub(super) fn inherit(dir: impl AsFd, to: &File) -> io::Result<()> {
    copy_one(dir, to, SELINUX).map(|_| ())
}

fn copy_one(from: impl AsFd, to: &File, name: &str) -> io::Result<usize> {
    let mut value = vec![0; MAX_XATTR_BYTES];
    let Some(len) = possible(sys::fgetxattr(&from, name, &mut value[..]))? else { return Ok(0) };
    possible(sys::fsetxattr(to, name, &value[..len], XattrFlags::empty()))?;
    Ok(len)
}

fn possible<T>(done: Result<T, Errno>) -> io::Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(Errno::OPNOTSUPP | Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::RANGE | Errno::TOOBIG) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
