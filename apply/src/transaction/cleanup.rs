//! The files that `!CleanFiles` is about: those whose paths fit, below the directories that this node lets be written. It reads only.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use crate::error::ApplyError;
use crate::files::{self, SEEN};
use crate::glob::Grouped;
use crate::role::Cleanup;
use crate::{Roots, destination};

/// Most entries that one pattern looks at. Arbitrary: above what a directory of generated files has.
const MAX_ENTRIES: usize = 20_000;
/// Deepest directory below the pattern's fixed part.
const MAX_DEPTH: usize = 16;

/// A file that fits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitting {
    /// What the group has in it.
    pub(super) name: String,
    /// Its path.
    pub(super) path: PathBuf,
    /// Of its bytes.
    pub(super) digest: Digest,
}

/// The regular files that fit a pattern. Symlinks are not followed and never fit.
pub(super) fn fitting(role: &RoleName, cleanup: &Cleanup, roots: &Roots) -> Result<Vec<Fitting>, ApplyError> {
    let refused = |reason: String| ApplyError::Cleanup { role: role.clone(), origin: cleanup.source.clone(), reason };
    let grouped = Grouped::parse(&cleanup.pattern).map_err(|err| refused(err.to_string()))?;
    let base = grouped.base();
    // As for a file in it: below a root, relative ones below the output directory.
    let probe = base.join("-");
    let probe = destination::resolve(role, &probe.to_string_lossy(), roots)?;
    let start = probe.below.parent().unwrap_or(Path::new(""));
    let io = |path: &Path, source| ApplyError::Io { role: role.clone(), path: path.to_owned(), source };
    let whole = probe.root.join(start);
    let open = || {
        let root = Dir::open_ambient_dir(&probe.root, ambient_authority())?;
        if start.as_os_str().is_empty() { Ok(root) } else { root.open_dir(start) }
    };
    let dir = match open() {
        Ok(dir) => dir,
        // Nothing to clean.
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(io(&whole, err)),
    };
    let mut walk =
        Walk { grouped: &grouped, depth: grouped.depth().unwrap_or(MAX_DEPTH).min(MAX_DEPTH), left: MAX_ENTRIES, found: Vec::new() };
    match walk.directory(&dir, &base, &whole, 0) {
        Ok(()) => {}
        Err(err) if walk.left == 0 => return Err(refused(format!("it would look at more than {MAX_ENTRIES} entries ({err}): narrow it"))),
        Err(err) => return Err(io(&whole, err)),
    }
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

struct Walk<'a> {
    grouped: &'a Grouped,
    depth: usize,
    left: usize,
    found: Vec<Fitting>,
}

impl Walk<'_> {
    /// `spelled`: the directory as the pattern writes it; `whole`: where it is.
    fn directory(&mut self, dir: &Dir, spelled: &Path, whole: &Path, depth: usize) -> io::Result<()> {
        for entry in dir.entries()? {
            let entry = entry?;
            self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("too many"))?;
            // What is no text fits no pattern.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (spelled, whole) = (spelled.join(&name), whole.join(&name));
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < self.depth {
                self.directory(&dir.open_dir(&name)?, &spelled, &whole, depth + 1)?;
            } else if kind.is_file()
                && let Some(captured) = spelled.to_str().and_then(|spelled| self.grouped.captured(spelled))
            {
                let Some(digest) = digest(dir, &name)? else { continue };
                self.found.push(Fitting { name: captured.to_owned(), path: whole, digest });
            }
        }
        Ok(())
    }
}

/// Of a regular file; `None` where nothing or something else has its place by now.
fn digest(dir: &Dir, name: &str) -> io::Result<Option<Digest>> {
    let flags = i32::try_from(SEEN.bits()).expect("open flags are an int of the C interface");
    let file = match dir.open_with(name, OpenOptions::new().read(true).custom_flags(flags)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    files::digest(file).map(|(digest, _)| Some(digest))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{FileType, Mode};

    use super::*;

    fn check(pattern: &str, expect: &[(&str, &str)]) {
        let temp = tempfile::tempdir().expect("a directory");
        let root = temp.path();
        for file in ["out/n/a.conf", "out/n/b.conf", "out/n/.c.conf", "out/n/x/d.conf", "out/top", "extra/e.conf"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, file).expect("written");
        }
        std::os::unix::fs::symlink("a.conf", root.join("out/n/l.conf")).expect("linked");
        std::os::unix::fs::symlink(root.join("extra"), root.join("out/n/away")).expect("linked");
        let roots = Roots { output: root.join("out"), writes: vec![root.join("extra")] };
        let role = RoleName::new("web").expect("valid");
        let pattern = pattern.replace("ROOT", &root.to_string_lossy());
        let cleanup = Cleanup { source: "a:1".to_owned(), pattern, keep: Vec::new() };
        let found = fitting(&role, &cleanup, &roots).expect("found");
        let shown: Vec<_> = found.iter().map(|fitting| (fitting.name.as_str(), fitting.path.strip_prefix(root).expect("below"))).collect();
        let expect: Vec<_> = expect.iter().map(|(name, path)| (*name, Path::new(path))).collect();
        assert_eq!(shown, expect);
        assert!(found.iter().all(|fitting| fs::read(&fitting.path).is_ok_and(|bytes| fitting.digest == Digest::of(&bytes))));
    }

    #[test]
    fn regular_files_whose_names_fit() {
        check("n/(*).conf", &[("a", "out/n/a.conf"), ("b", "out/n/b.conf")]);
        check("n/**/(*).conf", &[("a", "out/n/a.conf"), ("b", "out/n/b.conf"), ("d", "out/n/x/d.conf")]);
        check("n/*/(*).conf", &[("d", "out/n/x/d.conf")]);
        check("(*)", &[("top", "out/top")]);
        check("ROOT/extra/(*).conf", &[("e", "extra/e.conf")]);
        check("gone/(*)", &[]);
    }

    #[test]
    fn what_came_in_a_files_place_is_not_waited_for() {
        let temp = tempfile::tempdir().expect("a directory");
        rustix::fs::mknodat(rustix::fs::CWD, temp.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("made");
        fs::write(temp.path().join("file"), "text").expect("written");
        let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).expect("opened");
        let read = |name| digest(&dir, name).expect("read");
        assert_eq!((read("file"), read("pipe"), read("gone")), (Some(Digest::of(b"text")), None, None));
    }

    #[test]
    fn nothing_outside_of_what_may_be_written() {
        let role = RoleName::new("web").expect("valid");
        let roots = Roots { output: "/nowhere/out".into(), writes: Vec::new() };
        let cleanup = Cleanup { source: "a:1".to_owned(), pattern: "/etc/(*)".to_owned(), keep: Vec::new() };
        assert!(matches!(fitting(&role, &cleanup, &roots), Err(ApplyError::Outside { .. })));
    }
}
