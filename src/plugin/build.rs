//! From a plugin's bytes and manifest to something that can be called: inspected, compiled, linked, asked what it is and whether its
//! configuration will do. Each step is traced; nothing here puts anything in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::contract::{Description, InputKey, InputMode, Reads};
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{Kind, PluginId};

use super::compilers::{Compilers, NotCompiled, Patience};
use super::file as plugin_file;
use super::guest::{self, Reply, Request};
use super::inspect::{self, Inspection};
use super::loaded::{Loaded, Runtime, shorten};
use super::manifest::{Manifest, OnFailure};
use super::meter::Meters;
use super::names::{self, RefuseFilter};
use super::pipeline::{Remedy, Step, Stopped, Trace};
use super::voice::Voices;
use crate::telemetry::chain;
use verwalter_collect as collect;
use verwalter_core::ports::BuildId;

/// A plugin's bytes and manifest, wherever they came from.
pub(super) struct Source {
    pub(super) wasm: Vec<u8>,
    pub(super) manifest: Manifest,
    pub(super) manifest_text: String,
}

impl Source {
    /// What tells it from another.
    pub(super) fn id(&self) -> BuildId {
        BuildId { wasm: Digest::of(&self.wasm), manifest: Digest::of(self.manifest_text.as_bytes()) }
    }
}

/// What builds are made with.
pub(super) struct Workshop {
    pub(super) runtime: Runtime,
    pub(super) compilers: Compilers,
    pub(super) meters: Arc<Meters>,
    pub(super) voices: Voices,
}

impl Workshop {
    /// Compiles what will most likely be built soon. Whatever goes wrong is told when it is.
    pub(super) fn prepare(&self, source: &Source) {
        let Source { wasm, manifest, .. } = source;
        if plugin_file::check_size(wasm.len() as u64, &manifest.limits).is_ok()
            && let Ok(inspection) = inspect_as(manifest.kind, wasm)
        {
            drop(self.compilers.cache().load(&self.runtime.engine, inspection.abi, Digest::of(wasm), wasm, &manifest.limits));
        }
    }

    /// From bytes to a plugin that can be called. `refuse` knows the names that filters may not have; what takes the compiler longer than
    /// `patience` stops there for now.
    pub(super) fn build(
        &self,
        name: &PluginName,
        source: &Source,
        refuse: RefuseFilter,
        patience: Patience,
        trace: &mut Trace,
    ) -> Result<(Loaded, Inspection), Stopped> {
        let Source { wasm, manifest, .. } = source;
        let kind = manifest.kind;
        let build = source.id();
        let engine = &self.runtime.engine;
        plugin_file::check_size(wasm.len() as u64, &manifest.limits).map_err(|reason| Stopped::at(Step::Read, reason))?;
        let inspection = trace.take(Step::Inspect, || inspect_as(kind, wasm))?;
        let artefact = trace.take(Step::Compile, || {
            let loaded = self.compilers.load(engine, inspection.abi, build.wasm, wasm, &manifest.limits, patience);
            loaded.map_err(|err| {
                let remedy = match &err {
                    NotCompiled::UnderWay | NotCompiled::Waits => Remedy::Time,
                    NotCompiled::Over(err) if err.is_transient() => Remedy::Try,
                    NotCompiled::Over(_) => Remedy::Files,
                };
                Stopped { step: Step::Compile, remedy, reason: chain(&err) }
            })
        })?;
        let linked = |err: wasmtime::Error| Stopped::at(Step::Link, format!("{err:#}"));
        let guest = trace.take(Step::Link, || guest::link(engine, artefact, inspection.abi, kind).map_err(linked))?;
        let mut loaded = Loaded {
            id: PluginId { name: name.clone(), digest: build.wasm },
            build,
            manifest_text: source.manifest_text.as_str().into(),
            kind,
            mode: manifest.mode,
            order: manifest.order,
            runtime: self.runtime.clone(),
            guest: guest.into(),
            limits: manifest.limits,
            reads: Reads { mode: InputMode::default(), keys: InputKey::ALL.to_vec(), metrics: BTreeMap::new() },
            config: manifest.config.to_string(),
            guards: manifest.guards,
            allows_on_failure: manifest.on_failure == Some(OnFailure::Allow),
            filters: Vec::new(),
            meter: self.meters.build(&PluginId { name: name.clone(), digest: build.wasm }),
            voice: self.voices.of(name),
        };
        trace.take(Step::Describe, || {
            loaded.reads = reads(&loaded, manifest)?;
            if kind == Kind::Filter {
                loaded.filters = filters(&loaded, refuse)?;
            }
            Ok(())
        })?;
        trace.take(Step::CheckConfig, || check_config(&loaded))?;
        Ok((loaded, inspection))
    }
}

