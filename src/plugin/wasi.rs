//! What stands in for WASI preview 1 under runtimes that insist on it (Go, C): a clock and randomness made of the input, output
//! that becomes log lines, and otherwise an empty machine. It never touches a file, a socket or the time of this one.

mod fd;
pub(super) mod seed;

use wasmtime::{AsContextMut, Caller, Linker, Module};

use super::abi::WASI_MODULE;
use super::imports::{charge, enter, guest_bytes, guest_memory};
use super::memory;
use super::store::{CallState, Stop};
use seed::STEP_NANOS;

/// Whether `module` asks for any of it.
pub(super) fn is_imported(module: &Module) -> bool {
    module.imports().any(|import| import.module() == WASI_MODULE)
}

/// What a stub answers: the number that WASI gives to the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errno {
    Success = 0,
    /// No such descriptor.
    Badf = 8,
    /// An argument that makes no sense, or is larger than any runtime's.
    Inval = 28,
    /// A stream has no positions.
    Spipe = 70,
}

type Guest<'a> = Caller<'a, CallState>;
type Outcome = wasmtime::Result<Errno>;

/// Defines the stubs. Guest pointers outside memory end the call, as they do in the host's own imports.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    // No arguments and no environment: none in number, and none in bytes.
    for name in ["args_sizes_get", "environ_sizes_get"] {
        linker.func_wrap(WASI_MODULE, name, |mut guest: Guest<'_>, count: u32, bytes: u32| {
            begin(&mut guest, 8)?;
            put(&mut guest, count, &0_u32.to_le_bytes())?;
            answer(put(&mut guest, bytes, &0_u32.to_le_bytes()))
        })?;
    }
    for name in ["args_get", "environ_get"] {
        linker.func_wrap(WASI_MODULE, name, |mut guest: Guest<'_>, _: u32, _: u32| answer(begin(&mut guest, 0)))?;
    }
    linker
        .func_wrap(WASI_MODULE, "clock_res_get", |mut guest: Guest<'_>, id: u32, out: u32| number(clock_resolution(&mut guest, id, out)))?;
    linker.func_wrap(WASI_MODULE, "clock_time_get", |mut guest: Guest<'_>, id: u32, _: u64, out: u32| {
        number(clock_time(&mut guest, id, out))
    })?;
    linker.func_wrap(WASI_MODULE, "random_get", |mut guest: Guest<'_>, ptr: u32, len: u32| number(random(&mut guest, ptr, len)))?;
    linker.func_wrap(WASI_MODULE, "poll_oneoff", |mut guest: Guest<'_>, subscriptions: u32, events: u32, count: u32, out: u32| {
        number(poll(&mut guest, subscriptions, events, count, out))
    })?;
    linker.func_wrap(WASI_MODULE, "sched_yield", |mut guest: Guest<'_>| answer(begin(&mut guest, 0)))?;
    linker.func_wrap(WASI_MODULE, "proc_exit", |mut guest: Guest<'_>, status: u32| -> wasmtime::Result<()> {
        begin(&mut guest, 0)?;
        Err(wasmtime::Error::new(Stop::Exit(status)))
    })?;
    fd::link(linker)
}

/// The deadline and the price, as every import has them.
fn begin(guest: &mut Guest<'_>, bytes: usize) -> wasmtime::Result<()> {
    enter(&mut guest.as_context_mut(), bytes)
}

fn put(guest: &mut Guest<'_>, ptr: u32, bytes: &[u8]) -> wasmtime::Result<()> {
    guest_memory(guest, |memory| memory::write(memory, ptr, bytes))
}

/// Success, unless the call ends here.
fn answer(result: wasmtime::Result<()>) -> wasmtime::Result<i32> {
    number(result.map(|()| Errno::Success))
}

fn number(outcome: Outcome) -> wasmtime::Result<i32> {
    outcome.map(|errno| errno as i32)
}

/// Realtime, monotonic, and the processor's time of process and thread: one clock is all of them.
const CLOCKS: u32 = 4;

