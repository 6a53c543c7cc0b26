//! A whole round with its parts, on a cluster of the generator: the reports of one interval taken in, the snapshot published, and all
//! that the leader's loop does up to the commit, beside the native decision, in one run. What runs off the round's path (the schedule's
//! file, the journal) is not in it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use verwalter::cluster::Leadership;
use verwalter::journal::{About, Outcome, Record, Ring};
use verwalter::plugin::{Activator, Loaded};
use verwalter::round::circumstances::Circumstances;
use verwalter::round::decide::{Before, Decided, admitted, decide, prepare};
use verwalter::storage::Storage;
use verwalter::store::{InForce, ScheduleStore};
use verwalter_collect::generate::{self, Recent, STEP, Step, default_columns};
use verwalter_collect::query::QuerySet;
use verwalter_collect::query::evaluate::Asked;
use verwalter_collect::query::plan::Plan;
use verwalter_collect::source::{Peers, Report, Row};
use verwalter_collect::table;
use verwalter_core::admit::{Admitted, admit};
use verwalter_core::contract::InputMode;
use verwalter_core::diff::Diff;
use verwalter_core::digest::Digest;
use verwalter_core::ids::{Round, Term};
use verwalter_core::metrics::{Column, SERIES_LEN, Source};
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::{Kind, Plugin, RawOutput, Scheduler};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

use crate::native::{self, NativeInput};
use crate::{COMPONENT, cluster, load};

/// What each machine measures, and how many columns are kept of it: those of the scheduler are among them.
const METRICS: usize = 50;
const QUERIES: usize = 20;
/// Rounds that are measured, of each sort.
pub(crate) const ROUNDS: usize = 15;

pub(crate) fn print(activator: &Activator, peers: usize, rounds: usize) {
    let collected = collected(peers, rounds);
    let bench = Bench::new(activator);
    println!(
        "\na whole round at {peers} peers × {METRICS} metrics, {QUERIES} columns, fuel on; medians of {} first and {} next rounds, ms of processor\n",
        collected.rounds.len(),
        collected.rounds.len() - 1
    );
    collected.print();
    for case in [Case::First, Case::Next] {
        bench.case(case, &collected).print(case);
    }
    bench.print_record(collected.rounds.last().expect("there are rounds"));
}

/// Snapshots as they follow each other, and what it took to have them.
struct Collected {
    rounds: Vec<Arc<Snapshot>>,
    reports: Vec<Duration>,
    published: Vec<Duration>,
}

impl Collected {
    fn print(&self) {
        let ms = |times: &[Duration]| median(times).as_secs_f64() * 1e3;
        let (reports, published) = (ms(&self.reports), ms(&self.published));
        println!("| as reports arrive, before the round | ms |\n|---|---|");
        println!("| reports of all peers in one interval taken in | {reports:.2} |");
        println!("| peers renewed, snapshot published | {published:.2} |");
    }
}

/// Runs a cluster of the generator until columns are full, then one interval a round.
fn collected(peers: usize, rounds: usize) -> Collected {
    let cluster = generate::Cluster::new(1, peers, METRICS);
    let rules = default_columns(&cluster.metrics()[..QUERIES]).into_values().chain(cluster::metrics().into_values());
    let set = QuerySet::compile(1, &rules.collect());
    let mut plan = Plan::new(&set);
    for (place, metric) in (0..).zip(cluster.metrics()) {
        plan.insert(&set, place, &metric.labels, |other| &cluster.metrics()[other as usize].labels);
    }
    let mut table = table::Cluster::new(cluster.peers().peers[0].clone(), Source::Agent, STEP);
    table.set_peers(cluster.peers());
    table.set_queries(&set);
    let mut recent = Recent::new(&cluster, SERIES_LEN);
    let mut collected = Collected { rounds: Vec::new(), reports: Vec::new(), published: Vec::new() };
    for (number, step) in cluster.steps().take(SERIES_LEN + rounds).enumerate() {
        let reports: Vec<Report> = (0..peers).filter_map(|peer| report(&cluster, &set, &plan, &mut recent, &step, peer)).collect();
        let seen: Peers = cluster.peers_at(&step);
        let (_, reported) = timed(|| {
            reports.iter().for_each(|report| table.report(Source::Agent, report).expect("the cluster's own reports fit"));
        });
        let (snapshot, published) = timed(|| {
            table.set_peers(&seen);
            Arc::new(table.snapshot(step.at))
        });
        if number >= SERIES_LEN {
            collected.rounds.push(snapshot);
            collected.reports.push(reported);
            collected.published.push(published);
        }
    }
    collected
}

