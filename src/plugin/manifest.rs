//! A plugin's manifest, `plugins/NAME.yaml`: what the operator says about the plugin beside it. It never reads the plugin itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use verwalter_core::contract::InputMode;
use verwalter_core::digest::Digest;
use verwalter_core::guard::{Guards, Share};
use verwalter_core::metrics::{Combine, MetricRule, Take};
use verwalter_core::ports::Kind;

use super::limits::{Limit, Limits, spec};
use crate::config::data::DataMap;
use crate::config::file::{self, FileError};
use crate::config::units::{ByteSize, Count, TimeSpan};
use crate::config::yaml::{self, MAX_SETTINGS_BYTES, Tags};

/// Metrics of one plugin: each is a column of numbers that is kept for every peer.
const MAX_METRICS: usize = 256;
/// Longest name of a metric as the plugin sees it, in bytes.
const MAX_ALIAS: usize = 64;
/// How far back samples count unless the manifest says otherwise: a few samples more than noise needs.
const DEFAULT_WINDOW: Duration = Duration::from_secs(30);
/// Shortest window: half a step of the agent.
const MIN_WINDOW: Duration = Duration::from_secs(1);
/// Longest window: the agent keeps one hour of history.
const MAX_WINDOW: Duration = Duration::from_secs(3600);

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
    /// What a scheduler's decisions must not do.
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRule {
    metric: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    take: RawTake,
    #[serde(default)]
    window: Option<TimeSpan>,
    #[serde(default)]
    combine: RawCombine,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawTake {
    #[default]
    Last,
    Rate,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawCombine {
    #[default]
    Sum,
    Avg,
    Min,
    Max,
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
    let mut errors = Vec::new();
    let manifest = check(raw, base, &mut |keys, message| {
        errors.push(FileError::new(path, message).at_key(keys.join(".")).at_position(yaml::locate(text, keys)));
    });
    if errors.is_empty() { Ok(manifest) } else { Err(errors) }
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
    if raw.guards.is_some() && kind != Kind::Scheduler {
        refuse(&["guards"], format!("a {kind} plugin decides nothing that could be guarded: remove the key"));
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
        metrics: raw.metrics.map(|rules| check_metrics(rules, refuse)).or_else(|| base.metrics.clone()),
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

fn check_metrics(raw: BTreeMap<String, RawRule>, refuse: &mut dyn FnMut(&[&str], String)) -> BTreeMap<String, MetricRule> {
    if raw.len() > MAX_METRICS {
        refuse(&["metrics"], format!("has {} entries: at most {MAX_METRICS} are possible", raw.len()));
        // Each further mistake would cost a search through the whole file.
        return BTreeMap::new();
    }
    let mut rules = BTreeMap::new();
    for (alias, rule) in raw {
        if !is_alias(&alias) {
            refuse(&["metrics", &alias], format!("a metric's name must be `[a-z_][a-z0-9_.]*`, at most {MAX_ALIAS} characters"));
        }
        for reserved in ["metric", "group"].into_iter().filter(|key| rule.labels.contains_key(*key)) {
            refuse(&["metrics", &alias, "labels", reserved], format!("write `{reserved}: …` beside `labels`, not in it"));
        }
        let window = rule.window.map_or(DEFAULT_WINDOW, |window| window.0);
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&window) {
            let range = format!("{} to {}", TimeSpan(MIN_WINDOW), TimeSpan(MAX_WINDOW));
            refuse(&["metrics", &alias, "window"], format!("{} is out of range: write {range}", TimeSpan(window)));
        }
        let mut labels = rule.labels;
        labels.insert("metric".to_owned(), rule.metric);
        labels.extend(rule.group.map(|group| ("group".to_owned(), group)));
        let take = match rule.take {
            RawTake::Last => Take::Last,
            RawTake::Rate => Take::Rate,
            RawTake::Avg => Take::Avg,
            RawTake::Min => Take::Min,
            RawTake::Max => Take::Max,
        };
        let combine = match rule.combine {
            RawCombine::Sum => Combine::Sum,
            RawCombine::Avg => Combine::Avg,
            RawCombine::Min => Combine::Min,
            RawCombine::Max => Combine::Max,
        };
        // Without meaning for the newest sample: one value for it lets equal rules share one column.
        let window = if take == Take::Last { Duration::ZERO } else { window };
        rules.insert(alias, MetricRule { labels, take, window, combine });
    }
    rules
}

fn is_alias(name: &str) -> bool {
    let begins = name.as_bytes().first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    begins && name.len() <= MAX_ALIAS && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'))
}

#[cfg(test)]
mod tests;
