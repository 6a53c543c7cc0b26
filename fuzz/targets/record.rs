//! A recorded round: what was written comes back bit by bit; damaged or made up, it is refused in few words or is a round of its own.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use verwalter_core::contract::{InputKey, InputMode, Reads};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::{Column, Combine, MetricRule, Take};
use verwalter_core::names::{Hostname, PluginName};
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::{Cost, FailureCause, PluginId, RawOutput};
use verwalter_core::snapshot::Snapshot;
use verwalter_fuzz::MAX_MESSAGE_BYTES;
use verwalter_fuzz::admitted::{admit_bounded, check_schedule};
use verwalter_fuzz::answers::{Model, Notation};
use verwalter_fuzz::journal::record::{About, Call, Outcome, Record, Review, Verdict};
use verwalter_fuzz::tables::{LIMITS, tables};

static TABLES: LazyLock<[PeerTable; 3]> = LazyLock::new(tables);

#[derive(Debug, arbitrary::Arbitrary)]
enum Input<'a> {
    Made(Box<Made<'a>>),
    /// A description of any length, and what follows it.
    Plain(&'a [u8], &'a [u8]),
}

/// A round, and the bytes of it that are altered afterwards.
#[derive(Debug, arbitrary::Arbitrary)]
struct Made<'a> {
    parents: Vec<Model>,
    texts: [&'a str; 4],
    answer: Option<&'a [u8]>,
    reviews: Vec<(Said<'a>, Option<&'a [u8]>)>,
    outcome: Came<'a>,
    /// Bits of doubles, and how many of them are of the series of each peer.
    columns: Vec<([u64; 4], [u8; 4])>,
    number: u64,
    damage: Vec<(u16, u8)>,
    /// From where on nothing is left.
    cut: Option<u16>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Said<'a> {
    Allowed(Vec<&'a str>),
    Denied(Vec<&'a str>),
    Failed(&'a str),
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Came<'a> {
    Accepted(bool),
    Denied(&'a str),
    Failed(&'a str),
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Made(made) => {
            let record = made.record();
            let mut bytes = record.encode();
            let again = Record::decode(&bytes).expect("what was written is read");
            assert_eq!(again.about, record.about);
            assert_eq!(again.encode(), bytes, "the same round is the same bytes");
            for (place, byte) in &made.damage {
                let place = usize::from(*place) % bytes.len();
                bytes[place] = *byte;
            }
            let kept = made.cut.map_or(bytes.len(), |cut| usize::from(cut).min(bytes.len()));
            check(&bytes[..kept]);
        }
        Input::Plain(about, blocks) => {
            check(blocks);
            let length = u32::try_from(about.len()).expect("an input is short");
            check(&[&length.to_le_bytes(), about, blocks].concat());
        }
    }
});

fn check(bytes: &[u8]) {
    match Record::decode(bytes) {
        Ok(record) => {
            let written = record.encode();
            let again = Record::decode(&written).expect("what was written is read");
            assert_eq!(again.about, record.about);
            assert_eq!(again.encode(), written, "written again, it is the same bytes");
            assert_eq!((again.runtime, again.actions), (record.runtime.clone(), record.actions.clone()));
            record.parents.iter().for_each(check_schedule);
            let told = record.document().map(|(document, _)| document);
            assert_eq!(told.is_some(), record.about.scheduler.is_some());
        }
        Err(err) => assert!(err.to_string().len() <= MAX_MESSAGE_BYTES, "{} bytes", err.to_string().len()),
    }
}

impl Made<'_> {
    fn record(&self) -> Record {
        let [_, peers, _] = &*TABLES;
        let id = NodeId::from_bytes([7; 16]);
        let columns = self.columns.iter().enumerate().map(|(index, column)| (rule(index).into(), Arc::new(made_column(column))));
        let snapshot = Snapshot::new(UnixMillis(self.number), Arc::new(peers.clone()), columns.collect()).expect("a value for each peer");
        let schedule =
            |model: &Model| admit_bounded(model.text(Notation::Long).as_bytes(), peers, LIMITS).expect("the model is sound").schedule;
        let call = |answer: Option<&[u8]>| {
            let plugin = PluginId { name: PluginName::new("spread").expect("valid"), digest: Digest::of(b"its file") };
            let metrics = (0..self.columns.len()).map(|index| (format!("m{index}"), rule(index))).collect();
            let reads = Reads { mode: InputMode::Document, keys: InputKey::ALL.to_vec(), metrics };
            let call = Call::new(plugin, self.texts[0].to_owned(), self.texts[1].to_owned(), reads, "{}");
            let cost = Cost { fuel: self.number, elapsed: Duration::from_micros(self.number), peak_memory: 65_536 };
            match answer {
                Some(answer) => call.answered(RawOutput(answer.to_vec()), &cost),
                None => call.ended(Some(&cost)),
            }
        };
        let reviews = self.reviews.iter().map(|(said, answer)| Review { call: call(*answer), verdict: said.verdict() });
        Record {
            about: About {
                term: Term { counter: self.number, leader: id },
                round: Round(self.number),
                at: UnixMillis(self.number),
                hostname: Hostname::new("alpha").expect("valid"),
                id,
                program: self.texts[2].to_owned(),
                scheduler: (self.answer.is_some() || self.number.is_multiple_of(2)).then(|| call(self.answer)),
                policies: reviews.collect(),
                outcome: self.outcome.outcome(),
                elapsed_us: self.number,
            },
            runtime: self.texts[3].into(),
            actions: "{}".into(),
            parents: self.parents.iter().take(3).map(schedule).collect(),
            snapshot: Arc::new(snapshot),
        }
    }
}

impl Said<'_> {
    fn verdict(&self) -> Verdict {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        match self {
            Said::Allowed(warnings) => Verdict::Allowed { warnings: owned(warnings) },
            Said::Denied(reasons) => Verdict::Denied { reasons: owned(reasons), warnings: owned(reasons) },
            Said::Failed(message) => Verdict::Failed { cause: FailureCause::Fuel, message: (*message).to_owned(), allows: true },
        }
    }
}

impl Came<'_> {
    fn outcome(&self) -> Outcome {
        let schedule = Digest::of(b"a schedule");
        match self {
            Came::Accepted(changed) => Outcome::Accepted { schedule, changed: *changed },
            Came::Denied(by) => Outcome::Denied { by: (*by).to_owned(), schedule, reasons: vec![(*by).to_owned()] },
            Came::Failed(message) => Outcome::Failed { cause: None, message: (*message).to_owned() },
        }
    }
}

fn rule(index: usize) -> MetricRule {
    let labels = [("metric".to_owned(), index.to_string())].into();
    MetricRule { labels, take: Take::Rate, window: Duration::from_secs(60), combine: Combine::Sum, ..MetricRule::default() }
}

fn made_column((bits, counts): &([u64; 4], [u8; 4])) -> Column {
    let values = bits.map(f64::from_bits);
    let series = counts.map(|count| values.iter().copied().cycle().take(usize::from(count % 8)).collect());
    Column::with_series(Arc::new(values.to_vec()), series.to_vec())
}
