//! `runtime/**` as one JSON value: directories and file names become keys, files become what they hold.
//! It never lets one file hide another: a key that two files claim is an error that names both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::data::{self, MAX_DATA_BYTES};
use super::file::{self, FileError};
use super::walk::{self, Ancestors, Entry, Report};

/// All runtime files together: what a scheduler's largest input holds.
const MAX_TOTAL_BYTES: u64 = 64 << 20;

/// How a file's content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Yaml,
    Json,
    Text,
}

/// What one key is made of, and from which files.
#[derive(Debug)]
struct Claim {
    value: Value,
    origins: Vec<PathBuf>,
}

/// Reads the tree below `dir`; what cannot be read is reported and absent.
pub(crate) fn load(dir: &Path, report: &mut Report) -> Value {
    // A directory that is not there is an empty tree, as `walk::list` sees it.
    if std::fs::symlink_metadata(dir).is_err() {
        return Value::Object(Map::new());
    }
    let mut bytes_left = MAX_TOTAL_BYTES;
    let mut reader = Reader { root: dir, bytes_left: &mut bytes_left, report };
    Value::Object(reader.directory(dir, &Ancestors::default()))
}

struct Reader<'a> {
    root: &'a Path,
    bytes_left: &'a mut u64,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn directory(&mut self, dir: &Path, ancestors: &Ancestors) -> Map<String, Value> {
        let Some(ancestors) = self.report.take(ancestors.enter(dir).map_err(|err| self.keyed(err))) else { return Map::new() };
        let mut claims: BTreeMap<String, Claim> = BTreeMap::new();
        for entry in walk::list(dir, self.report) {
            let (key, path, value) = match entry {
                Entry::Directory { name, path } => {
                    if format_of(&name).is_some() {
                        let err = FileError::new(&path, "is a directory where its name promises a file: rename or move it");
                        self.report.error(err);
                        continue;
                    }
                    let key = name.strip_suffix(".d").unwrap_or(&name).to_owned();
                    let value = Value::Object(self.directory(&path, &ancestors));
                    (key, path, value)
                }
                Entry::File { name, path } => {
                    let Some((stem, format)) = format_of(&name) else {
                        self.report.notice(&path, "is ignored: runtime metadata is read from .yaml, .yml, .json and .txt");
                        continue;
                    };
                    let key = stem.strip_suffix(".d").unwrap_or(stem).to_owned();
                    let read = self.file(&path, format).map_err(|err| self.keyed(err));
                    let Some(value) = self.report.take(read) else { continue };
                    (key, path, value)
                }
            };
            self.claim(&mut claims, key, path, value);
        }
        claims.into_iter().map(|(key, claim)| (key, claim.value)).collect()
    }

    fn file(&mut self, path: &Path, format: Format) -> Result<Value, FileError> {
        let text = file::read_text(path, MAX_DATA_BYTES)?;
        let Some(left) = self.bytes_left.checked_sub(text.len() as u64) else {
            return Err(FileError::new(path, format!("the runtime files are larger than {MAX_TOTAL_BYTES} bytes together: remove some")));
        };
        *self.bytes_left = left;
        match format {
            Format::Yaml => data::parse_yaml_data(path, &text),
            Format::Json => data::parse_json_data(path, &text),
            Format::Text => Ok(Value::String(text)),
        }
    }

    fn claim(&mut self, claims: &mut BTreeMap<String, Claim>, key: String, path: PathBuf, value: Value) {
        let Some(claim) = claims.get_mut(&key) else {
            claims.insert(key, Claim { value, origins: vec![path] });
            return;
        };
        let others = claim.origins.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(" and ");
        match (&mut claim.value, value) {
            (Value::Object(known), Value::Object(new)) => {
                if let Some(twice) = new.keys().find(|key| known.contains_key(*key)) {
                    let message = format!("{others} has this key too: remove one");
                    let err = FileError::new(&path, message).at_key(format!("{}.{twice}", self.key_of(&path)));
                    self.report.error(err);
                    return;
                }
                known.extend(new);
                claim.origins.push(path);
            }
            _ => {
                let message =
                    format!("{others} makes the same key, and they cannot be merged unless both are mappings: remove or rename one");
                let err = FileError::new(&path, message).at_key(self.key_of(&path));
                self.report.error(err);
            }
        }
    }

    /// Puts the keys that the path stands for before the key within the file.
    fn keyed(&self, err: FileError) -> FileError {
        let mut key = self.key_of(&err.path);
        if !key.is_empty() && !err.key.is_empty() && !err.key.starts_with('[') {
            key.push('.');
        }
        key.push_str(&err.key);
        err.at_key(key)
    }

    fn key_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        let keys = below.iter().map(|part| {
            let name = part.to_string_lossy().into_owned();
            let stem = format_of(&name).map_or(name.as_str(), |(stem, _)| stem);
            stem.strip_suffix(".d").unwrap_or(stem).to_owned()
        });
        keys.collect::<Vec<_>>().join(".")
    }
}

