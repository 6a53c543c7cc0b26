//! Why a role does not count as healthy, each with what was seen last. It decides nothing.

use std::time::Duration;

/// What ended the wait for health. Its message is one line, masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// The service is at fault, or the check expects the wrong thing.
    #[error("{what}: `{target}` was not healthy within {within:?} (tries: {tries}); it saw last: {seen}")]
    NotHealthy {
        /// Where the check was written.
        what: String,
        /// What was tried: the command or the URL.
        target: String,
        /// How long.
        within: Duration,
        /// How often.
        tries: u64,
        /// What was seen instead of health.
        seen: String,
    },
    /// The check is at fault, or the node does not allow it: no try can succeed.
    #[error("{what}: the health check `{target}` {reason}")]
    Unusable {
        /// Where the check was written.
        what: String,
        /// What should be tried.
        target: String,
        /// Why it cannot be and what to do.
        reason: String,
    },
    /// The daemon ends. Nothing is known of the service.
    #[error("{what}: the health check was not run to its end because the daemon ends")]
    Cancelled {
        /// Where the check was written.
        what: String,
    },
}
