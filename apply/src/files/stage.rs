//! Checks all of a role's files and writes those that differ into the staging. Nothing that is in place is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir as Root;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::accounts::Accounts;
use super::attributes::{self, Owners};
use super::change::{Change, ChangeKind, Fate, Write};
use super::digest::digest;
use super::dir::{Dir, DirectoryId, Look, Mount, open_root};
use super::entry::{Entry, EntryKind, FileId};
use super::staged::{Staged, StagedFile};
use super::staging::{Slot, Staging};
use super::steps::{Step, Steps};
use super::survey::{Found, Place};
use super::sync;
use crate::destination::{self, Destination};
use crate::error::failure;
use crate::{ApplyError, Roots};

/// All bytes of a role's files: as much as a role may render.
pub(crate) const MAX_ROLE_BYTES: u64 = 64 << 20;
/// All files of a role: more than configuration trees have.
pub(crate) const MAX_ROLE_FILES: u64 = 20_000;
/// The mode of directories that are made on the way to a file.
const DIRECTORY_MODE: u32 = 0o755;
/// From so many new files on in one root its whole file system is synced at once: one wait for the disk in place of one a file.
const SYNC_ALL_FILES: usize = 16;

/// Checks and stages the role's files. The first that cannot be put in place refuses all, and leaves nothing behind.
///
/// What an earlier staging of the role left is removed. When it was swapped in, it must have been finished or undone before
/// ([`ApplyError::Pending`]).
pub fn stage(role: &RoleName, changes: &[Change], roots: &Roots, steps: &dyn Steps) -> Result<Staged, ApplyError> {
    let work = go_through(role, changes, roots, Some(steps))?;
    work.sync(steps)?;
    Ok(work.staged)
}

/// What [`stage`] would find and do, in the order of the changes. Nothing is written, but that the output directory is made where there is none.
pub fn preview(role: &RoleName, changes: &[Change], roots: &Roots) -> Result<Vec<StagedFile>, ApplyError> {
    let mut work = go_through(role, changes, roots, None)?;
    Ok(std::mem::take(&mut work.staged.files))
}

fn go_through<'a>(role: &RoleName, changes: &[Change], roots: &Roots, steps: Option<&'a dyn Steps>) -> Result<Work<'a>, ApplyError> {
    check_size(role, changes)?;
    let roots = roots.absolute().map_err(|err| failure(role, &roots.output, Path::new(""), err))?;
    let mut work = Work {
        roots: roots.clone(),
        steps,
        accounts: Accounts::default(),
        opened: BTreeMap::new(),
        taken: BTreeMap::new(),
        removed: BTreeSet::new(),
        staged: Staged { role: role.clone(), files: Vec::new(), entries: Vec::new(), roots: Vec::new() },
    };
    let mut destinations = Vec::with_capacity(changes.len());
    for change in changes {
        destinations.push(match (destination::resolve(role, &change.dest, &roots), &change.kind) {
            // A file of former times that lies where this node lets nothing be written any more.
            (Err(ApplyError::Outside { .. }), ChangeKind::Remove { .. }) => None,
            (destination, _) => Some(destination?),
        });
    }
    refuse_clashes(role, changes, &destinations)?;
    let mut files = vec![None; changes.len()];
    // What goes comes first: a directory may come in its place.
    for removing in [true, false] {
        for (index, change) in changes.iter().enumerate() {
            let Some(destination) = &destinations[index] else {
                files[index] = Some(StagedFile { path: (&change.dest).into(), root: "/".into(), fate: Fate::Kept, staged: None });
                continue;
            };
            match &change.kind {
                ChangeKind::Remove { owned } if removing => files[index] = Some(work.remove(destination, owned)?),
                ChangeKind::Write(write) if !removing => files[index] = Some(work.write(destination, write)?),
                _ => {}
            }
        }
    }
    work.staged.files = files.into_iter().flatten().collect();
    Ok(work)
}

fn check_size(role: &RoleName, changes: &[Change]) -> Result<(), ApplyError> {
    let too_large = |what, limit| Err(ApplyError::TooLarge { role: role.clone(), what, limit });
    let bytes = changes.iter().map(|change| match &change.kind {
        ChangeKind::Write(write) => write.bytes.len() as u64,
        ChangeKind::Remove { .. } => 0,
    });
    let bytes: u64 = bytes.sum();
    if bytes > MAX_ROLE_BYTES {
        return too_large(format!("{bytes} bytes"), MAX_ROLE_BYTES);
    }
    if changes.len() as u64 > MAX_ROLE_FILES {
        return too_large(format!("{} files", changes.len()), MAX_ROLE_FILES);
    }
    Ok(())
}

