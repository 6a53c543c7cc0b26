//! What a catalog holds of a plugin after an activation. It activates nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::catalog::{Entry, PluginState, PluginStatus};
use super::inspect::{self, Inspection};
use super::limits::SPECS;
use super::loaded::Loaded;
use super::manifest::Mode;

/// Of a build that came into force.
pub(super) fn active_entry(loaded: Loaded, inspection: &Inspection, size: usize, now: UnixMillis) -> Entry {
    let status = PluginStatus {
        name: loaded.id.name.clone(),
        kind: Some(loaded.kind),
        mode: Some(loaded.mode),
        state: if loaded.mode == Mode::Shadow { PluginState::Shadow } else { PluginState::Active },
        digest: Some(loaded.id.digest),
        generation: None,
        activated_at: Some(now),
        activations: 1,
        abi: Some(inspection.abi),
        size_bytes: Some(size as u64),
        imports: inspection.imports.clone(),
        filters: loaded.filters.clone(),
        limits: SPECS.iter().map(|spec| (spec.key, loaded.limits.describe(spec.limit))).collect(),
        error: None,
        steps: Vec::new(),
    };
    Entry { status, loaded: Some(Arc::new(loaded)), fingerprint: None, awaited: false }
}

/// Of a plugin that takes no part; its bytes, when there are any, are inspected.
pub(super) fn off_entry(name: &PluginName, kind: Option<Kind>, wasm: Option<&[u8]>) -> Entry {
    let inspection = wasm.and_then(|wasm| inspect::inspect(wasm).ok());
    let status = PluginStatus {
        name: name.clone(),
        kind,
        mode: kind.map(|_| Mode::Off),
        state: PluginState::Off,
        digest: None,
        generation: None,
        activated_at: None,
        activations: 0,
        abi: inspection.as_ref().map(|inspection| inspection.abi),
        size_bytes: wasm.map(|wasm| wasm.len() as u64),
        imports: inspection.map(|inspection| inspection.imports).unwrap_or_default(),
        filters: Vec::new(),
        limits: BTreeMap::new(),
        error: None,
        steps: Vec::new(),
    };
    Entry { status, loaded: None, fingerprint: None, awaited: false }
}
