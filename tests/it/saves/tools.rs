//! Copying, editing and installing with the programs that people use. No scenario pauses on purpose.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::watched::{MANIFEST, WASM, Watched, digest};
use crate::support::Site;

/// Runs a program to its end, in a closed environment; it must succeed.
pub(super) fn run(program: &str, args: &[&dyn AsRef<OsStr>]) {
    run_with(program, args, "");
}

fn run_with(program: &str, args: &[&dyn AsRef<OsStr>], input: &str) {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .args(args.iter().map(|arg| arg.as_ref()))
        .env_clear()
        .env("PATH", path)
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it is installed");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let ended = child.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{program}: {}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
}

/// Whether a program can be run at all; says so when not.
fn there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

#[test]
fn copied_over() {
    let mut watched = Watched::start();
    watched.build("cp", |site, wasm| run("cp", &[&Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]));
    watched.build("cp --preserve", |site, wasm| run("cp", &[&"-p", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]));
    watched.build("cp --remove-destination", |site, wasm| {
        run("cp", &[&"--remove-destination", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]);
    });
    watched.build("cat >", |site, wasm| {
        run("sh", &[&"-c", &"cat \"$1\" > \"$2\"", &"sh", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]);
    });
    watched.build("install", |site, wasm| run("install", &[&"-m", &"0644", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]));
    watched.build("mv", |site, wasm| run("mv", &[&"-f", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]));
    watched.end();
}

#[test]
fn saved_by_an_editor() {
    let mut watched = Watched::start();
    // As most editors do: the old file becomes a backup, the new one takes its name.
    watched.manifest("backup and new file", |site, from, to| {
        let text = site.read(MANIFEST).expect("it is there").replace(from, to);
        site.write("etc/plugins/4913", "");
        fs::remove_file(site.path("etc/plugins/4913")).expect("it was just made");
        site.write("etc/plugins/.spread.yaml.swp", "b0VIM");
        fs::rename(site.path(MANIFEST), site.path("etc/plugins/spread.yaml~")).expect("renamed");
        site.write(MANIFEST, text);
        fs::remove_file(site.path("etc/plugins/spread.yaml~")).expect("it was just made");
        fs::remove_file(site.path("etc/plugins/.spread.yaml.swp")).expect("it was just made");
    });
    let substitute = |from: &str, to: &str| format!("s/{from}/{to}/");
    watched.manifest("sed -i", |site, from, to| run("sed", &[&"-i", &substitute(from, to), &site.path(MANIFEST)]));
    if there("ed") {
        watched.manifest("ed", |site, from, to| {
            run_with("ed", &[&"-s", &site.path(MANIFEST)], &format!(",{}\nw\nq\n", substitute(from, to)));
        });
    }
    if there("vim") {
        for copy in ["yes", "no"] {
            watched.manifest(&format!("vim, backupcopy={copy}"), |site, from, to| {
                let settings = format!("set nocompatible swapfile backup writebackup backupcopy={copy}");
                let act = format!("%{}", substitute(from, to));
                run("vim", &[&"-es", &"-u", &"NONE", &"-i", &"NONE", &"-c", &settings, &"-c", &act, &"-c", &"wq", &site.path(MANIFEST)]);
            });
        }
    }
    watched.end();
}

#[test]
fn synchronised_by_rsync() {
    let mut watched = Watched::start();
    // As rsync does: a hidden file beside it, with the source's times, takes its name.
    watched.build("temporary file and rename", |site, wasm| {
        let hidden = "etc/plugins/.spread.wasm.Xk3b9Q";
        site.write(hidden, &wasm[..wasm.len() / 2]);
        fs::OpenOptions::new()
            .append(true)
            .open(site.path(hidden))
            .and_then(|mut file| file.write_all(&wasm[wasm.len() / 2..]))
            .expect("written");
        run("touch", &[&"-d", &"2020-01-01", &site.path(hidden)]);
        fs::rename(site.path(hidden), site.path(WASM)).expect("renamed");
    });
    // Builds of one length within one second are the same to it unless it is told to look.
    if there("rsync") {
        watched.build("rsync", |site, wasm| {
            site.write("source/spread.wasm", wasm);
            run("rsync", &[&"--archive", &"--checksum", &format!("{}/", site.path("source").display()), &site.path("etc/plugins")]);
        });
        watched.build("rsync --inplace", |site, wasm| {
            site.write("source/spread.wasm", wasm);
            run(
                "rsync",
                &[&"--archive", &"--checksum", &"--inplace", &format!("{}/", site.path("source").display()), &site.path("etc/plugins")],
            );
        });
        watched.both("rsync of both, removing strangers", |site, wasm, manifest| {
            for entry in fs::read_dir(site.path("etc/plugins")).expect("it is there") {
                let path = entry.expect("it can be read").path();
                let name = path.file_name().and_then(OsStr::to_str).expect("plain names");
                site.write(&format!("source/{name}"), fs::read(&path).expect("it can be read"));
            }
            site.write("source/spread.wasm", wasm);
            site.write("source/spread.yaml", manifest);
            site.write("etc/plugins/stranger.txt", "");
            run(
                "rsync",
                &[&"--archive", &"--checksum", &"--delete", &format!("{}/", site.path("source").display()), &site.path("etc/plugins")],
            );
        });
    }
    watched.end();
}

