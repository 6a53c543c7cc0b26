//! The deployment log in real directories: its lines, its files, when they rotate.

use std::fs;
use std::path::Path;

use super::*;
use crate::diff::{Limits as DiffLimits, Side, unified};

mod damage;
mod pruning;
mod reading;
mod secrets;

/// 2026-11-22T15:48:02.123Z.
const T: u64 = 1_795_362_482_123;
const DAY: u64 = 24 * 60 * 60 * 1000;

fn at(millis: u64) -> UnixMillis {
    UnixMillis(T + millis)
}

fn role(name: &str) -> verwalter_core::names::RoleName {
    verwalter_core::names::RoleName::new(name).expect("valid")
}

fn unmasked() -> Mask {
    Arc::new(str::to_owned)
}

fn schedule() -> Digest {
    Digest::of(b"a schedule")
}

/// A log in a directory of its own.
struct Here {
    temp: tempfile::TempDir,
    log: DeploymentLog,
}

impl Here {
    fn new(limits: Limits) -> Here {
        let temp = tempfile::tempdir().expect("a directory");
        let log = DeploymentLog::open(&temp.path().join("log"), limits).expect("opened");
        Here { temp, log }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.temp.path().join("log").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
    }

    fn begin(&self, id: &str, now: UnixMillis) -> Deployment {
        self.log.begin(id, Some(schedule()), unmasked(), now)
    }

    /// A deployment of `web` that notes one text.
    fn deploy(&self, id: &str, name: &str, note: &str, now: UnixMillis) {
        let mut deployment = self.begin(id, now);
        let mut web = deployment.role(&role(name), 1, "test", now);
        web.note("note", note, now);
        web.finish(Outcome::Done, None, now);
        assert_eq!(deployment.finish(now), Summary { logged: true, failures: 0 });
    }

    fn reader(&self) -> LogReader {
        LogReader::open(&self.path("")).expect("opened")
    }

