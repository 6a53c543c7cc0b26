//! Questions to a history of two series.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::metrics::MetricRule;

use super::*;
use crate::series::Sample;

const SECOND: Duration = Duration::from_secs(1);

fn rule(metric: &str) -> MetricRule {
    MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), ..MetricRule::default() }
}

fn history() -> History {
    let mut history = History::new(2 * SECOND);
    for moment in 1..=5_u32 {
        let sample = |metric: &str, kind, value| Sample { labels: rule(metric).labels, kind, value };
        let samples = vec![sample("load", SampleKind::Gauge, f64::from(moment)), sample("work", SampleKind::Counter, 10.0)];
        history.append(2 * SECOND * moment, samples);
    }
    history
}

/// Answers one question at 11 s.
async fn answered<T>(history: &mut History, ask: impl AsyncFnOnce(Inquirer) -> T) -> T {
    let (inquirer, mut inquiries) = channel();
    let machine = Arc::new(serde_json::Map::from_iter([("rack".to_owned(), "r1".into())]));
    let about = About { machine, state: None };
    let answering = async {
        while let Some(inquiry) = inquiries.next().await {
            inquiry.answer(history, 11 * SECOND, &about);
        }
    };
    tokio::join!(ask(inquirer), answering).0
}

#[tokio::test]
async fn a_row_comes_with_its_age_and_the_facts() {
    let queries = Arc::new(QuerySet::compile(1, &[rule("load")].into()));
    let row = answered(&mut history(), async |inquirer| inquirer.row(queries.clone()).await).await.expect("there are samples");
    assert_eq!((row.age, &*row.row.values, row.about.machine["rack"].as_str()), (SECOND, &[5.0][..], Some("r1")));
    let none = answered(&mut History::new(SECOND), async |inquirer| inquirer.row(queries).await).await;
    assert_eq!(none, None, "nothing was read yet");
}

#[tokio::test]
async fn series_are_listed_up_to_the_limit() {
    let all = answered(&mut history(), async |inquirer| inquirer.series(None, 10).await).await.expect("an answer");
    let line =
        |metric: &str, kind, value| SeriesLine { labels: BTreeMap::clone(&rule(metric).labels), kind, newest: Some((SECOND, value)) };
    assert_eq!(all.found, [line("load", SampleKind::Gauge, 5.0), line("work", SampleKind::Counter, 10.0)]);
    assert_eq!(all.left_out, 0);
    let first = answered(&mut history(), async |inquirer| inquirer.series(None, 1).await).await.expect("an answer");
    assert_eq!((first.found.len(), first.left_out), (1, 1));
}

#[tokio::test]
async fn samples_come_by_age_oldest_first() {
    let query = Arc::new(Query::compile(&rule("load")).expect("a rule"));
    let listed = answered(&mut history(), async |inquirer| inquirer.samples(query, 5 * SECOND, 10).await).await.expect("an answer");
    assert_eq!(listed.found.len(), 1);
    assert_eq!(listed.found[0].samples, [(5 * SECOND, 3.0), (3 * SECOND, 4.0), (SECOND, 5.0)]);
}

#[tokio::test]
async fn whoever_asks_a_collector_that_has_ended_learns_it() {
    let (inquirer, inquiries) = channel();
    drop(inquiries);
    assert_eq!(inquirer.series(None, 1).await, None);
}
