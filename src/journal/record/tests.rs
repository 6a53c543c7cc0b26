//! A round with everything odd in it comes back bit by bit; damaged ones are refused and never more.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use verwalter_core::contract::{InputKey, InputMode};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::{Column, ColumnId, Columns, Combine, MetricRule, Take};
use verwalter_core::names::{Hostname, PluginName, RoleName};
use verwalter_core::peers::{NodeState, Peer, PeerTable};
use verwalter_core::ports::{Cost, FailureCause, PluginId, RawOutput};

use super::*;

/// Finite and not, with signs, payloads and every exponent that is special.
const ODD: [f64; 8] = [0.1, -0.0, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, f64::from_bits(1)];

fn nan(payload: u64) -> f64 {
    f64::from_bits(0xfff0_0000_0000_0000 | payload)
}

fn rule(metric: &str, take: Take) -> MetricRule {
    let labels = BTreeMap::from([("metric".to_owned(), metric.to_owned()), ("größe \"\n".to_owned(), "\u{1F980}".to_owned())]);
    MetricRule { labels, take, window: Duration::from_millis(2_500), combine: Combine::Avg, ..MetricRule::default() }
}

fn peers() -> PeerTable {
    let machines = [
        json!({}),
        json!({ "größe": "\u{1F980}\u{0}\"\\\n", "load": 0.1, "tiny": 5e-324, "huge": 1e308, "minus": -0.0, "whole": 1.0 }),
        json!({ "memory": u64::MAX, "least": i64::MIN, "list": [null, true, { "": [] }] }),
    ];
    let addresses = [None, Some("10.0.0.1:8379"), Some("[fe80::1%3]:65535")];
    let peers = machines.into_iter().zip(addresses).enumerate().map(|(index, (machine, addr))| Peer {
        id: NodeId::from_bytes([index as u8; 16]),
        hostname: Hostname::new(&format!("node-{index}.example.org")).unwrap(),
        name: format!("Rechner ‘{index}’ \u{202E}"),
        addr: addr.map(|addr| addr.parse().unwrap()),
        known_since: UnixMillis(u64::MAX),
        last_report_direct: (index > 0).then_some(UnixMillis(0)),
        alive: true,
        since: UnixMillis(0),
        state: None,
        machine: machine.as_object().unwrap().clone().into(),
    });
    let mut peers: Vec<Peer> = peers.collect();
    let state = NodeState { roles: [RoleName::new("web").unwrap()].into(), schedule: Some(Digest::of(b"x")), errors: 3 };
    peers[1].state = Some(Arc::new(state));
    let absent = |name: &str| Peer { hostname: Hostname::new(name).unwrap(), alive: false, since: UnixMillis(7), ..peers[1].clone() };
    let absent = vec![Arc::new(absent("node-00")), Arc::new(absent("zeta"))];
    PeerTable::new(peers).0.with_absent(&PeerTable::default(), absent)
}

fn columns() -> Columns {
    let series = vec![Arc::from(ODD), Arc::from([]), Arc::from([nan(1), nan(0x0008_0000_0000_0000)])];
    let odd = Column::with_series(Arc::new(vec![ODD[5], nan(0xdead), -0.0]), series);
    let plain = Column::new(vec![1.0, 2.5, f64::NAN]);
    BTreeMap::from([(rule("load", Take::Rate).into(), Arc::new(odd)), (rule("free", Take::Last).into(), Arc::new(plain))])
}

fn schedule(answer: &serde_json::Value) -> Schedule {
    let output = RawOutput(json!({ "v": 1, "schedule": answer }).to_string().into_bytes());
    admit::admit(&output, &peers(), PARENT_LIMITS).unwrap().schedule
}

fn plugin(name: &str) -> PluginId {
    PluginId { name: PluginName::new(name).unwrap(), digest: Digest::of(name.as_bytes()) }
}

fn reads(mode: InputMode) -> Reads {
    let metrics = ["load", "free"].map(|name| (name.to_owned(), rule(name, if name == "load" { Take::Rate } else { Take::Last })));
    let unmeasured = ("unmeasured".to_owned(), rule("unmeasured", Take::Max));
    Reads { mode, keys: InputKey::ALL.to_vec(), metrics: metrics.into_iter().chain([unmeasured]).collect() }
}

