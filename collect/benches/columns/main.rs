//! What it costs to have the columns ready: 20 queries over generated clusters of 50 metrics and 30 samples, kept up to date as reports
//! arrive, beside making everything anew, in one run. Times are of this machine; the ratios are the point.

mod anew;
mod queries;
mod resident;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter_collect::generate::{Cluster, Recent, STEP, Step, View};
use verwalter_collect::query::QuerySet;
use verwalter_collect::query::evaluate::Asked;
use verwalter_collect::query::plan::Plan;
use verwalter_collect::source::{Report, Row};
use verwalter_collect::table;
use verwalter_core::ids::UnixMillis;
use verwalter_core::metrics::{SERIES_LEN, Source};
use verwalter_core::peers::PeerTable;
use verwalter_core::snapshot::Snapshot;

const METRICS: usize = 50;
/// Rounds that are measured, after one of which nothing is counted.
const ROUNDS: usize = 15;

fn main() {
    // `cargo test --benches` only wants to see it run.
    let quick = std::env::args().any(|argument| argument == "--test");
    let (sizes, rounds): (&[usize], usize) = if quick { (&[50], 2) } else { (&[100, 1_000, 10_000], ROUNDS) };
    for size in sizes {
        Bench::new(*size, rounds).run();
    }
}

struct Bench {
    cluster: Cluster,
    set: QuerySet,
    plan: Plan,
    rounds: usize,
}

/// How long something took: by the clock, and of this thread's processor.
#[derive(Clone, Copy)]
struct Time {
    clock: Duration,
    processor: Duration,
}

impl std::ops::Add for Time {
    type Output = Time;
    fn add(self, other: Time) -> Time {
        Time { clock: self.clock + other.clock, processor: self.processor + other.processor }
    }
}

/// The middle and the longest of the times of some rounds.
#[derive(Clone, Copy)]
struct Took {
    median: Time,
    longest: Duration,
}

impl Took {
    fn of(times: &[Time]) -> Took {
        let sorted = |part: fn(&Time) -> Duration| {
            let mut parts: Vec<Duration> = times.iter().map(part).collect();
            parts.sort_unstable();
            parts
        };
        let (clock, processor) = (sorted(|time| time.clock), sorted(|time| time.processor));
        Took { median: Time { clock: clock[clock.len() / 2], processor: processor[processor.len() / 2] }, longest: clock[clock.len() - 1] }
    }

    fn print(self, name: &str, yardstick: Took) {
        let times = self.median.processor.as_secs_f64() / yardstick.median.processor.as_secs_f64();
        let [processor, clock, longest] = [self.median.processor, self.median.clock, self.longest].map(|time| time.as_secs_f64() * 1e3);
        println!("| {name} | {processor:.2} | {clock:.2} | {longest:.2} | {times:.2}× |");
    }
}

impl Bench {
    fn new(size: usize, rounds: usize) -> Bench {
        let cluster = Cluster::new(1, size, METRICS);
        let set = queries::set();
        let mut plan = Plan::new(&set);
        for (place, metric) in (0..).zip(cluster.metrics()) {
            plan.insert(&set, place, &metric.labels, |other| &cluster.metrics()[other as usize].labels);
        }
        Bench { cluster, set, plan, rounds }
    }

    fn size(&self) -> usize {
        self.cluster.peers().peers.len()
    }

    fn table(&self) -> table::Cluster {
        let mut table = table::Cluster::new(self.cluster.peers().peers[0].clone(), Source::Agent, STEP);
        table.set_peers(self.cluster.peers());
        table.set_queries(&self.set);
        table
    }

