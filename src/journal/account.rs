//! A round that was held, as the record of it.

use verwalter_core::names::PluginName;
use verwalter_core::ports::Plugin;

use super::record::{About, Call, Outcome, Record, Review, Verdict};
use crate::plugin::Catalog;
use crate::round::{self, Held};

/// The program and engine that fuel figures are comparable within.
pub fn program() -> String {
    format!("{} {}", crate::status::VERSION, crate::plugin::ENGINE)
}

/// A round as it is written. Takes time in proportion to the cluster.
pub fn account(held: &Held) -> Record {
    let known = &held.circumstances;
    let catalog = &held.config.catalog;
    let asked = &held.deliberation;
    let scheduler = catalog.scheduler().ok().map(|scheduler| {
        let call = begun(catalog, &*scheduler, &asked.document);
        match &asked.result {
            Ok(proposal) => call.answered(proposal.decided.output.clone(), &proposal.decided.cost),
            Err(failed) => match (failed.output(), failed.cost()) {
                (Some(output), Some(cost)) => call.answered(output.clone(), cost),
                (_, cost) => call.ended(cost),
            },
        }
    });
    let policies = asked.result.iter().flat_map(|proposal| &proposal.reviewed.reviews);
    let policies = policies.filter_map(|review| {
        let policy = catalog.policies().find(|policy| policy.id() == &review.plugin)?;
        let call = begun(catalog, policy, &review.document);
        let call = match (&review.output, &review.cost) {
            (Some(output), Some(cost)) => call.answered(output.clone(), cost),
            (_, cost) => call.ended(cost.as_ref()),
        };
        Some(Review { call, verdict: verdict(review) })
    });
    let about = About {
        term: known.term,
        round: known.round,
        at: known.now,
        hostname: known.hostname.clone(),
        id: known.id,
        program: program(),
        scheduler,
        policies: policies.collect(),
        outcome: outcome(&held.report.outcome),
        elapsed_us: u64::try_from(held.report.elapsed.as_micros()).unwrap_or(u64::MAX),
    };
    Record {
        about,
        runtime: known.runtime.clone(),
        actions: known.actions.clone(),
        parents: known.parents.clone(),
        snapshot: known.snapshot.clone(),
    }
}

fn begun(catalog: &Catalog, plugin: &dyn Plugin, document: &str) -> Call {
    let manifest = catalog.manifest_of(&plugin.id().name).map(|text| text.to_string()).unwrap_or_default();
    Call::new(plugin.id().clone(), manifest, plugin.config().to_owned(), plugin.reads().clone(), document)
}

fn verdict(review: &round::review::Review) -> Verdict {
    match &review.verdict {
        Ok(verdict) if review.passes => Verdict::Allowed { warnings: verdict.warnings.clone() },
        Ok(verdict) => Verdict::Denied { reasons: verdict.reasons.clone(), warnings: verdict.warnings.clone() },
        Err(failure) => Verdict::Failed { cause: failure.cause, message: failure.message.clone(), allows: review.passes },
    }
}

fn outcome(outcome: &round::Outcome) -> Outcome {
    match outcome {
        round::Outcome::Accepted(accepted) => Outcome::Accepted { schedule: accepted.digest, changed: accepted.changed },
        round::Outcome::Denied { digest, message, reviews, .. } => {
            let by: Vec<&PluginName> =
                reviews.iter().filter(|review| review.verdict != "allow").map(|review| &review.plugin.name).collect();
            let by = by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Outcome::Denied { by, schedule: *digest, reasons: vec![message.clone()] }
        }
        round::Outcome::Failed { cause, message, .. } => Outcome::Failed { cause: *cause, message: message.clone() },
    }
}
