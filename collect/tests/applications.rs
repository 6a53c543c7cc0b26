//! An application that publishes by the `libcantal` crate itself, in a process of its own, found by looking through the real `/proc`; and
//! one that would have a file published that it may not read. Where the system forbids what a test needs, it says so and leaves it at that.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libcantal::{Counter, Integer, Value, start};
use serde_json::json;
use verwalter_collect::procfs::{Reader, Roots};
use verwalter_collect::series::{Sample, SampleKind};

/// Set for the process that publishes, which is this test once more.
const ROLE: &str = "TEST_APPLICATION_ROLE";

/// A process of this program that plays a role, in which it stays until its input ends.
struct Actor {
    child: Child,
    told: Box<dyn BufRead>,
}

impl Actor {
    fn start(test: &str, role: &str, path: &Path) -> Actor {
        let mut command = Command::new(std::env::current_exe().expect("a program has a path"));
        command.args([test, "--exact", "--nocapture"]).env(ROLE, role).env("CANTAL_PATH", path).env("CANTAL_APPNAME", "shop");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program runs once more");
        let told = Box::new(BufReader::new(child.stdout.take().expect("it is piped")));
        let mut actor = Actor { child, told };
        actor.wait_for("ready");
        actor
    }

    /// Reads what the process says until a line ends with `word`; its end ends the wait.
    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.trim_end().ends_with(word) {
            line.clear();
            assert!(self.told.read_line(&mut line).expect("it says text") > 0, "it ended before it was {word}");
        }
    }

    fn order(&mut self, word: &str) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{word}").expect("it listens");
        self.wait_for("done");
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("it was started").success());
    }
}

/// What an actor does: publishes, or only announces; counts at each line of its input.
fn play(role: &str) {
    let (requests, queue) = (Counter::new(), Integer::new());
    let metrics = [
        (json!({"metric": "requests", "group": "web"}), &requests as &dyn Value),
        (json!({"metric": "queue", "group": "web"}), &queue as &dyn Value),
    ];
    let published = (role == "publisher").then(|| start(&metrics[..]).expect("the directory can be written"));
    println!("\nready");
    for _ in std::io::stdin().lines() {
        requests.incr(40);
        queue.set(-3);
        println!("\ndone");
    }
    drop(published);
}

/// Reads until `done`, as samples of the application by `metric`.
fn read_until(reader: &mut Reader, pids: &[u32], mut done: impl FnMut(&BTreeMap<String, Sample>) -> bool) -> BTreeMap<String, Sample> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    loop {
        let reading = reader.read();
        let is_its = |sample: &Sample| sample.labels.get("pid").is_some_and(|pid| pids.contains(pid));
        let samples = reading.samples.into_iter().filter(is_its).map(|sample| (sample.labels["metric"].clone(), sample)).collect();
        if done(&samples) {
            return samples;
        }
        assert!(Instant::now() < deadline, "{samples:?} {:?}", reading.notes);
        std::thread::yield_now();
    }
}

/// Whether the environment of a process of this user can be read here.
fn can_look_into(actor: &Actor) -> bool {
    let can = std::fs::read(format!("/proc/{}/environ", actor.child.id())).is_ok();
    if !can {
        leave_out("this user may not look into other processes here");
    }
    can
}

fn leave_out(reason: &str) {
    // Not captured, unlike what a test prints.
    let _ = writeln!(std::io::stderr(), "left out: {reason}");
}

#[test]
fn what_libcantal_publishes_is_found_counted_once_and_gone_with_its_process() {
    if let Ok(role) = std::env::var(ROLE) {
        return play(&role);
    }
    let test = "what_libcantal_publishes_is_found_counted_once_and_gone_with_its_process";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app");
    let mut application = Actor::start(test, "publisher", &path);
    let other = Actor::start(test, "bystander", &path);
    let pids = [application.child.id(), other.child.id()];
    if !can_look_into(&application) {
        return;
    }
    let mut reader = Reader::new(Roots::default());
    let samples = read_until(&mut reader, &pids, |samples| samples.len() == 2);
    let pid = pids.iter().min().unwrap().to_string();
    for (metric, kind) in [("requests", SampleKind::Counter), ("queue", SampleKind::Gauge)] {
        let Sample { labels, kind: found, value } = &samples[metric];
        assert_eq!((found, *value), (&kind, 0.0), "{metric}");
        let label = |key: &str| labels.get(key).map(String::as_str);
        assert_eq!([label("group"), label("appname"), label("pid")], [Some("web"), Some("shop"), Some(pid.as_str())]);
    }
    application.order("count");
    application.order("count");
    let samples = read_until(&mut reader, &pids, |samples| samples.get("requests").is_some_and(|sample| sample.value == 80.0));
    assert_eq!(samples["queue"].value, -3.0);
    application.end();
    read_until(&mut reader, &pids, BTreeMap::is_empty);
    other.end();
}

/// A user who is nobody on any system.
const NOBODY: &str = "65534";

#[test]
fn a_file_that_a_process_mounts_over_its_own_is_not_published() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let path = directory.path().join("app");
    // In a mount namespace of its own anybody may mount files that only root can read, such as the passwords.
    let script = r#"
        : > "$CANTAL_PATH.values" && echo 'counter 8: {"metric": "secret"}' > "$CANTAL_PATH.meta" || exit
        mount --bind /etc/shadow "$CANTAL_PATH.values" || exit
        echo; echo ready
        read -r line"#;
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "unshare", "--user", "--map-root-user", "--mount"]);
    command.args(["sh", "-c", script]).env("CANTAL_PATH", &path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut stranger = match command.spawn() {
        Ok(child) => child,
        Err(error) => return leave_out(&format!("setpriv cannot be had here: {error}")),
    };
    let mut told = BufReader::new(stranger.stdout.take().expect("it is piped")).lines();
    if !told.any(|line| line.is_ok_and(|line| line == "ready")) {
        stranger.wait().unwrap();
        return leave_out("only root may become nobody, and nobody may not have a mount namespace everywhere");
    }
    let pid = stranger.id();
    let (mut reader, mut told) = (Reader::new(Roots::default()), Vec::new());
    let deadline = Instant::now() + Duration::from_secs(60);
    while told.is_empty() {
        let reading = reader.read();
        assert!(reading.samples.iter().all(|sample| sample.labels["metric"] != "secret"));
        told.extend(reading.notes.iter().map(ToString::to_string).filter(|note| note.starts_with(&format!("process {pid} "))));
        assert!(Instant::now() < deadline, "it was never looked at");
    }
    let expect = format!(
        "process {pid} publishes {}.values, which is left out or not complete: it belongs to user 0, but user {NOBODY} runs the process: \
         let that user create it",
        path.display()
    );
    assert_eq!(told, [expect]);
    drop(stranger.stdin.take());
    assert!(stranger.wait().unwrap().code().is_some());
}
