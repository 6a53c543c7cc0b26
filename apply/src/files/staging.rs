//! The directory `.vw-staging/ROLE` in a root: where new files wait for the swap and former ones for the commit. Nothing here touches a
//! file outside of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use verwalter_core::names::RoleName;

use super::dir::Dir;
use super::steps::Steps;

/// Name of the directory in every root. Only this user may enter it.
pub(crate) const STAGING: &str = ".vw-staging";
/// In it, in front of a role's name: what is being removed. No role's name begins with a dot.
const GONE: &str = ".gone-";
/// Directories that wait are here, by number: their own names matter to nobody.
const DIRECTORIES: &str = "d";
/// A file in a role's directory that says that its swap has begun: former files may be in it.
pub(super) const SWAPPING: &str = "swapping";
/// How often a directory is made again that another role's end removed in between.
const ATTEMPTS: usize = 16;

/// A role's staging in one root.
#[derive(Debug)]
pub(super) struct Staging {
    dir: Dir,
    /// How often each basename was given a slot: files of one name wait in different directories.
    names: BTreeMap<OsString, usize>,
    directories: usize,
    /// The newest slot's directory: one after the other they are mostly the same.
    last: Option<(PathBuf, Dir)>,
    /// Directories of slots, to be synced.
    made: Vec<PathBuf>,
}

/// A slot: a name in one of the staging's directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// Below the role's staging directory.
    pub(super) path: PathBuf,
}

impl Slot {
    /// Its name in its directory.
    pub(super) fn name(&self) -> &Path {
        self.path.file_name().map_or(Path::new(""), Path::new)
    }
}

impl Staging {
    /// Makes an empty staging for the role. What an earlier one left is removed. None when its swap has begun, and was neither finished
    /// nor undone.
    pub(super) fn create(root: &Dir, role: &RoleName, steps: &dyn Steps) -> io::Result<Option<Staging>> {
        if !remove_unswapped(root, role, steps)? {
            return Ok(None);
        }
        let dir = make_role(root, role, steps)?;
        Ok(Some(Staging { dir, names: BTreeMap::new(), directories: 0, last: None, made: Vec::new() }))
    }

    /// A slot for a file of this name.
    pub(super) fn slot(&mut self, name: &Path, steps: &dyn Steps) -> io::Result<Slot> {
        let count = self.names.entry(name.as_os_str().to_owned()).or_insert(0);
        let number = PathBuf::from(count.to_string());
        *count += 1;
        self.enter(&number, steps)?;
        Ok(Slot { path: number.join(name) })
    }

    /// A slot for a directory.
    pub(super) fn directory_slot(&mut self, steps: &dyn Steps) -> io::Result<Slot> {
        let name = self.directories.to_string();
        self.directories += 1;
        self.enter(Path::new(DIRECTORIES), steps)?;
        Ok(Slot { path: Path::new(DIRECTORIES).join(name) })
    }

    /// The directory of the newest slot.
    pub(super) fn dir(&self) -> &Dir {
        self.last.as_ref().map_or(&self.dir, |(_, dir)| dir)
    }

    fn enter(&mut self, name: &Path, steps: &dyn Steps) -> io::Result<()> {
        if self.last.as_ref().is_some_and(|(last, _)| last == name) {
            return Ok(());
        }
        if self.dir.look_at(name)?.is_none() {
            self.dir.make(steps, name)?;
            self.made.push(name.to_owned());
        }
        self.last = Some((name.to_owned(), self.dir.open(name)?));
        Ok(())
    }

    /// The directories that have to be synced for the names in it to outlive a power failure, each once.
    pub(super) fn directories(&self, root: &Dir) -> io::Result<Vec<OwnedFd>> {
        let slots = self.made.iter().map(|name| self.dir.open(name)?.reopen());
        let above = [self.dir.reopen(), root.open(Path::new(STAGING)).and_then(|dir| dir.reopen()), root.reopen()];
        slots.chain(above).collect()
    }
}

