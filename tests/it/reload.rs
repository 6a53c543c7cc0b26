//! The way of plugin files into force, over real directories: what is good comes in, what is not leaves in force what was there, and
//! says at which step it stopped. No scenario runs a daemon.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails; clippy takes only functions with #[test] for tests")]

mod cache;
mod keeping;
mod placing;
mod restart;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use verwalter::config::listing::PluginFiles;
use verwalter::plugin::activate::{Listed, Listing};
use verwalter::plugin::catalog::PluginState;
use verwalter::plugin::pipeline::Step;
use verwalter::plugin::rehearse::NoRehearsal;
use verwalter::plugin::{Activator, Catalog, Compiler, PluginStatus};
use verwalter::storage::Storage;
use verwalter_core::digest::Digest;
use verwalter_core::metrics::Columns;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Rehearsal;

use crate::sandbox::guest::{core, placing as placing_guest};
use crate::sandbox::world::{CACHE_BYTES, SCHEDULER, cluster, compiler, decide};

/// A directory of plugins and a storage directory, and what is in force.
struct Site {
    dir: TempDir,
    /// Kept over restarts: its lock goes when the last process that shares it is gone, and a compiling child that another test starts
    /// shares it for a moment.
    storage: Arc<Storage>,
    activator: Activator,
    catalog: Arc<Catalog>,
}

impl Site {
    fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plugins")).unwrap();
        let storage = Arc::new(Storage::open(&dir.path().join("storage")).unwrap());
        let activator = Activator::open(&storage, compiler(), CACHE_BYTES).unwrap();
        Site { dir, storage, activator, catalog: Arc::default() }
    }

    /// Another life of the node on the same directories: nothing is in force yet.
    fn restart(&mut self, compiler: Compiler) {
        self.activator = Activator::open(&self.storage, compiler, CACHE_BYTES).unwrap();
        self.catalog = Arc::new(self.activator.beginning());
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join("plugins").join(file)
    }

    fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(file), bytes).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    /// A scheduler that places so many instances, with its manifest.
    fn put_scheduler(&self, name: &str, instances: u32) {
        self.put(&format!("{name}.wasm"), placing_guest(instances));
        self.put(&format!("{name}.yaml"), SCHEDULER);
    }

    fn reload(&mut self) {
        self.reload_listed(Listing::Whole);
    }

    fn reload_listed(&mut self, listing: Listing) {
        self.reload_while(listing, &|_| true);
    }

    /// While somebody writes: `whole` says which files are not being written.
    fn reload_while(&mut self, listing: Listing, whole: &dyn Fn(&Path) -> bool) {
        self.reload_rehearsed(listing, whole, &NoRehearsal);
    }

    fn reload_rehearsed(&mut self, listing: Listing, whole: &dyn Fn(&Path) -> bool, rehearsal: &dyn Rehearsal) {
        let mut files: BTreeMap<PluginName, PluginFiles> = BTreeMap::new();
        for entry in fs::read_dir(self.dir.path().join("plugins")).unwrap() {
            let path = entry.unwrap().path();
            let files = files.entry(PluginName::new(path.file_stem().unwrap().to_str().unwrap()).unwrap()).or_default();
            match path.extension().unwrap().to_str().unwrap() {
                "wasm" => files.wasm = Some(path),
                _ => files.manifest = Some(path),
            }
        }
        self.catalog = Arc::new(self.activator.reload(&self.catalog, &Listed { files: &files, listing, whole }, rehearsal));
    }

    fn status(&self, name: &str) -> &PluginStatus {
        self.catalog.statuses().find(|status| status.name.as_str() == name).unwrap_or_else(|| panic!("{name} is not listed"))
    }

    /// State, error and how often it was activated, in one line.
    fn line(&self, name: &str) -> String {
        let status = self.status(name);
        let error = status.error.as_ref().map(|error| format!(" {error}")).unwrap_or_default();
        format!("{:?}×{}{error}", status.state, status.activations).to_lowercase()
    }

    fn check(&self, name: &str, expect: &str) {
        let line = self.line(name);
        assert!(line.starts_with(expect), "{name}: expected: {expect}\n   found: {line}");
    }

    /// What the scheduler in force decides: so many instances, or why there is none.
    fn decides(&self) -> String {
        instances(&self.catalog)
    }
}

