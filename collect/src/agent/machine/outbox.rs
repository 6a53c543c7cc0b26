//! Where the gossip library's wishes go: datagrams are sealed at once, timers and notices are kept.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::{Notification, OwnedNotification, Runtime, Timer};
use rand::rngs::StdRng;

use crate::agent::identity::Identity;
use crate::agent::joining::Target;
use crate::agent::keys::KeyRing;
use crate::agent::refusal::Counts;
use crate::agent::seal::{ClusterName, Kind, seal};
use crate::agent::timers::Timers;

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this over UDP; at most [`MAX_DATAGRAM`](crate::agent::MAX_DATAGRAM) bytes.
    Send {
        /// To whom.
        to: SocketAddr,
        /// What.
        datagram: Vec<u8>,
    },
    /// Connect to it over TCP, and let [`request`](super::Machine::request) and [`answered`](super::Machine::answered) have their turn.
    Exchange(Target),
}

/// The wishes since somebody looked.
pub(super) struct Outbox {
    pub(super) cluster: ClusterName,
    pub(super) keys: Arc<KeyRing>,
    pub(super) rng: StdRng,
    pub(super) timers: Timers,
    /// The waking time of the event that is being handled.
    pub(super) awake: Duration,
    pub(super) queue: VecDeque<Output>,
    pub(super) notes: Vec<OwnedNotification<Identity>>,
    pub(super) counts: Counts,
}

impl Runtime<Identity> for &mut Outbox {
    fn notify(&mut self, notification: Notification<'_, Identity>) {
        self.notes.push(notification.to_owned());
    }

    fn send_to(&mut self, to: Identity, data: &[u8]) {
        let datagram = seal(Kind::Datagram, &self.cluster, &self.keys, b"", data, &mut self.rng);
        self.counts.sent += 1;
        self.queue.push_back(Output::Send { to: to.addr, datagram });
    }

    fn submit_after(&mut self, event: Timer<Identity>, after: Duration) {
        self.timers.enter(self.awake.saturating_add(after), event);
    }
}