/// A file's name without its suffix, and what the suffix says.
fn format_of(name: &str) -> Option<(&str, Format)> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let format = match suffix {
        "yaml" | "yml" => Format::Yaml,
        "json" => Format::Json,
        "txt" => Format::Text,
        _ => return None,
    };
    Some((stem, format))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    /// `files` are lines `PATH CONTENT`; a path that ends in `/` is a directory; `->` makes a link. Returns the value and what was reported.
    fn tree(files: &[(&str, &str)]) -> (String, Vec<String>, Vec<String>) {
        let dir = tempfile::tempdir().expect("temporary directory");
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
            match content.strip_prefix("-> ") {
                Some(target) => symlink(target, &path).expect("linked"),
                None if name.ends_with('/') => fs::create_dir_all(&path).expect("made"),
                None => fs::write(&path, content).expect("written"),
            }
        }
        let mut report = Report::default();
        let value = load(dir.path(), &mut report);
        let root = format!("{}/", dir.path().display());
        let show = |list: Vec<FileError>| list.iter().map(|err| err.to_string().replace(&root, "")).collect();
        (value.to_string(), show(report.errors), show(report.notices))
    }

    fn sound(files: &[(&str, &str)], expect: &str) {
        let (value, errors, notices) = tree(files);
        assert_eq!((value.as_str(), errors, notices), (expect, vec![], vec![]));
    }

    fn broken(files: &[(&str, &str)], expect: &str, expect_errors: &[&str]) {
        let (value, errors, _) = tree(files);
        assert_eq!(value, expect);
        assert_eq!(errors, expect_errors);
    }

    #[test]
    fn paths_become_keys() {
        sound(&[], "{}");
        sound(
            &[("web/v1.json", r#"{"image":"x"}"#), ("web/v2.yaml", "image: y"), ("web/note.txt", "hi\n"), ("db.d/v1.yml", ""), ("e/", "")],
            r#"{"db":{"v1":null},"e":{},"web":{"note":"hi\n","v1":{"image":"x"},"v2":{"image":"y"}}}"#,
        );
        sound(&[("a.d.yaml", "1"), (".hidden.yaml", "x: ["), ("..data/a.yaml", "x: [")], r#"{"a":1}"#);
        sound(&[("real/x.yaml", "1"), ("link", "-> real")], r#"{"link":{"x":1},"real":{"x":1}}"#);
    }

    #[test]
    fn a_file_and_a_directory_of_one_name_are_merged_where_they_agree() {
        sound(&[("a.yaml", "x: 1"), ("a/y.yaml", "2"), ("a.d/z.txt", "3")], r#"{"a":{"x":1,"y":2,"z":"3"}}"#);
        broken(
            &[("a.yaml", "x: 1"), ("a/x.yaml", "2"), ("b.yaml", "1")],
            r#"{"a":{"x":2},"b":1}"#,
            &["a.yaml: `a.x`: `a` has this key too: remove one"],
        );
        broken(
            &[("a.json", "1"), ("a.yaml", "2")],
            r#"{"a":1}"#,
            &["a.yaml: `a`: `a.json` makes the same key, and they cannot be merged unless both are mappings: remove or rename one"],
        );
    }

    #[test]
    fn every_broken_file_is_reported_and_the_others_are_read() {
        broken(
            &[
                ("a.yaml", "x: [1"),
                ("b/c.yaml", "n: .inf"),
                ("d.json", "[1,]"),
                ("e.yaml", "1"),
                ("f.yaml/", ""),
                ("g.yaml", "-> nowhere"),
                ("h", "-> ."),
            ],
            r#"{"b":{},"e":1,"h":{}}"#,
            &[
                "g.yaml: does not exist (or is a symbolic link to nothing)",
                "a.yaml:1:4: `a.x`: unclosed bracket '['",
                "b/c.yaml:1:4: `b.c.n`: `.inf` is no finite number: quote it if a text is meant",
                "d.json:1:4: `d`: trailing comma",
                "f.yaml: is a directory where its name promises a file: rename or move it",
                "h: `h`: is a symbolic link to a directory that it lies in: remove it",
            ],
        );
    }

    #[test]
    fn other_files_are_noticed() {
        let (value, errors, notices) = tree(&[("a.toml", "x"), ("b.yaml~", "x")]);
        assert_eq!((value.as_str(), errors.len(), notices.len()), ("{}", 0, 2));
        assert_eq!(notices[0], "a.toml: is ignored: runtime metadata is read from .yaml, .yml, .json and .txt");
    }

    #[test]
    fn names_and_sizes() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff.yaml")), "1").expect("written");
        let big = fs::File::create(dir.path().join("big.txt")).expect("made");
        big.set_len(MAX_DATA_BYTES + 1).expect("a sparse file");
        let mut report = Report::default();
        assert_eq!(load(dir.path(), &mut report), Value::Object(Map::new()));
        let messages: Vec<_> = report.errors.iter().map(|err| err.message.as_str()).collect();
        assert_eq!(messages, ["has a name that is no UTF-8: rename it", "is larger than 16777216 bytes: make it smaller"]);
    }
}
