//! `sandbox/*.yaml`: what this node allows, whatever a schedule says. Owned by the machine's operator, never generated.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::file::{self, FileError};
use super::machine::yaml_files;
use super::walk::Report;
use super::yaml::{self, MAX_SETTINGS_BYTES, Tags};

/// What this node allows. Empty: rendered files go below the output directory only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sandbox {
    /// Directories of services' own logs, by the name under which they are shown. Absolute.
    pub log_dirs: BTreeMap<String, PathBuf>,
    /// Directories below which rendered files may be written. Absolute, without `..`, each once.
    pub writes: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSandbox {
    #[serde(default)]
    log_dirs: BTreeMap<String, PathBuf>,
    #[serde(default)]
    writes: Vec<PathBuf>,
}

/// Merges the files below `dir` in the order of their names: a later file's log directory of the same name wins, `writes` add up.
/// Relative `writes` start at `config_dir`.
pub(crate) fn load(dir: &Path, config_dir: &Path, report: &mut Report) -> Sandbox {
    let mut sandbox = Sandbox::default();
    for path in yaml_files(dir, report) {
        let Some(text) = report.take(file::read_text(&path, MAX_SETTINGS_BYTES)) else { continue };
        let Some(raw) = report.take(yaml::parse_yaml::<RawSandbox>(&path, &text, Tags::Refused)) else { continue };
        let refuse =
            |keys: &[&str], key: String, message: &str| FileError::new(&path, message).at_key(key).at_position(yaml::locate(&text, keys));
        for (name, log_dir) in raw.log_dirs {
            if log_dir.is_absolute() && is_plain(&log_dir) {
                sandbox.log_dirs.insert(name, log_dir);
            } else {
                report.error(refuse(&["log-dirs", &name], format!("log-dirs.{name}"), "must be an absolute path without `..`"));
            }
        }
        for (index, allowed) in raw.writes.into_iter().enumerate() {
            if allowed.as_os_str().is_empty() || !is_plain(&allowed) {
                report.error(refuse(&["writes", &index.to_string()], format!("writes[{index}]"), "must be a path without `..`"));
                continue;
            }
            let allowed = config_dir.join(allowed);
            if !sandbox.writes.contains(&allowed) {
                sandbox.writes.push(allowed);
            }
        }
    }
    sandbox
}

fn is_plain(path: &Path) -> bool {
    !path.components().any(|part| matches!(part, Component::ParentDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &str)]) -> (Sandbox, Vec<String>) {
        let dir = tempfile::tempdir().expect("temporary directory");
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).expect("written");
        }
        let mut report = Report::default();
        let sandbox = load(dir.path(), Path::new("/etc/v"), &mut report);
        let root = format!("{}/", dir.path().display());
        (sandbox, report.errors.iter().map(|err| err.to_string().replace(&root, "")).collect())
    }

    #[test]
    fn files_are_merged() {
        let (sandbox, errors) = loaded(&[
            ("a.yaml", "log-dirs: {web: /var/log/a, db: /var/log/db}\nwrites: [/srv/x, out]\n"),
            ("b.yaml", "log-dirs: {web: /var/log/b}\nwrites: [/srv/y, /srv/x]\n"),
        ]);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(sandbox.log_dirs["web"], Path::new("/var/log/b"));
        assert_eq!(sandbox.log_dirs["db"], Path::new("/var/log/db"));
        assert_eq!(sandbox.writes, [Path::new("/srv/x"), Path::new("/etc/v/out"), Path::new("/srv/y")]);
    }

    #[test]
    fn all_mistakes_of_all_files_are_reported() {
        let (sandbox, errors) =
            loaded(&[("a.yaml", "log-dirs:\n  web: logs\n  db: /var/../etc\nwrites:\n- /srv\n- ../out\n"), ("b.yaml", "write: [/srv]")]);
        assert_eq!(sandbox.writes, [Path::new("/srv")]);
        assert_eq!(
            errors,
            [
                "a.yaml:3:3: `log-dirs.db`: must be an absolute path without `..`",
                "a.yaml:2:3: `log-dirs.web`: must be an absolute path without `..`",
                "a.yaml:6:3: `writes[1]`: must be a path without `..`",
                "b.yaml:1:1: `write`: unknown key: did you mean `writes`?",
            ]
        );
    }
}
