//! What is told of a round once it ended, and how it is said in the log.

use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::ids::{Round, Term, UnixMillis};
use verwalter_core::ports::{Cost, FailureCause, LogLevel, LogLine, PluginId};
use verwalter_core::review::Ruling;
use verwalter_core::schedule::Totals;

use super::review::{Review, Reviewed};

/// What came of a round.
#[derive(Debug, Clone)]
pub struct RoundReport {
    /// Its number.
    pub round: Round,
    /// Under which leadership.
    pub term: Term,
    /// Its time.
    pub at: UnixMillis,
    /// How many nodes it saw.
    pub peers: usize,
    /// The build that decided, when there was one.
    pub plugin: Option<PluginId>,
    /// What came of it.
    pub outcome: Outcome,
    /// From waking up to the commit.
    pub elapsed: Duration,
}

/// Accepted or not.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A schedule was admitted and committed.
    Accepted(Accepted),
    /// A schedule was admitted, and the policies denied it; what was in force stays.
    Denied {
        /// The schedule that was not to be.
        digest: Digest,
        /// Whose words, and which.
        message: String,
        /// All policies' words.
        reviews: Vec<ReviewSummary>,
        /// What the scheduler logged.
        debug: String,
    },
    /// Nothing was decided; what was in force stays.
    Failed {
        /// Of which sort, when a plugin was asked.
        cause: Option<FailureCause>,
        /// What happened and what to do about it.
        message: String,
        /// What the plugin logged before.
        debug: String,
    },
}

/// A schedule that was committed.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Its digest.
    pub digest: Digest,
    /// Whether a new digest came into force.
    pub changed: bool,
    /// How much it places.
    pub totals: Totals,
    /// What the plugin says changed.
    pub changes: Vec<String>,
    /// The plugin's own text and log lines.
    pub debug: String,
    /// Accepted, but looks like a mistake, or a policy warns of it.
    pub warnings: Vec<String>,
    /// All policies' words.
    pub reviews: Vec<ReviewSummary>,
    /// What the call cost.
    pub cost: Cost,
    /// Time for the input document.
    pub prepare: Duration,
    /// Time for admitting the answer.
    pub admit: Duration,
}

/// One policy's word, for people.
#[derive(Debug, Clone)]
pub struct ReviewSummary {
    /// Whose.
    pub plugin: PluginId,
    /// `allow`, `deny` or `failed`.
    pub verdict: &'static str,
    /// Reasons, or why it failed.
    pub reasons: Vec<String>,
    /// What it logged.
    pub debug: String,
}

impl ReviewSummary {
    fn of(review: &Review) -> ReviewSummary {
        let (verdict, reasons, text) = match &review.verdict {
            Ok(verdict) => (if verdict.ruling == Ruling::Allow { "allow" } else { "deny" }, verdict.reasons.clone(), verdict.log.as_str()),
            Err(failure) => ("failed", vec![failure.message.clone()], ""),
        };
        ReviewSummary { plugin: review.plugin.clone(), verdict, reasons, debug: debug_text(text, &review.log) }
    }

    /// All of them.
    pub fn all(reviewed: &Reviewed) -> Vec<ReviewSummary> {
        reviewed.reviews.iter().map(ReviewSummary::of).collect()
    }
}

impl Outcome {
    /// Why nothing came into force.
    pub fn message(&self) -> Option<&str> {
        match self {
            Outcome::Failed { message, .. } | Outcome::Denied { message, .. } => Some(message),
            Outcome::Accepted(_) => None,
        }
    }

    pub(super) fn failed(cause: Option<FailureCause>, message: String) -> Outcome {
        Outcome::Failed { cause, message, debug: String::new() }
    }
}

/// The plugin's own text, then its log lines.
pub(super) fn debug_text(text: &str, lines: &[LogLine]) -> String {
    let mut debug = text.to_owned();
    for line in lines {
        if !debug.is_empty() && !debug.ends_with('\n') {
            debug.push('\n');
        }
        let level = match line.level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        debug.push_str(&format!("{level}: {}", line.text));
    }
    debug
}

/// `said_before`: the last round failed for the same reason, so that saying it again would only fill the log.
pub(super) fn announce(report: &RoundReport, said_before: bool) {
    let (round, term) = (report.round.0, report.term.counter);
    let elapsed_ms = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX);
    match &report.outcome {
        Outcome::Accepted(Accepted { digest, changed: true, totals, warnings, .. }) => {
            for warning in warnings {
                tracing::warn!(round, %warning, "the new schedule comes with a warning");
            }
            tracing::info!(round, term, %digest, placements = totals.placements, elapsed_ms, "a new schedule is in force");
        }
        Outcome::Accepted(Accepted { digest, .. }) => tracing::debug!(round, term, %digest, elapsed_ms, "the schedule stays"),
        Outcome::Denied { message, .. } | Outcome::Failed { message, .. } if said_before => {
            tracing::debug!(round, term, error = %message, elapsed_ms, "again nothing came into force");
        }
        Outcome::Denied { message, digest, .. } => {
            tracing::warn!(round, term, %digest, reason = %message, elapsed_ms, "a schedule was denied; the one in force stays");
        }
        Outcome::Failed { message, .. } => {
            tracing::warn!(round, term, error = %message, elapsed_ms, "nothing was decided; the schedule in force stays");
        }
    }
}
