//! What comes back after a restart, and what does not.

use super::*;

fn build(byte: u8) -> BuildId {
    BuildId { wasm: Digest::of(&[byte]), manifest: Digest::of(b"kind: scheduler\n") }
}

fn numbers(ledger: &Ledger) -> Vec<u64> {
    ledger.candidates().map(|generation| generation.number).collect()
}

struct Place {
    dir: tempfile::TempDir,
    name: PluginName,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap(), name: PluginName::new("spread").unwrap() }
    }

    fn open(&self) -> Generations {
        Generations::open(Arc::new(Storage::open(self.dir.path()).unwrap())).unwrap()
    }

    fn activate(&self, generations: &Generations, byte: u8) -> u64 {
        generations.activated(&self.name, build(byte), &[byte], "kind: scheduler\n", UnixMillis(u64::from(byte)))
    }
}

#[test]
fn the_last_six_builds_outlive_a_restart() {
    let place = Place::new();
    {
        let generations = place.open();
        for byte in 1..=8 {
            assert_eq!(place.activate(&generations, byte), u64::from(byte));
        }
        // Once more the same is nothing new.
        assert_eq!(place.activate(&generations, 8), 8);
        generations.proven(&place.name, build(7));
        generations.retain(&BTreeSet::from([place.name.clone()])).unwrap();
    }
    let generations = place.open();
    let ledger = generations.ledger(&place.name);
    assert_eq!(numbers(&ledger), [8, 7, 6, 5, 4, 3]);
    assert_eq!(ledger.in_force().unwrap().build, build(8));
    let proven: Vec<u64> = ledger.generations().iter().filter(|g| g.proven).map(|g| g.number).collect();
    assert_eq!(proven, [7]);
    assert_eq!(generations.load(&place.name, build(3).wasm).unwrap(), [3]);
    assert!(matches!(generations.load(&place.name, build(2).wasm), Err(GenerationError::Damaged { .. })), "it was swept");
    // Back to a former build is a step forward in the count.
    assert_eq!(place.activate(&generations, 5), 9);
    assert_eq!(numbers(&generations.ledger(&place.name)), [9, 8, 7, 6, 4, 3]);
}

#[test]
fn what_is_set_aside_stays_so_until_it_is_released() {
    let place = Place::new();
    {
        let generations = place.open();
        place.activate(&generations, 1);
        place.activate(&generations, 2);
        generations.set_aside(&place.name, build(2), "it trapped", UnixMillis(5));
    }
    let generations = place.open();
    let ledger = generations.ledger(&place.name);
    assert_eq!(numbers(&ledger), [1]);
    assert_eq!(ledger.set_aside(build(2)).unwrap().reason, "it trapped");
    // Another manifest for the same bytes is another build.
    assert!(ledger.set_aside(BuildId { manifest: Digest::of(b"kind: scheduler\nlimits: {}\n"), ..build(2) }).is_none());
    assert_eq!(generations.release(&place.name), 1);
    assert_eq!(numbers(&generations.ledger(&place.name)), [2, 1]);
    assert_eq!(generations.release(&place.name), 0);
}

#[test]
fn what_was_switched_off_does_not_come_back_by_itself() {
    let place = Place::new();
    {
        let generations = place.open();
        place.activate(&generations, 1);
        generations.switched_off(&place.name);
    }
    let generations = place.open();
    assert!(numbers(&generations.ledger(&place.name)).is_empty());
    assert_eq!(place.activate(&generations, 2), 2);
    assert_eq!(numbers(&generations.ledger(&place.name)), [2, 1]);
}

#[test]
fn what_was_taken_out_is_remembered_for_a_while() {
    let place = Place::new();
    {
        let generations = place.open();
        place.activate(&generations, 1);
        place.activate(&generations, 2);
        generations.set_aside(&place.name, build(2), "it trapped", UnixMillis(5));
        generations.retain(&BTreeSet::new()).unwrap();
        assert!(numbers(&generations.ledger(&place.name)).is_empty(), "nothing of it comes back by itself");
    }
    let generations = place.open();
    assert!(numbers(&generations.ledger(&place.name)).is_empty());
    assert!(generations.ledger(&place.name).set_aside(build(2)).is_some(), "its files come back: the quarantine stands");
    assert_eq!(place.activate(&generations, 1), 3);
    // Others come and go: the one longest out of force is forgotten, with its build.
    for other in 0..=MAX_GONE {
        let name = PluginName::new(&format!("p{other}")).unwrap();
        let byte = u8::try_from(100 + other).unwrap();
        generations.activated(&name, build(byte), &[byte], "kind: scheduler\n", UnixMillis(u64::from(byte)));
    }
    generations.retain(&BTreeSet::new()).unwrap();
    assert!(generations.ledger(&place.name).generations().is_empty());
    assert!(matches!(generations.load(&place.name, build(1).wasm), Err(GenerationError::Damaged { .. })));
    let kept = generations.storage.list(DIRECTORY).unwrap();
    assert_eq!(kept.iter().filter(|file| file.ends_with(".json")).count(), MAX_GONE, "{kept:?}");
}

#[test]
fn a_kept_copy_that_was_lost_is_written_again() {
    let place = Place::new();
    let generations = place.open();
    place.activate(&generations, 1);
    for damage in [None, Some(&b"other"[..])] {
        match damage {
            None => generations.storage.remove(&build_file(build(1).wasm)).unwrap(),
            Some(bytes) => generations.storage.write(&build_file(build(1).wasm), bytes).unwrap(),
        }
        assert!(generations.load(&place.name, build(1).wasm).is_err());
        // The same build once more, as at each start.
        place.activate(&generations, 1);
        assert_eq!(generations.load(&place.name, build(1).wasm).unwrap(), [1], "{damage:?}");
    }
}

#[test]
fn a_past_that_cannot_be_read_keeps_no_node_from_starting() {
    let place = Place::new();
    std::fs::create_dir_all(place.dir.path().join(ledger_file(&place.name))).unwrap();
    let generations = place.open();
    assert!(generations.ledger(&place.name).generations().is_empty());
    assert_eq!(place.activate(&generations, 1), 1, "it runs, and is remembered until the restart");
}

#[test]
fn damage_is_noticed() {
    let place = Place::new();
    let generations = place.open();
    place.activate(&generations, 1);
    generations.storage.write(&build_file(build(1).wasm), b"other").unwrap();
    let damaged = generations.load(&place.name, build(1).wasm).unwrap_err().to_string();
    assert!(damaged.starts_with("the kept build ") && damaged.contains("of plugin spread is damaged"), "{damaged}");
    generations.storage.write(&ledger_file(&place.name), b"{").unwrap();
    drop(generations);
    assert!(place.open().ledger(&place.name).generations().is_empty());
}
