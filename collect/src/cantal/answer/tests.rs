//! The recorded answers by value; bounds; and bytes that are no answer.

use proptest::prelude::*;

use super::*;

const HISTORY_BY_TIME: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.history-by-time.cbor");
const MULTI_RULE: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.multi-rule.cbor");
const SUM: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.sum.cbor");
const TIP: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.tip.cbor");
const STATES: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.tip-source-all.cbor");
const NO_STATES: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.state-tip-source.cbor");
const EMPTY: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.empty-result.cbor");
const INCOMPATIBLE: &[u8] = include_bytes!("../../../tests/fixtures/cantal/query.incompatible.cbor");
const ALL_METRICS: &[u8] = include_bytes!("../../../tests/fixtures/cantal/all_metrics.cbor");

fn data_sets(bytes: &[u8]) -> Result<DataSets, CborError> {
    super::data_sets(bytes, |_| true)
}

fn labels_of(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn webapp(metric: &str, pid: &str) -> Labels {
    labels_of(&[("appname", "webapp"), ("group", "webapp"), ("metric", metric), ("pid", pid)])
}

fn series_in(bytes: &[u8], rule: &str) -> Vec<Sampled> {
    match &data_sets(bytes).expect("recorded")[rule] {
        DataSet::Series(series) => series.clone(),
        other => panic!("no series: {other:?}"),
    }
}

#[test]
fn a_recorded_history_is_read_with_its_times() {
    let series = series_in(HISTORY_BY_TIME, "h");
    assert_eq!(
        series.iter().map(|one| one.labels.clone()).collect::<Vec<_>>(),
        ["7184", "7182", "7183"].map(|pid| webapp("requests", pid))
    );
    let second = &series[1];
    assert_eq!(second.kind, SampleKind::Counter);
    let values: Vec<f64> = second.samples.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [651.0, 637.0, 623.0, 609.0, 595.0, 581.0, 560.0, 546.0, 532.0, 518.0, 504.0]);
    assert_eq!(second.samples[0].0, Duration::from_millis(1_795_289_938_600));
    assert_eq!(second.samples[10].0, Duration::from_millis(1_795_289_918_377));
}

#[test]
fn recorded_tips_floats_and_sums_are_read() {
    let sets = data_sets(MULTI_RULE).expect("recorded");
    assert_eq!(sets.keys().collect::<Vec<_>>(), ["a", "b"]);
    let load = &series_in(MULTI_RULE, "b")[0];
    assert_eq!((load.kind, load.labels.clone()), (SampleKind::Gauge, webapp("load", "7182")));
    assert_eq!(load.samples.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [9.3, 9.1, 8.9]);

    let tips = series_in(TIP, "cpu");
    assert_eq!(tips.len(), 10);
    let user = tips.iter().find(|tip| tip.labels == labels_of(&[("metric", "cpu.user")])).expect("recorded");
    assert_eq!(user.samples, [(Duration::from_millis(1_795_289_938_600), 76_025.0)]);

    let sum = series_in(SUM, "h");
    assert_eq!((sum.len(), sum[0].labels.len(), sum[0].samples[0].1), (1, 0, 1_953.0));
}

#[test]
fn what_holds_no_numbers_is_no_series() {
    assert_eq!(series_in(STATES, "h"), []);
    assert_eq!(series_in(NO_STATES, "h"), []);
    assert_eq!(data_sets(EMPTY).expect("recorded")["h"], DataSet::Empty);
    let words = "it cannot combine the series: levels have no rate".to_owned();
    assert_eq!(data_sets(INCOMPATIBLE).expect("recorded")["h"], DataSet::Refused(words));
}

#[test]
fn every_recorded_answer_is_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cantal");
    let count = |name: &str| {
        let sets = data_sets(&std::fs::read(folder.join(format!("query.{name}.cbor"))).expect("a recording")).expect("an answer");
        let of_set = |set: &DataSet| match set {
            DataSet::Series(series) => (series.len(), series.iter().map(|one| one.samples.len()).sum::<usize>()),
            DataSet::Empty | DataSet::Refused(_) => (0, 0),
        };
        sets.values().map(of_set).fold((0, 0), |(series, samples), more| (series + more.0, samples + more.1))
    };
    let expect = [
        ("tip", (10, 10)),
        ("history-by-time", (3, 33)),
        // Of three levels each fourth or so is missing, see `units`.
        ("history-by-num", (12, 108)),
        ("multi-rule", (6, 12)),
        ("diff", (12, 12)),
        ("sum", (1, 5)),
        ("empty-result", (0, 0)),
        ("incompatible", (0, 0)),
        ("state-tip-source", (0, 0)),
        ("tip-source-all", (0, 0)),
    ];
    assert_eq!(expect.map(|(name, _)| (name, count(name))), expect);
}

/// An answer with one rule `h` whose data set is `bytes`.
fn answer(set: &[u8]) -> Vec<u8> {
    [b"\xa1\x66values\xa1\x61h", set].concat()
}

