//! Guards: the host's own veto against a schedule that looks like an accident. They know nothing of what a schedule is for; policies do.

mod share;

use serde::Deserialize;

pub use share::{Share, ShareError};

use crate::diff::Diff;

/// What a scheduler may do in one round. Set in its manifest; an operator can let one decision pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Guards {
    /// Whether it may place nothing where instances ran.
    pub allow_empty: bool,
    /// The most of all instances that may move to other nodes.
    pub max_moved: Share,
}

impl Default for Guards {
    /// Nobody stops everything by intent often enough to want it unasked. A half is arbitrary: above what draining a rack moves
    /// in all but the smallest sites, below what a scheduler moves that has lost its memory.
    fn default() -> Guards {
        Guards { allow_empty: false, max_moved: Share::HALF }
    }
}

/// A guard that a schedule ran into. The plugin is at fault, or the operator meant it; the schedule in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Tripped {
    /// Nothing would run any more.
    #[error(
        "the schedule would stop all {running} instances and place none; the schedule in force stays. If this is meant, allow it with \
         `guards: {{ allow-empty: true }}` in the plugin's manifest"
    )]
    Empty {
        /// Instances in force.
        running: u64,
    },
    /// Too much would run elsewhere.
    #[error(
        "the schedule would move {moved} of {running} instances, more than {limit}; the schedule in force stays. If this is meant, allow \
         it with `guards: {{ max-moved: {} }}` in the plugin's manifest",
        Share::holding(*moved, *running)
    )]
    Moved {
        /// Instances that would move.
        moved: u64,
        /// Instances in force.
        running: u64,
        /// What the manifest allows.
        limit: Share,
    },
}

impl Guards {
    /// Judges what a new schedule would change. With nothing in force nothing trips.
    pub fn check(&self, diff: &Diff) -> Result<(), Tripped> {
        let totals = diff.totals();
        let running = totals.before;
        if !self.allow_empty && running > 0 && totals.after == 0 {
            return Err(Tripped::Empty { running });
        }
        if self.max_moved.is_exceeded_by(totals.moved, running) {
            return Err(Tripped::Moved { moved: totals.moved, running, limit: self.max_moved });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admit::tests::schedule;
    use crate::peers::PeerTable;
    use crate::peers::tests::peer;

    fn check(guards: &str, before: Option<&str>, after: &str, expect: &str) {
        let guards: Guards = serde_json::from_str(guards).expect("sound guards");
        let place = |place: &str| schedule(&format!(r#"{{"roles":{{"web":{{"place":{place}}}}}}}"#));
        let (alive, _) = PeerTable::new(vec![peer("alpha", 1), peer("beta", 2)]);
        let diff = Diff::between(before.map(place).as_ref(), &place(after), &alive);
        let got = guards.check(&diff).map_or_else(|tripped| tripped.to_string(), |()| "passes".to_owned());
        assert_eq!(got, expect);
    }

    #[test]
    fn an_empty_schedule() {
        let stopped = "the schedule would stop all 3 instances and place none; the schedule in force stays. If this is meant, allow it \
                       with `guards: { allow-empty: true }` in the plugin's manifest";
        check("{}", Some(r#"{"alpha":3}"#), "{}", stopped);
        check("{}", Some(r#"{"alpha":3}"#), r#"{"alpha":{"instances":0}}"#, stopped);
        check(r#"{"allow-empty":true}"#, Some(r#"{"alpha":3}"#), "{}", "passes");
        check("{}", Some("{}"), "{}", "passes");
        check("{}", None, "{}", "passes");
    }

    #[test]
    fn many_moves() {
        let moved = "the schedule would move 2 of 3 instances, more than 50%; the schedule in force stays. If this is meant, allow it \
                     with `guards: { max-moved: 67% }` in the plugin's manifest";
        check("{}", Some(r#"{"alpha":3}"#), r#"{"alpha":1,"beta":2}"#, moved);
        check(r#"{"max-moved":"67%"}"#, Some(r#"{"alpha":3}"#), r#"{"alpha":1,"beta":2}"#, "passes");
        check("{}", Some(r#"{"alpha":4}"#), r#"{"alpha":2,"beta":2}"#, "passes");
        check(r#"{"max-moved":1}"#, Some(r#"{"alpha":4}"#), r#"{"beta":4}"#, "passes");
        check(
            r#"{"max-moved":0}"#,
            Some(r#"{"alpha":1000}"#),
            r#"{"alpha":999,"beta":1}"#,
            "the schedule would move 1 of 1000 instances, more than 0%; the schedule in force stays. If this is meant, allow it with \
             `guards: { max-moved: 1% }` in the plugin's manifest",
        );
    }

    #[test]
    fn what_is_lost_with_its_node_or_only_started_or_only_stopped_has_not_moved() {
        check(r#"{"max-moved":0}"#, Some(r#"{"gamma":3}"#), r#"{"alpha":3}"#, "passes");
        check(r#"{"max-moved":0}"#, Some(r#"{"alpha":3}"#), r#"{"alpha":3,"beta":9}"#, "passes");
        check(r#"{"max-moved":0}"#, Some(r#"{"alpha":3,"beta":9}"#), r#"{"alpha":3}"#, "passes");
        check(r#"{"max-moved":0}"#, None, r#"{"alpha":3}"#, "passes");
    }

    #[test]
    fn settings_that_are_refused() {
        for bad in [r#"{"max_moved":0.5}"#, r#"{"allow-empty":"yes"}"#, r#"{"max-moved":50}"#, r#"{"max-moved":null}"#] {
            assert!(serde_json::from_str::<Guards>(bad).is_err(), "{bad}");
        }
    }
}
