//! `sandbox/*.yaml`: what this node allows, whatever a schedule says. Owned by the machine's operator, never generated.

mod commands;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use verwalter_apply::command::Permits;

use self::commands::RawCommands;

use super::file;
use super::machine::yaml_files;
use super::mistakes::Mistakes;
use super::walk::Report;
use super::yaml::{self, MAX_SETTINGS_BYTES, Tags};

/// What this node allows. Empty: rendered files go below the output directory only, and no command runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sandbox {
    /// Directories of services' own logs, by the name under which they are shown. Absolute.
    pub log_dirs: BTreeMap<String, PathBuf>,
    /// Directories below which rendered files may be written. Absolute, without `..`, each once.
    pub writes: Vec<PathBuf>,
    /// What commands of roles may run and with what: the mapping `commands`.
    pub commands: Permits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSandbox {
    #[serde(default)]
    log_dirs: BTreeMap<String, PathBuf>,
    #[serde(default)]
    writes: Vec<PathBuf>,
    #[serde(default)]
    commands: RawCommands,
}

/// Merges the files below `dir` in the order of their names: a later file's log directory of the same name wins, `writes` add up.
/// Relative `writes` start at `config_dir`. Of `commands`, lists add up and a later file wins otherwise.
pub(crate) fn load(dir: &Path, config_dir: &Path, report: &mut Report) -> Sandbox {
    let mut sandbox = Sandbox::default();
    // Asked once for each path in the files: the list itself would be gone through each time.
    let mut known = BTreeSet::new();
    for path in yaml_files(dir, report) {
        let Some(text) = report.take(file::read_text(&path, MAX_SETTINGS_BYTES)) else { continue };
        let Some(raw) = report.take(yaml::parse_yaml::<RawSandbox>(&path, &text, Tags::Refused)) else { continue };
        let mut mistakes = Mistakes::new(&path, &text);
        for (name, log_dir) in raw.log_dirs {
            if log_dir.is_absolute() && is_plain(&log_dir) {
                sandbox.log_dirs.insert(name, log_dir);
            } else {
                mistakes.add(&["log-dirs", &name], "must be an absolute path without `..`");
            }
        }
        for (index, allowed) in raw.writes.into_iter().enumerate() {
            if allowed.as_os_str().is_empty() || !is_plain(&allowed) {
                mistakes.add_as(&["writes", &index.to_string()], || format!("writes[{index}]"), "must be a path without `..`");
                continue;
            }
            let allowed = config_dir.join(allowed);
            if known.insert(allowed.clone()) {
                sandbox.writes.push(allowed);
            }
        }
        for mistake in raw.commands.merge_into(&mut sandbox.commands) {
            let keys: Vec<_> = mistake.keys.iter().map(String::as_str).collect();
            mistakes.add_as(&keys, || mistake.key(), mistake.message);
        }
        report.errors.extend(mistakes.into_errors());
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

    /// Each mistake costs a search through the whole file.
    #[test]
    fn a_long_file_of_mistakes_is_refused_at_once() {
        let (_, errors) = loaded(&[("a.yaml", &format!("writes: [{}]\n", "..,".repeat(100_000)))]);
        assert_eq!(errors.len(), 21);
        assert_eq!(errors[20], "a.yaml: has 99980 more mistakes than the 20 that are told: mend these first");
    }

    #[test]
    fn commands_are_merged_too() {
        let (sandbox, errors) = loaded(&[
            ("a.yaml", "commands: {programs: [/usr/sbin/nginx], root: true, limits: {timeout: 1m, cpu: 5s}}\n"),
            ("b.yaml", "commands:\n  programs: [/bin/sh]\n  root: false\n  limits: {timeout: 2m}\n  writes: [/var/log]\n  user: www\n"),
        ]);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(sandbox.commands.programs(), [Path::new("/usr/sbin/nginx"), Path::new("/bin/sh")]);
        assert_eq!((sandbox.commands.root(), sandbox.commands.user()), (false, Some("www")));
        assert_eq!(sandbox.commands.writes(), [Path::new("/var/log")]);
        let limits = sandbox.commands.limits();
        assert_eq!((limits.timeout.as_secs(), limits.cpu.as_secs(), limits.open_files), (120, 5, 1024));
    }

    #[test]
    fn mistakes_of_commands_are_found_where_they_are() {
        let (_, errors) = loaded(&[
            (
                "a.yaml",
                "commands:\n  programs:\n  - /bin/sh\n  - nginx\n  environment:\n    A-B: x\n  limits:\n    timeout: 2h\n  user: ''\n",
            ),
            ("b.yaml", "commands:\n  limits: {cpus: 1s}\n"),
        ]);
        assert_eq!(
            errors,
            [
                "a.yaml:4:5: `commands.programs[1]`: must be the absolute path of a program, without `..`",
                "a.yaml:6:5: `commands.environment.A-B`: is no name of a variable: use letters, digits and `_`",
                "a.yaml:9:3: `commands.user`: is no name of an account: use one of /etc/passwd",
                "a.yaml:8:5: `commands.limits.timeout`: must be from 1s to 1h",
                "b.yaml:2:12: `commands.limits.cpus`: unknown key: did you mean `cpu`?",
            ]
        );
    }
}
