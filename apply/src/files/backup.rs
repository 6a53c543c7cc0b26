//! Former versions of a file, kept beside it as `NAME.~N~`: the numbered backups of `cp` and `mv`, the highest number being the newest.
//! Programs that read a whole directory of configuration (`*.conf`, cron, systemd) pass over such names. No file but such is removed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::dir::Dir;
use super::steps::Steps;

/// How often the next number is tried when somebody else takes it.
const ATTEMPTS: u64 = 16;

/// Moves a former file to the next number beside `name` in `parent`, and says how it is called there.
pub(super) fn keep(from: &Dir, from_name: &Path, parent: &Dir, name: &Path, steps: &dyn Steps) -> io::Result<PathBuf> {
    let Some(former) = from.look_at(from_name)? else { return Err(io::ErrorKind::NotFound.into()) };
    let backups = backups(parent, name)?;
    if let Some((number, _)) = backups.iter().find(|(_, inode)| *inode == former.inode) {
        // It has both names, as happens where a file system cannot move it in one step.
        from.remove_file(steps, from_name)?;
        return Ok(numbered(name, *number));
    }
    let newest = backups.into_iter().map(|(number, _)| number).max().unwrap_or(0);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for next in (1..=ATTEMPTS).filter_map(|more| newest.checked_add(more)) {
        let backup = numbered(name, next);
        match from.move_new(steps, from_name, parent, &backup) {
            Ok(()) => return Ok(backup),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => last = err,
            Err(err) => return Err(err),
        }
    }
    Err(last)
}

/// Removes all but the newest `count` of them.
pub(super) fn prune(parent: &Dir, name: &Path, count: usize, steps: &dyn Steps) -> io::Result<()> {
    let mut backups = backups(parent, name)?;
    backups.sort_unstable_by(|a, b| b.cmp(a));
    for (number, _) in backups.into_iter().skip(count) {
        parent.remove_file(steps, &numbered(name, number))?;
    }
    Ok(())
}

fn numbered(name: &Path, number: u64) -> PathBuf {
    let mut backup = OsString::from(name);
    backup.push(format!(".~{number}~"));
    PathBuf::from(backup)
}

/// The regular files that are backups of `name`: their numbers and inodes.
fn backups(parent: &Dir, name: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut backups = Vec::new();
    for found in parent.names(|found| number(found, name.as_os_str()).is_some())? {
        let Some(number) = number(found.as_os_str(), name.as_os_str()) else { continue };
        if let Some(look) = parent.look_at(&found)?.filter(|look| look.is_file()) {
            backups.push((number, look.inode));
        }
    }
    Ok(backups)
}

/// Whether it is the name of some file's backup.
pub(super) fn is_backup(name: &Path) -> bool {
    let name = name.as_os_str();
    let stem = name.as_bytes().windows(2).rposition(|pair| pair == b".~");
    stem.is_some_and(|end| end > 0 && number(name, OsStr::from_bytes(&name.as_bytes()[..end])).is_some())
}

fn number(found: &OsStr, name: &OsStr) -> Option<u64> {
    let digits = found.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b".~")?.strip_suffix(b"~")?;
    // Written as this module writes it: `01` would be another file.
    let plain = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        let check = |found: &str, expect| assert_eq!(number(OsStr::new(found), OsStr::new("a.conf")), expect, "{found}");
        check("a.conf.~1~", Some(1));
        check("a.conf.~120~", Some(120));
        check("a.conf.~01~", None);
        check("a.conf.~0~", None);
        check("a.conf.~~", None);
        check("a.conf.~-1~", None);
        check("a.conf.~99999999999999999999~", None);
        check("a.conf~", None);
        check("b.conf.~1~", None);
        assert_eq!(numbered(Path::new("a.conf"), 7), Path::new("a.conf.~7~"));
        let check = |name: &str, expect| assert_eq!(is_backup(Path::new(name)), expect, "{name}");
        check("a.conf.~1~", true);
        check("a.~1~.~20~", true);
        check(".~1~", false);
        check("a.conf.~x~", false);
        check("a.conf", false);
    }
}
