//! The wall clock in the contract's unit. Deadlines never come from here.

use std::time::{SystemTime, UNIX_EPOCH};

use verwalter_core::ids::UnixMillis;

/// The time now.
pub fn unix_now() -> UnixMillis {
    // A clock before 1970 is wrong anyway.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
