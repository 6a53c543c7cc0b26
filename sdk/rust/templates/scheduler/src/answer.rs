//! What the host and people are told of a decision.

use std::num::NonZeroU32;

use verwalter_plugin::{Error, Schedule, log};

use crate::decide::Decision;
use crate::roles::Role;

/// Writes one role into the schedule, with the reason of each placement, and logs a line.
pub fn write(
    role: &Role<'_>,
    before: &[u32],
    decision: &Decision,
    schedule: &mut Schedule,
) -> Result<(), Error> {
    let mut parts = schedule.role(role.name.clone());
    for (key, value) in role.vars.into_iter().flatten() {
        parts.set(key, value)?;
    }
    if let Some(template) = role.template {
        parts.set("template", template)?;
    }
    for (peer, (&now, &then)) in decision.placed.iter().zip(before).enumerate() {
        if let Some(instances) = NonZeroU32::new(now) {
            parts.place(peer, instances)?.why(&why(now, then));
        }
    }
    let total: u64 = decision.placed.iter().copied().map(u64::from).sum();
    match decision.missing {
        0 => log::info(format_args!("{}: {total} placed", role.name)),
        missing => log::warn(format_args!(
            "{}: {total} placed, {missing} missing",
            role.name
        )),
    }
    Ok(())
}

/// `kept`, `new`, or how many of both.
fn why(now: u32, then: u32) -> String {
    match now.saturating_sub(then) {
        0 => "kept".to_owned(),
        _ if then == 0 => "new".to_owned(),
        new => format!("{then} kept, {new} new"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        for (now, then, expect) in [
            (2, 2, "kept"),
            (1, 2, "kept"),
            (2, 0, "new"),
            (3, 1, "1 kept, 2 new"),
        ] {
            assert_eq!(why(now, then), expect);
        }
    }
}
