//! One question to an agent over HTTP/1.1: a connection of its own, a cap on the answer, a deadline for all of it.
//!
//! It never follows a redirection, never asks twice, and knows no path by itself.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// How long connecting may take. A machine that is up answers within milliseconds; cantal's own users wait as long.
pub const CONNECT_WAIT: Duration = Duration::from_secs(1);
/// Most bytes of an answer's head. Arbitrary, far above the 100 that cantal sends.
const HEAD_BYTES: usize = 16 << 10;
/// What the client calls itself in an agent's log.
const USER_AGENT: &str = concat!("verwalter/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. The agent (or whatever listens there) is at fault; what it said before stays.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody listens there, or no route leads there.
    #[error("no connection")]
    Connect {
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It did not take the connection in time.
    #[error("no connection within {} ms", .0.as_millis())]
    ConnectTimedOut(Duration),
    /// The whole answer did not come in time.
    #[error("no whole answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It closed the connection without an answer.
    #[error("it closed the connection without an answer")]
    Closed,
    /// What came is no HTTP, or broke off.
    #[error("its answer broke off or is no HTTP")]
    Broken {
        /// What happened.
        #[source]
        source: hyper::Error,
    },
    /// The answer is no success.
    #[error("it answered with status {0}")]
    Status(StatusCode),
    /// The answer is longer than its cap, in bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Begins with a slash.
    pub(super) path: &'static str,
    /// JSON to post; `None`: the question is a GET.
    pub(super) json: Option<&'a str>,
    /// What is accepted as an answer, in words of HTTP.
    pub(super) accept: &'static str,
    /// Most bytes of the answer's body.
    pub(super) cap: usize,
}

/// Asks `agent` and returns the body of its answer.
pub(super) async fn ask(agent: SocketAddr, question: &Question<'_>, deadline: Duration) -> Result<Vec<u8>, HttpError> {
    let begun = Instant::now();
    let until = begun + deadline;
    let connected = timeout_at(until.min(begun + CONNECT_WAIT), TcpStream::connect(agent)).await;
    let stream = connected.map_err(|_| HttpError::ConnectTimedOut(deadline.min(CONNECT_WAIT)))?;
    let stream = stream.map_err(|source| HttpError::Connect { source })?;
    timeout_at(until, exchange(agent, stream, question)).await.map_err(|_| HttpError::TimedOut(deadline))?
}

async fn exchange(agent: SocketAddr, stream: TcpStream, question: &Question<'_>) -> Result<Vec<u8>, HttpError> {
    let mut builder = hyper::client::conn::http1::Builder::new();
    let handshake = builder.max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    let method = if question.json.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(method)
        .uri(question.path)
        .header(HOST, agent.to_string())
        .header(hyper::header::USER_AGENT, USER_AGENT)
        .header(ACCEPT, question.accept)
        .header(CONNECTION, "close");
    if question.json.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(question.json.unwrap_or_default().to_owned()).expect("the path and all headers are constants or addresses");
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        if head.status != StatusCode::OK {
            return Err(HttpError::Status(head.status));
        }
        read(body, question.cap).await
    };
    let mut answer = std::pin::pin!(answer);
    // The connection moves the bytes; when it ends first, everything that is to come has come. An agent that leaves the socket open is not
    // waited for: the answer ends where its head says.
    tokio::select! {
        biased;
        answer = answer.as_mut() => answer,
        _ = connection => answer.await,
    }
}

async fn read(mut body: Incoming, cap: usize) -> Result<Vec<u8>, HttpError> {
    // What it says of itself is believed only to refuse early.
    if body.size_hint().lower() > cap as u64 {
        return Err(HttpError::TooLong(cap));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // Else the frame holds trailers, which say nothing here.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + data.len() > cap {
            return Err(HttpError::TooLong(cap));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn broken(source: hyper::Error) -> HttpError {
    // Both mean that the socket ended where an answer was to begin.
    if source.is_incomplete_message() || source.is_canceled() { HttpError::Closed } else { HttpError::Broken { source } }
}
