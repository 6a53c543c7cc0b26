//! Lists what `verwalter plugin new` and `plugin build` take from the tree: SDKs, templates, recipes, the contract and some sample
//! cases. The program embeds them (`src/cli/plugin/embedded.rs`); nothing is compiled or changed here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What is embedded as it stands, beside each language's own.
const PARTS: [&str; 5] = ["LICENSE-APACHE", "LICENSE-MIT", "core/Cargo.toml", "core/src", "sdk/wit/plugin.wit"];
/// What is embedded of a language, where it is there. `recipe.yaml` makes a directory of `sdk/` a language.
const LANGUAGE_PARTS: [&str; 7] = ["recipe.yaml", "lib", "templates", "Cargo.toml", "src", "workspace.toml", "toolchain"];
/// The sample's cases that a new project begins with: few, short, and each with a point of its own. The others are for SDKs.
const CASES: [(&str, &[&str]); 4] = [
    ("scheduler", &["first-round", "kept-and-more", "too-busy", "a-peer-is-gone", "bad-template", "no-metrics", "check-bad-config-key"]),
    ("policy", &["first", "too-many", "protected-gone", "moved", "bad-most", "check-both"]),
    ("filter", &["slug", "slug-unicode", "slug-missing", "truncate", "truncate-end-by-name", "pick", "pick-default", "pick-nothing"]),
    ("query", &["role", "no-role", "other-path", "no-schedule", "render-roles"]),
];
/// What tools leave where they ran: never embedded.
const MADE: [&str; 11] = [
    "build",
    "target",
    "node_modules",
    "__pycache__",
    ".zig-cache",
    "zig-cache",
    "zig-out",
    ".venv",
    ".git",
    "Cargo.lock",
    "package-lock.json",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut found = Found::default();
    for part in PARTS {
        found.take(&root, part)?;
        println!("cargo::rerun-if-changed={part}");
    }
    // All of it: a new file, case or language is a change too.
    println!("cargo::rerun-if-changed=sdk");
    for entry in fs::read_dir(root.join("sdk"))? {
        let name = entry?.file_name().into_string().expect("directories of sdk/ have UTF-8 names");
        if root.join("sdk").join(&name).join("recipe.yaml").is_file() {
            for part in LANGUAGE_PARTS {
                found.take(&root, &format!("sdk/{name}/{part}"))?;
            }
        }
    }
    for (kind, cases) in CASES {
        for case in cases {
            let case = format!("sdk/vectors/samples/{kind}/{case}");
            assert!(root.join(&case).is_dir(), "{case} is not there: take it out of the list in build.rs");
            found.take(&root, &case)?;
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), found.table(&root))
}

/// Files by path below the repository, and whether each is executable. Sorted: the same tree makes the same program.
#[derive(Default)]
struct Found(BTreeMap<String, bool>);

impl Found {
    /// Adds the file or directory `path` where it is there.
    fn take(&mut self, root: &Path, path: &str) -> io::Result<()> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let meta = match fs::metadata(root.join(path)) {
            Ok(meta) => meta,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(err) => return Err(err),
        };
        if MADE.contains(&name) {
            return Ok(());
        }
        if meta.is_file() {
            self.0.insert(path.to_owned(), meta.permissions().mode() & 0o100 != 0);
            return Ok(());
        }
        for entry in fs::read_dir(root.join(path))? {
            let name = entry?.file_name().into_string().expect("files of sdk/ have UTF-8 names");
            self.take(root, &format!("{path}/{name}"))?;
        }
        Ok(())
    }

    /// The table as Rust source.
    fn table(&self, root: &Path) -> String {
        let mut table = "&[\n".to_owned();
        for (path, executable) in &self.0 {
            let absolute = root.join(path);
            writeln!(table, "File {{ path: {path:?}, executable: {executable}, bytes: include_bytes!({absolute:?}) }},")
                .expect("texts can be written to");
        }
        table + "]\n"
    }
}