fn refuse_clashes(role: &RoleName, changes: &[Change], destinations: &[Option<Destination>]) -> Result<(), ApplyError> {
    let clash =
        |first: &Path, second: &Path| Err(ApplyError::Clash { role: role.clone(), first: first.to_owned(), second: second.to_owned() });
    let (mut written, mut removed) = (Vec::new(), BTreeSet::new());
    for (change, destination) in changes.iter().zip(destinations) {
        let Some(destination) = destination else { continue };
        match change.kind {
            ChangeKind::Write(_) => written.push(destination.path()),
            ChangeKind::Remove { .. } if !removed.insert(destination.path()) => return clash(&destination.path(), &destination.path()),
            ChangeKind::Remove { .. } => {}
        }
    }
    // `Path` orders by components: whatever lies below a path comes directly after it.
    written.sort();
    for pair in written.windows(2) {
        if pair[1].starts_with(&pair[0]) {
            return clash(&pair[0], &pair[1]);
        }
    }
    written.iter().find(|path| removed.contains(*path)).map_or(Ok(()), |path| clash(path, path))
}

/// A root in use.
struct Opened {
    root: Root,
    dir: Dir,
    mount: Mount,
    id: DirectoryId,
    staging: Option<Staging>,
    /// Directories that the role makes, below the root.
    made: BTreeSet<PathBuf>,
    /// Files that were written, until there are so many that they are synced together.
    written: Vec<File>,
}

struct Work<'a> {
    roots: Roots,
    /// `None`: everything is looked at, and nothing done.
    steps: Option<&'a dyn Steps>,
    accounts: Accounts,
    opened: BTreeMap<PathBuf, Opened>,
    /// Where files go, by the directory that exists and the rest of the path: two paths may lead to one place.
    taken: BTreeMap<(DirectoryId, PathBuf), PathBuf>,
    /// Files that will be gone when others are written.
    removed: BTreeSet<PathBuf>,
    staged: Staged,
}

