//! What a series is measured in, as its name says it: [`procfs`](crate::procfs) and [`cantal`](crate::cantal) call their series so, and
//! applications mostly do. It converts nothing: sources bring seconds, bytes and ratios.

use crate::series::Labels;

/// What a number counts. Where there is none the number is a count, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share, 1 for all of it.
    Ratio,
}

/// Beginnings of the machine's own names, and the unit of all that begins so; the first one counts.
const BEGINNINGS: [(&str, Option<Unit>); 10] = [
    ("cpu.count", None),
    ("cpu.busy", Some(Unit::Ratio)),
    ("cpu.", Some(Unit::Seconds)),
    ("cgroup.cpu.", Some(Unit::Seconds)),
    ("cgroup.memory.oom_kills", None),
    ("cgroup.memory.", Some(Unit::Bytes)),
    ("net.sockets.memory", Some(Unit::Bytes)),
    ("fs.", Some(Unit::Bytes)),
    ("memory.HugePages_", None),
    ("disk.weighted_time", Some(Unit::Seconds)),
];
/// Ends of names with their units, for everybody's names. `_total` behind them is Prometheus' word for a counter.
const ENDS: [(&str, Unit); 3] = [("seconds", Unit::Seconds), ("bytes", Unit::Bytes), ("ratio", Unit::Ratio)];

impl Unit {
    /// The unit of a series with these labels.
    pub fn of(labels: &Labels) -> Option<Unit> {
        let metric = labels.get("metric").map_or("", String::as_str);
        if let Some((_, unit)) = BEGINNINGS.iter().find(|(beginning, _)| metric.starts_with(beginning)) {
            return *unit;
        }
        match metric {
            "uptime" | "idle_time" => return Some(Unit::Seconds),
            // Cantal's figures of processes; an application may call something of its own so.
            "user_time" | "system_time" if is_process(labels) => return Some(Unit::Seconds),
            "vsize" | "rss" | "swap" if is_process(labels) => return Some(Unit::Bytes),
            _ if metric.starts_with("disk.") && metric.ends_with(".time") || metric == "disk.time" => return Some(Unit::Seconds),
            _ if metric.starts_with("pressure.") && metric.ends_with(".total") => return Some(Unit::Seconds),
            _ if metric.starts_with("pressure.") && metric.ends_with(".avg10") => return Some(Unit::Ratio),
            _ if metric.starts_with("net.Ip") && metric.ends_with("Octets") => return Some(Unit::Bytes),
            _ => {}
        }
        // The kernel's fields begin with a capital: others' names do not.
        if metric.strip_prefix("memory.").is_some_and(|field| field.starts_with(|c: char| c.is_ascii_uppercase())) {
            return Some(Unit::Bytes);
        }
        let mut words = metric.rsplit(['.', '_', ':', '-']);
        let last = words.next().filter(|word| *word != "total").or_else(|| words.next());
        ENDS.iter().find(|(end, _)| Some(*end) == last).map(|(_, unit)| *unit)
    }

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Ratio => "ratio",
        }
    }

    /// What [`Unit::name`] gave.
    pub fn named(name: &str) -> Option<Unit> {
        [Unit::Seconds, Unit::Bytes, Unit::Ratio].into_iter().find(|unit| unit.name() == name)
    }
}

fn is_process(labels: &Labels) -> bool {
    labels.contains_key("pid") && labels.keys().all(|label| matches!(label.as_str(), "metric" | "pid" | "cgroup"))
}

#[cfg(test)]
mod tests;
