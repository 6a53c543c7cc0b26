//! What one render of a role has left – steps, time, depth, bytes – and the filters that it may call. Shared by the set's helpers; it
//! renders nothing itself.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use verwalter_core::ports::FilterSession;
use verwalter_core::schedule::Schedule;

use super::{Fault, RenderLimits, Supplies};
use crate::config::secrets::Secrets;

/// Bytes that partial blocks may hold back before they are printed, in multiples of what a role may print: they can be printed many
/// times and within each other.
const HELD_BACK_FACTOR: usize = 2;

/// Bytes of the values that built-in helpers may make in one render, in multiples of what a role may print: what is printed is made first,
/// once or twice over (sorted, then joined). All values of a render may be alive at once, as arguments of each other.
const MADE_FACTOR: usize = 4;

/// What a value takes in memory beside the bytes of its texts: what it takes on machines of 64 bits, and the same cap on all others.
const VALUE_BYTES: usize = 32;

/// The state of the render that runs, if any. Atomics because the library wants helpers to be `Sync`; there is one thread at a time.
pub(super) struct Budget {
    limits: RenderLimits,
    depth: AtomicU32,
    steps_left: AtomicU64,
    held_back_bytes_left: AtomicUsize,
    made_bytes_left: AtomicUsize,
    secret_printed: AtomicBool,
    running: Mutex<Option<Running>>,
}

struct Running {
    session: Box<dyn FilterSession>,
    deadline: Instant,
    schedule: Schedule,
    secrets: Arc<Secrets>,
}

impl Budget {
    pub(super) fn new(limits: RenderLimits) -> Budget {
        Budget {
            limits,
            depth: AtomicU32::new(0),
            steps_left: AtomicU64::new(0),
            held_back_bytes_left: AtomicUsize::new(0),
            made_bytes_left: AtomicUsize::new(0),
            secret_printed: AtomicBool::new(false),
            running: Mutex::new(None),
        }
    }

    pub(super) fn limits(&self) -> &RenderLimits {
        &self.limits
    }

    /// Begins a render; [`Budget::end`] drops the session.
    pub(super) fn begin(&self, supplies: Supplies<'_>) {
        self.refill();
        let deadline = Instant::now().checked_add(self.limits.time).unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        let Supplies { schedule, secrets, session } = supplies;
        *self.running() = Some(Running { session, deadline, schedule: schedule.clone(), secrets: secrets.clone() });
    }

    /// All that one render may use.
    pub(super) fn refill(&self) {
        self.depth.store(0, Relaxed);
        self.steps_left.store(self.limits.steps, Relaxed);
        self.held_back_bytes_left.store(self.limits.role_bytes.saturating_mul(HELD_BACK_FACTOR), Relaxed);
        self.made_bytes_left.store(self.limits.role_bytes.saturating_mul(MADE_FACTOR), Relaxed);
        self.secret_printed.store(false, Relaxed);
    }

    pub(super) fn end(&self) {
        *self.running() = None;
    }

    /// Charges one helper call, partial or turn of a loop.
    pub(super) fn step(&self) -> Result<(), Fault> {
        self.steps(1)
    }

    /// Charges the items that a helper is about to go through: before it does, and before it allocates anything for them.
    pub(super) fn steps(&self, count: u64) -> Result<(), Fault> {
        let Some(left) = self.steps_left.load(Relaxed).checked_sub(count) else {
            return Err(Fault::Steps { limit: self.limits.steps });
        };
        self.steps_left.store(left, Relaxed);
        if self.running().as_ref().is_some_and(|running| Instant::now() >= running.deadline) {
            return Err(Fault::Time { limit_ms: self.limits.time.as_millis() });
        }
        Ok(())
    }

