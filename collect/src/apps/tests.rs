//! Made-up processes in a directory that stands for `/proc`: honest ones, hostile ones, and one that never answers.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::process::Process;
use super::publisher::{Metas, Publisher};
use super::scan::{LOOK_AGAIN, Scanner};
use super::*;
use crate::series::SampleKind;

pub(super) const META: &str = "counter 8: {\"metric\":\"requests\"}\nlevel 8 signed: {\"metric\":\"queue\",\"shard\":\"7\"}\n";

pub(super) fn values(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// A machine: `proc`, and a root that its processes share unless they have another.
pub(super) struct Machine {
    directory: TempDir,
    user: u32,
}

impl Machine {
    pub(super) fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("proc")).unwrap();
        fs::create_dir_all(directory.path().join("root/run")).unwrap();
        let user = fs::metadata(directory.path()).unwrap().uid();
        Machine { directory, user }
    }

    pub(super) fn proc(&self) -> PathBuf {
        self.directory.path().join("proc")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// A process of this user whose root is [`root`](Machine::root).
    pub(super) fn process(&self, pid: u32, environ: &str) {
        let directory = self.proc().join(pid.to_string());
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("environ"), environ).unwrap();
        fs::write(directory.join("status"), format!("Name:\tx\nUid:\t{0}\t{0}\t{0}\t{0}\n", self.user)).unwrap();
        fs::write(directory.join("cgroup"), "0::/\n").unwrap();
        symlink(self.root(), directory.join("root")).unwrap();
    }

    pub(super) fn publish(&self, path: &str, meta: &str, values: &[u8]) {
        fs::write(self.root().join(format!("{path}.values")), values).unwrap();
        fs::write(self.root().join(format!("{path}.meta")), meta).unwrap();
    }

    fn scan(&self) -> Found {
        Scanner::new(self.proc()).scan(at(0), |_| true)
    }
}

pub(super) fn at(seconds: u64) -> Moment {
    Moment { elapsed: Duration::from_secs(seconds), unix: UnixMillis(1_800_000_000_000) }
}

/// The samples as `metric pid value`.
pub(super) fn figures(found: &Found) -> Vec<String> {
    let figure = |sample: &Sample| format!("{} {} {}", sample.labels["metric"], sample.labels["pid"], sample.value);
    found.samples.iter().map(figure).collect()
}

fn notes(found: &Found) -> Vec<String> {
    found.notes.iter().map(ToString::to_string).collect()
}

#[test]
fn figures_have_the_labels_that_are_said_and_those_that_the_kernel_says() {
    let machine = Machine::new();
    let meta = r#"counter 8: {"metric":"requests","pid":"1","cgroup":"system.bank","appname":"bank"}
state 16: {"metric":"job","group":"worker"}
"#;
    machine.publish("run/web", meta, &values(&[5, 1_799_999_998_500, 0]));
    machine.process(70, "CANTAL_PATH=/run/web\0CANTAL_APPNAME=shop\0");
    fs::write(machine.proc().join("70/cgroup"), "1:name=systemd:/x\n0::/system.slice/web.service\n").unwrap();
    let found = machine.scan();
    assert_eq!((notes(&found), found.left_out), (vec![], 0));
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let said_by_the_kernel = [("pid", "70"), ("cgroup", "system.web"), ("appname", "shop")];
    let requests = labels(&[&[("metric", "requests")], said_by_the_kernel.as_slice()].concat());
    let job = labels(&[&[("metric", "job"), ("group", "worker")], said_by_the_kernel.as_slice()].concat());
    let expect =
        [Sample { labels: requests, kind: SampleKind::Counter, value: 5.0 }, Sample { labels: job, kind: SampleKind::Gauge, value: 1.5 }];
    assert_eq!(found.samples, expect);
    // In no group nobody may say that it is in one.
    fs::write(machine.proc().join("70/cgroup"), "0::/\n").unwrap();
    assert!(machine.scan().samples.iter().all(|sample| !sample.labels.contains_key("cgroup")));
}

