//! This machine's figures, from procfs, the own cgroup and the root file system. It never fails as a whole: a source that cannot be read
//! is left out and noted once. It blocks, so it belongs on a blocking thread.
//!
//! Units are seconds, bytes, ratios and counts. Counters only grow until the machine (or the device) restarts.
//!
//! | metric | kind | labels | meaning |
//! |---|---|---|---|
//! | `cpu.{user,nice,system,idle,iowait,irq,softirq,steal,guest,guest_nice}` | counter, s | | time of all processors together; `user` includes `guest`, `nice` includes `guest_nice` |
//! | `cpu.busy` | gauge, 0 to 1 | | share of all processors neither idle nor in iowait since the reading before; absent in the first |
//! | `cpu.count` | gauge | | processors online |
//! | `load_avg_1min`, `load_avg_5min`, `load_avg_15min` | gauge | | tasks that run or wait for a processor or a disk |
//! | `proc_runnable`, `proc_total` | gauge | | tasks: runnable, all |
//! | `uptime` | gauge, s | | since the machine started |
//! | `memory.<field>` | gauge, bytes | | the lines of `meminfo` (`HugePages_*`: counts) |
//! | `disk.{read,write}.{ops,merges}` | counter | `device`, `layer` | finished, merged requests |
//! | `disk.{read,write}.bytes` | counter, bytes | `device`, `layer` | |
//! | `disk.{read,write}.time` | counter, s | `device`, `layer` | summed over requests |
//! | `disk.in_progress` | gauge | `device`, `layer` | requests under way |
//! | `disk.time`, `disk.weighted_time` | counter, s | `device`, `layer` | with any request under way; the same times their number |
//! | `net.interface.{rx,tx}.bytes` | counter, bytes | `interface` | loopback is left out: it leaves no machine, and a rule can only ask for labels |
//! | `net.interface.{rx,tx}.{packets,errors,drops}` | counter | `interface` | |
//! | `fs.{size,free,available}` | gauge, bytes | `mount` | of the root file system; `available` is what is left to users other than root |
//! | `cgroup.memory.{current,max}` | gauge, bytes | | of the own cgroup (version 2); `max` is absent where there is none |
//! | `cgroup.cpu.{usage,user,system}` | counter, s | | |
//! | `cgroup.pids.current` | gauge | | |
//!
//! `layer` is `stacked` for devices made of others (device mapper, RAID, …), else `physical`: a sum over one layer counts no byte twice.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::series::{MAX_SERIES, Sample, SampleKind};

mod cgroup;
mod cpu;
mod disk;
mod load;
mod memory;
mod network;
mod source;

pub use source::{MAX_SOURCE_BYTES, SourceError};

/// Longest label value, in bytes. The kernel's own names stay below 64; more is garbage.
const MAX_LABEL_BYTES: usize = 128;

/// Where the figures are read. Other places than the default are for tests.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Normally `/proc`.
    pub proc: PathBuf,
    /// Normally `/sys`.
    pub sys: PathBuf,
    /// A path on the file system that `fs.*` measures, normally `/`.
    pub fs: PathBuf,
}

impl Default for Roots {
    fn default() -> Roots {
        Roots { proc: "/proc".into(), sys: "/sys".into(), fs: "/".into() }
    }
}

/// What one look at the machine gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// The figures.
    pub samples: Vec<Sample>,
    /// How many figures found no room below [`MAX_SERIES`] or had an impossible label.
    pub left_out: usize,
    /// The sources that could not be read, each for the first time.
    pub notes: Vec<SourceError>,
}

impl Reading {
    fn gauge(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        self.put(SampleKind::Gauge, metric, labels, value);
    }

    fn counter(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        self.put(SampleKind::Counter, metric, labels, value);
    }

    fn put(&mut self, kind: SampleKind, metric: &str, labels: &[(&str, &str)], value: f64) {
        let fits = self.samples.len() < MAX_SERIES && labels.iter().all(|(_, value)| value.len() <= MAX_LABEL_BYTES);
        if !fits {
            self.left_out += 1;
            return;
        }
        let labels = [("metric", metric)].iter().chain(labels).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.samples.push(Sample { labels, kind, value });
    }
}

/// Reads the figures again and again; remembers what the next reading needs.
#[derive(Debug)]
pub struct Reader {
    roots: Roots,
    ticks_per_second: u64,
    cpu_before: Option<cpu::Times>,
    noted: BTreeSet<PathBuf>,
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(roots: Roots) -> Reader {
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        Reader { roots, ticks_per_second, cpu_before: None, noted: BTreeSet::new() }
    }

    /// Reads everything once. Blocks as long as the kernel does.
    pub fn read(&mut self) -> Reading {
        let Roots { proc, sys, fs } = &self.roots;
        let mut reading = Reading::default();
        // First what is always small: a flood of interfaces or disks must not crowd it out.
        let mut outcomes = vec![
            cpu::read(proc, self.ticks_per_second, &mut self.cpu_before, &mut reading),
            load::read_averages(proc, &mut reading),
            load::read_uptime(proc, &mut reading),
            memory::read(proc, &mut reading),
            disk::read_root_fs(fs, &mut reading),
        ];
        outcomes.extend(cgroup::read(proc, sys, &mut reading));
        outcomes.push(disk::read(proc, &mut reading));
        outcomes.push(network::read(proc, &mut reading));
        let failures = outcomes.into_iter().filter_map(Result::err);
        reading.notes = failures.filter(|failure| self.noted.insert(failure.path().to_owned())).collect();
        reading
    }
}

#[cfg(test)]
mod tests;
