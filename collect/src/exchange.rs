//! One request over HTTP/1.1: a connection of its own, a cap on the answer. Whoever asks sets the deadlines and says what an answer means.
//!
//! It follows no redirection, keeps no connection and never asks twice.

use std::io;
use std::pin::pin;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
pub use hyper::header::{self, HeaderMap};
use hyper::header::{CONNECTION, HeaderValue, USER_AGENT};
use hyper::http;
pub use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, ToSocketAddrs};

pub use http::uri;

/// Most bytes of an answer's head, and of what is read at once. Arbitrary, far above what servers and the proxies before them send.
const HEAD_BYTES: usize = 64 << 10;
/// What this program calls itself in a server's log.
const NAME: &str = concat!("verwalter/", env!("CARGO_PKG_VERSION"));

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Of any kind: a redirection or an error is an answer, too.
    pub status: StatusCode,
    /// As the server wrote them.
    pub headers: HeaderMap,
    /// Whole, within its cap; empty where it was not wanted.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The connection ended, or what came is no HTTP.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The answer's body has more bytes than this.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// A connection that ended, or on which no HTTP came.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Broken(#[from] hyper::Error);

impl Broken {
    /// Whether the server closed the connection where an answer was to begin.
    pub fn is_silent(&self) -> bool {
        self.0.is_incomplete_message() || self.0.is_canceled()
    }
}

/// A connection to the first of `server`'s addresses that takes one, within `wait`; what takes longer is `TimedOut`.
pub async fn connect(server: impl ToSocketAddrs, wait: Duration) -> io::Result<TcpStream> {
    tokio::time::timeout(wait, TcpStream::connect(server)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Sends `request` and reads the whole answer, of at most `cap` bytes of body. The caller bounds the time, and says by the status whose body is
/// `wanted`: the others' need be neither short nor whole.
pub async fn exchange(
    stream: TcpStream,
    mut request: Request<String>,
    cap: usize,
    wanted: fn(StatusCode) -> bool,
) -> Result<Answer, ExchangeError> {
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(NAME));
    let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(Broken)?;
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(Broken)?.into_parts();
        let body = if wanted(head.status) { read(body, cap).await? } else { Vec::new() };
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    let mut answer = pin!(answer);
    // The connection moves the bytes; when it ends first, everything that is to come has come. A server that leaves the socket open is not
    // waited for: the answer ends where its head says.
    tokio::select! {
        biased;
        answer = answer.as_mut() => answer,
        _ = connection => answer.await,
    }
}

async fn read(mut body: Incoming, cap: usize) -> Result<Vec<u8>, ExchangeError> {
    // What it says of itself is believed only to refuse early.
    if body.size_hint().lower() > cap as u64 {
        return Err(ExchangeError::TooLong(cap));
    }
    // Copied one by one: whoever sends a byte at a time has a frame for each, and kept as they come they take a hundred times their bytes.
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        // Else it is trailers, which say nothing here.
        let Ok(data) = frame.map_err(Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > cap {
            return Err(ExchangeError::TooLong(cap));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