#[test]
fn paths_stay_below_the_root_of_the_process() {
    let machine = Machine::new();
    let check = |environ: &str, expect: &[&str]| {
        machine.process(1, environ);
        assert_eq!(figures(&machine.scan()), expect, "{environ}");
        fs::remove_dir_all(machine.proc().join("1")).unwrap();
    };
    machine.publish("run/app", META, &values(&[1, -2]));
    let outside = machine.directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for ending in ["meta", "values"] {
        fs::copy(machine.root().join(format!("run/app.{ending}")), outside.join(format!("app.{ending}"))).unwrap();
    }
    let there = ["requests 1 1", "queue 1 -2"];
    check("CANTAL_PATH=/run/app", &there);
    check("CANTAL_PATH=run/app", &there);
    check("CANTAL_PATH=/../../run/app", &there);
    // As `/var/run` is on most machines: the link is absolute, and means the process's root.
    fs::create_dir(machine.root().join("var")).unwrap();
    symlink("/run", machine.root().join("var/run")).unwrap();
    check("CANTAL_PATH=/var/run/app", &there);
    check(&format!("CANTAL_PATH={}/app", outside.display()), &[]);
    check("CANTAL_PATH=/../outside/app", &[]);
    symlink(&outside, machine.root().join("absolute")).unwrap();
    check("CANTAL_PATH=/absolute/app", &[]);
    symlink("../outside", machine.root().join("relative")).unwrap();
    check("CANTAL_PATH=/relative/app", &[]);
    check("CANTAL_PATH=/run/other", &[]);
    check("CANTAL_PATH=/run/app.meta/x", &[]);
    check("CANTAL_PATH=/", &[]);
}

#[test]
fn only_plain_files_of_the_processs_user_are_read() {
    let machine = Machine::new();
    machine.process(1, "CANTAL_PATH=/run/app");
    let (meta, values_file) = (machine.root().join("run/app.meta"), machine.root().join("run/app.values"));
    let check = |expect: &str| {
        let found = machine.scan();
        assert_eq!((figures(&found), notes(&found)), (vec![], vec![expect.to_owned()]));
    };
    let plain = |file: &str| format!("process 1 publishes /run/app.{file}, which is left out or not complete: it is no plain file");
    machine.publish("run/app", META, &values(&[1, 2]));
    fs::rename(&values_file, machine.root().join("run/other")).unwrap();
    symlink("other", &values_file).unwrap();
    check(&plain("values"));
    fs::remove_file(&values_file).unwrap();
    fs::create_dir(&values_file).unwrap();
    check(&plain("values"));
    fs::remove_dir(&values_file).unwrap();
    mknodat(CWD, &values_file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    check(&plain("values"));
    fs::remove_file(&meta).unwrap();
    mknodat(CWD, &meta, FileType::Socket, Mode::RUSR, 0).unwrap();
    check(&plain("meta"));
    fs::remove_file(&meta).unwrap();
    fs::remove_file(&values_file).unwrap();

    machine.publish("run/app", META, &values(&[1, 2]));
    let other = machine.user + 1;
    fs::write(machine.proc().join("1/status"), format!("Uid:\t{other}\t{0}\t{0}\t{0}\n", machine.user)).unwrap();
    check(&format!(
        "process 1 publishes /run/app.meta, which is left out or not complete: it belongs to user {}, but user {other} runs the process: \
         let that user create it",
        machine.user
    ));
}

#[test]
fn the_same_values_count_once_for_the_lowest_process() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    fs::hard_link(machine.root().join("run/app.values"), machine.root().join("run/link.values")).unwrap();
    fs::copy(machine.root().join("run/app.meta"), machine.root().join("run/link.meta")).unwrap();
    machine.process(30, "CANTAL_PATH=/run/link\0");
    machine.process(9, "CANTAL_PATH=/run/app\0");
    machine.process(10, "CANTAL_PATH=/run/app\0");
    let found = machine.scan();
    assert_eq!((figures(&found), notes(&found)), (vec!["requests 9 1".to_owned(), "queue 9 2".to_owned()], vec![]));
    // A child that gave up its parent's rights announces what is not its own. Its parent does, too.
    fs::write(machine.proc().join("9/status"), format!("Uid:\t{}\n", machine.user + 1)).unwrap();
    let found = machine.scan();
    assert_eq!((figures(&found), notes(&found)), (vec!["requests 10 1".to_owned(), "queue 10 2".to_owned()], vec![]));
}

#[test]
fn a_childs_foreign_files_are_no_fault_when_their_owner_announces_them() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    machine.process(9, "CANTAL_PATH=/run/app\0");
    machine.process(10, "CANTAL_PATH=/run/app\0");
    fs::write(machine.proc().join("10/status"), format!("Uid:\t{}\n", machine.user + 1)).unwrap();
    let found = machine.scan();
    assert_eq!((figures(&found), notes(&found)), (vec!["requests 9 1".to_owned(), "queue 9 2".to_owned()], vec![]));
}