impl Work<'_> {
    fn find(&mut self, destination: &Destination) -> Result<Found, ApplyError> {
        let role = self.staged.role.clone();
        if !self.opened.contains_key(&destination.root) {
            let opened = open(&role, &destination.root, &self.roots)?;
            if let Some((other, _)) = self.opened.iter().find(|(_, other)| other.id == opened.id) {
                let source = io::Error::other(format!("it is the same directory as {}: name it once", other.display()));
                return Err(ApplyError::Root { role, path: destination.root.clone(), source });
            }
            self.opened.insert(destination.root.clone(), opened);
        }
        let removed = std::mem::take(&mut self.removed);
        let found = self.place(&role, destination).find(&removed);
        self.removed = removed;
        let found = found?;
        let nearest = destination.below.ancestors().nth(1 + found.missing.len()).unwrap_or(Path::new(""));
        let rest = destination.below.strip_prefix(nearest).unwrap_or(&destination.below).to_owned();
        let id = found.dir.look().map_err(|err| failure(&role, &destination.root, nearest, err))?.id();
        match self.taken.insert((id, rest), destination.path()) {
            Some(first) => Err(ApplyError::Clash { role, first, second: destination.path() }),
            None => Ok(found),
        }
    }

    fn place<'b>(&'b self, role: &'b RoleName, destination: &'b Destination) -> Place<'b> {
        let opened = &self.opened[&destination.root];
        Place { role, root: &opened.root, mount: opened.mount, destination }
    }

    fn remove(&mut self, destination: &Destination, owned: &Digest) -> Result<StagedFile, ApplyError> {
        let role = self.staged.role.clone();
        let mut file = StagedFile { path: destination.path(), root: destination.root.clone(), fate: Fate::Kept, staged: None };
        let found = match self.find(destination) {
            Ok(found) => found,
            // Something else has its place or its directory's: nothing of ours.
            Err(ApplyError::Occupied { .. } | ApplyError::LeadsOut { .. }) => return Ok(file),
            Err(ApplyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotADirectory => return Ok(file),
            Err(err) => return Err(err),
        };
        let Some(look) = found.file else { return Ok(StagedFile { fate: Fate::Gone, ..file }) };
        let place = self.place(&role, destination);
        // Whatever its size: a pattern of a render file may fit what this daemon would not write.
        let held = found.dir.open_file(place.name(), look.inode).and_then(digest).map_err(|err| place.io(&destination.below, err))?;
        let (true, len) = (held.0 == *owned, held.1) else { return Ok(file) };
        place.check_movable(&found)?;
        let name = place.name().to_owned();
        self.removed.insert(destination.path());
        file.fate = Fate::Remove;
        let Some(steps) = self.steps else { return Ok(file) };
        let slot = self.slot(steps, destination, &name)?;
        let id = FileId { inode: look.inode, len, digest: *owned };
        self.enter(destination, &destination.below, slot, EntryKind::Remove { file: id });
        Ok(file)
    }

    fn write(&mut self, destination: &Destination, write: &Write) -> Result<StagedFile, ApplyError> {
        let role = self.staged.role.clone();
        let owners = self.owners(destination, write)?;
        let found = self.find(destination)?;
        let mut file = StagedFile { path: destination.path(), root: destination.root.clone(), fate: Fate::Unchanged, staged: None };
        let place = self.place(&role, destination);
        if let Some(look) = found.file
            && look.mode == write.mode & 0o7777
            && owners.fit(&look)
            && holds(&found.dir, place.name(), &look, &write.bytes).map_err(|err| place.io(&destination.below, err))?
        {
            return Ok(file);
        }
        place.check_movable(&found)?;
        let name = place.name().to_owned();
        file.fate = if found.file.is_some() { Fate::Replace } else { Fate::Create };
        let Some(steps) = self.steps else { return Ok(file) };
        for missing in &found.missing {
            self.make_directory(steps, destination, missing)?;
        }
        let slot = self.slot(steps, destination, &name)?;
        let inode = self.fill(steps, destination, &name, write, owners, &found)?;
        let id = FileId { inode, len: write.bytes.len() as u64, digest: Digest::of(&write.bytes) };
        let kind = match found.file {
            Some(look) => EntryKind::Replace { file: id, former: look.inode, backups: write.backups },
            None => EntryKind::Create { file: id },
        };
        self.enter(destination, &destination.below, slot, kind);
        file.staged = self.staged.entries.last().map(Entry::staged);
        Ok(file)
    }

    fn owners(&self, destination: &Destination, write: &Write) -> Result<Owners, ApplyError> {
        let (user, group) = (write.owner.as_ref(), write.group.as_ref());
        let uid = user.map(|text| self.accounts.user(text)).transpose();
        let gid = group.map(|text| self.accounts.group(text)).transpose();
        match (uid, gid) {
            (Ok(uid), Ok(gid)) => Ok(Owners { uid, gid }),
            (Err(reason), _) | (_, Err(reason)) => {
                Err(ApplyError::Owner { role: self.staged.role.clone(), path: destination.path(), reason: reason.into() })
            }
        }
    }

    fn make_directory(&mut self, steps: &dyn Steps, destination: &Destination, below: &Path) -> Result<(), ApplyError> {
        let failed = {
            let role = self.staged.role.clone();
            move |err| failure(&role, &destination.root, below, err)
        };
        if !self.opened_mut(destination).made.insert(below.to_owned()) {
            return Ok(());
        }
        let staging = self.staging(steps, destination)?;
        let made = staging.directory_slot(steps).and_then(|slot| {
            let name = slot.name();
            staging.dir().make(steps, name)?;
            let dir = staging.dir().open(name)?;
            // The umask may have closed it to those who are to read the file.
            dir.set_own_mode(DIRECTORY_MODE)?;
            Ok((dir.look()?.inode, slot))
        });
        let (inode, slot) = made.map_err(failed)?;
        self.enter(destination, below, slot, EntryKind::Directory { inode });
        Ok(())
    }

    /// Writes the staged file and says its inode.
    fn fill(
        &mut self,
        steps: &dyn Steps,
        destination: &Destination,
        name: &Path,
        write: &Write,
        owners: Owners,
        found: &Found,
    ) -> Result<u64, ApplyError> {
        let role = self.staged.role.clone();
        let failed = |err| failure(&role, &destination.root, &destination.below, err);
        let staging = self.staging(steps, destination)?;
        let mut file = staging.dir().create(steps, name).map_err(failed)?;
        file.write_all(&write.bytes).map_err(failed)?;
        owners.give(&file, found.file.as_ref()).map_err(|err| match err.kind() {
            io::ErrorKind::PermissionDenied => {
                let reason = "the daemon's user may not give files away: run the daemon as root, or leave out `owner` and `group`";
                ApplyError::Owner { role: role.clone(), path: destination.path(), reason: reason.into() }
            }
            _ => failed(err),
        })?;
        let attributes = match &found.file {
            Some(look) => match found.dir.open_file(name, look.inode) {
                Ok(former) => attributes::copy(&former, &file),
                // A file that may be replaced but not read.
                Err(err) if err.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                Err(err) => Err(err),
            },
            None => found.dir.reopen().and_then(|dir| attributes::inherit(&dir, &file)),
        };
        attributes.and_then(|()| attributes::set_mode(&file, write.mode)).map_err(failed)?;
        let look = staging.dir().look_at(name).map_err(failed)?;
        let written = &mut self.opened_mut(destination).written;
        if written.len() < SYNC_ALL_FILES {
            written.push(file);
        }
        look.map(|look| look.inode).ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
    }

    fn slot(&mut self, steps: &dyn Steps, destination: &Destination, name: &Path) -> Result<Slot, ApplyError> {
        let role = self.staged.role.clone();
        let slot = self.staging(steps, destination)?.slot(name, steps);
        slot.map_err(|err| failure(&role, &destination.root, &destination.below, err))
    }

    fn staging(&mut self, steps: &dyn Steps, destination: &Destination) -> Result<&mut Staging, ApplyError> {
        let role = self.staged.role.clone();
        if self.opened_mut(destination).staging.is_none() {
            self.staged.roots.push(destination.root.clone());
            let opened = self.opened_mut(destination);
            let made = Staging::create(&opened.dir, &role, steps);
            let made = made.map_err(|err| failure(&role, &destination.root, Path::new(super::STAGING), err))?;
            let pending = || ApplyError::Pending { role, root: destination.root.clone() };
            opened.staging = Some(made.ok_or_else(pending)?);
        }
        Ok(self.opened_mut(destination).staging.as_mut().expect("it was made above"))
    }

    fn opened_mut(&mut self, destination: &Destination) -> &mut Opened {
        self.opened.get_mut(&destination.root).expect("`find` opens the root of every destination first")
    }

    fn enter(&mut self, destination: &Destination, below: &Path, slot: Slot, kind: EntryKind) {
        let (role, root, below) = (self.staged.role.clone(), destination.root.clone(), below.to_owned());
        self.staged.entries.push(Entry { role, root, below, slot: slot.path, kind });
    }

    /// Makes all of the staging outlive a power failure.
    fn sync(&self, steps: &dyn Steps) -> Result<(), ApplyError> {
        for (root, opened) in &self.opened {
            let Some(staging) = &opened.staging else { continue };
            let synced = if opened.written.len() < SYNC_ALL_FILES {
                staging.directories(&opened.dir).and_then(|directories| {
                    let files = opened.written.iter().map(AsFd::as_fd).chain(directories.iter().map(AsFd::as_fd)).collect::<Vec<_>>();
                    files.iter().try_for_each(|_| steps.before(Step::Sync))?;
                    sync::all(&files)
                })
            } else {
                opened.dir.sync_file_system(steps)
            };
            synced.map_err(|err| failure(&self.staged.role, root, Path::new(super::STAGING), err))?;
        }
        Ok(())
    }
}

