//! Three agents, and what becomes of rules, rows and facts between them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use verwalter_collect::Published;
use verwalter_collect::agent::figures::counts::Cause;
use verwalter_collect::query::Query;
use verwalter_core::digest::Digest;
use verwalter_core::metrics::{MetricRule, Take};
use verwalter_core::names::RoleName;
use verwalter_core::peers::NodeState;

use crate::agents::{Node, Shape, fact, values};

fn rule(metric: &str) -> MetricRule {
    MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), ..MetricRule::default() }
}

fn load() -> MetricRule {
    rule("load_avg_1min")
}

/// Whether a column has exactly these numbers, by hostname.
fn says(published: &Published, rule: &MetricRule, expect: &[(&str, f64)]) -> bool {
    let values = values(published, rule);
    values.len() == expect.len() && values.iter().zip(expect).all(|((name, value), (host, number))| name == host && value == number)
}

async fn three() -> [Node; 3] {
    let first = Node::start(Shape::new(1, &[])).await;
    let second = Node::start(Shape::new(2, &[first.addr])).await;
    let third = Node::start(Shape::new(3, &[first.addr])).await;
    [first, second, third]
}

#[tokio::test]
async fn the_columns_of_all_arrive_where_they_are_asked_for() {
    let [mut first, mut second, third] = three().await;
    first.ask(&[load()]);
    let all = [("n1", 1.0), ("n2", 2.0), ("n3", 3.0)];
    first.shows("the load of all three", |published| says(published, &load(), &all)).await;
    let published =
        first.shows("facts of both", |published| fact(published, "n3", "kernel").is_some() && fact(published, "n2", "kernel").is_some());
    let published = published.await;
    assert_eq!(fact(&published, "n2", "kernel"), fact(&published, "n1", "kernel"), "one machine in truth");
    // Other rules, a query with groups and one with samples among them.
    let groups = MetricRule { by: ["interface".to_owned()].into(), ..rule("net.interface.rx.bytes") };
    let samples = MetricRule { take: Take::Series, window: Duration::from_secs(60), ..rule("load_avg_5min") };
    first.ask(&[groups.clone(), samples.clone()]);
    let published = first
        .shows("the other columns", |published| {
            published.snapshot.column(&samples).is_some_and(|column| (0..3).all(|row| column.series(row).len() > 2))
        })
        .await;
    assert!(says(&published, &samples, &all));
    assert!(published.snapshot.column(&load()).is_none());
    // A second asker with rules of its own.
    second.ask(&[load()]);
    second.shows("the load of all three", |published| says(published, &load(), &all)).await;
    let samples_before = first.published.borrow().as_ref().expect("published").samples;
    let goes_on = |published: &Published| published.samples > samples_before + 3 && says(published, &samples, &all);
    first.shows("the first is told as before", goes_on).await;
    for node in [first, second, third] {
        node.stop().await;
    }
}

