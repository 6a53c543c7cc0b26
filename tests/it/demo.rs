//! `verwalter demo`, the main job: this machine's figures through a scheduler plugin to rendered files, changed while it runs.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use verwalter_core::digest::Digest;

use crate::support::{Node, Site, eventually, program, run_to_end};

/// This machine's name as the schedule has it.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("the kernel knows its name");
    name.trim().to_lowercase()
}

fn cpus() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").expect("procfs is mounted");
    text.lines().filter(|line| line.starts_with("processor")).count()
}

fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").expect("procfs is mounted");
    let line = text.lines().find(|line| line.starts_with("MemTotal:")).expect("the kernel tells its memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number of KiB") * 1024
}

fn accepted(round: &Value) -> bool {
    round["accepted"] == true
}

fn none_failed(node: &Node) {
    let failed: Vec<Value> = node.rounds().into_iter().filter(|round| !accepted(round)).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", node.transcript());
}

#[test]
fn three_rounds_render_this_machine_and_end() {
    let site = Site::fresh();
    let mut node = site.demo(&["--rounds", "3"]);
    let status = node.end();
    assert_eq!(status.code(), Some(0), "{}", node.transcript());
    assert_eq!(node.err, [""; 0], "nothing is wrong");
    let rounds: Vec<&String> = node.out.iter().filter(|line| line.starts_with("round ")).collect();
    assert_eq!(rounds.len(), 3, "{}", node.transcript());
    assert!(rounds[0].contains("new schedule") && rounds[1].contains("same schedule"), "{rounds:?}");
    let introduction = node.out.join("\n");
    for told in ["etc/templates/motd/v1/motd.hbs", "spread-other-build.wasm", "/v1/status.pretty"] {
        assert!(introduction.contains(told), "{told}: {introduction}");
    }

    let motd = site.read("out/motd").expect("the file is rendered");
    let line = format!("{}: {} processors, {} bytes of memory, Linux ", hostname(), cpus(), memory_bytes());
    assert!(motd.contains(&line), "{line}: {motd}");
    let facts = site.read("out/facts.yaml").expect("the file is rendered");
    assert!(facts.contains(&format!("node: \"{}\"", hostname())), "{facts}");
    assert!(facts.contains(r#"rack: "demo-1""#), "machine/*.yaml is merged in: {facts}");
    let nginx = site.read("out/nginx/web.conf").expect("the file is rendered");
    assert!(nginx.contains(&format!("# web on {}: 3 instance(s)", hostname())), "{nginx}");
    assert!(nginx.contains("allow 192.0.2.0/24;  # mask 255.255.255.0"), "a filter plugin did this: {nginx}");
}

#[test]
fn json_is_one_object_a_line_and_nothing_else() {
    let site = Site::prepared();
    let mut node = site.demo(&["--rounds", "2", "--json"]);
    assert_eq!(node.end().code(), Some(0), "{}", node.transcript());
    let rounds = node.rounds();
    let numbers: Vec<_> = rounds.iter().map(|round| round["round"].as_u64()).collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
    for round in rounds {
        assert!(accepted(&round) && round["fuel"].as_u64() > Some(0) && round["plugin"] == "spread", "{round:#}");
    }
}

#[test]
fn the_first_decision_already_sees_real_figures() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    let first = node.round("the first round", |_| true);
    assert!(accepted(&first) && first["round"] == 1, "{first:#}");
    let host = hostname();

    // What the scheduler wrote down when it placed the role, in the first round.
    let schedule = node.get("/v1/schedule").json();
    let placed = &schedule["data"]["nodes"][&host]["roles"]["motd"]["placed"];
    let figure = |name: &str| placed[name].as_f64().unwrap_or_else(|| panic!("{name} is no number: {schedule:#}"));
    assert!((0.0..=1.0).contains(&figure("cpu")), "{placed}");
    assert!(figure("load") >= 0.0, "{placed}");
    assert!(figure("memory_free") > 1e6 && figure("memory_free") < memory_bytes() as f64, "{placed}");

    let input = node.get("/v1/scheduler_input").json();
    assert_eq!((&input["v"], &input["current_host"]), (&Value::from(1), &Value::from(host.as_str())), "{input:#}");
    let machine = &input["peers"][&host]["machine"];
    assert_eq!((machine["cpus"].as_u64(), machine["memory_bytes"].as_u64()), (Some(cpus() as u64), Some(memory_bytes())));
    assert_eq!(input["metrics"]["memory_total"][0].as_f64(), Some(memory_bytes() as f64));
    for rate in ["cpu", "net_rx"] {
        let value = input["metrics"][rate][0].as_f64();
        assert!(value.is_some_and(|value| value >= 0.0), "{rate} has a rate: {input:#}");
    }
}

#[test]
fn a_file_follows_its_template_and_others_stay() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    node.ready();
    let inode = |below| std::fs::metadata(site.path(below)).expect("it is rendered").ino();
    let before = inode("out/facts.yaml");
    site.edit("etc/templates/motd/v1/motd.hbs", "{{ greeting }}.", "Welcome to {{ node }}.");
    let line = format!("Welcome to {}.\n", hostname());
    node.eventually("the file follows", |_| site.read("out/motd")?.starts_with(&line).then_some(()));
    assert_eq!(inode("out/facts.yaml"), before, "what did not change was not written again");
    node.healthy();
    node.stop();
    none_failed(&node);
}

