//! Whose files are whose, whatever path leads to them. It answers for one path at once: a node may have a thousand roles, and every file of each
//! is asked about. It looks where directories lead, and never at a file.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use verwalter_core::names::RoleName;

/// The files of each role that is remembered.
#[derive(Debug, Default)]
pub(in crate::deploy) struct Owned {
    files: BTreeMap<RoleName, Vec<File>>,
    /// More than one where records contradict each other.
    owners: HashMap<PathBuf, BTreeSet<RoleName>>,
    /// By where a file really lies, for those whose paths lead through symlinks: whose it is, and its path.
    led: HashMap<PathBuf, BTreeSet<(RoleName, PathBuf)>>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Where it really lies, if that is another path.
    place: Option<PathBuf>,
}

impl Owned {
    /// From now on these are the role's, and no others.
    pub(super) fn insert(&mut self, role: RoleName, files: BTreeSet<PathBuf>) {
        self.remove(&role);
        let files: Vec<File> =
            files.into_iter().map(|path| File { place: Some(real(&path)).filter(|place| *place != path), path }).collect();
        for File { path, place } in &files {
            self.owners.entry(path.clone()).or_default().insert(role.clone());
            if let Some(place) = place {
                self.led.entry(place.clone()).or_default().insert((role.clone(), path.clone()));
            }
        }
        self.files.insert(role, files);
    }

    /// Nothing is the role's any more.
    pub(super) fn remove(&mut self, role: &RoleName) {
        for File { path, place } in self.files.remove(role).unwrap_or_default() {
            if let Some(place) = place {
                drop_from(&mut self.led, place, &(role.clone(), path.clone()));
            }
            drop_from(&mut self.owners, path, role);
        }
    }

    /// The roles that are remembered, by name.
    pub(super) fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.files.keys()
    }

    /// Another role whose file this is.
    pub(in crate::deploy) fn other_owner(&self, path: &Path, role: &RoleName) -> Option<&RoleName> {
        let spelled = |path: &Path| self.owners.get(path)?.iter().find(|owner| *owner != role);
        spelled(path).or_else(|| {
            let place = real(path);
            // A symlink that was turned since leads elsewhere.
            let led = |(owner, path): &&(RoleName, PathBuf)| owner != role && real(path) == place;
            spelled(&place).or_else(|| self.led.get(&place)?.iter().find(led).map(|(owner, _)| owner))
        })
    }
}

fn drop_from<T: Ord>(all: &mut HashMap<PathBuf, BTreeSet<T>>, path: PathBuf, one: &T) {
    if let Entry::Occupied(mut some) = all.entry(path) {
        some.get_mut().remove(one);
        if some.get().is_empty() {
            some.remove();
        }
    }
}

/// The path by which no symlink leads to the file's directory, or to what of it is there.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().skip(1).find_map(|above| Some(above.canonicalize().ok()?.join(path.strip_prefix(above).ok()?)));
    found.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

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

    #[test]
    fn one_file_has_one_owner_whatever_path_leads_to_it() {
        let temp = tempfile::tempdir().expect("a directory");
        let root = temp.path().canonicalize().expect("it is there");
        for below in ["real/x", "other"] {
            fs::create_dir_all(root.join(below)).expect("made");
        }
        symlink("real", root.join("link")).expect("linked");
        let (a, b) = (RoleName::new("a").expect("valid"), RoleName::new("b").expect("valid"));
        let owner = |owned: &Owned, below: &str, role: &RoleName| owned.other_owner(&root.join(below), role).cloned();
        for (has, wants) in
            [("real/x/f", "link/x/f"), ("link/x/f", "real/x/f"), ("link/new/f", "real/new/f"), ("link/x/f", "link/../link/x/f")]
        {
            let mut owned = Owned::default();
            owned.insert(a.clone(), [root.join(has)].into());
            assert_eq!((owner(&owned, wants, &b), owner(&owned, wants, &a)), (Some(a.clone()), None), "{has} and {wants}");
            assert_eq!(owner(&owned, "real/x/g", &b), None);
            owned.remove(&a);
            assert_eq!(owner(&owned, wants, &b), None);
            assert!(owned.led.is_empty());
        }
        let mut owned = Owned::default();
        owned.insert(a, [root.join("link/f")].into());
        fs::remove_file(root.join("link")).expect("removed");
        symlink("other", root.join("link")).expect("linked");
        assert_eq!(owner(&owned, "real/f", &b), None);
    }
}
