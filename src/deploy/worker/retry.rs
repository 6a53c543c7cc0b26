//! When what failed is tried again. It tries nothing itself.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::{Pass, Worker};
use crate::deploy::{FIRST_RETRY, LONGEST_RETRY, RoleOutcome};

impl Worker {
    /// Whether a role failed under the same circumstances a moment ago.
    pub(super) fn waits(&self, pass: &Pass<'_>, role: &RoleName, circumstances: Digest) -> bool {
        let failed = self.failed.get(role).filter(|_| !pass.ordered);
        failed.is_some_and(|(when, until)| *when == circumstances && Instant::now() < *until)
    }

    pub(super) fn note(&mut self, role: &RoleName, outcome: &RoleOutcome, waited: bool, circumstances: Digest) {
        match outcome {
            RoleOutcome::Failed { .. } if waited || self.waiting.contains_key(role) => {}
            RoleOutcome::Failed { attempts, .. } => {
                self.failed.insert(role.clone(), (circumstances, Instant::now() + back_off(*attempts)));
            }
            _ => drop(self.failed.remove(role)),
        }
    }

    /// When the first role that failed or waits, or the choice of roles, is to be tried again.
    pub(in crate::deploy) fn retry(&self) -> Option<Duration> {
        let owed = self.unchosen.as_ref().map(|owed| owed.until);
        let held = self.waiting.values().filter_map(|hold| hold.ask_at);
        let first = self.failed.values().map(|(_, until)| *until).chain(owed).chain(held).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    }
}

/// How long a role waits after so many failures in a row.
pub(super) fn back_off(attempts: u32) -> Duration {
    let wait = FIRST_RETRY.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_RETRY);
    // Nodes that failed for one common reason must not all come back at one moment: up to a quarter longer.
    let random = RandomState::new().hash_one(0) as u32;
    wait + wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 4.0)
}
