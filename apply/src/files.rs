//! A role's files as a transaction: staged beside their places, swapped in by one rename each, and undone or finished from a list of
//! entries that the caller keeps in a journal.
//!
//! [`preview`] tells what [`stage`] would do. [`stage`] changes nothing that is in place. Between it and [`swap`] the caller writes the entries to a journal that outlives a power
//! failure; after it, [`finish`] once the journal says that the transaction is committed, else [`undo`]. All of these work from the entries
//! alone, so a process that starts after a crash can go on with any of them.
//!
//! ```text
//! ROOT/.vw-staging/ROLE/0/NAME    the new file before the swap, the former one after it; 1, 2, … for further files of one name
//! ROOT/.vw-staging/ROLE/d/0       a directory that is missing on the way to a file
//! ROOT/.vw-staging/ROLE/f0/NAME   the former file, where the file system cannot let two files change places
//! ROOT/.vw-staging/ROLE/swapping  the swap has begun, so that former files may be here
//! ROOT/.vw-staging/.gone-ROLE     what is being removed
//! ```
//!
//! Nothing here follows a symlink out of a root, or a symlink in the place of a file; nothing is decided by the text of a path once its
//! directory is open. A file with several names (hard links) is replaced under the role's name only: the others keep the former bytes.

mod accounts;
mod attributes;
mod backup;
mod change;
mod digest;
mod dir;
mod entry;
mod finish;
mod identify;
mod reach;
mod stage;
mod staged;
mod staging;
mod steps;
mod survey;
mod swap;
mod sync;
mod undo;
mod work;

use std::path::Path;

pub(crate) use self::accounts::{Accounts, numbers};
pub use self::change::{Change, ChangeKind, Fate, Write};
pub(crate) use self::digest::digest;
pub(crate) use self::dir::SEEN;
pub use self::entry::Entry;
pub use self::finish::finish;
pub use self::identify::{Identified, identify};
pub(crate) use self::stage::MAX_ROLE_FILES;
pub use self::stage::{preview, stage};
pub use self::staged::{Former, Staged, StagedFile};
pub(crate) use self::staging::STAGING;
pub use self::steps::{Direct, Step, Steps};
pub use self::swap::swap;
pub use self::undo::{Left, Undone, undo};
pub use self::work::{FileWork, InProcess};
use crate::Roots;

/// Removes every staging in the roots, and says how many roles' those were.
///
/// Call it at the start, after every transaction that a journal knows was finished or undone: former files that wait are lost with it.
pub fn sweep(roots: &Roots) -> std::io::Result<usize> {
    let mut removed = 0;
    for root in roots.writes.iter().chain([&roots.output]).filter(|root| root.is_dir()) {
        let root = dir::Dir::beneath(&dir::open_root(root)?, Path::new(""))?;
        removed += staging::remove_all(&root, &Direct)?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
