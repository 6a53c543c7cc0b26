//! What belongs to one call: its view of the snapshot, its deadline, its log, and what it has of memory and tables.

use std::sync::Arc;
use std::time::Instant;

use verwalter_core::contract::SnapshotView;
use verwalter_core::ports::{LogLevel, LogLine};
use wasmtime::{Engine, ResourceLimiter, Store};

use super::engine::YIELD_FUEL;
use super::limits::{Limit, Limits};

/// Why the host ended a call. Travels through the guest as an error and is read again on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    #[error("it ran past its deadline")]
    Deadline,
    #[error("it asked for {asked} bytes of memory in all")]
    Memory { asked: usize },
    #[error("it asked for a table of {asked} elements")]
    Table { asked: usize },
    #[error("it logged more than its limit")]
    Log,
    #[error("it passed a pointer or length outside its memory")]
    Bounds,
    #[error("it passed a text that is no UTF-8")]
    Text,
    #[error("its answer has {bytes} bytes")]
    Output { bytes: u32 },
    #[error("its answer begins with byte {0}; 0 means done, 1 refused")]
    Tag(u8),
    #[error("its answer is empty; it must begin with byte 0 (done) or 1 (refused)")]
    Empty,
}

/// The state behind a store. Dropped with it.
pub(super) struct CallState {
    pub(super) view: Option<Arc<SnapshotView>>,
    pub(super) deadline: Instant,
    pub(super) log: Vec<LogLine>,
    log_bytes_left: usize,
    memory_bytes: usize,
    peak_memory_bytes: usize,
    memory_limit: usize,
    table_limit: usize,
}

impl CallState {
    pub(super) fn peak_memory(&self) -> usize {
        self.peak_memory_bytes
    }

    /// Takes a line, a long one as it is: the limit is on the bytes of all.
    pub(super) fn log(&mut self, level: u8, text: &str) -> Result<(), Stop> {
        // A line costs its frame too, so that empty ones are not free.
        const FRAME_BYTES: usize = 16;
        self.log_bytes_left = self.log_bytes_left.checked_sub(text.len() + FRAME_BYTES).ok_or(Stop::Log)?;
        self.log.push(LogLine { level: LogLevel::from_number(level), text: text.to_owned() });
        Ok(())
    }
}

impl ResourceLimiter for CallState {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // Memories of one store share the limit: many small ones are one large one.
        let asked = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if asked > self.memory_limit {
            return Err(wasmtime::Error::new(Stop::Memory { asked }));
        }
        self.memory_bytes = asked;
        self.peak_memory_bytes = self.peak_memory_bytes.max(asked);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.table_limit {
            return Err(wasmtime::Error::new(Stop::Table { asked: desired }));
        }
        Ok(true)
    }
}

/// A fresh store with full fuel.
pub(super) fn open(engine: &Engine, limits: &Limits, view: Option<Arc<SnapshotView>>) -> Store<CallState> {
    let state = CallState {
        view,
        deadline: Instant::now() + limits.time(),
        log: Vec::new(),
        log_bytes_left: limits.bytes(Limit::Log),
        memory_bytes: 0,
        peak_memory_bytes: 0,
        memory_limit: limits.bytes(Limit::Memory),
        table_limit: limits.bytes(Limit::TableElements),
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| state);
    store.set_fuel(limits.get(Limit::Fuel)).expect("fuel is on in this engine");
    store.fuel_async_yield_interval(Some(YIELD_FUEL)).expect("fuel is on, and the interval is not zero");
    // What a component hands over is copied into host memory under this cap.
    store.set_hostcall_fuel(limits.bytes(Limit::Output));
    store
}
