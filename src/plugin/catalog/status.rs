//! What an operator reads of one plugin. It holds no plugin.

use std::collections::BTreeMap;

use serde::Serialize;
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use crate::plugin::inspect::Abi;
use crate::plugin::manifest::Mode;
use crate::plugin::pipeline::{Step, StepReport};

/// What an operator reads of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginStatus {
    /// The stem of its files.
    pub name: PluginName,
    /// What the manifest says it is for.
    pub kind: Option<Kind>,
    /// What the manifest says of its effect.
    pub mode: Option<Mode>,
    /// Whether it takes part.
    pub state: PluginState,
    /// The build in force.
    pub digest: Option<Digest>,
    /// Its number among the plugin's builds.
    pub generation: Option<u64>,
    /// Since when.
    pub activated_at: Option<UnixMillis>,
    /// How often a build of it was activated since the daemon started.
    pub activations: u64,
    /// The build's ABI.
    pub abi: Option<Abi>,
    /// The build's size in bytes.
    pub size_bytes: Option<u64>,
    /// What it asks of the host.
    pub imports: Vec<String>,
    /// The helpers that it offers to templates.
    pub filters: Vec<String>,
    /// The limits in force, as they are written in a manifest.
    pub limits: BTreeMap<&'static str, String>,
    /// Why the newest file is not in force.
    pub error: Option<ActivationError>,
    /// The steps that the newest attempt took, the last of them the one that failed.
    pub steps: Vec<StepReport>,
}

/// Whether a plugin takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// Its newest file is in force.
    Active,
    /// It runs beside the active ones; what it answers is only compared.
    Shadow,
    /// A former build is in force; `error` says why not the newest, which may be because that is still compiled.
    Kept,
    /// Its build was set aside and there is no other; `error` says why.
    Quarantined,
    /// It is being compiled for the first time, or waits for a compiler; nothing of it is in force yet.
    Pending,
    /// None of its builds is in force; `error` says why.
    Failed,
    /// Its manifest says so, or there is none.
    Off,
}

/// Where an activation stopped. What was in force before still is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct ActivationError {
    /// The step that failed.
    pub step: Step,
    /// The file's digest, when it could be read.
    pub digest: Option<Digest>,
    /// What is wrong and what to do about it.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}