#[tokio::test]
async fn what_a_node_says_of_its_work_arrives_and_stays_with_it_when_it_is_gone() {
    let [mut first, second, third] = three().await;
    // Nothing is asked but what they say of themselves.
    first.ask(&[]);
    let state = |errors| NodeState { roles: [RoleName::new("web").expect("a role")].into(), schedule: Some(Digest::of(b"x")), errors };
    let told = |published: &Published, host: &str, errors| {
        let peers = published.snapshot.peers();
        let peer = peers.iter().chain(peers.absent()).find(|peer| peer.hostname.as_str() == host);
        peer.and_then(|peer| peer.state.as_deref()) == Some(&state(errors))
    };
    second.state.send_replace(Some(Arc::new(state(0))));
    first.state.send_replace(Some(Arc::new(state(1))));
    first.shows("both states", |published| told(published, "n2", 0) && told(published, "n1", 1)).await;
    second.kill().await;
    let gone = |published: &Published| published.snapshot.peers().absent().any(|peer| peer.hostname.as_str() == "n2" && !peer.alive);
    let published = first.shows("the second is gone", gone).await;
    assert!(told(&published, "n2", 0) && published.snapshot.peers().position("n2").is_none());
    for node in [first, third] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_member_that_starts_again_is_told_the_rules_again() {
    let [mut first, second, third] = three().await;
    first.ask(&[load()]);
    first.shows("the load of all", |published| says(published, &load(), &[("n1", 1.0), ("n2", 2.0), ("n3", 3.0)])).await;
    let bind = third.addr;
    third.kill().await;
    let told = first.shows("who is silent", |published| published.sources.troubles.iter().any(|text| text.contains("no figures from n3")));
    told.await;
    let again = Node::start(Shape { bind, interfaces: 3, ..Shape::new(3, &[second.addr]) }).await;
    std::fs::write(again.files.path().join("proc/loadavg"), "7.00 7.00 7.00 1/1 1\n").expect("written");
    first.shows("figures of its new life", |published| says(published, &load(), &[("n1", 1.0), ("n2", 2.0), ("n3", 7.0)])).await;
    for node in [first, second, again] {
        node.stop().await;
    }
}

#[tokio::test]
async fn whoever_has_another_key_hears_and_tells_nothing() {
    let mut first = Node::start(Shape::new(1, &[])).await;
    let mut second = Node::start(Shape::new(2, &[first.addr])).await;
    let mut stranger = Node::start(Shape { key: 9, ..Shape::new(3, &[first.addr]) }).await;
    for node in [&mut first, &mut stranger] {
        node.ask(&[load()]);
    }
    first.shows("figures of the second", |published| says(published, &load(), &[("n1", 1.0), ("n2", 2.0)])).await;
    stranger.counts("its packets come back to nobody", |status| status.counts.sent == 0 && status.alive == 0).await;
    let alone = stranger.shows("its own figures", |published| says(published, &load(), &[("n3", 3.0)])).await;
    assert_eq!(alone.snapshot.peers().len(), 1);
    let told = second.counts("rows were told", |status| status.figures.told > 2).await;
    assert_eq!(told.figures.heard, 0, "it asked for nothing");
    for node in [first, second, stranger] {
        node.stop().await;
    }
}

#[tokio::test]
async fn noise_for_figures_is_dropped_and_counted() {
    let mut first = Node::start(Shape::new(1, &[])).await;
    let second = Node::start(Shape::new(2, &[first.addr])).await;
    first.ask(&[load()]);
    let both = [("n1", 1.0), ("n2", 2.0)];
    first.shows("figures of the second", |published| says(published, &load(), &both)).await;
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    // A wish and a row as their first bytes claim: in clear, and sealed with a key that is none.
    for kind in [3, 4] {
        for sealed in [0, 1] {
            let head = [0xB7, 1, kind, sealed, 4];
            socket.send_to(&[&head[..], b"test", &[7; 200]].concat(), first.addr).expect("sent");
        }
    }
    let mut stream = tokio::net::TcpStream::connect(first.addr).await.expect("it listens");
    let question = [&[0xB7, 1, 5, 0, 4][..], b"test", &[7; 200]].concat();
    stream.write_all(&u32::try_from(question.len()).expect("short").to_be_bytes()).await.expect("sent");
    stream.write_all(&question).await.expect("sent");
    first.counts("five packets were dropped", |status| status.figures.dropped(Cause::Outside) == 5).await;
    let heard = first.status.borrow().figures.heard;
    first.counts("rows go on", |status| status.figures.heard > heard).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_row_of_many_datagrams_arrives_whole() {
    let mut first = Node::start(Shape::new(1, &[])).await;
    // Many values, each with samples: more than four datagrams.
    let second = Node::start(Shape { interfaces: 60, ..Shape::new(2, &[first.addr]) }).await;
    let by: MetricRule = MetricRule {
        by: ["interface".to_owned()].into(),
        take: Take::Series,
        window: Duration::from_secs(60),
        ..rule("net.interface.rx.bytes")
    };
    first.ask(std::slice::from_ref(&by));
    let wide = |published: &Published| {
        let columns = published.snapshot.columns().iter().filter(|(id, _)| id.rule == by);
        columns.filter(|(_, column)| column.series(1).len() > 8).count() == 60
    };
    first.shows("sixty columns with samples", wide).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn facts_follow_the_operator() {
    let mut first = Node::start(Shape::new(1, &[])).await;
    let second = Node::start(Shape::new(2, &[first.addr])).await;
    first.ask(&[load()]);
    for rack in ["r1", "r2"] {
        second.machine.send_replace(Arc::new(json!({ "rack": rack }).as_object().expect("an object").clone()));
        first.shows("the rack", |published| fact(published, "n2", "rack").as_deref() == Some(rack)).await;
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn the_history_answers_those_who_ask_it() {
    let mut node = Node::start(Shape::new(5, &[])).await;
    node.shows("some readings", |published| published.samples > 5).await;
    let query = Arc::new(Query::compile(&load()).expect("a rule"));
    let series = node.inquirer.series(Some(query.clone()), 10).await.expect("the collector runs");
    assert_eq!(series.found.len(), 1);
    assert_eq!(series.found[0].newest.map(|(_, value)| value), Some(5.0));
    let samples = node.inquirer.samples(query, Duration::from_secs(60), 10).await.expect("the collector runs");
    assert!(samples.found[0].samples.len() > 2 && samples.found[0].samples.is_sorted_by(|a, b| a.0 > b.0));
    node.stop().await;
}
