//! Every language's way from nothing to a schedule: `plugin new`, `build`, `test`, into a running demo. A language whose toolchain is not on
//! this machine is left out, which is told past the capture of the test's output: nobody shall take it for a pass.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ended, Site, program};

/// Runs `verwalter ARGS` in a directory.
fn verwalter(dir: &Path, args: &[&str]) -> Ended {
    let output = program().args(args).current_dir(dir).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("its output is UTF-8");
    let ended = Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
    ended
}

/// Runs it, and it must do what it was asked.
fn done(dir: &Path, args: &[&str]) -> String {
    let ended = verwalter(dir, args);
    assert_eq!(ended.status, Some(0), "verwalter {}: {}{}", args.join(" "), ended.out, ended.err);
    ended.out
}

/// `build`; `false` where the toolchain is missing, or what it needs of a registry.
fn builds(language: &str, project: &Path) -> bool {
    let ended = verwalter(project, &["plugin", "build"]);
    if ended.status == Some(TOOLCHAIN_MISSING) {
        let needs: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("missing: ")).collect();
        let _ = writeln!(std::io::stderr(), "left out: {language}: {}", needs.join("; "));
        return false;
    }
    if UNREACHABLE.iter().any(|word| ended.err.contains(word)) {
        let _ = writeln!(std::io::stderr(), "left out: {language}: its packages cannot be fetched here");
        return false;
    }
    assert_eq!(ended.status, Some(0), "{language}: {}{}", ended.out, ended.err);
    true
}

/// What cargo and npm say where there is no registry.
pub(crate) const UNREACHABLE: [&str; 5] =
    ["failed to download", "Unable to update registry", "no matching package named", "EAI_AGAIN", "ECONNREFUSED"];

/// `plugin build` ends with it.
pub(crate) const TOOLCHAIN_MISSING: i32 = verwalter::exit::Exit::Toolchain as i32;

/// The role `web` on the demo's one node.
fn web(schedule: &Value) -> Value {
    let nodes = schedule["data"]["nodes"].as_object().expect("a schedule is in force");
    nodes.values().next().expect("one node")["roles"]["web"].clone()
}

/// From nothing to a schedule.
fn the_whole_way(language: &str) {
    let site = Site::prepared();
    std::fs::create_dir(site.path("work")).expect("the directory is made");
    done(&site.path("work"), &["plugin", "new", "--lang", language, "--kind", "scheduler", "balance"]);
    let project = site.path("work/balance");
    if !builds(language, &project) {
        return;
    }
    let tested = done(&project, &["plugin", "test"]);
    assert!(tested.contains("first-round"), "its golden cases ran: {tested}");

    let mut node = site.demo(&["--json"]);
    node.ready();
    let before = web(&node.get("/v1/schedule").json());
    assert!(before["instances"] == 3 && before["placed"].is_object(), "the demo's own scheduler writes down what it measured: {before:#}");

    // The tests keep this machine busy, and a busy one gets no new instance.
    site.edit("work/balance/balance.yaml", "max_busy: 0.9", "max_busy: 1");

    // The one that is in force makes way, the new one takes over what stands.
    site.edit("etc/plugins/spread.yaml", "mode: active", "mode: off");
    let plugins = site.path("etc/plugins");
    done(&project, &["plugin", "build", "--install", plugins.to_str().expect("its name is UTF-8")]);
    let round = node.round("the new plugin decides", |round| round["plugin"] == "balance" && round["changed"] == true);
    assert_eq!(round["accepted"], true, "{round:#}");
    let schedule = node.eventually("its schedule is served", |node| {
        let schedule = node.get("/v1/schedule").json();
        web(&schedule)["placed"].is_null().then_some(schedule)
    });
    assert_eq!((&web(&schedule)["instances"], &schedule["data"]["roles"]["web"]["listen"]), (&json!(3), &json!(8080)), "{schedule:#}");

    // And decides on what operators change.
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: 4");
    let config = node.eventually("the file follows", |_| site.read("out/nginx/web.conf").filter(|config| config.contains("4 instance(s)")));
    assert!(config.starts_with("# web on "), "{config}");
    node.healthy();
    node.stop();
}

/// The other kinds: made, built, and right about all the sample's own cases.
fn other_kinds(language: &str) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for kind in ["policy", "filter", "query"] {
        let name = format!("my-{kind}");
        done(dir.path(), &["plugin", "new", "--lang", language, "--kind", kind, &name]);
        let project = dir.path().join(&name);
        if !builds(language, &project) {
            return;
        }
        done(&project, &["plugin", "test"]);
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/vectors/samples").join(kind);
        done(&project, &["plugin", "test", "--cases", all.to_str().expect("its name is UTF-8")]);
    }
}

macro_rules! languages {
    ($($language:ident),*) => {
        $(mod $language {
            #[test]
            fn from_nothing_to_a_schedule() {
                super::the_whole_way(stringify!($language));
            }

            #[test]
            fn policies_filters_and_queries() {
                super::other_kinds(stringify!($language));
            }
        })*
    };
}

languages!(rust, c, zig, go, assemblyscript, javascript, python, wat);
