//! The tree as it stood when it was last quiet, for who reads it later: what looks different by then is being written, and would be
//! read by halves. It never waits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ChangeSet;
use super::scan::Scan;

/// How the tree stood when it was last quiet. The default one knows nothing and holds back nothing.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    dir: PathBuf,
    scan: Option<Arc<Scan>>,
}

/// What is being written again since the tree was quiet. It will be reported once it is quiet.
#[derive(Debug, Default)]
pub struct Stirring {
    parts: ChangeSet,
    paths: BTreeSet<PathBuf>,
}

impl Settled {
    pub(super) fn at(dir: &Path, scan: Arc<Scan>) -> Settled {
        Settled { dir: dir.to_owned(), scan: Some(scan) }
    }

    /// Whether this file stands as it did. Asked after it was read, it says whether what was read is whole.
    pub fn has_still(&self, path: &Path) -> bool {
        self.scan.as_ref().is_none_or(|scan| scan.has_still(path))
    }

    /// What looks different now. Blocks for one look at the tree.
    pub fn stirring(&self) -> Stirring {
        let Some(scan) = &self.scan else { return Stirring::default() };
        let mut stirring = Stirring::default();
        for path in scan.differing(&Scan::of(&self.dir)) {
            stirring.parts.add(ChangeSet::of(&self.dir, &path));
            stirring.paths.insert(path);
        }
        stirring
    }
}

impl Stirring {
    /// The parts of the tree in which something is being written.
    pub fn parts(&self) -> ChangeSet {
        self.parts
    }

    /// Whether this very file or directory is.
    pub fn has(&self, path: &Path) -> bool {
        self.paths.contains(path)
    }
}