fn call(name: &str, document: &str) -> Call {
    Call::new(plugin(name), format!("kind: {name}\n# ü\n"), r#"{"spread":"rack"}"#.to_owned(), reads(InputMode::Document), document)
}

fn cost() -> Cost {
    Cost { fuel: u64::MAX, elapsed: Duration::from_micros(1_234), peak_memory: 65_536 }
}

/// A round without any plugin, peer or text: the least that there can be.
pub(in crate::journal) fn bare(term: u64, round: u64) -> Record {
    let id = NodeId::from_bytes([7; 16]);
    let about = About {
        term: Term { counter: term, leader: id },
        round: Round(round),
        at: UnixMillis(1_533_909_072_000),
        hostname: Hostname::new("alpha").unwrap(),
        id,
        program: "verwalter 0.20.0".to_owned(),
        scheduler: None,
        policies: Vec::new(),
        outcome: Outcome::Failed { cause: None, message: "no scheduler is active".to_owned() },
        elapsed_us: 0,
    };
    Record { about, runtime: "{}".into(), actions: "{}".into(), parents: Vec::new(), snapshot: Arc::default() }
}

/// What zstd cannot make smaller.
fn noise(bytes: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(digits[(state >> 58) as usize])
    };
    (0..bytes).map(|_| next()).collect()
}

/// A round that takes about so much on the disk.
pub(in crate::journal) fn large(round: u64, bytes: usize) -> Record {
    // A digit of 64 has six bits of information.
    Record { runtime: noise(bytes * 8 / 6, round).into(), ..bare(1, round) }
}

