//! Whole disks from `/proc/diskstats`, and the size of the root file system. It leaves out partitions, RAM disks and loop devices.

use std::collections::BTreeSet;
use std::path::Path;

use ::procfs::{DiskStats, FromBufRead};

use super::Reading;
use super::source::{self, SourceError};

/// The kernel counts in sectors of this many bytes, whatever the disk's own sector is (Documentation/admin-guide/iostats.rst).
const SECTOR_BYTES: f64 = 512.0;
/// Devices that are memory or files: their traffic is none, or is counted at the disk beneath.
const SKIPPED: [&str; 3] = ["ram", "zram", "loop"];
/// Devices that are made of others: device mapper (LVM, encryption), RAID, block cache, DRBD, ZFS volumes.
const STACKED: [&str; 5] = ["dm-", "md", "bcache", "drbd", "zd"];

/// Adds `disk.*`.
pub(super) fn read(proc: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let path = proc.join("diskstats");
    let DiskStats(disks) = DiskStats::from_buf_read(&*source::read(&path)?).map_err(|error| source::not_parsed(&path, error))?;
    let names: BTreeSet<&str> = disks.iter().map(|disk| disk.name.as_str()).collect();
    let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
    for disk in &disks {
        let name = disk.name.as_str();
        if !is_kept(name, |whole| names.contains(whole)) {
            continue;
        }
        let labels = [("device", name), ("layer", layer(name))];
        reading.counter("disk.read.ops", &labels, disk.reads as f64);
        reading.counter("disk.read.merges", &labels, disk.merged as f64);
        reading.counter("disk.read.bytes", &labels, disk.sectors_read as f64 * SECTOR_BYTES);
        reading.counter("disk.read.time", &labels, seconds(disk.time_reading));
        reading.counter("disk.write.ops", &labels, disk.writes as f64);
        reading.counter("disk.write.merges", &labels, disk.writes_merged as f64);
        reading.counter("disk.write.bytes", &labels, disk.sectors_written as f64 * SECTOR_BYTES);
        reading.counter("disk.write.time", &labels, seconds(disk.time_writing));
        reading.gauge("disk.in_progress", &labels, disk.in_progress as f64);
        reading.counter("disk.time", &labels, seconds(disk.time_in_progress));
        reading.counter("disk.weighted_time", &labels, seconds(disk.weighted_time_in_progress));
    }
    Ok(())
}

/// Devices by their numbers, as in `8:0`.
pub(super) type Devices = BTreeSet<String>;

/// The devices whose traffic is none, or is counted at a disk beneath them. None where the kernel names no disks.
pub(super) fn indirect(proc: &Path) -> Devices {
    let disks = source::read(&proc.join("diskstats")).ok().and_then(|text| DiskStats::from_buf_read(&*text).ok());
    let is_indirect = |name: &str| SKIPPED.iter().chain(&STACKED).any(|prefix| name.starts_with(prefix));
    let disks = disks.into_iter().flat_map(|DiskStats(disks)| disks).filter(|disk| is_indirect(&disk.name));
    disks.map(|disk| format!("{}:{}", disk.major, disk.minor)).collect()
}

/// Whether the device is told of: a disk, and no partition of one that `is_there`, nor memory or a file.
pub(crate) fn is_kept(name: &str, is_there: impl Fn(&str) -> bool) -> bool {
    !SKIPPED.iter().any(|prefix| name.starts_with(prefix)) && !whole_disk(name).is_some_and(is_there)
}

/// Whether it is made of others, whose traffic is counted with them too.
pub(crate) fn layer(name: &str) -> &'static str {
    if STACKED.iter().any(|prefix| name.starts_with(prefix)) { "stacked" } else { "physical" }
}

/// The disk of which `name` would be a partition, by the kernel's rule (block/partitions): the number follows the disk's name, after a `p`
/// where that name ends with a digit. Unlike sysfs it is there in containers, too.
fn whole_disk(name: &str) -> Option<&str> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == name.len() || stem.is_empty() {
        return None;
    }
    match stem.strip_suffix('p') {
        Some(disk) if disk.ends_with(|c: char| c.is_ascii_digit()) => Some(disk),
        _ => Some(stem),
    }
}

/// Adds `fs.*`. `path` is on the file system that is measured.
pub(super) fn read_root_fs(path: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let stat = rustix::fs::statvfs(path).map_err(|errno| SourceError::Read { path: path.to_owned(), source: errno.into() })?;
    let bytes = |blocks: u64| blocks as f64 * stat.f_frsize as f64;
    let labels = [("mount", "/")];
    reading.gauge("fs.size", &labels, bytes(stat.f_blocks));
    reading.gauge("fs.free", &labels, bytes(stat.f_bfree));
    reading.gauge("fs.available", &labels, bytes(stat.f_bavail));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_told_by_the_kernels_naming() {
        let check = |name, expect| assert_eq!(whole_disk(name), expect, "{name}");
        check("sda", None);
        check("sda1", Some("sda"));
        check("sda12", Some("sda"));
        check("nvme0n1p2", Some("nvme0n1"));
        check("mmcblk0p1", Some("mmcblk0"));
        // No such disk stands in any list, so these are whole.
        check("nvme0n1", Some("nvme0n"));
        check("dm-10", Some("dm-"));
        check("md127", Some("md"));
        check("loop7p1", Some("loop7"));
        check("p1", Some("p"));
        check("7", None);
        check("", None);
    }
}
