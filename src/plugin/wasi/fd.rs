//! Descriptors: 0 is at its end, 1 and 2 become log lines, and there are no others. Nothing is ever opened.

use wasmtime::{AsContextMut, Linker};

use super::{Errno, Guest, MAX_ELEMENTS, Outcome, WASI_MODULE, begin, charge, guest_bytes, guest_memory, memory, number, put};
use crate::plugin::store::{CallState, Stop, Stream};

pub(super) const STDIN: u32 = 0;
pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI_MODULE, "fd_write", |mut guest: Guest<'_>, fd: u32, list: u32, count: u32, out: u32| {
        number(write(&mut guest, fd, list, count, out))
    })?;
    linker
        .func_wrap(WASI_MODULE, "fd_read", |mut guest: Guest<'_>, fd: u32, _: u32, _: u32, out: u32| number(read(&mut guest, fd, out)))?;
    linker.func_wrap(WASI_MODULE, "fd_seek", |mut guest: Guest<'_>, fd: u32, _: i64, _: u32, _: u32| {
        number(known(&mut guest, fd).map(|there| if there { Errno::Spipe } else { Errno::Badf }))
    })?;
    linker.func_wrap(WASI_MODULE, "fd_fdstat_get", |mut guest: Guest<'_>, fd: u32, out: u32| number(stat(&mut guest, fd, out)))?;
    // Closing and non-blocking mode change nothing here, and programs do both when they end or begin.
    linker.func_wrap(WASI_MODULE, "fd_close", |mut guest: Guest<'_>, fd: u32| number(granted(&mut guest, fd)))?;
    linker.func_wrap(WASI_MODULE, "fd_fdstat_set_flags", |mut guest: Guest<'_>, fd: u32, _: u32| number(granted(&mut guest, fd)))?;
    // The list of open directories ends before its first.
    linker.func_wrap(WASI_MODULE, "fd_prestat_get", |mut guest: Guest<'_>, _: u32, _: u32| number(absent(&mut guest)))?;
    linker.func_wrap(WASI_MODULE, "fd_prestat_dir_name", |mut guest: Guest<'_>, _: u32, _: u32, _: u32| number(absent(&mut guest)))?;
    Ok(())
}

fn known(guest: &mut Guest<'_>, fd: u32) -> wasmtime::Result<bool> {
    begin(guest, 0)?;
    Ok(fd <= STDERR)
}

fn granted(guest: &mut Guest<'_>, fd: u32) -> Outcome {
    Ok(if known(guest, fd)? { Errno::Success } else { Errno::Badf })
}

fn absent(guest: &mut Guest<'_>) -> Outcome {
    begin(guest, 0)?;
    Ok(Errno::Badf)
}

/// A list of addresses and lengths, 32 bits each.
const SLICE_BYTES: u32 = 8;

fn write(guest: &mut Guest<'_>, fd: u32, list: u32, count: u32, out: u32) -> Outcome {
    let stream = match fd {
        STDOUT => Stream::Output,
        STDERR => Stream::Errors,
        _ => return absent(guest),
    };
    if count > MAX_ELEMENTS {
        begin(guest, 0)?;
        return Ok(Errno::Inval);
    }
    begin(guest, (count * SLICE_BYTES) as usize)?;
    let mut written = 0_u32;
    for index in 0..count {
        let [ptr, len] = slice(guest, list, index)?;
        charge(&mut guest.as_context_mut(), len as usize)?;
        guest_bytes(guest, ptr, len, |state, bytes| state.print(stream, bytes))?;
        written = written.checked_add(len).ok_or_else(|| wasmtime::Error::new(Stop::Bounds))?;
    }
    answer_count(guest, out, written)
}

fn slice(guest: &mut Guest<'_>, list: u32, index: u32) -> wasmtime::Result<[u32; 2]> {
    guest_memory(guest, |memory| {
        let slice = memory::read_element(memory, list, index, SLICE_BYTES)?;
        let word = |at: usize| u32::from_le_bytes(slice[at..at + 4].try_into().expect("four bytes"));
        Ok([word(0), word(4)])
    })
}

/// Nothing was ever typed.
fn read(guest: &mut Guest<'_>, fd: u32, out: u32) -> Outcome {
    if fd != STDIN {
        return absent(guest);
    }
    begin(guest, 4)?;
    answer_count(guest, out, 0)
}

fn answer_count(guest: &mut Guest<'_>, out: u32, count: u32) -> Outcome {
    put(guest, out, &count.to_le_bytes())?;
    Ok(Errno::Success)
}

/// A terminal that can only be read from, or only be written to: C's library then buffers by the line.
fn stat(guest: &mut Guest<'_>, fd: u32, out: u32) -> Outcome {
    const CHARACTER_DEVICE: u8 = 2;
    const MAY_READ: u64 = 1 << 1;
    const MAY_WRITE: u64 = 1 << 6;
    begin(guest, 24)?;
    let rights = match fd {
        STDIN => MAY_READ,
        STDOUT | STDERR => MAY_WRITE,
        _ => return Ok(Errno::Badf),
    };
    let mut stat = [0; 24];
    stat[0] = CHARACTER_DEVICE;
    stat[8..16].copy_from_slice(&rights.to_le_bytes());
    put(guest, out, &stat)?;
    Ok(Errno::Success)
}
