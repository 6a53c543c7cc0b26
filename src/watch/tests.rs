//! Watching real directories. Nothing here waits for time to pass: every test waits for the change it made.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// Long enough for a loaded machine; reached only by a test that fails.
const GENEROUS: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_millis(20);

const NONE: ChangeSet =
    ChangeSet { plugins: false, templates: false, runtime: false, machine: false, sandbox: false, secrets: false, settings: false };
const ALL: ChangeSet =
    ChangeSet { plugins: true, templates: true, runtime: true, machine: true, sandbox: true, secrets: true, settings: true };

/// A watched tree, by events or by looking only.
struct Watched {
    dir: PathBuf,
    changes: Changes,
    drain: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    /// What was expected last: on a loaded machine one change may be reported in two parts.
    last: ChangeSet,
    _root: tempfile::TempDir,
}

#[derive(Debug, Clone, Copy)]
enum By {
    /// The regular look is too far away to help.
    Events,
    /// No events at all.
    Looking,
}

fn watched(by: By, prepare: impl FnOnce(&Path)) -> Watched {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("etc");
    prepare(&dir);
    let drain = CancellationToken::new();
    let (changes, task) = match by {
        By::Events => {
            let (changes, task) = start_with(&dir, QUIET, drain.clone(), 2 * GENEROUS, Eyes::open).expect("started");
            (changes, tokio::spawn(task))
        }
        By::Looking => {
            let (changes, task) = start_with(&dir, QUIET, drain.clone(), QUIET, Eyes::closed).expect("started");
            (changes, tokio::spawn(task))
        }
    };
    Watched { dir, changes, drain, task, last: NONE, _root: root }
}

impl Watched {
    /// Waits until all of `expect` was reported; anything beyond it and what was expected before fails.
    async fn expect(&mut self, expect: ChangeSet) {
        let mut allowed = expect;
        allowed.add(self.last);
        self.last = expect;
        let mut seen = NONE;
        while !covers(seen, expect) {
            let next = tokio::time::timeout(GENEROUS, self.changes.next()).await;
            seen.add(next.unwrap_or_else(|_| panic!("only {seen:?} of {expect:?} was reported")).expect("still watching"));
            assert!(covers(allowed, seen), "{seen:?} was reported where only {allowed:?} changed");
        }
    }

    /// Changes one file and waits for the report: what was reported before it would come first.
    async fn expect_nothing_else(&mut self) {
        fs::write(self.dir.join("verwalter.yaml"), "name: x").expect("written");
        self.expect(ChangeSet { settings: true, ..NONE }).await;
    }
}

fn covers(all: ChangeSet, some: ChangeSet) -> bool {
    let mut both = all;
    both.add(some);
    both == all
}

fn usual_tree(dir: &Path) {
    for part in ["plugins", "templates/web/v1", "runtime/web", "machine", "sandbox", "secrets", "frontend"] {
        fs::create_dir_all(dir.join(part)).expect("made");
    }
}

async fn each_part(by: By) {
    let mut watched = watched(by, usual_tree);
    let dir = watched.dir.clone();
    let change = |name: &str| fs::write(dir.join(name), name).expect("written");
    change("plugins/a.wasm");
    watched.expect(ChangeSet { plugins: true, ..NONE }).await;
    change("templates/web/v1/a.hbs");
    watched.expect(ChangeSet { templates: true, ..NONE }).await;
    change("runtime/web/v1.yaml");
    watched.expect(ChangeSet { runtime: true, ..NONE }).await;
    change("machine/a.yaml");
    watched.expect(ChangeSet { machine: true, ..NONE }).await;
    change("sandbox/a.yaml");
    watched.expect(ChangeSet { sandbox: true, ..NONE }).await;
    change("secrets/a");
    watched.expect(ChangeSet { secrets: true, ..NONE }).await;
    change("verwalter.yaml");
    watched.expect(ChangeSet { settings: true, ..NONE }).await;
    fs::remove_file(dir.join("runtime/web/v1.yaml")).expect("removed");
    watched.expect(ChangeSet { runtime: true, ..NONE }).await;
}

#[tokio::test]
async fn each_part_is_told_from_the_others_by_events() {
    each_part(By::Events).await;
}

#[tokio::test]
async fn each_part_is_told_from_the_others_by_looking() {
    each_part(By::Looking).await;
}

