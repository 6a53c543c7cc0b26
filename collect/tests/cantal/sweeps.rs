//! Who is asked when, and how agents that misbehave are met.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use verwalter_collect::cantal::Settings;
use verwalter_collect::source::{MetricNews, SeenPeer};
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::Take;

use crate::machine::Machine;
use crate::scene::{Scene, agent, counter, peer, rule, wanted};
use crate::server::{Reply, Server, Then, within};
use crate::{id, settings};

#[tokio::test]
async fn every_peer_is_asked_and_one_that_hangs_delays_nobody() {
    let machine = |value| {
        let mut machine = Machine::scanned(1_795_000_000_000, 10);
        machine.put(&[("metric", "m")], counter(&[value]));
        machine
    };
    let (hold, held) = watch::channel(());
    let hung = Server::start(move |_| Reply::ok(b"").then(Then::Wait(held.clone()))).await;
    let (own, second) = (agent(machine(1)).await, agent(machine(2)).await);
    let dead = SeenPeer { alive: false, ..peer(5, Some(second.addr)) };
    let peers = [peer(2, Some(second.addr)), peer(3, Some(hung.addr)), peer(4, None), dead];
    let mut scene = Scene::new(settings(own.addr), wanted(1, &[rule("m", Take::Last, 0)], peers));
    let mut told = BTreeMap::new();
    while told.len() < 3 {
        match scene.next().await {
            MetricNews::Report(report) => drop(told.insert(report.peer, format!("{:?}", report.row.values))),
            MetricNews::Trouble { peer, reason } => drop(told.insert(peer, reason)),
            other @ (MetricNews::Complaints(_) | MetricNews::Swept) => panic!("one of them has said nothing yet: {other:?}"),
        }
    }
    assert_eq!((told[&id(1)].as_str(), told[&id(2)].as_str()), ("[1.0]", "[2.0]"));
    assert!(told[&id(4)].contains("no address"), "{told:?}");
    hung.holds(1).await;
    drop(hold);
    let last = scene.sweep().await;
    assert!(matches!(last[..], [MetricNews::Trouble { peer, .. }] if peer == id(3)), "{last:?}");
    scene.end().await;
}

#[tokio::test]
async fn an_agent_that_hangs_is_given_up_and_told_of_once() {
    let (_hold, held) = watch::channel(());
    let hung = Server::start(move |_| Reply::ok(b"").then(Then::Wait(held.clone()))).await;
    let settings = Settings { query_deadline: Duration::from_millis(50), ..settings(hung.addr) };
    let mut scene = Scene::new(settings, wanted(1, &[rule("m", Take::Last, 0)], []));
    let first = scene.sweep().await;
    let [MetricNews::Trouble { peer, reason }] = &first[..] else { panic!("{first:?}") };
    assert_eq!(*peer, id(1));
    assert!(reason.contains(&hung.addr.to_string()) && reason.contains("within 50 ms"), "{reason}");
    assert!(scene.sweep().await.is_empty());
    scene.end().await;
}

#[tokio::test]
async fn an_agent_that_misbehaves_is_told_of_and_heard_again() {
    let good = Machine::scanned(1_795_000_000_000, 10);
    let bad: Arc<Mutex<Option<Reply>>> = Arc::default();
    let answers = bad.clone();
    let server = Server::start(move |asked| {
        let bad = answers.lock().expect("not poisoned").clone();
        bad.unwrap_or_else(|| Reply::ok(&good.answer(&asked.body)))
    })
    .await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, &[rule("uptime", Take::Last, 0)], []));
    scene.report(id(1)).await;
    let misbehaviours = [
        (Reply::raw(""), "patterns in the queries"),
        (Reply::raw("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"), "status 501"),
        (Reply::ok(b"\xff\xff"), "not the expected CBOR"),
        (Reply::ok(b"{}"), "not the expected CBOR"),
        (Reply::ok(b"\xa0"), "no samples yet"),
        (Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), "shorter window"),
    ];
    for (reply, words) in misbehaviours {
        *bad.lock().expect("not poisoned") = Some(reply);
        let trouble = scene.trouble(id(1)).await;
        assert!(trouble.contains(words), "{words}: {trouble}");
        *bad.lock().expect("not poisoned") = None;
        assert_eq!(scene.report(id(1)).await.row.values, [1_000.0]);
    }
    scene.end().await;
}

#[tokio::test]
async fn a_query_that_the_agent_refuses_spoils_no_other() {
    let machine = Machine::scanned(1_795_000_000_000, 10);
    let server = Server::start(move |asked| {
        let mut question: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
        let rules = question["rules"].as_object_mut().expect("rules");
        let refused = rules.iter().find(|(_, rule)| rule["series"]["condition"][2] == "odd").expect("asked for").0.clone();
        rules.remove(&refused);
        let mut bytes = machine.answer(&question.to_string());
        // One more rule in the map, whose name has two letters: a data set of the kind 77.
        assert_eq!((bytes[8], refused.len()), (0xa1, 2));
        bytes[8] = 0xa2;
        bytes.push(0x62);
        bytes.extend(refused.as_bytes());
        bytes.extend([0x81, 0x18, 77]);
        Reply::ok(&bytes)
    })
    .await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, &[rule("odd", Take::Last, 0), rule("uptime", Take::Last, 0)], []));
    let trouble = scene.trouble(id(1)).await;
    assert!(trouble.contains("odd") && trouble.contains("unknown kind 77"), "{trouble}");
    assert!(scene.report(id(1)).await.row.values.contains(&1_000.0));
    // A report alone would say that all is well.
    assert_eq!(scene.trouble(id(1)).await, trouble);
    scene.end().await;
}