/// Opens the role's staging, if there is one.
pub(super) fn open(root: &Dir, role: &RoleName) -> io::Result<Option<Dir>> {
    let Some(staging) = absent_as_none(root.open(Path::new(STAGING)))? else { return Ok(None) };
    check_own(&staging)?;
    absent_as_none(staging.open(Path::new(role.as_str())))
}

/// Removes the role's staging unless its swap has begun, and says whether it is gone.
pub(super) fn remove_unswapped(root: &Dir, role: &RoleName, steps: &dyn Steps) -> io::Result<bool> {
    if let Some(dir) = open(root, role)?
        && dir.look_at(Path::new(SWAPPING))?.is_some()
    {
        return Ok(false);
    }
    remove(root, role, steps)?;
    Ok(true)
}

/// Removes the role's staging with everything in it. In one step it is no staging any more; the rest may be done later.
pub(super) fn remove(root: &Dir, role: &RoleName, steps: &dyn Steps) -> io::Result<()> {
    let Some(staging) = absent_as_none(root.open(Path::new(STAGING)))? else { return Ok(()) };
    check_own(&staging)?;
    let gone = PathBuf::from(format!("{GONE}{role}"));
    empty(&staging, &gone, steps)?;
    if staging.look_at(Path::new(role.as_str()))?.is_some() {
        staging.move_over(steps, Path::new(role.as_str()), &staging, &gone)?;
        empty(&staging, &gone, steps)?;
    }
    drop(staging);
    // Other roles may have theirs in it.
    match root.remove_directory(steps, Path::new(STAGING)) {
        Err(err) if matches!(Errno::from_io_error(&err), Some(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT)) => Ok(()),
        other => other,
    }
}

/// Removes every role's staging in the root, and says how many those were.
pub(super) fn remove_all(root: &Dir, steps: &dyn Steps) -> io::Result<usize> {
    let Some(staging) = absent_as_none(root.open(Path::new(STAGING)))? else { return Ok(0) };
    check_own(&staging)?;
    let names = staging.names(|_| true)?;
    for name in &names {
        empty(&staging, name, steps)?;
    }
    root.remove_directory(steps, Path::new(STAGING))?;
    Ok(names.len())
}

/// Removes `name` in `dir`: a role's directory, its directories, their files and directories. Nothing lies deeper.
fn empty(dir: &Dir, name: &Path, steps: &dyn Steps) -> io::Result<()> {
    const DEPTH: usize = 2;
    fn below(dir: &Dir, name: &Path, depth: usize, steps: &dyn Steps) -> io::Result<()> {
        match dir.look_at(name)? {
            None => return Ok(()),
            Some(look) if !look.is_directory() => return dir.remove_file(steps, name),
            Some(_) => {}
        }
        if depth > 0 {
            let inner = dir.open(name)?;
            for name in inner.names(|_| true)? {
                below(&inner, &name, depth - 1, steps)?;
            }
        }
        dir.remove_directory(steps, name)
    }
    below(dir, name, DEPTH, steps)
}

fn make_role(root: &Dir, role: &RoleName, steps: &dyn Steps) -> io::Result<Dir> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for _ in 0..ATTEMPTS {
        root.make(steps, Path::new(STAGING))?;
        let made = root.open(Path::new(STAGING)).and_then(|staging| {
            check_own(&staging)?;
            staging.set_own_mode(0o700)?;
            staging.make(steps, Path::new(role.as_str()))?;
            let dir = staging.open(Path::new(role.as_str()))?;
            dir.set_own_mode(0o700)?;
            Ok(dir)
        });
        match made {
            // Another role's end found the outer directory empty.
            Err(err) if err.kind() == io::ErrorKind::NotFound => last = err,
            other => return other,
        }
    }
    Err(last)
}

/// Whoever owns the directory could look into it and change what waits there.
fn check_own(staging: &Dir) -> io::Result<()> {
    if staging.look()?.uid == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "`.vw-staging` belongs to another user: remove it"))
}

fn absent_as_none<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Ok(dir) => Ok(Some(dir)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}
