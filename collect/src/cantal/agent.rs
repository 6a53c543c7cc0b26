//! A cantal agent as its HTTP interface shows it: three questions, of a closed list.
//!
//! It never asks for the `.gron` or `.cbor` of an endpoint that speaks JSON: cantal 0.6.10 panics there and is gone. There is no way to:
//! the paths are constants of a private list.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use verwalter_core::ids::UnixMillis;

use super::answer::{self, DataSets, Listed};
use super::cbor::CborError;
use super::http::{self, HttpError, Question};
use super::language::Program;
use super::peers;
use crate::source::Peers;

/// Most bytes of the list of peers: 20,000 peers of 500 bytes.
pub const PEERS_BYTES: usize = 10 << 20;
/// Most bytes of the answer to one query. Above one hour of 200 series of which each sample takes 14 bytes.
pub const QUERY_BYTES: usize = 6 << 20;
/// Most bytes of the list of all metrics: 43 each as recorded, so that a machine with 40,000 processes fits.
pub const METRICS_BYTES: usize = 16 << 20;
/// Most bytes of a query's text: cantal itself refuses bodies of more than 64 KiB.
pub const QUERY_TEXT_BYTES: usize = 60 << 10;

/// From how many bytes on an answer is read on a blocking thread: below, reading takes about a millisecond.
const LARGE_BYTES: usize = 256 << 10;
/// How many such are read at a time, of all agents: most of the threads are for guests and files.
static LARGE_SLOTS: Semaphore = Semaphore::const_new(2);

/// The endpoints that exist here. Each knows the one notation in which cantal serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Peers,
    Query,
    Metrics,
}

impl Endpoint {
    #[cfg(test)]
    const ALL: [Endpoint; 3] = [Endpoint::Peers, Endpoint::Query, Endpoint::Metrics];

    const fn path(self) -> &'static str {
        match self {
            Endpoint::Peers => "/all_peers.json",
            Endpoint::Query => "/query.cbor",
            Endpoint::Metrics => "/all_metrics.cbor",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Endpoint::Peers => "list of peers",
            Endpoint::Query => "figures",
            Endpoint::Metrics => "list of metrics",
        }
    }

    fn question(self, json: Option<&str>) -> Question<'_> {
        let (accept, cap) = match self {
            Endpoint::Peers => ("application/json", PEERS_BYTES),
            Endpoint::Query => ("application/cbor", QUERY_BYTES),
            Endpoint::Metrics => ("application/cbor", METRICS_BYTES),
        };
        Question { path: self.path(), json, accept, cap }
    }
}

/// Why an agent's word could not be had. Whatever it said before stays in force.
#[derive(Debug, thiserror::Error)]
#[error("the agent at {agent} gave no {what}: {next_step}")]
pub struct AgentError {
    /// Which agent.
    pub agent: SocketAddr,
    /// What it was asked for.
    pub what: &'static str,
    /// What came instead.
    #[source]
    pub cause: Cause,
    /// What the operator can do.
    next_step: &'static str,
}

impl AgentError {
    /// Everything in one text: what is missing, why, and what to do.
    pub fn explain(&self) -> String {
        let mut causes = self.cause.to_string();
        let mut deeper = std::error::Error::source(&self.cause);
        while let Some(cause) = deeper {
            causes.push_str(&format!(": {cause}"));
            deeper = cause.source();
        }
        let AgentError { agent, what, next_step, .. } = self;
        format!("the agent at {agent} gave no {what} ({causes}): {next_step}")
    }
}

/// What came instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No answer, or one that is no success.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is no JSON of the expected form.
    #[error("its answer is not the expected JSON: {0}")]
    Json(String),
    /// An answer that is no CBOR of the expected form.
    #[error("its answer is not the expected CBOR")]
    Cbor(#[from] CborError),
}

