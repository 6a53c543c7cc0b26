//! The figures of one control group: which file has each, in version 2 or 1, and what its text says.

use std::path::{Path, PathBuf};

use super::super::disk::Devices;
use super::super::source::{self, SourceError};
use super::super::{Reading, SampleKind};

/// Where a group is: its directory in version 2, and by controller those in version 1.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) unified: Option<PathBuf>,
    pub(super) legacy: Vec<(&'static str, PathBuf)>,
}

/// A group with the files that it has.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    files: Vec<(Form, PathBuf)>,
}

/// What a file says.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// One number of this name, or `max` for no limit.
    Level(&'static str),
    /// Microseconds by kind.
    CpuStat,
    /// All processor time, in nanoseconds.
    CpuNanoseconds,
    /// Processor time by kind, in ticks.
    CpuTicks,
    /// Among other lines how often a process was killed.
    OutOfMemory,
    /// A line for each disk, with `rbytes=` and `wbytes=`.
    IoStat,
    /// A line for each disk and direction.
    Blkio,
}

/// A file of version 1: its controller, its name, what it says.
type LegacyFile = (&'static str, &'static str, Form);

/// Each figure's file in version 2, and those in version 1 that are read where version 2 has none.
const FILES: [(&str, Form, &[LegacyFile]); 6] = [
    ("memory.current", MEMORY, &[("memory", "memory.usage_in_bytes", MEMORY)]),
    ("memory.max", MEMORY_MAX, &[("memory", "memory.limit_in_bytes", MEMORY_MAX)]),
    ("memory.events", Form::OutOfMemory, &[("memory", "memory.oom_control", Form::OutOfMemory)]),
    ("cpu.stat", Form::CpuStat, &[("cpuacct", "cpuacct.usage", Form::CpuNanoseconds), ("cpuacct", "cpuacct.stat", Form::CpuTicks)]),
    ("pids.current", PIDS, &[("pids", "pids.current", PIDS)]),
    ("io.stat", Form::IoStat, &[("blkio", "blkio.throttle.io_service_bytes_recursive", Form::Blkio)]),
];
const MEMORY: Form = Form::Level("cgroup.memory.current");
const MEMORY_MAX: Form = Form::Level("cgroup.memory.max");
const PIDS: Form = Form::Level("cgroup.pids.current");

/// Version 1 says "no limit" with the greatest number of whole pages; no machine has this much.
const NO_LIMIT: u64 = 1 << 62;

impl Group {
    /// Looks which files there are. Which controllers are on is the operator's choice, so a file that does not exist is no fault.
    pub(super) fn find(name: &str, place: &Place) -> Group {
        let mut files = Vec::new();
        for (file, form, legacy) in FILES {
            match place.unified.as_ref().map(|directory| directory.join(file)).filter(|path| path.exists()) {
                Some(path) => files.push((form, path)),
                None => {
                    let directory = |wanted| place.legacy.iter().find(|(controller, _)| *controller == wanted).map(|(_, path)| path);
                    let there = legacy.iter().filter_map(|(controller, file, form)| Some((*form, directory(*controller)?.join(file))));
                    files.extend(there.filter(|(_, path)| path.exists()));
                }
            }
        }
        Group { name: name.to_owned(), files }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds its figures.
    pub(super) fn read(&self, own: bool, ticks_per_second: u64, indirect: &Devices, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
        let labels = [("cgroup", self.name.as_str()), ("own", "true")];
        let mut figures = Figures { labels: if own { &labels } else { &labels[..1] }, ticks_per_second, indirect, reading };
        self.files.iter().map(|(form, path)| figures.add(*form, path)).collect()
    }
}

struct Figures<'a> {
    labels: &'a [(&'a str, &'a str)],
    ticks_per_second: u64,
    indirect: &'a Devices,
    reading: &'a mut Reading,
}

impl Figures<'_> {
    fn add(&mut self, form: Form, path: &Path) -> Result<(), SourceError> {
        let text = source::read_text(path)?;
        match form {
            Form::Level(metric) => {
                if text.trim() != "max" {
                    let value: u64 = text.trim().parse().map_err(|_| source::malformed(path, "neither a number nor `max`"))?;
                    if value < NO_LIMIT {
                        self.reading.put(SampleKind::Gauge, metric, self.labels, value as f64);
                    }
                }
            }
            Form::CpuStat => {
                for (key, metric) in
                    [("usage_usec", "cgroup.cpu.usage"), ("user_usec", "cgroup.cpu.user"), ("system_usec", "cgroup.cpu.system")]
                {
                    self.counter(metric, line(&text, key, path)? / 1e6);
                }
            }
            Form::CpuNanoseconds => {
                let value: u64 = text.trim().parse().map_err(|_| source::malformed(path, "not a number"))?;
                self.counter("cgroup.cpu.usage", value as f64 / 1e9);
            }
            Form::CpuTicks => {
                for (key, metric) in [("user", "cgroup.cpu.user"), ("system", "cgroup.cpu.system")] {
                    self.counter(metric, line(&text, key, path)? / self.ticks_per_second as f64);
                }
            }
            Form::OutOfMemory => {
                // Kernels before 4.13 do not count it.
                if let Ok(kills) = line(&text, "oom_kill", path) {
                    self.counter("cgroup.memory.oom_kills", kills);
                }
            }
            Form::IoStat => {
                let words = |line: &str, key: &str| {
                    let value = line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key));
                    value.map_or(Ok(0), |value| {
                        value.parse::<u64>().map_err(|_| source::malformed(path, format!("`{key}` without a number")))
                    })
                };
                self.io(&text, path, |line| Ok((words(line, "rbytes=")?, words(line, "wbytes=")?)))?;
            }
            Form::Blkio => self.io(&text, path, |line| {
                let number = |key: &str| match line.split_once(key) {
                    Some((_, value)) => value.trim().parse().map_err(|_| source::malformed(path, format!("`{key}` without a number"))),
                    None => Ok(0),
                };
                Ok((number(" Read ")?, number(" Write ")?))
            })?,
        }
        Ok(())
    }

    fn counter(&mut self, metric: &str, value: f64) {
        self.reading.put(SampleKind::Counter, metric, self.labels, value);
    }

    /// Sums what `bytes` says of the lines that begin with a disk's numbers.
    fn io(&mut self, text: &str, path: &Path, bytes: impl Fn(&str) -> Result<(u64, u64), SourceError>) -> Result<(), SourceError> {
        let (mut read, mut written) = (0_u64, 0_u64);
        for line in text.lines() {
            // The others are totals. What goes through LVM, RAID or a loop device counts at the disk beneath, too.
            let Some(device) = line.split(' ').next().filter(|word| word.contains(':')) else { continue };
            if self.indirect.contains(device) {
                continue;
            }
            let (r, w) = bytes(line)?;
            let sum = |a: u64, b: u64| a.checked_add(b).ok_or_else(|| source::malformed(path, "more bytes than a number holds"));
            (read, written) = (sum(read, r)?, sum(written, w)?);
        }
        self.counter("cgroup.io.read.bytes", read as f64);
        self.counter("cgroup.io.write.bytes", written as f64);
        Ok(())
    }
}

/// The number after `key` and a space, at a line's beginning.
fn line(text: &str, key: &str, path: &Path) -> Result<f64, SourceError> {
    let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    let value: Option<u64> = found.and_then(|value| value.trim().parse().ok());
    value.map(|value| value as f64).ok_or_else(|| source::malformed(path, format!("no line `{key} NUMBER`")))
}
