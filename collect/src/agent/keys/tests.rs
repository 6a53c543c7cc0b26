//! Files of keys, right and wrong.

use std::os::unix::fs::OpenOptionsExt;

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn file(dir: &Path, mode: u32, text: &str) -> PathBuf {
    let path = dir.join(format!("keys-{mode:o}-{}", text.len()));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path).expect("creatable");
    io::Write::write_all(&mut file, text.as_bytes()).expect("writable");
    path
}

#[test]
fn a_key_may_be_written_both_ways_with_comments() {
    let dir = tempfile::tempdir().expect("a directory");
    let other = "ff".repeat(32);
    let hex = KeyRing::read(&file(dir.path(), 0o600, &format!("# of May\n\n  {HEX}  # the first\n{other}\n"))).expect("two keys");
    let base64 = KeyRing::read(&file(dir.path(), 0o400, BASE64)).expect("one key");
    assert_eq!(hex.ids().len(), 2);
    assert_eq!(hex.ids().next(), base64.ids().next());
    let unpadded = KeyRing::read(&file(dir.path(), 0o600, BASE64.trim_end_matches('='))).expect("one key");
    assert_eq!(unpadded.ids().next(), base64.ids().next());
    let shown = format!("{hex:?}");
    assert!(!shown.contains("0001") && shown.len() < 30, "{shown}");
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_without_the_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let check = |mode: u32, text: &str, expect: &str| {
        let error = KeyRing::read(&file(dir.path(), mode, text)).expect_err(expect).to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains("0102"), "{error}");
    };
    check(0o640, HEX, "has mode 0640");
    check(0o604, HEX, "chmod 0600");
    check(0o600, "# nothing\n", "holds no key");
    check(0o600, &format!("\n{HEX}0\n"), ":2: this is no key");
    check(0o600, &format!("{HEX}\n{BASE64}"), ":2: the same key again");
    // Bits that say nothing, another alphabet, too many signs of padding, and a byte too few.
    for wrong in [BASE64.replace("8=", "9="), BASE64.replace('A', "_"), format!("{BASE64}="), BASE64[4..].to_owned()] {
        check(0o600, &wrong, ":1: this is no key");
    }
    let many: String = (0..17_u8).map(|index| format!("{index:064x}\n")).collect();
    check(0o600, &many, "more than 16 keys");
    check(0o600, &"#".repeat(70_000), "is larger than");
    // Only root can give a file away.
    if rustix::process::geteuid().is_root() {
        let given = file(dir.path(), 0o600, HEX);
        std::os::unix::fs::chown(&given, Some(65_534), None).expect("given away");
        let error = KeyRing::read(&given).expect_err("another's").to_string();
        assert!(error.contains("belongs to user 65534") && error.contains("chown it"), "{error}");
    }
    assert!(matches!(KeyRing::read(dir.path()), Err(KeyError::NotAFile { .. })));
    let pipe = dir.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a pipe");
    assert!(matches!(KeyRing::read(&pipe), Err(KeyError::NotAFile { .. })));
    assert!(matches!(KeyRing::read(&dir.path().join("none")), Err(KeyError::Read { .. })));
}
