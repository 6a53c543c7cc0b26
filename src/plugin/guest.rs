//! A linked plugin and its instances, whichever ABI it speaks. Calls here are futures that [`call::drive`](super::call::drive) polls.

mod component;
mod module;

use verwalter_core::ports::Kind;
use wasmtime::{Engine, Store};

use super::cache::Artefact;
use super::store::CallState;

/// One of a plugin's functions, with its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// Decide on a document.
    Schedule(&'a str),
    /// List the filters' names.
    Filters,
    /// Run a filter by name on JSON arguments.
    Apply(&'a str, &'a str),
    /// Say what it is. Optional.
    Describe,
    /// Judge a configuration, JSON text. Optional.
    CheckConfig(&'a str),
}

/// What a guest answered: bytes under the output cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It worked.
    Done(Vec<u8>),
    /// It says why not.
    Refused(String),
    /// It has no such function.
    Absent,
}

/// A plugin ready to be instantiated: what is costly was done once.
pub(super) enum Guest {
    Component(component::Linked),
    Module(module::Linked),
}

/// An instance. It lives as long as its store.
pub(super) enum Instance {
    Component(component::Instance),
    Module(module::Instance),
}

/// Binds compiled code to the host's imports.
pub(super) fn link(engine: &Engine, artefact: Artefact, kind: Kind) -> wasmtime::Result<Guest> {
    Ok(match artefact {
        Artefact::Component(component) => Guest::Component(component::link(engine, &component, kind)?),
        Artefact::Module(module) => Guest::Module(module::link(engine, &module, kind)?),
    })
}

impl Guest {
    /// A fresh instance in `store`; runs the guest's own start code.
    pub(super) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        Ok(match self {
            Guest::Component(linked) => Instance::Component(linked.instantiate(store).await?),
            Guest::Module(linked) => Instance::Module(linked.instantiate(store).await?),
        })
    }
}

impl Instance {
    /// One call. After an error the instance must not be used again.
    pub(super) async fn call(&self, store: &mut Store<CallState>, request: Request<'_>, output_cap: usize) -> wasmtime::Result<Reply> {
        match self {
            Instance::Component(instance) => instance.call(store, request).await,
            Instance::Module(instance) => instance.call(store, request, output_cap).await,
        }
    }
}
