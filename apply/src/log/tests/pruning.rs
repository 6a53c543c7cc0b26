//! What goes by age and by size, and what stays.

use std::collections::BTreeSet;

use super::*;

fn roles(names: &[&str]) -> BTreeSet<verwalter_core::names::RoleName> {
    names.iter().map(|name| role(name)).collect()
}

/// One deployment a day, with a new file each.
fn ten_days(limits: Limits) -> Here {
    let here = Here::new(Limits { segment_bytes: 1, ..limits });
    for day in 0..10 {
        here.deploy("d", "web", &"x".repeat(100), at(day * DAY));
    }
    here.deploy("d", "gone", "x", at(0));
    here
}

#[test]
fn what_is_old_goes_and_the_newest_stays() {
    let here = ten_days(Limits { max_age: Duration::from_millis(5 * DAY), ..Limits::default() });
    let present = roles(&["web"]);
    let all = here.segments("web");
    assert_eq!(all.len(), 11);
    // That of day 4 was followed on day 5, which is five days before day 10.
    let pruned = here.log.prune(&present, at(10 * DAY)).expect("pruned");
    assert_eq!((here.segments("web")[0].as_str(), &here.segments("web")[1..]), ("latest", &all[6..]));
    assert!(pruned.files > 10 && pruned.bytes > 1000, "{pruned:?}");
    assert_eq!(here.log.prune(&present, at(10 * DAY)).expect("pruned"), Pruned::default());
    // A role that is present keeps its last word for ever, as do the index and the deployments.
    here.log.prune(&present, at(10_000 * DAY)).expect("pruned");
    assert_eq!(here.segments("web").len(), 2);
    assert_eq!(here.segments(".index"), ["index.20261201.json", "latest"]);
    assert_eq!(here.segments(".global").len(), 2);
    assert!(!here.path("gone").exists(), "one that is gone does not");
    here.deploy("d", "web", "again", at(10 * DAY));
    assert!(here.text("web/latest").contains("again"));
}

#[test]
fn what_is_too_much_goes_oldest_first() {
    let here = ten_days(Limits { total_bytes: 0, ..Limits::default() });
    let present = roles(&["web", "gone"]);
    here.log.prune(&present, at(9 * DAY)).expect("pruned");
    assert_eq!(
        [here.segments("web").len(), here.segments("gone").len(), here.segments(".index").len(), here.segments(".global").len()],
        [2; 4]
    );

    let here = ten_days(Limits::default());
    let newest = here.segments("web");
    let size = |here: &Here| -> u64 {
        let of = |name: &str| fs::read_dir(here.path(name)).expect("listed").map(|entry| entry.expect("read").metadata().expect("read"));
        [".index", ".global", "web", "gone"].iter().flat_map(|name| of(name)).filter(|meta| meta.is_file()).map(|meta| meta.len()).sum()
    };
    let half = size(&here) / 2;
    let log = DeploymentLog::open(&here.path(""), Limits { total_bytes: half, ..Limits::default() }).expect("opened");
    log.prune(&roles(&["web"]), at(9 * DAY)).expect("pruned");
    assert!(size(&here) <= half && size(&here) > half / 2, "{} of {half}", size(&here));
    let left = here.segments("web");
    assert!(left.len() > 2 && newest.ends_with(&left[1..]), "the newest are left: {left:?}");
}

#[test]
fn what_is_not_the_logs_is_not_pruned() {
    let here = ten_days(Limits { max_age: Duration::ZERO, total_bytes: 0, ..Limits::default() });
    fs::write(here.path("gone/notes.txt"), "mine").expect("written");
    fs::write(here.path("web/log.2026.txt"), "mine").expect("written");
    fs::write(here.path("file"), "mine").expect("written");
    here.log.prune(&roles(&[]), at(10_000 * DAY)).expect("pruned");
    assert_eq!(here.segments("gone"), ["notes.txt"]);
    assert_eq!(here.segments("web"), ["log.2026.txt"]);
    assert_eq!(here.text("file"), "mine");
}
