//! What can be wrong with putting a role's files in place, each with what to do about it. It decides nothing.

mod os;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use verwalter_core::names::RoleName;

use crate::confine::ChildError;
use crate::{Format, FormatError};

/// Why a role's files were not put in place. Unless it says otherwise, they are what they were before.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum ApplyError {
    /// The template's author is at fault: this is no place for a file.
    #[error("role {role}: the destination `{}` {reason}", .dest.escape_debug())]
    Destination {
        /// Whose file.
        role: RoleName,
        /// As it was rendered.
        dest: String,
        /// What is wrong with it and what to do.
        reason: Cow<'static, str>,
    },
    /// The operator's sandbox does not let files be written there.
    #[error(
        "role {role}: {} lies outside of what this node lets be written: use a relative destination, \
         or list a directory above it under `writes` in a sandbox file",
        .path.display()
    )]
    Outside {
        /// Whose file.
        role: RoleName,
        /// Where it should have gone.
        path: PathBuf,
    },
    /// A symlink on the way leads out of the root that the destination lies below.
    #[error(
        "role {role}: {} leads through a symlink out of {}: replace the symlink, or list its target under `writes` in a sandbox file",
        .path.display(), .root.display()
    )]
    LeadsOut {
        /// Whose file.
        role: RoleName,
        /// Where it should have gone.
        path: PathBuf,
        /// What it must stay below.
        root: PathBuf,
    },
    /// The template's author is at fault, or who set its variables: the file would not have the syntax that its render file says.
    #[error("role {role}: template {template}: its output for {} is not valid {format}: {error}", .dest.escape_debug())]
    Format {
        /// Whose file.
        role: RoleName,
        /// The template that it was made from, relative to the template directory.
        template: String,
        /// The beginning of its destination.
        dest: String,
        /// What it should be.
        format: Format,
        /// Where it is not, and why.
        error: FormatError,
    },
    /// Something that is no regular file has the file's place.
    #[error("role {role}: {} is {what}, not a file: move it away", .path.display())]
    Occupied {
        /// Whose file.
        role: RoleName,
        /// The place.
        path: PathBuf,
        /// What is there.
        what: Cow<'static, str>,
    },
    /// A file cannot become the role's as it is.
    #[error("role {role}: {} cannot be adopted: {reason}", .path.display())]
    Unadoptable {
        /// Whose it was to be.
        role: RoleName,
        /// Which file.
        path: PathBuf,
        /// Why not, and what to do.
        reason: Cow<'static, str>,
    },
    /// Two files of the role want one place, or one wants a directory where the other is.
    #[error("role {role}: {} and {} cannot both be written: change one destination", .first.display(), .second.display())]
    Clash {
        /// Whose files.
        role: RoleName,
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The role's files are more than may be applied at once.
    #[error("role {role}: its files are too much for one node: {what}, at most {limit} are applied: split the role")]
    TooLarge {
        /// Whose files.
        role: RoleName,
        /// How much it is, with the unit.
        what: String,
        /// How much it may be, in the same unit.
        limit: u64,
    },
    /// Another file system is mounted on the way: no file can be moved there in one step.
    #[error(
        "role {role}: {} is on another file system than {}: list it under `writes` in a sandbox file, so that files are staged on it",
        .path.display(), .root.display()
    )]
    Mounted {
        /// Whose file.
        role: RoleName,
        /// The directory on the other file system.
        path: PathBuf,
        /// The root that it lies below.
        root: PathBuf,
    },
    /// The file cannot be given its owner or group.
    #[error("role {role}: {} cannot get its owner and group: {reason}", .path.display())]
    Owner {
        /// Whose file.
        role: RoleName,
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: Cow<'static, str>,
    },
    /// Former files still wait below the root, from a swap that was neither finished nor undone.
    #[error(
        "role {role}: an earlier change of its files below {} is neither finished nor undone: restart the daemon, which undoes it first",
        .root.display()
    )]
    Pending {
        /// Whose files.
        role: RoleName,
        /// The root.
        root: PathBuf,
    },
    /// Somebody changed the place between the check and the swap.
    #[error("role {role}: {} was changed by somebody else meanwhile: the next attempt takes it as it is then", .path.display())]
    Changed {
        /// Whose file.
        role: RoleName,
        /// The file or directory.
        path: PathBuf,
    },
    /// A pattern of files to be removed cannot be used.
    #[error("role {role}: {origin}: `!CleanFiles`: {reason}")]
    Cleanup {
        /// Whose.
        role: RoleName,
        /// Render file and line.
        origin: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A root of the sandbox cannot be used.
    #[error("role {role}: the directory {} cannot be opened: create it, or remove it from `writes` in the sandbox file", .path.display())]
    Root {
        /// Whose files.
        role: RoleName,
        /// The root.
        path: PathBuf,
        /// Why.
        #[serde(with = "os")]
        source: io::Error,
    },
    /// The operating system refuses. Nothing of the role was changed, or it was put back.
    #[error("role {role}: {} cannot be written: {}", .path.display(), advice(.source))]
    Io {
        /// Whose file.
        role: RoleName,
        /// The file, or the directory on the way to it.
        path: PathBuf,
        /// What it said.
        #[serde(with = "os")]
        source: io::Error,
    },
    /// The process that works on files is gone or does not answer. What it swapped in is undone by the next, from the journal.
    #[error(transparent)]
    #[serde(skip)]
    Child(#[from] ChildError),
    /// Files could not be put back: the role is half old, half new, and what is missing waits in the staging directory.
    #[error(
        "role {role}: {} cannot be put back: {}; not restored are {}: once that is mended, the next attempt restores them",
        .path.display(), advice(.source), list(.left)
    )]
    NotRestored {
        /// Whose files.
        role: RoleName,
        /// The first file that failed.
        path: PathBuf,
        /// Why it failed.
        #[serde(with = "os")]
        source: io::Error,
        /// The files that are neither surely old nor surely new.
        left: Vec<PathBuf>,
    },
}