#[test]
fn files_have_caps() {
    let machine = Machine::new();
    machine.process(1, "CANTAL_PATH=/run/app\0");
    let check = |expect: &[&str], note: Option<&str>| {
        let found = machine.scan();
        let note = note.map(|note| format!("process 1 publishes /run/app.{note}"));
        assert_eq!((figures(&found), notes(&found)), (expect.iter().map(|&text| text.to_owned()).collect(), note.into_iter().collect()));
    };
    let both = ["requests 1 1", "queue 1 2"];
    machine.publish("run/app", META, &values(&[1, 2, 3]));
    File::options().append(true).open(machine.root().join("run/app.values")).unwrap().set_len(1 << 40).unwrap();
    check(&both, None);
    machine.publish("run/app", META, &values(&[1])[..7]);
    check(&[], Some("values, which is left out or not complete: it is shorter than the 16 bytes that its `.meta` tells of"));
    machine.publish("run/app", META, &values(&[1]));
    check(&both[..1], Some("values, which is left out or not complete: it is shorter than the 16 bytes that its `.meta` tells of"));
    let padding = " ".repeat(64 << 10);
    machine.publish("run/app", &format!("{META}{}", &padding[META.len()..]), &values(&[1, 2]));
    check(&both, None);
    machine.publish("run/app", &format!("{META}{}", &padding[META.len() - 1..]), &values(&[1, 2]));
    check(&[], Some("meta, which is left out or not complete: it is longer than 65536 bytes"));
    machine.publish("run/app", "counter eight: {}", &values(&[1, 2]));
    check(&[], Some("meta, which is left out or not complete: line 1: expected `TYPE SIZE: {json}`"));
    machine.publish("run/app", &format!("{META}counter 8: {{\"metric\":\"uptime\"}}"), &values(&[1, 2, 3]));
    check(
        &both,
        Some(
            "meta, which is left out or not complete: line 3: `uptime` is a name of the machine's own figures, choose another (metrics left out: 1)",
        ),
    );
}

#[test]
fn all_applications_together_have_a_cap() {
    let machine = Machine::new();
    let meta: String = (0..200).map(|i| format!("counter 8: {{\"metric\":\"m{i}\"}}\n")).collect();
    for pid in 1..=7 {
        machine.publish(&format!("run/{pid}"), &meta, &values(&[1; 200]));
        machine.process(pid, &format!("CANTAL_PATH=/run/{pid}\0"));
    }
    let found = machine.scan();
    assert_eq!((found.samples.len(), found.left_out), (1_000, 400), "two did not fit");
    assert!(found.samples.iter().all(|sample| !["6", "7"].contains(&sample.labels["pid"].as_str())));
    let expect = "process 6 publishes /run/6.meta, which is left out or not complete: \
                  with those before it there are more than 1024 metrics or 16777216 bytes: publish fewer";
    assert_eq!(notes(&found), [expect]);
    // A small one still finds room.
    machine.publish("run/8", META, &values(&[1, 2]));
    machine.process(8, "CANTAL_PATH=/run/8\0");
    let found = machine.scan();
    assert_eq!((found.samples.len(), found.left_out, notes(&found)), (1_002, 400, vec![expect.to_owned()]));
}

#[test]
fn all_files_together_have_a_cap() {
    let machine = Machine::new();
    let count = u32::try_from(scan::MAX_BYTES >> 20).unwrap() + 3;
    for pid in 1..=count {
        let path = format!("run/{pid}");
        machine.publish(&path, &format!("pad 1048568\ncounter 8: {{\"metric\":\"m{pid}\"}}\n"), &[]);
        File::create(machine.root().join(format!("{path}.values"))).unwrap().set_len(1 << 20).unwrap();
        machine.process(pid, &format!("CANTAL_PATH=/{path}\0"));
    }
    let found = machine.scan();
    // The sixteenth does not fit, since the other files take room as well.
    assert_eq!((found.samples.len(), found.left_out, found.notes.len()), (15, 4, 1));
}

