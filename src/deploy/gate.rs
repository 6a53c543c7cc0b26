//! When a role whose inputs changed is deployed: once they have settled, at a random phase, and not too soon after the time before; or on
//! an operator's order only. It reads no clock, draws no random numbers and deploys nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::report::Reason;
use crate::config::pace::Pace;
use crate::config::settings::deploying::DeployMode;

/// What is wanted of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// That it is made of these inputs.
    Inputs(Digest),
    /// That it goes.
    Gone,
}

/// What was known of a role when it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing of it is in place.
    Absent,
    /// It was deployed last at this time, of inputs that nobody remembers.
    Since(Instant),
    /// The same, longer ago than any interval.
    LongSince,
}

/// A question about one role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// Which.
    pub(super) role: &'a RoleName,
    /// What is wanted of it.
    pub(super) wanted: Wanted,
    /// How soon and how often.
    pub(super) pace: Pace,
    /// On whose word.
    pub(super) mode: DeployMode,
    /// Whether that is what this process made of it, as far as it knows.
    pub(super) same: bool,
    /// When it is asked.
    pub(super) now: Instant,
    /// For the phase of a burst of changes that begins now.
    pub(super) random: u32,
}

/// Whether a role is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes, or there is nothing to do.
    Now,
    /// Not yet.
    Wait(Hold),
}

/// Why a role waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    /// What holds it now.
    pub(super) reason: Reason,
    /// When it is deployed unless something changes; `None`: when it is ordered.
    pub(super) until: Option<Instant>,
    /// When to ask again; not after `until`.
    pub(super) ask_at: Option<Instant>,
}

/// What is known of each role's changes.
#[derive(Debug, Default)]
pub(super) struct Gate {
    roles: BTreeMap<RoleName, Role>,
}

#[derive(Debug)]
struct Role {
    deployed: Standing,
    /// What it was made of last, by this process.
    in_force: Option<Wanted>,
    /// What it may be made without further questions: a try that failed comes again by its own back-off.
    granted: Option<Wanted>,
    burst: Option<Burst>,
    /// Whether it was asked about before: what is wanted by the first question is no change that anybody saw.
    asked: bool,
}

/// Changes that are not deployed yet.
#[derive(Debug, Clone, Copy)]
struct Burst {
    wanted: Wanted,
    first: Instant,
    /// When it changed last; `None`: nobody saw a change.
    last: Option<Instant>,
    random: u32,
}

impl Gate {
    /// Whether the role was met.
    pub(super) fn knows(&self, role: &RoleName) -> bool {
        self.roles.contains_key(role)
    }

    /// Begins to look after a role, unless it does so already. Call it before [`Gate::ask`].
    pub(super) fn meet(&mut self, role: &RoleName, standing: Standing) {
        if !self.knows(role) {
            let fresh = Role { deployed: standing, in_force: None, granted: None, burst: None, asked: false };
            self.roles.insert(role.clone(), fresh);
        }
    }

    /// Whether the role is deployed now. One that was not met counts as absent.
    pub(super) fn ask(&mut self, question: &Question<'_>) -> Answer {
        self.meet(question.role, Standing::Absent);
        let role = self.roles.get_mut(question.role).expect("it was met above");
        let asked = std::mem::replace(&mut role.asked, true);
        let wanted = Some(question.wanted);
        if role.granted != wanted {
            role.granted = None;
        }
        // On an order only, not even what it was before is put right by itself: somebody may have adopted files, or changed some.
        let stands = role.in_force == wanted && (question.same || question.mode != DeployMode::Manual);
        if stands || role.granted == wanted {
            role.burst = None;
            return Answer::Now;
        }
        if question.mode == DeployMode::Manual {
            role.burst = None;
            return Answer::Wait(Hold { reason: Reason::Manual, until: None, ask_at: None });
        }
        // Neither has a role anything to lose that is not there, nor is one kept that was placed elsewhere.
        if role.is_absent() || question.wanted == Wanted::Gone {
            return role.grant(question.wanted);
        }
        let Question { now, random, .. } = *question;
        let fresh = Burst { wanted: question.wanted, first: now, last: asked.then_some(now), random };
        let burst = role.burst.get_or_insert(fresh);
        if burst.wanted != question.wanted {
            (burst.wanted, burst.last) = (question.wanted, Some(now));
        }
        match hold(burst, role.deployed, question.pace, now) {
            Some(hold) => Answer::Wait(hold),
            None => role.grant(question.wanted),
        }
    }

    /// An operator ordered that it becomes this.
    pub(super) fn order(&mut self, role: &RoleName, wanted: Wanted) {
        self.meet(role, Standing::Absent);
        if let Some(role) = self.roles.get_mut(role) {
            role.grant(wanted);
        }
    }

    /// The role was made of these inputs. `acted`: something was done for it.
    pub(super) fn deployed(&mut self, role: &RoleName, inputs: Digest, acted: bool, now: Instant) {
        self.meet(role, Standing::Absent);
        let Some(role) = self.roles.get_mut(role) else { return };
        (role.in_force, role.granted, role.burst) = (Some(Wanted::Inputs(inputs)), None, None);
        if acted {
            role.deployed = Standing::Since(now);
        }
    }

    /// The node does not take what is wanted of the role: what comes then is another burst.
    pub(super) fn refused(&mut self, role: &RoleName) {
        if let Some(role) = self.roles.get_mut(role) {
            role.burst = None;
        }
    }

    /// Forgets the roles that are not among these.
    pub(super) fn keep(&mut self, keep: impl Fn(&RoleName) -> bool) {
        self.roles.retain(|role, _| keep(role));
    }
}

impl Role {
    /// Whether nothing of it is in place, as far as is known.
    fn is_absent(&self) -> bool {
        self.deployed == Standing::Absent && self.in_force.is_none()
    }

    fn grant(&mut self, wanted: Wanted) -> Answer {
        (self.granted, self.burst) = (Some(wanted), None);
        Answer::Now
    }
}

/// What holds a burst; `None`: nothing any more.
fn hold(burst: &Burst, deployed: Standing, pace: Pace, now: Instant) -> Option<Hold> {
    let quiet = match burst.last {
        Some(last) => (last + pace.wait.min()).min(burst.first + pace.wait.max()),
        None => burst.first,
    };
    let phased = quiet + phase(pace.splay, burst.random);
    let until = match deployed {
        Standing::Since(at) => phased.max(at + pace.interval),
        Standing::Absent | Standing::LongSince => phased,
    };
    let (reason, ask_at) = match () {
        () if now >= until => return None,
        () if until > phased => (Reason::Interval, until),
        () if now < quiet => (Reason::Settling, quiet),
        () => (Reason::Splay, until),
    };
    Some(Hold { reason, until: Some(until), ask_at: Some(ask_at) })
}

/// A part of `splay`, from nothing up to just less than all of it, as `random` goes from the least to the greatest number.
fn phase(splay: Duration, random: u32) -> Duration {
    let nanos = (splay.as_nanos() * u128::from(random)) >> u32::BITS;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