/// What the peer would send: with the built-in agent evaluation is its own work.
fn report(cluster: &generate::Cluster, set: &QuerySet, plan: &Plan, recent: &mut Recent, step: &Step, peer: usize) -> Option<Report> {
    step.row(peer)?;
    recent.take_in(step, peer);
    let now = Duration::from_millis(step.at.0 - generate::BEGIN.0);
    let row: Row = plan.row(set, |metric| recent.view(peer, metric as usize), Asked { now, stale: 3 * STEP });
    Some(Report { peer: cluster.peers().peers[peer].id, generation: set.generation, taken: step.at, row })
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    First,
    Next,
}

impl Case {
    fn title(self) -> &'static str {
        match self {
            Case::First => "first decision, all placements new",
            Case::Next => "next decision, figures of one interval later; the same answer as before, but for the first",
        }
    }
}

/// One path from the snapshot to the commit.
#[derive(Clone, Copy, PartialEq)]
enum Path {
    Columns,
    Document,
    /// By columns, but the answer is in the long notation.
    Long,
}

impl Path {
    const ALL: [Path; 3] = [Path::Columns, Path::Document, Path::Long];

    fn title(self) -> &'static str {
        match self {
            Path::Columns => "columns, short placements",
            Path::Document => "JSON rows, short placements",
            Path::Long => "columns, long form (written elsewhere)",
        }
    }
}

/// The parts of a round, in their order.
const PARTS: [&str; 7] = [
    "document, and the view of the columns",
    "instance, call, answer copied out",
    "answer read, canonical form",
    "digest",
    "diff to the schedule in force",
    "commit",
    "memory given back",
];

