//! What the daemon's own cgroup (version 2) uses and may use. A host without version 2 is no fault and has no such figures.

use std::path::{Component, Path, PathBuf};

use super::Reading;
use super::source::{self, SourceError};

/// Adds `cgroup.*`. Which controllers are on is the operator's choice, so a file that does not exist is no fault.
pub(super) fn read(proc: &Path, sys: &Path, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
    let group = match own_group(proc, sys) {
        Ok(Some(group)) => group,
        Ok(None) => return Vec::new(),
        Err(error) if error.is_absent() => return Vec::new(),
        Err(error) => return vec![Err(error)],
    };
    let outcomes = [
        read_number(&group.join("memory.current"), "cgroup.memory.current", reading),
        read_number(&group.join("memory.max"), "cgroup.memory.max", reading),
        read_number(&group.join("pids.current"), "cgroup.pids.current", reading),
        read_cpu(&group.join("cpu.stat"), reading),
    ];
    outcomes.into_iter().filter(|outcome| !matches!(outcome, Err(error) if error.is_absent())).collect()
}

/// The directory of the own cgroup.
fn own_group(proc: &Path, sys: &Path) -> Result<Option<PathBuf>, SourceError> {
    let text = source::read_text(&proc.join("self/cgroup"))?;
    // Version 2 is the hierarchy number 0, which names no controllers.
    let Some(group) = text.lines().find_map(|line| line.strip_prefix("0::/")) else { return Ok(None) };
    // Seen from another cgroup namespace the path climbs with `..`: such a group cannot be reached here.
    if !Path::new(group).components().all(|component| matches!(component, Component::Normal(_))) {
        return Ok(None);
    }
    let mount = sys.join("fs/cgroup");
    // With both versions in use, systemd mounts the second one below the first.
    let unified = mount.join("unified");
    let root = if unified.join("cgroup.controllers").exists() { unified } else { mount };
    Ok(Some(root.join(group)))
}

/// Adds the one number in `path`; `max` stands for no limit and gives none.
fn read_number(path: &Path, metric: &str, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    let text = text.trim();
    if text != "max" {
        let value: u64 = text.parse().map_err(|_| source::malformed(path, "neither a number nor `max`"))?;
        reading.gauge(metric, &[], value as f64);
    }
    Ok(())
}

fn read_cpu(path: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    for (key, metric) in [("usage_usec", "cgroup.cpu.usage"), ("user_usec", "cgroup.cpu.user"), ("system_usec", "cgroup.cpu.system")] {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        let microseconds: Option<u64> = line.and_then(|value| value.trim().parse().ok());
        let microseconds = microseconds.ok_or_else(|| source::malformed(path, format!("no line `{key} NUMBER`")))?;
        reading.counter(metric, &[], microseconds as f64 / 1e6);
    }
    Ok(())
}
