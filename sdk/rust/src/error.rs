//! What can go wrong between a plugin and the contract. It never holds more of a foreign text than its beginning.

use verwalter_core::names::NameError;

use crate::args::ArgsError;

/// Why an input could not be read or an answer not be built. The host shows its text; the schedule in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host sent something that is no document of version 1.
    #[error("the input document: {0}")]
    Document(String),
    /// A part of the document is not of the type that the author asked for. Whoever wrote that part is at fault.
    #[error("`{key}` of the input document: {source}")]
    Part {
        /// The document's key.
        key: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A column that the plugin cannot do without.
    #[error("no column `{0}`: declare it under `metrics` in the plugin's manifest")]
    NoColumn(String),
    /// A column with more or fewer values than there are peers.
    #[error("column `{name}` has {values} values for {peers} peers")]
    ColumnLength {
        /// The column.
        name: String,
        /// How many values it has.
        values: usize,
        /// How many peers there are.
        peers: usize,
    },
    /// A placement on a peer that is not in the input.
    #[error("role `{role}`: there is no peer {peer}, the input has {peers}")]
    NoPeer {
        /// The role that was placed.
        role: String,
        /// The position that was asked for.
        peer: usize,
        /// How many peers there are.
        peers: usize,
    },
    /// A variable that the contract keeps for itself.
    #[error("the variable `{0}` is the contract's own: use the method that sets it")]
    Reserved(String),
    /// A variable that was set twice on one placement.
    #[error("the variable `{0}` is set twice on one placement")]
    Twice(String),
    /// A value that does not survive JSON.
    #[error("the value of `{key}`: {source}")]
    Value {
        /// The variable.
        key: String,
        /// Why not.
        source: crate::json::WriteError,
    },
    /// A name that the contract does not allow.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Arguments that do not fit a filter. The template is at fault.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The author's own error.
    #[error("{0}")]
    Own(String),
}

impl Error {
    /// An error of the author's own.
    pub fn own(text: impl Into<String>) -> Error {
        Error::Own(text.into())
    }
}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error::Own(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Error {
        Error::Own(text.to_owned())
    }
}
