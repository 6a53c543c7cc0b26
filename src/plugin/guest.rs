//! A linked plugin and its instances, whichever ABI it speaks, the predecessor's too. Calls here are futures that [`call::drive`](super::call::drive) polls.

mod component;
pub(super) mod module;
pub(super) mod predecessor;

use verwalter_core::contract::InputMode;
use verwalter_core::ports::Kind;
use wasmtime::{Engine, Store};

use super::cache::Artefact;
use super::inspect::Abi;
use super::store::CallState;
use super::wasi::seed::Seed;

/// One of a plugin's functions, with its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// Decide on a document.
    Schedule(&'a str),
    /// Judge a schedule, by a document.
    Review(&'a str),
    /// Answer a question, by a document.
    Query(&'a str),
    /// Say which roles a node renders, by a document.
    RenderRoles(&'a str),
    /// List the filters' names.
    Filters,
    /// Run a filter by name on JSON arguments.
    Apply(&'a str, &'a str),
    /// Say what it is. Optional.
    Describe,
    /// Judge a configuration, JSON text. Optional.
    CheckConfig(&'a str),
}

impl<'a> Request<'a> {
    /// What it is called in logs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Request::Schedule(_) => "schedule",
            Request::Review(_) => "review",
            Request::Query(_) => "query",
            Request::RenderRoles(_) => "render-roles",
            Request::Filters => "filters",
            Request::Apply(..) => "apply",
            Request::Describe => "describe",
            Request::CheckConfig(_) => "check-config",
        }
    }

    /// The document that it hands over, which counts against the input limit.
    pub(super) fn document(&self) -> Option<&'a str> {
        match *self {
            Request::Schedule(document) | Request::Review(document) | Request::Query(document) | Request::RenderRoles(document) => {
                Some(document)
            }
            Request::Apply(..) | Request::Filters | Request::Describe | Request::CheckConfig(_) => None,
        }
    }
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
    Predecessor(predecessor::Linked),
}

/// An instance. It lives as long as its store.
pub(super) enum Instance {
    Component(component::Instance),
    Module(module::Instance),
    Predecessor(predecessor::Instance),
}

/// Binds compiled code to the host's imports.
pub(super) fn link(engine: &Engine, artefact: Artefact, abi: Abi, kind: Kind) -> wasmtime::Result<Guest> {
    Ok(match artefact {
        Artefact::Component(component) => Guest::Component(component::link(engine, &component, kind)?),
        Artefact::Module(module) if abi == Abi::Predecessor => Guest::Predecessor(predecessor::link(engine, &module, kind)?),
        Artefact::Module(module) => Guest::Module(module::link(engine, &module, kind)?),
    })
}

impl Guest {
    /// What this call's clock and randomness begin with. Only guests that ask for either have the document read for it.
    pub(super) fn seed(&self, request: Request<'_>) -> Seed {
        let asks = match self {
            Guest::Component(_) => false,
            Guest::Module(linked) => linked.uses_wasi(),
            Guest::Predecessor(linked) => linked.uses_wasi(),
        };
        match request {
            Request::Schedule(document) | Request::Review(document) | Request::Query(document) | Request::RenderRoles(document) if asks => {
                Seed::of(document)
            }
            _ => Seed::FIXED,
        }
    }

    /// Whether it takes metrics that nobody declared. The predecessor sent none: its modules may take any for an error.
    pub(super) fn expects_metrics(&self) -> bool {
        !matches!(self, Guest::Predecessor(_))
    }

    /// Refuses a mode that its ABI does not have.
    pub(super) fn check_mode(&self, mode: Option<InputMode>) -> Result<(), String> {
        if matches!(self, Guest::Predecessor(_)) && mode == Some(InputMode::Columns) {
            return Err("a module of verwalter 0.13 reads its document only: remove `input: columns` from its manifest".to_owned());
        }
        Ok(())
    }

    /// A fresh instance in `store`; runs the guest's own start code.
    pub(super) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Instance> {
        Ok(match self {
            Guest::Component(linked) => Instance::Component(linked.instantiate(store).await?),
            Guest::Module(linked) => Instance::Module(linked.instantiate(store).await?),
            Guest::Predecessor(linked) => Instance::Predecessor(linked.instantiate(store).await?),
        })
    }
}

impl Instance {
    /// One call. After an error the instance must not be used again.
    pub(super) async fn call(&self, store: &mut Store<CallState>, request: Request<'_>, output_cap: usize) -> wasmtime::Result<Reply> {
        match self {
            Instance::Component(instance) => instance.call(store, request).await,
            Instance::Module(instance) => instance.call(store, request, output_cap).await,
            Instance::Predecessor(instance) => instance.call(store, request, output_cap).await,
        }
    }
}