/// `[101, [[{"metric": "m"}, [kind, values], times]]]`.
fn one_series(kind: u8, values: &[u8], times: &[u8]) -> Vec<u8> {
    answer(&[&b"\x82\x18\x65\x81\x83\x4a\xa1\x66metric\x61m\x82"[..], &[kind], values, times].concat())
}

#[test]
fn missing_samples_and_clocks_set_back_are_left_out() {
    let check = |values: &[u8], times: &[u8], expect: &[(u64, f64)]| {
        let expect: Vec<_> = expect.iter().map(|(at, value)| (Duration::from_millis(*at), *value)).collect();
        assert_eq!(series_in(&one_series(1, values, times), "h")[0].samples, expect);
    };
    check(&[0x83, 9, 0xf6, 7], &[0x83, 3, 2, 1], &[(3, 9.0), (1, 7.0)]);
    // The third time is after the second: the clock was set back between them.
    check(&[0x84, 9, 8, 7, 6], &[0x84, 5, 2, 4, 1], &[(5, 9.0), (2, 8.0), (1, 6.0)]);
    check(&[0x82, 9, 8], &[0x82, 5, 5], &[(5, 9.0)]);
    check(&[0x81, 9], &[0x82, 5, 4], &[(5, 9.0)]);
    check(&[0x82, 9, 8], &[0x81, 5], &[(5, 9.0)]);
    check(&[0x80], &[0x80], &[]);
    // Not a number, in half precision.
    check(&[0x82, 0xf9, 0x7e, 0x00, 8], &[0x82, 5, 4], &[(4, 8.0)]);
}

#[test]
fn what_is_not_known_is_told() {
    let check = |set: &[u8], words: &str| {
        let sets = data_sets(&answer(set)).expect("an answer");
        assert!(matches!(&sets["h"], DataSet::Refused(why) if why.contains(words)), "{words}: {sets:?}");
    };
    check(&[0x82, 0x18, 77, 0xa1, 0x61, b'x', 0x80], "unknown kind 77");
    check(&[0x82, 0x19, 0x01, 0x2c, 0xa1, 0x61, b'x', 5], "chart");
    check(&[0x82, 0x19, 0x03, 0xe7, 0x81, 0x18, 0x66], "different times");
    check(&[0x82, 0x19, 0x03, 0xe7, 0x81, 0x18, 0x63], "this version does not know");
    assert_eq!(series_in(&one_series(7, &[0x81, 9], &[0x81, 5]), "h"), [], "an unknown type of value");
    let newer = [b"\xa2\x65extra\xa1\x61a\x80".as_slice(), &answer(&[0x82, 0x19, 0x03, 0xe6, 0x80])[1..]].concat();
    assert_eq!(data_sets(&newer).expect("more than is known")["h"], DataSet::Empty);
}

#[test]
fn keys_without_labels_and_keys_that_are_none() {
    let with_key = |key: &[u8]| answer(&[&b"\x82\x18\x65\x81\x83"[..], key, &[0x82, 1, 0x81, 9, 0x81, 5]].concat());
    for empty in [&b"\x40"[..], b"\x60", b"\xf6"] {
        assert_eq!(series_in(&with_key(empty), "h")[0].labels, Labels::new());
    }
    for unusable in [&b"\x41\xff"[..], b"\x41\x05", b"\x45\xa1\x61a\x05\x05", b"\x43\xa1\x61a"] {
        assert_eq!(series_in(&with_key(unusable), "h"), []);
    }
    assert_eq!(series_in(&with_key(b"\x05"), "h"), []);
}

#[test]
fn an_odd_series_or_rule_costs_no_other() {
    let sound = &b"\x83\x40\x82\x01\x81\x09\x81\x05"[..];
    // A text for a value, a negative time, and a number in place of all.
    for odd in [&b"\x83\x40\x82\x01\x81\x61x\x81\x05"[..], b"\x83\x40\x82\x01\x81\x09\x81\x20", b"\x05"] {
        let both = answer(&[b"\x82\x18\x65\x82", odd, sound].concat());
        assert_eq!(series_in(&both, "h")[0].samples, [(Duration::from_millis(5), 9.0)]);
    }
    let rules = [b"\xa1\x66values\xa2\x61g\x61x\x61h\x82\x18\x65\x81", sound].concat();
    assert!(matches!(&data_sets(&rules).expect("an answer")["g"], DataSet::Refused(why) if why.contains("no data set")));
    assert_eq!(series_in(&rules, "h").len(), 1);
    assert!(data_sets(&rules[..rules.len() - 1]).is_err(), "it breaks off");
}

#[test]
fn rules_that_nobody_asked_are_not_read() {
    let bytes = one_series(1, &[0x81, 9], &[0x81, 5]);
    assert!(super::data_sets(&bytes, |name| name == "h").is_ok());
    assert!(super::data_sets(&bytes, |name| name == "g").is_err());
}

