//! Asking a Prometheus server over its HTTP API: instant and range queries. Every answer has a cap on its bytes, series, samples and
//! labels, and a deadline.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use verwalter_core::ids::UnixMillis;

use super::answer::{self, Answer, Bounds, Unusable, shortened};
use super::server::{Credentials, CredentialsError, ServerUrl};
use crate::exchange::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use crate::exchange::{self, Broken, ExchangeError, Method, Request, StatusCode};

/// A server in this network accepts at once, even when it is busy: the system does that.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// Most names of which it is kept what their numbers mean. A large site's servers know some 10,000.
const MAX_KINDS: usize = 50_000;

/// Most names that a query is compared with when it matches nothing, and most bytes of them.
const MAX_NAMES: usize = 20_000;
const NAMES_BYTES: usize = 4 << 20;

/// How long an answer may take and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From connecting to the last byte. The server is told to give up then, too.
    pub deadline: Duration,
    /// Most bytes of an answer.
    pub bytes: usize,
    /// Most series, samples and labels of an answer.
    pub bounds: Bounds,
}

impl Default for Limits {
    /// For 10,000 peers with a series of 100 samples each, or with 10 series of 10: such an answer has some 30 MB and takes a second.
    /// An hour of a series of theirs at 15 s is 2,400,000 samples in 68 MB, which is too much to be asked for every few seconds.
    /// Ten labels each of as many series are many.
    fn default() -> Limits {
        let bounds = Bounds { series: 100_000, samples: 1_000_000, labels: 1_000_000 };
        Limits { deadline: Duration::from_secs(10), bytes: 64 << 20, bounds }
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct Client {
    /// Where it is.
    pub server: ServerUrl,
    /// What it wants to see.
    pub credentials: Credentials,
    /// What is taken of it.
    pub limits: Limits,
    /// For the file with the credentials, of all clones: where it hangs, one thread does.
    reading: Arc<Semaphore>,
}

/// Why there is no answer. Nothing was changed anywhere; what was known before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no Prometheus server answers at {server}: is it running, and is the address right?")]
    Unreachable {
        /// Where.
        server: ServerUrl,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("the Prometheus server at {server} did not answer within {} s: shorten the query's window, or look at the server's load", .after.as_secs_f64())]
    TimedOut {
        /// Where.
        server: ServerUrl,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection ended, or what came is no HTTP.
    #[error("the Prometheus server at {server} broke off: does a Prometheus server listen there?")]
    Broken {
        /// Where.
        server: ServerUrl,
        /// What happened.
        #[source]
        source: Broken,
    },
    /// The answer has too many bytes.
    #[error("the answer of {server} has more than {cap} bytes: shorten the query's window, or add conditions that match fewer series")]
    TooLarge {
        /// Where.
        server: ServerUrl,
        /// The limit.
        cap: usize,
    },
    /// The server does not do what is asked, and says why.
    #[error("the Prometheus server at {server} refuses the query ({kind}): {words}")]
    Refused {
        /// Where.
        server: ServerUrl,
        /// Prometheus' name of the error: `bad_data`, `execution`, `timeout`, …
        kind: String,
        /// Its words, shortened.
        words: String,
    },
    /// It wants to know who asks, or does not let us in.
    #[error("the Prometheus server at {server} answers {status}: name a user or token that may query it")]
    Denied {
        /// Where.
        server: ServerUrl,
        /// 401 or 403.
        status: StatusCode,
    },
    /// It sends elsewhere, which is not followed: a password would go along.
    #[error("the server at {server} sends to `{location}`: write the address there in the settings, its path included")]
    Redirected {
        /// Where.
        server: ServerUrl,
        /// Where to.
        location: String,
    },
    /// Another HTTP status than Prometheus answers.
    #[error("the server at {server} answers {status}: is it a Prometheus server, and the path right? (`--web.route-prefix`)")]
    Status {
        /// Where.
        server: ServerUrl,
        /// The HTTP status.
        status: StatusCode,
    },
    /// The body is not what Prometheus answers, or goes beyond the limits.
    #[error("the answer of {server} cannot be used: {why}")]
    Unreadable {
        /// Where.
        server: ServerUrl,
        /// Why, in the reader's words.
        why: String,
    },
    /// What the server wants to see cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl ClientError {
    /// Whether the server itself could not be used, so that other queries would fare alike.
    pub fn is_of_server(&self) -> bool {
        use ClientError::{Broken, Credentials, Denied, Redirected, Refused, Status, TimedOut, TooLarge, Unreachable, Unreadable};
        match self {
            Unreachable { .. } | Denied { .. } | Redirected { .. } | Status { .. } | Credentials(_) => true,
            TimedOut { .. } | Broken { .. } | TooLarge { .. } | Refused { .. } | Unreadable { .. } => false,
        }
    }
}

impl Client {
    /// A client that asks `server`.
    pub fn new(server: ServerUrl, credentials: Credentials, limits: Limits) -> Client {
        Client { server, credentials, limits, reading: Arc::new(Semaphore::new(1)) }
    }

    /// What `query` says at one moment, the server's present one without `at`.
    pub async fn instant(&self, query: &str, at: Option<UnixMillis>) -> Result<Answer, ClientError> {
        let mut form = self.form(query);
        if let Some(at) = at {
            push(&mut form, "time", &seconds(at));
        }
        self.ask("/api/v1/query", form).await
    }

    /// What `query` says from `start` to `end`, both included, a sample every `step` (at least 1 ms). The server refuses more than 11,000 a series.
    pub async fn range(&self, query: &str, start: UnixMillis, end: UnixMillis, step: Duration) -> Result<Answer, ClientError> {
        let mut form = self.form(query);
        push(&mut form, "start", &seconds(start));
        push(&mut form, "end", &seconds(end));
        push(&mut form, "step", &step.as_secs_f64().max(0.001).to_string());
        self.ask("/api/v1/query_range", form).await
    }

    /// What the numbers of metrics mean as far as exporters say so: `counter`, `gauge`, `histogram`, `summary` or `unknown`, by name.
    pub async fn kinds(&self) -> Result<BTreeMap<String, String>, ClientError> {
        let body = self.within(Method::GET, "/api/v1/metadata?limit_per_metric=1", String::new()).await?;
        answer::read_kinds(&body, MAX_KINDS).map_err(|unusable| self.unusable(unusable))
    }

    /// The names of metrics that had samples from `start` to `end`, the first 20,000.
    pub async fn names(&self, start: UnixMillis, end: UnixMillis) -> Result<Vec<String>, ClientError> {
        let limits = Limits { bytes: self.limits.bytes.min(NAMES_BYTES), ..self.limits };
        let client = Client { limits, ..self.clone() };
        // Servers before 2.53 know no limit: the bytes have one all the same.
        let path = format!("/api/v1/label/__name__/values?limit={MAX_NAMES}&start={}&end={}", seconds(start), seconds(end));
        let body = client.within(Method::GET, &path, String::new()).await?;
        answer::read_names(&body, MAX_NAMES).map_err(|unusable| self.unusable(unusable))
    }

    fn form(&self, query: &str) -> String {
        let mut form = String::new();
        push(&mut form, "query", query);
        push(&mut form, "timeout", &format!("{}ms", self.limits.deadline.as_millis().max(1)));
        form
    }

    async fn ask(&self, path: &str, form: String) -> Result<Answer, ClientError> {
        let body = self.within(Method::POST, path, form).await?;
        let bounds = self.limits.bounds;
        // An answer of many megabytes keeps a thread busy for a while.
        let read = tokio::task::spawn_blocking(move || Answer::read(&body, bounds)).await;
        let read = read.unwrap_or_else(|error| Err(Unusable::Unread(format!("reading it broke off: {error}"))));
        read.map_err(|unusable| self.unusable(unusable))
    }

    fn unusable(&self, unusable: Unusable) -> ClientError {
        let server = self.server.clone();
        match unusable {
            Unusable::Refused { kind, words } => ClientError::Refused { server, kind, words },
            Unusable::Unread(why) => ClientError::Unreadable { server, why },
        }
    }

    async fn within(&self, method: Method, path: &str, form: String) -> Result<Vec<u8>, ClientError> {
        let after = self.limits.deadline;
        let until = Instant::now() + after;
        let header = match self.credentials.file() {
            None => None,
            Some(file) => {
                let hangs = |_| CredentialsError::Hangs { path: file.to_owned(), after };
                timeout_at(until, self.header()).await.map_err(hangs)??
            }
        };
        let answered = timeout_at(until, async {
            let connected = exchange::connect(self.server.endpoint(), CONNECT_WAIT).await;
            let stream = connected.map_err(|source| ClientError::Unreachable { server: self.server.clone(), source })?;
            self.exchange(stream, method, path, form, header).await
        });
        answered.await.map_err(|_| ClientError::TimedOut { server: self.server.clone(), after })?
    }

    /// The credentials as their file says now. Nobody can end a reading that hangs on a network mount: it keeps the permit, so that the
    /// requests after it wait, instead of taking a thread each until guests and deployments have none.
    async fn header(&self) -> Result<Option<HeaderValue>, CredentialsError> {
        let permit = self.reading.clone().acquire_owned().await.expect("nobody closes it");
        let credentials = self.credentials.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _until_it_is_read = permit;
            credentials.header()
        });
        read.await.unwrap_or(Ok(None))
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        form: String,
        credentials: Option<HeaderValue>,
    ) -> Result<Vec<u8>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.server.path(path))
            .header(HOST, self.server.host())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(credentials) = credentials {
            request = request.header(AUTHORIZATION, credentials);
        }
        let request = request.body(form).expect("prefix and path were read as parts of a URL");
        let server = || self.server.clone();
        let answer =
            exchange::exchange(stream, request, self.limits.bytes, |status| !status.is_redirection()).await.map_err(
                |error| match error {
                    ExchangeError::Broken(source) => ClientError::Broken { server: server(), source },
                    ExchangeError::TooLong(cap) => ClientError::TooLarge { server: server(), cap },
                },
            )?;
        if answer.status.is_redirection() {
            let location = answer.headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
            return Err(ClientError::Redirected { server: server(), location: shortened(&location.unwrap_or_default()) });
        }
        if answer.status.is_success() { Ok(answer.body) } else { Err(self.failed(answer.status, &answer.body)) }
    }

    /// What an answer with an error's status says: Prometheus gives 400, 422 and 503 with words in JSON.
    fn failed(&self, status: StatusCode, body: &[u8]) -> ClientError {
        let server = self.server.clone();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return ClientError::Denied { server, status };
        }
        match answer::refusal(body) {
            Some((kind, words)) => ClientError::Refused { server, kind, words },
            None => ClientError::Status { server, status },
        }
    }
}

/// Seconds with three places, as the API reads moments.
fn seconds(at: UnixMillis) -> String {
    format!("{}.{:03}", at.0 / 1_000, at.0 % 1_000)
}

/// Adds `name=value` to a form, in the encoding of HTML forms.
fn push(form: &mut String, name: &str, value: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    form.push_str(name);
    form.push('=');
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => form.push(char::from(byte)),
            byte => write!(form, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}

#[cfg(test)]
mod tests;
