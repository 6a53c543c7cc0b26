//! Puts back what was in place before a swap, from its entries alone: after a failure, or at the next start after a crash. What somebody
//! changed since is left as it is.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::backup;
use super::dir::{Dir, Look};
use super::entry::{Entry, EntryKind, FileId};
use super::reach::{Reach, is_absent, name};
use super::steps::Steps;
use super::swap::{former_directory, has_bytes};
use crate::ApplyError;

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undone {
    /// The places that are as they were before, and were not.
    pub restored: Vec<PathBuf>,
    /// The places that somebody changed since the swap. They were left as they are.
    pub left: Vec<Left>,
    /// The places whose root is gone, and with it the former file that was to come back.
    pub lost: Vec<PathBuf>,
}

/// A place that was not restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The place.
    pub path: PathBuf,
    /// Where the former file is now, if it still exists.
    pub former: Option<PathBuf>,
}

/// Undoes what of the entries was swapped in, newest first, and removes the staging. May be called again after any crash, and then does
/// what is left to do. Where a root is gone there is nothing left to do: what was to come back is gone with it.
///
/// On an error ([`ApplyError::NotRestored`]) the staging stays, and with it the former files: call it again once the cause is mended.
pub fn undo(entries: &[Entry], steps: &dyn Steps) -> Result<Undone, ApplyError> {
    let mut undone = Undone::default();
    let mut reach = Reach::default();
    let mut failed: Vec<(&Entry, io::Error)> = Vec::new();
    for entry in entries.iter().rev() {
        let outcome = one(entry, &mut reach, steps);
        reach.touch(entry);
        match outcome {
            Ok(Outcome::Untouched) => {}
            Ok(Outcome::Restored) => undone.restored.push(entry.path()),
            Ok(Outcome::Left { former }) => undone.left.push(Left { path: entry.path(), former }),
            Ok(Outcome::Lost) => undone.lost.push(entry.path()),
            Err(err) => failed.push((entry, err)),
        }
    }
    if failed.is_empty() {
        reach.sync(steps)?;
        reach.end(steps)?;
        return Ok(undone);
    }
    let left = failed.iter().map(|(entry, _)| entry.path()).collect();
    let (entry, source) = failed.swap_remove(0);
    Err(ApplyError::NotRestored { role: entry.role.clone(), path: entry.path(), source, left })
}

enum Outcome {
    /// It was as before already.
    Untouched,
    Restored,
    Left {
        former: Option<PathBuf>,
    },
    /// Nothing is there to be put back, nor anywhere to put it.
    Lost,
}

fn one<'e>(entry: &'e Entry, reach: &mut Reach<'e>, steps: &dyn Steps) -> io::Result<Outcome> {
    if !reach.has_root(entry)? {
        let had = matches!(entry.kind, EntryKind::Replace { .. } | EntryKind::Remove { .. });
        return Ok(if had { Outcome::Lost } else { Outcome::Untouched });
    }
    let parent = match reach.parent(entry) {
        Ok(parent) => parent,
        // Its directory was to be made by the swap and was not, or is gone with all that was in it.
        Err(err) if is_absent(&err) => {
            let former = Former::find(entry, reach)?;
            return Ok(if former.is_some() { Outcome::Left { former: None } } else { Outcome::Untouched });
        }
        Err(err) => return Err(err),
    };
    let at = name(&entry.below);
    match &entry.kind {
        EntryKind::Directory { inode } => {
            let ours = parent.look_at(at)?.is_some_and(|look| look.is_directory() && look.inode == *inode);
            match if ours { parent.remove_directory(steps, at) } else { Ok(()) } {
                // Somebody uses it by now: an empty directory harms nobody, and this one is not empty.
                Err(err) if matches!(Errno::from_io_error(&err), Some(Errno::NOTEMPTY | Errno::EXIST)) => Ok(Outcome::Untouched),
                Err(err) => Err(err),
                Ok(()) => Ok(if ours { Outcome::Restored } else { Outcome::Untouched }),
            }
        }
        EntryKind::Create { file } => create(entry, file, &parent, reach, steps),
        EntryKind::Replace { file, former, .. } => replace(entry, file, *former, &parent, reach, steps),
        EntryKind::Remove { .. } => {
            let Some(former) = Former::find(entry, reach)? else { return Ok(Outcome::Untouched) };
            put_back(entry, &former, &parent, steps)
        }
    }
}

/// Takes a file away that came where none was.
fn create<'e>(entry: &'e Entry, file: &FileId, parent: &Dir, reach: &mut Reach<'e>, steps: &dyn Steps) -> io::Result<Outcome> {
    let at = name(&entry.below);
    let Some(live) = parent.look_at(at)? else { return Ok(Outcome::Untouched) };
    let slot = reach.slot(entry)?;
    let waits = staged_waits(entry, file, slot.as_deref())?;
    if !live.is_file() || live.inode != file.inode {
        // It never came, or it came and somebody replaced it. Without a staging this was undone before.
        let untouched = waits || slot.is_none();
        return Ok(if untouched { Outcome::Untouched } else { Outcome::Left { former: None } });
    }
    if !has_bytes(parent, at, live.inode, file)? {
        return Ok(Outcome::Left { former: None });
    }
    let Some(slot) = slot.filter(|_| !waits) else {
        // It has both names, as happens where a file system cannot move it in one step; or there is nowhere to move it to.
        parent.remove_file(steps, at)?;
        return Ok(Outcome::Restored);
    };
    // Moved rather than removed: should somebody have replaced it in this moment, that file must not be lost.
    let aside = name(&entry.slot);
    parent.move_new(steps, at, &slot, aside)?;
    if slot.look_at(aside)?.is_some_and(|moved| moved.inode == live.inode) {
        return Ok(Outcome::Restored);
    }
    slot.move_new(steps, aside, parent, at)?;
    Ok(Outcome::Left { former: None })
}

