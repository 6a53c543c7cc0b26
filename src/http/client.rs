//! One request to a running node, for the commands: under deadlines and a cap on the answer.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use axum::http::{Method, Request, StatusCode, header};
use serde::Deserialize;
use verwalter_collect::exchange::{self, Broken, ExchangeError};

/// Where a node listens unless its settings say otherwise.
pub const DEFAULT_NODE: &str = "http://127.0.0.1:8379";
/// A node on this machine or in this network accepts at once, even when it is busy: the system does that.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// From the request to the answer's last byte. Above what the node itself waits for an order, so that its own answer is heard.
pub const ANSWER_WAIT: Duration = Duration::from_secs(45);
/// Largest answer: the input document of 10,000 peers has a sixth.
const ANSWER_BYTES: usize = 64 << 20;

/// A node's address, as in `http://127.0.0.1:8379`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl {
    authority: Authority,
    /// Before every path of the API, without a slash at its end: a proxy may have put the node below one.
    prefix: String,
}

/// A text that is no node's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL, or lacks its scheme or host, or has what an address has not.
    #[error("write http://HOST:PORT, as in {DEFAULT_NODE}")]
    Form,
    /// It asks for TLS.
    #[error("the API has no TLS in this version: write http://HOST:PORT, and reach another machine through `ssh -L`")]
    Tls,
}

impl FromStr for NodeUrl {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<NodeUrl, UrlError> {
        let parts = text.parse::<Uri>().map_err(|_| UrlError::Form)?.into_parts();
        match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP => {}
            Some(scheme) if scheme == Scheme::HTTPS => return Err(UrlError::Tls),
            _ => return Err(UrlError::Form),
        }
        let authority = parts.authority.filter(|authority| !authority.as_str().contains('@')).ok_or(UrlError::Form)?;
        // A port that is no number is there but not read.
        let is_whole = !authority.host().is_empty() && (authority.as_str() == authority.host() || authority.port_u16().is_some());
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if !is_whole || path.query().is_some() {
            return Err(UrlError::Form);
        }
        Ok(NodeUrl { authority, prefix: path.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

/// Why there is no answer. Unless an order was sent, nothing was changed anywhere.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no node answers at {node}: is it running? say where with --node URL (`listen` in its verwalter.yaml)")]
    Unreachable {
        /// Where.
        node: NodeUrl,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It took too long.
    #[error("the node at {node} did not answer within {} s: its log says what it does", .after.as_secs())]
    TimedOut {
        /// Where.
        node: NodeUrl,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection ended, or what came is no HTTP.
    #[error("the node at {node} broke off: is it a verwalter that listens there, and does it still run?")]
    Broken {
        /// Where.
        node: NodeUrl,
        /// What happened.
        #[source]
        source: Broken,
    },
    /// The answer is larger than any of a node's.
    #[error("the answer of {node} is larger than {} MiB", ANSWER_BYTES >> 20)]
    TooLarge {
        /// Where.
        node: NodeUrl,
    },
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, within its cap.
    pub body: Vec<u8>,
}

/// The error form of the API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Refusal {
    /// Stable, for programs.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl Answer {
    /// Whether it is what was asked for.
    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }

    /// Why the node refused, when it said so in its own form.
    pub fn refusal(&self) -> Option<Refusal> {
        #[derive(Deserialize)]
        struct Wrapped {
            error: Refusal,
        }
        serde_json::from_slice(&self.body).ok().map(|wrapped: Wrapped| wrapped.error)
    }
}

/// Asks for `path`, which begins with a slash and is no text of a stranger.
pub async fn get(node: &NodeUrl, path: &str) -> Result<Answer, ClientError> {
    within(ANSWER_WAIT, node, Method::GET, path, None).await
}

/// Sends JSON to `path`, which begins with a slash and is no text of a stranger.
pub async fn post(node: &NodeUrl, path: &str, json: String) -> Result<Answer, ClientError> {
    within(ANSWER_WAIT, node, Method::POST, path, Some(json)).await
}

/// The same for an order that takes its time.
pub async fn post_within(wait: Duration, node: &NodeUrl, path: &str, json: String) -> Result<Answer, ClientError> {
    within(wait, node, Method::POST, path, Some(json)).await
}

async fn within(wait: Duration, node: &NodeUrl, method: Method, path: &str, json: Option<String>) -> Result<Answer, ClientError> {
    // What a URL without a port means.
    const HTTP_PORT: u16 = 80;
    let host = node.authority.host().trim_start_matches('[').trim_end_matches(']');
    let connected = exchange::connect((host, node.authority.port_u16().unwrap_or(HTTP_PORT)), CONNECT_WAIT).await;
    let stream = connected.map_err(|source| ClientError::Unreachable { node: node.clone(), source })?;
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", node.prefix))
        .header(header::HOST, node.authority.as_str())
        .header(header::ACCEPT, "application/json");
    if json.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(json.unwrap_or_default()).expect("prefix and path were read as parts of a URL");
    match tokio::time::timeout(wait, exchange::exchange(stream, request, ANSWER_BYTES, |_| true)).await {
        Ok(Ok(answer)) => Ok(Answer { status: answer.status.as_u16(), body: answer.body }),
        Ok(Err(ExchangeError::Broken(source))) => Err(ClientError::Broken { node: node.clone(), source }),
        Ok(Err(ExchangeError::TooLong(_))) => Err(ClientError::TooLarge { node: node.clone() }),
        Err(_) => Err(ClientError::TimedOut { node: node.clone(), after: wait }),
    }
}

#[cfg(test)]
mod tests;
