//! Three fixture machines, one for each way in which control groups are mounted, trees made for their caps, and groups that come and go.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::{MAX_LABEL_BYTES, Sample};
use super::*;

fn machine(name: &str) -> Roots {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc").join(name);
    Roots { proc: root.join("proc"), sys: root.join("sys"), fs: root }
}

/// An empty machine in `root`, whose own group is `cgroup`.
fn empty_machine(root: &Path, cgroup: &str) -> Roots {
    let roots = Roots { proc: root.join("proc"), sys: root.join("sys"), fs: root.to_owned() };
    fs::create_dir_all(roots.proc.join("self")).unwrap();
    fs::create_dir_all(roots.sys.join("fs/cgroup")).unwrap();
    fs::write(roots.proc.join("self/cgroup"), cgroup).unwrap();
    roots
}

fn put_group(roots: &Roots, group: &str, procs: &str, bytes: &str) {
    let group = roots.sys.join("fs/cgroup").join(group);
    fs::create_dir_all(&group).unwrap();
    fs::write(group.join("cgroup.procs"), procs).unwrap();
    fs::write(group.join("memory.current"), bytes).unwrap();
}

/// Follows and reads everything at `now`.
fn read_at(groups: &mut Groups, roots: &Roots, now: Duration) -> Reading {
    let mut reading = Reading::default();
    let mut outcomes = vec![groups.follow(roots, now)];
    outcomes.extend(groups.read_own(100, &mut reading));
    outcomes.extend(groups.read_others(100, &mut reading));
    reading.notes = outcomes.into_iter().filter_map(Result::err).collect();
    reading
}

/// The figures as `metric cgroup`, the own group's with a star.
fn figures(reading: &Reading) -> BTreeMap<String, f64> {
    let name = |sample: &Sample| {
        let own = if sample.labels.get("own").is_some_and(|own| own == "true") { "*" } else { "" };
        format!("{} {}{own}", sample.labels["metric"].trim_start_matches("cgroup."), sample.labels["cgroup"])
    };
    reading.samples.iter().map(|sample| (name(sample), sample.value)).collect()
}

fn check_machine(name: &str, expect: &[(&str, f64)]) {
    let reading = read_at(&mut Groups::default(), &machine(name), Duration::ZERO);
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
    assert_eq!(figures(&reading), expect.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(), "{name}");
}

#[test]
fn version_2() {
    check_machine(
        "v2",
        &[
            ("cpu.system lithos.blog.web.0", 0.5),
            ("cpu.system system.nginx", 0.5),
            ("cpu.system system.verwalter*", 0.5),
            ("cpu.usage lithos.blog.web.0", 1.5),
            ("cpu.usage system.nginx", 1.5),
            ("cpu.usage system.verwalter*", 1.5),
            ("cpu.user lithos.blog.web.0", 1.0),
            ("cpu.user system.nginx", 1.0),
            ("cpu.user system.verwalter*", 1.0),
            // `dm-0` lies above a disk that counts the same bytes; the second disk is none that `diskstats` names.
            ("io.read.bytes system.nginx", 5096.0),
            ("io.write.bytes system.nginx", 8192.0),
            ("memory.current lithos.blog.web.0", 2048.0),
            ("memory.current system.nginx", 52_428_800.0),
            ("memory.current system.verwalter*", 31_457_280.0),
            ("memory.max system.nginx", 104_857_600.0),
            ("memory.oom_kills system.nginx", 1.0),
            ("pids.current lithos.blog.web.0", 3.0),
            ("pids.current system.nginx", 3.0),
            ("pids.current system.verwalter*", 3.0),
        ],
    );
}

#[test]
fn version_1() {
    check_machine(
        "v1",
        &[
            ("cpu.system system.nginx", 0.5),
            ("cpu.system system.verwalter*", 0.5),
            ("cpu.usage system.nginx", 2.5),
            ("cpu.usage system.verwalter*", 2.5),
            ("cpu.user system.nginx", 2.0),
            ("cpu.user system.verwalter*", 2.0),
            ("io.read.bytes system.nginx", 4096.0),
            ("io.write.bytes system.nginx", 8192.0),
            ("memory.current docker.0123abcd", 52_428_800.0),
            ("memory.current system.nginx", 52_428_800.0),
            ("memory.current system.verwalter*", 52_428_800.0),
            // The greatest number of whole pages is no limit, and the third group's kernel counts no kills.
            ("memory.max docker.0123abcd", 1_048_576.0),
            ("memory.oom_kills system.nginx", 4.0),
            ("memory.oom_kills system.verwalter*", 4.0),
            ("pids.current system.nginx", 12.0),
            ("pids.current system.verwalter*", 12.0),
        ],
    );
}

#[test]
fn both_versions_each_for_what_it_has() {
    check_machine(
        "hybrid",
        &[
            // Of version 2, though version 1 counts processor time as well.
            ("cpu.system system.nginx", 0.5),
            ("cpu.usage system.nginx", 1.5),
            ("cpu.user system.nginx", 1.0),
            ("memory.current own.0*", 52_428_800.0),
            ("memory.current system.nginx", 52_428_800.0),
            ("memory.oom_kills own.0*", 4.0),
            ("memory.oom_kills system.nginx", 4.0),
        ],
    );
}

