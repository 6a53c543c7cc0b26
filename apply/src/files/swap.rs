//! Puts staged files in place, one rename each. It never decides whether a file may be there, and puts nothing back: that is `undo`'s.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::digest::digest;
use super::dir::Dir;
use super::entry::{Entry, EntryKind, FileId};
use super::reach::{Reach, name};
use super::steps::Steps;
use crate::error::failure;
use crate::{Applied, ApplyError};

/// Directories of slots have numbers for names. With this in front it is the directory for former files, where the file system
/// cannot let two files change places.
const FORMER: &str = "f";

/// Swaps in what is staged, in the order of the entries, and syncs what it touched.
///
/// The entries must be in a journal that outlives a power failure before. On an error some of them may be in place:
/// [`undo`](super::undo()) puts back what was there.
pub fn swap(entries: &[Entry], steps: &dyn Steps) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    let mut reach = Reach::default();
    for entry in entries {
        // Touched first: an error may come after the rename.
        let swapped = one(entry, &mut reach, steps);
        reach.touch(entry);
        match (swapped, &entry.kind) {
            (Ok(()), EntryKind::Directory { .. }) => {}
            (Ok(()), EntryKind::Remove { .. }) => applied.removed.push(entry.path()),
            (Ok(()), _) => applied.written.push(entry.path()),
            (Err(Trouble::Changed), _) => return Err(ApplyError::Changed { role: entry.role.clone(), path: entry.path() }),
            (Err(Trouble::Io(err)), _) => return Err(failure(&entry.role, entry.root(), &entry.below, err)),
        }
    }
    reach.sync(steps)?;
    Ok(applied)
}

enum Trouble {
    /// Something else is in the place than was at the check.
    Changed,
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(err: io::Error) -> Trouble {
        match Errno::from_io_error(&err) {
            Some(Errno::EXIST | Errno::STALE) => Trouble::Changed,
            _ => Trouble::Io(err),
        }
    }
}

fn one<'e>(entry: &'e Entry, reach: &mut Reach<'e>, steps: &dyn Steps) -> Result<(), Trouble> {
    reach.mark(entry, steps)?;
    let slot = reach.slot(entry)?.ok_or_else(lost)?;
    let parent = reach.parent(entry)?;
    let (from, to) = (name(&entry.slot), name(&entry.below));
    match &entry.kind {
        EntryKind::Directory { .. } => match slot.move_new(steps, from, &parent, to) {
            // Somebody else made it: as good.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists && parent.look_at(to)?.is_some_and(|look| look.is_directory()) => Ok(()),
            moved => Ok(moved?),
        },
        EntryKind::Create { file } => {
            check_staged(&slot, from, file)?;
            Ok(slot.move_new(steps, from, &parent, to)?)
        }
        EntryKind::Replace { file, former, .. } => {
            check_staged(&slot, from, file)?;
            match parent.exchange(steps, to, &slot, from) {
                Ok(true) => {}
                Ok(false) => return replace_by_link(entry, reach, &slot, &parent, *former, steps),
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Err(Trouble::Changed),
                Err(err) => return Err(err.into()),
            }
            if inode(&slot, from)? == Some(*former) {
                return Ok(());
            }
            parent.exchange(steps, to, &slot, from)?;
            Err(Trouble::Changed)
        }
        EntryKind::Remove { file } => {
            match parent.move_new(steps, to, &slot, from) {
                // Gone by itself.
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
                moved => moved?,
            }
            if is_file(&slot, from, file)? {
                return Ok(());
            }
            slot.move_new(steps, from, &parent, to)?;
            Err(Trouble::Changed)
        }
    }
}

/// The other way to replace a file: the former one gets a second name in the staging before the new one takes its place.
fn replace_by_link<'e>(
    entry: &'e Entry,
    reach: &mut Reach<'e>,
    slot: &Dir,
    parent: &Dir,
    former: u64,
    steps: &dyn Steps,
) -> Result<(), Trouble> {
    let (from, to) = (name(&entry.slot), name(&entry.below));
    let staging = reach.staging(entry)?.ok_or(Trouble::Changed)?;
    let directory = former_directory(&entry.slot);
    staging.make(steps, &directory)?;
    let formers = staging.open(&directory)?;
    parent.link(steps, to, &formers, from)?;
    if inode(&formers, from)? != Some(former) {
        return Err(Trouble::Changed);
    }
    // It must not be lost when the power fails after the next rename.
    formers.sync(steps)?;
    staging.sync(steps)?;
    Ok(slot.move_over(steps, from, parent, to)?)
}

/// Where the former file of a slot is when it could not change places with the new one.
pub(super) fn former_directory(slot: &Path) -> PathBuf {
    PathBuf::from(format!("{FORMER}{}", slot.parent().unwrap_or(Path::new("")).display()))
}

/// Whoever owns the root may have put another staging there.
fn check_staged(slot: &Dir, name: &Path, file: &FileId) -> io::Result<()> {
    if inode(slot, name)? == Some(file.inode) { Ok(()) } else { Err(lost()) }
}

fn lost() -> io::Error {
    io::Error::other("what was staged for it is gone: the next attempt stages it again")
}

fn inode(dir: &Dir, name: &Path) -> io::Result<Option<u64>> {
    Ok(dir.look_at(name)?.filter(|look| look.is_file()).map(|look| look.inode))
}

/// Whether it is this very file, with these bytes.
pub(super) fn is_file(dir: &Dir, name: &Path, file: &FileId) -> io::Result<bool> {
    match dir.look_at(name)? {
        Some(look) if look.is_file() && look.inode == file.inode => has_bytes(dir, name, look.inode, file),
        _ => Ok(false),
    }
}

/// Whether the file with this inode has these bytes.
pub(super) fn has_bytes(dir: &Dir, name: &Path, inode: u64, file: &FileId) -> io::Result<bool> {
    let held = dir.open_file(name, inode).and_then(|held| digest(held.take(file.len.saturating_add(1))));
    match held {
        Ok(held) => Ok(held == (file.digest, file.len)),
        // Replaced in this moment.
        Err(err) if Errno::from_io_error(&err) == Some(Errno::STALE) => Ok(false),
        Err(err) => Err(err),
    }
}
