//! Against a real server: samples as they were written, rules as PromQL, labels of any text, a scrape of an exporter, passwords.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use verwalter_collect::prometheus::{ClientError, Credentials, Prometheus, Settings};
use verwalter_collect::query::QuerySet;
use verwalter_collect::source::{MetricNews, MetricSource as _, Peers, Report, SeenPeer, Wanted};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{Combine, MatchOp, Matcher, MetricRule, Take};
use verwalter_core::names::Hostname;

use super::support::{RealServer, Reply, Written, client, id, now, rule, secret, serve, settings, soon};

const PLAIN: &str = "global:\n  scrape_interval: 1m\n";

/// The peers besides `alpha`, which is the own node.
fn peers() -> Arc<Peers> {
    let peer = |number: u8, hostname: &str, addr: &str| {
        let (name, addr) = (format!("{hostname}.example.org"), Some(addr.parse().expect("an address")));
        Arc::new(SeenPeer { name, addr, ..SeenPeer::named(id(number), Hostname::new(hostname).expect("valid")) })
    };
    let peers = vec![peer(2, "beta", "10.0.0.2:8379"), peer(3, "gamma", "10.0.0.3:8379")];
    Arc::new(Peers { peers, ..Peers::default() })
}

/// What a source told in one sweep.
#[derive(Debug, Default)]
struct Sweep {
    reports: BTreeMap<NodeId, Report>,
    troubles: BTreeMap<NodeId, String>,
    complaints: Vec<String>,
}

/// Runs the source until a sweep satisfies `enough`.
async fn sweep_until(settings: Settings, rules: &[MetricRule], enough: impl Fn(&Sweep) -> bool) -> (QuerySet, Sweep) {
    let queries = QuerySet::compile(3, &rules.iter().cloned().collect());
    let (_wanted, wants) = watch::channel(Wanted { queries: Arc::new(queries.clone()), peers: peers() });
    let (news, mut told) = mpsc::channel(4);
    let drain = CancellationToken::new();
    let task = tokio::spawn(Box::new(Prometheus::new(settings)).run(wants, news, drain.clone()));
    let mut sweep = Sweep::default();
    let found = soon("a sweep with everything", async {
        loop {
            match told.recv().await.expect("the source goes on") {
                MetricNews::Report(report) => drop(sweep.reports.insert(report.peer, report)),
                MetricNews::Trouble { peer, reason } => drop(sweep.troubles.insert(peer, reason)),
                MetricNews::Complaints(complaints) => sweep.complaints = complaints,
                MetricNews::Swept if enough(&sweep) => return sweep,
                MetricNews::Swept => sweep = Sweep { complaints: sweep.complaints, ..Sweep::default() },
            }
        }
    });
    let found = found.await;
    drain.cancel();
    soon("the source's end", task).await.expect("it ends in order");
    (queries, found)
}

/// The value of a rule without `by` in a report.
fn value(queries: &QuerySet, report: &Report, rule: &MetricRule) -> f64 {
    let place = queries.rules().iter().filter(|rule| rule.by.is_empty()).position(|other| other == rule).expect("it was asked");
    report.row.values[place]
}

