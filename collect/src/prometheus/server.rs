//! Where a Prometheus server listens, and what it wants to see of us before it answers. It never connects.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::exchange::Uri;
use crate::exchange::header::HeaderValue;
use crate::exchange::uri::{Authority, PathAndQuery, Scheme};
use crate::regular;

/// What a URL without a port means.
const HTTP_PORT: u16 = 80;
/// Largest file with a password or token. Tokens of one key and a few claims take a tenth.
const MAX_SECRET_BYTES: u64 = 16 << 10;

/// The address of a server's HTTP API, as in `http://127.0.0.1:9090`, or `http://proxy/prometheus` below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    authority: Authority,
    /// Before every path of the API, without a slash at its end.
    prefix: String,
}

/// A text that is no server's address. The operator's settings are at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It is no URL, or lacks its scheme or host, or has what an address has not.
    #[error("`{0}` is no address of a Prometheus server: write http://HOST:PORT, as in http://127.0.0.1:9090")]
    Form(String),
    /// It has a user and a password in it, which logs would show.
    #[error("the address of the Prometheus server has a password in it: name the user and a file with the password beside the address")]
    Secret,
    /// It asks for TLS.
    #[error(
        "`{0}`: this version speaks no TLS: let the server, or a proxy that does TLS for it (stunnel, nginx), listen on \
         the loopback address, and write http://127.0.0.1:PORT"
    )]
    Tls(String),
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;
    fn from_str(text: &str) -> Result<ServerUrl, ServerUrlError> {
        if text.contains('@') {
            return Err(ServerUrlError::Secret);
        }
        let form = || ServerUrlError::Form(text.to_owned());
        let parts = text.parse::<Uri>().map_err(|_| form())?.into_parts();
        match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP => {}
            Some(scheme) if scheme == Scheme::HTTPS => return Err(ServerUrlError::Tls(text.to_owned())),
            _ => return Err(form()),
        }
        let authority = parts.authority.ok_or_else(form)?;
        // A port that is no number is there but not read.
        let is_whole = !authority.host().is_empty() && (authority.as_str() == authority.host() || authority.port_u16().is_some());
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if !is_whole || path.query().is_some() {
            return Err(form());
        }
        Ok(ServerUrl { authority, prefix: path.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

impl ServerUrl {
    /// Host and port to connect to.
    pub(super) fn endpoint(&self) -> (&str, u16) {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        (host, self.authority.port_u16().unwrap_or(HTTP_PORT))
    }

    /// What the `Host` header says.
    pub(super) fn host(&self) -> &str {
        self.authority.as_str()
    }

    /// The path of the API's `path`, which begins with a slash.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

/// How the server is told who asks. Files are read again for each request, so that a changed password needs no restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// It asks nobody.
    #[default]
    None,
    /// `basic_auth_users` of the server's web configuration.
    Basic {
        /// Its name there.
        user: String,
        /// Holds the password; a line end after it is left out.
        password_file: PathBuf,
    },
    /// What a proxy before it wants.
    Bearer {
        /// Holds the token; a line end after it is left out.
        token_file: PathBuf,
    },
}

/// A file that gives no password or token. The operator's settings are at fault.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("cannot read {path}, which is to hold what the Prometheus server wants to see: make it readable for this user")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("{path} is no regular file: write what the Prometheus server wants to see into one")]
    NotAFile {
        /// Which one.
        path: PathBuf,
    },
    /// Reading it does not end. The thread that does is left at it, and no other one begins.
    #[error("reading {path} takes longer than {} s, so that the Prometheus server is not asked: look for a hung mount", .after.as_secs_f64())]
    Hangs {
        /// Which file.
        path: PathBuf,
        /// How long it was waited for.
        after: Duration,
    },
    /// It is empty or too long, or has what no header can carry.
    #[error("{path} holds no password or token: write one line of visible characters, at most {MAX_SECRET_BYTES} bytes")]
    Form {
        /// Which file.
        path: PathBuf,
    },
}

impl Credentials {
    /// The file that is read for them.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Credentials::None => None,
            Credentials::Basic { password_file: file, .. } | Credentials::Bearer { token_file: file } => Some(file),
        }
    }

    /// The header's value; `None` where none is wanted.
    pub(super) fn header(&self) -> Result<Option<HeaderValue>, CredentialsError> {
        let (path, text) = match self {
            Credentials::None => return Ok(None),
            Credentials::Basic { user, password_file } => {
                let password = secret(password_file)?;
                (password_file, format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
            }
            Credentials::Bearer { token_file } => (token_file, format!("Bearer {}", secret(token_file)?)),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| CredentialsError::Form { path: path.clone() })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn secret(path: &Path) -> Result<String, CredentialsError> {
    let fail = |source| CredentialsError::Read { path: path.to_owned(), source };
    let Some((file, _)) = regular::open(path).map_err(fail)? else {
        return Err(CredentialsError::NotAFile { path: path.to_owned() });
    };
    let mut bytes = Vec::new();
    file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    let form = || CredentialsError::Form { path: path.to_owned() };
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(form());
    }
    let text = String::from_utf8(bytes).map_err(|_| form())?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(form());
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_may_have_a_path() {
        let check = |text: &str, host: &str, port: u16, path: &str| {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.endpoint(), (host, port), "{text}");
            assert_eq!(url.path("/api"), path, "{text}");
        };
        check("http://127.0.0.1:9090", "127.0.0.1", 9090, "/api");
        check("http://[::1]:9090/", "::1", 9090, "/api");
        check("http://metrics.example.org/prometheus/", "metrics.example.org", 80, "/prometheus/api");
    }

    #[test]
    fn what_is_no_address_says_what_to_write() {
        let check = |text: &str, expect: &str| {
            let told = text.parse::<ServerUrl>().unwrap_err().to_string();
            assert!(told.contains(expect), "{text}: {told}");
        };
        for text in ["", "localhost", "127.0.0.1:9090", "http://", "http://host:port", "http://host/?query=1", "ftp://host"] {
            check(text, "write http://HOST:PORT");
        }
        check("https://host:9090", "no TLS");
        check("http://user:secret@host:9090", "a file with the password");
        assert!(!"http://user:secret@host".parse::<ServerUrl>().unwrap_err().to_string().contains("secret@"));
    }

    #[test]
    fn passwords_come_from_files_as_they_stand_now() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        let basic = Credentials::Basic { user: "Aladdin".to_owned(), password_file: file.clone() };
        assert!(matches!(basic.header(), Err(CredentialsError::Read { .. })));
        std::fs::write(&file, "open sesame\n").unwrap();
        let value = basic.header().unwrap().unwrap();
        // The example of RFC 7617.
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWx"), "nothing shows it");
        std::fs::write(&file, "t0ken").unwrap();
        assert_eq!(Credentials::Bearer { token_file: file.clone() }.header().unwrap().unwrap(), "Bearer t0ken");
        for bad in [String::new(), "\n".to_owned(), "two\nlines".to_owned(), "x".repeat(17 << 10)] {
            std::fs::write(&file, bad).unwrap();
            assert!(matches!(basic.header(), Err(CredentialsError::Form { .. })));
        }
        assert_eq!(Credentials::None.header().unwrap(), None);
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        assert!(matches!(Credentials::Bearer { token_file: pipe }.header(), Err(CredentialsError::NotAFile { .. })));
    }
}