#[test]
fn a_replaced_plugin_decides_and_no_round_fails() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    let before = node.round("a round", accepted);
    let other = Site::other_build();
    let digest = Digest::of(&other).to_string();
    assert_ne!(before["plugin_digest"], digest.as_str());
    site.write("etc/plugins/spread.wasm", other);
    let after = node.round("a round of the new build", |round| round["plugin_digest"] == digest.as_str());
    assert!(accepted(&after), "{after:#}");
    assert_eq!(after["schedule"], before["schedule"], "the same scheduler places the same");
    node.round("one more", accepted);
    node.stop();
    none_failed(&node);
    let builds: Vec<Value> = node.rounds().iter().map(|round| round["plugin_digest"].clone()).collect();
    let switches = builds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(switches, 1, "{builds:?}");
}

#[test]
fn garbage_in_a_plugins_place_leaves_the_old_build_in_force() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    let before = node.round("a round", accepted);
    let good = std::fs::read(site.path("etc/plugins/spread.wasm")).expect("it is there");
    site.write("etc/plugins/spread.wasm", "this is no plugin");
    let error = node.error("plugin spread");
    assert!(error.starts_with("inspect: it is no WebAssembly"), "{error}");
    let plugin = node.get("/v1/plugins/spread").json();
    assert_eq!((&plugin["state"], &plugin["error"]["step"]), (&Value::from("kept"), &Value::from("inspect")), "{plugin:#}");
    assert_eq!(plugin["digest"], before["plugin_digest"], "the build in force is told, not the file's");
    assert_eq!(plugin["error"]["digest"], Digest::of(b"this is no plugin").to_string(), "so is which file was refused");
    let mut listed = node.get("/v1/plugins").json()["plugins"][1].clone();
    // It goes on deciding between the two answers.
    listed["metrics"] = plugin["metrics"].clone();
    assert_eq!(listed, plugin);
    let since = node.rounds().len();
    node.eventually("rounds go on", |node| (node.out.len() > since + 2).then_some(()));
    none_failed(&node);

    site.write("etc/plugins/spread.wasm", good);
    node.healthy();
    node.stop();
    none_failed(&node);
    assert!(node.rounds().iter().all(|round| round["plugin_digest"] == before["plugin_digest"]));
}

#[test]
fn a_damaged_plugin_does_not_outlive_a_restart_either() {
    let site = Site::prepared();
    let digest = site.demo(&["--json"]).round("a round", accepted)["plugin_digest"].clone();
    let bytes = std::fs::read(site.path("etc/plugins/spread.wasm")).expect("it is there");
    site.write("etc/plugins/spread.wasm", &bytes[..bytes.len() / 2]);
    let mut node = site.demo(&["--json"]);
    let round = node.round("a round", |_| true);
    assert!(accepted(&round) && round["plugin_digest"] == digest, "the last good build decides: {round:#}");
    let error = node.error("plugin spread");
    assert!(error.starts_with("inspect: it cannot be read as WebAssembly"), "{error}");
}

#[test]
fn changed_metadata_changes_what_runs() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    assert_eq!(node.round("a round", accepted)["instances"], 4);
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: 5");
    let round = node.round("five of web and one of motd", |round| round["instances"] == 6);
    assert_eq!(round["changed"], true, "{round:#}");
    let line = format!("# web on {}: 5 instance(s)", hostname());
    node.eventually("the file follows", |_| site.read("out/nginx/web.conf")?.starts_with(&line).then_some(()));
    node.stop();
    none_failed(&node);
}

