//! Roles that wait: what the gate is asked and told, and what is told of them meanwhile. It renders nothing and touches no file of a role.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;
use verwalter_apply::transaction;
use verwalter_collect::clock::unix_now;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use super::{Pass, Worker};
use crate::config::pace::PaceKeys;
use crate::deploy::gate::{Answer, Question, Standing, Wanted};
use crate::deploy::{DeployReport, RoleOutcome, Waiting};
use crate::store::InForce;

impl Worker {
    /// Whether the role waits, rather than become what is wanted. Why is noted, and told where it is news.
    pub(super) fn is_held(&mut self, pass: &Pass<'_>, role: &RoleName, wanted: Wanted, pace: PaceKeys) -> bool {
        let same = matches!(wanted, Wanted::Inputs(input) if self.done.get(role) == Some(&input));
        let now = Instant::now();
        if !self.gate.knows(role) {
            self.gate.meet(role, committed(pass, role, now));
        }
        if pass.ordered {
            self.gate.order(role, wanted);
        }
        // Of each role by itself: those of one node need not come together either.
        let random = RandomState::new().hash_one(role) as u32;
        let (mode, pace) = (self.deploying.mode, pace.over(self.deploying.pace));
        let Answer::Wait(hold) = self.gate.ask(&Question { role, wanted, pace, mode, same, now, random }) else { return false };
        // What failed before was made of other inputs: the gate says now when it is tried again.
        self.failed.remove(role);
        if self.waited.get(role).is_none_or(|before| before.reason != hold.reason) {
            tracing::info!(%role, reason = hold.reason.hint(), "a role that changed waits");
        }
        self.waiting.insert(role.clone(), hold);
        true
    }

    /// What is told of a role for which nothing was done now.
    pub(super) fn standing(&self, pass: &Pass<'_>, role: &RoleName) -> RoleOutcome {
        // One that was refused is so no longer.
        if let Some(outcome) = self.outcomes.get(role).filter(|outcome| !matches!(outcome, RoleOutcome::Refused { .. })) {
            return outcome.clone();
        }
        if !self.waiting.contains_key(role) {
            return RoleOutcome::rendered(transaction::Deployed::default(), unix_now());
        }
        // Since this process began nothing was done for it: what it was before is in place.
        match pass.tools.records.load(role).ok().and_then(|record| record.generation) {
            Some(generation) => {
                let deployed = transaction::Deployed { unchanged: generation.owned.len(), ..Default::default() };
                RoleOutcome::rendered(deployed, generation.at)
            }
            None => RoleOutcome::Waiting,
        }
    }

    /// What came of a pass.
    pub(super) fn report(&self, in_force: &InForce, written: usize, unchosen: Option<String>) -> DeployReport {
        let (now, wall) = (Instant::now(), unix_now());
        let until = |at: Instant| UnixMillis(wall.0.saturating_add(millis(at.saturating_duration_since(now))));
        let waiting = self.waiting.iter().map(|(role, hold)| {
            let waiting = Waiting { reason: hold.reason, until: hold.until.map(until) };
            (role.clone(), waiting)
        });
        let (digest, roles) = (in_force.schedule.digest(), self.outcomes.clone());
        DeployReport { digest, written, roles, waiting: waiting.collect(), unchosen, unlogged: None }
    }
}

/// What is in place of a role that this process meets, by its record.
fn committed(pass: &Pass<'_>, role: &RoleName, now: Instant) -> Standing {
    // One that cannot be read is told when the role is deployed; what a crash left in the midst is not left there for longer.
    let Some(record) = pass.tools.records.load(role).ok().filter(|record| record.pending.is_none()) else { return Standing::Absent };
    let Some(generation) = record.generation else { return Standing::Absent };
    // By a clock that went back since, it was just now.
    let ago = Duration::from_millis(unix_now().0.saturating_sub(generation.at.0));
    now.checked_sub(ago).map_or(Standing::LongSince, Standing::Since)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
