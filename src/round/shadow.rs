//! Plugins in `mode: shadow`: after each round they decide or judge on what it knew, and are compared with what came of it. They run
//! beside the rounds, one after another, the newest round first; nothing waits for them and nothing they say has an effect.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use verwalter_core::diff::{Diff, DiffTotals};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{Round, Term, UnixMillis};
use verwalter_core::names::PluginName;
use verwalter_core::ports::{FailureCause, Policy, Scheduler};
use verwalter_core::schedule::Schedule;

use super::Held;
use super::decide::{decide, prepare};
use super::review::ask;

/// Rounds in which a shadow differed that are kept to look at.
const KEPT: usize = 10;
/// Lines of one such difference; the counts tell of the rest.
const MAX_LINES: usize = 100;

/// How one shadow compares with what is in force.
#[derive(Debug, Clone, Serialize)]
pub struct ShadowStatus {
    /// Which build.
    pub digest: Digest,
    /// Rounds that it ran on.
    pub rounds: u64,
    /// Rounds in which it said the same.
    pub same: u64,
    /// Rounds in which it said something else.
    pub different: u64,
    /// Rounds in which there was nothing to compare it with, since the active one gave nothing.
    pub alone: u64,
    /// Rounds in which it failed, by cause.
    pub failed: BTreeMap<FailureCause, u64>,
    /// Rounds that passed while it, or another shadow, still ran.
    pub skipped: u64,
    /// Fuel of its last call.
    pub last_fuel: Option<u64>,
    /// What went wrong last.
    pub last_failure: Option<String>,
    /// How its schedules differed, added up over rounds. All zero for a policy.
    pub totals: DiffTotals,
    /// The newest rounds in which it differed, newest first.
    pub last: VecDeque<Difference>,
}

/// One round in which a shadow differed.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Which round.
    pub round: Round,
    /// Of which leadership.
    pub term: u64,
    /// When.
    pub at: UnixMillis,
    /// What the active ones came to: a schedule's digest, or `allow` or `deny`.
    pub active: String,
    /// What the shadow came to.
    pub shadow: String,
    /// How the schedules differ in all: `before` is the active one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<DiffTotals>,
    /// How they differ by role and node, or why the shadow denies; the first hundred.
    pub lines: Vec<String>,
}

/// All shadows, by name.
pub type Book = BTreeMap<PluginName, ShadowStatus>;

/// Runs the shadows of each round until `drain`. A round that comes while they run is skipped for the newest.
pub async fn run(mut held: watch::Receiver<Option<Arc<Held>>>, book: watch::Sender<Arc<Book>>, drain: CancellationToken) {
    let mut last: Option<(Term, Round)> = None;
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            changed = held.changed() => if changed.is_err() { return },
        }
        let Some(newest) = held.borrow_and_update().clone() else { continue };
        let (term, round) = (newest.circumstances.term, newest.circumstances.round);
        let skipped = last.filter(|(known, _)| *known == term).map_or(0, |(_, known)| round.0.saturating_sub(known.0 + 1));
        last = Some((term, round));
        let mut next = Book::clone(&book.borrow());
        let work = tokio::task::spawn_blocking(move || {
            follow(&newest, &mut next, skipped);
            next
        });
        let done = tokio::select! {
            // What it would say has no effect: the node does not wait for it to end.
            () = drain.cancelled() => return,
            done = work => done,
        };
        match done {
            Ok(next) => drop(book.send_replace(Arc::new(next))),
            Err(_) => tracing::error!("running the shadow plugins broke off: a defect, please report it with the log"),
        }
    }
}

/// Runs every shadow of a round and takes note. Blocks.
fn follow(held: &Held, book: &mut Book, skipped: u64) {
    let catalog = &held.config.catalog;
    let names: Vec<&PluginName> = catalog
        .shadow_schedulers()
        .map(|shadow| &shadow.id().name)
        .chain(catalog.shadow_policies().map(|shadow| &shadow.id().name))
        .collect();
    book.retain(|name, _| names.contains(&name));
    for shadow in catalog.shadow_schedulers() {
        let status = status(book, &shadow.id().name, shadow.id().digest, skipped);
        follow_scheduler(held, shadow, status);
    }
    for shadow in catalog.shadow_policies() {
        let status = status(book, &shadow.id().name, shadow.id().digest, skipped);
        follow_policy(held, shadow, status);
    }
}

