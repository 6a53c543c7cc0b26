//! What can go wrong with a role's transaction, and what stands then.

use std::error::Error;

use verwalter_core::names::RoleName;

use crate::error::ApplyError;
use crate::record::RecordError;

/// Why a role is not what the schedule wants.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Nothing was begun, or nothing of it reached a place.
    #[error("{}; nothing was changed", named(role, cause))]
    Untouched {
        /// Which.
        role: RoleName,
        /// What failed.
        #[source]
        cause: Box<Cause>,
    },
    /// It failed on the way and everything is as it was.
    #[error("{}; the former files are back{}", named(role, cause), if *.told { ", and the services were told so" } else { "" })]
    Undone {
        /// Which.
        role: RoleName,
        /// Whether there were services to be told that.
        told: bool,
        /// What failed.
        #[source]
        cause: Box<Cause>,
    },
    /// It failed on the way and not everything is as it was.
    #[error("{}; and {undone}", named(role, cause))]
    Stuck {
        /// Which.
        role: RoleName,
        /// What failed.
        cause: Box<Cause>,
        /// What else.
        #[source]
        undone: Box<NotUndone>,
    },
    /// What an earlier try left, of this run of the daemon or of the one before, is not undone yet.
    #[error("role {role}: an earlier try is still to be undone: {undone}")]
    Interrupted {
        /// Which.
        role: RoleName,
        /// Why not.
        #[source]
        undone: Box<NotUndone>,
    },
}

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A file.
    #[error(transparent)]
    Files(Box<ApplyError>),
    /// The check of a file that was to be written.
    #[error("{0}")]
    Check(String),
    /// A command.
    #[error("{0}")]
    Command(String),
    /// The role was not well in time.
    #[error("{0}")]
    Health(String),
    /// An operator's order that cannot be carried out.
    #[error("{0}")]
    Order(String),
    /// What is remembered of the role.
    #[error(transparent)]
    Record(RecordError),
}

/// What could not be put back.
#[derive(Debug, thiserror::Error)]
pub enum NotUndone {
    /// Files. It is tried again before anything else is done to the role.
    #[error("undoing it failed: {}", unnamed(.0))]
    Files(Box<ApplyError>),
    /// The record of it, so that it is done once more.
    #[error("the former files are back, but that could not be written down: {}; it is tried again", whole(.0))]
    Record(RecordError),
    /// The files are back, and the daemon ended before services were told. The next start does that before anything else.
    #[error("the former files are back, but the daemon ends before services could be told so ({0}): its next start tells them")]
    Ended(String),
    /// The files are back, and a service was not told.
    #[error("the former files are back, but a service could not be told so: {0}")]
    Services(String),
}

impl TransactionError {
    /// Whether what was asked for is refused as it stands, rather than that something failed: trying again would come to the same.
    pub fn is_refusal(&self) -> bool {
        let TransactionError::Untouched { cause, .. } = self else { return false };
        match &**cause {
            Cause::Order(_) => true,
            Cause::Files(error) => matches!(
                **error,
                ApplyError::Destination { .. }
                    | ApplyError::Outside { .. }
                    | ApplyError::LeadsOut { .. }
                    | ApplyError::Mounted { .. }
                    | ApplyError::Unadoptable { .. }
            ),
            _ => false,
        }
    }

    pub(super) fn untouched(role: &RoleName, cause: Cause) -> TransactionError {
        TransactionError::Untouched { role: role.clone(), cause: cause.into() }
    }
}

/// What failed, with its role and what the operating system said of it. An error about files names the role already.
fn named(role: &RoleName, cause: &Cause) -> String {
    match cause {
        Cause::Files(error) if error.to_string().starts_with("role ") => whole(cause),
        _ => format!("role {role}: {}", whole(cause)),
    }
}

/// The same of an error about files, without its role, which was named before.
fn unnamed(error: &ApplyError) -> String {
    let text = whole(error);
    match text.split_once(": ") {
        Some((named, rest)) if named.starts_with("role ") => rest.to_owned(),
        _ => text,
    }
}

/// An error with what is behind it: what a person is told to do is not always to the point, and what the system said then is.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" ({error})"));
        source = error.source();
    }
    text
}
