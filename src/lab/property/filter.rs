//! Whether a filter's answers depend on what its instance was asked before: one instance serves all calls of a render.

use std::sync::Arc;

use super::tally::{Tally, parted};
use super::{Input, put};
use crate::lab::outcome::put_in;
use crate::lab::question::{Function, pose};
use crate::plugin::Loaded;

/// Asks all inputs twice in one instance, the second time backwards, and compares with fresh instances.
pub(super) fn independent(plugin: &Arc<Loaded>, inputs: &[Input], tally: &mut Tally) {
    let mut session = plugin.session();
    for input in inputs.iter().chain(inputs.iter().rev()) {
        let posed = pose(plugin, &input.question);
        let Function::Apply(name) = &posed.function else { continue };
        let alone = put(plugin, &posed);
        let among = put_in(&mut session, plugin, name, &posed.text);
        if matches!(among.answer, crate::lab::outcome::Answer::Failure(verwalter_core::ports::FailureCause::Fuel, _)) {
            // All calls of a session share its fuel.
            session = plugin.session();
            continue;
        }
        let lines = parted(&alone.answer, &among.answer);
        tally.add_labelled(&input.label, posed.text.len(), (!lines.is_empty()).then(|| (lines, vec![posed.as_input()])));
    }
}
