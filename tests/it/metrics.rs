//! `verwalter metrics` and the paths behind it: a real node's real figures, what an application publishes, a cantal agent's recorded
//! list, a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Ended, Node, Site, eventually, get, program, run_to_end};

/// A node with a handful of readings.
fn node(site: &Site) -> (Node, SocketAddr, String) {
    let mut node = site.run(&[]);
    let addr = node.addr();
    node.eventually("five readings", |_| (get(addr, "/v1/metrics").json()["readings"].as_u64() >= Some(5)).then_some(()));
    (node, addr, format!("http://{addr}"))
}

/// The command must fail with status 1 and one line that says `told`.
fn fails(args: &[&str], told: &str) -> Ended {
    let ended = run_to_end(args);
    assert_eq!(ended.status, Some(1), "{args:?}: {ended:#?}");
    assert!(ended.err.starts_with("verwalter: ") && ended.err.contains(told), "{told}: {ended:#?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:#?}");
    ended
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_api_tells_this_machines_figures() {
    let site = Site::prepared();
    let (mut node, addr, _) = node(&site);
    let all = get(addr, "/v1/metrics").json();
    let series = all["series"].as_array().expect("a list");
    assert!(series.len() > 20 && all["left_out"] == 0 && all["v"] == 1, "{all:#}");
    let metrics: Vec<&str> = series.iter().filter_map(|one| one["labels"]["metric"].as_str()).collect();
    assert!(metrics.contains(&"cpu.busy") && metrics.contains(&"memory.MemTotal"), "{metrics:?}");
    let one = |query: &str| {
        let told = get(addr, &format!("/v1/metrics?match={query}")).json();
        assert_eq!(told["series"].as_array().map(Vec::len), Some(1), "{query}: {told:#}");
        told["series"][0].clone()
    };
    let total = one("memory.MemTotal");
    assert_eq!((&total["kind"], &total["unit"]), (&json!("gauge"), &json!("bytes")), "{total:#}");
    assert!(total["value"].as_f64() > Some(1e6) && total["age_ms"].as_u64() < Some(60_000), "{total:#}");
    assert_eq!(one("metric%3D~%22cpu.busy%22")["unit"], "ratio");
    let told = get(addr, "/v1/metrics/samples?match=cpu.user&since=1m").json();
    let samples = told["series"][0]["samples"].as_array().expect("samples");
    let ages: Vec<u64> = samples.iter().filter_map(|sample| sample[0].as_u64()).collect();
    assert!(ages.len() >= 5 && ages.is_sorted_by(|older, newer| older > newer), "{told:#}");
    assert_eq!((&told["since_ms"], &told["series"][0]["kind"]), (&json!(60_000), &json!("counter")));
    let check = |path: &str, status: u16, code: &str| {
        let reply = get(addr, path);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}: {reply:?}");
    };
    check("/v1/metrics?match=interface!lo", 400, "bad-selection");
    check("/v1/metrics/samples?since=2h", 400, "bad-query");
    check("/v1/metrics/samples?limit=65", 400, "bad-query");
    check("/v1/metrics/none", 404, "not-found");
    let reply = crate::support::request(addr, "POST", "/v1/metrics", &["Content-Length: 0"]);
    assert_eq!((reply.status, reply.code().as_str()), (405, "method-not-allowed"), "{reply:?}");
    let foreign = crate::support::request(addr, "GET", "/v1/metrics", &["Host: evil.example"]);
    assert_eq!(foreign.status, 421, "{foreign:?}");
    node.stop();
}