struct Bench {
    columns: Loaded,
    document: Loaded,
    store: ScheduleStore,
    leadership: Leadership,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(activator: &Activator) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let storage = Arc::new(Storage::open(dir.path()).expect("an empty directory"));
        let (store, _) = ScheduleStore::open(&storage).expect("an empty directory");
        let leadership = Leadership::alone(verwalter_core::ids::NodeId::from_bytes([1; 16]), &storage, None).expect("an empty directory");
        Bench {
            columns: load(activator, COMPONENT, Some(InputMode::Columns), Kind::Scheduler),
            document: load(activator, COMPONENT, Some(InputMode::Document), Kind::Scheduler),
            store,
            leadership,
            _dir: dir,
        }
    }

    fn circumstances(&self, snapshot: &Arc<Snapshot>, parent: Option<&Schedule>) -> Circumstances {
        let own = snapshot.peers().get(0).expect("there is a peer");
        Circumstances {
            now: snapshot.at,
            round: Round(1),
            term: Term { counter: 1, leader: own.id },
            hostname: own.hostname.clone(),
            id: own.id,
            runtime: cluster::runtime(&cluster::roles(snapshot.peers().len())).into(),
            actions: "{}".into(),
            parents: parent.into_iter().cloned().collect(),
            snapshot: snapshot.clone(),
        }
    }

    /// Off the round's path: what the journal writes of one, but for the plugins' documents and answers.
    fn print_record(&self, snapshot: &Arc<Snapshot>) {
        println!("\n| record of a round in the journal | MiB | compressed | encoded and compressed, ms |\n|---|---|---|---|");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let storage = Arc::new(Storage::open(dir.path()).expect("an empty directory"));
        let (mut ring, _) = Ring::open(storage, 1 << 30).expect("an empty directory");
        let values = snapshot.columns().iter().map(|(id, column)| (id.clone(), Arc::new(Column::new(column.values.to_vec())))).collect();
        let bare = Snapshot::new(snapshot.at, snapshot.peers().clone(), values).expect("the same lengths");
        for (what, snapshot) in [("peers, columns and their past", snapshot.clone()), ("without the past", Arc::new(bare))] {
            let known = self.circumstances(&snapshot, None);
            let about = About {
                term: known.term,
                round: known.round,
                at: known.now,
                hostname: known.hostname.clone(),
                id: known.id,
                program: String::new(),
                scheduler: None,
                policies: Vec::new(),
                outcome: Outcome::Failed { cause: None, message: String::new() },
                elapsed_us: 0,
            };
            let record = Record { about, runtime: known.runtime, actions: known.actions, parents: known.parents, snapshot };
            let (appended, took) = timed(|| ring.append(&record).expect("there is room"));
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let (whole, packed) = (mib(appended.body_bytes), mib(appended.bytes));
            println!("| {what} | {whole:.1} | {packed:.1} | {:.0} |", took.as_secs_f64() * 1e3);
        }
    }

    /// Each path in turn, round by round, so that what else the machine does meets all of them.
    fn case(&self, case: Case, collected: &Collected) -> Table {
        let mut table = Table::default();
        // A node's first decision follows none of its own.
        let mut lasts: [Option<Last>; Path::ALL.len()] = std::array::from_fn(|_| None);
        let mut parent: Option<Schedule> = None;
        if case == Case::Next {
            let known = self.circumstances(&collected.rounds[0], None);
            parent = Some(self.decided(&self.columns, &known).admitted.schedule);
        }
        for (number, snapshot) in collected.rounds.iter().skip(usize::from(case == Case::Next)).enumerate() {
            let known = self.circumstances(snapshot, parent.as_ref());
            let input = NativeInput::new(&known.snapshot, &cluster::roles(known.snapshot.peers().len()), parent.as_ref());
            let (_, took) = timed(|| drop(black_box(native::schedule(&input))));
            table.native.push(took);
            let mut next = None;
            // The first one after something else finds less in the caches: none is it always.
            for turn in 0..Path::ALL.len() {
                let path = Path::ALL[(number + turn) % Path::ALL.len()];
                let last = (case == Case::Next).then_some(&mut lasts[path as usize]);
                let (parts, whole, schedule) = self.round(path, &known, last);
                table.paths[path as usize].push((parts, whole));
                assert!(next.as_ref().is_none_or(|other| *other == schedule), "all paths decide the same");
                next = Some(schedule);
            }
            if case == Case::Next {
                parent = next;
            }
        }
        table
    }

    fn decided(&self, plugin: &Loaded, known: &Circumstances) -> Decided {
        let (document, view, took) = prepare(plugin, &known.input(plugin.config()), &known.snapshot);
        decide(plugin, &document, &view, took).expect("the sample scheduler decides")
    }

    /// One round up to its commit, as `round` makes it, with the time of each part, and of all.
    fn round(&self, path: Path, known: &Circumstances, last: Option<&mut Option<Last>>) -> ([Duration; PARTS.len()], Duration, Schedule) {
        let plugin = if path == Path::Document { &self.document } else { &self.columns };
        let peers = known.snapshot.peers();
        let ((document, view, _), preparing) = timed(|| prepare(plugin, &known.input(plugin.config()), &known.snapshot));
        let (decision, calling) = timed(|| plugin.schedule(&document, &view).expect("the sample scheduler decides"));
        let output = if path == Path::Long { long(&decision.output, known) } else { decision.output };
        let limits = plugin.json_limits();
        let before = last.as_deref().and_then(Option::as_ref);
        let before = before.map(|last| Before { output: &last.output, admitted: &last.admitted, peers: &last.peers, limits });
        let (admitted, admitting) = timed(|| admitted(&output, peers, limits, before).expect("a sound answer"));
        if let Some(last) = last {
            *last = Some(Last { output: output.clone(), admitted: admitted.clone(), peers: peers.clone() });
        }
        let (digest, digesting) = timed(|| Digest::of(admitted.schedule.canonical().as_bytes()));
        assert_eq!(digest, admitted.schedule.digest());
        let (diff, comparing) = timed(|| Diff::between(known.previous(), &admitted.schedule, peers));
        plugin.guards().check(&diff).expect("nothing moves");
        let schedule = admitted.schedule.clone();
        let lease = self.leadership.lease().expect("it leads alone");
        let in_force = InForce { schedule: schedule.clone(), since: known.now, term: lease.term(), round: known.round, why: admitted.why };
        let (_, committing) = timed(|| self.store.commit(&lease, in_force).expect("it leads alone"));
        let (_, freeing) = timed(|| drop((document, view, output, diff, admitted.schedule)));
        // The digest is made once more here to know its time; admitting has made it, too.
        let parts = [preparing, calling, admitting.saturating_sub(digesting), digesting.min(admitting), comparing, committing, freeing];
        (parts, parts.iter().sum(), schedule)
    }
}