#[test]
fn replaced_together() {
    let mut watched = Watched::start();
    watched.both("the plugin, then its manifest", |site, wasm, manifest| {
        site.write(WASM, wasm);
        site.write(MANIFEST, manifest);
    });
    watched.both("the manifest, then its plugin", |site, wasm, manifest| {
        site.write(MANIFEST, manifest);
        run("mv", &[&Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]);
    });
    watched.both("a pinned build", |site, wasm, manifest| {
        site.write(MANIFEST, format!("{manifest}\ndigest: {}\n", digest(wasm)));
        site.write(WASM, wasm);
    });
    watched.end();
}

#[test]
fn checked_out_by_git() {
    if !there("git") {
        return;
    }
    let mut watched = Watched::start();
    let git = |site: &Site, args: &[&str]| {
        let dir = site.path("etc/plugins");
        let fixed: [&str; 7] = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "core.autocrlf=false", "-C"];
        let mut all: Vec<&dyn AsRef<OsStr>> = fixed.iter().map(|arg| arg as &dyn AsRef<OsStr>).collect();
        all.push(&dir);
        all.extend(args.iter().map(|arg| arg as &dyn AsRef<OsStr>));
        run("git", &all);
    };
    let commit = |site: &Site, name: &str| {
        git(site, &["add", "--all"]);
        git(site, &["commit", "--quiet", "--message", name]);
        git(site, &["tag", name]);
    };
    watched.untouched("a repository in the directory", |site| {
        git(site, &["init", "--quiet"]);
        commit(site, "first");
    });
    let first = watched.due.clone();
    watched.both("files as they will be checked out", |site, wasm, manifest| {
        site.write(WASM, wasm);
        site.write(MANIFEST, manifest);
    });
    let second = watched.due.clone();
    watched.untouched("another commit", |site| commit(site, "second"));
    for (tag, content) in [("first", &first), ("second", &second)] {
        watched.due = super::watched::InForce { activations: watched.due.activations, ..content.clone() };
        watched.saved(&format!("git checkout {tag}"), |site| git(site, &["checkout", "--quiet", tag]));
    }
    watched.due = super::watched::InForce { activations: watched.due.activations, ..first };
    watched.saved("git reset", |site| git(site, &["reset", "--quiet", "--hard", "first"]));
    watched.end();
}

#[test]
fn what_changes_no_content_activates_nothing() {
    let mut watched = Watched::start();
    watched.untouched("touch", |site| run("touch", &[&site.path(WASM), &site.path(MANIFEST)]));
    watched.untouched("touch to another day", |site| run("touch", &[&"-d", &"2020-01-01", &site.path(WASM)]));
    watched.untouched("chmod", |site| run("chmod", &[&"0600", &site.path(WASM)]));
    watched.untouched("the same bytes written again", |site| site.write(WASM, fs::read(site.path(WASM)).expect("it is there")));
    watched.untouched("the same bytes in another file", |site| {
        run("cp", &[&"-p", &site.path(WASM), &site.path("same.wasm")]);
        run("mv", &[&site.path("same.wasm"), &site.path(WASM)]);
    });
    watched.untouched("a new build that was taken back within the quiet time", |site| {
        let good = fs::read(site.path(WASM)).expect("it is there");
        site.write(WASM, "half");
        site.write(WASM, good);
    });
    watched.untouched("a build that is not put in place", |site| site.write("etc/plugins/.spread.wasm.tmp", "half"));
    watched.end();
}
