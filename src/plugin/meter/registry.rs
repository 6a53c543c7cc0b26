//! All meters of a daemon: one a build, one tally a plugin. It is bounded, and a caller that comes too late still gets a meter, only not a listed one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use verwalter_core::names::PluginName;
use verwalter_core::ports::PluginId;

use super::{Meter, MeterReading};
use crate::plugin::pipeline::Step;

/// Builds that are listed at a time: far above the plugins of one node with all their kept generations, and with 50 lines of
/// metrics each still a page that a scraper reads.
const MAX_BUILDS: usize = 512;
/// Plugins with a tally at a time: far above what one directory sensibly holds.
const MAX_PLUGINS: usize = 256;

/// The meters by build, the tallies by plugin.
#[derive(Debug, Default)]
pub struct Meters {
    // Held for a look-up, never over a call of a plugin.
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    builds: BTreeMap<PluginId, Arc<Meter>>,
    plugins: BTreeMap<PluginName, Arc<Tally>>,
}

impl Meters {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nobody who holds it can panic halfway through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The meter of a build, made at the first call. When too many are listed, those go that nobody holds any more; if there are
    /// none, the new one is not listed.
    pub fn build(&self, id: &PluginId) -> Arc<Meter> {
        let mut inner = self.inner();
        if let Some(meter) = inner.builds.get(id) {
            return meter.clone();
        }
        let meter = Arc::new(Meter::default());
        if inner.builds.len() >= MAX_BUILDS {
            inner.builds.retain(|_, meter| Arc::strong_count(meter) > 1);
        }
        if inner.builds.len() < MAX_BUILDS {
            inner.builds.insert(id.clone(), meter.clone());
        }
        meter
    }

    /// The tally of a plugin, made at the first call; not listed when too many are.
    pub fn plugin(&self, name: &PluginName) -> Arc<Tally> {
        let mut inner = self.inner();
        if let Some(tally) = inner.plugins.get(name) {
            return tally.clone();
        }
        let tally = Arc::new(Tally::default());
        if inner.plugins.len() < MAX_PLUGINS {
            inner.plugins.insert(name.clone(), tally.clone());
        }
        tally
    }

    /// What a build did so far; `None` when it never was called.
    pub fn reading(&self, id: &PluginId) -> Option<MeterReading> {
        let meter = self.inner().builds.get(id).cloned();
        meter.map(|meter| meter.snapshot())
    }

    /// Forgets the builds that `keep` says no to, and the plugins of which it keeps none. Their callers' meters go on unlisted.
    pub fn retain(&self, mut keep_build: impl FnMut(&PluginId) -> bool, mut keep_plugin: impl FnMut(&PluginName) -> bool) {
        let mut inner = self.inner();
        inner.builds.retain(|id, _| keep_build(id));
        inner.plugins.retain(|name, _| keep_plugin(name));
    }

    /// What all builds did so far, by name and digest.
    pub fn builds(&self) -> Vec<(PluginId, MeterReading)> {
        let builds: Vec<_> = self.inner().builds.iter().map(|(id, meter)| (id.clone(), meter.clone())).collect();
        builds.into_iter().map(|(id, meter)| (id, meter.snapshot())).collect()
    }

    /// What happened to all plugins so far, by name.
    pub fn plugins(&self) -> Vec<(PluginName, TallyReading)> {
        let plugins: Vec<_> = self.inner().plugins.iter().map(|(name, tally)| (name.clone(), tally.clone())).collect();
        plugins.into_iter().map(|(name, tally)| (name, tally.snapshot())).collect()
    }
}

