//! Names of users and groups to numbers, from `/etc/passwd` and `/etc/group`.
//!
//! The files are read here rather than asked for through the C library: that would load whatever modules the machine names, which talk
//! to sockets and other files. Users of a directory service are given by number.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Larger than such files are, small enough to be read whole.
const MAX_BYTES: u64 = 4 << 20;

/// Where names are looked up.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    passwd: PathBuf,
    group: PathBuf,
}

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts { passwd: "/etc/passwd".into(), group: "/etc/group".into() }
    }
}

impl Accounts {
    /// The number of a user, given by name or number. The error says what to do.
    pub(crate) fn user(&self, text: &str) -> Result<u32, String> {
        number(&self.passwd, "user", text)
    }

    /// The number of a group, likewise.
    pub(crate) fn group(&self, text: &str) -> Result<u32, String> {
        number(&self.group, "group", text)
    }
}

fn number(file: &Path, kind: &str, text: &str) -> Result<u32, String> {
    let shown: String = text.chars().take(64).collect();
    let shown = shown.escape_debug();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // The largest number means "leave it" to the system.
        let number = text.parse().ok().filter(|number| *number != u32::MAX);
        return number.ok_or_else(|| format!("the {kind} number {shown} is too large"));
    }
    let found = numbers(file, text)
        .map_err(|err| format!("the {kind} `{shown}` cannot be looked up in {}: {err}: give its number", file.display()))?;
    let found = found.map(|(number, _)| number);
    found.ok_or_else(|| format!("there is no {kind} `{shown}` in {}: create it, or give its number", file.display()))
}

/// What a file of this format says of a name: its number, and in `/etc/passwd` that of the account's group. `None`: there is no such name in it,
/// or one without a number.
pub(crate) fn numbers(file: &Path, name: &str) -> io::Result<Option<(u32, Option<u32>)>> {
    let bytes = read(file)?;
    let mut lines = bytes.split(|b| *b == b'\n').map(|line| line.split(|b| *b == b':'));
    let Some(mut fields) = lines.find_map(|mut fields| (fields.next()? == name.as_bytes()).then_some(fields)) else { return Ok(None) };
    // The largest number means "leave it" to the system.
    let number = |field: Option<&[u8]>| std::str::from_utf8(field?).ok()?.parse().ok().filter(|number| *number != u32::MAX);
    let own = number(fields.nth(1));
    Ok(own.map(|own| (own, number(fields.next()))))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let accounts = Accounts { passwd: temp.path().join("passwd"), group: temp.path().join("absent") };
        std::fs::write(&accounts.passwd, "root:x:0:0::/:\nwww:x:33:34::/:\nhalf:x\nodd:x:many:\n\n").expect("write");
        let check = |text: &str, expect: Result<u32, &str>| match (accounts.user(text), expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{text}"),
            (Err(got), Err(part)) => assert!(got.contains(part), "{text}: {got}"),
            (got, _) => panic!("{text}: {got:?}"),
        };
        check("root", Ok(0));
        check("www", Ok(33));
        check("1000", Ok(1000));
        check("4294967295", Err("number 4294967295 is too large"));
        check("99999999999", Err("too large"));
        check("ww", Err("there is no user `ww` in"));
        check("", Err("there is no user ``"));
        check("half", Err("there is no user"));
        check("odd", Err("there is no user"));
        check(&"é\n".repeat(9999), Err("\\né"));
        assert!(accounts.group("www").expect_err("no file").contains("give its number"));
    }

    #[test]
    fn a_file_without_end_is_not_read_to_the_end() {
        let accounts = Accounts { passwd: "/dev/zero".into(), group: "/dev/zero".into() };
        assert!(accounts.user("www").expect_err("endless").contains("larger than 4 MiB"));
    }
}
