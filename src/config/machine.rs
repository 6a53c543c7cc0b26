//! `machine/*.yaml`: facts about this machine (rack, zone, disks), merged into one mapping.

use std::path::Path;

use serde_json::{Map, Value};
use verwalter_core::merge::merge;

use super::data;
use super::file::{self, FileError};
use super::walk::{self, Entry, Report};
use super::yaml::MAX_SETTINGS_BYTES;

/// Merges the files below `dir` in the order of their names: a later file wins; mappings are completed one level deep.
pub(crate) fn load(dir: &Path, report: &mut Report) -> Map<String, Value> {
    let mut levels = Vec::new();
    for path in yaml_files(dir, report) {
        let read = file::read_text(&path, MAX_SETTINGS_BYTES).and_then(|text| data::parse_yaml_data(&path, &text));
        match report.take(read) {
            Some(Value::Object(map)) => levels.push(map),
            // An empty file, or a broken one that was reported.
            Some(Value::Null) | None => {}
            Some(_) => report.error(FileError::new(&path, "expected a mapping of facts, as `rack: r1`")),
        }
    }
    merge(&levels.iter().collect::<Vec<_>>())
}

/// The `.yaml` and `.yml` files of a directory that holds nothing else.
pub(crate) fn yaml_files(dir: &Path, report: &mut Report) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in walk::list(dir, report) {
        match entry {
            Entry::File { name, path } if name.ends_with(".yaml") || name.ends_with(".yml") => files.push(path),
            Entry::File { path, .. } => report.notice(&path, "is ignored: only .yaml and .yml files are read here"),
            Entry::Directory { path, .. } => {
                report.error(FileError::new(&path, "is a directory where a file is expected: move it away"));
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expect: &str, expect_errors: &[&str]) {
        let dir = tempfile::tempdir().expect("temporary directory");
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).expect("written");
        }
        let mut report = Report::default();
        let map = load(dir.path(), &mut report);
        let root = format!("{}/", dir.path().display());
        let errors: Vec<_> = report.errors.iter().map(|err| err.to_string().replace(&root, "")).collect();
        assert_eq!((Value::Object(map).to_string().as_str(), errors), (expect, expect_errors.iter().map(|e| (*e).to_owned()).collect()));
    }

    #[test]
    fn later_files_win() {
        check(&[], "{}", &[]);
        check(
            &[("10-a.yaml", "rack: r1\ndisks: {a: 1, b: 1}\n"), ("20-b.yml", "rack: r2\ndisks: {b: 2}\n"), ("30.yaml", "")],
            r#"{"disks":{"a":1,"b":2},"rack":"r2"}"#,
            &[],
        );
    }

    #[test]
    fn a_broken_file_does_not_hide_the_others() {
        check(
            &[("a.yaml", "rack: r1"), ("b.yaml", "rack: [\n"), ("c.yaml", "- x")],
            r#"{"rack":"r1"}"#,
            &["b.yaml:1:7: `rack`: unclosed bracket '['", "c.yaml: expected a mapping of facts, as `rack: r1`"],
        );
    }
}
