//! `wait`, `splay` and `interval`: how soon and how often a changed role is deployed, as settings and render files write it. It measures no
//! time and decides nothing.

use std::time::Duration;

use serde::Deserialize;

use super::units::TimeSpan;

/// Longest of all of these: a role that waits for more than a day looks like one that was forgotten.
const LONGEST: TimeSpan = TimeSpan::from_millis(24 * 3_600_000);
/// Longest quiet: four times that, the default of `max`, is still within [`LONGEST`].
const LONGEST_QUIET: TimeSpan = TimeSpan::from_millis(6 * 3_600_000);
/// As consul-template has it.
const MAX_PER_MIN: u32 = 4;

/// How long a change is let settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wait {
    min: Duration,
    max: Duration,
}

impl Wait {
    /// So long must nothing have changed.
    pub fn min(self) -> Duration {
        self.min
    }

    /// So long after the first change nothing more is waited for. At least [`Wait::min`].
    pub fn max(self) -> Duration {
        self.max
    }

    /// With `max` raised to `min` where it is less.
    pub fn new(min: Duration, max: Duration) -> Wait {
        Wait { min, max: max.max(min) }
    }
}

/// How a role is deployed whose inputs changed. All of it zero: at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// How long it is let settle.
    pub wait: Wait,
    /// A random part of this is waited then, so that nodes that learn of a change together do not act together.
    pub splay: Duration,
    /// Least time between two deployments that did something.
    pub interval: Duration,
}

/// What is written of a pace; the rest is somebody else's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaceKeys {
    wait: Option<Wait>,
    splay: Option<Duration>,
    interval: Option<Duration>,
}

impl PaceKeys {
    /// Checks what was written. `refuse` is told the path of a key and what is wrong with it; the key counts as not written then.
    pub(crate) fn check(raw: RawPace, refuse: &mut Refuse<'_>) -> PaceKeys {
        let wait = raw.wait.and_then(|wait| wait.check(refuse));
        let splay = raw.splay.and_then(|span| within(span, LONGEST, &["splay"], refuse));
        let interval = raw.interval.and_then(|span| within(span, LONGEST, &["interval"], refuse));
        PaceKeys { wait, splay, interval }
    }

    /// The larger of each that is written in one of both.
    #[must_use]
    pub fn largest(self, other: PaceKeys) -> PaceKeys {
        let wait = match (self.wait, other.wait) {
            (Some(one), Some(another)) => Some(Wait::new(one.min.max(another.min), one.max.max(another.max))),
            (one, another) => one.or(another),
        };
        PaceKeys { wait, splay: self.splay.max(other.splay), interval: self.interval.max(other.interval) }
    }

    /// The pace that this makes of `default`.
    pub fn over(self, default: Pace) -> Pace {
        Pace {
            wait: self.wait.unwrap_or(default.wait),
            splay: self.splay.unwrap_or(default.splay),
            interval: self.interval.unwrap_or(default.interval),
        }
    }
}

/// The keys as they are written.
#[derive(Debug, Default)]
pub(crate) struct RawPace {
    pub(crate) wait: Option<RawWait>,
    pub(crate) splay: Option<TimeSpan>,
    pub(crate) interval: Option<TimeSpan>,
}

/// `wait` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWait {
    min: TimeSpan,
    max: Option<TimeSpan>,
}

impl RawWait {
    fn check(&self, refuse: &mut Refuse<'_>) -> Option<Wait> {
        let min = within(self.min, LONGEST_QUIET, &["wait", "min"], refuse);
        let Some(written) = self.max else { return min.map(|min| Wait::new(min, min * MAX_PER_MIN)) };
        let (max, min) = (within(written, LONGEST, &["wait", "max"], refuse)?, min?);
        if max < min {
            let message =
                format!("{written} is less than `min`, {}: write that or more, or leave it out for {MAX_PER_MIN} times as much", self.min);
            refuse(&["wait", "max"], message);
            return None;
        }
        Some(Wait::new(min, max))
    }
}

/// Is told the path of a key and what is wrong with it.
type Refuse<'a> = dyn FnMut(&[&str], String) + 'a;

fn within(span: TimeSpan, longest: TimeSpan, keys: &[&str], refuse: &mut Refuse<'_>) -> Option<Duration> {
    if span > longest {
        refuse(keys, format!("{span} is out of range: write 0s to {longest}"));
        return None;
    }
    Some(span.0)
}

#[cfg(test)]
mod tests;