/// An error of the file system at `below` the root, told apart from the refusal of a symlink that leads out.
pub(crate) fn failure(role: &RoleName, root: &Path, below: &Path, source: io::Error) -> ApplyError {
    // Joined with nothing, it would end in a slash.
    let (role, path) = (role.clone(), if below.as_os_str().is_empty() { root.to_owned() } else { root.join(below) });
    // What the sandboxed file system refuses has no error number of the operating system.
    if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
        return ApplyError::LeadsOut { role, path, root: root.to_owned() };
    }
    ApplyError::Io { role, path, source }
}

fn list(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 5;
    let shown = paths.iter().take(SHOWN).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN { format!("{shown} and {} more", paths.len() - SHOWN) } else { shown }
}

/// What a person does about an error of the file system. The error itself is the source and is told beside it.
fn advice(err: &io::Error) -> &'static str {
    use io::ErrorKind as K;
    match err.kind() {
        // Other than EACCES, it is nothing that owner and mode are about.
        K::PermissionDenied if err.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
            "the system does not permit it, look whether the file or its directory is immutable (`lsattr -d`)"
        }
        K::StorageFull => "the disk is full, make room",
        K::QuotaExceeded => "the disk quota is used up, raise it or make room",
        K::FileTooLarge => "the file is larger than the process may write, raise its file size limit",
        K::ReadOnlyFilesystem => "the file system is read-only, remount it or choose another destination",
        K::PermissionDenied => "the daemon's user may not write there, change the owner or the mode of the directory",
        K::NotADirectory => "a part of its path is a file where a directory is needed, move that file away",
        K::IsADirectory => "a directory has its place, move it away",
        K::NotFound => "its directory vanished meanwhile, the next attempt creates it",
        K::StaleNetworkFileHandle => "somebody else put something in its place, the next attempt takes it as it is then",
        K::AlreadyExists => "something has its place, remove it",
        K::CrossesDevices => "it lies on another file system than its root, list its directory under `writes` in a sandbox file",
        K::InvalidFilename => "a part of its path is too long for the file system, shorten it",
        _ => "see the system's error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_role_file_and_remedy() {
        let check = |errno: Errno, expect: &str| {
            let role = RoleName::new("web").expect("valid");
            let err = ApplyError::Io { role, path: "/out/a".into(), source: errno.into() };
            assert_eq!(err.to_string(), format!("role web: /out/a cannot be written: {expect}"));
        };
        check(Errno::NOSPC, "the disk is full, make room");
        check(Errno::DQUOT, "the disk quota is used up, raise it or make room");
        check(Errno::FBIG, "the file is larger than the process may write, raise its file size limit");
        check(Errno::ROFS, "the file system is read-only, remount it or choose another destination");
        check(Errno::ACCESS, "the daemon's user may not write there, change the owner or the mode of the directory");
        check(Errno::PERM, "the system does not permit it, look whether the file or its directory is immutable (`lsattr -d`)");
        check(Errno::NOTDIR, "a part of its path is a file where a directory is needed, move that file away");
        check(Errno::ISDIR, "a directory has its place, move it away");
        check(Errno::NAMETOOLONG, "a part of its path is too long for the file system, shorten it");
        check(Errno::XDEV, "it lies on another file system than its root, list its directory under `writes` in a sandbox file");
        check(Errno::IO, "see the system's error");
    }

    #[test]
    fn an_error_is_read_back_as_it_was_written() {
        let role = RoleName::new("web").expect("valid");
        let errors = [
            ApplyError::Io { role: role.clone(), path: "/out/a".into(), source: Errno::NOSPC.into() },
            ApplyError::Io { role: role.clone(), path: "/out/a".into(), source: io::Error::other("odd") },
            ApplyError::Occupied { role: role.clone(), path: "/out/a".into(), what: "a symlink".into() },
            ApplyError::NotRestored { role, path: "/a".into(), source: Errno::ROFS.into(), left: vec!["/a".into(); 7] },
        ];
        for err in errors {
            let text = serde_json::to_string(&err).expect("plain data");
            let read: ApplyError = serde_json::from_str(&text).expect(&text);
            assert_eq!(format!("{read}"), format!("{err}"));
            let source = |err: &ApplyError| std::error::Error::source(err).map(ToString::to_string);
            assert_eq!(source(&read), source(&err));
        }
    }
}
