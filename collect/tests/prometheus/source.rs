//! The source as its followers see it, against a made-up server: one query for all peers, what is told when the server is silent, what is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::prometheus::{Prometheus, Settings};
use verwalter_collect::query::QuerySet;
use verwalter_collect::source::{MetricNews, MetricSource as _, Peers, SeenPeer, Wanted};
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::{MetricRule, Source, Take};
use verwalter_core::names::Hostname;

use super::support::{Asked, Made, Reply, id, now, rule, serve, settings, soon};

/// `count` peers `n2`, `n3`, …, with their numbers.
fn peers(count: u8) -> Arc<Peers> {
    let peer = |number: u8| {
        // The last one is dead.
        let (alive, hostname) = (number <= count, Hostname::new(&format!("n{number}")).expect("valid"));
        Arc::new(SeenPeer { alive, ..SeenPeer::named(id(number), hostname) })
    };
    Arc::new(Peers { peers: (2..count + 2).map(peer).collect(), ..Peers::default() })
}

fn wanted(generation: u64, rules: &[MetricRule], peers: Arc<Peers>) -> Wanted {
    Wanted { queries: Arc::new(QuerySet::compile(generation, &rules.iter().cloned().collect())), peers }
}

fn metric(name: &str) -> MetricRule {
    rule(name, Take::Last, Duration::ZERO)
}

/// A source that runs, and its news.
struct Running {
    wanted: watch::Sender<Wanted>,
    news: mpsc::Receiver<MetricNews>,
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(settings: Settings, first: Wanted) -> Running {
        let (wanted, wants) = watch::channel(first);
        let (news, told) = mpsc::channel(4);
        let drain = CancellationToken::new();
        let source = Box::new(Prometheus::new(settings));
        assert_eq!(source.source(), Source::Prometheus);
        Running { wanted, news: told, task: tokio::spawn(source.run(wants, news, drain.clone())), drain }
    }

    /// The news up to the end of a sweep, in short.
    async fn sweep(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match soon("news", self.news.recv()).await.expect("the source goes on") {
                MetricNews::Report(report) => {
                    all.push(format!("{} {}: {:?}", &report.peer.to_string()[..2], report.generation, report.row.values));
                }
                MetricNews::Trouble { peer, reason } => all.push(format!("{} trouble: {reason}", &peer.to_string()[..2])),
                MetricNews::Complaints(complaints) => all.push(format!("complaints: {}", complaints.join("; "))),
                MetricNews::Swept => return all,
            }
        }
    }

    async fn sweep_with(&mut self, part: &str) -> Vec<String> {
        let found = async {
            loop {
                let all = self.sweep().await;
                if all.iter().any(|news| news.contains(part)) {
                    return all;
                }
            }
        };
        soon(part, found).await
    }

    async fn end(self) {
        self.drain.cancel();
        // Full of news that nobody reads: it must end all the same.
        soon("the end", self.task).await.expect("it ends in order");
    }
}

fn is_clock(asked: &Asked) -> bool {
    asked.body.contains("time%28%29")
}

fn clock(now: UnixMillis) -> Reply {
    let seconds = format!("{}.{:03}", now.0 / 1_000, now.0 % 1_000);
    Reply::json(&format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[{seconds},"{seconds}"]}}}}"#))
}

