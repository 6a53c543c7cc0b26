//! A plugin's manifest, `plugins/NAME.yaml`: what the operator says about the plugin beside it. It never reads the plugin itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use verwalter_core::contract::InputMode;
use verwalter_core::digest::Digest;
use verwalter_core::guard::{Guards, Share};
use verwalter_core::metrics::MetricRule;
use verwalter_core::ports::Kind;

use super::limits::{Limit, Limits, spec};
use super::rules::{self, RawRule};
use crate::config::data::DataMap;
use crate::config::file::{self, FileError};
use crate::config::mistakes::Mistakes;
use crate::config::units::{ByteSize, Count, TimeSpan};
use crate::config::yaml::{self, MAX_SETTINGS_BYTES, Tags};

/// What the operator says about a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What it is for.
    pub kind: Kind,
    /// Whether it runs and whether that has consequences.
    pub mode: Mode,
    /// The only build that may be activated; `None`: any.
    pub digest: Option<Digest>,
    /// How it wants its input; `None`: what the plugin itself states, else as a document.
    pub input: Option<InputMode>,
    /// What is handed to the plugin as its configuration: an object.
    pub config: Value,
    /// What a call may use.
    pub limits: Limits,
    /// What it sees of the machines, by the name under which it does; `None`: what the plugin itself states.
    pub metrics: Option<BTreeMap<String, MetricRule>>,
    /// What becomes of a call that failed; `None`: the kind's default.
    pub on_failure: Option<OnFailure>,
    /// A policy's place among the others: lower ones review first, those with the same number by name.
    pub order: i32,
    /// What a scheduler's decisions must not do; of a query plugin, whether it may leave a node without roles.
    pub guards: Guards,
}

/// Whether a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It runs, and what it answers counts.
    #[default]
    Active,
    /// It runs on the same input; its answer is only compared.
    Shadow,
    /// It is listed and inspected.
    Off,
}

/// What becomes of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// A scheduler's: the last schedule stays.
    Keep,
    /// A policy's: as if it had denied.
    Deny,
    /// A policy's: as if it had allowed.
    Allow,
    /// A filter's: the role is not rendered.
    Fail,
}

