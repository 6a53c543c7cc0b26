//! When to try again, and when it is too late. It reads no clock and tries nothing.

use std::time::{Duration, Instant};

/// Counts tries of one check.
#[derive(Debug)]
pub(super) struct Gate {
    needed: u32,
    streak: u32,
    tries: u64,
    every: Duration,
    deadline: Instant,
}

/// What follows a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There were enough successes in a row.
    Healthy,
    /// The next try begins then.
    At(Instant),
    /// No try can begin any more.
    TooLate,
}

impl Gate {
    pub(super) fn new(needed: u32, every: Duration, deadline: Instant) -> Gate {
        Gate { needed, streak: 0, tries: 0, every, deadline }
    }

    /// Counts a try that began and ended at these times.
    pub(super) fn after(&mut self, began: Instant, ended: Instant, healthy: bool) -> Next {
        self.tries += 1;
        self.streak = if healthy { self.streak + 1 } else { 0 };
        if self.streak >= self.needed {
            return Next::Healthy;
        }
        let at = (began + self.every).max(ended);
        if at >= self.deadline { Next::TooLate } else { Next::At(at) }
    }

    pub(super) fn tries(&self) -> u64 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries that last so many milliseconds and succeed or not; what follows the last one, at which millisecond, in how many tries.
    fn check(needed: u32, within_ms: u64, tries: &[(u64, bool)], expect: (&str, u64)) {
        let ms = Duration::from_millis;
        let zero = Instant::now();
        let mut gate = Gate::new(needed, ms(100), zero + ms(within_ms));
        let mut now = zero;
        let mut last = ("none", 0);
        for (index, (lasts, healthy)) in tries.iter().enumerate() {
            assert!(index == 0 || last.0 == "at", "a try after the end: {last:?}");
            let ended = now + ms(*lasts);
            last = match gate.after(now, ended, *healthy) {
                Next::Healthy => ("healthy", 0),
                Next::TooLate => ("late", 0),
                Next::At(at) => {
                    now = at;
                    ("at", u64::try_from(at.duration_since(zero).as_millis()).expect("small"))
                }
            };
        }
        assert_eq!(last, expect, "{needed} {within_ms} {tries:?}");
        assert_eq!(gate.tries(), tries.len() as u64);
    }

    #[test]
    fn successes_must_come_in_a_row() {
        check(1, 1000, &[(5, true)], ("healthy", 0));
        check(1, 1000, &[(5, false), (5, true)], ("healthy", 0));
        check(2, 1000, &[(5, true), (5, false), (5, true)], ("at", 300));
        check(2, 1000, &[(5, true), (5, false), (5, true), (5, true)], ("healthy", 0));
    }

    #[test]
    fn tries_begin_at_their_times_and_never_overlap() {
        check(1, 1000, &[(5, false)], ("at", 100));
        check(1, 1000, &[(250, false)], ("at", 250));
        check(1, 1000, &[(250, false), (5, false)], ("at", 350));
    }

    #[test]
    fn no_try_begins_at_the_end() {
        check(1, 100, &[(5, false)], ("late", 0));
        check(1, 101, &[(5, false)], ("at", 100));
        check(1, 200, &[(200, false)], ("late", 0));
        check(2, 100, &[(5, true)], ("late", 0));
        check(1, 200, &[(200, true)], ("healthy", 0));
    }
}