fn instances(catalog: &Catalog) -> String {
    let scheduler = match catalog.scheduler() {
        Ok(scheduler) => scheduler,
        Err(none) => return none.to_string(),
    };
    let schedule = decide(&*scheduler, &cluster(Columns::new()), &[]).unwrap().admitted.schedule;
    schedule.nodes_of("web").map(|(_, instances)| instances.to_string()).collect()
}

#[test]
fn a_good_build_comes_into_force_and_a_better_one_takes_its_place() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.check("spread", "active×1");
    assert_eq!((site.decides().as_str(), site.catalog.generation()), ("1", 1));
    assert_eq!(site.status("spread").digest, Some(Digest::of(&placing_guest(1))));

    site.put("spread.wasm", placing_guest(2));
    site.reload();
    site.check("spread", "active×2");
    assert_eq!((site.decides().as_str(), site.catalog.generation()), ("2", 2));
    assert_eq!(site.status("spread").digest, Some(Digest::of(&placing_guest(2))));
}

#[test]
fn a_touched_file_is_the_same_plugin() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    let (before, status) = (site.catalog.clone(), site.status("spread").clone());
    // A new file with the bytes of the former.
    site.remove("spread.wasm");
    site.put_scheduler("spread", 1);
    site.reload();
    assert_eq!(site.status("spread"), &status);
    assert!(Arc::ptr_eq(&before.scheduler().unwrap(), &site.catalog.scheduler().unwrap()));
}

#[test]
fn what_is_no_good_leaves_in_force_what_was_there() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    let good = Digest::of(&placing_guest(1));
    let mut check = |wasm: &[u8], manifest: &str, step: Step, expect: &str| {
        site.put("spread.wasm", wasm);
        site.put("spread.yaml", manifest);
        site.reload();
        site.check("spread", expect);
        assert_eq!(site.decides(), "1", "{expect}");
        let status = site.status("spread");
        assert_eq!((status.state, status.digest), (PluginState::Kept, Some(good)), "{expect}");
        let error = status.error.as_ref().unwrap();
        assert_eq!((error.step, error.digest), (step, Some(Digest::of(wasm))));
        // Without a new file there is nothing to try again.
        let at = error.at;
        site.reload();
        assert_eq!(site.status("spread").error.as_ref().unwrap().at, at);
    };
    let next = placing_guest(2);
    check(b"garbage", SCHEDULER, Step::Inspect, "kept×1 inspect: it is no webassembly");
    check(b"", SCHEDULER, Step::Inspect, "kept×1 inspect: it is no webassembly");
    check(&next[..next.len() / 2], SCHEDULER, Step::Inspect, "kept×1 inspect: it ");
    let pinned = format!("kind: scheduler\ndigest: {good}\n");
    check(
        &next,
        &pinned,
        Step::Pin,
        &format!("kept×1 pin: the manifest allows {good} only, the file is {}: install that build", Digest::of(&next)),
    );
    check(&next, "kind: scheduler\nlimits: { fuel: much }\n", Step::Manifest, "kept×1 manifest: ");
    check(&next, "kind: scheduler\nlimit: {}\n", Step::Manifest, "kept×1 manifest: ");
    check(&next, "kind: [\n", Step::Manifest, "kept×1 manifest: ");
    check(
        &next,
        "kind: filter\n",
        Step::Inspect,
        "kept×1 inspect: the manifest says `kind: filter`, but what it exports makes it a scheduler",
    );
    check(&next, "kind: filter\nmode: shadow\n", Step::Manifest, "kept×1 manifest: ");
    let looping = crate::sandbox::guest::core_with("(func $start (loop (br 0))) (start $start)", "");
    check(&looping, "kind: scheduler\nlimits: { fuel: 1M }\n", Step::Describe, "kept×1 describe: used up its fuel of 1m");
    let greedy = crate::sandbox::guest::core_with("(table 100001 funcref)", "");
    check(&greedy, SCHEDULER, Step::Compile, "kept×1 compile: the compiled plugin cannot be loaded");

    // And the way back.
    site.put_scheduler("spread", 3);
    site.reload();
    site.check("spread", "active×2");
    assert_eq!(site.decides(), "3");
}

#[test]
fn a_manifest_alone_is_a_change_too() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put("spread.yaml", "kind: scheduler\nlimits: { fuel: 1G }\n");
    site.reload();
    site.check("spread", "active×2");
    assert_eq!(site.status("spread").limits["fuel"], "1G");
}

