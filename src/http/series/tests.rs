//! Questions over HTTP to a made-up history, to a collector that says nothing, and to one that has ended.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;
use verwalter_collect::history::History;
use verwalter_collect::inquiry::{self, Inquiries};
use verwalter_collect::series::Sample;
use verwalter_collect::source::About;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

/// Five moments, the newest one second ago.
fn history() -> History {
    let mut history = History::new(2 * SECOND);
    for moment in 1..=5_u32 {
        let sample = |pairs: &[(&str, &str)], kind, value| Sample { labels: labels(pairs), kind, value };
        let samples = vec![
            sample(&[("metric", "cpu.busy")], SampleKind::Gauge, f64::from(moment) / 10.0),
            sample(&[("metric", "disk.read.bytes"), ("device", "sda")], SampleKind::Counter, f64::from(moment) * 512.0),
            sample(&[("metric", "disk.read.bytes"), ("device", "sdb")], SampleKind::Counter, 0.0),
        ];
        history.append(2 * SECOND * moment, samples);
    }
    history
}

fn router(history: Inquirer, deadline: Duration) -> Router {
    within(Context {
        history,
        hostname: "alpha".parse().expect("a hostname"),
        deadline,
        turns: Turns::new(SLOTS, turns::WAIT, "such answers are being made"),
    })
}

async fn get_from(router: Router, path: &str) -> (u16, Value) {
    let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("it answers");
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// What a node answers whose collector stands at eleven seconds.
async fn answer(path: &str) -> (u16, Value) {
    let (inquirer, inquiries) = inquiry::channel();
    inquiries.read(5);
    let answering = async |mut inquiries: Inquiries| {
        let (mut history, facts) = (history(), About::default());
        while let Some(inquiry) = inquiries.next().await {
            inquiry.answer(&mut history, 11 * SECOND, &facts);
        }
    };
    tokio::join!(get_from(router(inquirer, Duration::from_secs(60)), path), answering(inquiries)).0
}

#[tokio::test]
async fn series_are_listed() {
    let (status, all) = answer("/v1/metrics").await;
    assert_eq!(
        (status, &all["v"], &all["hostname"], &all["readings"], &all["left_out"]),
        (200, &json!(1), &json!("alpha"), &json!(5), &json!(0))
    );
    assert!(all.get("near").is_none() && all.get("since_ms").is_none() && all["at"].is_u64(), "{all:#}");
    let busy = json!({ "labels": { "metric": "cpu.busy" }, "kind": "gauge", "unit": "ratio", "value": 0.5, "age_ms": 1000 });
    let names =
        |answer: &Value| answer["series"].as_array().map(|list| list.iter().map(|one| one["labels"]["device"].clone()).collect::<Vec<_>>());
    assert!(all["series"].as_array().is_some_and(|list| list.len() == 3 && list.contains(&busy)), "{all:#}");
    let (_, some) = answer("/v1/metrics?match=disk.*&match=device!=sdb").await;
    assert_eq!(names(&some), Some(vec![json!("sda")]), "{some:#}");
    assert_eq!((&some["series"][0]["kind"], &some["series"][0]["unit"]), (&json!("counter"), &json!("bytes")));
    let (_, escaped) = answer("/v1/metrics.pretty?match=disk.read.bytes%7Bdevice%3D~%22sd.%22%7D&limit=1").await;
    assert_eq!((names(&escaped), &escaped["left_out"]), (Some(vec![json!("sda")]), &json!(1)), "{escaped:#}");
}

#[tokio::test]
async fn samples_are_told_oldest_first() {
    let (status, told) = answer("/v1/metrics/samples?match=disk.*&match=device=sda&since=5s").await;
    assert_eq!((status, &told["since_ms"], &told["left_out"]), (200, &json!(5000), &json!(0)), "{told:#}");
    let expect = json!([{
        "labels": { "metric": "disk.read.bytes", "device": "sda" }, "kind": "counter", "unit": "bytes",
        "samples": [[5000, 1536.0], [3000, 2048.0], [1000, 2560.0]],
    }]);
    assert_eq!(told["series"], expect);
    let (_, limited) = answer("/v1/metrics/samples?limit=2").await;
    assert_eq!(
        (limited["series"].as_array().map(Vec::len), &limited["left_out"], &limited["since_ms"]),
        (Some(2), &json!(1), &json!(600_000))
    );
}

#[tokio::test]
async fn what_matches_nothing_comes_with_near_misses() {
    for path in ["/v1/metrics?match=cpu.bussy", "/v1/metrics/samples?match=cpu.bussy"] {
        let (status, told) = answer(path).await;
        assert_eq!((status, &told["series"], &told["near"]), (200, &json!([]), &json!(["cpu.busy"])), "{told:#}");
    }
}

#[tokio::test]
async fn bad_questions_are_refused_by_name() {
    let check = async |path: &str, code: &str, told: &str| {
        let (status, answer) = answer(path).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(code)), "{path}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(told)), "{told}: {answer}");
    };
    check("/v1/metrics?match=interface!lo", "bad-selection", "`interface!lo` cannot be understood: has none of the operators").await;
    check("/v1/metrics?match=", "bad-selection", "a selection is empty").await;
    check("/v1/metrics/samples?match=a=~(", "bad-selection", "is no regular expression").await;
    check("/v1/metrics?mach=x", "bad-query", "there is no parameter `mach`: `match` and `limit` are").await;
    check("/v1/metrics?since=1m", "bad-query", "there is no parameter `since`").await;
    check("/v1/metrics?limit=0", "bad-query", "`limit` must be a whole number from 1 to 4096").await;
    check("/v1/metrics/samples?limit=65", "bad-query", "`limit` must be a whole number from 1 to 64").await;
    check("/v1/metrics/samples?limit=1&limit=2", "bad-query", "`limit` is there twice").await;
    check("/v1/metrics/samples?since=10", "bad-query", "`since`: write a whole number and a unit").await;
    check("/v1/metrics/samples?since=2h", "bad-query", "from 1ms to 1h").await;
    check("/v1/metrics/samples?since=0s", "bad-query", "from 1ms to 1h").await;
}

#[tokio::test]
async fn a_collector_that_does_not_answer_is_not_waited_for() {
    for path in ["/v1/metrics", "/v1/metrics/samples"] {
        let (inquirer, inquiries) = inquiry::channel();
        let (status, told) = get_from(router(inquirer.clone(), Duration::from_millis(1)), path).await;
        assert_eq!((status, &told["error"]["code"]), (503, &json!("busy")), "{told}");
        drop(inquiries);
        let (status, told) = get_from(router(inquirer, Duration::from_secs(60)), path).await;
        assert_eq!((status, &told["error"]["code"]), (503, &json!("ending")), "{told}");
    }
}
