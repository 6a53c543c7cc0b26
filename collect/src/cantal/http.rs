//! One question to an agent over HTTP/1.1, with a cap on the answer and a deadline for all of it. It knows no path by itself.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::exchange::header::{ACCEPT, CONTENT_TYPE, HOST};
use crate::exchange::{self, Broken, ExchangeError, Method, Request, StatusCode};

/// How long connecting may take. A machine that is up answers within milliseconds; cantal's own users wait as long.
pub const CONNECT_WAIT: Duration = Duration::from_secs(1);
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
        source: Broken,
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
    let until = Instant::now() + deadline;
    let wait = deadline.min(CONNECT_WAIT);
    let stream = exchange::connect(agent, wait).await.map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut => HttpError::ConnectTimedOut(wait),
        _ => HttpError::Connect { source },
    })?;
    let answered =
        timeout_at(until, exchange::exchange(stream, request(agent, question), question.cap, |status| status == StatusCode::OK)).await;
    let answer = answered.map_err(|_| HttpError::TimedOut(deadline))??;
    if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(HttpError::Status(answer.status)) }
}

fn request(agent: SocketAddr, question: &Question<'_>) -> Request<String> {
    let method = if question.json.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(question.path).header(HOST, agent.to_string()).header(ACCEPT, question.accept);
    if question.json.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(question.json.unwrap_or_default().to_owned()).expect("the path and all headers are constants or addresses")
}

impl From<ExchangeError> for HttpError {
    fn from(error: ExchangeError) -> HttpError {
        match error {
            ExchangeError::Broken(source) if source.is_silent() => HttpError::Closed,
            ExchangeError::Broken(source) => HttpError::Broken { source },
            ExchangeError::TooLong(cap) => HttpError::TooLong(cap),
        }
    }
}