#[tokio::test]
async fn directories_may_come_later_and_be_replaced() {
    for by in [By::Events, By::Looking] {
        let mut watched = watched(by, |_| ());
        let dir = watched.dir.clone();
        fs::create_dir(&dir).expect("made");
        fs::create_dir_all(dir.join("runtime/a/b")).expect("made");
        watched.expect(ChangeSet { runtime: true, ..NONE }).await;
        fs::write(dir.join("runtime/a/b/c.yaml"), "1").expect("written");
        watched.expect(ChangeSet { runtime: true, ..NONE }).await;
        // A whole directory swapped by rename, then changed under its new identity.
        fs::create_dir_all(dir.join("new/a")).expect("made");
        fs::rename(dir.join("runtime"), dir.join("old")).expect("renamed");
        fs::rename(dir.join("new"), dir.join("runtime")).expect("renamed");
        watched.expect(ChangeSet { runtime: true, ..NONE }).await;
        fs::write(dir.join("runtime/a/d.yaml"), "1").expect("written");
        watched.expect(ChangeSet { runtime: true, ..NONE }).await;
        // What was moved away is nobody's.
        fs::create_dir(dir.join("machine")).expect("made");
        watched.expect(ChangeSet { machine: true, ..NONE }).await;
        fs::write(dir.join("old/e.yaml"), "1").expect("written");
        watched.expect_nothing_else().await;
    }
}

#[tokio::test]
async fn the_whole_tree_may_be_replaced() {
    for by in [By::Events, By::Looking] {
        let mut watched = watched(by, usual_tree);
        let dir = watched.dir.clone();
        let other = dir.with_file_name("other");
        fs::create_dir_all(other.join("machine")).expect("made");
        fs::write(other.join("machine/a.yaml"), "rack: r1").expect("written");
        fs::rename(&dir, dir.with_file_name("old")).expect("renamed");
        fs::rename(&other, &dir).expect("renamed");
        watched.expect(ChangeSet { settings: false, ..ALL }).await;
        fs::write(dir.join("machine/a.yaml"), "rack: r2").expect("written");
        watched.expect(ChangeSet { machine: true, ..NONE }).await;
    }
}

#[tokio::test]
async fn links_are_followed_and_their_swap_is_seen() {
    for by in [By::Events, By::Looking] {
        let mut watched = watched(by, |dir| {
            usual_tree(dir);
            // As a container runtime mounts a volume: files are links through `..data`, which is swapped as a whole.
            for (version, content) in [("..1", "a: 1"), ("..2", "a: 2")] {
                fs::create_dir(dir.join("machine").join(version)).expect("made");
                fs::write(dir.join("machine").join(version).join("m.yaml"), content).expect("written");
            }
            symlink("..1", dir.join("machine/..data")).expect("linked");
            symlink("..data/m.yaml", dir.join("machine/m.yaml")).expect("linked");
            // A directory elsewhere, and a circle.
            fs::create_dir(dir.with_file_name("elsewhere")).expect("made");
            symlink("../../elsewhere", dir.join("templates/far")).expect("linked");
            symlink(".", dir.join("templates/circle")).expect("linked");
        });
        let dir = watched.dir.clone();
        symlink("..2", dir.join("machine/..new")).expect("linked");
        fs::rename(dir.join("machine/..new"), dir.join("machine/..data")).expect("renamed");
        watched.expect(ChangeSet { machine: true, ..NONE }).await;
        fs::write(dir.with_file_name("elsewhere").join("x.hbs"), "x").expect("written");
        watched.expect(ChangeSet { templates: true, ..NONE }).await;
    }
}

#[tokio::test]
async fn what_a_link_leads_to_is_looked_at_where_no_event_tells() {
    let mut watched = watched(By::Looking, |dir| {
        usual_tree(dir);
        fs::create_dir(dir.with_file_name("builds")).expect("made");
        fs::write(dir.with_file_name("builds").join("a.wasm"), "1").expect("written");
        symlink("../../builds/a.wasm", dir.join("plugins/a.wasm")).expect("linked");
    });
    fs::write(watched.dir.with_file_name("builds").join("a.wasm"), "22").expect("written");
    watched.expect(ChangeSet { plugins: true, ..NONE }).await;
    fs::write(watched.dir.with_file_name("builds").join("b.wasm"), "1").expect("written");
    watched.expect_nothing_else().await;
}

#[tokio::test]
async fn reading_and_strangers_are_no_changes() {
    for by in [By::Events, By::Looking] {
        let mut watched = watched(by, |dir| {
            usual_tree(dir);
            fs::write(dir.join("runtime/a.yaml"), "1").expect("written");
        });
        fs::read(watched.dir.join("runtime/a.yaml")).expect("read");
        fs::read_dir(watched.dir.join("plugins")).expect("read");
        fs::write(watched.dir.join("frontend/index.html"), "x").expect("written");
        fs::write(watched.dir.join("runtime/.a.yaml.swp"), "x").expect("written");
        fs::write(watched.dir.with_file_name("stranger"), "x").expect("written");
        watched.expect_nothing_else().await;
    }
}