/// What happened to a plugin over all its builds. Such things are rare, so it has a lock.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    activated: u64,
    /// As many as there are steps, at most.
    refused: Vec<(Step, u64)>,
    quarantines: u64,
    rollbacks: u64,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A build came into force.
    pub fn activated(&self) {
        self.counts().activated += 1;
    }

    /// An activation ended at `step`.
    pub fn refused(&self, step: Step) {
        let mut counts = self.counts();
        match counts.refused.iter_mut().find(|(known, _)| *known == step) {
            Some((_, count)) => *count += 1,
            None => counts.refused.push((step, 1)),
        }
    }

    /// A build was put into quarantine.
    pub fn quarantined(&self) {
        self.counts().quarantines += 1;
    }

    /// A former build came back, by itself or by order.
    pub fn rolled_back(&self) {
        self.counts().rollbacks += 1;
    }

    /// The counts now.
    pub fn snapshot(&self) -> TallyReading {
        let counts = self.counts();
        let refused = counts.refused.iter().map(|(step, count)| (step.to_string(), *count));
        TallyReading {
            activated: counts.activated,
            refused: refused.collect(),
            quarantines: counts.quarantines,
            rollbacks: counts.rollbacks,
        }
    }
}

/// What a [`Tally`] held at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TallyReading {
    /// Builds that came into force.
    pub activated: u64,
    /// Activations that ended before, by the step's name.
    pub refused: BTreeMap<String, u64>,
    /// Builds that were put into quarantine.
    pub quarantines: u64,
    /// Returns to a former build.
    pub rollbacks: u64,
}

#[cfg(test)]
mod tests {
    use verwalter_core::digest::Digest;
    use verwalter_core::ports::Cost;

    use super::*;

    fn id(name: &str, build: usize) -> PluginId {
        PluginId { name: PluginName::new(name).expect("a valid name"), digest: Digest::of(build.to_string().as_bytes()) }
    }

    #[test]
    fn a_build_has_one_meter() {
        let meters = Meters::default();
        assert_eq!(meters.reading(&id("spread", 1)), None);
        meters.build(&id("spread", 1)).record(Ok(&Cost::default()));
        meters.build(&id("spread", 1)).record(Ok(&Cost::default()));
        meters.build(&id("spread", 2)).record(Ok(&Cost::default()));
        let calls: Vec<u64> = meters.builds().iter().map(|(_, reading)| reading.calls).collect();
        assert_eq!(meters.reading(&id("spread", 1)).map(|reading| reading.calls), Some(2));
        assert_eq!((calls.len(), calls.iter().sum::<u64>()), (2, 3));
        meters.retain(|known| *known == id("spread", 2), |_| true);
        assert_eq!(meters.builds().into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id("spread", 2)]);
    }

    #[test]
    fn builds_that_nobody_holds_make_room_and_others_do_not() {
        let meters = Meters::default();
        let held: Vec<_> = (0..MAX_BUILDS - 1).map(|build| meters.build(&id("held", build))).collect();
        meters.build(&id("gone", 0));
        meters.build(&id("new", 0));
        assert_eq!((meters.builds().len(), meters.reading(&id("gone", 0)).is_some()), (MAX_BUILDS, false));
        let new = meters.build(&id("new", 0));
        let unlisted = meters.build(&id("late", 0));
        unlisted.record(Ok(&Cost::default()));
        assert_eq!((meters.builds().len(), meters.reading(&id("late", 0))), (MAX_BUILDS, None));
        assert_eq!(unlisted.snapshot().calls, 1);
        drop((held, new));
        meters.build(&id("late", 0));
        assert_eq!(meters.builds().len(), 1);
    }

    #[test]
    fn a_tally_counts_by_step() {
        let meters = Meters::default();
        let name = id("spread", 0).name;
        let tally = meters.plugin(&name);
        tally.activated();
        tally.refused(Step::Compile);
        meters.plugin(&name).refused(Step::Compile);
        tally.refused(Step::CheckConfig);
        tally.quarantined();
        tally.rolled_back();
        let refused = BTreeMap::from([("compile".to_owned(), 2), ("check-config".to_owned(), 1)]);
        let expect = TallyReading { activated: 1, refused, quarantines: 1, rollbacks: 1 };
        assert_eq!(meters.plugins(), [(name.clone(), expect)]);
        meters.retain(|_| true, |known| *known != name);
        assert_eq!(meters.plugins(), []);
        for plugin in 0..=MAX_PLUGINS {
            meters.plugin(&id(&format!("p{plugin}"), 0).name);
        }
        assert_eq!(meters.plugins().len(), MAX_PLUGINS);
    }
}
