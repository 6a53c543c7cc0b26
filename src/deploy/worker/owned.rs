//! Whose files are whose. It answers for one path at once: a node may have a thousand roles, and every file of each is asked about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use verwalter_core::names::RoleName;

/// The files of each role that is remembered.
#[derive(Debug, Default)]
pub(in crate::deploy) struct Owned {
    files: BTreeMap<RoleName, BTreeSet<PathBuf>>,
    /// More than one where records contradict each other.
    owners: HashMap<PathBuf, BTreeSet<RoleName>>,
}

impl Owned {
    /// From now on these are the role's, and no others.
    pub(super) fn insert(&mut self, role: RoleName, files: BTreeSet<PathBuf>) {
        self.remove(&role);
        for path in &files {
            self.owners.entry(path.clone()).or_default().insert(role.clone());
        }
        self.files.insert(role, files);
    }

    /// Nothing is the role's any more.
    pub(super) fn remove(&mut self, role: &RoleName) {
        for path in self.files.remove(role).unwrap_or_default() {
            let Some(owners) = self.owners.get_mut(&path) else { continue };
            owners.remove(role);
            if owners.is_empty() {
                self.owners.remove(&path);
            }
        }
    }

    /// The roles that are remembered, by name.
    pub(super) fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.files.keys()
    }

    /// Another role whose file this is.
    pub(in crate::deploy) fn other_owner(&self, path: &Path, role: &RoleName) -> Option<&RoleName> {
        self.owners.get(path)?.iter().find(|owner| *owner != role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_and_go_with_their_roles() {
        let role = |name: &str| RoleName::new(name).expect("valid");
        let files = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        let mut owned = Owned::default();
        let owner = |owned: &Owned, path: &str, role: &RoleName| owned.other_owner(Path::new(path), role).cloned();
        let (a, b) = (role("a"), role("b"));
        owned.insert(a.clone(), files(&["/x", "/y"]));
        owned.insert(b.clone(), files(&["/z"]));
        assert_eq!(owner(&owned, "/x", &b), Some(a.clone()));
        assert_eq!(owner(&owned, "/x", &a), None, "its own");
        assert_eq!(owner(&owned, "/none", &a), None);
        // Replaced, not added to.
        owned.insert(a.clone(), files(&["/y"]));
        assert_eq!(owner(&owned, "/x", &b), None);
        // As damaged records may say; one of them leaves.
        owned.insert(b.clone(), files(&["/y", "/z"]));
        assert_eq!((owner(&owned, "/y", &a), owner(&owned, "/y", &b)), (Some(b.clone()), Some(a.clone())));
        owned.remove(&b);
        assert_eq!((owner(&owned, "/y", &a), owner(&owned, "/y", &b)), (None, Some(a.clone())));
        assert_eq!(owned.roles().collect::<Vec<_>>(), [&a]);
        owned.remove(&a);
        owned.remove(&a);
        assert!(owned.owners.is_empty());
    }
}
