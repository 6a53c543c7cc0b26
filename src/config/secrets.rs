//! `secrets/`: values that templates get by name, one a file. They are read here, handed to the render and to the mask that keeps them out of
//! everything that is shown, and to nobody else: nothing of this type prints a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use verwalter_apply::diff::MARK;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::file::{FileError, Opened, open_regular};
use super::walk::{self, Entry, Report};

/// Largest secret, in bytes: a chain of certificates with its key is a tenth of it.
const MAX_BYTES: u64 = 64 << 10;
/// Shortest secret, in bytes: a shorter one stands in half of all texts by chance, and hiding it there would show what it is.
const MIN_BYTES: usize = 4;
/// Permission bits that none but the file's owner needs.
const OTHERS: u32 = 0o077;

/// The secrets of a node, by the names of their files.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    values: BTreeMap<String, String>,
    /// Files that are there and cannot be used.
    unread: BTreeSet<String>,
    /// There may be files that were not seen.
    unlisted: bool,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Secrets {
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Secrets of these names whose values are what is shown in place of any.
    pub fn marks<'a>(names: impl IntoIterator<Item = &'a str>) -> Secrets {
        let values = names.into_iter().map(|name| (name.to_owned(), format!("{MARK}{name}›"))).collect();
        Secrets { values, ..Secrets::default() }
    }

    /// These, and of the former ones those whose files are there and cannot be used now.
    #[must_use]
    pub fn or_former(self, former: &Secrets) -> Secrets {
        let Secrets { mut values, unread, unlisted } = self;
        for (name, value) in &former.values {
            if unlisted || unread.contains(name) {
                values.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Secrets { values, ..Secrets::default() }
    }

    /// Over the values of these names, and over which of them there are. For comparing in memory only: a short secret can be guessed from it.
    pub fn digest<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Digest {
        let mut hash = Sha256::new();
        for name in names {
            let value = self.get(name);
            for part in [Some(name), value] {
                hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
                hash.update(part.unwrap_or_default());
            }
        }
        Digest::from_bytes(hash.finalize().into())
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Secrets {
    fn from(secrets: [(&str, &str); N]) -> Secrets {
        let values = secrets.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Secrets { values, ..Secrets::default() }
    }
}

/// Why a text cannot be a secret's name, if it cannot: the rule is that of all names.
pub fn refuse_name(name: &str) -> Option<String> {
    // The message begins with what a role is called; the rest is the rule.
    let error = RoleName::new(name).err()?.to_string();
    Some(error.replacen("role name", "the secret's name", 1))
}

/// Reads the files below `dir`. What is wrong with one keeps nothing of the others back.
pub(crate) fn load(dir: &Path, report: &mut Report) -> Secrets {
    let before = report.errors.len();
    let entries = walk::list(dir, report);
    let mut secrets = Secrets { unlisted: report.errors.len() > before, ..Secrets::default() };
    for entry in entries {
        match entry {
            Entry::File { name, path } => match refuse_name(&name) {
                Some(message) => report.error(FileError::new(&path, format!("{message}: rename the file"))),
                None => match report.take(read(&path)) {
                    Some(value) => drop(secrets.values.insert(name, value)),
                    None => drop(secrets.unread.insert(name)),
                },
            },
            Entry::Directory { path, .. } => {
                report.error(FileError::new(&path, "is a directory where a secret's file is expected: move it away"));
            }
        }
    }
    secrets
}

/// One secret: the file's text without the newline at its end.
fn read(path: &Path) -> Result<String, FileError> {
    let refuse = |message: String| Err(FileError::new(path, message));
    let Opened::Regular(file, meta) = open_regular(path).map_err(|err| FileError::io(path, &err))? else {
        return refuse("is no regular file: write the secret into one".to_owned());
    };
    // Of what was opened, not of the name: it may lead somewhere else by now.
    let mode = meta.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return refuse(format!(
            "is open to others (mode {mode:04o}) and not used: chmod 600 it, and change the secret if they may have read it"
        ));
    }
    if meta.uid() != 0 && meta.uid() != geteuid().as_raw() {
        return refuse(format!("belongs to user {} and is not used: chown it to the daemon's user or root", meta.uid()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|err| FileError::io(path, &err))?;
    if bytes.len() as u64 > MAX_BYTES {
        return refuse(format!("has more than {MAX_BYTES} bytes, which no secret may"));
    }
    let Ok(mut text) = String::from_utf8(bytes) else {
        return refuse("is no UTF-8 text: write the secret in hexadecimal or base64, as templates print text".to_owned());
    };
    if text.ends_with('\n') {
        text.pop();
        text.truncate(text.strip_suffix('\r').unwrap_or(&text).len());
    }
    if text.contains('\0') {
        return refuse("has a NUL byte, which no text holds: write the secret in hexadecimal or base64".to_owned());
    }
    if text.len() < MIN_BYTES {
        return refuse(format!("has less than {MIN_BYTES} bytes, too few to be kept out of logs: write a longer secret"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
