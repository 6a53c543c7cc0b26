//! What one change needs to be known by to be carried out, finished or undone after a crash: one entry of a role's journal. It holds no
//! handle, and never a path that leads up or out.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::staging::STAGING;

/// The version of entries that this program writes, and the only one that it reads.
const VERSION: u32 = 1;

/// One rename, below one root, that swaps something in.
///
/// Files are known by their inode. The device is left out on purpose: many file systems (btrfs, NFS, everything on the device mapper) have
/// another number after a reboot, and all of an entry lies below one root, which is opened anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Entry {
    pub(super) role: RoleName,
    pub(super) root: PathBuf,
    /// Below `root`: at least one component, all of them names.
    pub(super) below: PathBuf,
    /// Below the role's staging directory in `root`: likewise.
    pub(super) slot: PathBuf,
    pub(super) kind: EntryKind,
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum EntryKind {
    /// A directory that was missing comes into place.
    Directory {
        /// Of the staged directory.
        inode: u64,
    },
    /// A file comes where none was.
    Create {
        /// The staged file.
        file: FileId,
    },
    /// A file comes in place of another.
    Replace {
        /// The staged file.
        file: FileId,
        /// The inode of the other.
        former: u64,
        /// How many former versions stay beside it.
        backups: u8,
    },
    /// A file goes.
    Remove {
        /// The file that goes.
        file: FileId,
    },
}

/// A file's inode and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileId {
    pub(super) inode: u64,
    pub(super) len: u64,
    pub(super) digest: Digest,
}

impl Entry {
    /// Whose file it is.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// The root that everything of this entry lies below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place of the file or directory.
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.below)
    }

    /// Where it is staged; after the swap, where the former file is.
    pub fn staged(&self) -> PathBuf {
        self.root.join(STAGING).join(self.role.as_str()).join(&self.slot)
    }

    pub(super) fn parent(&self) -> &Path {
        self.below.parent().unwrap_or(Path::new(""))
    }
}

/// An entry as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u32,
    role: RoleName,
    root: PathBuf,
    below: PathBuf,
    slot: PathBuf,
    kind: EntryKind,
}

impl From<Entry> for Written {
    fn from(entry: Entry) -> Written {
        let Entry { role, root, below, slot, kind } = entry;
        Written { v: VERSION, role, root, below, slot, kind }
    }
}

impl TryFrom<Written> for Entry {
    type Error = String;
    fn try_from(written: Written) -> Result<Entry, String> {
        let Written { v, role, root, below, slot, kind } = written;
        if v != VERSION {
            return Err(format!("the entry has version {v} and this program reads {VERSION} only: undo it with the program that wrote it"));
        }
        for path in [&below, &slot] {
            if path.as_os_str().is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
                return Err(format!("`{}` is no path of plain names: the entry was not written by this program", path.display()));
            }
        }
        Ok(Entry { role, root, below, slot, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind) -> Entry {
        Entry { role: RoleName::new("web").expect("valid"), root: "/out".into(), below: "a/b".into(), slot: "0/b".into(), kind }
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let file = FileId { inode: u64::MAX, len: 3, digest: Digest::of(b"new") };
        for kind in [
            EntryKind::Directory { inode: 7 },
            EntryKind::Create { file },
            EntryKind::Replace { file, former: 8, backups: 2 },
            EntryKind::Remove { file },
        ] {
            let entry = entry(kind);
            let text = serde_json::to_string(&entry).expect("plain data");
            assert_eq!(serde_json::from_str::<Entry>(&text).expect(&text), entry);
        }
    }

    #[test]
    fn entries_of_others_are_refused() {
        let text = serde_json::to_string(&entry(EntryKind::Directory { inode: 7 })).expect("plain data");
        let check = |from: &str, to: &str, part: &str| {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let err = serde_json::from_str::<Entry>(&changed).expect_err(to).to_string();
            assert!(err.contains(part), "{to}: {err}");
        };
        check("\"v\":1", "\"v\":2", "version 2 and this program reads 1 only");
        check("a/b", "a/../../b", "no path of plain names");
        check("a/b", "/a/b", "no path of plain names");
        check("a/b", "", "no path of plain names");
        check("0/b", "../b", "no path of plain names");
        check("\"web\"", "\"../web\"", "role name");
        check("\"v\":1", "\"v\":1,\"more\":1", "unknown field");
    }

    #[test]
    fn paths() {
        let entry = entry(EntryKind::Directory { inode: 7 });
        assert_eq!(entry.path(), Path::new("/out/a/b"));
        assert_eq!(entry.staged(), Path::new("/out/.vw-staging/web/0/b"));
    }
}
