//! Running a guest to its end, its fuel or its deadline, and saying in one line what stopped it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use verwalter_core::ports::{Failure, FailureCause, PluginId};
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use super::guest::predecessor::{Misfit, Panicked};
use super::limits::{Limit, Limits};
use super::store::Stop;

/// Polls a guest by hand: each yield is a look at the clock. A call past its deadline is dropped, and its store must be too.
pub(super) fn drive<T>(call: impl Future<Output = wasmtime::Result<T>>, deadline: Instant) -> wasmtime::Result<T> {
    let mut call = pin!(call);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = call.as_mut().poll(&mut context) {
            return result;
        }
        if Instant::now() >= deadline {
            return Err(wasmtime::Error::new(Stop::Deadline));
        }
    }
}

/// What a guest's error means to an operator.
pub(super) fn failure(plugin: &PluginId, limits: &Limits, error: &wasmtime::Error) -> Failure {
    let (cause, message) = explain(limits, error);
    Failure { plugin: plugin.clone(), cause, message, log: Vec::new(), cost: None }
}

fn explain(limits: &Limits, error: &wasmtime::Error) -> (FailureCause, String) {
    let over = |cause, limit: Limit, what: &str| (cause, format!("{what} {}; {}", limits.describe(limit), limits.raise_hint(limit)));
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Deadline => over(FailureCause::Time, Limit::Time, "ran longer than its time limit of"),
            Stop::Memory { asked } => {
                over(FailureCause::Memory, Limit::Memory, &format!("asked for {asked} bytes of memory, more than its limit of"))
            }
            Stop::Table { asked } => {
                over(FailureCause::Memory, Limit::TableElements, &format!("asked for a table of {asked} elements, more than its limit of"))
            }
            Stop::Log => over(FailureCause::Log, Limit::Log, "logged more than its limit of"),
            Stop::Output { bytes } => {
                over(FailureCause::Output, Limit::Output, &format!("its answer has {bytes} bytes, more than its limit of"))
            }
            Stop::Long => over(FailureCause::Output, Limit::Output, "its answer has no end within its limit of"),
            Stop::Exit(_) => (FailureCause::Trap, format!("{stop}; what it printed before is in its log")),
            Stop::Bounds | Stop::Text | Stop::Tag(_) | Stop::Empty | Stop::Unended | Stop::Junk { .. } => {
                (FailureCause::Output, format!("{stop}: this is a defect of the plugin"))
            }
        };
    }
    if let Some(misfit) = error.downcast_ref::<Misfit>() {
        let cause = match misfit {
            Misfit::Document(_) => FailureCause::Input,
            Misfit::Answer { .. } => FailureCause::Refused,
        };
        return (cause, misfit.to_string());
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return (FailureCause::Host, format!("the pool of instances is full ({full})"));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => over(FailureCause::Fuel, Limit::Fuel, "used up its fuel of"),
        Some(Trap::StackOverflow) => (
            FailureCause::Stack,
            format!(
                "recursed deeper than its stack of {} KiB allows{}; the stack's size is fixed",
                super::limits::STACK_BYTES >> 10,
                frames(error)
            ),
        ),
        Some(trap) => {
            let panic = error.downcast_ref::<Panicked>().map_or(String::new(), |Panicked(text)| format!("{}: ", shorten(text)));
            (FailureCause::Trap, format!("{panic}trapped: {trap}{}", frames(error)))
        }
        // Lifting an answer out of a component fails without a trap: over the copying cap, bad text, bad bounds.
        None => match error.root_cause().to_string() {
            // The engine has no type for it that is public.
            words if words.contains("hostcalls has been exhausted") => {
                over(FailureCause::Output, Limit::Output, "handed over more than its output limit of")
            }
            words => (FailureCause::Output, format!("handed over what cannot be read ({words}): this is a defect of the plugin")),
        },
    }
}

/// The guest's functions that were running, innermost first, in one line.
fn frames(error: &wasmtime::Error) -> String {
    const SHOWN: usize = 4;
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names = backtrace.frames().iter().map(|frame| match frame.func_name() {
        Some(name) => format!("{:#}", Demangled(name)),
        None => format!("function {}", frame.func_index()),
    });
    let names: Vec<String> = names.take(SHOWN).collect();
    if names.is_empty() { String::new() } else { format!(" in {}", names.join(" < ")) }
}

/// A guest's own words in one line.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 300;
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect()
}

/// A name as its author wrote it; names come from the guest, so their length is bounded.
struct Demangled<'a>(&'a str);

impl std::fmt::Display for Demangled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MAX_CHARS: usize = 80;
        let plain: String = self.0.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
        f.write_str(&plain)
    }
}
