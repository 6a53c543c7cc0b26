//! What belongs to one call: its view of the snapshot, its deadline, its log, and what it has of memory and tables.

use std::sync::Arc;
use std::time::Instant;

use verwalter_core::contract::SnapshotView;
use verwalter_core::ports::{LogLevel, LogLine};
use wasmtime::{Engine, ResourceLimiter, Store};

use super::engine::YIELD_FUEL;
use super::limits::{Limit, Limits};
pub(super) use super::stop::Stop;
use super::wasi::seed::{Clock, Random, Seed};

/// Where a guest prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Errors,
}

/// A line costs its frame too, so that empty ones are not free.
const FRAME_BYTES: usize = 16;

/// The state behind a store. Dropped with it.
pub(super) struct CallState {
    pub(super) view: Option<Arc<SnapshotView>>,
    pub(super) deadline: Instant,
    pub(super) clock: Clock,
    pub(super) random: Random,
    /// What the guest said of its own panic: the reason of the trap that follows.
    panic: Option<String>,
    log: Vec<LogLine>,
    /// What was printed since the last line feed, by [`Stream`].
    unfinished: [Vec<u8>; 2],
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
        self.log_bytes_left = self.log_bytes_left.checked_sub(text.len() + FRAME_BYTES).ok_or(Stop::Log)?;
        self.log.push(LogLine { level: LogLevel::from_number(level), text: text.to_owned() });
        Ok(())
    }

    /// Takes what a guest prints. It becomes a line at the next line feed, or when the call is over.
    pub(super) fn print(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Stop> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = &mut self.unfinished[stream as usize];
            let frame = if unfinished.is_empty() { FRAME_BYTES } else { 0 };
            self.log_bytes_left = self.log_bytes_left.checked_sub(piece.len() + frame).ok_or(Stop::Log)?;
            unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.finish_line(stream);
            }
        }
        Ok(())
    }

    /// Its bytes were paid for when they were printed.
    fn finish_line(&mut self, stream: Stream) {
        let line = std::mem::take(&mut self.unfinished[stream as usize]);
        let level = match stream {
            Stream::Output => LogLevel::Info,
            Stream::Errors => LogLevel::Warn,
        };
        let text = String::from_utf8_lossy(&line);
        self.log.push(LogLine { level, text: text.trim_end_matches(['\r', '\n']).to_owned() });
    }

    /// All that was logged and printed since this was last asked.
    pub(super) fn take_log(&mut self) -> Vec<LogLine> {
        for stream in [Stream::Output, Stream::Errors] {
            if !self.unfinished[stream as usize].is_empty() {
                self.finish_line(stream);
            }
        }
        std::mem::take(&mut self.log)
    }

    /// Notes that the guest says it panics.
    pub(super) fn panicked(&mut self, text: String) {
        // Whoever has used up its log is told the reason all the same, by the failure.
        self.log(LogLevel::Error as u8, &text).ok();
        self.panic = Some(text);
    }

    pub(super) fn take_panic(&mut self) -> Option<String> {
        self.panic.take()
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

/// A fresh store with full fuel. `seed` is what a guest finds that asks for time and randomness.
pub(super) fn open(engine: &Engine, limits: &Limits, view: Option<Arc<SnapshotView>>, seed: Seed) -> Store<CallState> {
    let state = CallState {
        view,
        deadline: Instant::now() + limits.time(),
        clock: seed.clock(),
        random: seed.random(),
        panic: None,
        log: Vec::new(),
        unfinished: Default::default(),
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
