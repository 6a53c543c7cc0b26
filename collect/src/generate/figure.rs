//! What the machines of a made-up cluster measure: the figures that the built-in agent has first, then those of made-up applications.

use super::machine::Machine;
use super::random::Draw;
use super::{STEP_MS, STEPS_A_DAY};
use crate::series::{Labels, SampleKind};

const STEP_S: f64 = STEP_MS as f64 / 1_000.0;
/// A burst begins on a boundary of so many steps, and lasts as many at most.
const BURST_STEPS: u64 = 16;
/// One such stretch in so many has a burst.
const BURSTS: u64 = 40;
/// One machine in so many does not run a certain application.
const ABSENT: u64 = 4;
/// One sample in so many is missing although its neighbours are there.
const MISSING: u64 = 2_000;

/// What a figure is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// The share of all processors that is busy.
    Busy,
    /// Seconds of all processors: so much of the busy time.
    Processor(f64),
    /// Seconds of all processors that are not busy.
    Idle,
    /// So many times the busy processors.
    Load(f64),
    /// A share of the memory that does not change.
    Memory(f64),
    /// Memory that shrinks with load.
    MemoryLeft,
    Cpus,
    Uptime,
    /// Bytes over the network: so much of what the card moves at full load.
    Network(f64),
    /// Bytes to or from disks, at most so many a second.
    Disk(f64),
    DiskSize,
    /// What is left of the disk: it fills up and is cleaned every few hours.
    DiskLeft,
    /// So many of an application's events a second at full load.
    Events(f64),
    /// Its waiting requests at full load.
    Queue(f64),
    /// Seconds that one takes, idle.
    Latency(f64),
    /// Its workers for each processor.
    Workers(f64),
}

/// One series that every machine may have.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What tells it from the others.
    pub labels: Labels,
    /// What its numbers mean.
    pub kind: SampleKind,
    shape: Shape,
    /// Number of the application, for what not every machine runs.
    application: Option<u64>,
}

/// Where and when a sample is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) machine: &'a Machine,
    /// For this machine and series.
    pub(super) draw: Draw,
    pub(super) step: u64,
    /// Steps since the machine started.
    pub(super) up: u64,
    /// The machine's load from 0 to 1 at this step.
    pub(super) load: f64,
}

/// The load of a machine from 0 to 1 at `step`: day and night, noise, and bursts. `draw` is for this machine only.
pub(super) fn load(machine: &Machine, draw: Draw, step: u64) -> f64 {
    let day = ((step + machine.ahead) % STEPS_A_DAY) as f64 / STEPS_A_DAY as f64;
    // A smooth hump with its top at noon, of mean 8/15.
    let hump = 16.0 * (day * (1.0 - day)) * (day * (1.0 - day));
    let stretch = draw.of(1).of(step / BURST_STEPS);
    let lasts = 1 + stretch.of(1).below(BURST_STEPS);
    let burst = if stretch.once_in(BURSTS) && step % BURST_STEPS < lasts { 0.3 + 0.4 * stretch.of(2).share() } else { 0.0 };
    let level = machine.load + machine.swing * (hump - 8.0 / 15.0) + 0.06 * draw.of(2).of(step).noise() + burst;
    level.clamp(0.01, 1.0)
}

