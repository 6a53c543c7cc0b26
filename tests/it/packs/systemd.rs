//! The pack `systemd`: units that `systemd-analyze verify` takes, and the instances that run of them.

use std::io::Write as _;
use std::process::Command;

use super::bench::{Bench, usable};
use crate::support::eventually;

const UNIT: &str = "etc/systemd/system/worker@.service";

/// A line of the example.
const FIRST: &str = r#"GREETING: "one\ntwo; 50%""#;

/// What systemd reads a unit as.
fn read_by_systemd(bench: &Bench, unit: &str) -> String {
    let path = format!("{}/root/{unit}", bench.here());
    let mut command = Command::new("systemd-analyze");
    let output = command.args(["verify", "--man=no", &path]).env("SYSTEMD_LOG_LEVEL", "debug").output().expect("it is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat()
}

/// Any text is one value of the environment, or one argument, and is what was meant.
fn texts_stay_texts(bench: &mut Bench) {
    let dump = read_by_systemd(bench, UNIT);
    assert!(dump.contains("Environment: GREETING=one\ntwo; 50%\n") && dump.contains("Environment: INSTANCE=i\n"), "{dump}");
    // How it quotes what it shows differs by version.
    let command = dump.lines().find(|line| line.contains("Command Line: ")).expect("it has one").replace('\\', "");
    assert!(command.contains("--label=100% of i; it's $HOME \"quoted\""), "{command}");
    let mut now = FIRST.to_owned();
    for text in ["x\" \"EVIL=1", "x\nUser=root\n[Install]", "%n %% $HOME ${HOME} \\", "\\\"; 'a' #", "\u{1f}\u{85}\u{2028}é😀\t ", ""] {
        let next = format!("GREETING: {}", serde_json::Value::from(text));
        bench.edit("worker", &now, &next);
        now = next;
        let shown = format!("Environment: GREETING={text}\n");
        eventually(&shown, || read_by_systemd(bench, UNIT).contains(&shown).then_some(()));
        bench.settled();
    }
    bench.edit("worker", &now, FIRST);
    eventually("the first again", || bench.read(UNIT)?.contains("=one\\ntwo; 50%%").then_some(()));
    bench.settled();
}

/// What systemctl was told about these units, but for questions.
fn about(told: &[String], unit: &str) -> Vec<String> {
    let told = told.iter().filter_map(|line| line.strip_prefix("systemctl ")).filter(|line| line.contains(unit));
    told.filter(|line| !line.starts_with("is-active") && !line.starts_with("reset-failed")).map(str::to_owned).collect()
}

#[test]
fn units_are_verified_and_their_instances_follow() {
    let real = usable("systemd-analyze", &["--version"]);
    let mut bench = Bench::start("systemd", if real { &["systemd-analyze"] } else { &[] });
    bench.settled();
    let told = bench.told();
    let reload = told.iter().position(|line| line == "systemctl daemon-reload").expect("systemd reads the files");
    let started = told.iter().position(|line| line == "systemctl start worker@0.service").expect("they start");
    assert!(reload < started, "{told:?}");
    assert_eq!(about(&told, "worker@1"), ["start worker@1.service"], "two of six have a place on one node");
    assert_eq!(about(&told, "a.b_c-1@0"), ["start a.b_c-1@0.service"]);
    bench.join();
    bench.is_as_expected();
    assert_eq!(bench.told(), [""; 0], "nothing changes here for the others' sake");
    if real {
        texts_stay_texts(&mut bench);
        bench.told();
    }
    // Another unit: one after the other. Another number: nobody else is disturbed.
    bench.follows("worker", ("memory_max: 256M", "memory_max: 300M"), UNIT, "MemoryMax=300M");
    assert_eq!(
        about(&bench.told(), "worker@"),
        ["list-units --all --full --plain --no-legend --no-pager worker@*.service", "restart worker@0.service", "restart worker@1.service"]
    );
    bench.edit("worker", "per_node_max: 2", "per_node_max: 1");
    bench.eventually_told("systemctl stop worker@1.service");
    bench.settled();
    assert_eq!(about(&bench.told(), "worker@0"), [""; 0]);
    // One that does not start: the former unit comes back, and is told.
    bench.write("refused", "worker@0.service\n");
    bench.edit("worker", "memory_max: 300M", "memory_max: 301M");
    let error = bench.node.error("role worker");
    assert!(error.contains("verwalter-instances"), "{error}");
    bench.eventually_reads(UNIT, "MemoryMax=300M");
    bench.write("refused", "");
    bench.eventually_reads(UNIT, "MemoryMax=301M");
    bench.settled();
    // What is no single value is no unit.
    let part = "does not fit";
    for hostile in ["\"/usr/bin/env\\nUser=root\"", "+/usr/bin/env", "/usr/bin/env x", "'/usr/bin/env;'", "env"] {
        bench.refuses("worker", "executable: /usr/bin/env", &format!("executable: {hostile}"), part);
    }
    bench.refuses("worker", "description: Works through the queue", "description: \"x\\n[Install]\"", part);
    bench.refuses("worker", "description: Works through the queue", "description: 100% done", part);
    bench.refuses("worker", "queue-password: /etc", "\"a\\nb\": /etc", part);
    bench.refuses("worker", "QUEUE: ", "\"A B\": ", part);
    bench.refuses("worker", "memory_max: 301M", "memory_max: \"1M\\nUser=root\"", part);
    bench.refuses("a.b_c-1", "user: daemon", "user: \"daemon root\"", part);
    if real {
        bench.refuses("worker", "executable: /usr/bin/env", "executable: /usr/bin/no-such-program", "; nothing was changed");
    } else {
        let _ = writeln!(std::io::stderr(), "left out: what systemd itself refuses");
    }
    bench.told();
    bench.leave("worker", UNIT);
    assert!(about(&bench.told(), "worker@").contains(&"stop worker@0.service".to_owned()));
    bench.stop();
}

#[test]
fn a_first_deployment_that_fails_leaves_nothing_running() {
    let mut bench = Bench::begin("systemd", &[], |site| site.write("refused", "worker@1.service\n"));
    let error = bench.node.error("role worker");
    assert!(error.contains("verwalter-instances"), "{error}");
    // The first one had started; with the files it goes.
    bench.eventually_told("systemctl start worker@0.service");
    bench.eventually_told("systemctl stop worker@0.service");
    bench.write("refused", "");
    bench.settled();
    assert!(about(&bench.told(), "worker@1").contains(&"start worker@1.service".to_owned()));
    assert!(bench.read(UNIT).is_some());
    bench.stop();
}
