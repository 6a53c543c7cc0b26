//! The guide's "first scheduler in ten minutes", followed to the letter: its files are written, its commands run, in its order.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::languages::{TOOLCHAIN_MISSING, UNREACHABLE};
use crate::support::Site;

/// The part of the guide under a heading, up to the next one as high.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("the guide has `{heading}`"));
    let level = heading.split(' ').next().expect("a heading has marks");
    rest.find(&format!("\n{level} ")).map_or(rest, |end| &rest[..end])
}

/// What a section tells the reader to do, as one script: a block after a line "`FILE`:" becomes that file, a `sh` block runs.
fn script(section: &str) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    let mut lines = section.lines();
    let mut file = None;
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")) {
            file = Some(name);
        } else if let Some(language) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let body = body.join("\n");
            match file.take() {
                Some(name) => writeln!(script, "cat >{name} <<'END OF FILE'\n{body}\nEND OF FILE"),
                None if language == "sh" => writeln!(script, "{body}"),
                None => Ok(()),
            }
            .expect("a text takes it");
        } else if !line.is_empty() {
            file = None;
        }
    }
    script
}

fn follow(language: &str, heading: &str) {
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/README.md")).expect("the guide is there");
    let ten_minutes = section(&guide, "## Your first scheduler in ten minutes");
    let script = script(section(ten_minutes, heading));
    assert!(script.contains("verwalter plugin new") && script.contains("verwalter plugin build --install"), "{script}");

    // The demo that the guide has the reader leave running, with a port of its own.
    let site = Site::prepared();
    std::fs::create_dir(site.path("work")).expect("the directory is made");
    std::os::unix::fs::symlink(site.path(""), site.path("work/demo")).expect("the link is made");
    let mut node = site.demo(&["--json"]);
    node.ready();
    let program = Path::new(env!("CARGO_BIN_EXE_verwalter"));
    let directories = [program.parent().expect("it lies in a directory").to_owned()];
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .current_dir(site.path("work"))
        .env("PATH", std::env::join_paths(directories.iter().chain(&path)).expect("no colon in them"))
        .env("VERWALTER_NODE", format!("http://{}", node.addr()))
        .output()
        .expect("bash runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(TOOLCHAIN_MISSING) || UNREACHABLE.iter().any(|word| said.contains(word)) {
        // Past the test's capture: nobody shall take it for a pass.
        let _ = writeln!(std::io::stderr(), "left out: the guide in {language}: its toolchain, or what that fetches, is not here");
        return;
    }
    assert!(output.status.success(), "{}: {said}", output.status);
    let round = node.round("the new plugin decides", |round| round["plugin"] == "first" && round["changed"] == true);
    assert_eq!(round["accepted"], true, "{round:#}");
    let schedule = node.get("/v1/schedule").json();
    let role = &schedule["data"]["nodes"].as_object().and_then(|nodes| nodes.values().next()).expect("one node")["roles"]["hello"];
    assert_eq!(role["instances"], json!(1), "{schedule:#}");
    node.stop();
}

#[test]
fn in_rust() {
    follow("Rust", "### In Rust");
}

#[test]
fn in_go() {
    follow("Go", "### In Go");
}

#[test]
fn in_python() {
    follow("Python", "### In Python");
}
