//! The component ABI: interfaces of `verwalter:plugin@1`, text in and out.

use verwalter_core::ports::Kind;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use super::{Reply, Request};
use crate::plugin::imports;
use crate::plugin::inspect::INTERFACES;
use crate::plugin::store::CallState;

/// Where the functions are that the host calls; looked up once.
#[derive(Clone, Copy)]
struct Exports {
    /// `schedule`, `review`, `apply` or `query`.
    main: ComponentExportIndex,
    filters: Option<ComponentExportIndex>,
    describe: Option<ComponentExportIndex>,
    check_config: Option<ComponentExportIndex>,
}

pub(in crate::plugin) struct Linked {
    pre: InstancePre<CallState>,
    exports: Exports,
}

pub(in crate::plugin) struct Instance {
    instance: wasmtime::component::Instance,
    exports: Exports,
}

pub(super) fn link(engine: &Engine, component: &Component, kind: Kind) -> wasmtime::Result<Linked> {
    let mut linker = Linker::new(engine);
    imports::link_component(&mut linker)?;
    let pre = linker.instantiate_pre(component)?;
    let interface = INTERFACES.iter().find(|(of, _)| *of == kind).map(|(_, name)| *name).expect("every kind has its interface");
    let name = format!("verwalter:plugin/{interface}@1.0.0");
    let Some((_, interface)) = component.get_export(None, name.as_str()) else {
        return Err(wasmtime::Error::msg(format!("it does not export {name}, which a {kind} must")));
    };
    let inside = |function: &str| component.get_export_index(Some(&interface), function);
    let function = match kind {
        Kind::Scheduler => "schedule",
        Kind::Policy => "review",
        Kind::Filter => "apply",
        Kind::Query => "query",
    };
    let Some(main) = inside(function) else {
        return Err(wasmtime::Error::msg(format!("its interface {name} has no function `{function}`")));
    };
    let exports = Exports {
        main,
        filters: inside("filters"),
        describe: component.get_export_index(None, "describe"),
        check_config: component.get_export_index(None, "check-config"),
    };
    Ok(Linked { pre, exports })
}

impl Linked {
    pub(super) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        Ok(Instance { instance: self.pre.instantiate_async(store).await?, exports: self.exports })
    }
}

type TextResult = (Result<String, String>,);

impl Instance {
    pub(super) async fn call(&self, store: &mut Store<CallState>, request: Request<'_>) -> wasmtime::Result<Reply> {
        match request {
            Request::Schedule(document) => {
                let function: TypedFunc<(&str,), TextResult> = self.instance.get_typed_func(&mut *store, &self.exports.main)?;
                function.call_async(store, (document,)).await.map(text_reply)
            }
            Request::Apply(name, args) => {
                let function: TypedFunc<(&str, &str), TextResult> = self.instance.get_typed_func(&mut *store, &self.exports.main)?;
                function.call_async(store, (name, args)).await.map(text_reply)
            }
            Request::Filters => {
                let Some(filters) = &self.exports.filters else { return Ok(Reply::Absent) };
                let function: TypedFunc<(), (Vec<String>,)> = self.instance.get_typed_func(&mut *store, filters)?;
                let (names,) = function.call_async(store, ()).await?;
                Ok(Reply::Done(serde_json::to_vec(&names).expect("a list of texts is JSON")))
            }
            Request::Describe => {
                let Some(describe) = &self.exports.describe else { return Ok(Reply::Absent) };
                let function: TypedFunc<(), (String,)> = self.instance.get_typed_func(&mut *store, describe)?;
                let (text,) = function.call_async(store, ()).await?;
                Ok(Reply::Done(text.into_bytes()))
            }
            Request::CheckConfig(config) => {
                let Some(check) = &self.exports.check_config else { return Ok(Reply::Absent) };
                let function: TypedFunc<(&str,), (Result<(), String>,)> = self.instance.get_typed_func(&mut *store, check)?;
                let (verdict,) = function.call_async(store, (config,)).await?;
                Ok(verdict.map_or_else(Reply::Refused, |()| Reply::Done(Vec::new())))
            }
        }
    }
}

fn text_reply((result,): TextResult) -> Reply {
    match result {
        Ok(text) => Reply::Done(text.into_bytes()),
        Err(reason) => Reply::Refused(reason),
    }
}
