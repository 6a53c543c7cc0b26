//! The core ABI: `vw_*` functions that take and give a pointer and a length. The host owns what crosses: it allocates the
//! input in the guest, and frees input and answer after copying.

use serde_json::json;
use verwalter_core::ports::Kind;
use wasmtime::{Engine, ExternType, InstancePre, Linker, Memory, Module, Store, TypedFunc, ValType};

use super::{Reply, Request};
use crate::plugin::imports;
use crate::plugin::memory::{self, Answer};
use crate::plugin::store::{CallState, Stop};
use crate::plugin::wasi;

pub(in crate::plugin) struct Linked {
    pre: InstancePre<CallState>,
    uses_wasi: bool,
}

pub(in crate::plugin) struct Instance {
    instance: wasmtime::Instance,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
}

pub(super) fn link(engine: &Engine, module: &Module, kind: Kind) -> wasmtime::Result<Linked> {
    check_exports(module, kind)?;
    let mut linker = Linker::new(engine);
    imports::link_core(&mut linker)?;
    wasi::link(&mut linker)?;
    Ok(Linked { pre: linker.instantiate_pre(module)?, uses_wasi: wasi::is_imported(module) })
}

/// A wrong signature must not first show in a round: a build that has one takes nobody's place.
fn check_exports(module: &Module, kind: Kind) -> wasmtime::Result<()> {
    const ALLOC: &str = "fn(i32) -> i32";
    const FREE: &str = "fn(i32, i32)";
    const EXCHANGE: &str = "fn(i32, i32) -> i64";
    let functions: &[&str] = match kind {
        Kind::Scheduler => &["vw_schedule"],
        Kind::Policy => &["vw_review"],
        Kind::Filter => &["vw_filters", "vw_apply"],
        Kind::Query => &["vw_query", "vw_render_roles"],
    };
    let needed = [("memory", "memory"), ("vw_alloc", ALLOC), ("vw_free", FREE)].into_iter();
    let needed = needed.chain(functions.iter().map(|name| (*name, EXCHANGE))).map(|(name, form)| (name, form, true));
    let optional = [("_initialize", "fn()", false), ("vw_describe", EXCHANGE, false), ("vw_check_config", EXCHANGE, false)];
    check_forms(module, needed.chain(optional))
}

/// Exports by name, form, and whether they must be there.
pub(super) fn check_forms<'a>(module: &Module, exports: impl Iterator<Item = (&'a str, &'a str, bool)>) -> wasmtime::Result<()> {
    for (name, form, needed) in exports {
        let found = match module.get_export(name) {
            Some(export) => written(&export),
            None if needed => "not there".to_owned(),
            None => continue,
        };
        if found != form {
            return Err(wasmtime::Error::msg(format!("its export `{name}` must be {form}, it is {found}")));
        }
    }
    Ok(())
}

pub(in crate::plugin) fn written(export: &ExternType) -> String {
    let list = |types: &mut dyn Iterator<Item = ValType>| types.map(|ty| ty.to_string()).collect::<Vec<_>>().join(", ");
    match export {
        ExternType::Func(ty) if ty.results().len() == 0 => format!("fn({})", list(&mut ty.params())),
        ExternType::Func(ty) => format!("fn({}) -> {}", list(&mut ty.params()), list(&mut ty.results())),
        ExternType::Memory(ty) if ty.is_shared() => "shared memory".to_owned(),
        ExternType::Memory(_) => "memory".to_owned(),
        _ => "neither function nor memory".to_owned(),
    }
}

/// First byte of an answer: it worked.
const DONE: u8 = 0;
/// First byte of an answer: the rest says why not.
const REFUSED: u8 = 1;

impl Linked {
    pub(super) fn uses_wasi(&self) -> bool {
        self.uses_wasi
    }

    pub(super) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            initialize.call_async(&mut *store, ()).await?;
        }
        let memory = instance.get_memory(&mut *store, "memory").ok_or_else(|| wasmtime::Error::msg("its export `memory` is no memory"))?;
        let alloc = instance.get_typed_func(&mut *store, "vw_alloc")?;
        let free = instance.get_typed_func(&mut *store, "vw_free")?;
        Ok(Instance { instance, memory, alloc, free })
    }
}

impl Instance {
    pub(super) async fn call(&self, store: &mut Store<CallState>, request: Request<'_>, output_cap: usize) -> wasmtime::Result<Reply> {
        match request {
            Request::Schedule(document) => self.exchange(store, "vw_schedule", document, output_cap).await,
            Request::Review(document) => self.exchange(store, "vw_review", document, output_cap).await,
            Request::Query(document) => self.exchange(store, "vw_query", document, output_cap).await,
            Request::RenderRoles(document) => self.exchange(store, "vw_render_roles", document, output_cap).await,
            Request::Apply(name, args) => {
                // The arguments are JSON already: only the name needs quoting.
                let document = format!("{{\"name\":{},\"args\":{args}}}", json!(name));
                self.exchange(store, "vw_apply", &document, output_cap).await
            }
            Request::Filters => self.exchange(store, "vw_filters", "", output_cap).await,
            Request::Describe if !self.exports(store, "vw_describe") => Ok(Reply::Absent),
            Request::Describe => self.exchange(store, "vw_describe", "", output_cap).await,
            Request::CheckConfig(_) if !self.exports(store, "vw_check_config") => Ok(Reply::Absent),
            Request::CheckConfig(config) => self.exchange(store, "vw_check_config", config, output_cap).await,
        }
    }

    fn exports(&self, store: &mut Store<CallState>, name: &str) -> bool {
        self.instance.get_func(store, name).is_some()
    }

    async fn exchange(&self, store: &mut Store<CallState>, name: &str, input: &str, output_cap: usize) -> wasmtime::Result<Reply> {
        let function: TypedFunc<(u32, u32), u64> = self.instance.get_typed_func(&mut *store, name)?;
        let len = u32::try_from(input.len()).map_err(|_| wasmtime::Error::new(Stop::Bounds))?;
        let ptr = self.alloc.call_async(&mut *store, len).await?;
        memory::write(self.memory.data_mut(&mut *store), ptr, input.as_bytes()).map_err(wasmtime::Error::new)?;
        let answer = Answer::unpack(function.call_async(&mut *store, (ptr, len)).await?);
        let reply = self.copy_out(store, answer, output_cap)?;
        self.free.call_async(&mut *store, (ptr, len)).await?;
        self.free.call_async(&mut *store, (answer.ptr, answer.len)).await?;
        Ok(reply)
    }

    fn copy_out(&self, store: &mut Store<CallState>, answer: Answer, output_cap: usize) -> wasmtime::Result<Reply> {
        if answer.len as usize > output_cap {
            return Err(wasmtime::Error::new(Stop::Output { bytes: answer.len }));
        }
        let bytes = memory::read(self.memory.data(&*store), answer.ptr, answer.len).map_err(wasmtime::Error::new)?;
        match bytes.split_first() {
            Some((&DONE, rest)) => Ok(Reply::Done(rest.to_vec())),
            Some((&REFUSED, rest)) => Ok(Reply::Refused(String::from_utf8_lossy(rest).into_owned())),
            Some((&other, _)) => Err(wasmtime::Error::new(Stop::Tag(other))),
            None => Err(wasmtime::Error::new(Stop::Empty)),
        }
    }
}