/// Puts a file back that was replaced.
fn replace<'e>(
    entry: &'e Entry,
    file: &FileId,
    former: u64,
    parent: &Dir,
    reach: &mut Reach<'e>,
    steps: &dyn Steps,
) -> io::Result<Outcome> {
    let at = name(&entry.below);
    let live = parent.look_at(at)?;
    if live.is_some_and(|live| live.inode == former) {
        return Ok(Outcome::Untouched);
    }
    let slot = reach.slot(entry)?;
    if staged_waits(entry, file, slot.as_deref())? {
        return Ok(Outcome::Untouched);
    }
    let waiting = Former::find(entry, reach)?;
    let ours = match live.filter(|live| live.is_file()) {
        Some(live) => has_bytes(parent, at, live.inode, file)?,
        None => false,
    };
    match (live, waiting) {
        // Without a staging this was undone before, or the staging was taken away by somebody.
        (_, None) => Ok(if ours { Outcome::Left { former: None } } else { Outcome::Untouched }),
        (Some(live), Some(waiting)) if ours => {
            if waiting.exchanged && parent.exchange(steps, at, &waiting.dir, &waiting.name)? {
                // Should somebody have replaced it in this moment, that file must not be lost.
                if waiting.dir.look_at(&waiting.name)?.is_some_and(|moved| moved.inode == live.inode) {
                    return Ok(Outcome::Restored);
                }
                parent.exchange(steps, at, &waiting.dir, &waiting.name)?;
                return keep_aside(entry, &waiting, parent, steps);
            }
            waiting.dir.move_over(steps, &waiting.name, parent, at)?;
            Ok(Outcome::Restored)
        }
        (_, Some(waiting)) => put_back(entry, &waiting, parent, steps),
    }
}

/// Whether the staged file is still in its slot.
fn staged_waits(entry: &Entry, file: &FileId, slot: Option<&Dir>) -> io::Result<bool> {
    let Some(slot) = slot else { return Ok(false) };
    Ok(slot.look_at(name(&entry.slot))?.is_some_and(|look| look.inode == file.inode))
}

/// A former file that waits in the staging.
struct Former {
    dir: Rc<Dir>,
    name: PathBuf,
    /// It changed places with the new one, and did not get a second name.
    exchanged: bool,
}

impl Former {
    fn find<'e>(entry: &'e Entry, reach: &mut Reach<'e>) -> io::Result<Option<Former>> {
        let name = name(&entry.slot).to_owned();
        let staged = match &entry.kind {
            EntryKind::Directory { .. } | EntryKind::Create { .. } => return Ok(None),
            EntryKind::Replace { file, .. } => Some(file.inode),
            EntryKind::Remove { .. } => None,
        };
        if let Some(dir) = reach.slot(entry)?
            && dir.look_at(&name)?.is_some_and(|look| Some(look.inode) != staged)
        {
            return Ok(Some(Former { dir, name, exchanged: true }));
        }
        let Some(staging) = reach.staging(entry)? else { return Ok(None) };
        let dir = match staging.open(&former_directory(&entry.slot)) {
            Ok(dir) => Rc::new(dir),
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err),
        };
        let waits = dir.look_at(&name)?.is_some();
        Ok(waits.then_some(Former { dir, name, exchanged: false }))
    }
}

/// Moves a former file to its place if that is free; otherwise the file that somebody put there stays, and the former beside it.
fn put_back(entry: &Entry, former: &Former, parent: &Dir, steps: &dyn Steps) -> io::Result<Outcome> {
    match former.dir.move_new(steps, &former.name, parent, name(&entry.below)) {
        Ok(()) => Ok(Outcome::Restored),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let inode = |look: Option<Look>| look.map(|look| look.inode);
            // It has both names, as happens where a file system cannot move it in one step.
            if inode(parent.look_at(name(&entry.below))?) == inode(former.dir.look_at(&former.name)?) {
                return Ok(Outcome::Untouched);
            }
            keep_aside(entry, former, parent, steps)
        }
        Err(err) => Err(err),
    }
}

fn keep_aside(entry: &Entry, former: &Former, parent: &Dir, steps: &dyn Steps) -> io::Result<Outcome> {
    let kept = backup::keep(&former.dir, &former.name, parent, name(&entry.below), steps)?;
    let directory = entry.below.parent().unwrap_or(Path::new(""));
    Ok(Outcome::Left { former: Some(entry.root.join(directory).join(kept)) })
}
