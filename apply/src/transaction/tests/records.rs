//! A disk that refuses once, at any step of writing what is remembered: the role is entirely what it was or what it should be, says which, and
//! goes on from there.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::world::{self, World, file, pair, run};
use super::*;
use crate::files::{Step, Steps};

/// Refuses one step, counted from 0.
struct Refuses(Arc<AtomicUsize>);

impl Steps for Refuses {
    fn before(&self, _: Step) -> io::Result<()> {
        match self.0.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(Errno::NOSPC.into()),
            _ => Ok(()),
        }
    }
}

fn role(text: &str, command: &str) -> RenderedRole {
    let duties = Duties { actions: vec![run(command)], ..Duties::default() };
    RenderedRole { files: vec![file("x/a", text), file("b", text)], duties, ..RenderedRole::default() }
}

#[test]
fn a_record_that_cannot_be_written_at_any_step() {
    let mut refused = Vec::new();
    for step in 0.. {
        let mut world = World::new();
        world.deploy(&role("1", "before")).expect("deployed");
        world.ran();
        let left = Arc::new(AtomicUsize::new(step));
        world.records = Records::open_with(&world.path("roles"), Box::new(Refuses(left.clone()))).expect("opened");
        let done = world.deploy(&role("2", "after"));
        // It wrapped around: it was refused.
        let was_refused = left.load(Ordering::Relaxed) > step;
        let ran = world.ran();
        match done {
            Ok(_) => {
                assert_eq!(world.files(), [("b", "2"), ("x/a", "2")].map(pair), "step {step}");
                assert_eq!(ran.last().map(String::as_str), Some("after"), "step {step}");
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with("role web: ") && error.contains("roles/web.json cannot be written"), "{error}");
                assert!(error.contains("No space left on device"), "{error}");
                assert_eq!(world.files(), [("b", "1"), ("x/a", "1")].map(pair), "step {step}: {error}");
                assert!(ran.last().is_none_or(|last| last == "before"), "step {step}: {ran:?}");
                let untouched = error.ends_with("; nothing was changed");
                assert_eq!(untouched, ran.is_empty() && !error.contains("the former files are back"), "step {step}: {error}");
                refused.push(step);
            }
        }
        world.deploy(&role("2", "after")).expect("deployed");
        assert_eq!(world.files(), [("b", "2"), ("x/a", "2")].map(pair), "step {step}");
        assert!(world.is_clean(), "step {step}");
        if !was_refused {
            break;
        }
    }
    // Before the swap, before services are told, and at the commit: four steps each.
    assert_eq!(refused, (0..12).collect::<Vec<_>>());
}

/// Notes which steps there are.
#[derive(Default, Clone)]
struct Notes(Arc<Mutex<Vec<Step>>>);

impl Steps for Notes {
    fn before(&self, step: Step) -> io::Result<()> {
        self.0.lock().expect("nobody panicked").push(step);
        Ok(())
    }
}

#[test]
fn the_directory_of_a_generations_texts_outlives_a_power_failure() {
    let (temp, notes) = (tempfile::tempdir().expect("a directory"), Notes::default());
    let records = Records::open_with(&temp.path().join("roles"), Box::new(notes.clone())).expect("opened");
    let texts = [("0-x".to_owned(), b"words".to_vec())].into();
    records.write_texts(&world::role(), Digest::of(b"told"), &texts).expect("written");
    let steps = notes.0.lock().expect("nobody panicked").clone();
    // Its own name, and then that of the text in it.
    assert_eq!(steps, [Step::Sync, Step::Write, Step::Write, Step::Move, Step::Sync]);
}
