//! What a test finds in a node's directories once nothing is under way. It changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use verwalter_apply::record::{Record, Records};

use crate::world::{files, role};

/// The role's files, and what its services found when they were told last.
pub(crate) fn state(dir: &Path) -> (String, String) {
    let told = fs::read_to_string(dir.join("told")).expect("they were told");
    (files(dir), told.lines().last().unwrap_or_default().to_owned())
}

/// What is remembered of the role.
pub(crate) fn record(dir: &Path) -> Record {
    Records::open(&dir.join("roles")).and_then(|records| records.load(&role())).expect("it is sound")
}

/// Names that nobody needs: stagings, temporary files, texts of a generation that is not in force.
pub(crate) fn leftovers(dir: &Path, record: &Record) -> Vec<PathBuf> {
    let below = |below: &str| fs::read_dir(dir.join(below)).into_iter().flatten().map(|entry| entry.expect("readable").path());
    let in_force = record.generation.as_ref().map(|generation| generation.told.short());
    let texts = below("roles/web.files").filter(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()) != in_force);
    let records = below("roles").filter(|path| path.extension().is_some_and(|extension| extension == "tmp"));
    texts.chain(records).chain(Some(dir.join("out/.vw-staging")).filter(|staging| staging.exists())).collect()
}
