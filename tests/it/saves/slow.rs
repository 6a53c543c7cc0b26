//! Writers that take their time: what pauses for less than the quiet time is waited for, what pauses for longer is told and left out
//! of force until it is whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::watched::{InForce, MANIFEST, QUIET, WASM, Watched, digest, place};
use crate::support::{Site, core_plugin};

/// Writes in place with pauses, as over a slow line; gives the longest time between two writes.
fn write_slowly(path: &Path, bytes: &[u8], parts: usize) -> Duration {
    const PAUSE: Duration = Duration::from_millis(60);
    // Nobody sends: receiving is a pause. The writer's pace is what the scenario is about; nothing is synchronised by it.
    let (_never, pause) = mpsc::channel::<()>();
    let mut file = File::create(path).expect("it can be written");
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    for part in bytes.chunks(bytes.len().div_ceil(parts)) {
        file.write_all(part).expect("written");
        longest = longest.max(last.elapsed());
        last = Instant::now();
        let _ = pause.recv_timeout(PAUSE);
    }
    longest
}

/// Saves something slowly; it comes into force once, and none of its halves was ever read.
fn saved_slowly(prepare: impl Fn(&mut Watched), save: impl Fn(&mut Watched) -> Duration) {
    const ATTEMPTS: u32 = 5;
    for _ in 0..ATTEMPTS {
        let mut watched = Watched::start();
        prepare(&mut watched);
        let longest = save(&mut watched);
        if longest > QUIET / 2 {
            // The machine held the writer for half the quiet time: that is the other scenario.
            continue;
        }
        watched.barrier();
        let due = watched.due.digest.clone();
        watched.until("it comes into force", |now| now.digest == due);
        assert_eq!(watched.in_force(), watched.due);
        watched.end();
        return;
    }
    panic!("this machine is too busy to write 60 ms apart: {ATTEMPTS} attempts took more than 200 ms between two writes");
}

/// A new build in parts, one after the other.
fn slow_build(watched: &mut Watched, parts: usize) -> Duration {
    let wasm = watched.builds.next();
    watched.due.digest = digest(&wasm);
    watched.due.activations += 1;
    write_slowly(&watched.site.path(WASM), &wasm, parts)
}

#[test]
fn pauses_shorter_than_the_quiet_time_are_waited_for() {
    saved_slowly(|_| (), |watched| slow_build(watched, 12));
}

/// A plugin that is tried again and again, since the machine could be at fault: each time the tree is read.
fn unfinished(watched: &mut Watched) {
    watched.site.write("etc/plugins/late.yaml", "kind: filter\nlimits: { fuel: 1000G, time: 10ms }\n");
    let body = r#"(func (export "vw_filters") (param i32 i32) (result i64) (loop $l (br $l)) unreachable)
        (func (export "vw_apply") (param i32 i32) (result i64) unreachable)"#;
    watched.site.write("etc/plugins/late.wasm", core_plugin(body));
    watched.expect_failure_of("late");
}

#[test]
fn what_is_being_written_is_not_read_when_something_else_is_tried_again() {
    // Three seconds: the first two tries fall within.
    saved_slowly(unfinished, |watched| slow_build(watched, 50));
}

#[test]
fn what_is_gone_while_its_successor_is_written_is_not_missed() {
    saved_slowly(unfinished, |watched| {
        let wasm = watched.builds.next();
        watched.due.digest = digest(&wasm);
        watched.due.activations += 1;
        fs::remove_file(watched.site.path(WASM)).expect("it is there");
        let part = watched.site.path("etc/plugins/.spread.wasm.part");
        let longest = write_slowly(&part, &wasm, 50);
        fs::rename(part, watched.site.path(WASM)).expect("renamed");
        longest
    });
}

/// A plugin that takes its time to be compiled, and is read before the scheduler.
fn large() -> Vec<u8> {
    const FUNCTIONS: usize = 3_000;
    let steps = "(local.set 0 (i32.add (i32.mul (local.get 0) (local.get 0)) (local.get 0)))".repeat(20);
    let functions = format!("(func (param i32) (result i32) {steps} (local.get 0))").repeat(FUNCTIONS);
    core_plugin(&format!(
        r#"(data (i32.const 1024) "\00[]") {functions}
        (func (export "vw_filters") (param i32 i32) (result i64) (i64.const 0x300000400))
        (func (export "vw_apply") (param i32 i32) (result i64) unreachable)"#
    ))
}

#[test]
fn what_is_being_written_is_not_read_after_another_was_compiled() {
    saved_slowly(
        |_| (),
        |watched| {
            place(&watched.site, "etc/plugins/early.wasm", large());
            place(&watched.site, "etc/plugins/early.yaml", "kind: filter\n");
            watched.compiling();
            slow_build(watched, 50)
        },
    );
}

#[test]
fn metadata_that_is_being_written_is_not_read_when_a_plugin_is_tried_again() {
    saved_slowly(unfinished, |watched| {
        let text = watched.site.read("etc/runtime/web.yaml").expect("it is there");
        write_slowly(&watched.site.path("etc/runtime/web.yaml"), text.as_bytes(), 50)
    });
}

/// Leaves the tree broken for longer than the quiet time, then mends it: told once, the former build stays, one activation.
fn broken_then_mended(breaks: impl FnOnce(&Site, &[u8]), step: &str, told: &str, mends: impl FnOnce(&Site, &[u8])) {
    let mut watched = Watched::start();
    let wasm = watched.builds.next();
    breaks(&watched.site, &wasm);
    let kept = watched.until("the half is told", |now| now.error.is_some());
    let (found, reason) = kept.error.clone().expect("it was waited for");
    assert!(found == step && reason.contains(told), "{step}: {told}: {kept:?}");
    assert_eq!(kept, InForce { state: "kept".to_owned(), error: kept.error.clone(), ..watched.due.clone() });
    // Rounds go on with the former build, and the same half is not told again.
    watched.barrier();
    assert_eq!(watched.in_force(), kept);
    watched.due.digest = digest(&wasm);
    watched.saved("the rest", |site| mends(site, &wasm));
    let failures = watched.end_with_failures();
    assert_eq!(failures.len(), 1, "{failures:#?}");
}

#[test]
fn a_longer_pause_is_told_and_heals() {
    let check = |part: fn(&[u8]) -> &[u8], told: &str| {
        let append = |site: &Site, rest: &[u8]| {
            let mut file = fs::OpenOptions::new().append(true).open(site.path(WASM)).expect("it is there");
            file.write_all(rest).expect("written");
        };
        broken_then_mended(
            |site, wasm| place(site, WASM, part(wasm)),
            "inspect",
            told,
            |site, wasm| append(site, &wasm[part(wasm).len()..]),
        );
    };
    check(|_| b"", "it is no WebAssembly");
    check(|wasm| &wasm[..8], "");
    check(|wasm| &wasm[..wasm.len() / 2], "");
}

#[test]
fn a_file_that_is_gone_for_a_while() {
    broken_then_mended(
        |site, _| fs::remove_file(site.path(WASM)).expect("it is there"),
        "read",
        "spread.wasm is missing",
        |site, wasm| place(site, WASM, wasm),
    );
}

#[test]
fn a_pin_couples_two_files_that_come_apart() {
    broken_then_mended(
        |site, wasm| {
            let manifest = site.read(MANIFEST).expect("it is there");
            place(site, MANIFEST, format!("{manifest}\ndigest: {}\n", digest(wasm)));
        },
        "pin",
        "the manifest allows",
        |site, wasm| place(site, WASM, wasm),
    );
}