impl Cause {
    /// What the operator can do.
    fn next_step(&self, asked: Endpoint) -> &'static str {
        match self {
            Cause::Http(HttpError::Connect { .. } | HttpError::ConnectTimedOut(_)) => {
                "is cantal running there? start it with `--cluster-name NAME`, and with `--host ADDRESS --bind-localhost` so that peers reach it, too"
            }
            Cause::Http(HttpError::TimedOut(_)) => "it hangs or the machine is overloaded: look at its log and restart it",
            Cause::Http(HttpError::Closed) => {
                "it does so when it does not understand a question or has ended: look at its log, and at the patterns in the queries"
            }
            Cause::Http(HttpError::TooLong(_)) => match asked {
                Endpoint::Peers => "a cluster of so many machines is too large: split it, by `--cluster-name NAME`",
                Endpoint::Query => "narrow the queries to fewer series, or to a shorter window",
                Endpoint::Metrics => "so many series cannot be listed: end the processes that are too many there",
            },
            Cause::Http(HttpError::Broken { .. } | HttpError::Status(_)) | Cause::Json(_) | Cause::Cbor(_) => {
                "is it cantal 0.6 that listens there?"
            }
        }
    }
}

/// One agent, by its address. Each question opens a connection of its own and closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    addr: SocketAddr,
    deadline: Duration,
}

impl Agent {
    /// The agent that listens at `addr`. Each question is given up after `deadline`, connecting after
    /// [`CONNECT_WAIT`](super::CONNECT_WAIT).
    pub fn new(addr: SocketAddr, deadline: Duration) -> Agent {
        Agent { addr, deadline }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The peers it knows, itself excluded. `at` goes into the answer: when the question was sent. The peers' API is taken to listen on
    /// `api_port` of the address that cantal reaches them at.
    pub async fn peers(&self, at: UnixMillis, api_port: u16) -> Result<Peers, AgentError> {
        let bytes = self.ask(Endpoint::Peers, None).await?;
        peers::read(&bytes, at, api_port).map_err(|error| self.error(Endpoint::Peers, Cause::Json(error.to_string())))
    }

    /// What it says to the program's queries. The deadline is that of all of them.
    pub(super) async fn query(&self, program: &Arc<Program>) -> Result<Vec<DataSets>, AgentError> {
        let answers = async {
            let mut answers = Vec::new();
            for text in &program.texts {
                let bytes = self.ask(Endpoint::Query, Some(text)).await?;
                answers.push(read(bytes, program).await.map_err(|error| self.error(Endpoint::Query, error.into()))?);
            }
            Ok(answers)
        };
        let answered = tokio::time::timeout(self.deadline, answers).await;
        answered.unwrap_or_else(|_| Err(self.error(Endpoint::Query, HttpError::TimedOut(self.deadline).into())))
    }

    /// Every series it knows, with its newest value; ordered by labels.
    pub async fn metrics(&self) -> Result<Vec<Listed>, AgentError> {
        let bytes = self.ask(Endpoint::Metrics, None).await?;
        answer::listing(&bytes).map_err(|error| self.error(Endpoint::Metrics, error.into()))
    }

    async fn ask(&self, endpoint: Endpoint, json: Option<&str>) -> Result<Vec<u8>, AgentError> {
        http::ask(self.addr, &endpoint.question(json), self.deadline).await.map_err(|error| self.error(endpoint, error.into()))
    }

    fn error(&self, asked: Endpoint, cause: Cause) -> AgentError {
        AgentError { agent: self.addr, what: asked.what(), next_step: cause.next_step(asked), cause }
    }
}

/// Reads an answer to a query: a large one on a blocking thread, few at a time, so that those of many agents stall nobody.
async fn read(bytes: Vec<u8>, program: &Arc<Program>) -> Result<DataSets, CborError> {
    if bytes.len() < LARGE_BYTES {
        return answer::data_sets(&bytes, |name| program.asks(name));
    }
    let slot = LARGE_SLOTS.acquire().await.expect("nobody closes it");
    let program = program.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let _until_it_is_read = slot;
        answer::data_sets(&bytes, |name| program.asks(name))
    });
    reading.await.unwrap_or_else(|error| Err(CborError::new(format!("reading it broke off: {error}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cantal 0.6.10 ends itself when one of its JSON endpoints is asked for another notation.
    #[test]
    fn only_what_cantal_survives_can_be_asked() {
        let deadly = |path: &str| {
            let metric_endpoint = path.starts_with("/query.") || path.starts_with("/all_metrics.");
            path.ends_with(".gron") || (path.ends_with(".cbor") && !metric_endpoint)
        };
        assert!(deadly("/all_peers.cbor") && deadly("/status.gron") && deadly("/all_metrics.gron"));
        let paths = Endpoint::ALL.map(Endpoint::path);
        assert_eq!(paths, ["/all_peers.json", "/query.cbor", "/all_metrics.cbor"]);
        for path in paths {
            assert!(!deadly(path), "{path}");
        }
    }
}
