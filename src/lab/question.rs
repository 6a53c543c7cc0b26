//! What is asked of a plugin, and the document that the host would hand over for it. It asks nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use verwalter_core::contract::{
    QueryInput, Reads, RolesInput, SnapshotView, document, query_document, review_document, roles_document, whole_document,
};
use verwalter_core::metrics::MetricRule;
use verwalter_core::ports::{Kind, Plugin};

use super::input::{self, Asked, Flaw, Proposed, Rendered, Scene};
use crate::plugin::Loaded;

/// One thing to ask.
#[derive(Debug, Clone)]
pub enum Question {
    /// A scheduler: decide.
    Schedule(Box<Scene>),
    /// A policy: judge.
    Review(Box<Proposed>),
    /// A query plugin: answer.
    Query(Box<Asked>),
    /// A query plugin: choose a node's roles.
    RenderRoles(Box<Rendered>),
    /// A filter.
    Apply(Call),
    /// Any plugin: judge this configuration, JSON text.
    CheckConfig(String),
}

/// A filter with its arguments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which.
    pub name: String,
    /// By position; named ones as one object at the end.
    pub args: Vec<Value>,
}

impl Question {
    /// Reads a case's input for a plugin of this kind.
    pub fn read(kind: Kind, text: &str) -> Result<Question, Flaw> {
        Ok(match kind {
            Kind::Scheduler => Question::Schedule(Scene::read(text)?.into()),
            Kind::Policy => Question::Review(Proposed::read(text)?.into()),
            Kind::Filter => Question::Apply(input::read(text)?),
            Kind::Query if input::read::<Value>(text)?.get("path").is_some() => Question::Query(Asked::read(text)?.into()),
            Kind::Query => Question::RenderRoles(Rendered::read(text)?.into()),
        })
    }

    /// Reads a case's configuration.
    pub fn check_config(text: &str) -> Result<Question, Flaw> {
        input::read::<Value>(text)?;
        Ok(Question::CheckConfig(text.trim().to_owned()))
    }
}

/// Which function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Function {
    /// `schedule`.
    Schedule,
    /// `review`.
    Review,
    /// `query`.
    Query,
    /// `render-roles`.
    RenderRoles,
    /// A filter by its name.
    Apply(String),
    /// `check-config`.
    CheckConfig,
}

/// A question as it is handed over.
#[derive(Debug, Clone)]
pub struct Posed {
    /// To which function.
    pub function: Function,
    /// The document, the arguments or the configuration: JSON text.
    pub text: String,
    /// What the plugin is told.
    pub reads: Reads,
    /// What it reads through the snapshot.
    pub view: Arc<SnapshotView>,
}

impl Posed {
    /// The whole input as a case has it, with what the plugin reads through the snapshot.
    pub fn as_input(&self) -> String {
        match &self.function {
            Function::Schedule | Function::Review => whole_document(&self.text, &self.reads, &self.view),
            Function::Apply(name) => format!("{{\"name\":{},\"args\":{}}}", Value::from(name.as_str()), self.text),
            Function::Query | Function::RenderRoles | Function::CheckConfig => self.text.clone(),
        }
    }
}

/// Puts a question into the form that this plugin is told it in: what it does not read is left out.
pub fn pose(plugin: &Loaded, question: &Question) -> Posed {
    let posed = |function, text| Posed { function, text, reads: plugin.reads().clone(), view: Arc::default() };
    match question {
        Question::Schedule(scene) => {
            let (reads, view) = sight(plugin, scene);
            let config = scene.config.as_deref().unwrap_or_else(|| plugin.config());
            Posed { function: Function::Schedule, text: document(&scene.known.input(config), &reads, &view), reads, view }
        }
        Question::Review(proposed) => {
            let (reads, view) = sight(plugin, &proposed.scene);
            let config = proposed.scene.config.as_deref().unwrap_or_else(|| plugin.config());
            let input = proposed.scene.known.review_input(config, &proposed.schedule, &proposed.diff);
            Posed { function: Function::Review, text: review_document(&input, &reads, &view), reads, view }
        }
        Question::Query(asked) => posed(Function::Query, query_text(plugin, asked)),
        Question::RenderRoles(rendered) => posed(Function::RenderRoles, roles_text(plugin, rendered)),
        Question::Apply(call) => posed(Function::Apply(call.name.clone()), Value::from(call.args.clone()).to_string()),
        Question::CheckConfig(config) => posed(Function::CheckConfig, config.clone()),
    }
}

/// A case has the columns that stand in it, whatever the manifest declares.
fn sight(plugin: &Loaded, scene: &Scene) -> (Reads, Arc<SnapshotView>) {
    let Reads { mode, keys, .. } = plugin.reads().clone();
    let metrics: BTreeMap<String, MetricRule> = scene.metrics.clone();
    let reads = Reads { mode, keys, metrics };
    let view = SnapshotView::new(scene.known.snapshot.clone(), &reads, &scene.known.parents);
    (reads, Arc::new(view))
}

fn query_text(plugin: &Loaded, asked: &Asked) -> String {
    query_document(&QueryInput {
        now: asked.now,
        path: &asked.path,
        method: &asked.method,
        query: &asked.query,
        body: asked.body.as_ref(),
        hostname: &asked.hostname,
        config: asked.config.as_deref().unwrap_or_else(|| plugin.config()),
        schedule: asked.schedule.as_ref().map(|(schedule, since)| (schedule, *since)),
    })
}

fn roles_text(plugin: &Loaded, rendered: &Rendered) -> String {
    roles_document(&RolesInput {
        now: rendered.now,
        hostname: &rendered.hostname,
        config: rendered.config.as_deref().unwrap_or_else(|| plugin.config()),
        schedule: &rendered.schedule,
        previous: rendered.previous.as_ref(),
        machine: &rendered.machine,
    })
}
