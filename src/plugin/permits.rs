//! How many guests run at once. Waiting is bounded by the caller's deadline.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// A counted set of permits.
pub(super) struct Permits {
    free: Mutex<u32>,
    returned: Condvar,
}

/// One permit; it returns when dropped.
pub(super) struct Permit(Arc<Permits>);

impl Permits {
    pub(super) fn new(count: u32) -> Arc<Permits> {
        Arc::new(Permits { free: Mutex::new(count), returned: Condvar::new() })
    }

    /// Waits for a permit, at the longest until `deadline`.
    pub(super) fn take(self: &Arc<Permits>, deadline: Instant) -> Option<Permit> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = deadline.saturating_duration_since(Instant::now());
        let (mut free, _) = self.returned.wait_timeout_while(free, wait, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Permit(self.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn permits_are_counted_and_return() {
        let permits = Permits::new(1);
        let first = permits.take(Instant::now());
        assert!(first.is_some());
        assert!(permits.take(Instant::now()).is_none());
        let waiting = std::thread::spawn(move || permits.take(Instant::now() + Duration::from_secs(60)).is_some());
        drop(first);
        assert!(waiting.join().expect("no panic"));
    }
}
