//! Who says what, and what is wrong with it: for the status page and the log.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::metrics::{MetricRule, Source};

/// Where peers and figures come from, for the status page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourcesState {
    /// What the peer source is called that counts; `None`: this node knows no others.
    pub peers: Option<&'static str>,
    /// Where the figures of rules without `source` come from.
    pub metrics: Option<Source>,
    /// What is wrong, a text each that says where and what to do.
    pub troubles: Vec<String>,
    /// Rules that match no series of any peer, each with what may have been meant. What that is on a Prometheus server stands in `troubles`.
    pub unmatched: Vec<(MetricRule, Vec<String>)>,
}

/// A text that was logged is not logged again for so long, however often it comes and goes.
const AGAIN: Duration = Duration::from_secs(600);
/// Most lines in a minute: what others send must not fill the disk.
const LINES: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);

/// What of it was logged, and when.
#[derive(Debug, Default)]
pub(super) struct Logged {
    texts: BTreeMap<String, Duration>,
    /// Since when lines are counted, and how many there were.
    minute: (Duration, usize),
}

impl Logged {
    /// Logs what is wrong now and was not `before`. `now` grows.
    pub(super) fn follow(&mut self, state: &SourcesState, before: &SourcesState, now: Duration) {
        for trouble in state.troubles.iter().filter(|trouble| !before.troubles.contains(trouble)) {
            if self.may(trouble, now) {
                tracing::warn!(trouble, "something is wrong with peers or figures");
            }
        }
        let known = |rule: &MetricRule| before.unmatched.iter().any(|(known, _)| known == rule);
        for (rule, near) in state.unmatched.iter().filter(|(rule, _)| !known(rule)) {
            if self.may(&rule.to_string(), now) {
                let near = (!near.is_empty()).then(|| near.join(", "));
                tracing::warn!(metric = %rule, near, "a metric matches no series of any node: its column is empty");
            }
        }
    }

    fn may(&mut self, text: &str, now: Duration) -> bool {
        self.texts.retain(|_, at| now.saturating_sub(*at) < AGAIN);
        if now.saturating_sub(self.minute.0) >= MINUTE {
            self.minute = (now, 0);
        }
        let may = self.minute.1 < LINES && !self.texts.contains_key(text);
        if may {
            self.minute.1 += 1;
            self.texts.insert(text.to_owned(), now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_logged_once_and_a_flood_is_not() {
        let mut logged = Logged::default();
        let second = Duration::from_secs;
        let mut may = |text: &str, at| logged.may(text, second(at));
        assert!(may("one", 0) && may("two", 1));
        assert!(!may("one", 2) && !may("two", 3) && !may("one", 599));
        assert!(may("one", 600));
        assert_eq!((0..100).filter(|number| may(&format!("flood {number}"), 700)).count(), 8);
        assert_eq!((0..100).filter(|number| may(&format!("flood {number}"), 760)).count(), 8, "another minute, and others of them");
    }
}
