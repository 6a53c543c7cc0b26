//! The sample configuration tree, carried in the binary and written once. What a person edited is never overwritten.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

macro_rules! tree {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../demo/", $path)))),*]
    };
}

/// Every text file of the tree, by its path below the configuration directory.
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

/// Below the state, written last: the tree was written whole. No file of the tree says that, since a person may remove any of them.
const MARKER: (&str, &[u8]) = ("demo-tree-written", b"The demo wrote its tree once: what is removed from it stays away.\n");

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
    let marker = dirs.var.join(MARKER.0);
    if marker.exists() {
        return Ok((dirs, Start::Again));
    }
    write_new(&dirs.root.join(OTHER_BUILD.0), OTHER_BUILD.1)?;
    for (path, bytes) in PLUGINS.iter().chain(TEXTS) {
        write_new(&dirs.etc.join(path), bytes)?;
    }
    write_new(&marker, MARKER.1)?;
    Ok((dirs, Start::First))
}

/// Writes a file, whole or not at all, unless it is there.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    let failed = |source| DemoError { path: path.to_owned(), source };
    let dir = path.parent().expect("it lies below the tree");
    fs::create_dir_all(dir).map_err(failed)?;
    // Readable as the person's umask has it, not for its owner alone as temporary files are.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    match file.persist_noclobber(path) {
        Err(err) if err.error.kind() != io::ErrorKind::AlreadyExists => Err(failed(err.error)),
        _ => Ok(()),
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
        for removed in ["etc/runtime/motd.yaml", "etc/verwalter.yaml"] {
            fs::remove_file(dir.path().join(removed)).unwrap();
        }
        assert_eq!(prepare(dir.path()).unwrap().1, Start::Again);
        assert_eq!(fs::read_to_string(&edited).unwrap(), "mine");
        for removed in ["etc/runtime/motd.yaml", "etc/verwalter.yaml"] {
            assert!(!dir.path().join(removed).exists(), "{removed}: what was removed stays away");
        }
    }

    #[test]
    fn what_broke_off_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        // No directory can be made where a file is.
        fs::create_dir_all(dir.path().join("etc")).unwrap();
        let obstacle = dir.path().join("etc/sandbox");
        fs::write(&obstacle, "in the way").unwrap();
        let error = prepare(dir.path()).unwrap_err();
        assert_eq!(error.path, dir.path().join("etc/sandbox/paths.yaml"));
        fs::remove_file(&obstacle).unwrap();
        let (dirs, start) = prepare(dir.path()).unwrap();
        assert_eq!(start, Start::First);
        for (path, bytes) in PLUGINS.iter().chain(TEXTS) {
            assert_eq!(fs::read(dirs.etc.join(path)).unwrap(), *bytes, "{path}");
            let beside = fs::read_dir(dirs.etc.join(path).parent().unwrap()).unwrap();
            let hidden = beside.filter(|entry| entry.as_ref().unwrap().file_name().as_encoded_bytes().starts_with(b".")).count();
            assert_eq!(hidden, 0, "nothing temporary is left beside {path}");
        }
    }
}
