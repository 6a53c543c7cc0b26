//! An asker and members that a test plays, on a made-up clock.

use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;

use super::*;
use crate::source::{Peers, Row, SeenPeer};

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(2);
const UNIX: UnixMillis = UnixMillis(1_000_000);

fn who(number: u8, generation: u64) -> Identity {
    Identity::new(NodeId::from_bytes([number; 16]), generation, ([10, 0, 0, number], 22_683).into())
}

fn members(alive: &[Identity]) -> Members {
    Members::new(who(0, 1), alive.iter().copied())
}

fn queries(generation: u64, metrics: &[&str]) -> Arc<QuerySet> {
    let rule = |metric: &&str| MetricRule { labels: [("metric".to_owned(), (*metric).to_owned())].into(), ..MetricRule::default() };
    Arc::new(QuerySet::compile(generation, &metrics.iter().map(rule).collect()))
}

fn wanted(queries: Arc<QuerySet>, alive: &[u8]) -> Wanted {
    let seen = |number: &u8| {
        let hostname = Hostname::new(&format!("n{number}")).expect("a hostname");
        Arc::new(SeenPeer { known_since: UNIX, ..SeenPeer::named(NodeId::from_bytes([*number; 16]), hostname) })
    };
    Wanted { queries, peers: Arc::new(Peers { peers: alive.iter().map(seen).collect(), ..Peers::default() }) }
}

/// What `from` says of one query: the row, in parts of `size` bytes.
fn row(asker: &mut Asker, now: Duration, from: &Identity, seq: u32, value: f64) -> Result<Vec<f64>, Cause> {
    row_with(asker, now, from, seq, value, 0)
}

fn row_with(asker: &mut Asker, now: Duration, from: &Identity, seq: u32, value: f64, facts: u64) -> Result<Vec<f64>, Cause> {
    let digest = asker.question.as_ref().expect("something is asked").digest;
    let bytes = row::write(&Row { values: vec![value], ..Row::default() }, 1_000).expect("room");
    let head = Head { digest, seq, age_ms: 500, facts, parts: 1 };
    let news = asker.hear(now, UNIX, from, Told::Part { head, part: 0, bytes: &bytes })?;
    let report = |news| match news {
        MetricNews::Report(report) => {
            assert_eq!((report.peer, report.taken), (from.id, UnixMillis(UNIX.0 - 500)));
            report.row.values
        }
        other => panic!("{other:?}"),
    };
    Ok(news.into_iter().flat_map(report).collect())
}

fn asked(asker: &mut Asker, now: Duration, members: &Members) -> Vec<NodeId> {
    asker.ask(now, members, 100).into_iter().map(|(who, _)| who.id).collect()
}

