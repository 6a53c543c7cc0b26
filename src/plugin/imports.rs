//! The closed list of what a guest may call, for both ABIs. Every import first looks at the deadline, then charges fuel for
//! what it moves: otherwise a loop of host calls would escape both.

use std::sync::Arc;
use std::time::Instant;

use verwalter_core::contract::SnapshotView;
use wasmtime::{AsContext, AsContextMut, Caller, Extern, StoreContextMut, Trap};

use super::abi::CORE_MODULE;
use super::memory;
use super::store::{CallState, Stop};

/// What any import costs, whatever it does: about the time that it takes, at the price of plain instructions.
const CALL_FUEL: usize = 1_000;

const SNAPSHOT: &str = "verwalter:plugin/snapshot@1.0.0";
const LOG: &str = "verwalter:plugin/log@1.0.0";

/// What every import does first: the deadline, and the price of a call whose arguments have so many `bytes`. Nothing is made for
/// a guest that cannot pay that.
pub(super) fn enter(store: &mut StoreContextMut<'_, CallState>, bytes: usize) -> wasmtime::Result<()> {
    if Instant::now() >= store.data().deadline {
        return Err(wasmtime::Error::new(Stop::Deadline));
    }
    charge(store, usize::saturating_add(CALL_FUEL, bytes))
}

/// The price of moving `bytes`.
pub(super) fn charge(store: &mut StoreContextMut<'_, CallState>, bytes: usize) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    match left.checked_sub(bytes as u64) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
    }
}

/// A round's view; a filter has none and sees no peers.
fn view(state: &CallState) -> Arc<SnapshotView> {
    state.view.clone().unwrap_or_default()
}

/// Defines `snapshot` and `log` for components.
pub(super) fn link_component(linker: &mut wasmtime::component::Linker<CallState>) -> wasmtime::Result<()> {
    type Store<'a> = StoreContextMut<'a, CallState>;
    let mut snapshot = linker.instance(SNAPSHOT)?;
    snapshot.func_wrap("hostnames", |mut store: Store<'_>, (): ()| {
        enter(&mut store, 0)?;
        texts(&mut store, "hostname").map(|list| (list,))
    })?;
    snapshot.func_wrap("attribute", |mut store: Store<'_>, (name,): (String,)| {
        enter(&mut store, name.len())?;
        texts(&mut store, &name).map(|list| (list,))
    })?;
    snapshot.func_wrap("metrics", |mut store: Store<'_>, (): ()| {
        enter(&mut store, 0)?;
        let names: Vec<String> = view(store.data()).metrics().map(str::to_owned).collect();
        charge(&mut store, names.iter().map(|name| name.len() + 8).sum())?;
        Ok((names,))
    })?;
    snapshot.func_wrap("column", |mut store: Store<'_>, (name,): (String,)| {
        enter(&mut store, name.len())?;
        let view = view(store.data());
        let Some(column) = view.column(&name) else { return Ok((None,)) };
        charge(&mut store, column.len() * 8)?;
        Ok((Some(doubles(&column)),))
    })?;
    snapshot.func_wrap("series", |mut store: Store<'_>, (name, peer): (String, u32)| {
        enter(&mut store, name.len())?;
        let series = doubles(&view(store.data()).series(&name, peer));
        charge(&mut store, series.len() * 8)?;
        Ok((series,))
    })?;
    linker.instance(LOG)?.func_wrap("write", |mut store: Store<'_>, (level, text): (u8, String)| {
        enter(&mut store, text.len())?;
        store.data_mut().log(level, &text).map_err(wasmtime::Error::new)
    })?;
    Ok(())
}

fn texts(store: &mut StoreContextMut<'_, CallState>, name: &str) -> wasmtime::Result<Vec<String>> {
    let list = view(store.data()).attribute(name);
    charge(store, list.iter().map(|text| text.len() + 8).sum())?;
    Ok(list)
}