#[test]
fn processes_come_go_and_change() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    machine.publish("run/late", META, &values(&[3, 4]));
    let mut scanner = Scanner::new(machine.proc());
    let mut touched = |seconds| {
        let mut pids = Vec::new();
        let found = scanner.scan(at(seconds), |pid| {
            pids.push(pid);
            true
        });
        pids.sort_unstable();
        (pids, figures(&found).into_iter().filter(|figure| figure.starts_with("requests")).collect::<Vec<_>>().join(", "))
    };
    let environ = |pid: u32, text: &str| fs::write(machine.proc().join(format!("{pid}/environ")), text).unwrap();
    machine.process(1, "HOME=/\0");
    machine.process(2, "CANTAL_PATH=/run/app\0");
    assert_eq!(touched(0), (vec![1, 2], "requests 2 1".to_owned()));
    machine.process(5, "");
    assert_eq!(touched(2), (vec![1, 2, 5], "requests 2 1".to_owned()));
    // Between its birth and its own program a process has its parent's environment.
    environ(5, "CANTAL_PATH=/run/late\0");
    assert_eq!(touched(4), (vec![2, 5], "requests 2 1, requests 5 3".to_owned()));
    environ(1, "CANTAL_PATH=/run/late\0");
    assert_eq!(touched(6).0, [2, 5]);
    let again = 2 + LOOK_AGAIN.as_secs() + 1;
    assert_eq!(touched(again), (vec![1, 2, 5], "requests 2 1, requests 5 3".to_owned()), "first come those that are known");
    assert_eq!(touched(again + 1), (vec![1, 2, 5], "requests 1 3, requests 2 1".to_owned()), "the lower one counts now");
    machine.publish("run/app", META, &values(&[10, 2]));
    fs::remove_dir_all(machine.proc().join("1")).unwrap();
    assert_eq!(touched(again + 2), (vec![2, 5], "requests 2 10, requests 5 3".to_owned()));
    environ(2, "");
    assert_eq!(touched(again + 4), (vec![2, 5], "requests 5 3".to_owned()));
    assert_eq!(touched(again + 6).0, [5]);
}

#[test]
fn a_flood_of_processes_is_spread_over_scans() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    let count = 30;
    for pid in 1..count {
        fs::create_dir(machine.proc().join(pid.to_string())).unwrap();
    }
    machine.process(count, "CANTAL_PATH=/run/app\0");
    let mut scanner = Scanner::new(machine.proc());
    scanner.max_looks = 20;
    let mut scan = |seconds| {
        let mut touched = 0;
        let found = scanner.scan(at(seconds), |_| {
            touched += 1;
            true
        });
        (touched, found.samples.len())
    };
    assert_eq!(scan(0), (20, 0));
    assert_eq!(scan(2), (20, 2), "those that were never looked at come first");
}

#[test]
fn what_changes_while_it_is_read_gives_nothing() {
    let machine = Machine::new();
    machine.publish("run/app", META, &values(&[1, 2]));
    machine.process(1, "CANTAL_PATH=/run/app\0");
    let publisher = Publisher::of(&Process::open(&machine.proc(), 1).unwrap(), 1).unwrap();
    let (mut kept, mut samples) = (Metas::new(), Vec::new());
    let files = publisher.find().unwrap();
    let meta = publisher.meta(&files, &Metas::new(), &mut kept).unwrap();
    publisher.read(&files, &meta, 0, &mut samples).unwrap();
    assert_eq!((samples.len(), kept.len()), (2, 1));
    let new = machine.root().join("run/new");
    fs::write(&new, META).unwrap();
    fs::rename(new, machine.root().join("run/app.meta")).unwrap();
    publisher.read(&files, &meta, 0, &mut samples).unwrap();
    assert_eq!(samples.len(), 2, "the numbers may be those of another file");
}

#[test]
fn a_directory_without_processes_is_noted_or_empty() {
    let found = Scanner::new("/no/such/place".into()).scan(at(0), |_| true);
    assert_eq!(notes(&found), ["cannot read /no/such/place, its figures are left out"]);
    let machine = Machine::new();
    for name in ["self", "99999999999", "-1", "net"] {
        fs::create_dir(machine.proc().join(name)).unwrap();
    }
    machine.process(4, "CANTAL_PATH=/run/app\0");
    fs::remove_file(machine.proc().join("4/root")).unwrap();
    let found = machine.scan();
    assert_eq!((found.samples.len(), found.left_out, notes(&found)), (0, 0, vec![]));
}

#[test]
fn the_machines_names_are_reserved() {
    let check = |metric: &str, expect: bool| assert_eq!(crate::procfs::is_reserved(metric), expect, "{metric}");
    for metric in
        ["cpu.busy", "load_avg_1min", "memory.MemAvailable", "net.TcpExt.ListenDrops", "net.interface.rx.bytes", "net.sockets", "uptime"]
    {
        check(metric, true);
    }
    for metric in ["requests", "memory.heap", "net.requests", "uptime.service", "load", "cpu"] {
        check(metric, false);
    }
}
