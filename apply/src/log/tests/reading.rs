//! Finding, following and cutting what was logged.

use proptest::prelude::*;

use super::*;

fn ids(entries: &[Entry]) -> Vec<&str> {
    let mut ids: Vec<&str> = entries.iter().map(|entry| entry.deployment.as_str()).collect();
    ids.dedup();
    ids
}

#[test]
fn two_days_are_two_files_and_one_sequence() {
    let here = Here::new(Limits::default());
    for (id, name, day) in [("d1", "web", 0), ("d2", "db", 0), ("d3", "web", 1), ("d4", "db", 2)] {
        here.deploy(id, name, "x", at(day * DAY));
    }
    assert_eq!(here.segments(".index"), ["index.20261122.json", "index.20261123.json", "index.20261124.json", "latest"]);
    let check = |filter: Filter, count, expect: &[&str]| {
        let found = here.reader().last(&filter, count).expect("read");
        assert_eq!(ids(&found.entries), expect, "{filter:?}");
        assert!(found.entries.len() <= count);
    };
    check(Filter::default(), 100, &["d1", "d2", "d3", "d4"]);
    check(Filter::default(), 5, &["d3", "d4"]);
    check(Filter::default(), 0, &[]);
    check(Filter { role: Some(role("web")), ..Filter::default() }, 100, &["d1", "d3"]);
    check(Filter { role: Some(role("web")), ..Filter::default() }, 2, &["d3"]);
    check(Filter { deployment: Some("d2".to_owned()), ..Filter::default() }, 100, &["d2"]);
    check(Filter { since: Some(at(1)), ..Filter::default() }, 100, &["d3", "d4"]);
    check(Filter { since: Some(at(2 * DAY)), ..Filter::default() }, 100, &["d4"]);
}

#[test]
fn a_deployment_over_midnight_is_in_both_days() {
    let here = Here::new(Limits::default());
    let midnight = T - T % DAY + DAY;
    let (before, after) = (UnixMillis(midnight - 10), UnixMillis(midnight + 10));
    let mut deployment = here.begin("d1", before);
    let mut web = deployment.role(&role("web"), 1, "test", before);
    web.note("a", "b", before);
    web.finish(Outcome::Done, None, after);
    // A clock that is set back goes on in the newer file, which readers follow.
    deployment.finish(before);
    assert_eq!(here.text(".index/index.20261122.json").lines().count(), 2);
    assert_eq!(here.text(".index/index.20261123.json").lines().count(), 2);
    here.deploy("d2", "web", "x", before);
    assert_eq!(here.text(".index/index.20261123.json").lines().count(), 6, "another deployment too");
    // One that was days ahead is followed back.
    here.deploy("d3", "web", "x", UnixMillis(T - 2 * DAY));
    assert_eq!(here.text(".index/index.20261120.json").lines().count(), 4);
}