/// A series a host of the metric that is asked for, with one sample, taken a second before `now`.
fn matrix(asked: &Asked, now: UnixMillis, hosts: &[(&str, f64)]) -> Reply {
    let at = (now.0 - 1_000) / 1_000;
    let name = asked.body.split("__name__%3D%22").nth(1).and_then(|rest| rest.split('%').next()).expect("a metric is asked for");
    let series = hosts
        .iter()
        .map(|(host, value)| format!(r#"{{"metric":{{"__name__":"{name}","instance":"{host}"}},"values":[[{at},"{value}"]]}}"#));
    let series: Vec<String> = series.collect();
    Reply::json(&format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(",")))
}

const BAD: &str = r#"{"status":"error","errorType":"execution","error":"out of memory"}"#;

#[tokio::test]
async fn a_rule_is_one_query_for_all_peers_and_few_run_at_once() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let two_there = Arc::new(Semaphore::new(0));
    let server = {
        let (asked, most) = (asked.clone(), most.clone());
        serve(move |request: Asked| {
            let (asked, at_once, most, two_there) = (asked.clone(), at_once.clone(), most.clone(), two_there.clone());
            async move {
                if is_clock(&request) {
                    return clock(now());
                }
                asked.lock().expect("no test panics holding it").push(request.body.clone());
                let running = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(running, Ordering::SeqCst);
                // Nobody is answered until two wait: a third would be there by then, were it allowed.
                if running == 2 {
                    two_there.add_permits(100);
                }
                let _permit = two_there.acquire().await;
                at_once.fetch_sub(1, Ordering::SeqCst);
                matrix(&request, now(), &[("n2", 2.0), ("n3:9100", 3.0), ("alpha", 1.0)])
            }
        })
        .await
    };
    let settings = Settings { concurrency: 2, interval: Duration::from_secs(3_600), ..settings(server.addr) };
    let rules = ["a", "b", "c", "d", "e"].map(metric);
    let mut running = Running::start(settings, wanted(1, &rules, peers(20)));
    let told = running.sweep().await;
    let reports: Vec<_> = told.iter().filter(|news| news.contains("[")).collect();
    assert_eq!(reports, ["01 1: [1.0, 1.0, 1.0, 1.0, 1.0]", "02 1: [2.0, 2.0, 2.0, 2.0, 2.0]", "03 1: [3.0, 3.0, 3.0, 3.0, 3.0]"]);
    let troubles = told.iter().filter(|news| news.contains("is it scraped")).count();
    assert_eq!(troubles, 17, "of 21 one is dead and three have figures: {told:#?}");
    assert_eq!(asked.lock().expect("no test panics holding it").len(), 5);
    assert_eq!(most.load(Ordering::SeqCst), 2);
    running.end().await;
}

/// A server whose mind the test can change.
async fn fickle(first: impl Into<Option<Reply>>) -> (Made, watch::Sender<Option<Reply>>) {
    let (reply, replies) = watch::channel(first.into());
    let server = serve(move |request| {
        let reply = replies.borrow().clone();
        std::future::ready(match reply {
            None if is_clock(&request) => clock(now()),
            None if request.body.contains("bad") => Reply::new("422 Unprocessable Entity", BAD),
            None => matrix(&request, now(), &[("alpha", 1.0), ("db1", 1.0)]),
            Some(reply) => reply,
        })
    })
    .await;
    (server, reply)
}

#[tokio::test]
async fn a_silent_server_is_told_of_every_living_peer_and_comes_back() {
    let (server, reply) = fickle(Reply::new("503 Service Unavailable", "starting")).await;
    let mut running = Running::start(settings(server.addr), wanted(1, &[metric("a")], peers(3)));
    let told = running.sweep().await;
    // alpha, n2 and n3; n4 is dead.
    assert_eq!(told.iter().filter(|news| news.contains("trouble: the server at") && news.contains("503")).count(), 3, "{told:#?}");
    assert!(told[3].starts_with("complaints: the server at"), "{told:#?}");
    assert_eq!(running.sweep().await.len(), 3, "the same complaint is not told again");
    reply.send_replace(None);
    let told = running.sweep_with("[1.0]").await;
    assert!(told[0] == "01 1: [1.0]" && told.len() == 4, "{told:#?}");
    assert!(told[3].starts_with("complaints: 1 values of `instance` name no peer") && told[3].contains("`db1`"), "{told:#?}");
    reply.send_replace(Some(Reply::Raw(b"HTTP/1.1 200 OK\r\n\r\n<html>".into())));
    running.sweep_with("cannot be used").await;
    running.end().await;
}

