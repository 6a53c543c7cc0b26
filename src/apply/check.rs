//! Looks at all of a role's files before any is written: is the place allowed, free or a file, and can its directory be had? It writes
//! nothing below a root, but creates the output root itself.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
use rustix::fs::{Access, AtFlags, accessat};
use verwalter_core::names::RoleName;

use super::destination::{self, Destination};
use super::{ApplyError, Roots};
use crate::render::RenderedFile;

/// Largest file that is replaced, in bytes: the former bytes are kept until the whole role is written. As much as a role may render.
const MAX_BEFORE_BYTES: u64 = 64 << 20;

/// A role's files that may be swapped in. Only [`check`] makes one.
#[derive(Debug)]
pub struct Checked<'a> {
    pub(super) steps: Vec<Step<'a>>,
    pub(super) unchanged: usize,
}

/// One file that differs from what is in place.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) dir: Rc<Dir>,
    pub(super) destination: Destination,
    pub(super) file: &'a RenderedFile,
    pub(super) before: Before,
}

/// What was in the file's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Absent,
    /// A file with these bytes and this mode.
    File {
        /// All of them.
        bytes: Vec<u8>,
        /// Its permission bits.
        mode: u32,
    },
}

/// Checks every file of the role against `roots` and the file system. The first that cannot be written refuses all.
pub fn check<'a>(role: &RoleName, files: &'a [RenderedFile], roots: &Roots) -> Result<Checked<'a>, ApplyError> {
    let mut destinations = Vec::with_capacity(files.len());
    for file in files {
        destinations.push(destination::resolve(role, &file.dest, roots)?);
    }
    refuse_clashes(role, &destinations)?;
    let mut open = BTreeMap::new();
    let mut checked = Checked { steps: Vec::new(), unchanged: 0 };
    for (file, destination) in files.iter().zip(destinations) {
        let dir = match open.get(&destination.root) {
            Some(dir) => Rc::clone(dir),
            None => {
                let dir = Rc::new(open_root(role, &destination.root, roots)?);
                open.insert(destination.root.clone(), Rc::clone(&dir));
                dir
            }
        };
        let place = Place { role, dir: &dir, destination: &destination };
        place.check_directory()?;
        let before = place.before()?;
        match before {
            Before::File { ref bytes, mode } if *bytes == file.bytes && mode == file.mode => checked.unchanged += 1,
            before => {
                place.check_writable()?;
                checked.steps.push(Step { dir, destination, file, before });
            }
        }
    }
    Ok(checked)
}

fn refuse_clashes(role: &RoleName, destinations: &[Destination]) -> Result<(), ApplyError> {
    let mut paths: Vec<PathBuf> = destinations.iter().map(Destination::path).collect();
    // `Path` orders by components: whatever lies below a path comes directly after it.
    paths.sort();
    for pair in paths.windows(2) {
        if pair[1].starts_with(&pair[0]) {
            return Err(ApplyError::Clash { role: role.clone(), first: pair[0].clone(), second: pair[1].clone() });
        }
    }
    Ok(())
}

fn open_root(role: &RoleName, root: &Path, roots: &Roots) -> Result<Dir, ApplyError> {
    let open = || Dir::open_ambient_dir(root, ambient_authority());
    match open() {
        Err(err) if err.kind() == io::ErrorKind::NotFound && *root == roots.output => {
            Dir::create_ambient_dir_all(root, ambient_authority()).and_then(|()| open())
        }
        other => other,
    }
    .map_err(|source| {
        let (role, path) = (role.clone(), root.to_owned());
        if path == roots.output { ApplyError::Io { role, path, source } } else { ApplyError::Root { role, path, source } }
    })
}

/// One destination in its root.
struct Place<'a> {
    role: &'a RoleName,
    dir: &'a Dir,
    destination: &'a Destination,
}

impl Place<'_> {
    /// Every part of the way to the file is a directory, or absent and hence to be created.
    fn check_directory(&self) -> Result<(), ApplyError> {
        for ancestor in self.ancestors() {
            match self.dir.metadata(ancestor) {
                Ok(meta) if meta.is_dir() => return Ok(()),
                Ok(_) => return Err(self.io(ancestor, io::ErrorKind::NotADirectory.into())),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {
                    // Absent, unless it is a symlink to nowhere, which mkdir would not mend.
                    if self.dir.symlink_metadata(ancestor).is_ok() {
                        return Err(self.occupied(ancestor, "a symlink to nowhere"));
                    }
                }
                // Something above it is no directory: that is told when the loop gets there.
                Err(err) if err.kind() == io::ErrorKind::NotADirectory => {}
                Err(err) => return Err(self.io(ancestor, err)),
            }
        }
        Ok(())
    }

    /// What is in the file's place now.
    fn before(&self) -> Result<Before, ApplyError> {
        let below = &self.destination.below;
        let meta = match self.dir.symlink_metadata(below) {
            Ok(meta) => meta,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Before::Absent),
            Err(err) => return Err(self.io(below, err)),
        };
        if meta.is_symlink() {
            return Err(self.occupied(below, "a symlink"));
        }
        if meta.is_dir() {
            return Err(self.occupied(below, "a directory"));
        }
        if !meta.is_file() {
            return Err(self.occupied(below, "a device, pipe or socket"));
        }
        let too_large = |len_bytes| ApplyError::TooLarge {
            role: self.role.clone(),
            path: self.destination.path(),
            len_bytes,
            limit_bytes: MAX_BEFORE_BYTES,
        };
        if meta.len() > MAX_BEFORE_BYTES {
            return Err(too_large(meta.len()));
        }
        let mut bytes = Vec::new();
        let file = self.dir.open(below).map_err(|err| self.io(below, err))?;
        file.take(MAX_BEFORE_BYTES + 1).read_to_end(&mut bytes).map_err(|err| self.io(below, err))?;
        if bytes.len() as u64 > MAX_BEFORE_BYTES {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Before::File { bytes, mode: meta.mode() & 0o7777 })
    }

    /// The nearest directory that exists lets a name be added to it.
    fn check_writable(&self) -> Result<(), ApplyError> {
        for ancestor in self.ancestors() {
            let opened = if ancestor.as_os_str().is_empty() { self.dir.try_clone() } else { self.dir.open_dir(ancestor) };
            let dir = match opened {
                Ok(dir) => dir,
                Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
                Err(err) => return Err(self.io(ancestor, err)),
            };
            return accessat(&dir, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
                .map_err(|errno| self.io(ancestor, errno.into()));
        }
        Ok(())
    }

    /// The directories on the way to the file, nearest first, the root itself (an empty path) last.
    fn ancestors(&self) -> impl Iterator<Item = &Path> {
        self.destination.below.ancestors().skip(1)
    }

    fn occupied(&self, below: &Path, what: &'static str) -> ApplyError {
        ApplyError::Occupied { role: self.role.clone(), path: self.destination.root.join(below), what }
    }

    fn io(&self, below: &Path, source: io::Error) -> ApplyError {
        failure(self.role, self.destination, below, source)
    }
}

/// An error of the file system at `below`, told apart from the refusal of a symlink that leads out.
pub(super) fn failure(role: &RoleName, destination: &Destination, below: &Path, source: io::Error) -> ApplyError {
    let path = destination.root.join(below);
    // What the sandboxed file system refuses has no error number of the operating system.
    if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
        return ApplyError::LeadsOut { role: role.clone(), path, root: destination.root.clone() };
    }
    ApplyError::Io { role: role.clone(), path, source }
}
