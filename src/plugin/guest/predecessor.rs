//! The ABI of verwalter 0.13, so that its plugins run unchanged: one adapter at the border, from documents of the contract to
//! what they were told then, and back. Nothing else of the host knows their shapes.

mod answer;
mod input;

use verwalter_core::ports::Kind;
use wasmtime::{AsContextMut, Caller, Engine, InstancePre, Linker, Memory, Module, Store, TypedFunc};

use super::{Reply, Request, module};
use crate::plugin::abi::PREDECESSOR_MODULE;
use crate::plugin::imports::{enter, guest_memory};
use crate::plugin::store::{CallState, Stop};
use crate::plugin::{maths, memory, wasi};

/// What cannot cross the border.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::plugin) enum Misfit {
    /// The host's document lacks what its shape had. The manifest is at fault, or the host.
    #[error("its input cannot be put into the shape of verwalter 0.13: {0}")]
    Document(String),
    /// The guest's answer has not the shape of 0.13. Its author is at fault.
    #[error("what it answered to `{function}` has not the shape of verwalter 0.13: {reason}")]
    Answer { function: &'static str, reason: String },
}

/// The reason that a guest gave before it trapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::plugin) struct Panicked(pub(in crate::plugin) String);

pub(in crate::plugin) struct Linked {
    pre: InstancePre<CallState>,
    uses_wasi: bool,
}

pub(in crate::plugin) struct Instance {
    instance: wasmtime::Instance,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<u32, ()>,
}

pub(super) fn link(engine: &Engine, guest: &Module, kind: Kind) -> wasmtime::Result<Linked> {
    const EXCHANGE: &str = "fn(i32, i32) -> i32";
    let functions: &[&str] = match kind {
        Kind::Scheduler => &["scheduler"],
        Kind::Query => &["init", "render_roles", "query"],
        Kind::Policy | Kind::Filter => &[],
    };
    let needed = [("memory", "memory", true), ("alloc", "fn(i32) -> i32", true), ("dealloc", "fn(i32)", true)];
    let optional = [("_initialize", "fn()", false)];
    let functions = functions.iter().map(|name| (*name, EXCHANGE, true));
    module::check_forms(guest, needed.into_iter().chain(functions).chain(optional))?;
    let mut linker = Linker::new(engine);
    linker.func_wrap(PREDECESSOR_MODULE, "log_panic", log_panic)?;
    maths::link(&mut linker, guest, PREDECESSOR_MODULE)?;
    wasi::link(&mut linker)?;
    Ok(Linked { pre: linker.instantiate_pre(guest)?, uses_wasi: wasi::is_imported(guest) })
}

/// What a panic hook tells before the guest traps. As in 0.13 nothing about it is an error: a reason that cannot be read must not
/// hide that there was a panic.
fn log_panic(
    mut caller: Caller<'_, CallState>,
    payload_ptr: u32,
    payload_len: u32,
    file_ptr: u32,
    file_len: u32,
    line: u32,
) -> wasmtime::Result<()> {
    /// Enough of a message to know the bug by.
    const MAX_BYTES: usize = 4 << 10;
    enter(&mut caller.as_context_mut(), usize::saturating_add(payload_len as usize, file_len as usize))?;
    let mut text = |ptr, len, otherwise: &str| {
        let read = guest_memory(&mut caller, |memory| {
            let bytes = memory::read(memory, ptr, len)?;
            Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_BYTES)]).into_owned())
        });
        read.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| otherwise.to_owned())
    };
    let payload = text(payload_ptr, payload_len, "(no message)");
    let file = text(file_ptr, file_len, "(unknown file)");
    caller.data_mut().panicked(format!("panicked at {file}:{line}: {payload}"));
    Ok(())
}

impl Linked {
    pub(super) fn uses_wasi(&self) -> bool {
        self.uses_wasi
    }

    pub(super) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        let begun = self.begin(store).await;
        begun.map_err(|err| with_reason(store, err))
    }

    /// Runs the start function, where modules of 0.13 set their panic hook.
    async fn begin(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            initialize.call_async(&mut *store, ()).await?;
        }
        let memory = instance.get_memory(&mut *store, "memory").ok_or_else(|| wasmtime::Error::msg("its export `memory` is no memory"))?;
        let alloc = instance.get_typed_func(&mut *store, "alloc")?;
        let dealloc = instance.get_typed_func(&mut *store, "dealloc")?;
        Ok(Instance { instance, memory, alloc, dealloc })
    }
}

/// A trap says where; the panic before it said why.
fn with_reason(store: &mut Store<CallState>, error: wasmtime::Error) -> wasmtime::Error {
    match store.data_mut().take_panic() {
        Some(text) => error.context(Panicked(text)),
        None => error,
    }
}

impl Instance {
    pub(super) async fn call(&self, store: &mut Store<CallState>, request: Request<'_>, output_cap: usize) -> wasmtime::Result<Reply> {
        let reply = self.reply(store, request, output_cap).await;
        reply.map_err(|err| with_reason(store, err))
    }

    async fn reply(&self, store: &mut Store<CallState>, request: Request<'_>, output_cap: usize) -> wasmtime::Result<Reply> {
        match request {
            Request::Schedule(document) => {
                let input = input::scheduler(document)?;
                self.exchange(store, "scheduler", &input, output_cap, answer::schedule).await
            }
            Request::Query(document) => {
                let [init, query] = input::query(document)?;
                self.ask(store, &init, ("query", &query), output_cap, answer::query).await
            }
            Request::RenderRoles(document) => {
                let [init, roles] = input::render_roles(document)?;
                self.ask(store, &init, ("render_roles", &roles), output_cap, answer::render_roles).await
            }
            // It knew nothing of these.
            Request::Review(_) | Request::Filters | Request::Apply(..) | Request::Describe | Request::CheckConfig(_) => Ok(Reply::Absent),
        }
    }

    /// A question to a module that is told the schedule first.
    async fn ask(
        &self,
        store: &mut Store<CallState>,
        init: &str,
        (name, question): (&'static str, &str),
        output_cap: usize,
        read: impl FnOnce(&str) -> Result<Reply, Misfit>,
    ) -> wasmtime::Result<Reply> {
        match self.exchange(store, "init", init, output_cap, answer::init).await? {
            Reply::Done(_) => self.exchange(store, name, question, output_cap, read).await,
            refused => Ok(refused),
        }
    }

    /// One call, in the order of 0.13: the input is given back before the result is read.
    async fn exchange(
        &self,
        store: &mut Store<CallState>,
        name: &'static str,
        input: &str,
        output_cap: usize,
        read: impl FnOnce(&str) -> Result<Reply, Misfit>,
    ) -> wasmtime::Result<Reply> {
        let function: TypedFunc<(u32, u32), u32> = self.instance.get_typed_func(&mut *store, name)?;
        let len = u32::try_from(input.len()).map_err(|_| Stop::Bounds)?;
        let ptr = self.alloc.call_async(&mut *store, len).await?;
        memory::write(self.memory.data_mut(&mut *store), ptr, input.as_bytes())?;
        let result = function.call_async(&mut *store, (ptr, len)).await?;
        self.dealloc.call_async(&mut *store, ptr).await?;
        let reply = read(memory::read_json(self.memory.data(&*store), result, output_cap)?)?;
        self.dealloc.call_async(&mut *store, result).await?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests;
