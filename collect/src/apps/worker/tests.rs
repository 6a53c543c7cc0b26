//! A process that never answers, and too many of them. The other made-up processes are those of the scan's tests.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::super::tests::{META, Machine, at, figures, values};
use super::*;

/// A process whose environment never comes: whoever opens it waits until somebody writes.
fn put_silent_process(machine: &Machine, pid: u32) -> PathBuf {
    machine.process(pid, "");
    let environ = machine.proc().join(format!("{pid}/environ"));
    fs::remove_file(&environ).unwrap();
    mknodat(CWD, &environ, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    environ
}

/// Orders and takes every 2 s of its own time, until `done`.
fn work_until(worker: &mut Worker, clock: &mut u64, mut done: impl FnMut(&Found, &Result<(), SourceError>) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "it never came");
        *clock += 2;
        let ordered = worker.order(at(*clock));
        let found = worker.take(Duration::from_secs(1));
        if done(&found, &ordered) {
            return;
        }
    }
}

#[test]
fn a_process_that_never_answers_is_left_behind_alone() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    machine.process(9, "CANTAL_PATH=/run/app\0");
    let silent = put_silent_process(&machine, 5);
    let (mut worker, mut clock) = (Worker::new(machine.proc()), 0);
    let mut told = String::new();
    work_until(&mut worker, &mut clock, |found, ordered| {
        if let Err(error) = ordered {
            told = error.to_string();
        }
        figures(found) == ["requests 9 1", "queue 9 2"]
    });
    assert_eq!(told, "looking into process 5 hangs, what it publishes is left out: see what its files are mounted on, or end it");
    // Once it answers, it is a process as any other.
    let environ = fs::OpenOptions::new().write(true).open(&silent).unwrap();
    drop(environ);
    fs::remove_file(&silent).unwrap();
    fs::write(&silent, "CANTAL_PATH=/run/app\0").unwrap();
    fs::remove_dir_all(machine.proc().join("9")).unwrap();
    let mut restarted = Worker::new(machine.proc());
    work_until(&mut restarted, &mut clock, |found, _| figures(found) == ["requests 5 1", "queue 5 2"]);
}

#[test]
fn with_too_many_that_never_answer_nothing_is_looked_for() {
    let machine = Machine::new();
    let silent: Vec<PathBuf> = (1..=4).map(|pid| put_silent_process(&machine, pid)).collect();
    machine.publish("run/app", META, &values(&[1, 2]));
    machine.process(9, "CANTAL_PATH=/run/app\0");
    let (mut worker, mut clock, mut told) = (Worker::new(machine.proc()), 0, 0);
    work_until(&mut worker, &mut clock, |_, ordered| {
        told += usize::from(ordered.is_err());
        told == 4
    });
    assert_eq!(worker.order(at(clock + 2)).map_err(|error| error.to_string()), Ok(()));
    assert!(worker.take(Duration::ZERO).samples.is_empty());
    // Their threads come back, and then there is one for the others.
    for path in silent {
        drop(fs::OpenOptions::new().write(true).open(path).unwrap());
    }
    fs::remove_dir_all(machine.proc()).unwrap();
    fs::create_dir(machine.proc()).unwrap();
    machine.process(9, "CANTAL_PATH=/run/app\0");
    work_until(&mut worker, &mut clock, |found, _| figures(found) == ["requests 9 1", "queue 9 2"]);
}