#[test]
fn following_goes_on_across_files_and_misses_nothing() {
    let here = Here::new(Limits { segment_bytes: 1, ..Limits::default() });
    let reader = here.reader();
    let mut tail = reader.last(&Filter::default(), 10).expect("nothing yet").tail;
    let all = Filter::default();
    assert_eq!(reader.follow(&mut tail, &all).expect("read"), []);
    here.deploy("d1", "web", "x", at(0));
    assert_eq!(ids(&reader.follow(&mut tail, &all).expect("read")), ["d1"]);
    assert_eq!(reader.follow(&mut tail, &all).expect("read"), []);
    let mut later = reader.last(&all, 1).expect("read").tail;
    assert_eq!(later, tail);
    here.deploy("d2", "web", "x", at(1));
    here.deploy("d3", "db", "x", at(DAY));
    let mut only_db = tail.clone();
    assert_eq!(ids(&reader.follow(&mut tail, &all).expect("read")), ["d2"], "one file at a time");
    assert_eq!(ids(&reader.follow(&mut tail, &all).expect("read")), ["d3"]);
    assert_eq!(reader.follow(&mut tail, &all).expect("read"), []);
    let filter = Filter { role: Some(role("db")), ..Filter::default() };
    assert_eq!(ids(&reader.follow(&mut only_db, &filter).expect("read")), ["d3"]);
    // A line that has no end yet is not told.
    let entry = reader.last(&all, 1).expect("read").entries.remove(0);
    let line = entry.line();
    let (first, second) = line.split_at(20);
    let index = here.path(".index/latest");
    let append = |text: &str| {
        use std::io::Write as _;
        fs::OpenOptions::new().append(true).open(&index).expect("opened").write_all(text.as_bytes()).expect("written");
    };
    append(first);
    assert_eq!(reader.follow(&mut tail, &all).expect("read"), []);
    append(second);
    assert_eq!(reader.follow(&mut tail, &all).expect("read"), [entry]);
    // Written anew meanwhile, and shorter.
    let mut anew = tail.clone();
    fs::write(&index, &line).expect("written");
    assert_eq!(reader.follow(&mut anew, &all).expect("read").len(), 1);
    // Pruned meanwhile.
    fs::remove_file(here.path(".index/index.20261122.json")).expect("removed");
    assert_eq!(ids(&reader.follow(&mut later, &all).expect("read")), ["d3"]);
}

#[test]
fn texts_are_followed_too() {
    let here = Here::new(Limits { segment_bytes: 1, ..Limits::default() });
    let reader = here.reader();
    let mut tail = reader.end(Stream::Role(role("web"))).expect("nothing yet");
    let mut whole = String::new();
    for n in 0..3 {
        here.deploy("d", "web", &format!("number {n}"), at(n * 1000));
        let lines = String::from_utf8(reader.read(&mut tail).expect("read")).expect("text");
        assert!(lines.contains(&format!("number {n}\n")), "{lines}");
        assert_eq!(reader.read(&mut tail).expect("read"), b"");
        whole += &lines;
    }
    let mut from_start = reader.start(Stream::Role(role("web")));
    let mut again = Vec::new();
    for _ in 0..3 {
        again.extend(reader.read(&mut from_start).expect("read"));
    }
    assert_eq!(String::from_utf8(again).expect("text"), whole);
    assert_eq!(reader.end(Stream::Role(role("web"))).expect("read"), tail);
}

#[test]
fn texts_are_cut_and_what_is_gone_is_told() {
    let here = Here::new(Limits::default());
    here.deploy("d1", "web", "äöü", at(0));
    let reader = here.reader();
    let entries = reader.last(&Filter { role: Some(role("web")), ..Filter::default() }, 10).expect("read").entries;
    let [Pointer::Role(_, _, from), Pointer::Role(_, _, until)] = entries.iter().map(|entry| entry.pointer.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{entries:?}")
    };
    let text = reader.text(&entries[0].pointer, Some(until), 10_000).expect("there");
    assert_eq!((text.text.len() as u64, text.left_out), (until - from, 0));
    assert!(text.text.ends_with("result: done\n"));
    let before = text.text.find('ö').expect("there");
    let cut = reader.text(&entries[0].pointer, Some(until), before + 1).expect("there");
    assert_eq!((cut.text.as_str(), cut.left_out), (&text.text[..before], until - from - before as u64));
    assert_eq!(reader.text(&Pointer::Role(role("web"), "20261122154802".to_owned(), 1 << 60), None, 10).expect("there").text, "");
    let check = |pointer, expect: &str| {
        let err = reader.text(&pointer, None, 10).expect_err("not there").to_string();
        assert!(err.contains(expect), "{err}");
    };
    check(Pointer::Role(role("db"), "20261122154802".to_owned(), 0), "is gone: it was pruned");
    check(Pointer::Global("../../secret".to_owned(), 0), "is gone: it was pruned");
    check(Pointer::External("lithos/web.log".to_owned(), 0), "lithos/web.log is a service's own log");
    assert!(LogReader::open(&here.path("absent")).expect_err("absent").to_string().contains("absent cannot be opened"));
}