    /// One level deeper until the guard is dropped.
    pub(super) fn enter(&self) -> Result<Level<'_>, Fault> {
        if self.depth.load(Relaxed) >= self.limits.depth {
            return Err(Fault::Depth { limit: self.limits.depth });
        }
        self.depth.fetch_add(1, Relaxed);
        Ok(Level(self))
    }

    /// Charges bytes that are kept to be printed later.
    pub(super) fn hold_back(&self, bytes: usize) -> Result<(), Fault> {
        let Some(left) = self.held_back_bytes_left.load(Relaxed).checked_sub(bytes) else {
            return Err(Fault::Size { limit_bytes: self.limits.role_bytes.saturating_mul(HELD_BACK_FACTOR), of: " in partial blocks" });
        };
        self.held_back_bytes_left.store(left, Relaxed);
        Ok(())
    }

    /// Charges bytes of a value that a helper makes, before it is made.
    pub(super) fn make(&self, bytes: usize) -> Result<(), Fault> {
        let Some(left) = self.made_bytes_left.load(Relaxed).checked_sub(bytes) else {
            return Err(Fault::Size { limit_bytes: self.limits.role_bytes.saturating_mul(MADE_FACTOR), of: " in the values of helpers" });
        };
        self.made_bytes_left.store(left, Relaxed);
        Ok(())
    }

    /// Charges a whole value of `bytes`, if one may be so large.
    pub(super) fn make_value(&self, bytes: usize) -> Result<(), Fault> {
        self.fits(bytes)?;
        self.make(bytes)
    }

    /// Whether one value may have so many bytes.
    pub(super) fn fits(&self, bytes: usize) -> Result<(), Fault> {
        let limit_bytes = self.limits.file_bytes;
        if bytes > limit_bytes {
            return Err(Fault::Size { limit_bytes, of: " in one value" });
        }
        Ok(())
    }

    /// The schedule that the render belongs to; none outside of a render.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        self.running().as_ref().map(|running| running.schedule.clone())
    }

    /// The value of a secret. From now on what is printed counts as one that has a secret.
    pub(super) fn secret(&self, name: &str) -> Option<String> {
        let value = self.running().as_ref()?.secrets.get(name)?.to_owned();
        self.secret_printed.store(true, Relaxed);
        Some(value)
    }

    /// Whether a secret was printed since this was asked last.
    pub(super) fn take_secret_printed(&self) -> bool {
        self.secret_printed.swap(false, Relaxed)
    }

    /// Calls a filter plugin.
    pub(super) fn filter(&self, name: &str, args: &Value) -> Result<Value, Fault> {
        let mut running = self.running();
        let Some(running) = running.as_mut() else {
            return Err(Fault::Other(format!("filter `{name}` was called outside of a render")));
        };
        running.session.apply(name, args).map_err(|failure| Fault::Filter { filter: name.to_owned(), failure })
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        // A panic while it was held leaves nothing half done: `begin` sets all of it anew.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `value` takes in memory, roughly.
pub(super) fn weight(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(key, member)| VALUE_BYTES + key.len() + weight(member)).sum(),
    };
    VALUE_BYTES + inner
}

/// See [`Budget::enter`].
pub(super) struct Level<'a>(&'a Budget);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.depth.fetch_sub(1, Relaxed);
    }
}

/// Collects one file's output up to a cap.
pub(super) struct CappedOutput {
    bytes: Vec<u8>,
    limit: usize,
    of: &'static str,
}

impl CappedOutput {
    /// For the next file of a role that has `role_bytes` so far.
    pub(super) fn new(limits: &RenderLimits, role_bytes: usize) -> CappedOutput {
        let role_left = limits.role_bytes.saturating_sub(role_bytes);
        if role_left < limits.file_bytes {
            CappedOutput { bytes: Vec::new(), limit: role_left, of: " (what the role's other files leave of its share)" }
        } else {
            CappedOutput { bytes: Vec::new(), limit: limits.file_bytes, of: "" }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl io::Write for CappedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::Error::other(Fault::Size { limit_bytes: self.limit, of: self.of }));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
