//! Places that are kept: whoever decides, answers queries or has a filter's name goes on, whatever comes, goes, or is restarted beside it.

use std::fs;

use verwalter::plugin::Compiler;
use verwalter::plugin::activate::Listing;
use verwalter_core::digest::Digest;
use verwalter_core::ports::{Failure, FailureCause, Policy, Query, Rehearsal, Rehearsed, Scheduler};

use super::{Site, placing_guest};
use crate::sandbox::guest::{FILTER_CORE, translate};
use crate::sandbox::world::{SCHEDULER, compiler};

const OFF: &str = "kind: scheduler\nmode: off\n";

fn put_filter(site: &Site, name: &str, wat: &str) {
    site.put(&format!("{name}.wasm"), translate(wat));
    site.put(&format!("{name}.yaml"), "kind: filter\n");
}

fn restart(site: &mut Site) {
    site.restart(compiler());
    site.reload();
}

/// The scheduler that places so many instances has to be compiled again.
fn forget_compiled(site: &Site, instances: u32) {
    let compiled = Digest::of(&placing_guest(instances)).hex();
    let files = fs::read_dir(site.storage.path().join("cache")).unwrap().map(Result::unwrap);
    let of_it: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().starts_with(&compiled)).collect();
    assert!(!of_it.is_empty());
    of_it.iter().for_each(|file| fs::remove_file(file.path()).unwrap());
}

#[test]
fn a_restart_moves_no_place() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    put_filter(&site, "tool", FILTER_CORE);
    site.reload();
    // Both newcomers come before the others by name.
    site.put_scheduler("pack", 2);
    put_filter(&site, "other", FILTER_CORE);
    site.reload();
    let check = |site: &Site| {
        site.check("spread", "active×1");
        site.check("pack", "failed×1 place: 2 scheduler plugins are active (pack, spread): set `mode: off` in the manifest of all but one");
        assert_eq!(site.decides(), "1");
        assert_eq!(site.line("tool"), "active×1");
        assert!(site.line("other").ends_with("is offered by plugin tool already: rename one of them"), "{}", site.line("other"));
    };
    check(&site);
    restart(&mut site);
    check(&site);
}

#[test]
fn whoever_takes_a_place_over_keeps_it() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.put("pack.yaml", OFF);
    site.reload();
    // It goes in each of the ways in which one goes, and comes back while the node is down.
    let goes: [fn(&Site); 3] = [
        |site| site.put("spread.yaml", OFF),
        |site| site.remove("spread.yaml"),
        |site| {
            site.remove("spread.wasm");
            site.remove("spread.yaml");
        },
    ];
    for go in goes {
        go(&site);
        site.put_scheduler("pack", 2);
        site.reload();
        assert_eq!(site.decides(), "2");
        site.put_scheduler("spread", 1);
        restart(&mut site);
        assert_eq!(site.decides(), "2");
        site.check("spread", "failed×1 place: 2 scheduler plugins are active (pack, spread)");
        // Back to the beginning.
        site.put("pack.yaml", OFF);
        site.reload();
        assert_eq!(site.decides(), "1");
    }
}

#[test]
fn a_place_is_of_a_kind() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    put_filter(&site, "pack", FILTER_CORE);
    site.reload();
    site.put_scheduler("pack", 2);
    restart(&mut site);
    assert_eq!(site.decides(), "1");
}

#[test]
fn a_machine_at_fault_gives_no_place_away() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put_scheduler("pack", 2);
    site.reload();
    forget_compiled(&site, 1);
    site.restart(Compiler::at("/nonexistent".into()));
    site.reload();
    site.check("spread", "failed×0 compile: ");
    site.check("pack", "failed×1 place: plugin spread had this place and is not in force yet: wait for it, or set `mode: off`");
    assert!(
        site.decides().starts_with("plugin spread decides and is not in force yet (compile: the compiler process"),
        "{}",
        site.decides()
    );
    restart(&mut site);
    assert_eq!(site.decides(), "1");
    // An operator who does not want to wait need not.
    site.put("spread.yaml", OFF);
    site.reload();
    assert_eq!(site.decides(), "2");
}

#[test]
fn a_machine_at_fault_makes_no_older_build_the_last_good_one() {
    let mut site = Site::new();
    for instances in [1, 2] {
        site.put_scheduler("spread", instances);
        site.reload();
    }
    site.put("spread.wasm", "garbage");
    forget_compiled(&site, 2);
    site.restart(Compiler::at("/nonexistent".into()));
    site.reload();
    assert_eq!(site.decides(), "1", "better than nothing");
    restart(&mut site);
    assert_eq!(site.decides(), "2");
}

#[test]
fn a_kept_build_that_cannot_be_had_now_keeps_the_place() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put_scheduler("pack", 2);
    site.reload();
    // Its files are no good, and what was in force of it cannot be compiled for the moment.
    site.put("spread.wasm", "garbage");
    fs::remove_dir_all(site.storage.path().join("cache")).unwrap();
    site.restart(Compiler::at("/nonexistent".into()));
    site.reload();
    site.put("pack.yaml", OFF);
    site.reload();
    assert!(site.decides().starts_with("plugin spread decides and is not in force yet (inspect: "), "{}", site.decides());
    site.put("pack.yaml", SCHEDULER);
    restart(&mut site);
    assert_eq!(site.decides(), "1");
    site.check("spread", "kept×1 inspect: ");
}

