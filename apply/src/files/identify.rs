//! Looks at files that are to become a role's though it did not write them: each must be a regular file at a place where the role could
//! have written it and from where it can be removed. It changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir as Root;
use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::backup;
use super::digest::digest;
use super::dir::{Dir, DirectoryId, Mount, open_root};
use super::stage::MAX_ROLE_BYTES;
use super::survey::{Found, Place};
use crate::destination::{self, Destination};
use crate::error::failure;
use crate::{ApplyError, Roots};

/// A file that is in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identified {
    /// Its whole path.
    pub path: PathBuf,
    /// Of its bytes.
    pub digest: Digest,
}

/// Finds the files at `dests`, which are written as destinations of a role are, and says what they hold. The first that cannot become the
/// role's refuses all. `known`: other places that are a role's already; a file that lies there under another spelling is refused.
///
/// Together they may have as many bytes as a role may render.
pub fn identify(role: &RoleName, dests: &[String], known: &[PathBuf], roots: &Roots) -> Result<Vec<Identified>, ApplyError> {
    let roots = roots.absolute().map_err(|err| failure(role, &roots.output, Path::new(""), err))?;
    let mut survey = Survey { role, opened: BTreeMap::new(), taken: BTreeMap::new(), left: MAX_ROLE_BYTES };
    for path in known {
        // What is not there, or cannot be reached, is no file that could be named here.
        let Ok(destination) = destination::resolve(role, &path.to_string_lossy(), &roots) else { continue };
        let Ok(found) = survey.find(&destination) else { continue };
        if let (true, Ok(look)) = (found.missing.is_empty(), found.dir.look()) {
            survey.taken.insert((look.id(), name(&destination).to_owned()), path.clone());
        }
    }
    dests.iter().map(|dest| survey.identify(&destination::resolve(role, dest, &roots)?)).collect()
}

struct Survey<'a> {
    role: &'a RoleName,
    opened: BTreeMap<PathBuf, (Root, Mount)>,
    /// Which paths lead to the places that were seen: two may lead to one.
    taken: BTreeMap<(DirectoryId, PathBuf), PathBuf>,
    /// Bytes that may still be read.
    left: u64,
}

impl Survey<'_> {
    fn identify(&mut self, destination: &Destination) -> Result<Identified, ApplyError> {
        let role = self.role;
        let path = destination.path();
        let refused = |reason: String| ApplyError::Unadoptable { role: role.clone(), path: path.clone(), reason: reason.into() };
        let io = |err| failure(role, &destination.root, &destination.below, err);
        if backup::is_backup(name(destination)) {
            return Err(refused(
                "its name is that of a former version that the daemon keeps: move it, or adopt the file itself".to_owned(),
            ));
        }
        let absent = || refused("there is no such file".to_owned());
        let found = match self.find(destination) {
            Ok(found) => found,
            Err(ApplyError::Occupied { path, what, .. }) => {
                let reason = format!("it is {what}, and only files can be a role's: name files").into();
                return Err(ApplyError::Unadoptable { role: role.clone(), path, reason });
            }
            Err(ApplyError::Io { source, .. } | ApplyError::Root { source, .. })
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                return Err(absent());
            }
            Err(err) => return Err(err),
        };
        let Some(look) = found.file else { return Err(absent()) };
        let id = (found.dir.look().map_err(io)?.id(), name(destination).to_owned());
        match self.taken.insert(id, path.clone()) {
            Some(first) if first == path => return Err(refused("it is named twice: name it once".to_owned())),
            Some(first) => {
                return Err(refused(format!(
                    "it is the same file as {}, which is named here or belongs to a role already: one path is enough",
                    first.display()
                )));
            }
            None => {}
        }
        // From where nothing can be removed now, nothing could be removed later, and the role would fail of it.
        self.place(destination)?.check_movable(&found)?;
        let file = found.dir.open_file(name(destination), look.inode);
        let (digest, len) = match file.and_then(|file| digest(file.take(self.left.saturating_add(1)))) {
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
                return Err(refused("the daemon's user may not read it: change its owner or its mode".to_owned()));
            }
            Err(err) => return Err(io(err)),
        };
        let too_large =
            || refused(format!("with it they are larger than all files of a role may be ({} MiB): leave it out", MAX_ROLE_BYTES >> 20));
        self.left = self.left.checked_sub(len).ok_or_else(too_large)?;
        Ok(Identified { digest, path })
    }

    fn find(&mut self, destination: &Destination) -> Result<Found, ApplyError> {
        self.place(destination)?.find(&BTreeSet::new())
    }

    fn place<'b>(&'b mut self, destination: &'b Destination) -> Result<Place<'b>, ApplyError> {
        let (role, path) = (self.role, &destination.root);
        if !self.opened.contains_key(path) {
            let opened = open_root(path).and_then(|root| {
                let mount = Dir::beneath(&root, Path::new(""))?.look()?.mount;
                Ok((root, mount))
            });
            let opened = opened.map_err(|source| ApplyError::Root { role: role.clone(), path: path.clone(), source })?;
            self.opened.insert(path.clone(), opened);
        }
        let (root, mount) = &self.opened[path];
        Ok(Place { role, root, mount: *mount, destination })
    }
}

fn name(destination: &Destination) -> &Path {
    destination.below.file_name().map_or(Path::new(""), Path::new)
}
