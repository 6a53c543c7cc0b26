//! The journal: what changed and failed rounds were made from and what came of them, enough to decide again elsewhere, bit by
//! bit, without the daemon. A ring of segment files under a cap. It never decides, and never holds up a round that it cannot keep.
//!
//! | part | owns |
//! |---|---|
//! | [`record`] | one round as bytes and back |
//! | `frame` | one record on disk: lengths, sums, zstd |
//! | `segment` | one file of frames, and where a damaged one is still sound |
//! | [`ring`] | appending, by the daemon that holds the storage directory |
//! | [`reader`] | reading, by anybody, beside a running daemon |
//! | [`keep`] | which rounds are written, off their path |
//! | [`account`] | a round that was held, as a record |
//! | [`verify`] | a recorded round decided again |

pub mod account;
pub mod keep;
pub mod reader;
pub mod record;
pub mod ring;
pub mod verify;

mod frame;
mod segment;

use std::io;
use std::path::PathBuf;

pub use reader::{Found, Gap, GapReason, Reader, Records, Stored};
pub use record::{About, Call, CallCost, Outcome, Record, RecordError, Review, Verdict};
pub use ring::{Appended, DEFAULT_CAP_BYTES, Repair, Ring};

use crate::storage::StorageError;

/// Below the storage directory.
pub const DIRECTORY: &str = "journal";

/// Why the journal could not be written or read. The records before stay as they are, and the next append may well work.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The storage directory failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A round too large to keep: it would push out too many others. Nothing was written.
    #[error(
        "the record of the round has {bytes} bytes, more than the {limit_bytes} that one may have in a journal of {cap_bytes} bytes: \
         it is not kept; give the journal more room"
    )]
    TooLarge {
        /// Its size as it would have been written.
        bytes: u64,
        /// The most that one record may have.
        limit_bytes: u64,
        /// The most that all may have.
        cap_bytes: u64,
    },
    /// A round too large to keep in any journal. Nothing was written.
    #[error("the record of the round has {bytes} bytes before compression, more than {limit_bytes}: it is not kept")]
    TooLong {
        /// Its size before compression.
        bytes: usize,
        /// The most that can be read back.
        limit_bytes: usize,
    },
    /// The compressor failed: it has no memory. Nothing was written.
    #[error("the record of the round cannot be compressed: free some memory")]
    Compress(#[source] io::Error),
    /// The directory cannot be listed.
    #[error("the journal {} cannot be read: give the directory `{DIRECTORY}` in the storage directory of a node that has run", .path.display())]
    Unreadable {
        /// Which directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl JournalError {
    /// Whether the same round may be written later: what failed was the machine, not the round.
    fn may_pass(&self) -> bool {
        match self {
            JournalError::Storage(_) | JournalError::Compress(_) | JournalError::Unreadable { .. } => true,
            JournalError::TooLarge { .. } | JournalError::TooLong { .. } => false,
        }
    }
}
