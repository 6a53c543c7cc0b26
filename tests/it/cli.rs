//! The commands that need no daemon: `check`, `schedule`, `plugin inspect`, `why`, and what `--help` says.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use verwalter_core::digest::Digest;

use crate::support::{Ended, Site, answering_plugin, core_plugin, eventually, program, run_to_end};

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The command must fail with status 1 and one line that says `told`.
fn fails(args: &[&str], told: &str) -> Ended {
    let ended = run_to_end(args);
    assert_eq!(ended.status, Some(1), "{args:?}: {ended:#?}");
    assert!(ended.err.starts_with("verwalter: ") && ended.err.contains(told), "{told}: {ended:#?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:#?}");
    ended
}

#[test]
fn check_finds_nothing_wrong_with_the_demo() {
    let site = Site::prepared();
    let etc = site.path("etc").display().to_string();
    let ended = run_to_end(["check", "--config-dir", &etc]);
    assert_eq!((ended.status, ended.err), (Some(0), format!("{etc}: no errors\n")));
    for told in [
        "round-interval: 150ms\n",
        "listen: \"127.0.0.1:8379\"\n",
        "# templates: motd/v1, web/v1\n",
        "# plugin spread: scheduler, Active sha256:",
    ] {
        assert!(ended.out.contains(told), "{told}: {}", ended.out);
    }
    let ended = run_to_end(["check", "--quiet", "--config-dir", &etc]);
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), ""));
}

#[test]
fn check_reports_every_file_of_a_broken_tree_at_once() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let expected = std::fs::read_to_string(fixtures.join("broken.expected")).expect("the fixture is there");
    let ended = run_to_end(["check", "--config-dir", fixtures.join("broken").to_str().expect("UTF-8")]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    let root = format!("{}/", fixtures.display());
    let found = ended.err.replace(&root, "");
    let found = lines(&found);
    let (last, errors) = found.split_last().expect("there are errors");
    let errors: Vec<&str> = errors.iter().copied().filter(|line| !line.starts_with("note: ")).collect();
    let (known, others): (Vec<&str>, Vec<&str>) = errors.iter().partition(|line| expected.lines().any(|known| known == **line));
    assert_eq!(known, lines(&expected));
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(others[0].starts_with("broken/plugins/spread.yaml:1:7: `kind`: "), "the manifest: {others:?}");
    assert_eq!(*last, format!("broken: {} errors", errors.len()));
}

#[test]
fn check_compiles_plugins_and_templates() {
    let site = Site::prepared();
    site.write("etc/plugins/spread.wasm", core_plugin(""));
    site.edit("etc/templates/motd/v1/motd.hbs", "{{ greeting }}", "{{#if greeting }}");
    let etc = site.path("etc").display().to_string();
    let ended = run_to_end(["check", "--quiet", "--config-dir", &etc]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    let found = ended.err.replace(&format!("{etc}/"), "");
    let found = lines(&found);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0].starts_with("plugins/spread.wasm: inspect: it has the marker `vw_abi_1` but does not export `vw_schedule`"),
        "{found:#?}"
    );
    assert!(found[1].starts_with("templates/motd/v1/motd.hbs:") && !found[1].contains("meanwhile"), "no filter is to blame: {found:#?}");
}

