//! The agent's TCP connections: one request and one answer each, as length and bytes, with caps and deadlines. Reads no content.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::agent::machine::Pending;
use crate::agent::settings::PeerStore;
use crate::agent::{MAX_ANSWER, MAX_REQUEST};

/// How long a name may take to be resolved, and a connection to stand: several round trips and one lost packet.
pub(in crate::agent) const CONNECT: Duration = Duration::from_secs(3);
/// How long one direction of an exchange may take: the largest answer at 4 Mbit/s.
pub(in crate::agent) const TRANSFER: Duration = Duration::from_secs(10);
/// Most connections of others at a time; those beyond wait in the system's queue.
const MAX_INBOUND: usize = 32;
/// Most of them of one address, so that one slow host does not take all.
const MAX_INBOUND_OF_ONE: usize = 8;
/// Most own tries at a time; a try beyond is left out, the next one comes soon.
const MAX_OUTBOUND: usize = 32;
/// Most addresses of one seed that are tried.
const MAX_ADDRS: usize = 8;
/// How long nothing is accepted after accepting failed.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of a connection.
pub(super) enum Event {
    /// A seed has these addresses.
    Resolved { seed: String, addrs: Vec<SocketAddr> },
    /// An own connection stands.
    Connected { stream: TcpStream, to: SocketAddr, local: SocketAddr },
    /// The answer to an own request came.
    Answered { from: SocketAddr, pending: Pending, answer: Vec<u8> },
    /// Somebody's request came.
    Asked { stream: TcpStream, from: SocketAddr, local: SocketAddr, request: Vec<u8> },
    /// It did not work out.
    Failed { reason: String },
    /// Nothing more to do.
    Done,
}

/// What a task was for.
enum Ended {
    Inbound(IpAddr, Event),
    Outbound(Event),
    Saved(io::Result<()>),
}

/// All that is under way.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<Ended>,
    inbound: BTreeMap<IpAddr, usize>,
    inbound_count: usize,
    outbound: usize,
    saving: bool,
    paused_until: Option<Instant>,
}

impl Connections {
    /// Whether one more may be accepted.
    pub(super) fn has_room(&self) -> bool {
        self.inbound_count < MAX_INBOUND && self.paused_until.is_none_or(|until| until <= Instant::now())
    }

    pub(super) fn pause_accepting(&mut self, error: &io::Error) {
        tracing::warn!(%error, "the agent cannot accept connections for the moment: see the limit of open files");
        self.paused_until = Some(Instant::now() + PAUSE);
    }