/// What a node keeps of its last round, to know the same answer again.
struct Last {
    output: RawOutput,
    admitted: Admitted,
    peers: Arc<PeerTable>,
}

/// The same answer in the long notation, with the same reasons.
fn long(output: &RawOutput, known: &Circumstances) -> RawOutput {
    let limits = verwalter_core::json::strict::JsonLimits { depth: 100, values: 100_000_000 };
    let admitted = admit(output, known.snapshot.peers(), limits).expect("a sound answer");
    let schedule: Value = serde_json::from_str(admitted.schedule.canonical()).expect("canonical JSON");
    let mut answer: Value = serde_json::from_slice(&output.0).expect("a sound answer");
    answer["schedule"] = schedule;
    RawOutput(answer.to_string().into_bytes())
}

/// The times of one sort of rounds.
#[derive(Default)]
struct Table {
    native: Vec<Duration>,
    /// By path: of each part, and of the whole.
    paths: [Vec<([Duration; PARTS.len()], Duration)>; Path::ALL.len()],
}

impl Table {
    fn print(&self, case: Case) {
        let native = median(&self.native);
        let times = |time: Duration| time.as_secs_f64() / native.as_secs_f64();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (least, most) = (self.native.iter().min().copied().unwrap_or_default(), self.native.iter().max().copied().unwrap_or_default());
        println!(
            "\n{}: ms (times the native decision on structs, {:.2} ms, {:.2} to {:.2})\n",
            case.title(),
            ms(native),
            ms(least),
            ms(most)
        );
        println!("| part | {} |", Path::ALL.map(Path::title).join(" | "));
        println!("|---|{}", "---|".repeat(Path::ALL.len()));
        for (index, part) in PARTS.iter().enumerate() {
            let cells = self.paths.each_ref().map(|rounds| {
                let time = median(&rounds.iter().map(|(parts, _)| parts[index]).collect::<Vec<_>>());
                format!("{:.2} ({:.2}×)", ms(time), times(time))
            });
            println!("| {part} | {} |", cells.join(" | "));
        }
        let cells = self.paths.each_ref().map(|rounds| {
            let time = median(&rounds.iter().map(|(_, whole)| *whole).collect::<Vec<_>>());
            format!("**{:.2} ({:.2}×)**", ms(time), times(time))
        });
        println!("| the round | {} |", cells.join(" | "));
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// On a machine with other work the clock says more about that: this is the time of this thread's processor.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = processor_time();
    let result = work();
    (result, processor_time().saturating_sub(started))
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
