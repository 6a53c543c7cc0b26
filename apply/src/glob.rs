//! Paths with wildcards and one group, as `!SplitText` and `!CleanFiles` have them: `/etc/nginx/conf.d/(*).conf`. It reads no directory.
//!
//! `*` and `?` stand for characters of one name, not for `/`, nor for a dot at its beginning; `**` stands for any number of whole names.
//! Everything else stands for itself, case counts.

use std::path::{Path, PathBuf};

use regex::Regex;

/// Longest pattern, in bytes: what Linux takes for a path.
const MAX_BYTES: usize = 4096;
/// Longest file name, in bytes: what file systems take.
const MAX_NAME_BYTES: usize = 255;

/// A path with one group.
#[derive(Debug, Clone)]
pub struct Grouped {
    before: String,
    group: String,
    after: String,
    whole: Regex,
    inner: Regex,
}

impl PartialEq for Grouped {
    fn eq(&self, other: &Grouped) -> bool {
        (&self.before, &self.group, &self.after) == (&other.before, &other.group, &other.after)
    }
}

/// Why a text is no pattern, or a name does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// There is no group, or more than one.
    #[error("it must have exactly one group, as in `conf.d/(*).conf`")]
    Groups,
    /// It cannot be a path.
    #[error("it is no path: it is empty, has a NUL, `..` or `//`, or more than {MAX_BYTES} bytes")]
    Path,
    /// `[…]` and `{…}`, which other globs have.
    #[error("`{0}` has no meaning here: only `*`, `**` and `?` have")]
    Sign(char),
    /// `**` beside other characters.
    #[error("`**` must be a whole name between two `/`")]
    Stars,
    /// Too large for the matcher.
    #[error("it is too large")]
    Large,
    /// Files are to be made of it, so that only the group may vary.
    #[error("it has `*` or `?` outside of the group: the group alone may vary where files are written")]
    Varies,
    /// The name is not what the group allows.
    #[error("the name `{name}` does not fit the group `({group})`")]
    Unfit {
        /// The name, shortened.
        name: String,
        /// What it should have been like.
        group: String,
    },
    /// The name would lead elsewhere.
    #[error("the name `{0}` is no file name: it is empty, `.`, `..`, too long, or has a `/` or a NUL")]
    Name(String),
}

impl Grouped {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Grouped, GlobError> {
        let unsound = text.is_empty() || text.len() > MAX_BYTES || text.contains('\0') || text.ends_with('/') || text.contains("//");
        if unsound || text.split('/').any(|part| part == "..") {
            return Err(GlobError::Path);
        }
        if let Some(sign) = text.chars().find(|sign| "[]{}".contains(*sign)) {
            return Err(GlobError::Sign(sign));
        }
        let (before, rest) = text.split_once('(').ok_or(GlobError::Groups)?;
        let (group, after) = rest.split_once(')').ok_or(GlobError::Groups)?;
        if [before, group, after].iter().any(|part| part.contains(['(', ')'])) {
            return Err(GlobError::Groups);
        }
        // The sign before decides whether a wildcard stands at the beginning of a name.
        let begins = before.is_empty() || before.ends_with('/');
        let inner = expression(group, begins)?;
        let expr = format!("^{}({inner}){}$", expression(before, true)?, expression(after, begins && group.is_empty())?);
        let compiled = |expr: &str| Regex::new(expr).map_err(|_| GlobError::Large);
        Ok(Grouped {
            whole: compiled(&expr)?,
            inner: compiled(&format!("^{inner}$"))?,
            before: before.to_owned(),
            group: group.to_owned(),
            after: after.to_owned(),
        })
    }

    /// Whether one name gives one path, which is what writing needs.
    ///
    /// # Errors
    /// [`GlobError::Varies`] where it does not.
    pub fn names_one(&self) -> Result<(), GlobError> {
        let varies = [&self.before, &self.after].iter().any(|part| part.contains(['*', '?']));
        if varies { Err(GlobError::Varies) } else { Ok(()) }
    }

    /// The path in which the group is `name`.
    ///
    /// # Errors
    /// When the name does not fit, or would lead to another directory.
    pub fn path(&self, name: &str) -> Result<String, GlobError> {
        self.names_one()?;
        let shown = || name.escape_debug().to_string().chars().take(64).collect::<String>();
        if name.is_empty() || name == "." || name == ".." || name.len() > MAX_NAME_BYTES || name.contains(['/', '\0']) {
            return Err(GlobError::Name(shown()));
        }
        if !self.inner.is_match(name) {
            return Err(GlobError::Unfit { name: shown(), group: self.group.clone() });
        }
        let path = format!("{}{name}{}", self.before, self.after);
        let last = path.rsplit('/').next().unwrap_or_default();
        if last == "." || last == ".." || last.len() > MAX_NAME_BYTES {
            return Err(GlobError::Name(shown()));
        }
        Ok(path)
    }

    /// What the group has in `path`, if the pattern fits.
    pub fn captured<'a>(&self, path: &'a str) -> Option<&'a str> {
        Some(self.whole.captures(path)?.get(1)?.as_str())
    }

    /// The directory that everything which fits lies below: its part without wildcards and group.
    pub fn base(&self) -> PathBuf {
        let fixed = &self.before[..self.before.find(['*', '?']).unwrap_or(self.before.len())];
        let directory = fixed.rfind('/').map_or("", |slash| &fixed[..=slash]);
        Path::new(directory).to_owned()
    }

    /// Most directories below [`Grouped::base`] that a fitting path goes through; `None`: any number.
    pub fn depth(&self) -> Option<usize> {
        let rest = format!("{}{}{}", self.before, self.group, self.after);
        let below = rest.get(self.base().as_os_str().len()..).unwrap_or_default();
        (!rest.contains("**")).then(|| below.matches('/').count())
    }
}