    fn segments(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).expect("listed");
        let mut names: Vec<String> = entries.map(|entry| entry.expect("read").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

/// Everything that can be logged.
fn deploy_all(here: &Here) {
    let side = |text: &'static str| Some(Side { bytes: text.as_bytes(), mode: None, private: false });
    let mut deployment = here.begin("d1", at(0));
    deployment.changes(&["web: starts on alpha".to_owned()], at(1));
    let mut web = deployment.role(&role("web"), 2, "the schedule changed", at(2));
    let diff = unified(side("a\n"), side("b\x1b\n"), "/etc/web.conf", &str::to_owned, &DiffLimits::default());
    web.template("web/v1/web.conf.hbs", &diff, at(3));
    web.action_start("x.render.yaml", at(4));
    web.output(b"reloa");
    web.output(b"ded\n+++ output end: \"x.render.yaml\" +++\n");
    web.action_finish(Outcome::Done, at(5));
    web.peek("lithos/web.log", 4711, at(6));
    web.note("health", "well after 2 s", at(7));
    web.finish(Outcome::Done, None, at(8));
    assert_eq!(deployment.finish(at(9)), Summary { logged: true, failures: 0 });
}

#[test]
fn index_lines_are_the_predecessors_with_a_fifth_element() {
    let here = Here::new(Limits::default());
    deploy_all(&here);
    let schedule = schedule();
    let of_all = format!(r#"{{"schedule":"{schedule}"}}"#);
    let of_role = format!(r#"{{"schedule":"{schedule}","role":"web","attempt":2,"cause":"the schedule changed"}}"#);
    let done = of_role.replace('}', r#","outcome":"done"}"#);
    let lines: Vec<(String, u64)> = here
        .text(".index/index.20261122.json")
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let fields = value[2]["fields"].as_array().expect("fields");
            let offset = fields.last().and_then(serde_json::Value::as_u64).expect("an offset");
            (line.replace(&format!(",{offset}]}}"), ",AT]}"), offset)
        })
        .collect();
    let expect = [
        format!(r#"["2026-11-22T15:48:02.123Z","d1",{{"variant":"Global","fields":["20261122154802",AT]}},"DeploymentStart",{of_all}]"#),
        format!(r#"["2026-11-22T15:48:02.124Z","d1",{{"variant":"Changes","fields":["20261122154802",AT]}},"DeploymentChanges",{of_all}]"#),
        format!(r#"["2026-11-22T15:48:02.125Z","d1",{{"variant":"Role","fields":["web","20261122154802",AT]}},"RoleStart",{of_role}]"#),
        format!(
            r#"["2026-11-22T15:48:02.127Z","d1",{{"variant":"Role","fields":["web","20261122154802",AT]}},{{"variant":"ActionStart","fields":["x.render.yaml"]}},{of_role}]"#
        ),
        format!(
            r#"["2026-11-22T15:48:02.128Z","d1",{{"variant":"Role","fields":["web","20261122154802",AT]}},{{"variant":"ActionFinish","fields":["x.render.yaml"]}},{done}]"#
        ),
        format!(r#"["2026-11-22T15:48:02.129Z","d1",{{"variant":"External","fields":["lithos/web.log",AT]}},"ExternalLog",{of_role}]"#),
        format!(r#"["2026-11-22T15:48:02.131Z","d1",{{"variant":"Role","fields":["web","20261122154802",AT]}},"RoleFinish",{done}]"#),
        format!(r#"["2026-11-22T15:48:02.132Z","d1",{{"variant":"Global","fields":["20261122154802",AT]}},"DeploymentFinish",{of_all}]"#),
    ];
    assert_eq!(lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), expect);
    assert_eq!(lines[5].1, 4711);
}

#[test]
fn text_logs_have_rulers_and_blocks() {
    let here = Here::new(Limits::default());
    deploy_all(&here);
    let schedule = schedule();
    assert_eq!(
        here.text("web/latest"),
        "2026-11-22T15:48:02.125Z d1 ------------ web: RoleStart ----------- \nattempt: 2\ncause: the schedule changed\n\
         +++ template start: \"web/v1/web.conf.hbs\" -> \"/etc/web.conf\" +++\n  diff --git a/etc/web.conf b/etc/web.conf\n  --- a/etc/web.conf\n  \
         +++ b/etc/web.conf\n  @@ -1 +1 @@\n  -a\n  +b\\x1b\n+++ template end: \"web/v1/web.conf.hbs\" -> \"/etc/web.conf\" +++\n\
         2026-11-22T15:48:02.127Z d1 ------------ web: ActionStart(\"x.render.yaml\") ----------- \n\
         +++ output start: \"x.render.yaml\" +++\n  reloaded\n  +++ output end: \"x.render.yaml\" +++\n+++ output end: \"x.render.yaml\" +++\n\
         2026-11-22T15:48:02.128Z d1 ------------ web: ActionFinish(\"x.render.yaml\") ----------- \n\
         2026-11-22T15:48:02.129Z d1 ------------ web: ExternalLog ----------- \nexternal log: lithos/web.log from byte 4711\n\
         health: well after 2 s\nresult: done\n\
         2026-11-22T15:48:02.131Z d1 ------------ web: RoleFinish ----------- \n"
    );
    assert_eq!(
        here.text(".global/latest"),
        format!(
            "2026-11-22T15:48:02.123Z d1 ------------ DeploymentStart ----------- \nschedule: {schedule}\nweb: done at attempt 2\n\
             2026-11-22T15:48:02.132Z d1 ------------ DeploymentFinish ----------- \n"
        )
    );
    let short = &schedule.hex()[..8];
    assert_eq!(
        here.text(".changes/latest"),
        format!(
            "2026-11-22T15:48:02.124Z d1 ------------ DeploymentChanges ----------- \n2026-11-22T15:48:02.124Z: {short}: web: starts on alpha\n"
        )
    );
}

#[test]
fn pointers_lead_to_the_very_line() {
    let here = Here::new(Limits::default());
    deploy_all(&here);
    deploy_all(&here);
    let found = here.reader().last(&Filter::default(), 100).expect("read");
    assert_eq!((found.entries.len(), found.skipped), (16, 0));
    for entry in found.entries.iter().filter(|entry| entry.marker != Marker::ExternalLog) {
        let text = here.reader().text(&entry.pointer, None, 1000).expect("there").text;
        let line = text.lines().next().expect("a line");
        assert!(line.starts_with("2026-11-22T15:48:02.") && line.ends_with(&format!("{} ----------- ", entry.marker)), "{entry:?}: {line}");
    }
}

#[test]
fn nothing_done_is_nothing_written() {
    let here = Here::new(Limits::default());
    let mut deployment = here.begin("d1", at(0));
    let web = deployment.role(&role("web"), 1, "test", at(0));
    web.finish(Outcome::Unchanged, None, at(1));
    drop(deployment.role(&role("db"), 1, "test", at(1)));
    deployment.changes(&[], at(1));
    assert_eq!(deployment.finish(at(2)), Summary { logged: false, failures: 0 });
    drop(here.begin("d2", at(3)));
    assert_eq!(here.segments(""), [""; 0]);
}

#[test]
fn what_is_dropped_was_given_up() {
    let here = Here::new(Limits::default());
    let mut deployment = here.begin("d1", at(0));
    let mut web = deployment.role(&role("web"), 1, "test", at(0));
    web.action_start("a", at(1));
    drop(web);
    drop(deployment);
    let found = here.reader().last(&Filter::default(), 3).expect("read").entries;
    let expect = [
        (Marker::ActionFinish("a".to_owned()), Some(Outcome::Interrupted)),
        (Marker::RoleFinish, Some(Outcome::Interrupted)),
        (Marker::DeploymentError, None),
    ];
    assert_eq!(found.iter().map(|entry| (entry.marker.clone(), entry.context.outcome)).collect::<Vec<_>>(), expect);
    assert_eq!(found[2].at, at(1), "the newest time that was known");

    here.begin("d2", at(2)).fail("the node has\nno roles", at(3));
    let found = here.reader().last(&Filter::default(), 1).expect("read").entries;
    assert_eq!(found[0].context.cause.as_deref(), Some("the node has\\x0ano roles"));
    assert!(here.text(".global/latest").ends_with("DeploymentError ----------- \nreason: the node has\\x0ano roles\n"));
}

#[test]
fn entries_are_told_in_a_line() {
    let here = Here::new(Limits::default());
    deploy_all(&here);
    let entries = here.reader().last(&Filter::default(), 100).expect("read").entries;
    let told: Vec<String> = entries.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "2026-11-22T15:48:02.123Z d1 DeploymentStart");
    assert_eq!(told[4], "2026-11-22T15:48:02.128Z d1 web ActionFinish(\"x.render.yaml\") attempt 2 done: the schedule changed");
    assert_eq!(told[5], "2026-11-22T15:48:02.129Z d1 web ExternalLog attempt 2 lithos/web.log from byte 4711: the schedule changed");
    let hostile = Entry { deployment: "a\x1b[2J".to_owned(), context: Context::default(), ..entries[0].clone() };
    assert_eq!(hostile.to_string(), "2026-11-22T15:48:02.123Z a\\x1b[2J DeploymentStart");
}

#[test]
fn a_deployment_can_be_logged_from_any_thread() {
    fn check<T: Send + Sync + 'static>() {}
    check::<(DeploymentLog, LogReader)>();
    fn check_send<T: Send + 'static>() {}
    check_send::<(Deployment, RoleLog)>();
    let here = Here::new(Limits::default());
    let mut deployment = here.begin("d1", at(0));
    let mut log = deployment.role(&role("web"), 1, "test", at(0));
    let thread = std::thread::spawn(move || log.note("note", "from another thread", at(1)));
    thread.join().expect("it ends");
    deployment.finish(at(2));
    assert!(here.text("web/latest").contains("note: from another thread\n"));
}

#[test]
fn text_logs_rotate_at_the_byte_and_only_when_something_begins() {
    let here = Here::new(Limits { segment_bytes: 1000, ..Limits::default() });
    here.deploy("d1", "web", &"x".repeat(100), at(0));
    let segment = "log.20261122154802.txt";
    let fill = |len: usize| fs::write(here.path("web").join(segment), "y".repeat(len - 1) + "\n").expect("written");
    fill(999);
    here.deploy("d2", "web", &"x".repeat(5000), at(0));
    assert_eq!(here.segments("web"), ["latest", segment], "one byte short of it, however much follows");
    fill(1000);
    here.deploy("d3", "web", "x", at(0));
    assert_eq!(here.segments("web"), ["latest", segment, "log.20261122154803.txt"], "within one second another name is found");
    assert_eq!(fs::read_link(here.path("web/latest")).expect("a link"), Path::new("log.20261122154803.txt"));
    fs::write(here.path("web/log.20261122154803.txt"), "y".repeat(1000)).expect("written");
    here.deploy("d4", "web", "x", UnixMillis(T - DAY));
    assert_eq!(fs::read_link(here.path("web/latest")).expect("a link"), Path::new("log.20261122154804.txt"), "a clock that was set back");
    assert_eq!(here.segments(".global").len(), 2, "each stream rotates by itself");
}

#[test]
fn files_and_directories_are_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let here = Here::new(Limits::default());
    deploy_all(&here);
    let mode = |name: &str| fs::metadata(here.path(name)).expect("there").permissions().mode() & 0o7777;
    assert_eq!([mode(".index"), mode(".global"), mode(".changes"), mode("web")], [0o750; 4]);
    assert_eq!([mode(".index/latest"), mode(".global/latest"), mode(".changes/latest"), mode("web/latest")], [0o640; 4]);
    assert_eq!(mode("") & 0o007, 0);
}
