//! What calls cost, as shares of what the manifest allows.

use std::fmt;

use verwalter_core::ports::FailureCause;

use super::{Asked, Wrong};
use crate::lab::outcome::{Answer, Outcome};
use crate::plugin::limits::{Limit, Limits};

/// The largest shares so far.
pub(super) struct Costs {
    limits: Limits,
    fuel: Option<Most>,
    memory: Option<Most>,
}

/// How much, and on which input.
struct Most {
    used: u64,
    input: String,
}

impl Costs {
    pub(super) fn new(limits: Limits) -> Costs {
        Costs { limits, fuel: None, memory: None }
    }

    /// Counts a call.
    pub(super) fn count(&mut self, input: &str, outcome: &Outcome) {
        let Some(cost) = outcome.cost else { return };
        for (most, used) in [(&mut self.fuel, cost.fuel), (&mut self.memory, cost.peak_memory as u64)] {
            if most.as_ref().is_none_or(|most| used > most.used) {
                *most = Some(Most { used, input: input.to_owned() });
            }
        }
    }

    /// The same, and whether it met a limit.
    pub(super) fn note(&mut self, asked: &Asked<'_>) -> Wrong {
        self.count(&asked.input.label, asked.first);
        match &asked.first.answer {
            Answer::Failure(cause, message) if is_limit(*cause) => {
                Some((vec![format!("{cause}: {message}")], vec![asked.posed.as_input()]))
            }
            Answer::Failure(..) | Answer::Taken(_) | Answer::Error(_) => None,
        }
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = [(&self.fuel, Limit::Fuel, "fuel"), (&self.memory, Limit::Memory, "memory")];
        let shares: Vec<String> = shares
            .into_iter()
            .filter_map(|(most, limit, what)| {
                let Most { used, input } = most.as_ref()?;
                let share = *used as f64 * 100.0 / self.limits.get(limit).max(1) as f64;
                Some(format!("at most {share:.1} % of the {what} ({} allowed), in {input}", self.limits.describe(limit)))
            })
            .collect();
        f.write_str(&shares.join("; "))
    }
}

/// Whether a call that failed so met a limit.
pub(super) fn is_limit(cause: FailureCause) -> bool {
    use FailureCause::{Fuel, Input, Log, Memory, Output, Stack, Time};
    matches!(cause, Fuel | Time | Memory | Stack | Input | Output | Log)
}
