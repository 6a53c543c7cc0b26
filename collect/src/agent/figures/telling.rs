//! The task that tells this node's figures to those who ask: rows after each reading, rules in and facts out over TCP. It keeps no samples.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use verwalter_core::digest::Digest;
use verwalter_core::metrics::MetricRule;

use super::counts::{Cause, Tally};
use super::members::{Members, Visit, reachable};
use super::message::{Ask, Head, PART_HEADER, Question, Reply, Told};
use super::sealer::Sealer;
use super::teller::{Asked, Due, Occasion, Teller};
use super::{MAX_FACTS_JSON, MAX_PARTS, MAX_RULES_JSON, row};
use crate::agent::MAX_DATAGRAM;
use crate::agent::driver::connections::{TRANSFER, within, write};
use crate::agent::identity::Identity;
use crate::agent::seal::Kind;
use crate::inquiry::Inquirer;
use crate::query::QuerySet;
use crate::source::About;

/// How long the collector may take for a row: it answers between two other things.
const ROW: Duration = Duration::from_secs(5);
/// Most sets that are compiled, and answers that are sent, at once.
const MAX_ERRANDS: usize = 32;

/// The telling side, ready to run.
pub(crate) struct Telling {
    pub(super) inquirer: Inquirer,
    pub(super) sealer: Sealer,
    pub(super) udp: Arc<UdpSocket>,
    pub(super) mapped: bool,
    pub(super) asks: mpsc::Receiver<Vec<u8>>,
    pub(super) visits: mpsc::Receiver<Visit>,
    pub(super) members: watch::Receiver<Arc<Members>>,
    pub(super) tally: Arc<Tally>,
}

/// What this machine says of itself, as it goes out.
#[derive(Default)]
struct OwnFacts {
    about: Option<About>,
    json: Arc<str>,
    version: u64,
}

/// What a task of the running side ended with.
enum Ended {
    Answered,
    Compiled { digest: Digest, set: Option<Arc<QuerySet>>, stream: TcpStream, bound: Vec<u8> },
}

struct Running {
    telling: Telling,
    teller: Teller,
    facts: OwnFacts,
    tasks: JoinSet<Ended>,
    epoch: Instant,
}

impl Telling {
    /// Tells until `drain` is cancelled.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let running =
            Running { telling: self, teller: Teller::default(), facts: OwnFacts::default(), tasks: JoinSet::new(), epoch: Instant::now() };
        drain.run_until_cancelled(running.run()).await;
    }
}

