//! Processor time from `/proc/stat`. It leaves single processors out.

use std::path::Path;

use ::procfs::{ExplicitSystemInfo, FromBufReadSI, KernelStats};

use super::Reading;
use super::source::{self, SourceError};

/// What the busy share is made of, in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    all: f64,
    idle: f64,
}

/// Adds `cpu.*`. `before` holds the times of the reading before and receives those of this one.
pub(super) fn read(proc: &Path, ticks_per_second: u64, before: &mut Option<Times>, reading: &mut Reading) -> Result<(), SourceError> {
    // Times from before a gap would make a mean over the gap of what is to be the newest share.
    let before_this = before.take();
    let path = proc.join("stat");
    // Only the ticks matter here: nothing that depends on the other three is asked for.
    let info = ExplicitSystemInfo { boot_time_secs: 0, ticks_per_second, page_size: 4096, is_little_endian: true };
    let stats = KernelStats::from_buf_read(&*source::read(&path)?, &info).map_err(|error| source::not_parsed(&path, error))?;
    let total = stats.total;
    let fields = [
        ("cpu.user", Some(total.user)),
        ("cpu.nice", Some(total.nice)),
        ("cpu.system", Some(total.system)),
        ("cpu.idle", Some(total.idle)),
        ("cpu.iowait", total.iowait),
        ("cpu.irq", total.irq),
        ("cpu.softirq", total.softirq),
        ("cpu.steal", total.steal),
        ("cpu.guest", total.guest),
        ("cpu.guest_nice", total.guest_nice),
    ];
    for (metric, ticks) in fields {
        if let Some(ticks) = ticks {
            reading.counter(metric, &[], ticks as f64 / ticks_per_second as f64);
        }
    }
    reading.gauge("cpu.count", &[], stats.cpu_time.len() as f64);

    // The first eight: the kernel counts guest time within user time, too.
    let all = fields[..8].iter().map(|(_, ticks)| ticks.unwrap_or(0) as f64).sum();
    let now = Times { all, idle: total.idle as f64 + total.iowait.unwrap_or(0) as f64 };
    if let Some(busy) = before_this.and_then(|before| busy_share(before, now)) {
        reading.gauge("cpu.busy", &[], busy);
    }
    *before = Some(now);
    Ok(())
}

/// The share of time that was not idle, 0 to 1. None when no time passed, or when time went back, as after a processor was taken offline.
fn busy_share(before: Times, now: Times) -> Option<f64> {
    let all = now.all - before.all;
    if all <= 0.0 {
        return None;
    }
    // The kernel's iowait is known to run backwards at times, hence the clamp.
    Some((1.0 - (now.idle - before.idle) / all).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_share_is_what_is_not_idle() {
        let check = |before: (f64, f64), now: (f64, f64), expect| {
            let times = |(all, idle)| Times { all, idle };
            assert_eq!(busy_share(times(before), times(now)), expect, "{before:?} {now:?}");
        };
        check((100.0, 50.0), (200.0, 75.0), Some(0.75));
        check((100.0, 50.0), (200.0, 150.0), Some(0.0));
        check((100.0, 50.0), (200.0, 50.0), Some(1.0));
        check((100.0, 50.0), (200.0, 40.0), Some(1.0));
        check((100.0, 50.0), (101.0, 60.0), Some(0.0));
        check((100.0, 50.0), (100.0, 50.0), None);
        check((100.0, 50.0), (10.0, 5.0), None);
    }
}
