//! Exchanges: telling what is known, and taking in what another knows without burying its dead blindly.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use foca::{Member, State};
use verwalter_core::ids::NodeId;

use super::{Identity, Machine, Pending, Refusal};
use crate::agent::card::Card;
use crate::agent::exchange::{Known, MAX_ANSWER, MAX_REQUEST, Words};
use crate::agent::seal::{Kind, open, overhead, seal};

impl Machine {
    /// The request to send over a new connection, and what to give [`answered`](Machine::answered) with its answer.
    pub fn request(&mut self, now: Duration) -> (Vec<u8>, Pending) {
        self.begin(now);
        let body = self.words(now, None).write(MAX_REQUEST - overhead(&self.out.cluster));
        let request = self.pack(Kind::Request, b"", &body);
        let pending = Pending { bound: binding(&request) };
        (request, pending)
    }

    /// The answer to a request that came from `from`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn serve(&mut self, now: Duration, from: IpAddr, request: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.begin(now);
        let outcome = self.try_serve(now, from, request);
        self.settle();
        self.count(outcome)
    }

    fn try_serve(&mut self, now: Duration, from: IpAddr, request: &[u8]) -> Result<Vec<u8>, Refusal> {
        let body = open(Kind::Request, &self.out.cluster, &self.out.keys, b"", request)?;
        let theirs = Words::read(&body)?;
        let itself = match self.expect_other(&theirs, from) {
            // A node may be its own seed before it knows its address; it notices by the answer.
            Err(Refusal::Echo) => true,
            Err(refusal) => return Err(refusal),
            Ok(()) => false,
        };
        let ours = self.words(now, Some(&theirs));
        if !self.left && !itself {
            self.merge(now, theirs)?;
        }
        let body = ours.write(MAX_ANSWER - overhead(&self.out.cluster));
        Ok(self.pack(Kind::Answer, &binding(request), &body))
    }

    /// The answer to an own request came from `from`.
    ///
    /// # Errors
    /// Why it was dropped.
    pub fn answered(&mut self, now: Duration, from: SocketAddr, pending: &Pending, answer: &[u8]) -> Result<(), Refusal> {
        self.begin(now);
        let outcome = self.try_answered(now, from, pending, answer);
        self.settle();
        self.count(outcome)
    }

    fn try_answered(&mut self, now: Duration, from: SocketAddr, pending: &Pending, answer: &[u8]) -> Result<(), Refusal> {
        let body = open(Kind::Answer, &self.out.cluster, &self.out.keys, &pending.bound, answer)?;
        let theirs = Words::read(&body)?;
        self.expect_other(&theirs, from.ip())?;
        if self.left { Ok(()) } else { self.merge(now, theirs) }
    }

    fn pack(&mut self, kind: Kind, bound: &[u8], body: &[u8]) -> Vec<u8> {
        let out = &mut self.out;
        seal(kind, &out.cluster, &out.keys, bound, body, &mut out.rng)
    }

    fn expect_other(&mut self, theirs: &Words, from: IpAddr) -> Result<(), Refusal> {
        if theirs.me.id == self.identity().id { Err(self.note_own_id(Some(theirs.me), from)) } else { Ok(()) }
    }

    /// Everything that is known; with the cards that `asked_by` lacks.
    fn words(&self, now: Duration, asked_by: Option<&Words>) -> Words {
        let directory = self.shared.lock();
        let me = self.identity();
        let known = |member: &Member<Identity>| {
            let record = directory.records.get(&member.id().id);
            let age = record.and_then(|record| record.heard).map(|heard| now.saturating_sub(heard).as_secs());
            Known {
                member: member.clone(),
                age: age.map(|age| u16::try_from(age).unwrap_or(u16::MAX - 1)),
                card: record.and_then(|record| record.card.as_ref()).map(|card| card.edition()),
            }
        };
        let members = self.foca.iter_membership_state().filter(|member| member.id().id != me.id).map(known).collect();
        let cards = asked_by.map_or_else(Vec::new, |asker| {
            let theirs: HashMap<NodeId, (u64, u32)> = asker.editions().collect();
            let lacks = |card: &&Card| card.id != asker.me.id && theirs.get(&card.id).is_none_or(|edition| *edition < card.edition());
            directory.records.values().filter_map(|record| record.card.as_deref()).filter(lacks).cloned().collect()
        });
        Words { me, incarnation: directory.own_incarnation, card: self.card.clone(), members, cards }
    }

    fn merge(&mut self, now: Duration, theirs: Words) -> Result<(), Refusal> {
        let me = self.identity();
        // Whoever joins hears of the whole cluster, which knows itself; between two halves of one everything is news.
        let had_members = self.foca.num_members() > 0;
        self.take_card(theirs.card, true)?;
        for card in theirs.cards {
            self.take_card(card, had_members)?;
        }
        let mut updates = vec![Member::new(theirs.me, theirs.incarnation, State::Alive)];
        {
            let held: HashMap<NodeId, (u64, State)> =
                self.foca.iter_membership_state().map(|member| (member.id().id, (member.id().generation, member.state()))).collect();
            let mut directory = self.shared.lock();
            directory.meet(&theirs.me)?;
            directory.heard(theirs.me.id, now);
            for Known { member, age, .. } in theirs.members {
                let who = *member.id();
                if who.id == me.id {
                    directory.meet(&who)?;
                    if who == me {
                        updates.push(member);
                    }
                    continue;
                }
                let holds = held.get(&who.id);
                if member.state() == State::Down && holds.is_none() {
                    // Nobody needs to know of a dead stranger.
                    continue;
                }
                directory.meet(&who)?;
                if let Some(age) = age
                    && let Some(at) = now.checked_sub(Duration::from_secs(age.into()))
                    && member.state() != State::Down
                {
                    directory.heard(who.id, at);
                }
                let has_left = directory.records.get(&who.id).and_then(|record| record.card.as_ref());
                let has_left = has_left.is_some_and(|card| card.left && card.generation >= who.generation);
                let active_here = holds.is_some_and(|(_, state)| *state != State::Down);
                if member.state() == State::Down && active_here && !has_left {
                    // After a cut each side holds the other for dead. Suspicion gives those that live the time to say so.
                    updates.push(Member::new(who, member.incarnation(), State::Suspect));
                } else {
                    updates.push(member);
                }
            }
        }
        let (sender, others) = (updates[..1].to_vec(), updates.into_iter().skip(1));
        let applied = self.foca.apply_many(sender.into_iter(), true, &mut self.out);
        let applied = applied.and_then(|()| self.foca.apply_many(others, had_members, &mut self.out));
        self.changed = true;
        applied.map_err(|error| Refusal::Contradiction(error.to_string()))
    }

    fn take_card(&mut self, card: Card, pass_on: bool) -> Result<(), Refusal> {
        let mut data = Vec::new();
        card.write(&mut data);
        let news = self.shared.lock().keep(card)?;
        if news
            && pass_on
            && let Err(error) = self.foca.add_broadcast(&data)
        {
            tracing::debug!(%error, "a card could not be passed on");
        }
        Ok(())
    }
}

/// The end of a sealed packet is its tag, which no two share.
pub(in crate::agent) fn binding(request: &[u8]) -> Vec<u8> {
    request[request.len().saturating_sub(16)..].to_vec()
}
