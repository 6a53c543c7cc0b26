//! Load averages and uptime.

use std::path::Path;

use ::procfs::{FromRead, LoadAverage, Uptime};

use super::Reading;
use super::source::{self, SourceError};

/// Adds `load_avg_*` and `proc_*`.
pub(super) fn read_averages(proc: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let path = proc.join("loadavg");
    let load = LoadAverage::from_read(&*source::read(&path)?).map_err(|error| source::not_parsed(&path, error))?;
    // The library reads the kernel's two decimals into an f32, whose noise would show in every document.
    let decimals = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
    reading.gauge("load_avg_1min", &[], decimals(load.one));
    reading.gauge("load_avg_5min", &[], decimals(load.five));
    reading.gauge("load_avg_15min", &[], decimals(load.fifteen));
    reading.gauge("proc_runnable", &[], f64::from(load.cur));
    reading.gauge("proc_total", &[], f64::from(load.max));
    Ok(())
}

/// Adds `uptime`.
pub(super) fn read_uptime(proc: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let path = proc.join("uptime");
    let uptime = Uptime::from_read(&*source::read(&path)?).map_err(|error| source::not_parsed(&path, error))?;
    reading.gauge("uptime", &[], uptime.uptime);
    Ok(())
}
