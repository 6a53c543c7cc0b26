//! The configuration tree, read whole: one run finds every broken file, and what is sound is there all the same.
//! It never falls back silently: a part with an error is marked, and whoever holds the former one keeps it.

pub mod data;
pub mod file;
pub mod listing;
mod machine;
pub(crate) mod mistakes;
pub mod pace;
mod runtime;
pub mod sandbox;
pub mod secrets;
pub mod settings;
pub mod suggest;
pub mod units;
mod walk;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use verwalter_core::names::{PluginName, TemplateRef};

pub use file::FileError;
use listing::PluginFiles;
use sandbox::Sandbox;
use secrets::Secrets;
use settings::{SETTINGS_FILE, Settings};
use walk::{Entry, Report};

/// Everything that the configuration directory may hold. The last two are read by others.
const KNOWN_ENTRIES: [&str; 9] =
    [SETTINGS_FILE, "plugins", "templates", "runtime", "machine", "sandbox", "secrets", "frontend", "scheduler"];

/// One part of the tree: what could be read of it, and whether that is all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    /// What could be read; for a broken part less than was meant.
    pub value: T,
    /// How many of the reported errors are this part's.
    pub errors: usize,
}

impl<T> Part<T> {
    /// Whether everything that belongs to it could be read.
    pub fn is_sound(&self) -> bool {
        self.errors == 0
    }

    /// What is to be in force: the new value if it is sound, else the former one; with neither, what could be read.
    pub fn or_former(self, former: Option<T>) -> T {
        if self.is_sound() { self.value } else { former.unwrap_or(self.value) }
    }
}

/// The configuration directory as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigTree {
    /// The directory, absolute.
    pub dir: PathBuf,
    /// `verwalter.yaml`; all defaults when it is broken.
    pub settings: Part<Settings>,
    /// `runtime/**`: an object, handed to the scheduler as it is.
    pub runtime: Part<Value>,
    /// `machine/*.yaml`: facts about this machine.
    pub machine: Part<Map<String, Value>>,
    /// `sandbox/*.yaml`: what this node allows.
    pub sandbox: Part<Sandbox>,
    /// `secrets/*`: what templates print and nobody else sees.
    pub secrets: Part<Secrets>,
    /// The directories `templates/ROLE/VERSION` that are there.
    pub templates: Part<BTreeSet<TemplateRef>>,
    /// The files in `plugins/`, by name; their manifests are not read yet.
    pub plugins: Part<BTreeMap<PluginName, PluginFiles>>,
    /// What a person may want to know although nothing is refused for it: files that are ignored.
    pub notices: Vec<FileError>,
}

impl ConfigTree {
    /// Reads the tree below `dir`, with the errors of all files sorted by path and line. Blocks on the disk; never fails as a whole.
    pub fn load(dir: &Path) -> (ConfigTree, Vec<FileError>) {
        // Paths outlive the directory that the daemon was started in.
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let mut report = Report::default();
        let unusable = unusable(&dir);
        report.errors.extend(unusable.clone());
        let entries = walk::list(&dir, &mut report);
        // Without the directory every part is unknown, which is not the same as empty.
        let missing = report.errors.len();

        let mut part = Parts { report: &mut report, missing };
        let tree = ConfigTree {
            settings: part.read(|report| settings::load(&dir, report)),
            runtime: part.read(|report| runtime::load(&dir.join("runtime"), report)),
            machine: part.read(|report| machine::load(&dir.join("machine"), report)),
            sandbox: part.read(|report| sandbox::load(&dir.join("sandbox"), &dir, report)),
            secrets: part.read(|report| secrets::load(&dir.join("secrets"), report)),
            templates: part.read(|report| listing::templates(&dir.join("templates"), report)),
            plugins: part.read(|report| listing::plugins(&dir.join("plugins"), report)),
            notices: Vec::new(),
            dir,
        };
        notice_strangers(&entries, &tree.settings.value, &mut report);
        let Report { mut errors, mut notices } = report;
        if let Some(unusable) = unusable {
            // Nothing can be below it: that says no more.
            errors = vec![unusable];
        }
        errors.sort();
        notices.sort();
        (ConfigTree { notices, ..tree }, errors)
    }
}

/// Why there can be no tree at `dir`.
fn unusable(dir: &Path) -> Option<FileError> {
    const INSTEAD: &str = "put the configuration tree there, or name another directory with --config-dir";
    match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some(FileError::new(dir, format!("is a file where a directory is expected: {INSTEAD}"))),
        Err(err) => {
            let error = FileError::io(dir, &err);
            let message = format!("{}: {INSTEAD}", error.message);
            Some(if err.kind() == std::io::ErrorKind::NotFound { FileError { message, ..error } } else { error })
        }
    }
}

struct Parts<'a> {
    report: &'a mut Report,
    missing: usize,
}

impl Parts<'_> {
    fn read<T>(&mut self, load: impl FnOnce(&mut Report) -> T) -> Part<T> {
        let before = self.report.errors.len();
        let value = load(self.report);
        Part { value, errors: self.missing + self.report.errors.len() - before }
    }
}

