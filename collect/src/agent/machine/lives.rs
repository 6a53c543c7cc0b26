//! The own node's lives: how it takes an address, comes back when it was buried, and leaves.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Machine, library};
use crate::agent::identity::Identity;
use crate::agent::refusal::Refusal;

/// A node that was buried comes back at once; when it happens again and again it waits up to this, since two nodes with one id
/// would otherwise bury each other without a pause.
const MAX_REJOIN_GAP: Duration = Duration::from_secs(10);
/// How long another node with the own id is told of.
const TELL_OWN_ID: Duration = Duration::from_secs(300);
/// How many times a few members are told that this node leaves: one packet may be lost.
const FAREWELLS: usize = 3;

impl Machine {
    /// Another machine with this node's id, when one was heard lately.
    pub fn double(&self, now: Duration) -> Option<IpAddr> {
        let told = self.shared.lock().double;
        let seen = self.own_id_seen.or(told).filter(|(_, at)| now.saturating_sub(*at) < TELL_OWN_ID);
        seen.map(|(addr, _)| addr)
    }

    /// This node's own address is `local`, as a connection to another node shows. It counts where none was set.
    pub fn learn_address(&mut self, now: Duration, local: IpAddr) {
        let me = self.identity();
        let local = local.to_canonical();
        let unset = me.addr.ip().is_unspecified() || (self.learns && me.addr.ip().is_loopback() && !local.is_loopback());
        if local.is_unspecified() || !unset || self.left {
            return;
        }
        self.begin(now);
        self.become_identity(Identity::new(me.id, me.generation + 1, SocketAddr::new(local, me.addr.port())));
        self.settle();
    }

    /// Leaves the cluster: a few members are told, who tell the others. Nothing happens after it.
    pub fn leave(&mut self, now: Duration) {
        if self.left {
            return;
        }
        self.begin(now);
        self.left = true;
        self.card.left = true;
        self.card.version += 1;
        self.spread_card();
        if let Err(error) = self.foca.leave_cluster(&mut self.out) {
            tracing::debug!(%error, "leaving could not be told");
        }
        for _ in 1..FAREWELLS {
            if let Err(error) = self.foca.gossip(&mut self.out) {
                tracing::debug!(%error, "leaving could not be told again");
            }
        }
        self.settle();
    }

    /// The last member is gone. More likely this node was cut off than all others died, but the library would spread the news of
    /// their deaths, which nobody was left to hear, once it meets them again: it begins anew, and only remembers who is down.
    pub(super) fn begin_anew(&mut self) {
        let me = self.identity();
        let down: Vec<_> = self.foca.iter_membership_state().filter(|member| member.id().id != me.id).cloned().collect();
        self.foca = library(me, &self.timing, &self.out.cluster, &self.shared, &mut self.rng);
        // The former library's timers would count as the new one's.
        self.out.timers.clear();
        if let Err(error) = self.foca.apply_many(down.into_iter(), false, &mut self.out) {
            tracing::debug!(%error, "those that are down were forgotten");
        }
        self.spread_card();
        self.joining.begin(self.out.awake);
    }

    /// Comes back after a burial, or outruns a former life whose clock was ahead.
    pub(super) fn rejoin(&mut self) {
        let awake = self.out.awake;
        self.rejoin_due = None;
        let quiet = self.last_rejoin.is_none_or(|last| awake.saturating_sub(last) > 6 * MAX_REJOIN_GAP);
        self.rejoin_gap = if quiet { Duration::from_secs(1) } else { (self.rejoin_gap * 2).min(MAX_REJOIN_GAP) };
        self.last_rejoin = Some(awake);
        let newest = self.shared.lock().newest_self;
        let me = self.identity();
        let next = Identity::new(me.id, newest.max(me.generation).saturating_add(1), me.addr);
        if next != me {
            self.out.counts.rejoins += 1;
            self.become_identity(next);
        }
    }

    pub(super) fn become_identity(&mut self, next: Identity) {
        self.shared.lock().me = Some(next);
        if let Err(error) = self.foca.change_identity(next, &mut self.out) {
            tracing::debug!(%error, "the new identity could not be told");
        }
        // It goes on probing under its new name even when nobody heard of it yet.
        if let Err(error) = self.foca.apply_many(std::iter::empty(), false, &mut self.out) {
            tracing::debug!(%error, "probing could not begin again");
        }
        self.card.generation = next.generation;
        self.spread_card();
    }

    pub(super) fn spread_card(&mut self) {
        let mut data = Vec::new();
        self.card.write(&mut data);
        if let Err(error) = self.foca.add_broadcast(&data) {
            tracing::debug!(%error, "the own card could not be spread");
        }
    }

    /// Tells an own packet that came back from one of another node with the own id.
    pub(super) fn note_own_id(&mut self, sender: Option<Identity>, from: IpAddr) -> Refusal {
        let me = self.identity();
        if sender.is_none_or(|sender| sender.addr == me.addr) {
            return Refusal::Echo;
        }
        let now = self.shared.lock().now;
        self.own_id_seen = Some((from, now));
        Refusal::OwnId
    }
}