fn doubles(values: &[f64]) -> Vec<f64> {
    values.iter().copied().map(memory::canonical).collect()
}

/// Defines `verwalter.*` for core modules.
pub(super) fn link_core(linker: &mut wasmtime::Linker<CallState>) -> wasmtime::Result<()> {
    type Store<'a> = Caller<'a, CallState>;
    linker.func_wrap(CORE_MODULE, "column", |mut caller: Store<'_>, name_ptr: u32, name_len: u32, out_ptr: u32, out_cap: u32| {
        enter(&mut caller.as_context_mut(), name_len as usize)?;
        let view = view(caller.data());
        let name = guest_text(&mut caller, name_ptr, name_len)?;
        let Some(column) = view.column(&name) else { return Ok(-1) };
        let values = &column[..column.len().min(out_cap as usize)];
        charge(&mut caller.as_context_mut(), values.len() * 8)?;
        guest_memory(&mut caller, |memory| memory::write_doubles(memory, out_ptr, values))?;
        count(column.len())
    })?;
    linker.func_wrap(CORE_MODULE, "attribute", |mut caller: Store<'_>, name_ptr: u32, name_len: u32, out_ptr: u32, out_cap: u32| {
        enter(&mut caller.as_context_mut(), name_len as usize)?;
        let view = view(caller.data());
        let name = guest_text(&mut caller, name_ptr, name_len)?;
        let list = view.attribute(&name);
        let mut packed = Vec::with_capacity(list.iter().map(|text| text.len() + 4).sum());
        for text in &list {
            packed.extend_from_slice(&u32::try_from(text.len()).map_err(|_| Stop::Bounds).map_err(wasmtime::Error::new)?.to_le_bytes());
            packed.extend_from_slice(text.as_bytes());
        }
        charge(&mut caller.as_context_mut(), packed.len())?;
        if packed.len() <= out_cap as usize {
            guest_memory(&mut caller, |memory| memory::write(memory, out_ptr, &packed))?;
        }
        count(packed.len())
    })?;
    linker.func_wrap(CORE_MODULE, "log", |mut caller: Store<'_>, level: u32, ptr: u32, len: u32| {
        enter(&mut caller.as_context_mut(), len as usize)?;
        let text = guest_text(&mut caller, ptr, len)?;
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        caller.data_mut().log(level, &text).map_err(wasmtime::Error::new)
    })?;
    Ok(())
}

fn count(n: usize) -> wasmtime::Result<i32> {
    i32::try_from(n).map_err(|_| wasmtime::Error::new(Stop::Bounds))
}

pub(super) fn guest_memory<T>(
    caller: &mut Caller<'_, CallState>,
    use_it: impl FnOnce(&mut [u8]) -> Result<T, Stop>,
) -> wasmtime::Result<T> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(wasmtime::Error::new(Stop::Bounds));
    };
    use_it(memory.data_mut(caller.as_context_mut())).map_err(wasmtime::Error::new)
}

/// Hands the call's state the guest's bytes at `ptr`, where they lie.
pub(super) fn guest_bytes<T>(
    caller: &mut Caller<'_, CallState>,
    ptr: u32,
    len: u32,
    use_them: impl FnOnce(&mut CallState, &mut [u8]) -> Result<T, Stop>,
) -> wasmtime::Result<T> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(wasmtime::Error::new(Stop::Bounds));
    };
    let (bytes, state) = memory.data_and_store_mut(caller.as_context_mut());
    memory::slot(bytes, ptr, len).and_then(|bytes| use_them(state, bytes)).map_err(wasmtime::Error::new)
}

fn guest_text(caller: &mut Caller<'_, CallState>, ptr: u32, len: u32) -> wasmtime::Result<String> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(wasmtime::Error::new(Stop::Bounds));
    };
    memory::read_text(memory.data(caller.as_context()), ptr, len).map(str::to_owned).map_err(wasmtime::Error::new)
}