#[test]
fn the_bounds_are_those_of_all_rules_together() {
    let rules = |key: &[u8], count: usize| {
        let one = [&b"\x83"[..], key, b"\x82\x01\x80\x80"].concat();
        let series = [&b"\x82\x18\x65\x99"[..], &u16::try_from(count).expect("small").to_be_bytes(), &one.repeat(count)].concat();
        let rules = (b'a'..b'f').flat_map(|name| [&[0x61, name], &series[..]].concat()).collect();
        data_sets(&[b"\xa1\x66values\xa5".to_vec(), rules].concat()).expect("an answer")
    };
    let refused =
        |sets: &DataSets, words: &str| sets.values().filter(|set| matches!(set, DataSet::Refused(why) if why.contains(words))).count();
    assert_eq!(refused(&rules(b"\x40", MAX_SERIES / 2), ""), 0);
    assert_eq!(refused(&rules(b"\x40", MAX_SERIES - 1), "series match all queries together"), 1);
    // `{"aaa": "", …}` of 32 labels: 2 KiB in memory, 161 bytes on the way.
    let labels: Vec<u8> = (0..32_u8).flat_map(|number| [0x62, b'a', b'@' + number, 0x60]).collect();
    let key = [&[0x58, 130, 0xb8, 32], &labels[..]].concat();
    assert_eq!(refused(&rules(&key, 1_000), "too long labels"), 2);
}

#[test]
fn too_many_series_or_samples_are_refused_with_the_next_step() {
    let one = &b"\x83\x40\x82\x01\x81\x09\x81\x05"[..];
    let count = u16::try_from(MAX_SERIES + 1).expect("small").to_be_bytes();
    let bytes = answer(&[&b"\x82\x18\x65\x99"[..], &count, &one.repeat(MAX_SERIES + 1)].concat());
    let sets = data_sets(&bytes).expect("an answer");
    assert_eq!(sets["h"], DataSet::Refused(format!("more than {MAX_SERIES} series match: narrow the query")));

    let count = u32::try_from(MAX_ANSWER_SAMPLES + 5).expect("small").to_be_bytes();
    let values = [&b"\x9a"[..], &count, &vec![1; MAX_ANSWER_SAMPLES + 5]].concat();
    let sets = data_sets(&one_series(1, &values, &[0x80])).expect("an answer");
    assert!(matches!(&sets["h"], DataSet::Refused(why) if why.contains("shorten their windows")), "{sets:?}");
}

#[test]
fn the_recorded_list_of_metrics_is_read_in_our_units() {
    let listed = listing(ALL_METRICS).expect("recorded");
    assert_eq!(listed.len(), 2_409);
    assert!(listed.is_sorted_by(|a, b| a.labels <= b.labels));
    let value = |pairs: &[(&str, &str)]| {
        let labels = labels_of(pairs);
        listed.iter().find(|one| one.labels == labels).unwrap_or_else(|| panic!("no {labels:?}")).value.clone()
    };
    assert_eq!(value(&[("metric", "cpu.user")]), ListedValue::Counter(760.25));
    assert_eq!(value(&[("metric", "memory.MemTotal")]), ListedValue::Gauge(25_276_514_304.0));
    assert_eq!(value(&[("metric", "disk.read.time"), ("device", "vda"), ("layer", "physical")]), ListedValue::Counter(83.345));
    assert_eq!(value(&[("metric", "load_avg_1min")]), ListedValue::Gauge(8.36));
    assert_eq!(value(&[("metric", "user_time"), ("pid", "4735")]), ListedValue::Counter(11.34));
    let state = ListedValue::State { since: UnixMillis(1_795_289_938_479), text: "working 93".to_owned() };
    assert_eq!(value(&[("appname", "webapp"), ("group", "webapp"), ("metric", "state"), ("pid", "7182")]), state);
    assert!(listed.iter().any(|one| one.at == UnixMillis(1_795_289_861_805)), "a process that ended keeps its time");
}

#[test]
fn long_states_are_cut_between_characters() {
    let text = "ö".repeat(200);
    let state = [&b"\x82\x05\x79\x01\x90"[..], text.as_bytes()].concat();
    let bytes = [&b"\xa1\x67metrics\x81\x83\x40\x05\x82\x00"[..], &state].concat();
    let ListedValue::State { text, .. } = &listing(&bytes).expect("a list")[0].value else { panic!("no state") };
    assert_eq!(text.len(), MAX_STATE_BYTES);
}

fn recorded() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![HISTORY_BY_TIME, MULTI_RULE, SUM, TIP, STATES, EMPTY, INCOMPATIBLE, &ALL_METRICS[..4_000]])
        .prop_map(<[u8]>::to_vec)
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (data_sets(&bytes), data_sets(&answer(&bytes)), listing(&bytes));
    }

    #[test]
    fn no_damage_to_a_recording_panics(
        mut bytes in recorded(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let whole = (data_sets(&bytes), listing(&bytes));
        // What is read of it is ordered, however damaged.
        if let Ok(sets) = whole.0 {
            for set in sets.values() {
                let DataSet::Series(series) = set else { continue };
                prop_assert!(series.iter().all(|one| one.samples.is_sorted_by(|newer, older| newer.0 > older.0)));
            }
        }
        bytes.truncate(end.index(bytes.len()));
        let _ = (data_sets(&bytes), listing(&bytes));
    }
}
