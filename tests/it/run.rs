//! `verwalter run`: a node under a supervisor, from its arguments to its exit codes.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Node, Site, program, run_to_end};

#[test]
fn it_runs_and_drains_on_sigterm() {
    let site = Site::prepared();
    let mut node = site.run(&["--hostname", "alpha", "--name", "alpha.example.org"]);
    node.ready();
    let status = node.get("/v1/status").json();
    assert_eq!(status["id"], "00112233445566778899aabbccddeeff");
    assert_eq!((&status["hostname"], &status["name"]), (&"alpha".into(), &"alpha.example.org".into()));
    assert_eq!(node.get("/v1/schedule").json()["data"]["nodes"]["alpha"]["roles"]["web"]["instances"], 3);
    assert!(site.read("out/motd").is_some_and(|motd| motd.contains("\nalpha: ")), "it is rendered under that name");
    node.stop();
    assert!(node.out.is_empty(), "standard output is not for logs: {}", node.transcript());
    assert!(node.err.iter().any(|line| line.contains("signal=\"SIGTERM\"")), "{}", node.transcript());
    assert!(site.path("log").is_dir());
}

#[test]
fn a_hangup_changes_nothing() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    node.signal(Signal::HUP);
    node.eventually("it says so", |node| node.err.iter().any(|line| line.contains("SIGHUP changes nothing")).then_some(()));
    node.healthy();
    node.stop();
}

#[test]
fn what_is_in_force_at_the_end_is_stored_and_deployed() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: 7");
    let hash = node.status("seven are in force", |status| {
        (status["round"]["instances"] == 8).then(|| status["schedule_id"].as_str().expect("a digest").to_owned())
    });
    node.stop();
    let stored: Value = serde_json::from_str(&site.read("var/schedule/schedule.json").expect("it is stored")).expect("it is JSON");
    assert_eq!(stored["hash"], hash);
    assert!(site.read("out/nginx/web.conf").is_some_and(|conf| conf.contains("7 instance(s)")));
}

#[test]
fn settings_that_changed_ask_for_a_restart() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    assert_eq!(node.get("/v1/status").json()["restart_needed"], false);
    let mut edit = |from: &str, to: &str, needed: bool| {
        site.edit("etc/verwalter.yaml", from, to);
        node.status("it follows", |status| (status["restart_needed"] == needed).then_some(()));
    };
    edit("round-interval: 150ms", "round-interval: 160ms", true);
    edit("round-interval: 160ms", "round-interval: 150ms", false);
    node.stop();
}

#[test]
fn output_goes_below_the_storage_unless_told_otherwise() {
    let site = Site::prepared();
    site.edit("etc/verwalter.yaml", "output-dir: ../out\n", "");
    let mut node = site.run(&[]);
    node.ready();
    assert!(site.read("var/output/motd").is_some() && site.read("out/motd").is_none());
}

#[test]
fn one_daemon_a_storage_directory() {
    let site = Site::prepared();
    let mut first = site.run(&[]);
    first.ready();
    let mut second = site.run(&[]);
    assert_eq!(second.end().code(), Some(5), "{}", second.transcript());
    let told = format!("another verwalter (process {}) runs on the storage directory {}", first.pid(), site.path("var").display());
    assert!(second.err.iter().any(|line| line.contains(&told)), "{told}: {}", second.transcript());
    first.healthy();
}

