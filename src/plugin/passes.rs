//! What the operator allows once in spite of a guard. A pass is used up by the first round that needs it, and lapses by itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use verwalter_core::names::PluginName;

/// How long a pass waits for the round that needs it: long enough for a plugin that is being installed, too short to be forgotten.
pub const PASS_LASTS: Duration = Duration::from_secs(600);

/// The passes that were granted and not used.
#[derive(Debug, Default)]
pub struct Passes {
    until: Mutex<BTreeMap<PluginName, Instant>>,
}

impl Passes {
    /// Lets the plugin's next decision that trips a guard through.
    pub fn grant(&self, name: &PluginName, now: Instant) {
        self.with(|until| until.insert(name.clone(), now + PASS_LASTS));
    }

    /// Whether there is a pass. It stays.
    pub fn has(&self, name: &PluginName, now: Instant) -> bool {
        self.with(|until| until.get(name).is_some_and(|until| now < *until))
    }

    /// Uses a pass up, if there is one.
    pub fn take(&self, name: &PluginName, now: Instant) -> bool {
        self.with(|until| until.remove(name).is_some_and(|until| now < until))
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<PluginName, Instant>) -> T) -> T {
        act(&mut self.until.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_used_once_and_lapses() {
        let (passes, name, now) = (Passes::default(), PluginName::new("spread").unwrap(), Instant::now());
        assert!(!passes.take(&name, now));
        passes.grant(&name, now);
        assert!(passes.has(&name, now) && passes.take(&name, now) && !passes.take(&name, now));
        passes.grant(&name, now);
        assert!(!passes.has(&name, now + PASS_LASTS) && !passes.take(&name, now + PASS_LASTS));
    }
}
