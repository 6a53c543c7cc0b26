//! Documents about the cluster and the plugin: a recorded input document read back, and what a plugin says of itself.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use verwalter_core::contract::{Description, InputKey, InputMode, Reads, SchedulerInput, SnapshotView, document, whole_document};
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::{Combine, MetricRule, Take};
use verwalter_core::names::Hostname;
use verwalter_fuzz::round::recorded::view;

fuzz_target!(|text: &str| {
    if let Ok(first) = view(text, &[]) {
        for mode in [InputMode::Document, InputMode::Columns] {
            let second = view(&written(&first, mode), &[]).expect("a document that was written is read");
            assert_eq!(seen(&first), seen(&second));
        }
    }
    if let Ok(description) = serde_json::from_str::<Description>(text) {
        let again = serde_json::to_string(&description).expect("texts and enums");
        assert_eq!(serde_json::from_str::<Description>(&again).expect("it was just written"), description);
    }
});

/// The view as an input document, completed where its plugin would have read columns.
fn written(view: &SnapshotView, mode: InputMode) -> String {
    let metrics = view.metrics().map(|name| {
        let labels = BTreeMap::from([("metric".to_owned(), name.to_owned())]);
        (name.to_owned(), MetricRule { labels, take: Take::Last, window: Duration::ZERO, combine: Combine::Sum, ..MetricRule::default() })
    });
    let reads = Reads { mode, keys: InputKey::ALL.to_vec(), metrics: metrics.collect() };
    let input = SchedulerInput {
        now: UnixMillis(1),
        round: Round(1),
        term: Term { counter: 1, leader: NodeId::from_bytes([1; 16]) },
        current_host: &Hostname::new("alpha").expect("valid"),
        current_id: NodeId::from_bytes([1; 16]),
        config: "{}",
        runtime: "{}",
        parents: &[],
        actions: "{}",
    };
    whole_document(&document(&input, &reads, view), &reads, view)
}

/// Everything that a plugin can read of a view, NaN as a text.
fn seen(view: &SnapshotView) -> Vec<String> {
    let mut seen: Vec<String> = view.snapshot().peers().json_rows().map(|(name, row)| format!("{name} {row}")).collect();
    for name in view.metrics() {
        let column = view.column(name).expect("it was listed");
        assert_eq!(column.len(), view.hostnames().len(), "one value a peer");
        seen.push(format!("{name} {:?}", column.iter().map(|value| value.to_string()).collect::<Vec<_>>()));
    }
    seen
}