#[tokio::test]
async fn samples_come_back_as_they_were_written() {
    let Some(server) = RealServer::start(PLAIN, None) else { return };
    let now = now();
    let stale_marker = f64::from_bits(0x7ff0_0000_0000_0002);
    server
        .write(&[
            Written::new(
                &[("__name__", "level"), ("instance", "alpha")],
                now,
                &[(60, 1.5), (45, f64::INFINITY), (30, f64::NAN), (15, -2e-3)],
            ),
            Written::new(&[("__name__", "gone"), ("instance", "alpha")], now, &[(60, 1.0), (30, stale_marker)]),
        ])
        .await;
    let client = client(server.addr);
    let answer = client.instant("level[5m]", Some(now)).await.expect("an answer");
    let [series] = &answer.series[..] else { panic!("{answer:?}") };
    assert_eq!(series.labels, BTreeMap::from([("__name__".to_owned(), "level".to_owned()), ("instance".to_owned(), "alpha".to_owned())]));
    let moments: Vec<u64> = series.samples.iter().map(|(at, _)| (now.0 - at.0) / 1_000).collect();
    assert_eq!(moments, [60, 45, 30, 15]);
    let values: Vec<f64> = series.samples.iter().map(|(_, value)| *value).collect();
    assert!(values[0] == 1.5 && values[1] == f64::INFINITY && values[2].is_nan() && values[3] == -2e-3, "{values:?}");
    let gone = client.instant("gone[5m]", Some(now)).await.expect("an answer");
    assert_eq!(gone.series[0].samples.len(), 1, "no marker is among the samples");
    assert_eq!(client.instant("gone", Some(now)).await.expect("an answer").series, []);

    let start = UnixMillis(now.0 - 60_000);
    let range = client.range("level", start, now, Duration::from_secs(15)).await.expect("an answer");
    let values: Vec<f64> = range.series[0].samples.iter().map(|(_, value)| *value).collect();
    assert!(values.len() == 5 && values[0] == 1.5 && values[3] == -2e-3 && values[4] == -2e-3, "{values:?}");
    assert_eq!(range.series[0].samples[4].0, now);

    let error = client.instant("level[", None).await.expect_err("no PromQL");
    assert!(matches!(&error, ClientError::Refused { kind, .. } if kind == "bad_data"), "{error}");
    assert!(error.to_string().contains("parse error"), "{error}");
    let error = client.range("level", start, now, Duration::from_millis(1)).await.expect_err("too many points");
    assert!(error.to_string().contains("11,000 points"), "{error}");
}

