//! What is to become of one file of a role. It looks at no file system.

use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;

/// One file of a role, to be written or to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where it goes: relative to the node's output directory, or absolute. Not checked yet.
    pub dest: String,
    /// The template that it is made from, relative to the template directory.
    pub template: String,
    /// What is to be done.
    pub kind: ChangeKind,
}

/// What is to be done with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is to have these bytes and this mode.
    Write(Write),
    /// It is to be gone, if its bytes are still those that this daemon wrote; otherwise it stays.
    Remove {
        /// Of the bytes that this daemon wrote.
        owned: Digest,
    },
}

/// How a file is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its permission bits, at most 0777; not subject to the umask.
    pub mode: u32,
    /// Its owner, by name or number. None keeps the former file's, where the daemon may.
    pub owner: Option<String>,
    /// Its group, by name or number. None keeps the former file's, where the daemon may.
    pub group: Option<String>,
    /// How many former versions stay beside it as `NAME.~N~`, the highest number being the newest.
    pub backups: u8,
}

/// What was found at the place of a change, and hence what is done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nothing was there: it is created.
    Create,
    /// It differs in bytes, mode, owner or group: it is replaced.
    Replace,
    /// It is as it should be: nothing is done.
    Unchanged,
    /// It has the bytes that this daemon wrote: it is removed.
    Remove,
    /// It was to be removed, and somebody edited it since, or this node does not let its place be written any more: it stays.
    Kept,
    /// It was to be removed and is gone already: nothing is done.
    Gone,
}