    /// Waits for something to happen; for ever where nothing is under way.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(ended)) => return self.ended(ended),
                Some(Err(error)) => tracing::error!(%error, "a connection broke off: a defect, please report it"),
                None => std::future::pending().await,
            }
        }
    }

    /// As [`next`](Connections::next), for the end: whether anything was under way.
    pub(super) async fn step(&mut self) -> bool {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => {
                self.ended(ended);
                true
            }
            Some(Err(_)) => true,
            None => false,
        }
    }

    fn ended(&mut self, ended: Ended) -> Event {
        match ended {
            Ended::Inbound(from, event) => {
                self.inbound_count -= 1;
                if let Some(count) = self.inbound.get_mut(&from) {
                    *count -= 1;
                    if *count == 0 {
                        self.inbound.remove(&from);
                    }
                }
                event
            }
            Ended::Outbound(event) => {
                self.outbound -= 1;
                event
            }
            Ended::Saved(outcome) => {
                self.saving = false;
                if let Err(error) = outcome {
                    tracing::warn!(%error, "the list of peers cannot be saved: see the storage directory");
                }
                Event::Done
            }
        }
    }

    fn inbound(&mut self, from: IpAddr, task: impl Future<Output = Event> + Send + 'static) {
        self.inbound_count += 1;
        *self.inbound.entry(from).or_default() += 1;
        self.tasks.spawn(async move { Ended::Inbound(from, task.await) });
    }

    fn outbound(&mut self, task: impl Future<Output = Event> + Send + 'static) {
        if self.outbound < MAX_OUTBOUND {
            self.outbound += 1;
            self.tasks.spawn(async move { Ended::Outbound(task.await) });
        }
    }

    pub(super) fn resolve(&mut self, seed: String) {
        self.outbound(async move {
            let addrs = async { Ok(lookup_host(&seed).await?.take(MAX_ADDRS).collect()) };
            match within(CONNECT, addrs).await {
                Ok(addrs) => Event::Resolved { seed, addrs },
                Err(error) => Event::Failed {
                    reason: format!("the seed {seed} cannot be resolved ({error}): see whether the name is right and DNS answers"),
                },
            }
        });
    }

    pub(super) fn connect(&mut self, to: SocketAddr) {
        self.outbound(async move {
            let connect = async {
                let stream = TcpStream::connect(to).await?;
                let local = stream.local_addr()?;
                Ok((stream, local))
            };
            match within(CONNECT, connect).await {
                Ok((stream, local)) => Event::Connected { stream, to, local },
                Err(error) => {
                    let reason = format!("{to} cannot be reached ({error}): see whether its agent runs and the port is open, TCP and UDP");
                    Event::Failed { reason }
                }
            }
        });
    }

    /// Sends an own request and waits for its answer.
    pub(super) fn ask(&mut self, mut stream: TcpStream, to: SocketAddr, request: Vec<u8>, pending: Pending) {
        self.outbound(async move {
            let exchange = async {
                write(&mut stream, &request).await?;
                read(&mut stream, MAX_ANSWER).await
            };
            match within(2 * TRANSFER, exchange).await {
                Ok(answer) => Event::Answered { from: to, pending, answer },
                Err(error) => {
                    let reason = format!("{to} gave no answer ({error}): its log says why, if it refused this node");
                    Event::Failed { reason }
                }
            }
        });
    }

    /// Waits for the request of somebody who connected.
    pub(super) fn accepted(&mut self, mut stream: TcpStream, from: SocketAddr) {
        if self.inbound.get(&from.ip()).is_some_and(|count| *count >= MAX_INBOUND_OF_ONE) {
            tracing::debug!(%from, "one connection too many of this address was closed");
            return;
        }
        self.inbound(from.ip(), async move {
            let request = async {
                let local = stream.local_addr()?;
                Ok((local, read(&mut stream, MAX_REQUEST).await?))
            };
            match within(TRANSFER, request).await {
                Ok((local, request)) => Event::Asked { stream, from, local, request },
                Err(error) => {
                    tracing::debug!(%from, %error, "a connection brought no request");
                    Event::Done
                }
            }
        });
    }

    /// Sends the answer to somebody's request.
    pub(super) fn answer(&mut self, mut stream: TcpStream, from: SocketAddr, answer: Vec<u8>) {
        self.inbound(from.ip(), async move {
            let send = async {
                write(&mut stream, &answer).await?;
                stream.shutdown().await
            };
            if let Err(error) = within(TRANSFER, send).await {
                tracing::debug!(%from, %error, "an answer was not taken");
            }
            Event::Done
        });
    }

    /// Saves the list of peers, unless that is under way.
    pub(super) fn save(&mut self, store: Arc<dyn PeerStore>, bytes: Vec<u8>) {
        self.saving = true;
        self.tasks.spawn(async move {
            let saved = tokio::task::spawn_blocking(move || store.save(&bytes)).await;
            Ended::Saved(saved.unwrap_or_else(|error| Err(io::Error::other(error))))
        });
    }

    pub(super) fn saving(&self) -> bool {
        self.saving
    }
}

pub(in crate::agent) async fn within<T>(limit: Duration, task: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", limit.as_secs()));
    timeout(limit, task).await.unwrap_or_else(|_| Err(late()))
}

pub(in crate::agent) async fn write(stream: &mut TcpStream, packet: &[u8]) -> io::Result<()> {
    let len = u32::try_from(packet.len()).map_err(io::Error::other)?;
    stream.write_all(&len.to_be_bytes()).await?;
    stream.write_all(packet).await
}

/// Memory grows with what arrives, not with what is announced.
pub(in crate::agent) async fn read(stream: &mut TcpStream, limit: usize) -> io::Result<Vec<u8>> {
    let len = stream.read_u32().await?;
    if u64::from(len) > limit as u64 {
        return Err(io::Error::other(format!("{len} bytes are announced, more than the {limit} of any agent")));
    }
    let mut packet = Vec::new();
    stream.take(len.into()).read_to_end(&mut packet).await?;
    if packet.len() < len as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(packet)
}
