//! Processes that carry out a role's transaction and are killed on the way, by SIGKILL and by seed: afterwards the role is entirely what it
//! was or entirely what it should be, and its services were told last of what is in force.

mod found;
mod world;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use found::{leftovers, record, state};
use world::{Course, Numbers, Scenario, Toll, World};

/// Every one is killed once in the deployment, and most of them again in what follows.
const SEEDS: u64 = 500;
/// They wait for processes and the disk.
const AT_ONCE: u64 = 4;

/// What came of all seeds.
#[derive(Debug, Default)]
struct Tally {
    kept: u32,
    changed: u32,
    killed_again: u32,
}

/// Whether the process was killed, as it must be unless it ended well before.
fn killed(what: &str, dir: &Path, seed: u64, step: usize) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apply-role"));
    let output = command.arg(what).arg(dir).args([seed.to_string(), step.to_string()]).output().expect("it starts");
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "seed {seed}: {what} before step {step}: {output:?}");
    killed
}

/// Most in memory, where nothing waits for a disk: what was written outlives a process there too.
fn directory(seed: u64) -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let found = if seed.is_multiple_of(8) { Err(()) } else { tempfile::tempdir_in(memory).map_err(drop) };
    found.or_else(|()| tempfile::tempdir().map_err(drop)).expect("a directory")
}

fn seed(seed: u64) -> Tally {
    let scenario = Scenario::of(seed);
    // How it goes without a kill, and in how many steps.
    let temp = directory(seed);
    World::open(temp.path(), &scenario, &Toll::none()).before(&scenario);
    let before = state(temp.path());
    let toll = Toll::none();
    let done = World::open(temp.path(), &scenario, &toll).after(&scenario);
    let fails = matches!(scenario.course, Course::CommandFails | Course::HealthFails);
    assert_eq!(done.is_err(), fails, "seed {seed}: {done:?}");
    let after = state(temp.path());
    assert_eq!(before == after, fails, "seed {seed}");

    let mut numbers = Numbers::of(!seed);
    let step = numbers.below(toll.paid());
    let temp = directory(seed);
    assert!(killed("deploy", temp.path(), seed, step), "seed {seed}: it was not killed before step {step} of {}", toll.paid());
    let mut steps = vec![step];
    let mut tally = Tally::default();
    loop {
        // Far enough that half of them are not reached.
        steps.push(numbers.below(40));
        if !killed("recover", temp.path(), seed, steps[steps.len() - 1]) {
            break;
        }
        tally.killed_again += 1;
    }
    let world = World::open(temp.path(), &scenario, &Toll::none());
    let now = state(temp.path());
    // Nothing is left to do.
    world.recover().expect("it is sound");
    assert_eq!(state(temp.path()), now, "seed {seed}, killed before {steps:?}");
    assert!(now == before || now == after, "seed {seed}, killed before {steps:?}: {now:#?}\nbefore {before:#?}\nafter {after:#?}");
    let record = record(temp.path());
    assert!(record.pending.is_none(), "seed {seed}, killed before {steps:?}: {record:#?}");
    let left = leftovers(temp.path(), &record);
    assert!(left.is_empty(), "seed {seed}, killed before {steps:?}: {left:?}");
    if now == before {
        tally.kept += 1;
    } else {
        tally.changed += 1;
    }
    // And it goes on from there.
    assert_eq!(world.after(&scenario).is_err(), fails, "seed {seed}, killed before {steps:?}");
    assert_eq!(state(temp.path()), after, "seed {seed}, killed before {steps:?}");
    tally
}

#[test]
fn five_hundred_kills() {
    let total = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for first in 0..AT_ONCE {
            let total = &total;
            scope.spawn(move || {
                for number in (first..SEEDS).step_by(AT_ONCE as usize) {
                    let Tally { kept, changed, killed_again } = seed(number);
                    let mut total = total.lock().expect("no other failed");
                    total.kept += kept;
                    total.changed += changed;
                    total.killed_again += killed_again;
                }
            });
        }
    });
    let total = total.into_inner().expect("none failed");
    eprintln!("{SEEDS} killed while deploying: {total:?}");
    // Kills before the commit and after it, and while it was undone.
    assert!(total.kept > 40 && total.changed > 40 && total.killed_again > 40, "{total:?}");
}