fn troubles(asker: &mut Asker, now: Duration, members: &Members) -> Vec<String> {
    let text = |news| match news {
        MetricNews::Trouble { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    asker.sweep(now, members).0.into_iter().map(text).collect()
}

#[test]
fn members_are_asked_until_they_answer_and_then_seldom() {
    let (one, two) = (who(1, 1), who(2, 1));
    let members = members(&[one, two]);
    let mut asker = Asker::new(INTERVAL);
    assert_eq!(asker.next_due(), None);
    asker.want(Duration::ZERO, &wanted(queries(1, &["load"]), &[1, 2]));
    asker.follow(Duration::ZERO, &members);
    assert_eq!(asker.ask(Duration::ZERO, &members, 1).len(), 1, "no more than may leave at once");
    assert_eq!(asked(&mut asker, Duration::ZERO, &members), [two.id]);
    assert_eq!(row(&mut asker, SECOND, &one, 1, 0.5), Ok(vec![0.5]));
    assert_eq!(asked(&mut asker, INTERVAL, &members), [two.id], "who answered is left in peace");
    assert_eq!(asker.next_due(), Some(2 * INTERVAL));
    assert_eq!(row(&mut asker, 3 * SECOND, &two, 1, 0.5), Ok(vec![0.5]));
    assert_eq!(asker.next_due(), Some(RENEW));
    assert_eq!(asked(&mut asker, RENEW, &members), [one.id]);
}

#[test]
fn those_who_are_asked_no_more_are_told() {
    let one = who(1, 1);
    let members = members(&[one]);
    let mut asker = Asker::new(INTERVAL);
    asker.want(Duration::ZERO, &wanted(queries(1, &[]), &[1]));
    asker.follow(Duration::ZERO, &members);
    // Even without a question for numbers: what it says of itself comes with the answer.
    assert_eq!(asked(&mut asker, Duration::ZERO, &members), [one.id]);
    asker.want(SECOND, &wanted(queries(2, &["load"]), &[1]));
    assert_eq!(asked(&mut asker, SECOND, &members), [one.id]);
    let (ended, _) = asker.want(2 * SECOND, &wanted(queries(2, &["load"]), &[]));
    assert_eq!((ended, asker.next_due()), (vec![one], None));
    assert!(troubles(&mut asker, 60 * SECOND, &members).is_empty());
    assert_eq!(asker.farewell().ttl_s, 0);
}

#[test]
fn rows_count_once_in_order_and_for_the_set_in_force() {
    let (one, stranger) = (who(1, 1), who(9, 1));
    let mut asker = Asker::new(INTERVAL);
    asker.want(Duration::ZERO, &wanted(queries(1, &["load"]), &[1]));
    asker.follow(Duration::ZERO, &members(&[one]));
    assert_eq!(row(&mut asker, SECOND, &one, 5, 1.0), Ok(vec![1.0]));
    assert_eq!(row(&mut asker, SECOND, &one, 5, 1.0), Err(Cause::Old), "twice");
    assert_eq!(row(&mut asker, SECOND, &one, 4, 1.0), Err(Cause::Old), "overtaken");
    assert_eq!(row(&mut asker, SECOND, &stranger, 6, 1.0), Err(Cause::Stranger));
    let old = Question::new(&queries(1, &["load"])).digest;
    asker.want(SECOND, &wanted(queries(2, &["load", "work"]), &[1]));
    let head = Head { digest: old, seq: 6, age_ms: 0, facts: 0, parts: 1 };
    assert_eq!(asker.hear(SECOND, UNIX, &one, Told::Part { head, part: 0, bytes: b"" }).err(), Some(Cause::Set));
    assert_eq!(asker.hear(SECOND, UNIX, &one, Told::Unknown(old)).err(), Some(Cause::Set));
    assert_eq!(row(&mut asker, SECOND, &one, 7, 1.0), Err(Cause::Malformed), "one value for two queries");
    // The same rules under another generation are no news to anybody.
    let asks = asked(&mut asker, SECOND, &members(&[one]));
    assert_eq!(asks, [one.id]);
    asker.want(SECOND, &wanted(queries(3, &["load", "work"]), &[1]));
    assert_eq!(asked(&mut asker, SECOND, &members(&[one])), []);
}

#[test]
fn rules_are_brought_when_they_are_not_known_and_again_to_a_new_life() {
    let one = who(1, 1);
    let mut asker = Asker::new(INTERVAL);
    asker.want(Duration::ZERO, &wanted(queries(1, &["load"]), &[1]));
    asker.follow(Duration::ZERO, &members(&[one]));
    let digest = asker.question.as_ref().expect("asked").digest;
    let errand = |asker: &mut Asker| asker.errand().map(|(to, errand, _)| (to, errand));
    for _ in 0..2 {
        asker.hear(SECOND, UNIX, &one, Told::Unknown(digest)).expect("a wish");
    }
    assert_eq!(errand(&mut asker), Some((one, Errand::Rules)));
    assert_eq!(errand(&mut asker), None, "once is enough");
    assert!(!asker.returned(SECOND, one.id, Ok(Reply::Adopted)));
    row(&mut asker, SECOND, &one, 900, 1.0).expect("a row");
    let again = who(1, 2);
    asker.follow(2 * SECOND, &members(&[again]));
    assert_eq!(asked(&mut asker, 2 * SECOND, &members(&[again])), [one.id], "at once, not after the renewal");
    assert_eq!(row(&mut asker, 2 * SECOND, &again, 1, 2.0), Ok(vec![2.0]), "it counts anew");
}

#[test]
fn silence_is_told_with_its_reason() {
    let (one, two, three) = (who(1, 1), who(2, 1), 3);
    let members = members(&[one, two]);
    let mut asker = Asker::new(INTERVAL);
    asker.want(Duration::ZERO, &wanted(queries(1, &["load"]), &[1, 2, three]));
    asker.follow(Duration::ZERO, &members);
    asked(&mut asker, Duration::ZERO, &members);
    assert!(troubles(&mut asker, 5 * SECOND, &members).is_empty());
    row(&mut asker, 5 * SECOND, &two, 1, 1.0).expect("a row");
    asker.returned(5 * SECOND, one.id, Err("10.0.0.1:22683 cannot be reached".to_owned()));
    let told = troubles(&mut asker, 6 * SECOND, &members);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "no figures from n1: 10.0.0.1:22683 cannot be reached");
    assert!(told[1].starts_with("no figures from n3: the built-in agent does not hold it for a member"), "{told:?}");
    // Who falls silent is asked every interval again, although it was to be left in peace.
    let told = troubles(&mut asker, 11 * SECOND, &members);
    assert!(told.iter().any(|text| text.starts_with("no figures from n2: it was asked and does not answer")), "{told:?}");
    assert!(asked(&mut asker, 11 * SECOND, &members).contains(&two.id));
    row(&mut asker, 12 * SECOND, &one, 1, 1.0).expect("a row");
    row(&mut asker, 12 * SECOND, &two, 2, 1.0).expect("a row");
    assert_eq!(troubles(&mut asker, 13 * SECOND, &members).len(), 1, "only the one that is no member");
}

#[test]
fn facts_are_fetched_when_a_row_names_others() {
    let one = who(1, 1);
    let mut asker = Asker::new(INTERVAL);
    asker.want(Duration::ZERO, &wanted(queries(1, &["load"]), &[1]));
    asker.follow(Duration::ZERO, &members(&[one]));
    row_with(&mut asker, SECOND, &one, 1, 1.0, 77).expect("a row");
    row_with(&mut asker, SECOND, &one, 2, 1.0, 77).expect("a row");
    assert_eq!(asker.errand().map(|(_, errand, _)| errand), Some(Errand::Facts));
    assert!(asker.errand().is_none());
    assert!(asker.returned(
        SECOND,
        one.id,
        Ok(Reply::Facts { version: 77, json: br#"{"machine":{"rack":"r1"},"state":{"roles":["web"],"schedule":null,"errors":1}}"# })
    ));
    let about = &asker.facts()[&one.id];
    assert_eq!((&about.machine["rack"], about.state.as_ref().map(|state| (state.roles.len(), state.errors))), (&"r1".into(), Some((1, 1))));
    row_with(&mut asker, 2 * SECOND, &one, 3, 1.0, 77).expect("a row");
    assert!(asker.errand().is_none(), "they are known");
    row_with(&mut asker, 3 * SECOND, &one, 4, 1.0, 78).expect("a row");
    assert!(asker.errand().is_some());
    assert!(!asker.returned(3 * SECOND, one.id, Ok(Reply::Facts { version: 78, json: b"[]" })), "no object: the former stay");
    let (_, changed) = asker.want(4 * SECOND, &wanted(queries(1, &["load"]), &[]));
    assert!(changed && asker.facts().is_empty(), "whoever is forgotten takes its facts along");
}
