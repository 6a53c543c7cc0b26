//! Which templates and plugins lie in the tree, by name. It reads directories only; what the files hold is their readers' business.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use verwalter_core::names::{PluginName, TemplateRef};

use super::file::FileError;
use super::walk::{self, Entry, Report};

/// The files of one plugin. At least one of them is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PluginFiles {
    /// `NAME.wasm`.
    pub wasm: Option<PathBuf>,
    /// `NAME.yaml`; without it the plugin is listed, inspected and off.
    pub manifest: Option<PathBuf>,
}

/// The directories `ROLE/VERSION` below `dir`.
pub(crate) fn templates(dir: &Path, report: &mut Report) -> BTreeSet<TemplateRef> {
    let mut found = BTreeSet::new();
    for (role, path) in directories(dir, report) {
        for (version, path) in directories(&path, report) {
            let checked = TemplateRef::new(&format!("{role}/{version}"));
            found.extend(report.take(checked.map_err(|err| FileError::new(&path, format!("{err}: rename the directory")))));
        }
    }
    found
}

fn directories(dir: &Path, report: &mut Report) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in walk::list(dir, report) {
        match entry {
            Entry::Directory { name, path } => found.push((name, path)),
            Entry::File { path, .. } => report.notice(&path, "is ignored: templates lie in directories ROLE/VERSION"),
        }
    }
    found
}

/// The plugins in `dir`.
pub(crate) fn plugins(dir: &Path, report: &mut Report) -> BTreeMap<PluginName, PluginFiles> {
    let mut found: BTreeMap<PluginName, PluginFiles> = BTreeMap::new();
    for entry in walk::list(dir, report) {
        let (name, path) = match entry {
            Entry::File { name, path } => (name, path),
            Entry::Directory { name, path } if name.ends_with(".wasm") || name.ends_with(".yaml") => {
                report.error(FileError::new(&path, "is a directory where a file is expected: move it away"));
                continue;
            }
            Entry::Directory { path, .. } => {
                report.notice(&path, "is ignored: plugins are files NAME.wasm and NAME.yaml");
                continue;
            }
        };
        let (stem, suffix) = name.rsplit_once('.').unwrap_or((&name, ""));
        if suffix != "wasm" && suffix != "yaml" {
            report.notice(&path, "is ignored: plugins are files NAME.wasm and NAME.yaml");
            continue;
        }
        let checked = PluginName::new(stem).map_err(|err| FileError::new(&path, format!("{err}: rename the file")));
        let Some(plugin) = report.take(checked) else { continue };
        let files = found.entry(plugin).or_default();
        if suffix == "wasm" {
            files.wasm = Some(path);
        } else {
            files.manifest = Some(path);
        }
    }
    for files in found.values() {
        if let PluginFiles { wasm: None, manifest: Some(path) } = files {
            report.notice(path, "has no .wasm file of the same name beside it: nothing runs");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temporary directory");
        for name in paths {
            let path = dir.path().join(name);
            if name.ends_with('/') {
                std::fs::create_dir_all(path).expect("made");
            } else {
                std::fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
                std::fs::write(path, "").expect("written");
            }
        }
        dir
    }

    fn shown(list: &[FileError], dir: &tempfile::TempDir) -> Vec<String> {
        let root = format!("{}/", dir.path().display());
        list.iter().map(|err| err.to_string().replace(&root, "")).collect()
    }

    #[test]
    fn template_directories() {
        let dir = tree(&["web/v1/x.hbs", "web/v2/", "db/1.0/", "README", "Web/v1/", "web/_x/", ".git/v1/"]);
        let mut report = Report::default();
        let found: Vec<_> = templates(dir.path(), &mut report).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["db/1.0", "web/v1", "web/v2"]);
        assert_eq!(
            shown(&report.errors, &dir),
            [
                "Web/v1: template name `Web` must begin with a lower-case letter or a digit: rename the directory",
                "web/_x: template name `_x` must begin with a lower-case letter or a digit: rename the directory",
            ]
        );
        assert_eq!(shown(&report.notices, &dir), ["README: is ignored: templates lie in directories ROLE/VERSION"]);
    }

    #[test]
    fn plugin_files() {
        let dir = tree(&["a.wasm", "a.yaml", "b.wasm", "c.yaml", "x.txt", "A B.wasm", "d.wasm/", "sub/"]);
        let mut report = Report::default();
        let found = plugins(dir.path(), &mut report);
        let shape: Vec<_> = found.iter().map(|(name, files)| (name.as_str(), files.wasm.is_some(), files.manifest.is_some())).collect();
        assert_eq!(shape, [("a", true, true), ("b", true, false), ("c", false, true)]);
        assert_eq!(found["a"].wasm, Some(dir.path().join("a.wasm")));
        assert_eq!(report.errors.len(), 2, "{:?}", report.errors);
        assert_eq!(
            shown(&report.notices, &dir),
            [
                "sub: is ignored: plugins are files NAME.wasm and NAME.yaml",
                "x.txt: is ignored: plugins are files NAME.wasm and NAME.yaml",
                "c.yaml: has no .wasm file of the same name beside it: nothing runs",
            ]
        );
    }
}