#[test]
fn series_are_listed_and_shown() {
    let site = Site::prepared();
    let (mut node, _, url) = node(&site);
    let ls = run_to_end(["metrics", "ls", "--node", &url]);
    assert_eq!((ls.status, ls.err.as_str()), (Some(0), ""), "{ls:#?}");
    let line = |name: &str| {
        ls.out.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_else(|| panic!("{name}: {}", ls.out))
    };
    assert!(ls.out.starts_with("NAME "), "{}", ls.out);
    assert!(line("memory.MemTotal").contains(" gauge ") && line("memory.MemTotal").contains("iB "), "{}", ls.out);
    assert!(line("cpu.busy").contains(" % ") && line("cpu.user").contains(" counter "), "{}", ls.out);
    let some = run_to_end(["metrics", "ls", "cpu.*", "load_avg_1min", "metric!=cpu.count", "--json", "--node", &url]);
    let listed = json(&some.out);
    let names: Vec<&str> = listed["series"].as_array().expect("a list").iter().filter_map(|one| one["labels"]["metric"].as_str()).collect();
    assert!(names.contains(&"load_avg_1min") && names.contains(&"cpu.user") && !names.contains(&"cpu.count"), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("cpu.") || *name == "load_avg_1min"), "{names:?}");

    let show = run_to_end(["metrics", "show", "memory.MemTotal", "cpu.user", "--since", "1m", "--node", &url]);
    assert_eq!((show.status, show.err.as_str()), (Some(0), ""), "{show:#?}");
    let lines: Vec<&str> = show.out.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].starts_with("SERIES ") && lines[0].contains("LAST 1m") && lines[0].ends_with("NEWEST"),
        "{}",
        show.out
    );
    assert!(lines[1].starts_with("cpu.user ") && lines[1].trim_end().ends_with(" s/s"), "{}", show.out);
    assert!(lines[2].starts_with("memory.MemTotal ") && lines[2].contains('▁') && lines[2].trim_end().ends_with("iB"), "{}", show.out);
    let samples = json(&run_to_end(["metrics", "show", "cpu.user", "--since", "1m", "--json", "--node", &url]).out);
    assert!(samples["series"][0]["samples"].as_array().is_some_and(|samples| samples.len() >= 5), "{samples:#}");
    node.stop();
}

#[test]
fn what_cannot_be_shown_is_told_with_the_next_step() {
    let site = Site::prepared();
    let (mut node, _, url) = node(&site);
    let url = url.as_str();
    for command in ["ls", "show", "watch"] {
        let ended = fails(&["metrics", command, "cpu.bussy", "--node", url], "no series matches `cpu.bussy`; near it: cpu.busy");
        assert!(ended.out.is_empty() && ended.err.trim_end().ends_with("(`verwalter metrics ls` lists all)"), "{ended:#?}");
        fails(
            &["metrics", command, "interface!lo", "--node", url],
            "the selection `interface!lo` cannot be understood: has none of the operators",
        );
        fails(&["metrics", command, "cpu.*", "a=~(", "--node", url], "is no regular expression");
    }
    let ended = run_to_end(["metrics", "ls", "cpu.bussy", "--json", "--node", url]);
    assert_eq!((ended.status, &json(&ended.out)["near"][0]), (Some(1), &json!("cpu.busy")), "{ended:#?}");
    fails(&["metrics", "show", "cpu.busy", "--since", "2h", "--node", url], "`since` must be from 1ms to 1h");
    let usage = |args: &[&str], told: &str| {
        let ended = run_to_end(args);
        assert!(ended.status == Some(2) && ended.err.contains(told), "{ended:#?}");
    };
    usage(&["metrics", "show"], "<SELECTION>...");
    usage(&["metrics", "show", "x", "--since", "10"], "write a whole number and a unit");
    usage(&["metrics", "ls", "--source", "ganglia"], "possible values: node, cantal");
    node.stop();
    for command in ["ls", "show", "watch"] {
        fails(&["metrics", command, "cpu.busy", "--node", url], &format!("no node answers at {url}: is it running?"));
    }
}

/// Lines of a watch's standard output from now on.
fn more_lines(watch: &mut Node, what: &str, count: usize) {
    let before = watch.out.len();
    watch.eventually(what, |watch| (watch.out.len() >= before + count).then_some(()));
}

