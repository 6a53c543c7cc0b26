//! Ends a transaction that is committed: former files become backups or go, and the staging with them. What was swapped in stays.

use super::backup;
use super::entry::{Entry, EntryKind};
use super::reach::{Reach, name};
use super::steps::Steps;
use super::swap::former_directory;
use crate::ApplyError;
use crate::error::failure;

/// Keeps the backups that were asked for and removes the staging. May be called again after any crash, and then does what is left to do. Where a
/// root is gone by now, nothing is.
///
/// The journal must say that the transaction is committed before: afterwards nothing can be undone.
pub fn finish(entries: &[Entry], steps: &dyn Steps) -> Result<(), ApplyError> {
    let mut reach = Reach::default();
    for entry in entries {
        let failed = |err| failure(&entry.role, entry.root(), &entry.below, err);
        let EntryKind::Replace { file, backups, .. } = &entry.kind else {
            // Opened all the same, so that its staging is removed.
            reach.slot(entry).map_err(failed)?;
            continue;
        };
        let slot = reach.slot(entry).map_err(failed)?;
        if *backups == 0 {
            continue;
        }
        let mut former = None;
        if let Some(slot) = slot
            && slot.look_at(name(&entry.slot)).map_err(failed)?.is_some_and(|look| look.is_file() && look.inode != file.inode)
        {
            former = Some(slot);
        } else if let Some(staging) = reach.staging(entry).map_err(failed)?
            && let Ok(dir) = staging.open(&former_directory(&entry.slot))
            && dir.look_at(name(&entry.slot)).map_err(failed)?.is_some()
        {
            former = Some(dir.into());
        }
        let Some(former) = former else { continue };
        let parent = reach.parent(entry).map_err(failed)?;
        let at = name(&entry.below);
        backup::keep(&former, name(&entry.slot), &parent, at, steps).map_err(failed)?;
        reach.touch(entry);
        backup::prune(&parent, at, usize::from(*backups), steps).map_err(failed)?;
    }
    reach.sync(steps)?;
    reach.end(steps)
}