/// A dry run that `spread` never passes.
struct Fails;

impl Rehearsal for Fails {
    fn scheduler(&self, candidate: &dyn Scheduler, _: bool) -> Result<Rehearsed, Failure> {
        match candidate.id().name.as_str() {
            "spread" => {
                let plugin = candidate.id().clone();
                Err(Failure { plugin, cause: FailureCause::Trap, message: "unreachable".to_owned(), log: Vec::new(), cost: None })
            }
            _ => Ok(Rehearsed::Nothing("nothing".to_owned())),
        }
    }

    fn policy(&self, _: &dyn Policy) -> Result<Rehearsed, Failure> {
        unreachable!("there is none")
    }

    fn query(&self, _: &dyn Query) -> Result<Rehearsed, Failure> {
        unreachable!("there is none")
    }
}

#[test]
fn one_that_fails_its_dry_run_is_not_waited_for() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put("spread.yaml", OFF);
    site.reload();
    // It comes back with a build that is no good, and another one beside it.
    site.put_scheduler("spread", 3);
    site.put_scheduler("pack", 2);
    site.reload_rehearsed(Listing::Whole, &|_| true, &Fails);
    site.check("spread", "failed×0 dry-run: ");
    assert_eq!((site.decides().as_str(), site.line("pack").as_str()), ("2", "active×1"));
}

#[test]
fn a_directory_that_could_not_be_read_whole_gives_no_place_away() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    put_filter(&site, "tool", FILTER_CORE);
    site.reload();
    site.put_scheduler("pack", 2);
    put_filter(&site, "other", FILTER_CORE);
    site.reload();
    for name in ["spread", "tool"] {
        fs::create_dir_all(site.dir.path().join("aside")).unwrap();
        for suffix in ["wasm", "yaml"] {
            fs::rename(site.path(&format!("{name}.{suffix}")), site.dir.path().join(format!("aside/{name}.{suffix}"))).unwrap();
        }
    }
    site.restart(compiler());
    site.reload_listed(Listing::Partial);
    site.check("pack", "failed×1 place: plugin spread had this place and is not in force yet");
    assert!(site.decides().starts_with("plugin spread decides and is not in force yet (its files cannot be read)"), "{}", site.decides());
    assert!(site.line("other").contains("is plugin tool's, which is not in force yet"), "{}", site.line("other"));
    for file in fs::read_dir(site.dir.path().join("aside")).unwrap().map(Result::unwrap) {
        fs::rename(file.path(), site.path(&file.file_name().to_string_lossy())).unwrap();
    }
    site.reload();
    assert_eq!((site.decides().as_str(), site.line("tool").as_str()), ("1", "active×1"));
    site.check("other", "active×1 place: the filter `");
}

#[test]
fn names_of_filters_stay_whose_they_are() {
    let mut site = Site::new();
    put_filter(&site, "other", FILTER_CORE);
    site.reload();
    put_filter(&site, "tool", FILTER_CORE);
    site.reload();
    let goes: [fn(&Site); 2] = [
        |site| site.put("other.yaml", "kind: filter\nmode: off\n"),
        |site| {
            site.remove("other.wasm");
            site.remove("other.yaml");
        },
    ];
    for go in goes {
        go(&site);
        site.reload();
        assert_eq!(site.line("tool"), "active×1");
        put_filter(&site, "other", FILTER_CORE);
        site.reload();
        assert_eq!(site.line("tool"), "active×1");
        site.check("other", "active×1 place: the filter `");
    }
}

#[test]
fn each_name_has_its_owner_over_restarts() {
    let mut site = Site::new();
    let but = |letter: &str, names: &[&str]| {
        names.iter().fold(FILTER_CORE.to_owned(), |wat, name| {
            let quoted = |name: &str| format!("\\22{name}\\22");
            assert!(wat.contains(&quoted(name)), "{name}");
            wat.replace(&quoted(name), &quoted(&format!("{letter}{}", &name[1..])))
        })
    };
    // Each comes after and goes before the former one by name, and has names that nobody had.
    let all = [
        ("q", but("x", &["echo", "boom", "refuse", "junk"])),
        ("p", FILTER_CORE.to_owned()),
        ("o", but("y", &["count", "boom", "refuse", "junk"])),
    ];
    for (name, wat) in &all {
        put_filter(&site, name, wat);
        site.reload();
    }
    let lines = |site: &Site| ["o", "p", "q"].map(|name| site.line(name));
    let before = lines(&site);
    assert_eq!(before[2], "active×1");
    assert!(before[1].contains("the filter `count` is offered by plugin q already"), "{before:?}");
    assert!(before[0].contains("the filter `echo` is offered by plugin p already"), "{before:?}");
    restart(&mut site);
    assert_eq!(lines(&site), before);
}

#[test]
fn places_that_cannot_be_read_are_nobodys() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.put_scheduler("pack", 2);
    site.put("pack.yaml", OFF);
    site.reload();
    site.put("pack.yaml", SCHEDULER);
    site.storage.write("places.json", b"garbage").unwrap();
    restart(&mut site);
    assert!(site.decides().starts_with("2 scheduler plugins are active (pack, spread)"), "{}", site.decides());
}