#[tokio::test]
async fn a_query_that_fails_keeps_its_last_numbers_and_leaves_the_others_alone() {
    let (reply, fails) = watch::channel(false);
    let server = serve(move |request| {
        let fails = *fails.borrow();
        std::future::ready(match () {
            () if is_clock(&request) => clock(now()),
            () if request.body.contains("second") && fails => Reply::new("422 Unprocessable Entity", BAD),
            () if fails => matrix(&request, now(), &[("alpha", 5.0)]),
            () => matrix(&request, now(), &[("alpha", 1.0)]),
        })
    })
    .await;
    let settings = Settings { scrape_interval: Duration::from_secs(100), ..settings(server.addr) };
    let rules = [metric("first"), metric("second")];
    let mut running = Running::start(settings, wanted(1, &rules, peers(0)));
    assert_eq!(running.sweep().await, ["01 1: [1.0, 1.0]"]);
    reply.send_replace(true);
    let told = running.sweep_with("complaints").await;
    assert_eq!(told[0], "01 1: [5.0, 1.0]", "{told:#?}");
    assert!(told[1].contains(r#"{__name__="second"}"#) && told[1].ends_with("out of memory"), "{told:#?}");
    // Of another generation nothing is kept: the places are others.
    running.wanted.send_replace(wanted(2, &rules, peers(0)));
    assert!(running.sweep_with(" 2: ").await.contains(&"01 2: [5.0, NaN]".to_owned()));
    reply.send_replace(false);
    let told = running.sweep_with("complaints").await;
    assert_eq!(told, ["01 2: [1.0, 1.0]", "complaints: "], "all is well again");
    running.end().await;
}

#[tokio::test]
async fn a_peer_that_has_left_is_not_told_of_what_is_kept() {
    let (server, reply) = fickle_hosts(&[("n2", 2.0), ("n3", 3.0)]).await;
    let settings = Settings { scrape_interval: Duration::from_secs(100), ..settings(server.addr) };
    let mut running = Running::start(settings, wanted(1, &[metric("a")], peers(3)));
    assert!(running.sweep().await.contains(&"03 1: [3.0]".to_owned()));
    reply.send_replace(true);
    let told = running.sweep_with("complaints").await;
    assert_eq!(told[..2], ["02 1: [2.0]", "03 1: [3.0]"], "{told:#?}");
    running.wanted.send_replace(wanted(1, &[metric("a")], peers(1)));
    // The sweep under way may have begun before.
    running.sweep().await;
    let told = running.sweep().await;
    assert!(told.contains(&"02 1: [2.0]".to_owned()) && !told.iter().any(|news| news.starts_with("03")), "{told:#?}");
    running.end().await;
}

/// A server of these hosts whose queries can be made to fail.
async fn fickle_hosts(hosts: &'static [(&str, f64)]) -> (Made, watch::Sender<bool>) {
    let (reply, fails) = watch::channel(false);
    let server = serve(move |request| {
        let fails = *fails.borrow();
        std::future::ready(match () {
            () if is_clock(&request) => clock(now()),
            () if fails => Reply::new("422 Unprocessable Entity", BAD),
            () => matrix(&request, now(), hosts),
        })
    })
    .await;
    (server, reply)
}

#[tokio::test]
async fn a_query_that_matches_nothing_is_told_with_what_is_near() {
    let names = Arc::new(AtomicUsize::new(0));
    let counted = names.clone();
    let server = serve(move |request: Asked| {
        std::future::ready(match () {
            () if is_clock(&request) => clock(now()),
            () if request.head.starts_with("GET /api/v1/label/__name__/values?") => {
                counted.fetch_add(1, Ordering::SeqCst);
                Reply::json(r#"{"status":"success","data":["node_load1","node_load15","node_load5","up","bad\nname"]}"#)
            }
            () if request.body.contains("node_load1%22") => matrix(&request, now(), &[("alpha", 1.0)]),
            () => matrix(&request, now(), &[]),
        })
    })
    .await;
    let other = MetricRule { labels: [("metric".to_owned(), "up".to_owned()), ("job".to_owned(), "x".to_owned())].into(), ..metric("up") };
    let good = metric("node_load1");
    let mut running = Running::start(settings(server.addr), wanted(1, std::slice::from_ref(&good), peers(0)));
    running.sweep().await;
    running.sweep().await;
    assert_eq!(names.load(Ordering::SeqCst), 0, "nothing is missing");
    running.wanted.send_replace(wanted(2, &[good.clone(), metric("node_laod1"), other, metric("temperature")], peers(0)));
    let told = running.sweep_with("complaints").await.pop().expect("told");
    for part in [
        r#"{__name__="node_laod1"} with a sample in the last 45 s: is it spelt right, and scraped at least every 15 s?; near to it the server knows `node_load1`, `node_load15`, `node_load5`"#,
        r#"{job="x",__name__="up"} with a sample in the last 45 s: is it spelt right, and scraped at least every 15 s?; the server knows `up`, so see the other labels"#,
        r#"{__name__="temperature"} with a sample in the last 45 s: is it spelt right, and scraped at least every 15 s?; no peer has"#,
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for _ in 0..3 {
        running.sweep().await;
    }
    running.wanted.send_replace(wanted(3, &[good, metric("node_loda1")], peers(0)));
    let told = running.sweep_with("complaints").await.pop().expect("told");
    assert!(told.contains("node_loda1") && told.contains("`node_load1`"), "{told}");
    assert_eq!(names.load(Ordering::SeqCst), 1, "names are believed for a while");
    running.end().await;
}

#[tokio::test]
async fn names_that_cannot_be_had_are_no_trouble() {
    let server = serve(|request: Asked| {
        std::future::ready(match () {
            () if is_clock(&request) => clock(now()),
            () if request.head.starts_with("GET ") => Reply::new("404 Not Found", "no such path"),
            () => matrix(&request, now(), &[]),
        })
    })
    .await;
    let mut running = Running::start(settings(server.addr), wanted(1, &[metric("a")], peers(0)));
    let told = running.sweep_with("complaints").await.pop().expect("told");
    assert!(told.ends_with("scraped at least every 15 s?"), "{told}");
    running.end().await;
}

#[tokio::test]
async fn numbers_that_are_kept_grow_stale() {
    let (reply, fails) = watch::channel(None);
    let begun = now();
    let server = serve(move |request| {
        let fails: Option<u64> = *fails.borrow();
        std::future::ready(match fails {
            // The server's clock goes on while its query fails.
            later if is_clock(&request) => clock(UnixMillis(begun.0 + later.unwrap_or(0))),
            None => matrix(&request, begun, &[("alpha", 1.0)]),
            Some(_) => Reply::new("422 Unprocessable Entity", BAD),
        })
    })
    .await;
    let settings = Settings { scrape_interval: Duration::from_secs(10), ..settings(server.addr) };
    let mut running = Running::start(settings, wanted(1, &[metric("a")], peers(0)));
    assert_eq!(running.sweep().await, ["01 1: [1.0]"]);
    reply.send_replace(Some(30_000));
    let told = running.sweep_with("complaints").await;
    assert_eq!(told[0], "01 1: [1.0]", "it is not stale yet: {told:#?}");
    reply.send_replace(Some(30_001));
    assert!(running.sweep_with("trouble").await[0].contains("is it scraped"));
    running.end().await;
}

#[tokio::test]
async fn new_queries_are_asked_at_once_and_none_ask_nothing() {
    let (server, _reply) = fickle(None).await;
    let settings = Settings { interval: Duration::from_secs(3_600), ..settings(server.addr) };
    let mut running = Running::start(settings, wanted(1, &[], peers(2)));
    assert_eq!(running.sweep().await, [] as [String; 0]);
    running.wanted.send_replace(wanted(2, &[metric("a")], peers(0)));
    assert_eq!(running.sweep().await[0], "01 2: [1.0]");
    let impossible =
        MetricRule { labels: [("metric".to_owned(), "m".to_owned()), ("a.b".to_owned(), "c".to_owned())].into(), ..metric("m") };
    running.wanted.send_replace(wanted(3, &[impossible, metric("bad")], peers(0)));
    let told = running.sweep().await;
    assert!(told[0].contains("is it scraped"), "{told:#?}");
    assert!(told[1].contains("a label `a.b`") && told[1].contains("out of memory"), "{told:#?}");
    running.end().await;
}

#[tokio::test]
async fn a_hung_server_and_a_full_channel_do_not_keep_it_from_ending() {
    let server = serve(|_| std::future::ready(Reply::Hang(Vec::new()))).await;
    Running::start(settings(server.addr), wanted(1, &[metric("a")], peers(0))).end().await;
    let (server, _reply) = fickle(None).await;
    let mut running = Running::start(settings(server.addr), wanted(1, &[metric("a")], peers(200)));
    assert!(soon("news", running.news.recv()).await.is_some());
    running.end().await;
}

#[tokio::test]
async fn our_clock_may_be_wrong() {
    // The server lives an hour ahead of us, and its samples with it.
    let server = serve(|request| {
        let ahead = UnixMillis(now().0 + 3_600_000);
        std::future::ready(if is_clock(&request) { clock(ahead) } else { matrix(&request, ahead, &[("alpha", 1.0)]) })
    })
    .await;
    let mut running = Running::start(settings(server.addr), wanted(1, &[metric("a")], peers(0)));
    let report = soon("a report", async {
        loop {
            if let Some(MetricNews::Report(report)) = running.news.recv().await {
                return report;
            }
        }
    })
    .await;
    assert_eq!(report.row.values, [1.0]);
    assert!(report.taken.0.abs_diff(now().0) < 60_000, "told by our clock: {:?}", report.taken);
    running.end().await;
}
