//! The component ABI: interfaces of `verwalter:plugin@1`, text in and out.

use verwalter_core::ports::Kind;
use wasmtime::component::types::{ComponentItem, Type};
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
    render_roles: Option<ComponentExportIndex>,
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
    check_functions(component, &interface, kind)?;
    let function = match kind {
        Kind::Scheduler => "schedule",
        Kind::Policy => "review",
        Kind::Filter => "apply",
        Kind::Query => "query",
    };
    let exports = Exports {
        main: inside(function).expect("it was found above"),
        filters: inside("filters"),
        render_roles: inside("render-roles"),
        describe: component.get_export_index(None, "describe"),
        check_config: component.get_export_index(None, "check-config"),
    };
    Ok(Linked { pre, exports })
}

/// A wrong signature must not first show in a round: a build that has one takes nobody's place.
fn check_functions(component: &Component, interface: &ComponentExportIndex, kind: Kind) -> wasmtime::Result<()> {
    const EXCHANGE: (&[&str], &str) = (&["string"], "result<string, string>");
    const CHECK: (&[&str], &str) = (&["string"], "result<_, string>");
    let functions: &[(&str, (&[&str], &str))] = match kind {
        Kind::Scheduler => &[("schedule", EXCHANGE)],
        Kind::Policy => &[("review", EXCHANGE)],
        Kind::Filter => &[("filters", (&[], "list<string>")), ("apply", (&["string", "string"], EXCHANGE.1))],
        Kind::Query => &[("query", EXCHANGE), ("render-roles", EXCHANGE)],
    };
    let inside = functions.iter().map(|(name, form)| (Some(interface), *name, form, true));
    let outside = [("describe", (&[][..], "string")), ("check-config", CHECK)];
    for (instance, name, form, needed) in inside.chain(outside.iter().map(|(name, form)| (None, *name, form, false))) {
        let found = match component.get_export(instance, name) {
            Some((export, _)) => written(&export),
            None if needed => "not there".to_owned(),
            None => continue,
        };
        let expected = format!("func({}) -> {}", form.0.join(", "), form.1);
        if found != expected {
            return Err(wasmtime::Error::msg(format!("its function `{name}` must be {expected}, it is {found}")));
        }
    }
    Ok(())
}

fn written(export: &ComponentItem) -> String {
    let ComponentItem::ComponentFunc(function) = export else { return "no function".to_owned() };
    let params: Vec<String> = function.params().map(|(_, ty)| type_name(&ty)).collect();
    let results: Vec<String> = function.results().map(|ty| type_name(&ty)).collect();
    format!("func({}) -> {}", params.join(", "), results.join(", "))
}

fn type_name(ty: &Type) -> String {
    let name = |ty: Option<Type>| ty.map_or("_".to_owned(), |ty| type_name(&ty));
    match ty {
        Type::String => "string".to_owned(),
        Type::List(list) if list.ty() == Type::String => "list<string>".to_owned(),
        // The contract has none within another: a plugin's own nesting is not followed.
        Type::Result(result) if [result.ok(), result.err()].iter().flatten().all(|ty| *ty == Type::String) => {
            format!("result<{}, {}>", name(result.ok()), name(result.err()))
        }
        _ => "another type".to_owned(),
    }
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
            Request::Schedule(document) | Request::Review(document) | Request::Query(document) => {
                self.exchange(store, &self.exports.main, document).await
            }
            Request::RenderRoles(document) => {
                let Some(render_roles) = &self.exports.render_roles else { return Ok(Reply::Absent) };
                self.exchange(store, render_roles, document).await
            }
            Request::Apply(name, args) => {
                let function: TypedFunc<(&str, &str), TextResult> = self.instance.get_typed_func(&mut *store, self.exports.main)?;
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

    async fn exchange(&self, store: &mut Store<CallState>, function: &ComponentExportIndex, document: &str) -> wasmtime::Result<Reply> {
        let function: TypedFunc<(&str,), TextResult> = self.instance.get_typed_func(&mut *store, function)?;
        function.call_async(store, (document,)).await.map(text_reply)
    }
}

fn text_reply((result,): TextResult) -> Reply {
    match result {
        Ok(text) => Reply::Done(text.into_bytes()),
        Err(reason) => Reply::Refused(reason),
    }
}
