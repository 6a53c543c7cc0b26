//! The policies' word on a schedule, in their order. All are asked, also after a denial: an operator wants to read all reasons at once.

use std::sync::Arc;

use verwalter_core::contract::{SnapshotView, review_document};
use verwalter_core::diff::Diff;
use verwalter_core::ports::{Cost, Failure, FailureCause, LogLine, PluginId, Policy, RawOutput};
use verwalter_core::review::{Ruling, Verdict, read_verdict};
use verwalter_core::schedule::Schedule;

use super::circumstances::Circumstances;

/// One policy's word.
#[derive(Debug, Clone)]
pub struct Review {
    /// Whose.
    pub plugin: PluginId,
    /// The document that it was handed.
    pub document: String,
    /// What it said, or why it said nothing.
    pub verdict: Result<Verdict, Failure>,
    /// Whether the schedule may pass, as far as this policy goes.
    pub passes: bool,
    /// Its answer as it came, where there was one.
    pub output: Option<RawOutput>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What the call cost; `None` where it did not run.
    pub cost: Option<Cost>,
}

impl Review {
    /// Why the schedule may not pass, in one line.
    fn objection(&self) -> Option<String> {
        if self.passes {
            return None;
        }
        Some(match &self.verdict {
            Ok(verdict) => format!("policy {} denies: {}", self.plugin.name, verdict.reasons.join("; ")),
            Err(failure) => format!(
                "policy {} failed ({}), which counts as a denial unless its manifest says `on-failure: allow`: {}",
                self.plugin.name, failure.cause, failure.message
            ),
        })
    }
}

/// All policies' words.
#[derive(Debug, Clone, Default)]
pub struct Reviewed {
    /// In the order in which they were asked.
    pub reviews: Vec<Review>,
}

impl Reviewed {
    /// Why the schedule may not pass; `None` where it may.
    pub fn denial(&self) -> Option<String> {
        let objections: Vec<String> = self.reviews.iter().filter_map(Review::objection).collect();
        (!objections.is_empty()).then(|| objections.join("; "))
    }

    /// What an operator should know although the schedule may pass.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for review in &self.reviews {
            match &review.verdict {
                Ok(verdict) => warnings.extend(verdict.warnings.iter().map(|text| format!("policy {}: {text}", review.plugin.name))),
                Err(failure) if review.passes => {
                    warnings
                        .push(format!("policy {} failed and its `on-failure: allow` let the schedule pass: {failure}", review.plugin.name));
                }
                Err(_) => {}
            }
        }
        warnings
    }
}

/// Asks every policy. Blocks for as long as their limits allow.
pub fn review(policies: &[&dyn Policy], circumstances: &Circumstances, schedule: &Schedule, diff: &Diff) -> Reviewed {
    Reviewed { reviews: policies.iter().map(|policy| ask(*policy, circumstances, schedule, diff)).collect() }
}

/// Asks one policy.
pub fn ask(policy: &dyn Policy, circumstances: &Circumstances, schedule: &Schedule, diff: &Diff) -> Review {
    let view = Arc::new(SnapshotView::new(circumstances.snapshot.clone(), policy.reads(), &circumstances.parents));
    let input = circumstances.review_input(policy.config(), schedule, diff);
    let document = review_document(&input, policy.reads(), &view);
    let plugin = policy.id().clone();
    let decision = match policy.review(&document, &view) {
        Ok(decision) => decision,
        Err(failure) => {
            let (passes, log, cost) = (policy.allows_on_failure(), failure.log.clone(), failure.cost.as_deref().copied());
            return Review { plugin, document, verdict: Err(failure), passes, output: None, log, cost };
        }
    };
    let verdict = read_verdict(&decision.output, policy.json_limits()).map_err(|err| Failure {
        plugin: plugin.clone(),
        cause: FailureCause::Refused,
        message: err.to_string(),
        log: decision.log.clone(),
        cost: Some(Box::new(decision.cost)),
    });
    let passes = verdict.as_ref().map_or(policy.allows_on_failure(), |verdict| verdict.ruling == Ruling::Allow);
    Review { plugin, document, verdict, passes, output: Some(decision.output), log: decision.log, cost: Some(decision.cost) }
}
