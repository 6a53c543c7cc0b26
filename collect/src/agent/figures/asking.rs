//! The task that hears the other members' figures: sockets and the clock around the asker. Decides nothing about whom to ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use verwalter_core::ids::NodeId;
use verwalter_core::metrics::Source;

use super::MAX_REPLY;
use super::asker::{Asker, Errand};
use super::counts::{Cause, Tally};
use super::members::{Facts, Members, reachable};
use super::message::{Ask, Question, Reply, Told};
use super::sealer::Sealer;
use crate::agent::driver::connections::{CONNECT, TRANSFER, read, within, write};
use crate::agent::identity::Identity;
use crate::agent::seal::Kind;
use crate::clock::unix_now;
use crate::source::{MetricNews, MetricSource, Task, Wanted};

/// Most connections at a time.
const FAN_OUT: usize = 32;
/// How many wishes leave at once, and how long the next ones wait: thousands at once would be lost in this machine's own buffers.
const BURST: usize = 128;
const PACE: Duration = Duration::from_millis(10);

/// The figures of the other members, each evaluated on its own machine.
///
/// With an interval of 2 s and 50 queries without `by`, what one asker and one peer cost each other is a row of about 580 bytes, its IP
/// header included, every 2 s, and a wish of about 155 bytes every 10 s: 0.6 packets and 305 bytes a second. An asker with 10,000 peers
/// gets 5,000 rows, 3 MB, a second, and needs about 7 µs to open, check and place one; a peer pays for each of at most
/// [`MAX_ASKERS`](super::MAX_ASKERS) as if it were alone, but evaluates once for all that ask the same.
pub struct Figures {
    pub(super) interval: Duration,
    pub(super) sealer: Sealer,
    pub(super) udp: Arc<UdpSocket>,
    pub(super) mapped: bool,
    pub(super) told: mpsc::Receiver<Vec<u8>>,
    pub(super) members: watch::Receiver<Arc<Members>>,
    pub(super) facts: watch::Sender<Arc<Facts>>,
    pub(super) tally: Arc<Tally>,
}

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Figures").field("interval", &self.interval).finish_non_exhaustive()
    }
}

impl MetricSource for Figures {
    fn source(&self) -> Source {
        Source::Agent
    }

    fn run(self: Box<Self>, wanted: watch::Receiver<Wanted>, news: mpsc::Sender<MetricNews>, drain: CancellationToken) -> Task {
        let asker = Asker::new(self.interval);
        let mut running = Running { figures: *self, asker, now: Arc::default(), errands: JoinSet::new(), epoch: Instant::now() };
        Box::pin(async move {
            drain.run_until_cancelled(running.run(wanted, &news)).await;
            running.leave();
        })
    }
}

/// An errand that ended.
struct Returned {
    id: NodeId,
    bound: Vec<u8>,
    answer: Result<Vec<u8>, String>,
}

struct Running {
    figures: Figures,
    asker: Asker,
    /// The members as the asker knows them.
    now: Arc<Members>,
    errands: JoinSet<Returned>,
    epoch: Instant,
}

impl Running {
    /// Asks and hears until nobody listens any more.
    async fn run(&mut self, mut wanted: watch::Receiver<Wanted>, news: &mpsc::Sender<MetricNews>) {
        let mut ticks = tokio::time::interval_at(self.epoch + self.figures.interval, self.figures.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut wanted_live, mut members_live) = (true, true);
        let mut complaints = Vec::new();
        let mut paced = self.epoch;
        wanted.mark_changed();
        self.figures.members.mark_changed();
        loop {
            let due = self.asker.next_due().map(|due| (self.epoch + due).max(paced));
            let asking = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let told = tokio::select! {
                changed = wanted.changed(), if wanted_live => {
                    wanted_live = changed.is_ok();
                    self.follow(&wanted.borrow_and_update().clone());
                    let fresh = self.asker.complaints();
                    if fresh == complaints { Vec::new() } else {
                        complaints = fresh;
                        vec![MetricNews::Complaints(complaints.clone())]
                    }
                }
                changed = self.figures.members.changed(), if members_live => {
                    members_live = changed.is_ok();
                    self.now = self.figures.members.borrow_and_update().clone();
                    self.asker.follow(self.epoch.elapsed(), &self.now);
                    Vec::new()
                }
                Some(datagram) = self.figures.told.recv() => self.hear(&datagram),
                Some(returned) = self.errands.join_next() => {
                    match returned {
                        Ok(returned) => self.returned(&returned),
                        Err(error) => tracing::error!(%error, "an errand for figures broke off: a defect, please report it"),
                    }
                    Vec::new()
                }
                _ = ticks.tick() => {
                    let (mut news, lost) = self.asker.sweep(self.epoch.elapsed(), &self.now);
                    self.figures.tally.dropped(Cause::Partial, lost);
                    news.push(MetricNews::Swept);
                    news
                }
                () = asking => {
                    // Before the agent runs there is nobody to ask.
                    let pause = if self.ask() { PACE } else { self.figures.interval };
                    paced = Instant::now() + pause;
                    Vec::new()
                }
            };
            self.send_out();
            for one in told {
                if news.send(one).await.is_err() {
                    return;
                }
            }
        }
    }