fn open(role: &RoleName, path: &Path, roots: &Roots) -> Result<Opened, ApplyError> {
    let opened = || {
        let root = match open_root(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound && *path == roots.output => {
                Root::create_ambient_dir_all(path, ambient_authority()).and_then(|()| open_root(path))
            }
            other => other,
        }?;
        if path.to_str().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its name is no UTF-8: rename it"));
        }
        let dir = Dir::beneath(&root, Path::new(""))?;
        let look = dir.look()?;
        let (mount, id) = (look.mount, look.id());
        Ok(Opened { root, dir, mount, id, staging: None, made: BTreeSet::new(), written: Vec::new() })
    };
    opened().map_err(|source| {
        let (role, path) = (role.clone(), path.to_owned());
        if path == roots.output { ApplyError::Io { role, path, source } } else { ApplyError::Root { role, path, source } }
    })
}

/// Whether the file has these bytes. One that cannot be read is taken for another.
fn holds(dir: &Dir, name: &Path, look: &Look, bytes: &[u8]) -> io::Result<bool> {
    if look.len != bytes.len() as u64 {
        return Ok(false);
    }
    match dir.read(name, look.inode, look.len) {
        Ok(read) => Ok(read.is_some_and(|read| read == bytes)),
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(err) => Err(err),
    }
}