#[test]
fn a_missing_file_leaves_the_plugin_and_two_take_it_away() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.remove("spread.wasm");
    site.reload();
    site.check("spread", "kept×1 read: ");
    assert!(site.line("spread").contains("spread.wasm is missing: put the plugin beside its manifest"), "{}", site.line("spread"));
    assert_eq!(site.decides(), "1");
    site.remove("spread.yaml");
    site.reload();
    assert_eq!(site.catalog.statuses().count(), 0);
    assert!(site.decides().starts_with("no scheduler plugin is active: put NAME.wasm and NAME.yaml"), "{}", site.decides());
}

#[test]
fn a_directory_that_could_not_be_read_whole_takes_nothing_away() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.remove("spread.wasm");
    site.remove("spread.yaml");
    site.reload_listed(Listing::Partial);
    site.check("spread", "active×1");
    assert_eq!(site.decides(), "1");
    site.reload();
    assert_eq!(site.catalog.statuses().count(), 0);
}

#[test]
fn what_is_written_while_others_are_compiled_is_left_alone() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.put_scheduler("zeta", 1);
    site.put("zeta.yaml", "kind: scheduler\nmode: shadow\n");
    site.reload();
    let zeta = site.line("zeta");
    // `spread` is read, compiled and in force when half of `zeta` stands there; and a third one is begun.
    site.put_scheduler("spread", 2);
    site.put("zeta.wasm", &placing_guest(2)[..20]);
    site.put_scheduler("zeus", 1);
    site.reload_while(Listing::Whole, &|path| !path.file_name().unwrap().to_str().unwrap().starts_with('z'));
    assert_eq!(site.decides(), "2");
    assert_eq!(site.line("zeta"), zeta);
    assert_eq!(site.catalog.statuses().count(), 2);
    // Nothing that it needs was taken away; once it is whole it is one activation more.
    site.remove("zeus.wasm");
    site.remove("zeus.yaml");
    site.put("zeta.wasm", placing_guest(2));
    site.reload();
    assert_eq!(site.line("zeta"), zeta.replace("×1", "×2"));
}

#[test]
fn off_and_without_a_manifest() {
    let mut site = Site::new();
    site.put("spread.wasm", placing_guest(1));
    site.reload();
    site.check("spread", "off×0");
    // Looked at, not run.
    assert_eq!(site.status("spread").abi.map(|abi| abi.to_string()).as_deref(), Some("core module, ABI 1"));
    assert!(site.decides().starts_with("no scheduler plugin is active"), "{}", site.decides());
    site.put("spread.yaml", SCHEDULER);
    site.reload();
    site.check("spread", "active×1");
    site.put("spread.yaml", "kind: scheduler\nmode: off\n");
    site.reload();
    site.check("spread", "off×0");
    assert!(site.decides().starts_with("no scheduler plugin is active"), "{}", site.decides());
    // A slip in the manifest is no order to run it again.
    site.put("spread.yaml", "kind: scheduler\nmode: of\n");
    site.reload();
    site.check("spread", "failed×0 manifest: ");
    assert!(site.decides().starts_with("no scheduler plugin is active"), "{}", site.decides());
}

#[test]
fn a_directory_where_a_plugin_is_expected() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.remove("spread.wasm");
    fs::create_dir(site.path("spread.wasm")).unwrap();
    site.reload();
    site.check("spread", "kept×1 read: ");
    assert!(site.line("spread").contains("spread.wasm: cannot be read: is a directory"), "{}", site.line("spread"));
    assert_eq!(site.decides(), "1");
}

#[test]
fn counters_go_with_their_build() {
    let mut site = Site::new();
    for instances in 1..=20 {
        site.put_scheduler("spread", instances);
        site.reload();
        // A call is counted under its build.
        assert_eq!(site.decides(), instances.to_string());
    }
    let builds = site.activator.meters().builds();
    assert_eq!(builds.len(), 6, "the one in force and the five that are kept: {builds:#?}");
    site.remove("spread.wasm");
    site.remove("spread.yaml");
    site.reload();
    let other = site.activator.meters().plugins();
    assert!(other.iter().all(|(name, _)| name.as_str() != "spread"), "what was taken out has no counters: {other:#?}");
}

#[test]
fn a_plugin_that_only_fails_when_it_is_called_is_in_force() {
    let mut site = Site::new();
    site.put("spread.wasm", core("(unreachable)"));
    site.put("spread.yaml", SCHEDULER);
    site.reload();
    site.check("spread", "active×1");
    let scheduler = site.catalog.scheduler().unwrap();
    assert!(decide(&*scheduler, &cluster(Columns::new()), &[]).is_err());
}
