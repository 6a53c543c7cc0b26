//! What came of deploying, for those who show it. It decides nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

/// What came of one role.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleOutcome {
    /// Its files are as the schedule wants them.
    Rendered {
        /// Files that got new bytes the last time it was rendered.
        written: Vec<PathBuf>,
        /// Files that had them already.
        unchanged: usize,
        /// When it was rendered last.
        at: UnixMillis,
    },
    /// It could not be rendered or written; its files are what they were.
    Failed {
        /// What happened and what to do about it.
        message: String,
        /// How many times in a row.
        attempts: u32,
    },
    /// This node does not take it; its files are what they were.
    Refused {
        /// Why not.
        message: String,
    },
}

/// What came of a schedule on this node.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployReport {
    /// Which schedule.
    pub digest: Digest,
    /// How many files were written for it, or for the change since.
    pub written: usize,
    /// Every role, by name.
    pub roles: BTreeMap<RoleName, RoleOutcome>,
    /// Why it is not known which roles are this node's: the query plugin that is to choose them failed.
    pub unchosen: Option<String>,
}
