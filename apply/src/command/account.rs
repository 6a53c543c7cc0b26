//! The account that commands run as, by its name in `/etc/passwd`. It asks no name service: a lookup there has no deadline.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::numbers;

/// Where accounts are listed.
const PASSWD: &str = "/etc/passwd";

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
    Ok(numbers(file, name)?.and_then(|(uid, gid)| Some(Account { uid, gid: gid? })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("passwd");
        std::fs::write(
            &file,
            "root:x:0:0:root:/root:/bin/sh\nweb:x:33\nwww:x:34:35::/:/bin/false\nwww:x:1:1::/:\n\
                                nobody:x:4294967295:1::/:\n",
        )
        .expect("written");
        let find = |name| find_in(&file, name).expect("read");
        assert_eq!(find("root"), Some(Account { uid: 0, gid: 0 }));
        assert_eq!(find("www"), Some(Account { uid: 34, gid: 35 }));
        assert_eq!((find("web"), find("ww"), find("")), (None, None, None));
        // As which a process cannot run: to the system it means that the user stays.
        assert_eq!(find("nobody"), None);
        assert!(find_in(&dir.path().join("absent"), "www").is_err());
        // What is too long to be read whole may have the account in what was not read.
        assert!(find_in(Path::new("/dev/zero"), "www").is_err());
    }
}
