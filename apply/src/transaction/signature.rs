//! Whether something below a directory has changed: for `!Condition`. It reads and never writes.
//!
//! Of every file below: its path, length, mode and bytes. What cannot be read counts as it is: as not readable.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::Roots;
use crate::files::SEEN;
use crate::role::{Action, Duties};

/// Most entries of one directory tree; with more it counts as changed.
const MAX_ENTRIES: usize = 100_000;
/// Most bytes that are read of one tree; with more it counts as changed.
const MAX_BYTES: u64 = 1 << 30;

/// The state of a tree; `None`: too large to tell.
type Signature = Option<[u8; 32]>;

/// What the directories of a role's conditions were like before the swap.
#[derive(Debug, Default)]
pub(super) struct Signatures(BTreeMap<PathBuf, Signature>);

impl Signatures {
    pub(super) fn before(duties: Option<&Duties>, roots: &Roots) -> Signatures {
        let mut signatures = BTreeMap::new();
        for action in duties.iter().flat_map(|duties| &duties.actions) {
            let Action::IfChanged { directories, .. } = action else { continue };
            for directory in directories {
                let path = roots.output.join(directory);
                signatures.entry(path).or_insert_with_key(|path| sign(path));
            }
        }
        Signatures(signatures)
    }

    /// Whether something below one of them has changed since.
    pub(super) fn changed(&self, directories: &[PathBuf], roots: &Roots) -> bool {
        directories.iter().any(|directory| {
            let path = roots.output.join(directory);
            let before = self.0.get(&path).copied().flatten();
            before.is_none() || before != sign(&path)
        })
    }
}

fn sign(directory: &Path) -> Signature {
    let mut hash = Sha256::new();
    let mut left = Left { entries: MAX_ENTRIES, bytes: MAX_BYTES };
    tree(directory, &mut hash, &mut left)?;
    Some(hash.finalize().into())
}

struct Left {
    entries: usize,
    bytes: u64,
}

fn tree(directory: &Path, hash: &mut Sha256, left: &mut Left) -> Option<()> {
    let mut entries: Vec<_> = match fs::read_dir(directory) {
        Ok(entries) => entries.filter_map(Result::ok).take(left.entries + 1).map(|entry| entry.path()).collect(),
        Err(err) => {
            say(hash, format!("{:?}", err.kind()).as_bytes());
            return Some(());
        }
    };
    left.entries = left.entries.checked_sub(entries.len())?;
    entries.sort();
    say(hash, &entries.len().to_le_bytes());
    for path in entries {
        say(hash, path.file_name().unwrap_or_default().as_encoded_bytes());
        let Ok(meta) = fs::symlink_metadata(&path) else {
            say(hash, b"gone");
            continue;
        };
        say(hash, format!("{:o} {}", meta.mode(), if meta.is_dir() { 0 } else { meta.len() }).as_bytes());
        if meta.is_dir() {
            tree(&path, hash, left)?;
        } else if meta.is_symlink() {
            say(hash, fs::read_link(&path).unwrap_or_default().as_os_str().as_encoded_bytes());
        } else if meta.is_file() {
            left.bytes = left.bytes.checked_sub(meta.len())?;
            match bytes(&path, hash, left.bytes) {
                Ok(()) => {}
                Err(err) => say(hash, format!("{:?}", err.kind()).as_bytes()),
            }
        }
    }
    Some(())
}

fn bytes(path: &Path, hash: &mut Sha256, limit: u64) -> io::Result<()> {
    let flags = i32::try_from(SEEN.bits()).expect("open flags are an int of the C interface");
    let file = fs::File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::StaleNetworkFileHandle.into());
    }
    let mut file = file.take(limit);
    let mut chunk = [0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            count => hash.update(&chunk[..count]),
        }
    }
}

/// With its length, so that two texts are never taken for one.
fn say(hash: &mut Sha256, text: &[u8]) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_below_is_seen() {
        let temp = tempfile::tempdir().expect("a directory");
        let (root, sub) = (temp.path(), temp.path().join("a/b"));
        let absent = sign(&root.join("gone"));
        fs::create_dir_all(&sub).expect("made");
        fs::write(sub.join("x"), "1").expect("written");
        let mut seen = vec![absent, sign(root)];
        let mut changed = |what: &str| {
            let now = sign(root);
            assert!(now.is_some() && !seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::write(sub.join("x"), "2").expect("written");
        changed("bytes");
        fs::write(sub.join("y"), "").expect("written");
        changed("a file more");
        fs::rename(sub.join("y"), sub.join("z")).expect("renamed");
        changed("a name");
        std::os::unix::fs::symlink("x", sub.join("l")).expect("linked");
        changed("a symlink");
        fs::create_dir(root.join("c")).expect("made");
        changed("a directory");
        let before = sign(root);
        fs::write(sub.join("x"), "2").expect("written again");
        assert_eq!(sign(root), before, "the same bytes");
    }
}