#[test]
fn the_own_group_is_found_where_it_can_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "");
    put_group(&roots, "a", "", "1");
    put_group(&roots, "unified/a", "", "2");
    let check = |cgroup: &str, expect: Option<f64>| {
        fs::write(roots.proc.join("self/cgroup"), cgroup).unwrap();
        let reading = read_at(&mut Groups::default(), &roots, Duration::ZERO);
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
        assert_eq!(figures(&reading).get("memory.current a*").copied(), expect, "{cgroup}");
    };
    check("0::/a\n", Some(1.0));
    check("1:name=systemd:/a\n0::/a\n", Some(1.0));
    check("4:memory:/a\n", None);
    check("0::/\n", None);
    check("0::/../a\n", None);
    check("0:://etc\n", None);
    check("", None);
    fs::write(roots.sys.join("fs/cgroup/unified/cgroup.controllers"), "").unwrap();
    put_group(&roots, "memory/a", "", "3");
    check("0::/a\n", Some(2.0));
    // Where the mount itself is version 2, a group may be called like a controller.
    fs::remove_file(roots.sys.join("fs/cgroup/unified/cgroup.controllers")).unwrap();
    fs::write(roots.sys.join("fs/cgroup/cgroup.controllers"), "").unwrap();
    check("0::/a\n", Some(1.0));
}

#[test]
fn the_groups_nearest_to_the_root_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "0::/b/own\n");
    for group in (0..LIMITS.groups).map(|i| format!("a/{i:03}")).chain(["b/own".into(), "z".into()]) {
        put_group(&roots, &group, "1\n", "1");
    }
    put_group(&roots, &["d"; 8].join("/"), "1\n", "1");
    put_group(&roots, &["e"; 9].join("/"), "1\n", "1");
    let reading = read_at(&mut Groups::default(), &roots, Duration::ZERO);
    let figures = figures(&reading);
    assert_eq!(figures.len(), LIMITS.groups + 1);
    assert!(figures.contains_key("memory.current b.own*") && figures.contains_key("memory.current z"));
    assert!(figures.contains_key("memory.current a.126") && !figures.contains_key("memory.current a.127"));
    assert_eq!(reading.left_out, 2, "`a/127` and the one at level 8; what lies deeper is not looked for");
    let hierarchies = Hierarchies::find(&roots.sys);
    assert_eq!(tree::list(&hierarchies, None, LIMITS), tree::list(&hierarchies, None, LIMITS));
}

#[test]
fn a_wide_tree_is_not_walked_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "");
    for group in 0..22 {
        put_group(&roots, &format!("a/{group:02}"), "1\n", "1");
    }
    let list = |directories| tree::list(&Hierarchies::find(&roots.sys), None, Limits { directories, ..LIMITS });
    let names = |listed: &tree::Listed| listed.paths.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    // The root and `a` count, too.
    assert_eq!(names(&list(24)).len(), 22);
    assert_eq!(names(&list(4)), ["a.00", "a.01"]);
    assert_eq!(names(&list(2)), [""; 0]);
}

#[test]
fn groups_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "");
    put_group(&roots, "a", "1\n", "1");
    put_group(&roots, "b", "1\n", "2");
    let mut groups = Groups::default();
    let mut at = |seconds| {
        let reading = read_at(&mut groups, &roots, Duration::from_secs(seconds));
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
        figures(&reading).into_keys().map(|name| name.replace("memory.current ", "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(at(0), "a b");
    put_group(&roots, "c", "1\n", "3");
    assert_eq!(at(9), "a b");
    assert_eq!(at(10), "a b c");
    fs::remove_dir_all(roots.sys.join("fs/cgroup/a")).unwrap();
    put_group(&roots, "d", "1\n", "4");
    assert_eq!(at(12), "b c", "one that ended is no fault");
    assert_eq!(at(14), "b c d", "and makes the list old");
}

#[test]
fn what_is_not_understood_is_noted_by_file() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "0::/own\n");
    let check = |file: &str, text: &str, expect: &str| {
        put_group(&roots, "g", "1\n", "1");
        let path = roots.sys.join("fs/cgroup/g").join(file);
        fs::write(&path, text).unwrap();
        let reading = read_at(&mut Groups::default(), &roots, Duration::ZERO);
        let notes: Vec<_> = reading.notes.iter().map(ToString::to_string).collect();
        assert_eq!(notes, [format!("{} is not understood, its figures are left out: {expect}", path.display())]);
        fs::remove_file(path).unwrap();
    };
    check("memory.current", "-1", "neither a number nor `max`");
    check("cpu.stat", "usage_usec 5\nuser_usec lots\n", "no line `user_usec NUMBER`");
    check("io.stat", "8:0 rbytes=é wbytes=1\n", "`rbytes=` without a number");
    check("io.stat", "8:0 rbytes=18446744073709551615\n8:16 rbytes=1\n", "more bytes than a number holds");
}

#[test]
fn a_name_that_is_too_long_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let roots = empty_machine(directory.path(), "");
    put_group(&roots, &"x".repeat(MAX_LABEL_BYTES / 2), "1\n", "1");
    put_group(&roots, &format!("{0}/{0}", "y".repeat(MAX_LABEL_BYTES / 2)), "1\n", "1");
    let reading = read_at(&mut Groups::default(), &roots, Duration::ZERO);
    assert_eq!((reading.samples.len(), reading.left_out), (1, 1));
}
