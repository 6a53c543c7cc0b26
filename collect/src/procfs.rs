//! This machine's figures, from procfs, control groups, the root file system and what applications publish. It never fails as a whole: a source that cannot be read
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
//! | `cgroup.memory.{current,max}` | gauge, bytes | `cgroup` | of each control group that holds processes; `max` is absent where there is none |
//! | `cgroup.memory.oom_kills` | counter | `cgroup` | processes killed for want of memory |
//! | `cgroup.cpu.{usage,user,system}` | counter, s | `cgroup` | |
//! | `cgroup.pids.current` | gauge | `cgroup` | tasks |
//! | `cgroup.io.{read,write}.bytes` | counter, bytes | `cgroup` | over all disks; layers above disks are not counted again |
//! | `pressure.cpu.some.avg10`, `pressure.{memory,io}.{some,full}.avg10` | gauge, 0 to 1 | | share of the last 10 s in which some task, or all, waited for it |
//! | `pressure.cpu.some.total`, `pressure.{memory,io}.{some,full}.total` | counter, s | | all time of that kind |
//! | `net.sockets` | gauge | `protocol` | in use; `tcp`, `udp`, `raw` and the same with `6` for IPv6 |
//! | `net.sockets.{orphaned,time_wait}` | gauge | `protocol` | without a process, of both versions of IP: only `tcp` |
//! | `net.sockets.memory` | gauge, bytes | `protocol` | buffers, of both versions of IP: `tcp`, `udp` |
//! | `net.Tcp.CurrEstab` | gauge | | connections that stand, of both versions of IP |
//! | `net.Tcp.{ActiveOpens,PassiveOpens,AttemptFails,EstabResets,InSegs,OutSegs,RetransSegs,InErrs,OutRsts}` | counter | | of both versions of IP |
//! | `net.TcpExt.{ListenOverflows,ListenDrops,SyncookiesSent,TCPTimeouts,TCPSynRetrans,TCPBacklogDrop,TCPReqQFullDrop,TCPMemoryPressures,TCPAbortOnMemory}` | counter | | likewise |
//! | `net.{Udp,Udp6}.{InDatagrams,OutDatagrams,NoPorts,InErrors,RcvbufErrors,SndbufErrors}` | counter | | of IPv4, IPv6 |
//! | `net.{IpExt,Ip6}.{InOctets,OutOctets}` | counter, bytes | | of IPv4, IPv6, loopback included |
//! | `net.{Ip,Ip6}.{InDiscards,OutDiscards,OutNoRoutes}` | counter | | packets dropped for want of room or of a route |
//! | whatever applications publish ([`apps`]) | both | theirs, `pid`, `cgroup`, `appname` | |
//!
//! A control group is called as cantal calls it: `system.slice/nginx.service` is `system.nginx`. The daemon's own one has the label `own="true"`
//! besides; it is read even where it has no such name. A group's figures include those of the groups below it. Mounts, swap and people's
//! sessions (`user`) are left out, and above 128 groups those farthest from the root, the last by name. Version 1 is read for what version 2 has not.
//!
//! `layer` is `stacked` for devices made of others (device mapper, RAID, …), else `physical`: a sum over one layer counts no byte twice.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::apps::{self, Found, Moment};
use super::clock::unix_now;
use super::series::{MAX_SERIES, Sample, SampleKind};

mod cgroup;
mod cpu;
pub(crate) mod disk;
mod load;
mod memory;
mod network;
mod pressure;
mod protocol;
mod source;

pub(crate) use cgroup::name_of_process;

pub use source::{MAX_SOURCE_BYTES, SourceError};

/// Longest label value, in bytes. The kernel's own names stay below 64, the name of a container's control group below 200; more is garbage.
pub(crate) const MAX_LABEL_BYTES: usize = 256;
/// How long a reading waits for what applications publish. It takes some milliseconds, unless the machine is overloaded or a process hangs.
const APPLICATIONS_DEADLINE: Duration = Duration::from_millis(500);
/// Names, and beginnings of names, that are the machine's own; `memory.` and `net.` are only with a capital after them, as the kernel has it.
const RESERVED: [&str; 10] =
    ["cpu.", "load_avg_", "proc_runnable", "proc_total", "disk.", "fs.", "cgroup.", "pressure.", "net.interface.", "net.sockets"];
/// Most sources that are remembered as noted: applications come and go.
const MAX_NOTED: usize = 1_024;

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

/// Whether an application may not publish `metric`: a rule that asks for a figure of the machine must not get a stranger's number.
pub(crate) fn is_reserved(metric: &str) -> bool {
    let by_the_kernel = |group: &str| metric.strip_prefix(group).is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    metric == "uptime" || RESERVED.iter().any(|name| metric.starts_with(name)) || by_the_kernel("memory.") || by_the_kernel("net.")
}

/// What one look at the machine gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// The figures.
    pub samples: Vec<Sample>,
    /// How many figures found no room below [`MAX_SERIES`] or had an impossible label, and how many control groups and applications were over
    /// their caps.
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
    begun: Instant,
    ticks_per_second: u64,
    cpu_before: Option<cpu::Times>,
    groups: cgroup::Groups,
    apps: apps::Worker,
    noted: BTreeSet<PathBuf>,
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(roots: Roots) -> Reader {
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        let (groups, apps) = (cgroup::Groups::default(), apps::Worker::new(roots.proc.clone()));
        Reader { roots, begun: Instant::now(), ticks_per_second, cpu_before: None, groups, apps, noted: BTreeSet::new() }
    }

    /// Reads everything once. Blocks as long as the kernel does.
    pub fn read(&mut self) -> Reading {
        let now = Moment { elapsed: self.begun.elapsed(), unix: unix_now() };
        let ordered = self.apps.order(now);
        let Roots { proc, fs, .. } = &self.roots;
        let mut reading = Reading::default();
        // First what is always small: a flood of groups, disks or interfaces must not crowd it out.
        let mut outcomes = vec![
            cpu::read(proc, self.ticks_per_second, &mut self.cpu_before, &mut reading),
            load::read_averages(proc, &mut reading),
            load::read_uptime(proc, &mut reading),
            memory::read(proc, &mut reading),
            disk::read_root_fs(fs, &mut reading),
            self.groups.follow(&self.roots, now.elapsed),
        ];
        outcomes.extend(self.groups.read_own(self.ticks_per_second, &mut reading));
        outcomes.extend(pressure::read(proc, &mut reading));
        outcomes.extend(protocol::read(proc, &mut reading));
        outcomes.extend(self.groups.read_others(self.ticks_per_second, &mut reading));
        let Found { samples, left_out, notes } = self.apps.take(APPLICATIONS_DEADLINE);
        reading.left_out += left_out;
        reading.samples.extend(samples);
        outcomes.push(ordered);
        outcomes.extend(notes.into_iter().map(Err));
        outcomes.push(disk::read(proc, &mut reading));
        outcomes.push(network::read(proc, &mut reading));
        let failures = outcomes.into_iter().filter_map(Result::err);
        let noted = &mut self.noted;
        reading.notes = failures.filter(|failure| noted.len() < MAX_NOTED && noted.insert(failure.path().to_owned())).collect();
        reading
    }
}

#[cfg(test)]
mod tests;
