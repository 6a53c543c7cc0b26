//! A daemon that dies at any step: afterwards the role is entirely what it was or entirely what it should be, and the services were told last
//! of the set that is in force.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::world::{World, file, pair, role, run};
use super::*;
use crate::files::{Direct, Step, Steps};

/// Lets so many steps happen and dies then.
pub(super) struct Dies(pub(super) Cell<usize>);

impl Steps for Dies {
    fn before(&self, _: Step) -> io::Result<()> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            // Unwinding leaves what is on the disk, as a killed process does, but for the staging that its owner drops.
            None => std::panic::resume_unwind(Box::new("died")),
        }
    }
}

fn before() -> RenderedRole {
    RenderedRole {
        files: vec![file("x/kept", "1"), file("x/changed", "1"), file("y/gone", "1")],
        duties: Duties { actions: vec![run("before")], ..Duties::default() },
        ..RenderedRole::default()
    }
}

fn after() -> RenderedRole {
    RenderedRole {
        files: vec![file("x/kept", "1"), file("x/changed", "2"), file("z/new", "2")],
        duties: Duties { actions: vec![run("after")], ..Duties::default() },
        ..RenderedRole::default()
    }
}

fn old() -> Vec<(String, String)> {
    [("x/changed", "1"), ("x/kept", "1"), ("y/gone", "1")].map(pair).into()
}

fn new() -> Vec<(String, String)> {
    [("x/changed", "2"), ("x/kept", "1"), ("z/new", "2")].map(pair).into()
}

/// Dies after `steps`, and again after `then` while that is undone. Gives whether it died at all.
fn dies(steps: usize, then: Option<usize>) -> bool {
    let mut world = World::new();
    world.deploy(&before()).expect("deployed");
    world.ran();
    let die =
        |world: &mut World, steps: usize, deploy: bool| {
            let dies = Dies(Cell::new(steps));
            let work =
                AssertUnwindSafe(|| {
                    world.with(&dies, |transactor, origin| {
                        if deploy { transactor.deploy(&role(), &after(), origin).map(drop) } else { transactor.recover(&role()) }
                    })
                });
            catch_unwind(work).is_err()
        };
    let died = die(&mut world, steps, true);
    if let Some(then) = then {
        die(&mut world, then, false);
    }
    world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("undone");
    let record = world.records.load(&role()).expect("sound");
    assert_eq!(record.pending, None);
    let in_force = record.generation.expect("one is in force").duties.actions;
    let ran = world.ran();
    if in_force == after().duties.actions {
        assert_eq!(world.files(), new(), "step {steps}, then {then:?}");
        assert_eq!(ran.last().map(String::as_str), Some("after"), "step {steps}, then {then:?}");
    } else {
        assert_eq!(world.files(), old(), "step {steps}, then {then:?}");
        // Told last of what is in force, if told at all.
        assert!(ran.last().is_none_or(|last| last == "before"), "step {steps}, then {then:?}: {ran:?}");
    }
    // And it goes on from there.
    world.deploy(&after()).expect("deployed");
    assert_eq!(world.files(), new());
    assert!(world.is_clean());
    died
}

#[test]
fn whenever_it_dies() {
    let mut steps = 0;
    while dies(steps, None) {
        steps += 1;
    }
    assert!(steps > 10, "only {steps} steps");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whenever_it_dies_and_dies_again(steps in 0_usize..40, then in 0_usize..20) {
        dies(steps, Some(then));
    }
}

#[test]
fn while_services_are_told() {
    let mut world = World::new();
    world.deploy(&before()).expect("deployed");
    world.ran();
    let mut record = world.records.load(&role()).expect("sound");
    // As it is written down when commands begin to run, and the daemon is killed then.
    let mut died = after();
    died.duties.actions = vec![run("dies")];
    world.fails("dies");
    world.deploy(&died).expect_err("refused");
    assert_eq!(world.ran(), ["dies", "before"]);
    record.pending = Some(Pending {
        since: UnixMillis(1),
        origin: record.generation.as_ref().expect("one").origin.clone(),
        entries: Vec::new(),
        telling: true,
        reload: before().duties,
    });
    world.records.save(&record).expect("written");
    world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("undone");
    assert_eq!(world.ran(), ["before"]);
    assert_eq!(world.files(), old());
}

#[test]
fn a_daemon_that_ends_while_it_undoes_tells_services_at_its_next_start() {
    let mut world = World::new();
    world.deploy(&before()).expect("deployed");
    world.ran();
    world.fails("after");
    world.played.over = true;
    let error = world.deploy(&after()).expect_err("ended").to_string();
    assert!(error.contains("the daemon ends before services could be told so (the daemon ends): its next start tells them"), "{error}");
    assert_eq!((world.files(), world.ran()), (old(), vec!["after".to_owned()]));
    world.played.over = false;
    world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("told");
    assert_eq!((world.files(), world.ran()), (old(), vec!["before".to_owned()]));
    assert_eq!(world.records.load(&role()).expect("sound").pending, None);
    assert!(world.is_clean());
}