/// A misspelt directory is silently empty unless it is named. What the settings name is no stranger.
fn notice_strangers(entries: &[Entry], settings: &Settings, report: &mut Report) {
    for entry in entries {
        let (Entry::File { name, path } | Entry::Directory { name, path }) = entry;
        if !KNOWN_ENTRIES.contains(&name.as_str()) && !settings.names(path) {
            report.notice(path, &format!("is ignored: {}", suggest::hint(name, &KNOWN_ENTRIES)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
            fs::write(path, content).expect("written");
        }
    }

    fn shown(list: &[FileError], dir: &Path) -> Vec<String> {
        list.iter().map(|err| err.to_string().replace(&format!("{}/", dir.display()), "")).collect()
    }

    #[test]
    fn a_whole_tree() {
        let dir = tempfile::tempdir().expect("temporary directory");
        write(
            dir.path(),
            &[
                (
                    "verwalter.yaml",
                    "round-interval: 1s\nagent: {key-file: cluster.key}\noutput-dir: out/of/it\nprometheus: {url: 'http://p:9', token-file: token}\n",
                ),
                ("token", ""),
                ("runtime/web/v1.yaml", "x: 1"),
                ("machine/a.yaml", "rack: r1"),
                ("sandbox/a.yaml", "writes: [/srv]"),
                ("templates/web/v1/a.hbs", ""),
                ("plugins/spread.wasm", ""),
                ("template/web/v1/a.hbs", ""),
                ("cluster.key", ""),
                ("out/web/a.conf", ""),
            ],
        );
        let (tree, errors) = ConfigTree::load(dir.path());
        assert_eq!(errors, vec![]);
        assert_eq!(tree.settings.value.round_interval.as_secs(), 1);
        assert_eq!(tree.runtime.value.to_string(), r#"{"web":{"v1":{"x":1}}}"#);
        assert_eq!(tree.machine.value["rack"], "r1");
        assert_eq!(tree.sandbox.value.writes, [Path::new("/srv")]);
        assert_eq!((tree.templates.value.len(), tree.plugins.value.len()), (1, 1));
        assert_eq!(shown(&tree.notices, dir.path()), ["template: is ignored: did you mean `templates`?"]);
    }

    #[test]
    fn one_run_reports_everything_and_marks_what_is_broken() {
        let dir = tempfile::tempdir().expect("temporary directory");
        write(
            dir.path(),
            &[
                ("verwalter.yaml", "a: ["),
                ("runtime/a.yaml", "{"),
                ("runtime/b.yaml", "1"),
                ("machine", "a file"),
                ("sandbox/a.yaml", "writes: ['..']"),
                ("plugins/OK.wasm", ""),
            ],
        );
        let (tree, errors) = ConfigTree::load(dir.path());
        let files: Vec<_> = errors.iter().map(|err| err.path.strip_prefix(dir.path()).expect("below").display().to_string()).collect();
        assert_eq!(files, ["machine", "plugins/OK.wasm", "runtime/a.yaml", "sandbox/a.yaml", "verwalter.yaml"]);
        let sound =
            [tree.settings.is_sound(), tree.runtime.is_sound(), tree.machine.is_sound(), tree.sandbox.is_sound(), tree.plugins.is_sound()];
        assert_eq!(sound, [false; 5]);
        assert!(tree.templates.is_sound());
        assert_eq!(tree.runtime.value.to_string(), r#"{"b":1}"#);
        assert_eq!(tree.runtime.or_former(Some(Value::from("former"))), Value::from("former"));
    }

    /// The fixture is a tree in which every file is wrong in its own way; `verwalter check` is shown on it too.
    #[test]
    fn a_tree_in_which_everything_is_broken() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
        let (tree, errors) = ConfigTree::load(&fixtures.join("broken"));
        let expected = fs::read_to_string(fixtures.join("broken.expected")).expect("the fixture is there");
        assert_eq!(shown(&errors, &fixtures), expected.lines().collect::<Vec<_>>());
        assert_eq!(tree.runtime.value["other"]["sound"], true);
    }

    #[test]
    fn a_missing_directory_is_not_an_empty_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (tree, errors) = ConfigTree::load(&dir.path().join("none"));
        let instead = "put the configuration tree there, or name another directory with --config-dir";
        assert_eq!(shown(&errors, dir.path()), [format!("none: does not exist (or is a symbolic link to nothing): {instead}")]);
        assert!(!tree.runtime.is_sound() && !tree.plugins.is_sound());
        write(dir.path(), &[("file", "")]);
        let (tree, errors) = ConfigTree::load(&dir.path().join("file"));
        assert_eq!(shown(&errors, dir.path()), [format!("file: is a file where a directory is expected: {instead}")]);
        assert!(!tree.runtime.is_sound() && !tree.settings.is_sound());
        fs::remove_file(dir.path().join("file")).expect("removed");
        let (tree, errors) = ConfigTree::load(dir.path());
        assert_eq!(errors, vec![]);
        assert!(tree.runtime.is_sound() && tree.settings.is_sound());
    }
}