#[test]
fn logs_are_json_when_asked() {
    for by_settings in [false, true] {
        let site = Site::prepared();
        if by_settings {
            site.edit("etc/verwalter.yaml", "round-interval", "log-format: json\nround-interval");
        }
        site.write("etc/runtime/broken.yaml", "a: [");
        let mut node = site.run(if by_settings { &[] } else { &["--log-format", "json"] });
        node.error("config ");
        node.stop();
        let lines: Vec<Value> =
            node.err.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"))).collect();
        assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{lines:#?}");
        let broken = |line: &&Value| line["level"] == "ERROR" && line["error"].as_str().is_some_and(|e| e.contains("runtime/broken.yaml:"));
        assert_eq!(lines.iter().filter(broken).count(), 1, "told once, with its place: {lines:#?}");
    }
}

/// Starts `run` on a site and expects that it refuses.
fn refused(site: &Site, args: &[&str], status: i32, told: &str) {
    let mut command = site.run_command(program());
    command.args(["--override-machine-id", "00112233445566778899aabbccddeeff"]).args(args);
    let mut node = Node::start(command);
    let found = node.end().code();
    assert_eq!(found, Some(status), "{}", node.transcript());
    assert!(node.err.iter().any(|line| line.contains(told)), "{told}: {}", node.transcript());
}

#[test]
fn an_address_that_others_reach_must_be_asked_for() {
    let site = Site::prepared();
    refused(&site, &["--listen", "0.0.0.0:0"], 6, "0.0.0.0:0 is reachable from other machines");
    refused(&site, &["--listen", "[::]:0"], 6, "add --insecure");
    let mut command = site.run_command(program());
    command.args(["--listen", "0.0.0.0:0", "--insecure"]).args(["--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut node = Node::start(command);
    let port = node.eventually("it says where it listens", |node| {
        let line = node.err.iter().find_map(|line| line.split("listen=0.0.0.0:").nth(1).map(str::to_owned))?;
        line.split_whitespace().next()?.parse::<u16>().ok()
    });
    let reply = crate::support::get(SocketAddr::from(([127, 0, 0, 1], port)), "/healthz");
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"));
}

#[test]
fn what_keeps_it_from_starting_has_its_exit_code() {
    let listen: [&str; 2] = ["--listen", "127.0.0.1:0"];
    let site = Site::prepared();
    site.edit("etc/verwalter.yaml", "round-interval: 150ms", "round-interval: 150");
    refused(&site, &listen, 3, "etc/verwalter.yaml:1:17: `round-interval`: write a whole number and a unit");

    let site = Site::fresh();
    refused(&site, &listen, 3, &format!("{}: does not exist", site.path("etc").display()));
    assert!(!site.path("var").exists(), "nothing is made for a tree that is not there");

    let site = Site::prepared();
    std::fs::remove_dir_all(site.path("var")).expect("it is there");
    site.write("var", "a file");
    refused(&site, &listen, 5, &format!("{} cannot be created", site.path("var").display()));

    let site = Site::prepared();
    site.write("log", "a file");
    refused(&site, &listen, 5, &format!("the log directory {} cannot be made", site.path("log").display()));

    let site = Site::prepared();
    std::fs::remove_dir_all(site.path("var/cache")).expect("it is there");
    site.write("var/cache", "a file");
    refused(&site, &listen, 4, "var/cache");
}

#[test]
fn a_bad_argument_is_named() {
    let check = |args: &[&str], status, told: &str| {
        let ended = run_to_end(["run", "--config-dir", "/nonexistent"].iter().chain(args));
        assert_eq!(ended.status, Some(status), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told), "{told}: {ended:#?}");
    };
    check(&["--hostname", "Bad_Name"], 2, "hostname `Bad_Name` may hold lower-case letters");
    check(&["--listen", "here"], 2, "--listen");
    check(&["--log-format", "xml"], 2, "[possible values: text, json]");
    check(&["--override-machine-id", "xyz"], 2, "--override-machine-id");
    check(&["--storage"], 2, "--storage-dir");
}

#[test]
fn whoever_reads_its_log_may_go_away() {
    let site = Site::prepared();
    let mut command = site.run_command(program());
    command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut node = Node::start_unheard(command);
    node.ready();
    let heard = node.err.len();
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: [");
    node.error("config ");
    site.edit("etc/runtime/web.yaml", "instances: [", "instances: 3");
    node.healthy();
    node.stop();
    assert_eq!(node.err.len(), heard, "there was somebody who listened: {}", node.transcript());
}
