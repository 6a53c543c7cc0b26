//! What a node says of its roles, read leniently: a node of another version may say more, or less.

use serde::Deserialize;

/// All roles.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Roles {
    #[serde(default)]
    pub(super) roles: Vec<Summary>,
}

/// A role in the list of all.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) files: u64,
    #[serde(default)]
    pub(super) adopted: u64,
}

/// One role with its files.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) files: Vec<File>,
}

/// What both say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) name: String,
    pub(super) since: Option<u64>,
    pub(super) schedule: Option<String>,
    pub(super) template: Option<String>,
    pub(super) deployment: Option<String>,
    pub(super) attempt: Option<u64>,
    pub(super) pending: Option<Pending>,
    pub(super) error: Option<String>,
}

/// What was begun and is neither committed nor undone.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pending {
    pub(super) since: Option<u64>,
    pub(super) schedule: Option<String>,
    pub(super) attempt: Option<u64>,
}

/// A file of a role.
#[derive(Debug, Default, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub(super) path: String,
    #[serde(default)]
    pub(super) adopted: bool,
}