fn clock_resolution(guest: &mut Guest<'_>, id: u32, out: u32) -> Outcome {
    begin(guest, 8)?;
    if id >= CLOCKS {
        return Ok(Errno::Inval);
    }
    put(guest, out, &STEP_NANOS.to_le_bytes())?;
    Ok(Errno::Success)
}

fn clock_time(guest: &mut Guest<'_>, id: u32, out: u32) -> Outcome {
    begin(guest, 8)?;
    if id >= CLOCKS {
        return Ok(Errno::Inval);
    }
    let now = guest.data_mut().clock.read();
    put(guest, out, &now.to_le_bytes())?;
    Ok(Errno::Success)
}

/// The most random bytes of one call: 1 MiB takes about 5 ms, and nothing interrupts it. Runtimes ask for some hundred.
const MAX_RANDOM_BYTES: u32 = 1 << 20;
/// What such a byte costs: hashing takes so many times longer than moving.
const RANDOM_FUEL: usize = 16;

fn random(guest: &mut Guest<'_>, ptr: u32, len: u32) -> Outcome {
    if len > MAX_RANDOM_BYTES {
        begin(guest, 0)?;
        return Ok(Errno::Inval);
    }
    begin(guest, len as usize * RANDOM_FUEL)?;
    guest_bytes(guest, ptr, len, |state, bytes| {
        state.random.fill(bytes);
        Ok(())
    })?;
    Ok(Errno::Success)
}

/// The most that one call waits for or writes from: what Linux allows in one call, too.
const MAX_ELEMENTS: u32 = 1024;
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

/// Everything is ready at once. A sleep is over, and the clock says so: what waits in a loop for a moment does not spin.
fn poll(guest: &mut Guest<'_>, subscriptions: u32, events: u32, count: u32, out: u32) -> Outcome {
    if count == 0 || count > MAX_ELEMENTS {
        begin(guest, 0)?;
        return Ok(Errno::Inval);
    }
    begin(guest, (count * (SUBSCRIPTION_BYTES + EVENT_BYTES)) as usize)?;
    for index in 0..count {
        let mut subscription = [0; SUBSCRIPTION_BYTES as usize];
        guest_memory(guest, |memory| {
            subscription.copy_from_slice(memory::read_element(memory, subscriptions, index, SUBSCRIPTION_BYTES)?);
            Ok(())
        })?;
        let Some(event) = event(&mut guest.data_mut().clock, &subscription) else { return Ok(Errno::Inval) };
        let place = memory::element(events, index, EVENT_BYTES).map_err(wasmtime::Error::new)?;
        put(guest, place, &event)?;
    }
    put(guest, out, &count.to_le_bytes())?;
    Ok(Errno::Success)
}

/// The event that a subscription waits for, as WASI lays both out; `None` where it is of no known type.
fn event(clock: &mut seed::Clock, subscription: &[u8; SUBSCRIPTION_BYTES as usize]) -> Option<[u8; EVENT_BYTES as usize]> {
    const CLOCK: u8 = 0;
    const ABSOLUTE: u8 = 1;
    const HANGUP: u8 = 1;
    let (id, kind) = (&subscription[..8], subscription[8]);
    let mut event = [0; EVENT_BYTES as usize];
    event[..8].copy_from_slice(id);
    event[10] = kind;
    match kind {
        CLOCK => {
            let timeout = u64::from_le_bytes(subscription[24..32].try_into().expect("eight bytes"));
            match subscription[40] & ABSOLUTE {
                0 => clock.sleep(timeout),
                _ => clock.sleep_until(timeout),
            }
        }
        // Reading or writing a descriptor.
        1 | 2 => {
            let fd = u32::from_le_bytes(subscription[16..20].try_into().expect("four bytes"));
            match fd {
                fd::STDIN => event[24] = HANGUP,
                fd::STDOUT | fd::STDERR => {}
                _ => event[8] = Errno::Badf as u8,
            }
        }
        _ => return None,
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use crate::plugin::abi::WASI_IMPORTS;

    const CONTRACT: &str = include_str!("../../sdk/README.md");

    #[test]
    fn the_contract_lists_them_all() {
        for name in WASI_IMPORTS {
            assert!(CONTRACT.contains(&format!("`{name}`")), "{name}");
        }
    }
}
