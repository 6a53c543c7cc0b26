//! What it costs to keep 1,000 files in 100 roles as they should be: nothing changed, one variable, all of them, the first time. Through the
//! task of the daemon, with its child and its records, beside the way of consul-template on the same templates and library, in one run. It
//! prints the README's table. Times are of this machine and its disk; the ratios are the point.
//!
//! `cargo bench --bench deploy -- 20` says how often.

mod each;
mod node;
mod table;
mod tree;

use std::path::Path;
use std::time::Duration;

use each::{Each, Sync};
use node::{FILES, Node, ROLES, Wanted};
use table::{Row, print};
use tree::Tree;

/// How often each is measured.
const TIMES: usize = 10;
/// Where nothing is done, a pass is short: so many times more of them.
const IDLE_FACTOR: usize = 10;

fn main() {
    // The daemon's child is the program itself.
    if std::env::args().nth(1).as_deref() == Some(verwalter::deploy::FILES_SUBCOMMAND) {
        verwalter_apply::confine::serve().expect("the daemon asks");
        return;
    }
    // Cargo adds flags of its own. `cargo test --benches` only wants to see it run.
    let test = std::env::args().any(|argument| argument == "--test");
    let times = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(if test { 1 } else { TIMES }).max(1);
    let disk = tempfile::tempdir().expect("a temporary directory");
    print("on the disk", &rows(disk.path(), times));
    // Without what the disk takes.
    if let Ok(memory) = tempfile::tempdir_in("/dev/shm") {
        print("in memory", &rows(memory.path(), times));
    }
}

/// The daemon's task and the other way, in turn.
fn rows(dir: &Path, times: usize) -> Vec<Row> {
    let mut wanted = Wanted::default();
    let (here, mut first) = (dir.join("daemon"), Row::new("first deployment"));
    let mut node = Node::start(&here);
    measured(&mut first, &here, || node.deploy(&wanted));
    assert_eq!(node.failed(), 0);
    drop(node);
    let mut node = Node::start(&here);
    let mut start = Row::new("the first pass after a restart, nothing changed");
    measured(&mut start, &here, || node.deploy(&wanted));
    start.must_be_idle();

    let mut same = Row::new("nothing changed here, another node's part of the schedule did");
    for _ in 0..times * IDLE_FACTOR {
        wanted.other += 1;
        measured(&mut same, &here, || node.deploy(&wanted));
    }
    same.must_be_idle();
    let mut others = [Sync::Each, Sync::None].map(|sync| Each::new(&dir.join(format!("each-{}", sync as u8)), sync));
    for other in &mut others {
        other.deploy(&wanted);
    }
    let mut bytes = Row::new("a variable of all roles changed that no template prints");
    let mut idle = Row::new("each file on its own: nothing changed");
    for _ in 0..times {
        wanted.unprinted += 1;
        measured(&mut bytes, &here, || node.deploy(&wanted));
        idle.add(others[0].deploy(&wanted));
    }
    bytes.must_be_idle();
    let (mut one, mut one_each) =
        (Row::new("one variable of one role changed"), Row::new("each file on its own, synced: one variable of one role changed"));
    for n in 0..times {
        wanted.versions[n % ROLES] += 1;
        measured(&mut one, &here, || node.deploy(&wanted));
        one_each.add(others[0].deploy(&wanted));
    }
    one.must_write(FILES);
    others[1].deploy(&wanted);
    let mut all = Row::new("a variable of all roles changed");
    let (mut synced, mut unsynced) = (
        Row::new("each file on its own, synced: a variable of all roles"),
        Row::new("each file on its own, not synced: a variable of all roles"),
    );
    for _ in 0..times {
        wanted.versions.iter_mut().for_each(|version| *version += 1);
        measured(&mut all, &here, || node.deploy(&wanted));
        synced.add(others[0].deploy(&wanted));
        unsynced.add(others[1].deploy(&wanted));
    }
    all.must_write(ROLES * FILES);
    assert_eq!(node.failed(), 0);
    [same, bytes, idle, start, one, one_each, all, synced, unsynced, first].into()
}

/// Measures `work` and what it did to the directories of files, records and logs.
fn measured(row: &mut Row, dir: &Path, work: impl FnOnce() -> Duration) {
    let (out, before) = (dir.join("out"), Tree::of(dir));
    let took = work();
    let after = Tree::of(dir);
    row.add((took, before.files_changed(&after, &out)));
    row.touched(before.changed(&after));
}
