//! The way of consul-template: every template is rendered, compared with what is on the disk, and written by a temporary file and a rename of its
//! own where it differs. No role is a whole here, nothing is undone, nothing is remembered.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter::config::secrets::Secrets;
use verwalter::plugin::Catalog;
use verwalter::render::{RenderLimits, Supplies, TemplateSet};
use verwalter_core::names::{RoleName, TemplateRef};

use crate::node::{ROLES, Wanted, role, write_templates};

/// Whether a file is made to outlive a power failure before it is renamed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    Each,
    None,
}

/// Templates that were read, and where their files go.
pub(crate) struct Each {
    out: PathBuf,
    sync: Sync,
    sets: BTreeMap<RoleName, TemplateSet>,
    catalog: Arc<Catalog>,
    secrets: Arc<Secrets>,
}

impl Each {
    /// Below `dir`: `templates` and `out`.
    pub(crate) fn new(dir: &Path, sync: Sync) -> Each {
        write_templates(dir);
        let mut sets = BTreeMap::new();
        for n in 0..ROLES {
            let template = TemplateRef::new(&format!("{}/v1", role(n))).expect("valid");
            let set = TemplateSet::load(&dir.join("templates"), &template, &[], &RenderLimits::default()).expect("sound");
            sets.insert(RoleName::new(&role(n)).expect("valid"), set);
        }
        Each { out: dir.join("out"), sync, sets, catalog: Arc::default(), secrets: Arc::default() }
    }

    /// How long it takes, and how many files were written.
    pub(crate) fn deploy(&mut self, wanted: &Wanted) -> (Duration, usize) {
        let schedule = wanted.schedule();
        let begun = Instant::now();
        let mut written = 0;
        for (name, set) in &mut self.sets {
            let vars = schedule.vars_of("here", name.as_str()).expect("it is placed");
            let supplies = Supplies { schedule: &schedule, secrets: &self.secrets, session: self.catalog.filters().open() };
            let rendered = set.render(name, &vars, supplies).expect("it renders");
            for file in rendered.files {
                written += usize::from(write(&self.out.join(&file.dest), &file.bytes, self.sync));
            }
        }
        (begun.elapsed(), written)
    }
}

/// Says whether the file was written.
fn write(path: &Path, bytes: &[u8], sync: Sync) -> bool {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return false;
    }
    fs::create_dir_all(path.parent().expect("it has one")).expect("made");
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).expect("created");
    file.write_all(bytes).expect("written");
    if sync == Sync::Each {
        file.sync_all().expect("synced");
    }
    fs::rename(temporary, path).expect("renamed");
    true
}
