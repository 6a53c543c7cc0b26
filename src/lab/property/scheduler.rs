//! Whether a decision stands once it is in force. One that does not reloads services for ever.

use super::cost::Costs;
use super::{Asked, Wrong};
use crate::lab::difference::differences;
use crate::lab::outcome::{Answer, Outcome, put};
use crate::lab::question::{Question, pose};

/// Asks again with the first answer in force and nothing else changed; `None` where nothing was decided.
pub(super) fn stable(asked: &Asked<'_>, costs: &mut Costs) -> Option<Wrong> {
    let Question::Schedule(scene) = &asked.input.question else { return None };
    let decided = asked.first.schedule.clone()?;
    let digest = decided.digest();
    let posed = pose(asked.plugin, &Question::Schedule(scene.following(decided).into()));
    let again = put(asked.plugin, &posed);
    costs.count(&asked.input.label, &again);
    if again.schedule.as_ref().is_some_and(|schedule| schedule.digest() == digest) {
        return Some(None);
    }
    let lines = match (schedule(asked.first), schedule(&again)) {
        (Some(first), Some(again)) => differences(first, again).iter().map(|difference| difference.worded("decided", "then")).collect(),
        _ => vec![format!("it decided, and then, with that in force, answers {}", again.answer)],
    };
    Some(Some((lines, vec![asked.posed.as_input(), posed.as_input()])))
}

fn schedule(outcome: &Outcome) -> Option<&serde_json::Value> {
    match &outcome.answer {
        Answer::Taken(value) => value.get("schedule"),
        Answer::Error(_) | Answer::Failure(..) => None,
    }
}