#[tokio::test]
async fn every_take_gives_the_number_expected_of_every_peer() {
    let Some(server) = RealServer::start(PLAIN, None) else { return };
    let now = now();
    let reset = [(60, 100.0), (50, 110.0), (40, 4.0), (30, f64::NAN), (20, 10.0)];
    let level = [(60, 4.0), (50, -1.0), (40, 9.0), (30, f64::NAN), (20, 2.0)];
    server
        .write(&[
            // First the oldest: a server takes nothing much older than what it has.
            Written::new(&[("__name__", "level"), ("instance", "gamma:9100")], now, &[(3_000, 7.0)]),
            Written::new(&[("__name__", "requests_total"), ("instance", "alpha:9100"), ("code", "200")], now, &reset),
            Written::new(&[("__name__", "requests_total"), ("instance", "alpha:9100"), ("code", "500")], now, &[(60, 0.0), (20, 40.0)]),
            Written::new(
                &[("__name__", "requests_total"), ("instance", "BETA.example.org.:80"), ("code", "200")],
                now,
                &[(60, 0.0), (20, 80.0)],
            ),
            Written::new(&[("__name__", "level"), ("instance", "alpha:9100")], now, &level),
            Written::new(&[("__name__", "level"), ("instance", "10.0.0.2:9100")], now, &[(20, 5.0)]),
            Written::new(&[("__name__", "level"), ("instance", "db1:9100")], now, &[(20, 1e9)]),
        ])
        .await;
    // Wide windows: the numbers do not depend on how long this machine takes.
    let window = Duration::from_secs(1_000);
    let level = |take| rule("level", take, window);
    let rate = rule("requests_total", Take::Rate, window);
    let delta = rule("requests_total", Take::Delta, window);
    let least = MetricRule { combine: Combine::Min, ..rate.clone() };
    let ok = Matcher { label: "code".to_owned(), op: MatchOp::Like, value: "2..".to_owned() };
    let only_ok = MetricRule { matchers: [ok].into(), ..delta.clone() };
    let by_code = MetricRule { by: ["code".to_owned()].into(), ..delta.clone() };
    let takes = [Take::Last, Take::Avg, Take::Min, Take::Max, Take::P95, Take::Delta, Take::Series].map(level);
    // Its name is two letters away from one that there is.
    let missing = rule("request_total_", Take::Last, window);
    let mut rules = vec![rate.clone(), delta.clone(), least.clone(), only_ok.clone(), by_code.clone(), missing.clone()];
    rules.extend(takes.clone());
    let settings = Settings { scrape_interval: Duration::from_secs(200), ..settings(server.addr) };
    let (queries, sweep) = sweep_until(settings, &rules, |sweep| sweep.reports.len() == 2).await;

    let alpha = &sweep.reports[&id(1)];
    assert_eq!(alpha.generation, 3);
    // By the server's clock and back: milliseconds, not seconds, even on a busy machine.
    let newest = UnixMillis(now.0 - 20_000);
    assert!(alpha.taken.0.abs_diff(newest.0) < 10_000, "{:?} instead of {newest:?}", alpha.taken);
    let check = |report: &Report, rule: &MetricRule, expect: f64| {
        let actual = value(&queries, report, rule);
        assert!(actual == expect || actual.is_nan() && expect.is_nan(), "{rule:?}: {actual} instead of {expect}");
    };
    // +10, reset to 4, +6 in 40 s; 40 in 40 s.
    check(alpha, &rate, 0.5 + 1.0);
    check(alpha, &least, 0.5);
    check(alpha, &delta, 60.0);
    check(alpha, &only_ok, 20.0);
    for (rule, expect) in takes.iter().zip([2.0, 3.5, -1.0, 9.0, 9.0, -2.0, 2.0]) {
        check(alpha, rule, expect);
    }
    check(alpha, &missing, f64::NAN);
    let place = |rule: &MetricRule| u16::try_from(queries.rules().iter().position(|other| other == rule).expect("asked")).expect("few");
    assert_eq!(alpha.row.unmatched, [place(&missing)]);
    assert_eq!(alpha.row.samples[0].values, [4.0, -1.0, 9.0, 2.0]);
    let groups: Vec<_> = alpha.row.groups.iter().map(|group| (group.query, &group.group[0][..], group.value)).collect();
    assert_eq!(groups, [(place(&by_code), "200", 20.0), (place(&by_code), "500", 40.0)]);

    let beta = &sweep.reports[&id(2)];
    check(beta, &rate, 2.0);
    check(beta, &takes[0], 5.0);
    check(beta, &takes[5], f64::NAN);
    assert!(sweep.troubles[&id(3)].contains("is it scraped"), "its one sample is too old: {:?}", sweep.troubles);
    let told = sweep.complaints.join("\n");
    assert!(told.contains("1 values of `instance` name no peer") && told.contains("`db1:9100`"), "{told}");
    assert!(told.contains(r#"{__name__="request_total_"}"#) && told.contains("near to it the server knows `requests_total`"), "{told}");
}

#[tokio::test]
async fn any_text_of_a_label_finds_its_series_and_no_other() {
    let Some(server) = RealServer::start(PLAIN, None) else { return };
    let mut runner = TestRunner::default();
    let mut values: Vec<String> =
        ["\"", "\\", "\\\"", "a\nb", "\u{fffd}", "\0", "\u{7f}", "{}", "ä€😀", "\u{feff}x", "\\n", "'`", "\r\t", " "]
            .map(str::to_owned)
            .into();
    values.extend((0..150).map(|_| any::<String>().new_tree(&mut runner).expect("a text").current()));
    values.sort();
    values.dedup();
    // A label without text is none.
    values.retain(|value| !value.is_empty());
    let now = now();
    let name = |place: usize| format!("metric with \"quotes\" {place}");
    let series = values.iter().enumerate().map(|(place, value)| {
        // A metric's name is checked by servers, another label's value is not.
        let labels = [("__name__", "m"), ("instance", "alpha"), ("text", value), ("place", &name(place))];
        Written::new(&labels, now, &[(1, f64::from(u32::try_from(place).expect("few")))])
    });
    server.write(&series.collect::<Vec<_>>()).await;
    let rules: Vec<MetricRule> = values
        .iter()
        .map(|value| {
            let equal = [("metric", "m"), ("text", value)].map(|(key, value)| (key.to_owned(), value.to_owned()));
            MetricRule { labels: equal.into(), by: ["place".to_owned()].into(), ..rule("m", Take::Last, Duration::ZERO) }
        })
        .collect();
    let settings = Settings { scrape_interval: Duration::from_secs(600), ..settings(server.addr) };
    let (queries, sweep) = sweep_until(settings, &rules, |sweep| !sweep.reports.is_empty()).await;
    assert_eq!(sweep.complaints, [] as [String; 0]);
    let row = &sweep.reports[&id(1)].row;
    assert_eq!(row.groups.len(), values.len(), "each rule has found one series");
    for group in &row.groups {
        let rule = &queries.rules()[usize::from(group.query)];
        let place = values.iter().position(|value| *value == rule.labels["text"]).expect("it was asked");
        assert_eq!(group.group[0], name(place), "{:?}", values[place]);
    }
}

#[tokio::test]
async fn an_exporter_is_scraped_and_its_figures_arrive() {
    // Samples bear their own times: a counter of five a second has a rate of 5, however late a scrape is.
    let exporter = serve(|asked| {
        let now = now().0;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let grown = |per_second: f64| now as f64 / 1_000.0 * per_second;
        let body = match asked.head.split(' ').nth(1) {
            Some("/alpha") => {
                format!("# TYPE work counter\nwork{{kind=\"a \\\"b\\\"\"}} {} {now}\n# TYPE heat gauge\nheat 42 {now}\n", grown(5.0))
            }
            Some("/beta") => format!("# TYPE work counter\nwork {} {now}\nheat NaN {now}\n", grown(2.0)),
            _ => String::new(),
        };
        std::future::ready(Reply::Raw(
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                .into_bytes(),
        ))
    })
    .await;
    let target =
        |path: &str| format!("      - targets: ['{}']\n        labels: {{ __metrics_path__: /{path}, host: {path} }}\n", exporter.addr);
    let config = format!(
        "global:\n  scrape_interval: 300ms\n  scrape_timeout: 300ms\nscrape_configs:\n  - job_name: made\n    static_configs:\n{}{}",
        target("alpha"),
        target("beta")
    );
    let Some(server) = RealServer::start(&config, None) else { return };
    // A busy machine may scrape late.
    let settings = Settings { peer_label: "host".to_owned(), scrape_interval: Duration::from_secs(20), ..settings(server.addr) };
    let minute = Duration::from_secs(60);
    let [work, grown, heat] = [rule("work", Take::Rate, minute), rule("work", Take::Delta, minute), rule("heat", Take::Last, minute)];
    let up = rule("up", Take::Last, minute);
    let rules = [work.clone(), grown.clone(), heat.clone(), up.clone()];
    let near = |actual: f64, expect: f64| (actual - expect).abs() < 1e-3;
    let (queries, sweep) = sweep_until(settings, &rules, |sweep| {
        let queries = QuerySet::compile(0, &rules.iter().cloned().collect());
        [1, 2].iter().all(|number| sweep.reports.get(&id(*number)).is_some_and(|report| value(&queries, report, &grown) >= 4.0))
    })
    .await;
    let alpha = &sweep.reports[&id(1)];
    assert!(near(value(&queries, alpha, &work), 5.0), "{alpha:?}");
    assert_eq!((value(&queries, alpha, &heat), value(&queries, alpha, &up)), (42.0, 1.0));
    let beta = &sweep.reports[&id(2)];
    assert!(near(value(&queries, beta, &work), 2.0), "{beta:?}");
    assert!(value(&queries, beta, &heat).is_nan(), "NaN is no figure");
    assert!(alpha.taken.0.abs_diff(now().0) < 60_000);
}

#[tokio::test]
async fn a_server_with_users_lets_in_those_who_have_the_password() {
    // bcrypt of `sesame`.
    let web = "basic_auth_users:\n  reader: $2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW\n";
    let Some(server) = RealServer::start(PLAIN, Some(web)) else { return };
    let open = client(server.addr);
    let error = open.instant("1", None).await.expect_err("nobody is let in");
    assert!(matches!(error, ClientError::Denied { .. }), "{error}");
    let dir = tempfile::tempdir().expect("a directory");
    let basic = |text: &str| Credentials::Basic { user: "reader".to_owned(), password_file: secret(dir.path(), text) };
    let mut known = open.clone();
    known.credentials = basic("wrong");
    let error = known.instant("1", None).await.expect_err("nobody is let in");
    assert!(matches!(error, ClientError::Denied { .. }), "{error}");
    known.credentials = basic("sesame\n");
    let answer = known.instant("1", None).await.expect("an answer");
    assert_eq!(answer.series[0].samples[0].1, 1.0);
}
