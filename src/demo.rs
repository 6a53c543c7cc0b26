//! The sample configuration tree, carried in the binary and written once. What a person edited is never overwritten.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

macro_rules! tree {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../demo/", $path)))),*]
    };
}

/// Every text file of the tree, by its path below the configuration directory. The settings come last: their presence says that
/// the tree was written whole.
const TEXTS: &[(&str, &[u8])] = tree![
    "plugins/spread.yaml",
    "plugins/netfilters.yaml",
    "runtime/web.yaml",
    "runtime/motd.yaml",
    "templates/web/v1/web.render.yaml",
    "templates/web/v1/nginx.conf.hbs",
    "templates/motd/v1/motd.render.yaml",
    "templates/motd/v1/motd.hbs",
    "templates/motd/v1/facts.yaml.hbs",
    "machine/site.yaml",
    "sandbox/paths.yaml",
    "verwalter.yaml",
];

const PLUGINS: &[(&str, &[u8])] = &[
    ("plugins/spread.wasm", include_bytes!("../plugins/prebuilt/spread.wasm")),
    ("plugins/netfilters.wasm", include_bytes!("../plugins/prebuilt/netfilters.wasm")),
];

/// Another build of the same scheduler, for trying a replacement: beside the tree, not in it.
const OTHER_BUILD: (&str, &[u8]) = ("spread-other-build.wasm", include_bytes!("../plugins/prebuilt/spread-core.wasm"));

/// The directories of a demo.
#[derive(Debug, Clone)]
pub struct DemoDirs {
    /// All of it.
    pub root: PathBuf,
    /// The configuration tree.
    pub etc: PathBuf,
    /// State.
    pub var: PathBuf,
    /// Logs.
    pub log: PathBuf,
    /// Rendered files.
    pub out: PathBuf,
}

/// The tree could not be written. What is there stays.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: choose another directory with --dir", .path.display())]
pub struct DemoError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Whether there was a tree already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It was written now.
    First,
    /// It was there; nothing was touched.
    Again,
}

/// Writes the tree below `root` unless it is there.
pub fn prepare(root: &Path) -> Result<(DemoDirs, Start), DemoError> {
    let root = std::path::absolute(root).map_err(|source| DemoError { path: root.to_owned(), source })?;
    let dirs = DemoDirs { etc: root.join("etc"), var: root.join("var"), log: root.join("log"), out: root.join("out"), root };
    for dir in [&dirs.etc, &dirs.var, &dirs.log, &dirs.out] {
        fs::create_dir_all(dir).map_err(|source| DemoError { path: dir.clone(), source })?;
    }
    if dirs.etc.join("verwalter.yaml").exists() {
        return Ok((dirs, Start::Again));
    }
    write_new(&dirs.root.join(OTHER_BUILD.0), OTHER_BUILD.1)?;
    for (path, bytes) in PLUGINS.iter().chain(TEXTS) {
        write_new(&dirs.etc.join(path), bytes)?;
    }
    Ok((dirs, Start::First))
}

/// Writes a file unless it is there.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    let failed = |source| DemoError { path: path.to_owned(), source };
    fs::create_dir_all(path.parent().expect("it lies below the tree")).map_err(failed)?;
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(bytes).map_err(failed),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(failed(err)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let edited = dir.path().join("etc/runtime/web.yaml");
        fs::create_dir_all(edited.parent().unwrap()).unwrap();
        fs::write(&edited, "mine").unwrap();
        assert_eq!(prepare(dir.path()).unwrap().1, Start::First);
        fs::remove_file(dir.path().join("etc/runtime/motd.yaml")).unwrap();
        assert_eq!(prepare(dir.path()).unwrap().1, Start::Again);
        assert_eq!(fs::read_to_string(&edited).unwrap(), "mine");
        assert!(!dir.path().join("etc/runtime/motd.yaml").exists(), "what was removed stays away");
    }
}