impl OnFailure {
    /// What a plugin of this kind may ask for; the first is its default. A query's caller gets the error: there is nothing to choose.
    pub fn choices(kind: Kind) -> &'static [OnFailure] {
        match kind {
            Kind::Scheduler => &[OnFailure::Keep],
            Kind::Policy => &[OnFailure::Deny, OnFailure::Allow],
            Kind::Filter => &[OnFailure::Fail],
            Kind::Query => &[],
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnFailure::Keep => "keep",
            OnFailure::Deny => "deny",
            OnFailure::Allow => "allow",
            OnFailure::Fail => "fail",
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawManifest {
    kind: Kind,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    digest: Option<Digest>,
    #[serde(default)]
    input: Option<RawInput>,
    #[serde(default)]
    config: Option<DataMap>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    metrics: Option<BTreeMap<String, RawRule>>,
    #[serde(default)]
    on_failure: Option<OnFailure>,
    #[serde(default)]
    order: Option<i32>,
    #[serde(default)]
    guards: Option<RawGuards>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawGuards {
    #[serde(default)]
    allow_empty: Option<bool>,
    #[serde(default)]
    max_moved: Option<Share>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawInput {
    Document,
    Columns,
}

impl From<RawInput> for InputMode {
    fn from(raw: RawInput) -> InputMode {
        match raw {
            RawInput::Document => InputMode::Document,
            RawInput::Columns => InputMode::Columns,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawLimits {
    fuel: Option<Count>,
    time: Option<TimeSpan>,
    memory: Option<ByteSize>,
    table_elements: Option<Count>,
    input: Option<ByteSize>,
    output: Option<ByteSize>,
    log: Option<ByteSize>,
    json_depth: Option<Count>,
    json_values: Option<Count>,
    filters: Option<Count>,
    name_length: Option<ByteSize>,
    module: Option<ByteSize>,
    compile_time: Option<TimeSpan>,
    compile_memory: Option<ByteSize>,
}

impl Manifest {
    /// What holds without a word of the operator, for tools.
    pub fn plain(kind: Kind) -> Manifest {
        Manifest {
            kind,
            mode: Mode::Active,
            digest: None,
            input: None,
            config: Value::Object(serde_json::Map::new()),
            limits: Limits::of(kind),
            metrics: None,
            on_failure: None,
            order: 0,
            guards: Guards::default(),
        }
    }

    /// Reads the file at `path`: its first syntax or type error, or else all semantic errors.
    pub fn read(path: &Path) -> Result<Manifest, Vec<FileError>> {
        let text = file::read_text(path, MAX_SETTINGS_BYTES).map_err(|err| vec![err])?;
        Manifest::parse(path, &text)
    }

    /// Reads `text`, the content of the file at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Manifest, Vec<FileError>> {
        parse(path, text, None)
    }

    /// Reads the file at `path`, which is laid over this manifest: what it does not name stays as it is here.
    pub fn overlaid(&self, path: &Path) -> Result<Manifest, Vec<FileError>> {
        let text = file::read_text(path, MAX_SETTINGS_BYTES).map_err(|err| vec![err])?;
        parse(path, &text, Some(self))
    }
}

fn parse(path: &Path, text: &str, base: Option<&Manifest>) -> Result<Manifest, Vec<FileError>> {
    let raw: RawManifest = yaml::parse_yaml(path, text, Tags::Refused).map_err(|err| vec![err])?;
    let mut mistakes = Mistakes::new(path, text);
    let manifest = check(raw, base, &mut |keys, message| mistakes.add(keys, message));
    if mistakes.is_empty() { Ok(manifest) } else { Err(mistakes.into_errors()) }
}

fn check(raw: RawManifest, base: Option<&Manifest>, refuse: &mut dyn FnMut(&[&str], String)) -> Manifest {
    let kind = raw.kind;
    let plain = Manifest::plain(kind);
    let base = match base {
        Some(base) if base.kind != kind => {
            refuse(&["kind"], format!("the manifest that this one is laid over is a {}'s", base.kind));
            &plain
        }
        Some(base) => base,
        None => &plain,
    };
    let reads_snapshot = matches!(kind, Kind::Scheduler | Kind::Policy);
    if raw.input.is_some() && !reads_snapshot {
        refuse(&["input"], format!("a {kind} plugin is not given a snapshot: remove the key"));
    }
    if raw.metrics.is_some() && !reads_snapshot {
        refuse(&["metrics"], format!("a {kind} plugin is not given metrics: remove the key"));
    }
    if let Some(wanted) = raw.on_failure.filter(|wanted| !OnFailure::choices(kind).contains(wanted)) {
        let choices: Vec<_> = OnFailure::choices(kind).iter().map(|choice| format!("`{choice}`")).collect();
        let remedy = if choices.is_empty() { "remove the key".to_owned() } else { format!("write {}", choices.join(" or ")) };
        refuse(&["on-failure"], format!("`{wanted}` is not possible for a {kind} plugin: {remedy}"));
    }
    if raw.order.is_some() && kind != Kind::Policy {
        refuse(&["order"], format!("a {kind} plugin is not one of several in a row: remove the key"));
    }
    if raw.guards.is_some() && !matches!(kind, Kind::Scheduler | Kind::Query) {
        refuse(&["guards"], format!("a {kind} plugin decides nothing that could be guarded: remove the key"));
    }
    if kind == Kind::Query && raw.guards.as_ref().is_some_and(|guards| guards.max_moved.is_some()) {
        refuse(&["guards", "max-moved"], format!("a {kind} plugin moves nothing: remove the key"));
    }
    if raw.mode == Mode::Shadow && !reads_snapshot {
        refuse(&["mode"], format!("a {kind} plugin has nobody to be compared with: write `active` or `off`"));
    }
    let guards = raw.guards.map_or(base.guards, |raw| {
        let usual = base.guards;
        Guards { allow_empty: raw.allow_empty.unwrap_or(usual.allow_empty), max_moved: raw.max_moved.unwrap_or(usual.max_moved) }
    });
    Manifest {
        order: raw.order.unwrap_or(base.order),
        guards,
        kind,
        mode: raw.mode,
        digest: raw.digest.or(base.digest),
        input: raw.input.map(InputMode::from).or(base.input),
        config: raw.config.map_or_else(|| base.config.clone(), |config| Value::Object(config.0)),
        limits: check_limits(base.limits, &raw.limits, refuse),
        metrics: raw.metrics.map(|rules| rules::check(rules, refuse)).or_else(|| base.metrics.clone()),
        on_failure: raw.on_failure.or(base.on_failure),
    }
}

fn check_limits(base: Limits, raw: &RawLimits, refuse: &mut dyn FnMut(&[&str], String)) -> Limits {
    let mut limits = base;
    let millis = |time: TimeSpan| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX);
    let written = [
        (Limit::Fuel, raw.fuel.map(|count| count.0)),
        (Limit::Time, raw.time.map(millis)),
        (Limit::Memory, raw.memory.map(ByteSize::bytes)),
        (Limit::TableElements, raw.table_elements.map(|count| count.0)),
        (Limit::Input, raw.input.map(ByteSize::bytes)),
        (Limit::Output, raw.output.map(ByteSize::bytes)),
        (Limit::Log, raw.log.map(ByteSize::bytes)),
        (Limit::JsonDepth, raw.json_depth.map(|count| count.0)),
        (Limit::JsonValues, raw.json_values.map(|count| count.0)),
        (Limit::Filters, raw.filters.map(|count| count.0)),
        (Limit::NameLength, raw.name_length.map(ByteSize::bytes)),
        (Limit::Module, raw.module.map(ByteSize::bytes)),
        (Limit::CompileTime, raw.compile_time.map(millis)),
        (Limit::CompileMemory, raw.compile_memory.map(ByteSize::bytes)),
    ];
    for (limit, value) in written {
        let Some(value) = value else { continue };
        if let Err(err) = limits.set(limit, value) {
            refuse(&["limits", spec(limit).key], err.to_string());
        }
    }
    limits
}

#[cfg(test)]
mod tests;