/// The regular expression of a part of a pattern; `begins`: it stands where a name begins.
fn expression(glob: &str, mut begins: bool) -> Result<String, GlobError> {
    /// Any character of a name but a dot that would hide it.
    const FIRST: &str = "[^/.]";
    let mut expr = String::new();
    let mut rest = glob;
    while let Some(sign) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**") {
            if !begins || !after.starts_with('/') {
                return Err(GlobError::Stars);
            }
            expr.push_str(&format!("(?:{FIRST}[^/]*/)*"));
            rest = &after[1..];
            continue;
        }
        rest = &rest[sign.len_utf8()..];
        match sign {
            '*' if begins => expr.push_str(&format!("(?:{FIRST}[^/]*)?")),
            '*' => expr.push_str("[^/]*"),
            '?' if begins => expr.push_str(FIRST),
            '?' => expr.push_str("[^/]"),
            sign => expr.push_str(&regex::escape(sign.encode_utf8(&mut [0; 4]))),
        }
        begins = sign == '/';
    }
    Ok(expr)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Grouped {
        Grouped::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn what_fits() {
        let check =
            |pattern: &str, path: &str, expect: Option<&str>| assert_eq!(parsed(pattern).captured(path), expect, "{pattern} {path}");
        check("/etc/n/(*).conf", "/etc/n/a.conf", Some("a"));
        check("/etc/n/(*).conf", "/etc/n/a.b.conf", Some("a.b"));
        check("/etc/n/(*).conf", "/etc/n/.a.conf", None);
        check("/etc/n/(*).conf", "/etc/n/x/a.conf", None);
        check("/etc/n/(*).conf", "/etc/n/a.conf~", None);
        check("/etc/n/(*).conf", "/etc/n/aXconf", None);
        check("web-(*)", "web-.x", Some(".x"));
        check("(?)x", "ax", Some("a"));
        check("(?)x", ".x", None);
        check("a/*/(*).y", "a/b/c.y", Some("c"));
        check("a/**/(*).y", "a/c.y", Some("c"));
        check("a/**/(*).y", "a/b/d/c.y", Some("c"));
        check("a/**/(*).y", "a/.b/c.y", None);
        check("(**/x)", "a/b/x", Some("a/b/x"));
        check("A(*)", "ab", None);
    }

    #[test]
    fn what_is_no_pattern() {
        let check = |pattern: &str, expect: GlobError| assert_eq!(Grouped::parse(pattern), Err(expect), "{pattern}");
        check("", GlobError::Path);
        check("a/../(*)", GlobError::Path);
        check("a//(*)", GlobError::Path);
        check("a/(*)/", GlobError::Path);
        check("a\0(*)", GlobError::Path);
        check("a/b", GlobError::Groups);
        check("(a)(b)", GlobError::Groups);
        check("((a))", GlobError::Groups);
        check("a)(b", GlobError::Groups);
        check("[ab](*)", GlobError::Sign('['));
        check("a**/(*)", GlobError::Stars);
        check("a/**(*)", GlobError::Stars);
    }

    #[test]
    fn names_become_paths_and_never_leave_the_directory() {
        let check = |pattern: &str, name: &str, expect: Result<&str, &str>| match (parsed(pattern).path(name), expect) {
            (Ok(path), Ok(expect)) => assert_eq!(path, expect),
            (Err(err), Err(part)) => assert!(err.to_string().contains(part), "{err}"),
            (got, _) => panic!("{pattern} {name}: {got:?}"),
        };
        check("/etc/n/(*).conf", "a", Ok("/etc/n/a.conf"));
        check("/etc/n/(web-*).conf", "a", Err("does not fit the group `(web-*)`"));
        for bad in ["", ".", "..", "a/b", "../x", "a\0", &"x".repeat(300)] {
            check("/etc/n/(*)", bad, Err("is no file name"));
        }
        check("/etc/n/(*)", ".hidden", Err("does not fit"));
        check("/etc/n/.(*)", ".", Err("is no file name"));
        check("/etc/*/(*)", "a", Err("outside of the group"));
        check("/etc/n/(*)", &"x".repeat(255), Ok(&format!("/etc/n/{}", "x".repeat(255))));
        check("/etc/n/(*).conf", &"x".repeat(255), Err("is no file name"));
    }

    #[test]
    fn where_to_look() {
        let check = |pattern: &str, base: &str, depth: Option<usize>| {
            let grouped = parsed(pattern);
            assert_eq!((grouped.base(), grouped.depth()), (PathBuf::from(base), depth), "{pattern}");
        };
        check("/etc/n/(*).conf", "/etc/n/", Some(0));
        check("/etc/n/a*/(*).conf", "/etc/n/", Some(1));
        check("/etc/(**/x)", "/etc/", None);
        check("(*)", "", Some(0));
        check("a/b(*)/c", "a/", Some(1));
    }

    proptest! {
        #[test]
        fn whatever_was_written_is_found_again(name in "\\PC{1,20}", before in "[a-z/.]{0,8}", after in "[a-z.]{0,4}") {
            let Ok(grouped) = Grouped::parse(&format!("{before}(*){after}")) else { return Ok(()) };
            if let Ok(path) = grouped.path(&name) {
                prop_assert!(grouped.captured(&path).is_some(), "{path}");
                prop_assert!(Path::new(&path).starts_with(grouped.base()));
            }
        }
    }
}