#[tokio::test]
async fn a_writer_that_never_pauses_does_not_starve_the_reader() {
    let mut watched = watched(By::Events, usual_tree);
    let file = watched.dir.join("runtime/a.txt");
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let writer = tokio::task::spawn_blocking(move || {
        let mut writes = 0_u64;
        while !stopped.is_cancelled() {
            writes += 1;
            fs::write(&file, writes.to_string()).expect("written");
        }
    });
    watched.expect(ChangeSet { runtime: true, ..NONE }).await;
    watched.expect(ChangeSet { runtime: true, ..NONE }).await;
    stop.cancel();
    writer.await.expect("it ended");
}

#[tokio::test]
async fn what_is_written_after_the_quiet_is_told_apart() {
    let mut watched = watched(By::Events, |dir| {
        usual_tree(dir);
        fs::write(dir.join("runtime/a.yaml"), "1").expect("written");
    });
    let check = |settled: &Settled, dir: &Path, parts: ChangeSet, paths: &[&str]| {
        let stirring = settled.stirring();
        assert_eq!(stirring.parts(), parts);
        for path in ["plugins", "plugins/a.wasm", "runtime/a.yaml", "machine/a.yaml"] {
            assert_eq!(stirring.has(&dir.join(path)), paths.contains(&path), "{path}");
        }
    };
    let dir = watched.dir.clone();
    // Before anything was reported the tree at the start counts.
    let start = watched.changes.settled();
    check(&start, &dir, NONE, &[]);
    fs::write(dir.join("plugins/a.wasm"), "1").expect("written");
    check(&start, &dir, ChangeSet { plugins: true, ..NONE }, &["plugins/a.wasm"]);
    watched.expect(ChangeSet { plugins: true, ..NONE }).await;
    watched.expect_nothing_else().await;
    let settled = watched.changes.settled();
    check(&settled, &dir, NONE, &[]);
    fs::write(dir.join("machine/a.yaml"), "a: 1").expect("written");
    fs::remove_file(dir.join("runtime/a.yaml")).expect("removed");
    check(&settled, &dir, ChangeSet { machine: true, runtime: true, ..NONE }, &["machine/a.yaml", "runtime/a.yaml"]);
    check(&Settled::default(), &dir, NONE, &[]);
    fs::rename(dir.join("plugins"), dir.join("gone")).expect("renamed");
    check(
        &settled,
        &dir,
        ChangeSet { machine: true, runtime: true, plugins: true, ..NONE },
        &["machine/a.yaml", "runtime/a.yaml", "plugins", "plugins/a.wasm"],
    );
}

#[test]
fn parts_cover_what_lies_in_them() {
    let dir = Path::new("/etc/verwalter");
    let check = |parts: ChangeSet, path: &str, expect: bool| assert_eq!(parts.covers(dir, Path::new(path)), expect, "{path}");
    let both = ChangeSet { plugins: true, settings: true, ..NONE };
    check(both, "/etc/verwalter/plugins/a.wasm", true);
    check(both, "/etc/verwalter/plugins", true);
    check(both, "/etc/verwalter/verwalter.yaml", true);
    check(both, "/etc/verwalter/runtime/a.yaml", false);
    check(both, "/etc/verwalter/stranger", false);
    check(both, "/etc/verwalter", false);
    check(NONE, "/etc/verwalter/plugins", false);
}

#[tokio::test]
async fn what_was_not_taken_is_added_up() {
    let outbox = Arc::new(Outbox::default());
    let sender = Sender(Arc::clone(&outbox));
    let changes = Changes { outbox };
    sender.0.publish(ChangeSet { runtime: true, ..NONE }, Settled::default());
    sender.0.publish(NONE, Settled::default());
    sender.0.publish(ChangeSet { plugins: true, ..NONE }, Settled::default());
    assert_eq!(changes.next().await, Some(ChangeSet { runtime: true, plugins: true, ..NONE }));
    sender.0.publish(ChangeSet { settings: true, ..NONE }, Settled::default());
    drop(sender);
    assert_eq!(changes.next().await, Some(ChangeSet { settings: true, ..NONE }));
    assert_eq!(changes.next().await, None);
}

#[tokio::test]
async fn it_ends_on_drain() {
    let watched = watched(By::Events, usual_tree);
    watched.drain.cancel();
    tokio::time::timeout(GENEROUS, watched.task).await.expect("it ends").expect("without a panic");
    assert_eq!(watched.changes.next().await, None);
}