#[test]
fn check_notes_what_this_sandbox_would_refuse() {
    let site = Site::prepared();
    let file = "etc/templates/motd/v1/motd.render.yaml";
    site.edit(
        file,
        "- !Copy { src: \"{{ files.motd }}\", dest: \"motd\" }\n",
        concat!(
            "- !Copy { src: \"{{ files.motd }}\", dest: \"/etc/motd.d/{{ role }}\", check: [/usr/bin/visudo, \"{{ staged }}\"] }\n",
            "- !Copy { src: \"{{ files.motd }}\", dest: \"/srv/{{ node }}/motd\" }\n",
            "- !Cmd [nginx, -s, reload]\n- !RootCommand [nginx, -t]\n- !Sh \"true\"\n",
        ),
    );
    let first = site.read(file).and_then(|text| text.lines().position(|line| line.contains("/etc/motd.d"))).expect("it is there") + 1;
    let etc = site.path("etc").display().to_string();
    let notes = || {
        let ended = run_to_end(["check", "--quiet", "--config-dir", &etc]);
        assert_eq!(ended.status, Some(0), "the nodes may have another sandbox: {ended:#?}");
        let text = ended.err.replace(&format!("{etc}/templates/motd/v1/motd.render.yaml:"), "");
        lines(&text).into_iter().filter(|line| line.starts_with("note: ")).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let outside = "lies outside of what this node lets be written: use a relative destination, or list a directory above it";
    let unlisted = "is not allowed, unless it is a link to a program that is: list its path under `commands.programs` in a sandbox file";
    let expect = [
        format!("note: {first}:1: `/usr/bin/visudo` {unlisted}"),
        format!("note: {first}:1: role motd: /etc/motd.d/motd {outside} under `writes` in a sandbox file"),
        format!("note: {}:1: role motd: /srv/NODE/motd {outside} under `writes` in a sandbox file", first + 1),
        format!("note: {}:1: `nginx` {unlisted}", first + 2),
        format!(
            "note: {}:1: `nginx` needs root, which this node gives to no command: set `commands.root: true` in a sandbox file",
            first + 3
        ),
        format!("note: {}:1: `sh` {unlisted}", first + 4),
    ];
    assert_eq!(notes(), expect);
    // Programs that are not on this machine may be on the nodes.
    let programs = "programs: [/usr/bin/visudo, /opt/sbin/nginx, /bin/sh]";
    site.write("etc/sandbox/more.yaml", format!("writes: [/etc/motd.d, /srv]\ncommands: {{ root: true, {programs} }}\n"));
    assert_eq!(notes(), Vec::<String>::new());
    // Nor is a note what only the node's name decides.
    site.write("etc/sandbox/more.yaml", format!("writes: [/etc/motd.d, /srv/alpha]\ncommands: {{ root: true, {programs} }}\n"));
    assert_eq!(notes(), Vec::<String>::new());
}

#[test]
fn check_says_what_a_broken_filter_plugin_brings_about() {
    let site = Site::prepared();
    site.write("etc/plugins/netfilters.yaml", "kind: filtr\n");
    let etc = site.path("etc").display().to_string();
    let ended = run_to_end(["check", "--config-dir", &etc]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    let helper = ended.err.lines().find(|line| line.contains("there is no helper `")).expect("its helpers are unknown");
    assert!(helper.ends_with("(a plugin has errors too; its filters are unknown meanwhile)"), "{helper}");
    assert!(ended.out.contains("# plugin netfilters: broken manifest, "), "{}", ended.out);
}

#[test]
fn a_decision_made_again_is_the_same() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    // The second round's input has the first's schedule as parent.
    node.round("the second round", |round| round["round"] == 2);
    let input = node.get("/v1/scheduler_input").body;
    let in_force = node.get("/v1/schedule").json();
    node.stop();
    site.write("input.json", input);
    let (plugin, input) = (site.path("etc/plugins/spread.wasm").display().to_string(), site.path("input.json").display().to_string());
    let ended = run_to_end(["schedule", "--plugin", &plugin, "--input", &input]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    let schedule: Value = serde_json::from_str(&ended.out).expect("the schedule alone is on standard output");
    assert_eq!(schedule, in_force["data"]);
    assert!(ended.err.contains("2 roles, 2 placements, 4 instances"), "{ended:#?}");
    let ended = run_to_end(["schedule", "--json", "--plugin", &plugin, "--input", &input]);
    let answer: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(answer["digest"].as_str(), Some(format!("sha256:{}", in_force["hash"].as_str().expect("a text")).as_str()));
    assert!(answer["why"]["web"].is_object() && answer["fuel"].as_u64() > Some(0), "{answer:#}");
}

#[test]
fn schedule_names_what_it_cannot_use() {
    let site = Site::prepared();
    let path = |below: &str| site.path(below).display().to_string();
    let plugin = path("etc/plugins/spread.wasm");
    site.write("good.json", r#"{"v": 1, "peers": {}, "metrics": {}}"#);
    site.write("bad.json", "{\"v\": 1,\n\"peers\": 7}");
    site.write("garbage.wasm", "garbage");
    site.write("junk.wasm", answering_plugin(0, "{\"v\":1,\"schedule\":{\"nodes\":7}}"));
    site.write("no.wasm", answering_plugin(1, "not today"));
    let missing = path("none.json");
    fails(&["schedule", "--plugin", &plugin, "--input", &missing], &format!("{missing} cannot be read: "));
    let bad = path("bad.json");
    fails(&["schedule", "--plugin", &plugin, "--input", &bad], &format!("{bad}: it is no input document: invalid type: integer `7`"));
    let input = path("good.json");
    let garbage = path("garbage.wasm");
    fails(&["schedule", "--plugin", &garbage, "--input", &input], &format!("{garbage}: inspect: it is no WebAssembly"));
    fails(&["schedule", "--plugin", &path("junk.wasm"), "--input", &input], "plugin junk (");
    fails(&["schedule", "--plugin", &path("no.wasm"), "--input", &input], "answered an error: not today");
    let filter = path("etc/plugins/netfilters.wasm");
    fails(&["schedule", "--plugin", &filter, "--input", &input], "netfilters.yaml is the manifest of a filter plugin");
    let directory = path("etc");
    fails(&["schedule", "--plugin", &directory, "--input", &input], &format!("{directory} is no file"));
}

#[test]
fn plugins_are_inspected() {
    let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/prebuilt");
    let check = |name: &str, kind: &str, abi: &str| {
        let path = prebuilt.join(name);
        let bytes = std::fs::read(&path).expect("it is built");
        let ended = run_to_end([Path::new("plugin"), Path::new("inspect"), &path, Path::new("--json")]);
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        let found: Value = serde_json::from_str(&ended.out).expect("it is JSON");
        assert_eq!((&found["kinds"][0], &found["abi"]), (&kind.into(), &abi.into()), "{found:#}");
        assert_eq!(
            (found["digest"].as_str(), found["size_bytes"].as_u64()),
            (Some(Digest::of(&bytes).to_string().as_str()), Some(bytes.len() as u64))
        );
        let ended = run_to_end([Path::new("plugin"), Path::new("inspect"), &path]);
        assert!(ended.out.contains(&format!("kind     {kind}\n")) && ended.out.contains(&Digest::of(&bytes).to_string()), "{ended:#?}");
        // What SHA256SUMS says is what lies beside it.
        let sums = std::fs::read_to_string(prebuilt.join("SHA256SUMS")).expect("it is there");
        let hex = Digest::of(&bytes).hex();
        assert!(sums.lines().any(|line| line.split_whitespace().eq([hex.as_str(), name])), "{name} is {hex}: {sums}");
    };
    check("spread.wasm", "scheduler", "component");
    check("spread-core.wasm", "scheduler", "core");
    check("netfilters.wasm", "filter", "component");
    let site = Site::fresh();
    site.write("garbage.wasm", b"\0asm\x01\0\0");
    let garbage = site.path("garbage.wasm").display().to_string();
    fails(&["plugin", "inspect", &garbage], &format!("{garbage}: it cannot be read as WebAssembly"));
    fails(&["plugin", "inspect", "/nonexistent.wasm"], "/nonexistent.wasm cannot be read: No such file");
}

#[test]
fn why_tells_the_reason_or_what_there_is_instead() {
    let site = Site::prepared();
    let mut node = site.run(&["--hostname", "alpha"]);
    node.ready();
    let storage = site.path("var").display().to_string();
    let storage = storage.as_str();
    let ended = run_to_end(["why", "web", "alpha", "--storage-dir", storage]);
    assert_eq!(ended.status, Some(0), "beside the running node: {ended:#?}");
    assert!(ended.out.starts_with("web on alpha, 3 instances: new: "), "{ended:#?}");
    node.stop();
    let ended = run_to_end(["why", "web", "alpha", "--storage-dir", storage, "--json"]);
    let answer: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!((&answer["role"], &answer["instances"]), (&"web".into(), &3.into()), "{answer:#}");
    assert_eq!(answer["schedule"].as_str().map(str::len), Some(64));
    fails(&["why", "web", "beta", "--storage-dir", storage], "role web is not placed on node beta: it stands on alpha");
    fails(&["why", "db", "alpha", "--storage-dir", storage], "role db is not placed on any node (roles are motd, web)");
    let empty = Site::fresh();
    fails(&["why", "web", "alpha", "--storage-dir", &empty.path("").display().to_string()], "holds no schedule yet");
    site.write("var/schedule/schedule.json", "{\"timestamp\"");
    fails(&["why", "web", "alpha", "--storage-dir", storage], "schedule/schedule.json cannot be read: EOF");
}

#[test]
fn help_names_every_option() {
    let check = |command: &[&str], options: &[&str]| {
        let ended = run_to_end(command.iter().chain(&["--help"]));
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{command:?}");
        for option in options {
            assert!(ended.out.contains(option), "{command:?} {option}: {}", ended.out);
        }
    };
    check(&[], &["run", "demo", "check", "schedule", "plugin", "metrics", "why", "--version"]);
    check(
        &["run"],
        &[
            "--config-dir",
            "--storage-dir",
            "--log-dir",
            "--hostname",
            "--name",
            "--listen",
            "--insecure",
            "--override-machine-id",
            "--log-format",
        ],
    );
    check(&["demo"], &["--dir", "--rounds", "--listen", "--json"]);
    check(&["check"], &["--config-dir", "--quiet"]);
    check(&["schedule"], &["--plugin", "--input", "--manifest", "--json"]);
    check(&["plugin", "inspect"], &["<FILE>", "--json"]);
    check(&["metrics", "ls"], &["[SELECTION]", "--json", "--source", "--cantal", "127.0.0.1:22682", "--node"]);
    check(&["metrics", "show"], &["<SELECTION>", "--since", "--json", "--node"]);
    check(&["metrics", "watch"], &["<SELECTION>", "--since", "--every", "--json", "--node"]);
    check(&["why"], &["<ROLE>", "<NODE>", "--storage-dir", "--json"]);
    let ended = run_to_end(["--help"]);
    assert!(!ended.out.contains("compile-plugin"), "the compiling child is nobody's command: {}", ended.out);
}

#[test]
fn what_the_command_line_does_not_know_is_refused_with_status_2() {
    let check = |args: &[&str], told: &str| {
        let ended = run_to_end(args);
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told), "{told}: {ended:#?}");
    };
    check(&["demo", "--round", "3"], "--rounds");
    check(&["demo", "--rounds", "0"], "--rounds");
    check(&["demo", "--frobnicate"], "--frobnicate");
    check(&["dmeo"], "demo");
    check(&["schedule", "--plugin", "x"], "--input");
    check(&["run", "--listen", "localhost:8379"], "write an IP address and a port, as in 127.0.0.1:8379");
    check(&["log", "-n", "0"], "--lines");
    check(&[], "Usage");
    let ended = run_to_end(["--version"]);
    assert_eq!((ended.status, ended.out), (Some(0), concat!("verwalter v", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
}

#[test]
fn who_is_interrupted_leaves_no_directory() {
    let site = Site::prepared();
    let temporary = site.path("tmp");
    std::fs::create_dir(&temporary).expect("it is made");
    let left = || std::fs::read_dir(&temporary).expect("it is there").count();
    // It may be done before the signal comes: then another one is interrupted.
    eventually("one is interrupted in its midst", || {
        let mut command = program();
        command.args(["check", "--quiet", "--config-dir"]).arg(site.path("etc")).env("TMPDIR", &temporary).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let early = eventually("it makes its directory", || match child.try_wait().expect("a child") {
            None => (left() > 0).then_some(None),
            ended => Some(ended),
        });
        let ended = early.unwrap_or_else(|| {
            kill_process(Pid::from_child(&child), Signal::INT).expect("it is a child still");
            child.wait().expect("a child")
        });
        assert_eq!(left(), 0, "{ended:?}");
        assert!([Some(0), Some(130)].contains(&ended.code()), "{ended:?}");
        (ended.code() == Some(130)).then_some(())
    });
}

#[test]
fn the_environment_names_the_node() {
    // Nobody listens on port 1.
    let output = program().args(["plugin", "status"]).env("VERWALTER_NODE", "http://127.0.0.1:1").output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("127.0.0.1:1"), "{said}");
}
