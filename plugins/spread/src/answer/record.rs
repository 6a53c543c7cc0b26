//! The figures that a placement was made on, kept in its variable `placed` for as long as it is kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use verwalter_plugin::{Error, Input};

use crate::config::Config;
use crate::decide::Placed;

/// `at` (milliseconds since the epoch) and the recorded columns.
type Figures = BTreeMap<String, f64>;

/// What is recorded of this decision.
pub(super) struct Records {
    now_ms: f64,
    columns: Vec<(String, Vec<f64>)>,
    has_parents: bool,
}

/// What earlier decisions recorded of one role, by peer.
pub(super) type Kept = BTreeMap<usize, Figures>;

#[derive(Deserialize)]
struct Vars {
    #[serde(default)]
    placed: Option<Figures>,
}

impl Records {
    pub(super) fn read(input: &Input<'_>, config: &Config) -> Result<Records, Error> {
        let mut columns = Vec::with_capacity(config.record.len());
        for name in &config.record {
            columns.push((name.clone(), input.required_column(name)?));
        }
        let has_parents = !columns.is_empty() && !input.parents()?.is_empty();
        Ok(Records { now_ms: input.now_ms() as f64, columns, has_parents })
    }

    pub(super) fn of_role(&self, input: &Input<'_>, role: &str) -> Result<Kept, Error> {
        let mut kept = Kept::new();
        if !self.has_parents {
            return Ok(kept);
        }
        for parent in input.parents()? {
            let mut walk = input.walk();
            for placement in parent.of_role(role) {
                let Some(peer) = walk.find(placement.hostname()) else { continue };
                // Another scheduler's `placed` may be anything: then this one is as good as not there.
                if let Ok(Vars { placed: Some(figures) }) = placement.vars() {
                    kept.entry(peer).or_insert(figures);
                }
            }
        }
        Ok(kept)
    }

    /// What belongs on a placement: the old figures while an instance of it is kept, else this decision's. `None` where nothing is
    /// recorded; also where something was kept but its schedule cannot be read (`reads` left it out): figures that change every
    /// round would make a new schedule every round.
    pub(super) fn figures(&self, kept: &Kept, placed: &Placed) -> Option<Figures> {
        if self.columns.is_empty() {
            return None;
        }
        if placed.kept > 0 {
            if let Some(figures) = kept.get(&(placed.peer as usize)) {
                return Some(figures.clone());
            }
            if !self.has_parents {
                return None;
            }
        }
        let mut figures = Figures::from([("at".to_owned(), self.now_ms)]);
        for (name, values) in &self.columns {
            match values.get(placed.peer as usize) {
                Some(value) if value.is_finite() => figures.insert(name.clone(), *value),
                _ => None,
            };
        }
        Some(figures)
    }
}