#[test]
fn a_watch_outlives_the_node_and_ends_with_a_signal() {
    let site = Site::prepared();
    let (mut node, addr, url) = node(&site);
    let mut command = program();
    command.args(["metrics", "watch", "cpu.busy", "cpu.user", "--every", "100ms", "--node", &url]);
    let mut watch = Node::start(command);
    more_lines(&mut watch, "three refreshes", 3);
    assert!(watch.out.iter().all(|line| line.contains("Z  cpu.busy ") && line.contains("; cpu.user ")), "{}", watch.transcript());
    node.stop();
    watch.eventually("it says that the node is gone", |watch| watch.err.iter().any(|line| line.contains(&url)).then_some(()));
    let mut command = site.run_command(program());
    command.args(["--listen", &addr.to_string(), "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut again = Node::start(command);
    watch.eventually("it says that the node is back", |watch| {
        watch.err.iter().any(|line| line == &format!("verwalter: {url} answers again")).then_some(())
    });
    more_lines(&mut watch, "three refreshes more", 3);
    watch.signal(Signal::INT);
    assert_eq!(watch.end().code(), Some(0), "{}", watch.transcript());
    assert_eq!(watch.err.iter().filter(|line| line.contains("going on until it answers")).count(), 1, "{}", watch.transcript());
    again.stop();
}

#[test]
fn a_watch_ends_when_nobody_reads_it() {
    let site = Site::prepared();
    let (mut node, _, url) = node(&site);
    let mut command = program();
    command.args(["metrics", "watch", "cpu.busy", "--every", "100ms", "--json", "--node", &url]).stdout(Stdio::piped());
    let mut watch = command.spawn().expect("the program starts");
    let mut first = String::new();
    BufReader::new(watch.stdout.take().expect("it is piped")).read_line(&mut first).expect("a line");
    assert_eq!(json(&first)["series"][0]["labels"]["metric"], "cpu.busy", "{first}");
    // The reader is gone: the next line finds nobody.
    let status = eventually("it ends", || watch.try_wait().expect("it can be waited for"));
    assert_eq!(status.code(), Some(0));
    node.stop();
}

/// On a terminal that `script` makes: drawn in place, and Ctrl-C gives the cursor back.
#[test]
fn a_watch_on_a_terminal_is_drawn_in_place() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("not tested: there is no `script` here to make a terminal (Debian: bsdutils)");
        return;
    }
    let site = Site::prepared();
    let (mut node, _, url) = node(&site);
    let watch = format!("exec {} metrics watch cpu.busy --every 100ms --node {url}", env!("CARGO_BIN_EXE_verwalter"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--flush", "--return", "--command", &watch, "/dev/null"]).env("SHELL", "/bin/sh");
    let (typed, mut keyboard) = std::io::pipe().expect("a pipe");
    command.stdin(typed);
    let mut terminal = Node::start(command);
    let drawn = |terminal: &Node| terminal.out.iter().filter(|line| line.contains("\x1b[2A")).count();
    terminal.eventually("it is drawn again", |terminal| (drawn(terminal) >= 3).then_some(()));
    assert!(terminal.out[0].contains("\x1b[?25l") && terminal.out[0].contains("SERIES"), "{:?}", terminal.out);
    // Without a node the lines stay, with the reason above them.
    node.stop();
    terminal.eventually("it says so", |terminal| terminal.out.iter().any(|line| line.contains("no news for ")).then_some(()));
    keyboard.write_all(b"\x03").expect("somebody types");
    assert_eq!(terminal.end().code(), Some(0), "{}", terminal.transcript());
    assert!(terminal.out.last().is_some_and(|line| line.ends_with("\x1b[?25h")), "the cursor is back: {:?}", terminal.out.last());
}

/// A process that announces what lies at `path`, until it is dropped.
struct Publisher(Child);

impl Publisher {
    fn start(path: &Path) -> Publisher {
        // It waits for its input's end, which comes with this test's.
        let child =
            Command::new("cat").env("CANTAL_PATH", path).env("CANTAL_APPNAME", "shop").stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Publisher(child.expect("cat is everywhere"))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn what_an_application_publishes_is_listed() {
    let site = Site::prepared();
    site.write(
        "shop.meta",
        "counter 8: {\"metric\":\"orders\",\"shop\":\"a b\"}\nlevel 8 float: {\"metric\":\"queue.bytes\",\"shop\":\"a b\"}\n",
    );
    site.write("shop.values", [7_u64.to_ne_bytes(), 1536_f64.to_ne_bytes()].concat());
    let publisher = Publisher::start(&site.path("shop"));
    let (mut node, addr, url) = node(&site);
    let pid = publisher.0.id().to_string();
    node.eventually("it is found", |_| {
        let told = get(addr, &format!("/v1/metrics?match=orders&match=pid={pid}")).json();
        (told["series"].as_array().map(Vec::len) == Some(1)).then_some(())
    });
    let pid = format!("pid={pid}");
    let ls = run_to_end(["metrics", "ls", r#"shop="a b""#, "appname=shop", &pid, "--node", &url]);
    let lines: Vec<&str> = ls.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ls:#?}");
    assert!(lines[1].starts_with("orders ") && lines[1].contains(r#"shop="a b""#) && lines[1].contains(" counter "), "{ls:#?}");
    assert!(lines[2].starts_with("queue.bytes ") && lines[2].contains(" 1.50 KiB "), "{ls:#?}");
    let show = run_to_end(["metrics", "show", "queue.bytes", &pid, "--node", &url]);
    assert!(show.out.lines().count() == 2 && show.out.trim_end().ends_with("1.50 KiB"), "{show:#?}");
    node.stop();
}

/// A cantal agent that answers one question, as one was recorded; gives back what it was asked.
fn agent(head: &'static str, body: Vec<u8>) -> (SocketAddr, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        stream.set_read_timeout(Some(crate::support::DEADLINE)).expect("a timeout can be set");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            request.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).expect("it reads");
        stream.write_all(&body).expect("it reads");
        String::from_utf8(request).expect("text").lines().next().expect("a line").to_owned()
    });
    (addr, asked)
}

#[test]
fn a_cantal_agents_list_is_shown() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("collect/tests/fixtures/cantal/all_metrics.cbor");
    let ask = |args: &[&str]| {
        let (addr, asked) = agent("200 OK", std::fs::read(&recorded).expect("a recording"));
        let ended = run_to_end([&["metrics", "ls", "--source", "cantal", "--cantal", &addr.to_string()], args].concat());
        // Any other path of it may end a real agent.
        assert_eq!(asked.join().expect("it was asked"), "GET /all_metrics.cbor HTTP/1.1");
        ended
    };
    let memory = ask(&["memory.MemTotal"]);
    let lines: Vec<&str> = memory.out.lines().collect();
    assert_eq!((memory.status, lines.len()), (Some(0), 2), "{memory:#?}");
    assert!(lines[1].starts_with("memory.MemTotal ") && lines[1].contains("iB "), "{memory:#?}");
    let disks = json(&ask(&["disk.*", "device!=none", "--json"]).out);
    assert!(disks["series"].as_array().is_some_and(|series| series.iter().all(|one| one["labels"]["layer"].is_string())), "{disks:#}");
    assert_eq!(disks["source"], "cantal");
    let nothing = ask(&["memory.MemTotals"]);
    assert_eq!((nothing.status, nothing.out.as_str()), (Some(1), ""));
    assert!(nothing.err.contains("no series matches `memory.MemTotals`; near it: memory.MemTotal"), "{nothing:#?}");
    fails(&["metrics", "ls", "--cantal", "127.0.0.1:1"], "add --source cantal");
    // What answers otherwise, and what does not.
    let (addr, _asked) = agent("404 Not Found", Vec::new());
    fails(&["metrics", "ls", "--source", "cantal", "--cantal", &addr.to_string()], "is it cantal 0.6 that listens there?");
    let (addr, _asked) = agent("200 OK", b"{}".to_vec());
    fails(&["metrics", "ls", "--source", "cantal", "--cantal", &addr.to_string()], "its answer is not the expected CBOR");
    fails(&["metrics", "ls", "--source", "cantal", "--cantal", "127.0.0.1:1"], "the agent at 127.0.0.1:1 gave no list of metrics");
}
