//! Names that were checked: once a value of these types exists, it is safe as a key, a label and a single path component.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest role, plugin, file or template name, in bytes: leaves room for suffixes below the 255 bytes of a file name.
pub const MAX_NAME: usize = 64;
/// Longest hostname, in bytes (RFC 1123).
pub const MAX_HOSTNAME: usize = 253;
/// Longest label of a hostname, in bytes (RFC 1123).
const MAX_LABEL: usize = 63;

/// Why a name was refused. Whoever wrote the name is at fault; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{}` {reason}", .name.escape_debug())]
pub struct NameError {
    what: &'static str,
    name: String,
    reason: &'static str,
}

impl NameError {
    fn new(what: &'static str, name: &str, reason: &'static str) -> NameError {
        // A guest may have chosen the name: quote its beginning only.
        let name = match name.char_indices().nth(MAX_NAME) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.to_owned(),
        };
        NameError { what, name, reason }
    }
}

fn check_name(what: &'static str, name: &str) -> Result<(), NameError> {
    let refuse = |reason| Err(NameError::new(what, name, reason));
    if name.is_empty() {
        return refuse("is empty: give it a name of 1 to 64 characters");
    }
    if name.len() > MAX_NAME {
        return refuse("is longer than 64 characters");
    }
    if !name.as_bytes()[0].is_ascii_lowercase() && !name.as_bytes()[0].is_ascii_digit() {
        return refuse("must begin with a lower-case letter or a digit");
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-');
    if !name.bytes().all(allowed) {
        return refuse("may hold lower-case letters, digits, `_`, `.` and `-` only");
    }
    Ok(())
}

fn check_hostname(what: &'static str, name: &str) -> Result<(), NameError> {
    let refuse = |reason| Err(NameError::new(what, name, reason));
    if name.is_empty() || name.len() > MAX_HOSTNAME {
        return refuse("must be of 1 to 253 characters (RFC 1123)");
    }
    for label in name.split('.') {
        let bytes = label.as_bytes();
        if bytes.is_empty() || bytes.len() > MAX_LABEL {
            return refuse("has a label that is empty or longer than 63 characters (RFC 1123)");
        }
        if bytes[0] == b'-' || bytes[bytes.len() - 1] == b'-' {
            return refuse("has a label that begins or ends with `-` (RFC 1123)");
        }
        if !bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-') {
            return refuse("may hold lower-case letters, digits, `-` and `.` only (RFC 1123)");
        }
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `name`.
            pub fn new(name: &str) -> Result<$type, NameError> {
                $check($what, name)?;
                Ok($type(name.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<$type, NameError> {
                $type::new(&name)
            }
        }

        impl std::str::FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<$type, NameError> {
                $type::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_type!(
    /// A role: a unit of deployment. `[a-z0-9][a-z0-9_.-]*`, at most 64 bytes.
    RoleName, "role name", check_name
);
name_type!(
    /// A plugin: the stem of its files. `[a-z0-9][a-z0-9_.-]*`, at most 64 bytes.
    PluginName, "plugin name", check_name
);
name_type!(
    /// One component of a template reference: a role's or a version's directory. `[a-z0-9][a-z0-9_.-]*`, at most 64 bytes.
    TemplateName, "template name", check_name
);
name_type!(
    /// A node's key in the schedule: lower-case, RFC 1123.
    Hostname, "hostname", check_hostname
);

/// A template directory, written `ROLE/VERSION`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateRef {
    role: TemplateName,
    version: TemplateName,
}

impl TemplateRef {
    /// Checks `text`, which must be two names with one `/` between them.
    pub fn new(text: &str) -> Result<TemplateRef, NameError> {
        let Some((role, version)) = text.split_once('/') else {
            return Err(NameError::new("template", text, "must be written ROLE/VERSION"));
        };
        Ok(TemplateRef { role: TemplateName::new(role)?, version: TemplateName::new(version)? })
    }

    /// The directory's first component.
    pub fn role(&self) -> &TemplateName {
        &self.role
    }

    /// The directory's second component.
    pub fn version(&self) -> &TemplateName {
        &self.version
    }
}

impl fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.role, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: &str) {
        let got = match RoleName::new(name) {
            Ok(role) => role.to_string(),
            Err(err) => err.to_string(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn role_names() {
        check("web-1.x_y", "web-1.x_y");
        check("", "role name `` is empty: give it a name of 1 to 64 characters");
        check("../x", "role name `../x` must begin with a lower-case letter or a digit");
        check("a/b", "role name `a/b` may hold lower-case letters, digits, `_`, `.` and `-` only");
        check("a\u{0}", "role name `a\\0` may hold lower-case letters, digits, `_`, `.` and `-` only");
    }

    #[test]
    fn a_long_name_is_quoted_in_part() {
        let message = RoleName::new(&"é".repeat(100_000)).expect_err("too long").to_string();
        assert!(message.len() < 300, "{message}");
    }

    #[test]
    fn hostnames() {
        for good in ["a", "alpha", "db-1.eu.example.org", "10"] {
            assert_eq!(Hostname::new(good).expect("valid").as_str(), good);
        }
        for bad in ["", "Alpha", "a_b", "-a", "a-", "a..b", "a/b", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(Hostname::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn template_references() {
        assert_eq!(TemplateRef::new("web/v1").expect("valid").to_string(), "web/v1");
        for bad in ["web", "web/", "/v1", "web/../x", "../web", "web/v1/x", "web/.."] {
            assert!(TemplateRef::new(bad).is_err(), "{bad}");
        }
    }
}