    fn row(&self, recent: &Recent, peer: usize, now: Duration) -> Row {
        let asked = Asked { now, stale: 3 * STEP };
        self.plan.row(&self.set, |metric| -> View<'_> { recent.view(peer, metric as usize) }, asked)
    }

    fn report(&self, recent: &Recent, peer: usize, step: &Step) -> Report {
        let row = self.row(recent, peer, now(step));
        Report { peer: self.cluster.peers().peers[peer].id, generation: self.set.generation, taken: step.at, row }
    }

    fn run(&self) {
        let mut steps = self.cluster.steps();
        let before = resident::bytes();
        let mut recent = Recent::new(&self.cluster, SERIES_LEN);
        for step in steps.by_ref().take(SERIES_LEN) {
            (0..self.size()).for_each(|peer| recent.take_in(&step, peer));
        }
        let samples = resident::bytes() - before;
        let before = resident::bytes();
        let mut table = self.table();
        let mut ready = Vec::new();
        let [mut taken_in, mut evaluated, mut reported, mut made, mut incremental, mut peers, mut idle] =
            std::array::from_fn::<_, 7, _>(|_| Vec::new());
        // What a node holds beside the newest one: the round, the journal and a shadow.
        let mut held: std::collections::VecDeque<Arc<Snapshot>> = std::collections::VecDeque::new();
        // As many steps first as a column remembers.
        for (number, step) in steps.by_ref().take(SERIES_LEN + self.rounds).enumerate() {
            let count = number >= SERIES_LEN;
            let (_, took) = timed(|| (0..self.size()).for_each(|peer| recent.take_in(&step, peer)));
            let came = (0..self.size()).filter(|peer| step.row(*peer).is_some());
            let (reports, evaluating) = timed(|| came.map(|peer| self.report(&recent, peer, &step)).collect::<Vec<_>>());
            let (_, reporting) =
                timed(|| reports.iter().for_each(|report| table.report(Source::Agent, report).expect("the cluster's own reports fit")));
            let (snapshot, making) = timed(|| table.snapshot(step.at));
            let (_, nothing) = timed(|| black_box(table.snapshot(step.at)));
            let seen = self.cluster.peers_at(&step);
            let (_, renewing) = timed(|| {
                table.set_peers(&seen);
                table.snapshot(step.at)
            });
            held.push_back(Arc::new(snapshot));
            if held.len() > 3 {
                held.pop_front();
            }
            if count {
                taken_in.push(took);
                evaluated.push(evaluating);
                reported.push(reporting);
                made.push(making);
                incremental.push(took + evaluating + reporting + making);
                ready.push(reporting + making);
                peers.push(renewing);
                idle.push(nothing);
            }
            drop(reports);
        }
        let kept = resident::bytes() - before;
        let step = steps.next().expect("steps have no end");
        (0..self.size()).for_each(|peer| recent.take_in(&step, peer));
        let often = |times: usize, work: &dyn Fn()| (0..self.rounds.min(times)).map(|_| timed(work).1).collect::<Vec<Time>>();
        let anew = often(3, &|| drop(black_box(anew::snapshot(self, &recent, &step, SERIES_LEN))));
        let values = often(5, &|| drop(black_box(anew::snapshot(self, &recent, &step, 0))));
        let table_anew = often(5, &|| drop(black_box(anew::peers(&self.cluster))));

        let yardstick = Took::of(&incremental);
        println!("\n{} peers × {METRICS} metrics × {SERIES_LEN} samples, {} queries: a round\n", self.size(), self.set.rules().len());
        println!("| what | processor ms, median | clock ms, median | longest | of the first |\n|---|---|---|---|---|");
        yardstick.print("all samples in, evaluated here, columns ready", yardstick);
        Took::of(&taken_in).print("– new samples of all peers taken in", yardstick);
        Took::of(&evaluated).print("– queries evaluated (the built-in agent does it on the peers)", yardstick);
        Took::of(&reported).print("– reports taken in", yardstick);
        Took::of(&made).print("– snapshot made", yardstick);
        Took::of(&ready).print("rows in, columns ready: as with the built-in agent", yardstick);
        Took::of(&idle).print("snapshot, nothing changed but ages", yardstick);
        Took::of(&peers).print("every peer's last report changed: peers and snapshot", yardstick);
        Took::of(&table_anew).print("table of peers made anew", yardstick);
        Took::of(&values).print("everything made anew, without a past", yardstick);
        Took::of(&anew).print("everything made anew", yardstick);
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        println!("\nresident: samples {:.1} MiB (computed {:.1})", mib(samples), mib(recent.bytes()));
        println!("resident: peers, columns and three older snapshots {:.1} MiB", mib(kept));
        drop(held);
    }
}

/// The step's time on the clock of the samples.
fn now(step: &Step) -> Duration {
    Duration::from_millis(step.at.0 - verwalter_collect::generate::BEGIN.0)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Time) {
    let (started, used) = (Instant::now(), processor_time());
    let result = work();
    (result, Time { clock: started.elapsed(), processor: processor_time().saturating_sub(used) })
}

/// What this thread has used so far: on a machine with other work the clock says more about that.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