impl Running {
    async fn run(mut self) {
        let mut readings = self.telling.inquirer.readings();
        let mut readings_live = true;
        loop {
            tokio::select! {
                Some(datagram) = self.telling.asks.recv() => match self.ask(&datagram).await {
                    Ok(true) => self.tell(Occasion::Wish).await,
                    Ok(false) => {}
                    Err(cause) => self.telling.tally.dropped(cause, 1),
                },
                changed = readings.changed(), if readings_live => match changed {
                    Ok(()) => self.tell(Occasion::Reading).await,
                    Err(_) => readings_live = false,
                },
                Some(visit) = self.telling.visits.recv(), if self.tasks.len() < MAX_ERRANDS => {
                    if let Err(cause) = self.visit(visit) {
                        self.telling.tally.dropped(cause, 1);
                    }
                }
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(Ended::Answered) => {}
                    Ok(Ended::Compiled { digest, set, stream, bound }) => {
                        self.adopt(digest, set, stream, &bound);
                        self.tell(Occasion::Wish).await;
                    }
                    Err(error) => tracing::error!(%error, "an answer about figures broke off: a defect, please report it"),
                },
                else => return,
            }
        }
    }

    /// Takes in a wish; whether somebody is to be told at once.
    async fn ask(&mut self, datagram: &[u8]) -> Result<bool, Cause> {
        let body = self.telling.sealer.open(Kind::Ask, b"", datagram)?;
        let (who, ask) = Ask::read(&body).map_err(|_| Cause::Malformed)?;
        let me = self.member(&who)?;
        let told = match self.teller.ask(self.epoch.elapsed(), who, &ask)? {
            Asked::Known => return Ok(true),
            Asked::Ended => return Ok(false),
            Asked::Unknown => Told::Unknown(ask.digest),
            Asked::Full => Told::Full(ask.digest),
        };
        let packet = self.telling.sealer.seal(Kind::Told, b"", &told.write(&me));
        self.send(&packet, who.addr).await;
        Ok(false)
    }

    /// The own identity, when `who` is a member.
    fn member(&self, who: &Identity) -> Result<Identity, Cause> {
        let members = self.telling.members.borrow();
        members.me.filter(|_| members.has(who)).ok_or(Cause::Stranger)
    }

    async fn send(&self, packet: &[u8], to: SocketAddr) {
        let to = reachable(self.telling.mapped, to);
        if let Err(error) = self.telling.udp.send_to(packet, to).await {
            tracing::trace!(%to, %error, "a datagram was not sent");
        }
    }

    /// Tells everybody whose turn it is.
    async fn tell(&mut self, occasion: Occasion) {
        if !self.teller.is_asked() {
            return;
        }
        let Some(me) = self.telling.members.borrow().me else { return };
        for Due { queries, to, seq } in self.teller.due(self.epoch.elapsed(), occasion) {
            let digest = queries.digest();
            let Ok(Some(own)) = timeout(ROW, self.telling.inquirer.row(queries)).await else { continue };
            self.facts.follow(&own.about);
            let room = MAX_DATAGRAM.saturating_sub(self.telling.sealer.overhead() + PART_HEADER);
            let Some(bytes) = row::write(&own.row, room * MAX_PARTS) else {
                tracing::warn!(values = own.row.values.len(), "a row of figures has no room in {MAX_PARTS} datagrams");
                continue;
            };
            let parts = u8::try_from(bytes.len().div_ceil(room).max(1)).unwrap_or(u8::MAX);
            let age_ms = u32::try_from(own.age.as_millis()).unwrap_or(u32::MAX);
            let head = Head { digest, seq, age_ms, facts: self.facts.version, parts };
            for (part, bytes) in (0..parts).zip(bytes.chunks(room)) {
                let packet = self.telling.sealer.seal(Kind::Told, b"", &Told::Part { head, part, bytes }.write(&me));
                for who in &to {
                    self.send(&packet, who.addr).await;
                }
            }
            to.iter().for_each(|_| self.telling.tally.told());
        }
    }

    /// Somebody connected with a question.
    fn visit(&mut self, visit: Visit) -> Result<(), Cause> {
        let Visit { stream, request } = visit;
        let body = self.telling.sealer.open(Kind::Question, b"", &request)?;
        let (who, question) = Question::read(&body).map_err(|_| Cause::Malformed)?;
        let me = self.member(&who)?;
        let bound = Sealer::binding(&request);
        match question {
            Question::Rules { digest, .. } if !self.teller.awaits(self.epoch.elapsed(), digest) => {
                self.answer(stream, &me, &bound, Reply::Refused("these rules are not wanted, or there is no room for them: ask first"));
            }
            Question::Rules { json, .. } if json.len() > MAX_RULES_JSON => {
                self.answer(stream, &me, &bound, Reply::Refused("the rules are too long"));
            }
            Question::Rules { digest, .. } if self.teller.knows(digest) => self.answer(stream, &me, &bound, Reply::Adopted),
            Question::Rules { digest, json } => {
                let json = json.to_vec();
                self.tasks.spawn(async move {
                    let set = tokio::task::spawn_blocking(move || compile(&json)).await.unwrap_or_default().map(Arc::new);
                    Ended::Compiled { digest, set, stream, bound }
                });
            }
            Question::Facts => {
                let (version, json) = (self.facts.version, self.facts.json.clone());
                let reply = match version {
                    0 => Reply::Refused("nothing is known about this machine yet, or too much to tell: see its own log"),
                    _ => Reply::Facts { version, json: json.as_bytes() },
                };
                self.answer(stream, &me, &bound, reply);
            }
        }
        Ok(())
    }

    fn adopt(&mut self, digest: Digest, set: Option<Arc<QuerySet>>, stream: TcpStream, bound: &[u8]) {
        let Some(me) = self.telling.members.borrow().me else { return };
        let reply = match set {
            None => Reply::Refused("the rules cannot be read: run the same version of verwalter on both"),
            // Another version may write rules of other fields, which this one would leave out unseen.
            Some(set) if set.digest() != digest => {
                Reply::Refused("the rules are not what their digest names: run the same version on both")
            }
            Some(set) if !self.teller.awaits(self.epoch.elapsed(), digest) || !self.teller.adopt(set.clone()) => {
                Reply::Refused("there is no room for these rules any more")
            }
            Some(_) => Reply::Adopted,
        };
        self.answer(stream, &me, bound, reply);
    }

    fn answer(&mut self, mut stream: TcpStream, me: &Identity, bound: &[u8], reply: Reply<'_>) {
        let packet = self.telling.sealer.seal(Kind::Reply, bound, &reply.write(me));
        self.tasks.spawn(async move {
            if let Err(error) = within(TRANSFER, write(&mut stream, &packet)).await {
                tracing::debug!(%error, "an answer about figures was not taken");
            }
            Ended::Answered
        });
    }
}

fn compile(json: &[u8]) -> Option<QuerySet> {
    let rules: BTreeSet<MetricRule> = serde_json::from_slice(json).ok()?;
    Some(QuerySet::compile(0, &rules))
}

impl OwnFacts {
    fn follow(&mut self, about: &About) {
        if self.about.as_ref() == Some(about) {
            return;
        }
        self.about = Some(about.clone());
        let json = serde_json::to_string(about).expect("facts have text keys and finite numbers");
        if json.len() > MAX_FACTS_JSON {
            tracing::warn!(
                bytes = json.len(),
                limit = MAX_FACTS_JSON,
                "the facts about this machine are too long for others: shorten machine/*.yaml"
            );
            (self.version, self.json) = (0, "".into());
            return;
        }
        let [a, b, c, d, e, f, g, h, ..] = Digest::of(json.as_bytes()).to_bytes();
        // 0 says that there are none.
        self.version = u64::from_be_bytes([a, b, c, d, e, f, g, h]).max(1);
        self.json = json.into();
    }
}