#[test]
fn a_restart_continues_with_the_same_schedule_and_keeps_edits() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    node.round("a round", accepted);
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: 2");
    let last = node.round("the edit is in force", |round| round["instances"] == 3);
    std::fs::remove_file(site.path("etc/templates/motd/v1/motd.hbs")).expect("it is there");
    site.edit("etc/templates/motd/v1/motd.render.yaml", "  motd: motd.hbs\n", "");
    site.edit("etc/templates/motd/v1/motd.render.yaml", "- !Copy { src: \"{{ files.motd }}\", dest: \"motd\" }\n", "");
    node.healthy();
    let before = node.get("/v1/schedule").json();
    assert_eq!(before["hash"], last["schedule"]);
    node.signal(Signal::INT);
    assert_eq!(node.end().code(), Some(0), "{}", node.transcript());

    let mut node = site.demo(&["--json"]);
    let first = node.round("the first round", |_| true);
    assert_eq!((&first["round"], &first["changed"], &first["schedule"]), (&1.into(), &false.into(), &last["schedule"]), "{first:#}");
    assert!(first["term"].as_u64() > last["term"].as_u64(), "a new leadership: {first:#}");
    let after = node.get("/v1/schedule").json();
    assert_eq!(after, before, "with the times at which it came into force and roles were placed");
    node.healthy();
    assert!(site.read("etc/templates/motd/v1/motd.hbs").is_none(), "what was removed stays away");
    assert!(site.read("etc/runtime/web.yaml").is_some_and(|text| text.contains("instances: 2")), "what was edited stays");
    node.stop();
}

#[test]
fn a_second_start_says_so() {
    let site = Site::prepared();
    site.demo(&["--rounds", "1"]).end();
    let mut node = site.demo(&["--rounds", "1"]);
    assert_eq!(node.end().code(), Some(0));
    assert!(node.out[0].contains("continues in"), "{}", node.transcript());
    assert!(node.out.iter().any(|line| line.contains("same schedule")), "{}", node.transcript());
}

#[test]
fn an_interrupt_ends_it_with_status_0() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let site = Site::prepared();
        let mut node = site.demo(&[]);
        node.eventually("a round", |node| node.out.iter().any(|line| line.starts_with("round ")).then_some(()));
        node.signal(signal);
        assert_eq!(node.end().code(), Some(0), "{}", node.transcript());
        assert!(node.out.last().is_some_and(|line| line.starts_with("stopped")), "{}", node.transcript());
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    for format in [None, Some("--json")] {
        let site = Site::prepared();
        let mut command = program();
        command.arg("demo").arg("--dir").arg(site.path("")).args(["--listen", "127.0.0.1:0"]).args(format);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        out.read_line(&mut first).expect("it prints a line");
        drop(out);
        let status = eventually("it ends", || child.try_wait().expect("it can be waited for"));
        assert_eq!(status.code(), Some(0), "{format:?}");
    }
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    for format in [None, Some("--json")] {
        let site = Site::prepared();
        let mut command = program();
        command.arg("demo").arg("--dir").arg(site.path("")).args(["--listen", "127.0.0.1:0"]).args(format);
        let full = std::fs::File::options().write(true).open("/dev/full").expect("the system has it");
        let ended = command.stdout(full).output().expect("the program starts");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("verwalter: standard output cannot be written: No space left on device"), "{told}");
    }
}

#[test]
fn a_directory_that_cannot_be_written() {
    let site = Site::fresh();
    site.write("etc", "a file");
    let ended = run_to_end(["demo", "--rounds", "1", "--dir", &site.path("").display().to_string()]);
    assert_eq!(ended.status, Some(5), "{ended:#?}");
    assert!(ended.err.contains("etc cannot be written: choose another directory with --dir"), "{ended:#?}");
}

#[test]
fn without_a_decision_a_counted_demo_gives_up() {
    let site = Site::prepared();
    std::fs::remove_file(site.path("etc/plugins/spread.yaml")).expect("it is there");
    let mut node = site.demo(&["--rounds", "1", "--json"]);
    assert_eq!(node.end().code(), Some(1), "{}", node.transcript());
    let rounds = node.rounds();
    assert!(rounds.iter().all(|round| round["error"].as_str().is_some_and(|error| error.contains("no scheduler plugin is active"))));
    assert_eq!(rounds.len(), 10);
}

#[test]
fn a_taken_port() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = taken.local_addr().expect("it is bound").to_string();
    let site = Site::prepared();
    let dir = site.path("").display().to_string();
    let ended = run_to_end(["demo", "--dir", &dir, "--rounds", "1", "--listen", &addr]);
    assert_eq!(ended.status, Some(6), "{ended:#?}");
    let expect = format!("verwalter: cannot listen on {addr}: choose another address with --listen");
    assert!(ended.err.starts_with(&expect), "{ended:#?}");

    // Nobody asked for this very address: another will do.
    site.write("etc/verwalter.yaml", format!("listen: \"{addr}\"\noutput-dir: ../out\n"));
    let ended = run_to_end(["demo", "--dir", &dir, "--rounds", "1"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.out.contains("http://127.0.0.1:") && !ended.out.contains(&addr), "{ended:#?}");
}
