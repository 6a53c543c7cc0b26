//! Files of secrets, good and bad, read from a directory. No daemon runs here.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn loaded(dir: &Path) -> (Secrets, Vec<String>) {
    let mut report = Report::default();
    let secrets = load(dir, &mut report);
    let root = format!("{}/", dir.display());
    (secrets, report.errors.iter().map(|err| err.to_string().replace(&root, "")).collect())
}

fn write(dir: &Path, name: &str, content: &[u8], mode: u32) {
    fs::write(dir.join(name), content).expect("written");
    fs::set_permissions(dir.join(name), Permissions::from_mode(mode)).expect("changed");
}

#[test]
fn one_newline_at_the_end_is_none_of_the_secret() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "db", b"hunter22\n", 0o600);
    write(dir.path(), "dos", b"hunter22\r\n", 0o400);
    write(dir.path(), "exact", b" two \n\n", 0o600);
    write(dir.path(), ".hidden", b"x", 0o644);
    symlink(dir.path().join("db"), dir.path().join("linked")).expect("linked");
    let (secrets, errors) = loaded(dir.path());
    assert_eq!(errors, Vec::<String>::new());
    let all: Vec<_> = secrets.iter().collect();
    assert_eq!(all, [("db", "hunter22"), ("dos", "hunter22"), ("exact", " two \n"), ("linked", "hunter22")]);
    assert_eq!(format!("{secrets:?}"), r#"{"db", "dos", "exact", "linked"}"#, "no value");
}

#[test]
fn what_is_wrong_with_one_keeps_none_of_the_others_back() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "good", b"hunter22", 0o600);
    write(dir.path(), "group", b"hunter22", 0o640);
    write(dir.path(), "open", b"hunter22", 0o604);
    write(dir.path(), "short", b"abc\n", 0o600);
    write(dir.path(), "empty", b"", 0o600);
    write(dir.path(), "binary", b"\xff\xfe1234", 0o600);
    write(dir.path(), "nul", b"12\x00345", 0o600);
    write(dir.path(), "large", &[b'x'; (64 << 10) + 1], 0o600);
    write(dir.path(), "No Name", b"hunter22", 0o600);
    fs::create_dir(dir.path().join("more")).expect("made");
    let (secrets, errors) = loaded(dir.path());
    assert_eq!(secrets.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["good"]);
    assert_eq!(
        errors,
        [
            "No Name: the secret's name `No Name` must begin with a lower-case letter or a digit: rename the file",
            "binary: is no UTF-8 text: write the secret in hexadecimal or base64, as templates print text",
            "empty: has less than 4 bytes, too few to be kept out of logs: write a longer secret",
            "group: is open to others (mode 0640) and not used: chmod 600 it, and change the secret if they may have read it",
            "large: has more than 65536 bytes, which no secret may",
            "more: is a directory where a secret's file is expected: move it away",
            "nul: has a NUL byte, which no text holds: write the secret in hexadecimal or base64",
            "open: is open to others (mode 0604) and not used: chmod 600 it, and change the secret if they may have read it",
            "short: has less than 4 bytes, too few to be kept out of logs: write a longer secret",
        ]
    );
}

#[test]
fn anybody_elses_file_is_not_used() {
    if !geteuid().is_root() {
        eprintln!("not shown: giving a file to another user needs root");
        return;
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "theirs", b"hunter22", 0o600);
    std::os::unix::fs::chown(dir.path().join("theirs"), Some(65_534), None).expect("given away");
    let (secrets, errors) = loaded(dir.path());
    assert_eq!(secrets.iter().count(), 0);
    assert_eq!(errors, ["theirs: belongs to user 65534 and is not used: chown it to the daemon's user or root"]);
}

#[test]
fn a_file_that_cannot_be_used_keeps_its_former_value() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "a", b"new-value", 0o600);
    write(dir.path(), "b", b"hunter22", 0o644);
    let former = Secrets::from([("a", "old-value"), ("b", "old-value"), ("gone", "old-value")]);
    let secrets = loaded(dir.path()).0.or_former(&former);
    assert_eq!(secrets, Secrets::from([("a", "new-value"), ("b", "old-value")]));
    let (unlisted, errors) = loaded(&dir.path().join("a"));
    assert_eq!(errors.len(), 1, "it is no directory");
    assert_eq!(unlisted.or_former(&former), former);
}

#[test]
fn digests_are_of_what_is_named() {
    let one = Secrets::from([("a", "1234"), ("b", "5678")]);
    let other = Secrets::from([("a", "1234"), ("b", "other")]);
    assert_eq!(one.digest(["a"]), other.digest(["a"]));
    assert_ne!(one.digest(["a", "b"]), other.digest(["a", "b"]));
    assert_ne!(one.digest(["c"]), Secrets::from([("c", "1234")]).digest(["c"]));
    assert_ne!(one.digest(["a"]), one.digest([]));
}