/// A round with everything.
fn full() -> Record {
    let snapshot = Snapshot::new(UnixMillis(u64::MAX), Arc::new(peers()), columns()).unwrap();
    let ages = [("age_ms", [0.0, 1.5, nan(2)]), ("age_ms.agent", [f64::NAN; 3])];
    let host = ages.map(|(name, values)| (name.to_owned(), Arc::new(values.to_vec())));
    let snapshot = Arc::new(snapshot.with_host_columns(host.into()).unwrap());
    let parent =
        schedule(&json!({ "roles": { "web": { "vars": { "größe": 0.1 }, "place": { "node-1.example.org": 3 } } }, "state": [1e300] }));
    let failed = Verdict::Failed { cause: FailureCause::Fuel, message: "used up its fuel".to_owned(), allows: true };
    let denied = Verdict::Denied { reasons: vec!["too many".to_owned()], warnings: Vec::new() };
    let bare = bare(u64::MAX, 1);
    let outcome =
        Outcome::Denied { by: "quota".to_owned(), schedule: Digest::of(b""), reasons: vec!["quota: too many".to_owned(), String::new()] };
    Record {
        about: About {
            // Not UTF-8: what a guest answers is bytes.
            scheduler: Some(call("spread", "{}").answered(RawOutput(b"{\"v\":1}\xff\0".to_vec()), &cost())),
            policies: vec![
                Review { call: call("first", "1"), verdict: failed },
                Review { call: call("quota", "2").answered(RawOutput(Vec::new()), &cost()), verdict: denied },
            ],
            outcome,
            elapsed_us: u64::MAX,
            ..bare.about
        },
        runtime: r#"{"web":{"größe":0.1}}"#.into(),
        parents: vec![parent],
        snapshot,
        ..bare
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// What every plugin can see of `record` must be the same in `again`.
fn assert_same(record: &Record, again: &Record) {
    assert_eq!(record.about, again.about);
    assert_eq!((&record.runtime, &record.actions), (&again.runtime, &again.actions));
    let texts = |record: &Record| record.parents.iter().map(|parent| parent.canonical().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(record), texts(again));
    assert_eq!(record.snapshot.at, again.snapshot.at);
    assert!(record.snapshot.peers().iter().eq(again.snapshot.peers().iter()));
    assert!(record.snapshot.peers().json_rows().eq(again.snapshot.peers().json_rows()));
    let columns = |record: &Record| {
        let columns = record.snapshot.columns().iter();
        let columns = columns.map(|(rule, column)| {
            let series: Vec<_> = (0..column.series_len()).map(|peer| bits(&column.series(peer))).collect();
            (rule.clone(), bits(&column.values), series)
        });
        columns.collect::<Vec<_>>()
    };
    assert_eq!(columns(record), columns(again));
    let host =
        |record: &Record| record.snapshot.host_columns().iter().map(|(name, values)| (name.clone(), bits(values))).collect::<Vec<_>>();
    assert_eq!(host(record), host(again));
    for mode in [InputMode::Document, InputMode::Columns] {
        let reads = reads(mode);
        let told = |record: &Record| {
            let view = record.view(&reads);
            let placed = view.column("placed.web").map(|values| bits(&values));
            (contract::document(&record.input("{\"ü\":1}"), &reads, &view), placed, bits(&view.column("unmeasured").unwrap()))
        };
        assert_eq!(told(record), told(again));
    }
}

#[test]
fn everything_comes_back_bit_by_bit() {
    let record = full();
    let bytes = record.encode();
    let again = Record::decode(&bytes).unwrap();
    assert_same(&record, &again);
    assert_eq!(again.about.scheduler.as_ref().unwrap().answer(), Some(&b"{\"v\":1}\xff\0"[..]));
    assert_eq!(again.about.policies[1].call.answer(), Some(&b""[..]));
    assert_eq!(again.about.policies[0].call.answer(), None);
    assert_eq!(again.encode(), bytes, "the same round is the same bytes");
    assert_eq!(
        again.snapshot.columns()[&rule("load", Take::Rate).into()].values[1].to_bits(),
        0xfff0_0000_0000_dead,
        "the test's NaN is a special one"
    );
}

#[test]
fn nothing_comes_back_too() {
    assert_same(&bare(1, 1), &Record::decode(&bare(1, 1).encode()).unwrap());
    assert!(bare(1, 1).document().is_none());
    let outcome = Outcome::Accepted { schedule: Digest::of(b"x"), changed: true };
    let record = Record { about: About { outcome, ..bare(1, 1).about }, ..bare(1, 1) };
    assert_same(&record, &Record::decode(&record.encode()).unwrap());
}

#[test]
fn the_document_is_the_one_whose_digest_is_recorded() {
    let mut record = full();
    let (document, view) = record.document().unwrap();
    assert_eq!(view.snapshot().peers().len(), 3);
    let about = &mut record.about;
    about.scheduler = Some(call("spread", &document));
    let again = Record::decode(&record.encode()).unwrap();
    assert_eq!(again.about.scheduler.as_ref().unwrap().input, Digest::of(again.document().unwrap().0.as_bytes()));
}

#[test]
fn the_description_is_read_alone() {
    let record = full();
    let bytes = record.encode();
    let about = About::read(&mut &bytes[..]).unwrap();
    let call = about.scheduler.as_ref().unwrap();
    assert_eq!((call.answer(), call.answer_digest()), (None, Some(Digest::of(b"{\"v\":1}\xff\0"))));
    assert_eq!((about.round, &about.outcome, about.elapsed_us), (Round(1), &record.about.outcome, u64::MAX));
}

/// `record` with its description edited as text.
fn edited(record: &Record, from: &str, to: &str) -> Vec<u8> {
    let bytes = record.encode();
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (text, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.contains(from), "{text}");
    let text = text.replacen(from, to, 1);
    [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes(), rest].concat()
}

#[test]
fn what_a_later_version_adds_is_passed_over_and_what_it_changes_is_refused() {
    let record = full();
    let mut bytes = edited(&record, "{\"v\":1", "{\"v\":1,\"mood\":[{}]");
    put_block("mood", &mut bytes, |out| out.push(1));
    assert_same(&record, &Record::decode(&bytes).unwrap());
    // Nothing else of it needs to be what it was.
    let newer = edited(&record, "{\"v\":1,\"term\":", "{\"v\":2,\"terms\":");
    let message = Record::decode(&newer).unwrap_err().to_string();
    assert_eq!(
        message,
        "the record is of version 2, this program reads up to 1: use the version of the program that wrote it, or a later one"
    );
}

fn refused(bytes: &[u8], expect: &str) {
    let message = Record::decode(bytes).map(drop).unwrap_err().to_string();
    assert!(message.contains(expect), "{expect}: {message}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let record = full();
    let bytes = record.encode();
    let with = |tag: &str, write: fn(&mut Vec<u8>)| {
        let mut more = bytes.clone();
        put_block(tag, &mut more, write);
        more
    };
    refused(b"", "`description` ends too early");
    refused(&bytes[..4], "`description` ends too early");
    refused(&[&bytes[..], b"x"].concat(), "`list of blocks` ends too early");
    refused(&with(PEERS, |_| ()), "`list of blocks` holds more than it should");
    refused(&edited(&record, "\"outcome\"", "\"outgoing\""), "description cannot be read");
    let digest = Digest::of(b"{\"v\":1}\xff\0").to_string();
    refused(&edited(&record, &digest, &Digest::of(b"other").to_string()), "answer of plugin spread");
    refused(&edited(&record, &format!("\"{digest}\""), "null"), "answer of plugin spread");

    // A bare round's blocks, with one of them replaced.
    let replaced = |tag: &'static str, write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = bare(1, 1).about.write();
        for known in [RUNTIME, ACTIONS, PARENTS, PEERS, COLUMNS, REVIEWS] {
            let zeros = match known {
                PEERS => 16,
                COLUMNS => 8,
                _ => 0,
            };
            put_block(known, &mut out, |out| if known == tag { write(out) } else { out.resize(out.len() + zeros, 0) });
        }
        out
    };
    Record::decode(&replaced("none", &|_| ())).unwrap();
    let numbers = |numbers: &'static [u64]| move |out: &mut Vec<u8>| numbers.iter().for_each(|number| blocks::put_number(*number, out));
    refused(&replaced(RUNTIME, &|out| out.push(0xff)), "`runt` is no UTF-8 text");
    refused(&replaced(PARENTS, &|out| put_bytes(b"{}", out)), "parent 0 cannot be read");
    refused(&replaced(PARENTS, &numbers(&[u64::MAX])), "`prnt` ends too early");
    refused(&replaced(PEERS, &numbers(&[0, u64::MAX])), "`peer` ends too early");
    refused(&replaced(PEERS, &numbers(&[0, 0, 0])), "`peer` holds more than it should");
    refused(&replaced(COLUMNS, &numbers(&[u64::MAX])), "`cols` ends too early");
    refused(&replaced(REVIEWS, &numbers(&[0])), "`revw` holds more than it should");
    let column = |counts: &'static [u64]| {
        move |out: &mut Vec<u8>| {
            blocks::put_number(1, out);
            put_bytes(&serde_json::to_vec(&ColumnId::whole(rule("load", Take::Last))).unwrap(), out);
            numbers(counts)(out);
        }
    };
    // Lengths whose bytes overflow, values without a peer, series without a value.
    refused(&replaced(COLUMNS, &column(&[u64::MAX / 8 + 1])), "`cols` ends too early");
    refused(&replaced(COLUMNS, &column(&[0, 1 << 40])), "`cols` ends too early");
    refused(&replaced(COLUMNS, &column(&[1, 0, 0])), "columns do not go with its nodes");
    refused(&replaced(COLUMNS, &column(&[0, 1, 0])), "columns do not go with its nodes");
    Record::decode(&replaced(COLUMNS, &column(&[0, 0]))).unwrap();
}

#[test]
fn cut_anywhere_it_is_refused_and_with_any_bit_flipped_it_ends_too() {
    let bytes = full().encode();
    for length in 0..bytes.len() {
        assert!(Record::decode(&bytes[..length]).is_err(), "cut to {length}");
    }
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 1 << (index % 8);
        // Some are records too, of another round: then they can be written again.
        if let Ok(record) = Record::decode(&damaged) {
            assert_same(&record, &Record::decode(&record.encode()).unwrap());
        }
    }
}