fn inspect_as(kind: Kind, wasm: &[u8]) -> Result<Inspection, Stopped> {
    let inspection = inspect::inspect(wasm).map_err(|err| Stopped::at(Step::Inspect, err.to_string()))?;
    if !inspection.kinds.contains(&kind) {
        let found: Vec<String> = inspection.kinds.iter().map(ToString::to_string).collect();
        let reason = format!("the manifest says `kind: {kind}`, but what it exports makes it a {}", found.join(", "));
        return Err(Stopped::at(Step::Inspect, reason));
    }
    Ok(inspection)
}

/// What the plugin states of itself, under what the manifest says.
fn reads(loaded: &Loaded, manifest: &Manifest) -> Result<Reads, Stopped> {
    let stop = |reason: String| Stopped::at(Step::Describe, reason);
    let finished = loaded.call_once(Request::Describe, None).map_err(|failure| Stopped::call(Step::Describe, failure))?;
    let description: Option<Description> = match finished.reply {
        Reply::Done(bytes) => {
            let read = serde_json::from_slice(&bytes);
            Some(read.map_err(|err| stop(shorten(&format!("what it answers to `describe` is no description: {err}"))))?)
        }
        Reply::Refused(reason) => return Err(stop(shorten(&reason))),
        Reply::Absent => None,
    };
    if let Some(stated) = description.as_ref().and_then(|d| d.kind).filter(|stated| *stated != manifest.kind) {
        return Err(stop(format!("it says it is a {stated}, the manifest says `kind: {}`", manifest.kind)));
    }
    loaded.guest.check_mode(manifest.input).map_err(&stop)?;
    let mode = manifest.input.or(description.as_ref().and_then(|d| d.input)).unwrap_or_default();
    let keys = description.and_then(|d| d.reads).unwrap_or_else(|| InputKey::ALL.to_vec());
    let metrics = match (&manifest.metrics, manifest.kind) {
        (Some(metrics), _) => metrics.clone(),
        (None, Kind::Scheduler | Kind::Policy) if loaded.guest.expects_metrics() => collect::default_metrics(),
        (None, _) => BTreeMap::new(),
    };
    Ok(Reads { mode, keys, metrics })
}

fn check_config(loaded: &Loaded) -> Result<(), Stopped> {
    let finished = loaded.call_once(Request::CheckConfig(&loaded.config), None);
    match finished.map_err(|failure| Stopped::call(Step::CheckConfig, failure))?.reply {
        Reply::Done(_) | Reply::Absent => Ok(()),
        Reply::Refused(reason) => Err(Stopped::at(Step::CheckConfig, format!("it refuses its configuration: {}", shorten(&reason)))),
    }
}

fn filters(loaded: &Loaded, refuse: RefuseFilter) -> Result<Vec<String>, Stopped> {
    let stop = |reason: String| Stopped::at(Step::Describe, reason);
    let finished = loaded.call_once(Request::Filters, None).map_err(|failure| Stopped::call(Step::Describe, failure))?;
    let names: Vec<String> = match finished.reply {
        Reply::Done(bytes) => {
            serde_json::from_slice(&bytes).map_err(|err| stop(shorten(&format!("its list of filters is no list of names: {err}"))))?
        }
        Reply::Refused(reason) => return Err(stop(shorten(&reason))),
        Reply::Absent => return Err(stop("it does not list its filters".to_owned())),
    };
    names::check(&names, loaded.limits(), refuse).map_err(|reason| stop(shorten(&reason)))?;
    Ok(names)
}