#[test]
fn the_predecessors_lines_are_read() {
    let line = br#"["2017-03-01T12:00:00.5+00:00","abc",{"variant":"Role","fields":["web","20170301",17]},{"variant":"ActionStart","fields":["a.yaml"]}]"#;
    let entry = Entry::parse(line).expect("an entry");
    assert_eq!(entry.marker, Marker::ActionStart("a.yaml".to_owned()));
    assert_eq!(entry.pointer, Pointer::Role(role("web"), "20170301".to_owned(), 17));
    assert_eq!((entry.role().cloned(), entry.context), (Some(role("web")), Context::default()));
    for bad in ["", "[]", "{}", r#"["2017-03-01T12:00:00Z","a",{"variant":"Role","fields":["../x","s",0]},"RoleStart"]"#, "[[[[[[[["] {
        assert_eq!(Entry::parse(bad.as_bytes()), None, "{bad}");
    }
}

/// Somebody reads while somebody writes, each as fast as it goes.
#[test]
fn a_follower_sees_everything_once_and_in_order() {
    let here = Here::new(Limits { segment_bytes: 500, ..Limits::default() });
    let reader = here.reader();
    let mut tail = reader.start(Stream::Index);
    let log = here.log;
    let writer = std::thread::spawn(move || {
        for n in 0..300 {
            let mut deployment = log.begin(&n.to_string(), None, unmasked(), at(n * DAY / 50));
            deployment.role(&role("web"), 1, "test", at(n * DAY / 50)).finish(Outcome::Done, None, at(n * DAY / 50));
            deployment.finish(at(n * DAY / 50));
        }
    });
    let mut seen = Vec::new();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while seen.len() < 1200 {
        assert!(std::time::Instant::now() < deadline, "only {} were seen", seen.len());
        seen.extend(reader.follow(&mut tail, &Filter::default()).expect("read"));
        std::thread::yield_now();
    }
    writer.join().expect("it ends");
    assert_eq!(seen, reader.last(&Filter::default(), 10_000).expect("read").entries);
    let expect: Vec<String> = (0..300).map(|n: u64| n.to_string()).collect();
    assert_eq!(ids(&seen), expect);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Done), Just(Outcome::Undone), Just(Outcome::Failed), Just(Outcome::Interrupted)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_was_logged_is_read_back(
        id in "\\PC{0,20}",
        runs in prop::collection::vec(("[a-z0-9][a-z0-9_.-]{0,10}", "[ -~]{0,20}", any_outcome(), 0..3 * DAY, ".{0,30}"), 1..6),
        segment_bytes in 1_u64..2000,
    ) {
        let here = Here::new(Limits { segment_bytes, ..Limits::default() });
        let mut runs = runs;
        runs.sort_by_key(|run| run.3);
        for (name, cause, outcome, after, action) in &runs {
            let mut deployment = here.begin(&id, at(*after));
            let mut log = deployment.role(&role(name), 7, cause, at(*after));
            log.action_start(action, at(*after));
            log.finish(*outcome, None, at(*after));
            prop_assert_eq!(deployment.finish(at(*after)).failures, 0);
        }
        let reader = here.reader();
        let found = reader.last(&Filter::default(), 1000).expect("read");
        prop_assert_eq!((found.entries.len(), found.skipped), (runs.len() * 6, 0));
        for (entries, (name, cause, outcome, after, _)) in found.entries.chunks(6).zip(&runs) {
            prop_assert!(entries.iter().all(|entry| entry.at == at(*after) && entry.context.schedule == Some(schedule())));
            prop_assert_eq!(entries[4].marker.clone(), Marker::RoleFinish);
            prop_assert_eq!(entries[4].context.outcome, Some(*outcome));
            prop_assert_eq!(entries[4].context.cause.clone().unwrap_or_default(), cause.trim());
            prop_assert_eq!(entries[1].role(), Some(&role(name)));
            let ruler = reader.text(&entries[1].pointer, None, 4000).expect("there").text;
            prop_assert!(ruler.contains(&format!("------------ {name}: RoleStart -----------")), "{}", ruler);
        }
    }
}
