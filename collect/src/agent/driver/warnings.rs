//! Refused packets in the log: at most one line a minute and source, for a bounded number of sources.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::agent::refusal::{Cause, Refusal};
use crate::source::MAX_COMPLAINTS;

/// How long a source is quiet after a line.
const QUIET: Duration = Duration::from_secs(60);
/// How long a refusal stays in what the source complains about.
const RECENT: Duration = Duration::from_secs(120);
/// Most sources that are told apart; beyond it the one that was silent for the longest is forgotten.
const MAX_SOURCES: usize = 256;

/// Who was refused.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    sources: BTreeMap<IpAddr, Told>,
    forgotten: Option<Duration>,
}

#[derive(Debug)]
struct Told {
    logged: Duration,
    last: Duration,
    /// Refusals since the last line.
    unlogged: u64,
    text: String,
    /// Whether another agent sent it: what is no packet of one says nothing about the cluster.
    meant: bool,
}

impl Warnings {
    /// A packet of `from` was refused.
    pub(super) fn refused(&mut self, now: Duration, from: IpAddr, refusal: &Refusal) {
        if *refusal == Refusal::Echo {
            return;
        }
        let text = refusal.to_string();
        let meant = refusal.cause() != Cause::Garbage;
        if let Some(told) = self.sources.get_mut(&from) {
            told.last = now;
            told.unlogged += 1;
            if now.saturating_sub(told.logged) >= QUIET {
                tracing::warn!(%from, refused = told.unlogged, "packets were dropped: {text}");
                (told.logged, told.unlogged) = (now, 0);
            }
            (told.text, told.meant) = (text, meant);
            return;
        }
        if self.sources.len() >= MAX_SOURCES {
            // A flood of made-up sources gets one line a minute altogether.
            let oldest = self.sources.iter().min_by_key(|(_, told)| told.last).map(|(addr, _)| *addr);
            oldest.and_then(|addr| self.sources.remove(&addr));
            if self.forgotten.is_none_or(|at| now.saturating_sub(at) >= QUIET) {
                self.forgotten = Some(now);
                tracing::warn!(%from, sources = MAX_SOURCES, "packets of more sources than are told apart were dropped: {text}");
            }
        } else {
            tracing::warn!(%from, "a packet was dropped: {text}");
        }
        self.sources.insert(from, Told { logged: now, last: now, unlogged: 0, text, meant });
    }

    /// The newest refusals that say that something is set up wrongly, one text a source: anybody's stray packet is no trouble of this node.
    pub(super) fn recent(&self, now: Duration) -> Vec<String> {
        let mut recent: Vec<(&IpAddr, &Told)> =
            self.sources.iter().filter(|(_, told)| told.meant && now.saturating_sub(told.last) < RECENT).collect();
        recent.sort_by_key(|(_, told)| std::cmp::Reverse(told.last));
        recent.truncate(MAX_COMPLAINTS);
        recent.into_iter().map(|(from, told)| format!("a packet from {from} was dropped: {}", told.text)).collect()
    }
}

#[cfg(test)]
mod tests;
