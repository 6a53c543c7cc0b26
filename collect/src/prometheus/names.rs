//! What a query that matches nothing may have meant, among the names of metrics that the server knows. They are asked for only when there is
//! such a query, and not often; without them the complaint is shorter, and nothing else is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::MetricRule;

use super::client::Client;
use super::selector::METRIC_LABEL;
use crate::query::near_misses;
use crate::series::Labels;
use crate::source::MAX_COMPLAINTS;

/// For how long names are believed, and how long it is waited after they could not be had. Arbitrary: somebody who scrapes another metric
/// learns of it within minutes, and a server with many pays little.
const NAMES_AGE: Duration = Duration::from_secs(300);

/// How far back a name must have been in use, in milliseconds.
const SINCE_MS: u64 = 3_600_000;

/// The names of the server's metrics, and what was found near to rules.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Arc<Vec<Labels>>,
    asked_at: Option<Instant>,
    /// By rule; made of the names above.
    near: BTreeMap<MetricRule, Vec<String>>,
}

impl Names {
    /// Learns what is near to `rules`, which match nothing, and forgets what was near to others. Waits for one answer of the server's at most.
    ///
    /// `now` is the server's present: only names with samples in the hour before it are asked for, as what may be scraped still.
    pub(super) async fn follow(&mut self, client: &Client, now: UnixMillis, mut rules: Vec<MetricRule>) {
        // Those beyond are not told of, and each is compared with every name.
        rules.truncate(MAX_COMPLAINTS);
        self.near.retain(|rule, _| rules.contains(rule));
        if rules.is_empty() {
            return;
        }
        if self.asked_at.is_none_or(|at| at.elapsed() >= NAMES_AGE) {
            self.asked_at = Some(Instant::now());
            match client.names(UnixMillis(now.0.saturating_sub(SINCE_MS)), now).await {
                Ok(names) => {
                    let labels = |name| Labels::from([(METRIC_LABEL.to_owned(), name)]);
                    self.names = Arc::new(names.into_iter().map(labels).collect());
                    self.near.clear();
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::debug!(error, "the names of the server's metrics cannot be had: what a query may have meant is not told");
                }
            }
        }
        let fresh: Vec<MetricRule> = rules.into_iter().filter(|rule| !self.near.contains_key(rule)).collect();
        if fresh.is_empty() || self.names.is_empty() {
            return;
        }
        let names = self.names.clone();
        // Each rule is compared with each name, letter by letter.
        let compared = tokio::task::spawn_blocking(move || {
            fresh.into_iter().map(|rule| (near_misses(&rule, names.iter()), rule)).map(|(near, rule)| (rule, near)).collect::<Vec<_>>()
        });
        match compared.await {
            Ok(near) => self.near.extend(near),
            Err(error) => tracing::error!(%error, "comparing names broke off: a defect, please report it"),
        }
    }

    /// What may have been meant, for the end of a complaint: empty where nothing is near.
    pub(super) fn hint(&self, rule: &MetricRule) -> String {
        let near = self.near.get(rule).map_or(&[][..], Vec::as_slice);
        match near {
            [] => String::new(),
            [same] if rule.labels.get(METRIC_LABEL) == Some(same) => {
                format!("; the server knows `{same}`, so see the other labels, and that its targets are up")
            }
            near => format!("; near to it the server knows `{}`", near.join("`, `")),
        }
    }
}
