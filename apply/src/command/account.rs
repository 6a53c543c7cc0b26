//! The account that commands run as, by its name in `/etc/passwd`. It asks no name service: a lookup there has no deadline.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where accounts are listed.
const PASSWD: &str = "/etc/passwd";
/// Arbitrary, above what machines with local accounts have.
const MAX_BYTES: u64 = 4 << 20;

/// Whose rights a command has. Supplementary groups are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Finds the account. `None`: there is none of that name.
pub(super) fn find(name: &str) -> io::Result<Option<Account>> {
    find_in(Path::new(PASSWD), name)
}

fn find_in(file: &Path, name: &str) -> io::Result<Option<Account>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).lines().find_map(|line| parse(line, name)))
}

fn parse(line: &str, name: &str) -> Option<Account> {
    let mut fields = line.split(':');
    if fields.next()? != name {
        return None;
    }
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("passwd");
        std::fs::write(&file, "root:x:0:0:root:/root:/bin/sh\nweb:x:33\nwww:x:34:35::/:/bin/false\nwww:x:1:1::/:\n").expect("written");
        let find = |name| find_in(&file, name).expect("read");
        assert_eq!(find("root"), Some(Account { uid: 0, gid: 0 }));
        assert_eq!(find("www"), Some(Account { uid: 34, gid: 35 }));
        assert_eq!((find("web"), find("ww"), find("")), (None, None, None));
        assert!(find_in(&dir.path().join("absent"), "www").is_err());
    }
}
