//! What applications of this machine publish through cantal's memory-map protocol. It never writes, and believes nobody.
//!
//! A process announces itself by `CANTAL_PATH` in its environment, and may name itself by `CANTAL_APPNAME`. Below its own root,
//! `$CANTAL_PATH.meta` says what is published and `$CANTAL_PATH.values` holds the numbers:
//!
//! | line of `.meta` | in `.values` | becomes |
//! |---|---|---|
//! | `counter 8: {json}` | u64 of this machine's byte order | a counter |
//! | `level 8 signed: {json}` | i64 | a gauge |
//! | `level 8 float: {json}` | f64 | a gauge |
//! | `state N: {json}` | u64, milliseconds since 1970 (0: idle), then a text | a gauge: seconds since then, absent while idle |
//! | `pad N` | unused bytes | – |
//!
//! The text of a state is left out: a label that changes with every request would make a series of each. Any other type is skipped by
//! its size. The labels are the pairs of the JSON, all of them texts and `metric` among them, and what only the kernel says: `pid`, and
//! `cgroup` when the process is in a group with a name; also `appname` when it is set. A rule that must not believe strangers asks for
//! `cgroup`. The names of the machine's own figures are nobody else's: see [`procfs`](crate::procfs).
//!
//! The same `.values` counts once, for the process with the lowest id. New processes are seen at the next reading, and looked at once more
//! after that, since a process is born with its parent's environment; all are looked at again every 15 to 30 s.
//!
//! A daemon that is not root sees the processes of its own user only.
//!
//! # Strangers
//!
//! The processes and their files belong to whoever, while the daemon may be root. Paths are resolved within the process's root
//! (`openat2`, Linux 5.6), the last component is no link, what is opened is a plain file, and it belongs to the (real) user of the process: else
//! a link or a mount of somebody's own making would publish the numbers of a file that is not theirs. Sizes, labels and counts have caps. A
//! process can make whoever reads it wait for ever, so that another thread does; one that hangs is left behind with its process.

use std::time::Duration;

use verwalter_core::ids::UnixMillis;

use crate::procfs::SourceError;
use crate::series::Sample;

mod files;
mod meta;
mod process;
mod publisher;
mod scan;
mod worker;

pub(crate) use worker::Worker;

/// Most samples of all applications. Arbitrary: 50 processes with 20 metrics each.
pub const MAX_SAMPLES: usize = 1_024;

/// When a scan is made, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Since the reader's start.
    pub(crate) elapsed: Duration,
    /// By the wall clock, in which states have their times.
    pub(crate) unix: UnixMillis,
}

/// What a scan gave.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The figures, by process.
    pub(crate) samples: Vec<Sample>,
    /// How many figures, or processes with figures, found no room.
    pub(crate) left_out: usize,
    /// What could not be used.
    pub(crate) notes: Vec<SourceError>,
}

#[cfg(test)]
mod tests;
