//! From a rendered destination to a root of the node and a path below it. It looks at texts only, never at the file system.

use std::path::{Component, Path, PathBuf};

use verwalter_core::names::RoleName;

use super::{ApplyError, Roots};
use crate::durable;
use crate::files::STAGING;

/// Longest destination, in bytes: what Linux takes for a path.
const MAX_DEST_BYTES: usize = 4096;

/// Where a file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// One of the node's roots.
    pub(crate) root: PathBuf,
    /// The path below it: at least one component, all of them names.
    pub(crate) below: PathBuf,
}

impl Destination {
    /// The whole path.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.below)
    }
}

/// Finds the root for `dest`: `output` for a relative one, else the longest root that it lies below.
pub(crate) fn resolve(role: &RoleName, dest: &str, roots: &Roots) -> Result<Destination, ApplyError> {
    if let Err(reason) = well_formed(dest) {
        return Err(ApplyError::Destination { role: role.clone(), dest: quote(dest), reason: reason.into() });
    }
    let path = Path::new(dest);
    if path.is_relative() {
        return Ok(Destination { root: roots.output.clone(), below: names(path) });
    }
    let candidates = roots.writes.iter().chain([&roots.output]).filter(|root| root.is_absolute());
    let best = candidates.filter(|root| path.starts_with(root)).max_by_key(|root| root.components().count());
    let below = best.and_then(|root| path.strip_prefix(root).ok());
    match (best, below) {
        (Some(root), Some(below)) if !below.as_os_str().is_empty() => Ok(Destination { root: root.clone(), below: names(below) }),
        _ => Err(ApplyError::Outside { role: role.clone(), path: path.to_owned() }),
    }
}

fn well_formed(dest: &str) -> Result<(), &'static str> {
    if dest.is_empty() {
        return Err("is empty: give it a path");
    }
    if dest.len() > MAX_DEST_BYTES {
        return Err("is longer than 4096 bytes: shorten it");
    }
    if dest.contains('\0') {
        return Err("contains a NUL: remove it");
    }
    if dest.ends_with('/') || dest == "." || dest.ends_with("/.") {
        return Err("names a directory: end it with the name of a file");
    }
    if dest.split('/').any(|part| part == "..") {
        return Err("contains `..`: write the path without it");
    }
    if dest.split('/').any(|part| durable::is_temp_name(part) || part == STAGING) {
        return Err("looks like one of the daemon's temporary files: choose another name");
    }
    Ok(())
}

/// `path` without `.` and doubled slashes.
fn names(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The beginning of `dest`: variables may have made it of any length.
pub(super) fn quote(dest: &str) -> String {
    match dest.char_indices().nth(128) {
        Some((end, _)) => format!("{}…", &dest[..end]),
        None => dest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dest: &str, expect: Result<(&str, &str), &str>) {
        let roots = Roots { output: "/out".into(), writes: vec!["/etc/nginx".into(), "/etc/nginx/conf.d".into()] };
        let role = RoleName::new("web").expect("valid");
        match (resolve(&role, dest, &roots), expect) {
            (Ok(got), Ok((root, below))) => assert_eq!(got, Destination { root: root.into(), below: below.into() }, "{dest}"),
            (Err(err), Err(part)) => assert!(err.to_string().contains(part), "{dest}: {err}"),
            (got, _) => panic!("{dest}: {got:?}"),
        }
    }

    #[test]
    fn destinations() {
        check("a/b", Ok(("/out", "a/b")));
        check("./a//./b", Ok(("/out", "a/b")));
        check("/out/a", Ok(("/out", "a")));
        check("/etc/nginx/a", Ok(("/etc/nginx", "a")));
        check("/etc/nginx/conf.d/a", Ok(("/etc/nginx/conf.d", "a")));
        check("", Err("is empty"));
        check("a/", Err("names a directory"));
        check(".", Err("names a directory"));
        check("a/.", Err("names a directory"));
        check("../a", Err("contains `..`"));
        check("/out/../etc/passwd", Err("contains `..`"));
        check("a\0b", Err("contains a NUL"));
        check(".vw-0123456789abcdef.tmp", Err("temporary files"));
        check(".vw-staging/web/0/a", Err("temporary files"));
        check("/etc/passwd", Err("lies outside"));
        check("/etc/nginx-evil/a", Err("lies outside"));
        check("/etc/nginx", Err("lies outside"));
        check("/", Err("names a directory"));
        check(&"a".repeat(5000), Err("longer than 4096"));
    }

    #[test]
    fn a_long_destination_is_quoted_in_part() {
        let roots = Roots { output: "/out".into(), writes: Vec::new() };
        let err = resolve(&RoleName::new("web").expect("valid"), &"é".repeat(5000), &roots).expect_err("too long");
        assert!(err.to_string().len() < 500, "{err}");
    }
}