#[tokio::test]
async fn figures_of_an_agent_that_looks_no_more_age() {
    let server = agent(Machine::scanned(1_000, 1)).await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, &[rule("uptime", Take::Last, 0)], []));
    let first = scene.report(id(1)).await;
    assert!(first.taken > UnixMillis(1_600_000_000_000), "by the own clock, not by the agent's of 1970: {:?}", first.taken);
    for _ in 0..5 {
        let UnixMillis(taken) = scene.report(id(1)).await.taken;
        // Both clocks are read apart.
        assert!(taken.abs_diff(first.taken.0) <= 2, "{taken} {:?}", first.taken);
    }
    scene.end().await;
}

#[tokio::test]
async fn no_more_are_asked_at_a_time_than_are_to_be() {
    let (hold, held) = watch::channel(());
    let machine = Machine::scanned(1_795_000_000_000, 10);
    let server = Server::start(move |asked| {
        let reply = Reply::ok(&machine.answer(&asked.body));
        if asked.body.contains("uptime") { reply.then(Then::Wait(held.clone())) } else { reply }
    })
    .await;
    let peers = (2..30).map(|last| peer(last, Some(server.addr)));
    let settings = Settings { fan_out: 3, ..settings(server.addr) };
    let mut scene = Scene::new(settings, wanted(1, &[rule("m", Take::Last, 0)], peers));
    server.holds(3).await;
    // Time enough for a fourth to come: one of another source is asked and answered meanwhile.
    let other = agent(Machine::scanned(1_795_000_000_000, 10)).await;
    let mut meanwhile = Scene::new(crate::settings(other.addr), wanted(1, &[rule("m", Take::Last, 0)], []));
    for _ in 0..3 {
        meanwhile.sweep().await;
    }
    assert_eq!(server.most_pending(), 3);
    drop(hold);
    assert_eq!(scene.sweep().await.len(), 29);
    assert_eq!(server.most_pending(), 3);
    meanwhile.end().await;
    scene.end().await;
}

#[tokio::test]
async fn a_sweep_never_overlaps_the_one_before() {
    let (hold, held) = watch::channel(());
    let machine = Machine::scanned(1_795_000_000_000, 10);
    let server = Server::start(move |asked| Reply::ok(&machine.answer(&asked.body)).then(Then::Wait(held.clone()))).await;
    let mut scene = Scene::new(settings(server.addr), wanted(1, &[rule("m", Take::Last, 0)], []));
    server.holds(1).await;
    let other = agent(Machine::scanned(1_795_000_000_000, 10)).await;
    let mut meanwhile = Scene::new(settings(other.addr), wanted(1, &[rule("m", Take::Last, 0)], []));
    for _ in 0..3 {
        meanwhile.sweep().await;
    }
    assert_eq!(server.asked().len(), 1, "three of the other's sweeps were due and done");
    drop(hold);
    scene.sweep().await;
    meanwhile.end().await;
    scene.end().await;
}

#[tokio::test]
async fn new_queries_are_asked_at_once() {
    let server = agent(Machine::scanned(1_795_000_000_000, 10)).await;
    let settings = Settings { sweep_every: Duration::from_secs(86_400), ..settings(server.addr) };
    let mut scene = Scene::new(settings, wanted(1, &[rule("m", Take::Last, 0)], []));
    assert_eq!(scene.report(id(1)).await.row.values.len(), 1);
    scene.wanted.send_replace(wanted(2, &[rule("uptime", Take::Last, 0)], []));
    let report = scene.report(id(1)).await;
    assert_eq!((report.generation, report.row.values), (2, vec![1_000.0]));
    scene.end().await;
}

#[tokio::test]
async fn it_ends_while_agents_hang_and_nobody_listens() {
    let (_hold, held) = watch::channel(());
    let server = Server::start(move |_| Reply::ok(b"").then(Then::Wait(held.clone()))).await;
    let scene = Scene::new(settings(server.addr), wanted(1, &[rule("m", Take::Last, 0)], []));
    server.holds(1).await;
    scene.end().await;

    let server = agent(Machine::scanned(1_795_000_000_000, 10)).await;
    let Scene { wanted: _wanted, news, drain: _drain, task } =
        Scene::new(settings(server.addr), wanted(1, &[rule("m", Take::Last, 0)], []));
    drop(news);
    within(task).await.expect("it ends: nobody listens");
}