/// The status to go on with; another build begins anew.
fn status<'a>(book: &'a mut Book, name: &PluginName, digest: Digest, skipped: u64) -> &'a mut ShadowStatus {
    let fresh = ShadowStatus {
        digest,
        rounds: 0,
        same: 0,
        different: 0,
        alone: 0,
        failed: BTreeMap::new(),
        skipped: 0,
        last_fuel: None,
        last_failure: None,
        totals: DiffTotals::default(),
        last: VecDeque::new(),
    };
    let status = book.entry(name.clone()).or_insert_with(|| fresh.clone());
    if status.digest == digest {
        // A shadow that was just installed did not miss what came before it.
        status.skipped += if status.rounds > 0 { skipped } else { 0 };
    } else {
        *status = fresh;
    }
    status
}

impl ShadowStatus {
    fn fail(&mut self, cause: FailureCause, message: String) {
        *self.failed.entry(cause).or_default() += 1;
        self.last_failure = Some(message);
    }

    fn differ(&mut self, difference: Difference) {
        self.different += 1;
        self.last.push_front(difference);
        self.last.truncate(KEPT);
    }
}

fn follow_scheduler(held: &Held, shadow: &dyn Scheduler, status: &mut ShadowStatus) {
    let known = &held.circumstances;
    status.rounds += 1;
    let (document, view, took) = prepare(shadow, &known.input(shadow.config()), &known.snapshot);
    let decided = match decide(shadow, &document, &view, took) {
        Ok(decided) => decided,
        Err(failed) => {
            status.last_fuel = failed.cost().map(|cost| cost.fuel);
            return status.fail(failed.cause(), failed.to_string());
        }
    };
    status.last_fuel = Some(decided.cost.fuel);
    let Ok(proposal) = &held.deliberation.result else {
        status.alone += 1;
        return;
    };
    let (active, own): (&Schedule, &Schedule) = (&proposal.decided.admitted.schedule, &decided.admitted.schedule);
    if active == own {
        status.same += 1;
        return;
    }
    let diff = Diff::between(Some(active), own, known.snapshot.peers());
    let totals = diff.totals();
    status.totals.before += totals.before;
    status.totals.after += totals.after;
    status.totals.started += totals.started;
    status.totals.stopped += totals.stopped;
    status.totals.moved += totals.moved;
    status.totals.changed += totals.changed;
    let mut lines: Vec<String> = diff.lines().take(MAX_LINES).map(|line| line.to_string()).collect();
    if lines.is_empty() {
        lines.push("the same instances and variables on every node; what differs is `state` or another free key".to_owned());
    }
    status.differ(Difference {
        round: known.round,
        term: known.term.counter,
        at: known.now,
        active: active.digest().to_string(),
        shadow: own.digest().to_string(),
        totals: Some(totals),
        lines,
    });
}

fn follow_policy(held: &Held, shadow: &dyn Policy, status: &mut ShadowStatus) {
    let known = &held.circumstances;
    let Ok(proposal) = &held.deliberation.result else { return };
    let schedule = &proposal.decided.admitted.schedule;
    if known.previous() == Some(schedule) {
        // The active ones were not asked either.
        return;
    }
    status.rounds += 1;
    let review = ask(shadow, known, schedule, &proposal.diff);
    status.last_fuel = review.cost.map(|cost| cost.fuel);
    let verdict = match review.verdict {
        Ok(verdict) => verdict,
        Err(failure) => return status.fail(failure.cause, failure.to_string()),
    };
    let word = |passes: bool| if passes { "allow" } else { "deny" };
    let (active, own) = (word(proposal.reviewed.denial().is_none()), word(review.passes));
    if active == own {
        status.same += 1;
        return;
    }
    status.differ(Difference {
        round: known.round,
        term: known.term.counter,
        at: known.now,
        active: active.to_owned(),
        shadow: own.to_owned(),
        totals: None,
        lines: verdict.reasons.into_iter().take(MAX_LINES).collect(),
    });
}