/// The first `count` metrics.
pub(super) fn metrics(count: usize) -> Vec<Metric> {
    use SampleKind::{Counter, Gauge};
    let rx = [("interface", "eth0")];
    let disk = [("device", "nvme0n1"), ("layer", "physical")];
    let root = [("mount", "/")];
    let metric = |name: &str, labels: &[(&str, &str)], kind, shape| {
        let labels =
            [("metric", name)].into_iter().chain(labels.iter().copied()).map(|(label, value)| (label.to_owned(), value.to_owned()));
        Metric { labels: labels.collect(), kind, shape, application: None }
    };
    let machine = [
        metric("cpu.busy", &[], Gauge, Shape::Busy),
        metric("memory.MemAvailable", &[], Gauge, Shape::MemoryLeft),
        metric("memory.MemTotal", &[], Gauge, Shape::Memory(1.0)),
        metric("net.interface.rx.bytes", &rx, Counter, Shape::Network(0.4)),
        metric("net.interface.tx.bytes", &rx, Counter, Shape::Network(0.7)),
        metric("disk.read.bytes", &disk, Counter, Shape::Disk(2e8)),
        metric("disk.write.bytes", &disk, Counter, Shape::Disk(1e8)),
        metric("load_avg_1min", &[], Gauge, Shape::Load(1.1)),
        metric("cpu.count", &[], Gauge, Shape::Cpus),
        metric("cpu.idle", &[], Counter, Shape::Idle),
        metric("cpu.user", &[], Counter, Shape::Processor(0.75)),
        metric("cpu.system", &[], Counter, Shape::Processor(0.2)),
        metric("cpu.iowait", &[], Counter, Shape::Processor(0.05)),
        metric("fs.size", &root, Gauge, Shape::DiskSize),
        metric("fs.available", &root, Gauge, Shape::DiskLeft),
        metric("uptime", &[], Gauge, Shape::Uptime),
        metric("memory.Buffers", &[], Gauge, Shape::Memory(0.02)),
        metric("load_avg_5min", &[], Gauge, Shape::Load(1.0)),
    ];
    let application = |number: usize| {
        let name = |figure: &str| format!("app{:03}.{figure}", number / 4);
        let (name, kind, shape) = match number % 4 {
            0 => (name("requests"), Counter, Shape::Events(500.0)),
            1 => (name("queue"), Gauge, Shape::Queue(40.0)),
            2 => (name("latency"), Gauge, Shape::Latency(0.004)),
            _ => (name("workers"), Gauge, Shape::Workers(2.0)),
        };
        Metric { application: Some(number as u64 / 4), ..metric(&name, &[], kind, shape) }
    };
    machine.into_iter().chain((0..).map(application)).take(count).collect()
}

impl Metric {
    /// Whether a machine has the series at all. `draw` is for this machine only.
    pub(super) fn is_on(&self, draw: Draw) -> bool {
        self.application.is_none_or(|number| !draw.of(number).once_in(ABSENT))
    }

    /// Whether the sample of a step is missing. `draw` is for this machine and series.
    pub(super) fn is_missing(draw: Draw, step: u64) -> bool {
        draw.of(step).of(1).once_in(MISSING)
    }

    /// The sample; of a counter how much it grew in this step.
    pub(super) fn sample(&self, at: At<'_>) -> f64 {
        let At { machine, draw, step, up, load } = at;
        let noise = || draw.of(step).noise();
        let ticks = |seconds: f64| (seconds * 100.0).floor() / 100.0;
        match self.shape {
            Shape::Busy => (load * 1_000.0).floor() / 1_000.0,
            Shape::Processor(share) => ticks(load * share * machine.cpus * STEP_S),
            Shape::Idle => ticks((1.0 - load) * machine.cpus * STEP_S),
            Shape::Load(times) => ticks(load * times * machine.cpus * (1.0 + 0.05 * noise())),
            Shape::Memory(share) => pages(machine.memory_bytes * share),
            Shape::MemoryLeft => pages(machine.memory_bytes * (0.8 - 0.6 * load + 0.01 * noise())),
            Shape::Cpus => machine.cpus,
            Shape::Uptime => up as f64 * STEP_S,
            Shape::Network(share) => (machine.network_bytes * share * load * STEP_S * (1.0 + 0.3 * noise())).floor(),
            // Disks rest most of the time.
            Shape::Disk(most) => {
                let now = draw.of(step);
                if now.of(2).below(3) == 0 { pages(most * load * STEP_S * now.of(3).share()) } else { 0.0 }
            }
            Shape::DiskSize => machine.disk_bytes,
            Shape::DiskLeft => {
                let fill = 1_000 + draw.of(4).below(10_000);
                let full = ((step + draw.of(5).below(fill)) % fill) as f64 / fill as f64;
                pages(machine.disk_bytes * (0.7 - 0.4 * full))
            }
            Shape::Events(most) => (most * load * STEP_S * (1.0 + 0.3 * noise())).floor(),
            Shape::Queue(most) => (most * load * load * (1.0 + 0.8 * noise())).floor(),
            Shape::Latency(idle) => idle * (1.0 + 4.0 * load * load) * (1.0 + 0.2 * noise()),
            Shape::Workers(each) => machine.cpus * each,
        }
    }
}

/// Whole pages.
fn pages(bytes: f64) -> f64 {
    (bytes / 4_096.0).floor() * 4_096.0
}
