//! What can be wrong with putting a role's files in place, each with what to do about it. It decides nothing.

use std::io;
use std::path::PathBuf;

use verwalter_core::names::RoleName;

/// Why a role's files were not put in place. Unless it is [`ApplyError::NotRestored`], they are what they were before.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The template's author is at fault: this is no place for a file.
    #[error("role {role}: the destination `{}` {reason}", .dest.escape_debug())]
    Destination {
        /// Whose file.
        role: RoleName,
        /// As it was rendered.
        dest: String,
        /// What is wrong with it and what to do.
        reason: &'static str,
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
    /// Something that is no regular file has the file's place.
    #[error("role {role}: {} is {what}, not a file: move it away", .path.display())]
    Occupied {
        /// Whose file.
        role: RoleName,
        /// The place.
        path: PathBuf,
        /// What is there.
        what: &'static str,
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
    /// The file that is in place is too large to be kept for putting it back.
    #[error(
        "role {role}: {} has {len_bytes} bytes, and more than {limit_bytes} could not be put back after a failure: move it away",
        .path.display()
    )]
    TooLarge {
        /// Whose file.
        role: RoleName,
        /// The place.
        path: PathBuf,
        /// How large the present file is.
        len_bytes: u64,
        /// How large it may be.
        limit_bytes: u64,
    },
    /// A root of the sandbox cannot be used.
    #[error("role {role}: the directory {} cannot be opened: create it, or remove it from `writes` in the sandbox file", .path.display())]
    Root {
        /// Whose files.
        role: RoleName,
        /// The root.
        path: PathBuf,
        /// Why.
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
        source: io::Error,
    },
    /// A file could not be written and an earlier one could not be put back: the role is half written.
    #[error(
        "role {role}: {} cannot be written ({}), and {} could not be put back: mend the file system, then the next round writes all",
        .path.display(), advice(.source), list(.left)
    )]
    NotRestored {
        /// Whose files.
        role: RoleName,
        /// The file that failed.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
        /// The files that are neither surely old nor surely new.
        left: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What a person does about an error of the file system. The error itself is the source and is told beside it.
fn advice(err: &io::Error) -> &'static str {
    use io::ErrorKind as K;
    match err.kind() {
        K::StorageFull => "the disk is full, make room",
        K::QuotaExceeded => "the disk quota is used up, raise it or make room",
        K::FileTooLarge => "the file is larger than the process may write, raise its file size limit",
        K::ReadOnlyFilesystem => "the file system is read-only, remount it or choose another destination",
        K::PermissionDenied => "the daemon's user may not write there, change the owner or the mode of the directory",
        K::NotADirectory => "a part of its path is a file where a directory is needed, move that file away",
        K::IsADirectory => "a directory has its place, move it away",
        K::NotFound => "its directory vanished meanwhile, the next attempt creates it",
        K::InvalidFilename => "a part of its path is too long for the file system, shorten it",
        _ => "see the system's error",
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

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
        check(Errno::NOTDIR, "a part of its path is a file where a directory is needed, move that file away");
        check(Errno::ISDIR, "a directory has its place, move it away");
        check(Errno::NAMETOOLONG, "a part of its path is too long for the file system, shorten it");
        check(Errno::IO, "see the system's error");
    }
}
