//! The commands for authors of plugins: `plugin new`, `plugin build`, `plugin assemble`, in directories of their own.

mod assemble;
mod build;
mod new;
mod recipes;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Ended;

/// What the repository has of this.
fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program in `dir` to its end, with this PATH or the caller's own.
fn run_in<S: AsRef<OsStr>>(dir: &Path, path: Option<&str>, args: impl IntoIterator<Item = S>) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verwalter"));
    command.args(args).current_dir(dir).env_remove("RUST_LOG").stdin(Stdio::null());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("its output is UTF-8");
    let ended = Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
    ended
}

fn write(dir: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("directories");
    std::fs::write(path, content).expect("written");
}

/// A program of the project, for recipes to call.
fn script(dir: &Path, path: &str, content: &str) {
    use std::os::unix::fs::PermissionsExt;
    write(dir, path, format!("#!/bin/sh\n{content}\n"));
    std::fs::set_permissions(dir.join(path), std::fs::Permissions::from_mode(0o755)).expect("made executable");
}

/// All files below `dir`, by path.
fn files(dir: &Path) -> Vec<String> {
    fn visit(root: &Path, dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).expect("it can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                visit(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).expect("it lies below").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    let mut found = Vec::new();
    visit(dir, dir, &mut found);
    found.sort();
    found
}