    fn follow(&mut self, wanted: &Wanted) {
        let (ended, facts) = self.asker.want(self.epoch.elapsed(), wanted);
        // Members first: whoever is new here is asked by what is known of it.
        self.asker.follow(self.epoch.elapsed(), &self.now);
        self.stop(&ended);
        if facts {
            self.publish_facts();
        }
    }

    /// Asks those whose turn it is; whether that can be.
    fn ask(&mut self) -> bool {
        let Some(me) = self.now.me else { return false };
        for (who, ask) in self.asker.ask(self.epoch.elapsed(), &self.now, BURST) {
            self.send_ask(&me, &who, &ask);
        }
        true
    }

    fn send_ask(&mut self, me: &Identity, to: &Identity, ask: &Ask) {
        let packet = self.figures.sealer.seal(Kind::Ask, b"", &ask.write(me));
        // A full buffer is a lost packet like any other.
        if let Err(error) = self.figures.udp.try_send_to(&packet, reachable(self.figures.mapped, to.addr)) {
            tracing::trace!(to = %to.addr, %error, "a datagram was not sent");
        }
    }

    fn stop(&mut self, ended: &[Identity]) {
        let Some(me) = self.now.me else { return };
        for who in ended {
            let ask = self.asker.farewell();
            self.send_ask(&me, who, &ask);
        }
    }

    /// Nobody need tell any more.
    fn leave(&mut self) {
        let asked = self.asker.asked();
        self.stop(&asked);
    }

    fn hear(&mut self, datagram: &[u8]) -> Vec<MetricNews> {
        match self.try_hear(datagram) {
            Ok(news) => {
                if matches!(news.first(), Some(MetricNews::Report(_))) {
                    self.figures.tally.heard();
                }
                news
            }
            Err(cause) => {
                self.figures.tally.dropped(cause, 1);
                Vec::new()
            }
        }
    }

    fn try_hear(&mut self, datagram: &[u8]) -> Result<Vec<MetricNews>, Cause> {
        let body = self.figures.sealer.open(Kind::Told, b"", datagram)?;
        let (from, told) = Told::read(&body).map_err(|_| Cause::Malformed)?;
        if !self.now.has(&from) {
            return Err(Cause::Stranger);
        }
        self.asker.hear(self.epoch.elapsed(), unix_now(), &from, told)
    }

    /// Sends out as many errands as may be under way.
    fn send_out(&mut self) {
        let Some(me) = self.now.me else { return };
        while self.errands.len() < FAN_OUT
            && let Some((who, errand, question)) = self.asker.errand()
        {
            let body = match errand {
                Errand::Rules => Question::Rules { digest: question.digest, json: &question.json }.write(&me),
                Errand::Facts => Question::Facts.write(&me),
            };
            let request = self.figures.sealer.seal(Kind::Question, b"", &body);
            let to = reachable(self.figures.mapped, who.addr);
            self.errands.spawn(async move {
                let bound = Sealer::binding(&request);
                Returned { id: who.id, bound, answer: exchange(to, &request).await }
            });
        }
    }

    fn returned(&mut self, returned: &Returned) {
        let Returned { id, bound, answer } = returned;
        let now = self.epoch.elapsed();
        let unusable = |cause: Cause| format!("its answer over TCP cannot be used ({}): see the agent's log", cause.name());
        let opened = answer.as_ref().map_err(String::clone);
        let opened = opened.and_then(|answer| self.figures.sealer.open(Kind::Reply, bound, answer).map_err(unusable));
        let reply = match &opened {
            Ok(body) => match Reply::read(body) {
                Ok((from, reply)) if from.id == *id => Ok(reply),
                Ok(_) => Err("another node answers at its address: give one of the two another address".to_owned()),
                Err(_) => Err(unusable(Cause::Malformed)),
            },
            Err(reason) => Err(reason.clone()),
        };
        if self.asker.returned(now, *id, reply) {
            self.publish_facts();
        }
    }

    fn publish_facts(&self) {
        self.figures.facts.send_replace(Arc::new(self.asker.facts().clone()));
    }
}

/// One question and its answer.
async fn exchange(to: SocketAddr, request: &[u8]) -> Result<Vec<u8>, String> {
    let unreachable = |error| format!("{to} cannot be reached ({error}): see whether the port is open, TCP and UDP");
    let mut stream = within(CONNECT, TcpStream::connect(to)).await.map_err(unreachable)?;
    let transfer = async {
        write(&mut stream, request).await?;
        read(&mut stream, MAX_REPLY).await
    };
    within(TRANSFER, transfer).await.map_err(|error| format!("{to} gave no answer over TCP ({error}): its log says why"))
}
