//! Both sides together, without sockets: tellers and an asker over a network that loses, doubles and reorders datagrams, printed seed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::MetricRule;
use verwalter_core::names::Hostname;

use super::asker::{Asker, Errand};
use super::members::Members;
use super::message::{Ask, Head, Reply, Told};
use super::row;
use super::teller::{Asked, Occasion, Teller};
use crate::agent::identity::Identity;
use crate::query::QuerySet;
use crate::source::{MetricNews, Peers, Row, SeenPeer, Wanted};

const INTERVAL: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(100);
/// Parts of a row.
const PARTS: u8 = 5;

fn who(number: u8) -> Identity {
    Identity::new(NodeId::from_bytes([number; 16]), 1, ([10, 0, 0, number], 22_683).into())
}

fn wanted(peers: u8) -> Wanted {
    let seen = |number: u8| Arc::new(SeenPeer::named(who(number).id, Hostname::new(&format!("n{number}")).expect("a hostname")));
    let rule = |number: u16| MetricRule { labels: [("metric".to_owned(), format!("m{number:03}"))].into(), ..MetricRule::default() };
    let queries = QuerySet::compile(1, &(0..600).map(rule).collect());
    Wanted { queries: Arc::new(queries), peers: Arc::new(Peers { peers: (1..=peers).map(seen).collect(), ..Peers::default() }) }
}

/// A datagram under way.
enum Under {
    Ask(u8, Ask),
    Told(u8, Vec<u8>),
}

/// Two minutes of `peers` tellers: rows that were used, by teller, each with its number; and how often somebody was called silent.
fn run(seed: u64, peers: u8, loss: f64) -> (Vec<Vec<u32>>, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let me = who(100);
    let members = Members::new(me, (1..=peers).map(who));
    let mut asker = Asker::new(INTERVAL);
    let wanted = wanted(peers);
    asker.want(Duration::ZERO, &wanted);
    asker.follow(Duration::ZERO, &members);
    let mut tellers: Vec<Teller> = (0..peers).map(|_| Teller::default()).collect();
    let mut used = vec![Vec::new(); usize::from(peers)];
    let mut silent = 0;
    let mut wire: VecDeque<Under> = VecDeque::new();
    for step in 1..1_200_u32 {
        let now = STEP * step;
        wire.extend(asker.ask(now, &members, 100).into_iter().map(|(to, ask)| Under::Ask(to.id.to_bytes()[0], ask)));
        for (number, teller) in (1_u8..).zip(&mut tellers) {
            // Each reads its machine at moments of its own.
            let occasion = if (step + u32::from(number)) % 20 == 0 { Occasion::Reading } else { Occasion::Wish };
            for due in teller.due(now, occasion) {
                let bytes = row::write(&Row { values: vec![f64::from(due.seq); 600], ..Row::default() }, 6_000).expect("room");
                let head = Head { digest: due.queries.digest(), seq: due.seq, age_ms: 0, facts: 0, parts: PARTS };
                let chunks = bytes.chunks(bytes.len().div_ceil(PARTS.into()));
                wire.extend(
                    (0..).zip(chunks).map(|(part, bytes)| Under::Told(number, Told::Part { head, part, bytes }.write(&who(number)))),
                );
            }
        }
        // Some come twice, and those of one step in any order.
        let mut arriving: Vec<Under> = Vec::new();
        while let Some(under) = wire.pop_front() {
            if let Under::Told(number, bytes) = &under
                && rng.random_bool(0.02)
            {
                arriving.push(Under::Told(*number, bytes.clone()));
            }
            if !rng.random_bool(loss) {
                let place = rng.random_range(0..=arriving.len());
                arriving.insert(place, under);
            }
        }
        for under in arriving {
            match under {
                Under::Ask(number, ask) => match tellers[usize::from(number - 1)].ask(now, me, &ask) {
                    Ok(Asked::Unknown) => wire.push_back(Under::Told(number, Told::Unknown(ask.digest).write(&who(number)))),
                    Ok(Asked::Known) | Err(_) => {}
                    Ok(other) => panic!("seed {seed}: {other:?}"),
                },
                Under::Told(number, bytes) => {
                    let (from, told) = Told::read(&bytes).expect("own bytes");
                    for news in asker.hear(now, UnixMillis(0), &from, told).unwrap_or_default() {
                        let MetricNews::Report(report) = news else { continue };
                        let first = report.row.values[0];
                        assert!(report.row.values.iter().all(|value| *value == first), "seed {seed}: parts of two rows in one");
                        used[usize::from(number - 1)].push(first as u32);
                    }
                }
            }
        }
        while let Some((to, errand, question)) = asker.errand() {
            assert_eq!(errand, Errand::Rules);
            let rules: BTreeSet<MetricRule> = serde_json::from_slice(&question.json).expect("rules");
            assert!(tellers[usize::from(to.id.to_bytes()[0] - 1)].adopt(Arc::new(QuerySet::compile(0, &rules))));
            asker.returned(now, to.id, Ok(Reply::Adopted));
        }
        if step % 20 == 0 {
            silent += asker.sweep(now, &members).0.len();
        }
    }
    (used, silent)
}

#[test]
fn without_loss_every_row_arrives() {
    let (used, silent) = run(1, 8, 0.0);
    assert_eq!(silent, 0);
    for rows in used {
        assert!(rows.len() >= 59 && rows.windows(2).all(|two| two[1] == two[0] + 1), "{rows:?}");
    }
}

#[test]
fn lost_parts_lose_their_rows_only_and_order_holds() {
    for seed in 0..20 {
        let (used, _) = run(seed, 8, 0.05);
        let total: usize = used.iter().map(Vec::len).sum();
        // A row arrives with 0.95 to the power of 5, or 77 %; of about 470.
        assert!((310..420).contains(&total), "seed {seed}: {total} rows");
        for rows in used {
            assert!(rows.is_sorted_by(|a, b| a < b), "seed {seed}: {rows:?}");
        }
    }
}

#[test]
fn lost_wishes_are_made_again() {
    for seed in 0..20 {
        let (used, silent) = run(seed, 8, 0.3);
        assert!(used.iter().all(|rows| rows.len() > 2), "seed {seed}: {used:?}");
        assert!(silent > 0, "seed {seed}: with 17 % of the rows some peer is silent for three intervals");
    }
}
