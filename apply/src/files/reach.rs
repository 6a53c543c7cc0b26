//! The two directories that an entry is about, opened beneath its root: the one of its place and the one where it is staged. It keeps those
//! of the newest entry only, since a role may have more directories than a process may have files open.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cap_std::fs::Dir as Root;

use super::dir::{Dir, open_root};
use super::entry::Entry;
use super::staging;
use super::steps::Steps;
use crate::ApplyError;
use crate::error::failure;

/// From so many touched directories on in one root, its whole file system is synced at once.
const SYNC_ALL_DIRECTORIES: usize = 16;

/// Opens the directories of entries.
#[derive(Default)]
pub(super) struct Reach<'e> {
    /// None for one that is gone.
    roots: BTreeMap<&'e Path, Option<Opened<'e>>>,
}

struct Opened<'e> {
    root: Root,
    entry: &'e Entry,
    /// The role's staging directory. None when there is none.
    staging: Option<Dir>,
    /// Whether the staging says that its swap has begun.
    marked: bool,
    parent: Option<(&'e Path, Rc<Dir>)>,
    slot: Option<(&'e Path, Option<Rc<Dir>>)>,
    touched: BTreeSet<&'e Path>,
    slots_touched: BTreeSet<&'e Path>,
}

impl<'e> Reach<'e> {
    fn root(&mut self, entry: &'e Entry) -> io::Result<Option<&mut Opened<'e>>> {
        if !self.roots.contains_key(entry.root()) {
            let opened = match open_root(entry.root()) {
                Ok(root) => {
                    let staging = staging::open(&Dir::beneath(&root, Path::new(""))?, &entry.role)?;
                    let (touched, slots_touched) = (BTreeSet::new(), BTreeSet::new());
                    Some(Opened { root, entry, staging, marked: false, parent: None, slot: None, touched, slots_touched })
                }
                Err(err) if is_absent(&err) => None,
                Err(err) => return Err(err),
            };
            self.roots.insert(entry.root(), opened);
        }
        Ok(self.roots.get_mut(entry.root()).expect("it was inserted above").as_mut())
    }

    /// Whether the entry's root is there. Without it nothing is: neither its place nor what was staged for it.
    pub(super) fn has_root(&mut self, entry: &'e Entry) -> io::Result<bool> {
        Ok(self.root(entry)?.is_some())
    }

    /// The directory of the entry's place.
    pub(super) fn parent(&mut self, entry: &'e Entry) -> io::Result<Rc<Dir>> {
        let opened = self.root(entry)?.ok_or(io::ErrorKind::NotFound)?;
        match &opened.parent {
            Some((path, dir)) if *path == entry.parent() => Ok(Rc::clone(dir)),
            _ => {
                let dir = Rc::new(Dir::beneath(&opened.root, entry.parent())?);
                opened.parent = Some((entry.parent(), Rc::clone(&dir)));
                Ok(dir)
            }
        }
    }

    /// The directory where the entry is staged. None when it is gone.
    pub(super) fn slot(&mut self, entry: &'e Entry) -> io::Result<Option<Rc<Dir>>> {
        let Some(opened) = self.root(entry)? else { return Ok(None) };
        let path = entry.slot.parent().unwrap_or(Path::new(""));
        match &opened.slot {
            Some((last, dir)) if *last == path => Ok(dir.clone()),
            _ => {
                let dir = match opened.staging.as_ref().map(|staging| staging.open(path)) {
                    None => None,
                    Some(Ok(dir)) => Some(Rc::new(dir)),
                    Some(Err(err)) if err.kind() == io::ErrorKind::NotFound => None,
                    Some(Err(err)) => return Err(err),
                };
                opened.slot = Some((path, dir.clone()));
                Ok(dir)
            }
        }
    }

    /// The role's staging directory itself. None when it is gone.
    pub(super) fn staging(&mut self, entry: &'e Entry) -> io::Result<Option<&Dir>> {
        Ok(self.root(entry)?.and_then(|opened| opened.staging.as_ref()))
    }

    /// Lets the staging say that its swap has begun, before the first file is swapped.
    pub(super) fn mark(&mut self, entry: &'e Entry, steps: &dyn Steps) -> io::Result<()> {
        let Some(opened) = self.root(entry)? else { return Ok(()) };
        if let Some(staging) = opened.staging.as_ref().filter(|_| !opened.marked) {
            match staging.create(steps, Path::new(staging::SWAPPING)) {
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
                created => drop(created?),
            }
            opened.marked = true;
        }
        Ok(())
    }

    /// Remembers that both directories of the entry have to be synced.
    pub(super) fn touch(&mut self, entry: &'e Entry) {
        if let Some(Some(opened)) = self.roots.get_mut(entry.root()) {
            opened.touched.insert(entry.parent());
            opened.slots_touched.insert(entry.slot.parent().unwrap_or(Path::new("")));
        }
    }

    /// Makes everything that was touched outlive a power failure: every directory once, or the file system where there are many.
    pub(super) fn sync(&mut self, steps: &dyn Steps) -> Result<(), ApplyError> {
        for (root, opened) in &mut self.roots {
            let Some(opened) = opened else { continue };
            opened.sync(steps).map_err(|(below, err)| failure(&opened.entry.role, root, &below, err))?;
            opened.touched.clear();
            opened.slots_touched.clear();
        }
        Ok(())
    }

    /// Removes the staging of every root that was opened.
    pub(super) fn end(self, steps: &dyn Steps) -> Result<(), ApplyError> {
        for (path, opened) in self.roots {
            let Some(opened) = opened else { continue };
            let removed = Dir::beneath(&opened.root, Path::new("")).and_then(|root| staging::remove(&root, &opened.entry.role, steps));
            removed.map_err(|err| failure(&opened.entry.role, path, Path::new(super::STAGING), err))?;
        }
        Ok(())
    }
}

impl Opened<'_> {
    fn sync(&self, steps: &dyn Steps) -> Result<(), (PathBuf, io::Error)> {
        if self.touched.len() + self.slots_touched.len() > SYNC_ALL_DIRECTORIES {
            let root = Dir::beneath(&self.root, Path::new(""));
            return root.and_then(|root| root.sync_file_system(steps)).map_err(|err| (PathBuf::new(), err));
        }
        for path in &self.touched {
            match Dir::beneath(&self.root, path).and_then(|dir| dir.sync(steps)) {
                // Removed again since, by an undo.
                Err(err) if is_absent(&err) => {}
                other => other.map_err(|err| ((*path).to_owned(), err))?,
            }
        }
        for path in &self.slots_touched {
            let Some(staging) = &self.staging else { continue };
            match staging.open(path).and_then(|dir| dir.sync(steps)) {
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(|err| (Path::new(super::STAGING).to_owned(), err))?,
            }
        }
        Ok(())
    }
}

/// Whether a directory is not there, or something on the way to it is none.
pub(super) fn is_absent(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> &Path {
    path.file_name().map_or(Path::new(""), Path::new)
}
