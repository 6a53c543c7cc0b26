//! A template directory, parsed once and rendered many times. It reads files when it is loaded, never afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use handlebars::template::Parameter;
use handlebars::{Context, Handlebars, RenderErrorReason, Template};
use serde_json::{Map, Value};
use verwalter_apply::role::RenderedRole;
use verwalter_core::digest::Digest;
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::ports::FilterSession;
use verwalter_core::schedule::Schedule;

use super::budget::{Budget, CappedOutput};
use super::error::no_helper;
use super::file::{self, RenderFile};
use super::fill::{Filling, Rendered};
use super::source::{self, Source, Sources};
use super::strict::{self, Known};
use super::substitute::Values;
use super::{Fault, Problem, RenderError, RenderLimits, helpers, nesting, stack};
use crate::config::pace::PaceKeys;
use crate::config::secrets::Secrets;

/// The templates and render files of one `ROLE/VERSION`.
pub struct TemplateSet {
    reference: TemplateRef,
    registry: Handlebars<'static>,
    budget: Arc<Budget>,
    files: Vec<RenderFile>,
    digest: Digest,
    reads_schedule: bool,
    secrets: BTreeSet<String>,
}

/// What a render draws on beside the variables.
pub struct Supplies<'a> {
    /// The schedule in force, for templates that look up other nodes.
    pub schedule: &'a Schedule,
    /// What `secret` gives.
    pub secrets: &'a Arc<Secrets>,
    /// The filter plugins. Dropped at the end of the render.
    pub session: Box<dyn FilterSession>,
}

impl fmt::Debug for TemplateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSet").field("reference", &self.reference).field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl TemplateSet {
    /// Reads and parses everything in `dir/ROLE/VERSION`, where `dir` is the directory of all templates and `filters` are the names that
    /// filter plugins offer. Blocks on files. An error names every problem that was found.
    pub fn load(dir: &Path, reference: &TemplateRef, filters: &[String], limits: &RenderLimits) -> Result<TemplateSet, RenderError> {
        let unsound = |problems| RenderError::Unsound { template: reference.clone(), problems };
        let sources = source::read(dir, reference, limits).map_err(unsound)?;
        TemplateSet::of(&sources, reference, filters, limits)
    }

    /// [`TemplateSet::load`] of what was read before.
    pub(super) fn of(
        sources: &Sources,
        reference: &TemplateRef,
        filters: &[String],
        limits: &RenderLimits,
    ) -> Result<TemplateSet, RenderError> {
        let unsound = |problems| RenderError::Unsound { template: reference.clone(), problems };
        let (filters, refused): (Vec<String>, Vec<String>) = filters.iter().cloned().partition(|name| refuse_filter(name).is_none());
        let parsed = stack::run(|| {
            let mut problems = repeated(&filters);
            let parsed = parse_templates(sources, &filters, &refused, &mut problems);
            (parsed, parse_files(sources, &mut problems), problems)
        });
        let (Parsed { templates, reads_schedule, secrets }, files, mut problems) =
            parsed.map_err(|reason| RenderError::Broken { template: reference.clone(), reason })?;
        if !problems.is_empty() {
            problems.sort();
            return Err(unsound(problems));
        }
        let budget = Arc::new(Budget::new(limits.clone()));
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        registry.set_strict_mode(true);
        helpers::register(&mut registry, &budget, &filters);
        for (name, template) in templates {
            registry.register_template(&name, template);
        }
        Ok(TemplateSet { reference: reference.clone(), registry, budget, files, digest: sources.digest(), reads_schedule, secrets })
    }

    /// Over the names and bytes of everything that was read.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Which directory this is.
    pub fn reference(&self) -> &TemplateRef {
        &self.reference
    }

    /// Whether a template looks up what the schedule places elsewhere: its files then depend on the whole schedule.
    pub fn reads_schedule(&self) -> bool {
        self.reads_schedule
    }

    /// The names of the secrets that its templates print.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    pub(super) fn files(&self) -> &[RenderFile] {
        &self.files
    }

    /// How soon and how often the role is to be deployed: of several render files the largest of each.
    pub fn pace(&self) -> PaceKeys {
        self.files.iter().fold(PaceKeys::default(), |pace, file| pace.largest(file.pace))
    }

    /// Renders everything of `role` with `vars` as the whole context, in the order of the render files.
    ///
    /// Blocks up to the time limit, and up to the filters' own for the call that runs at its end. Nothing is returned unless all of it
    /// rendered.
    pub fn render(&mut self, role: &RoleName, vars: &Map<String, Value>, supplies: Supplies<'_>) -> Result<RenderedRole, RenderError> {
        self.budget.begin(supplies);
        let rendered = stack::run(|| self.render_all(role, vars));
        self.budget.end();
        rendered.unwrap_or_else(|reason| Err(RenderError::Broken { template: self.reference.clone(), reason }))
    }

    fn render_all(&self, role: &RoleName, vars: &Map<String, Value>) -> Result<RenderedRole, RenderError> {
        let context = Context::from(Value::Object(vars.clone()));
        // A name that was checked, since it becomes a part of paths.
        let node = vars.get("node").and_then(Value::as_str).filter(|node| Hostname::new(node).is_ok());
        let values = Values { role: role.as_str(), node };
        let mut filling = Filling::new(self.budget.limits().role_bytes);
        let mut role_bytes = 0;
        for file in &self.files {
            let mut texts: BTreeMap<&str, Rendered> = BTreeMap::new();
            for (key, template) in &file.templates {
                let bytes = self.render_one(role, template, &context, role_bytes)?;
                role_bytes += bytes.len();
                texts.insert(key, Rendered { bytes, private: self.budget.take_secret_printed() });
            }
            filling.add(file, &texts, values).map_err(|problem| RenderError::File {
                role: role.clone(),
                template: self.reference.clone(),
                problem,
            })?;
        }
        Ok(filling.finish())
    }

    fn render_one(&self, role: &RoleName, template: &str, context: &Context, role_bytes: usize) -> Result<Vec<u8>, RenderError> {
        let mut output = CappedOutput::new(self.budget.limits(), role_bytes);
        match self.registry.render_with_context_to_write(template, context, &mut output) {
            Ok(()) => Ok(output.into_bytes()),
            Err(err) => Err(RenderError::Template {
                role: role.clone(),
                template: self.reference.clone(),
                file: err.template_name.clone().unwrap_or_else(|| template.to_owned()),
                line: err.line_no,
                fault: Box::new(fault(err.reason())),
            }),
        }
    }
}

/// What the library's error means here.
fn fault(reason: &RenderErrorReason) -> Fault {
    match reason {
        RenderErrorReason::NestedError(inner) => inner.downcast_ref::<Fault>().cloned().unwrap_or_else(|| Fault::Other(inner.to_string())),
        RenderErrorReason::IOError(err) => match err.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            Some(fault) => fault.clone(),
            None => Fault::Other(err.to_string()),
        },
        RenderErrorReason::MissingVariable(path) => Fault::Missing { path: path.clone().unwrap_or_else(|| "…".to_owned()) },
        RenderErrorReason::InvalidJsonIndex(step) => {
            Fault::Other(format!("an array has no member `{step}`: write a number, or `each` to go through it"))
        }
        RenderErrorReason::PartialNotFound(name) => {
            Fault::Other(format!("there is no partial `{name}`: name a template by its path in the directory"))
        }
        RenderErrorReason::PartialBlockNotFound => {
            Fault::Other("the partial prints `@partial-block` but was called without a block: write `#>` to give it one".to_owned())
        }
        RenderErrorReason::CannotIncludeSelf => {
            Fault::Other("the template includes itself: end the recursion, as with `if` around the partial".to_owned())
        }
        RenderErrorReason::HelperNotFound(name) => Fault::Other(no_helper(name, "")),
        other => Fault::Other(other.to_string()),
    }
}

/// Why no filter may be called `name`, if that is so.
///
/// A plugin that offers such a name does not come into force. One that was in force before a later version of this program took the name
/// for a helper of its own stays, and only templates that call the name are refused: nobody can tell which of both they mean.
pub fn refuse_filter(name: &str) -> Option<String> {
    if helpers::BLOCKS.contains(&name) || helpers::VALUES.contains(&name) {
        return Some(format!("the filter `{name}` has the name of a built-in helper: rename it in its plugin, or switch the plugin off"));
    }
    let uncallable = || format!("the filter `{}` cannot be called by templates: use letters, digits, `-` and `_`", name.escape_debug());
    (!callable(name)).then(uncallable)
}

fn repeated(filters: &[String]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let repeated = filters.iter().filter(|name| !seen.insert(*name));
    let message = |name: &String| format!("two filters are called `{name}`: switch one of their plugins off");
    repeated.map(|name| Problem { file: String::new(), line: None, message: message(name) }).collect()
}

/// Whether `{{name}}` is a call: words of the language, numbers and the like are not.
fn callable(name: &str) -> bool {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plain && name != "this" && matches!(Parameter::parse(name), Ok(Parameter::Path(_)))
}

/// Templates by name, and what is known of them all before any is rendered.
struct Parsed {
    templates: Vec<(String, Template)>,
    reads_schedule: bool,
    secrets: BTreeSet<String>,
}

/// Parses all templates and makes them strict. `refused` are names of filters that are not to be called. What is wrong is added to
/// `problems`.
fn parse_templates(sources: &Sources, filters: &[String], refused: &[String], problems: &mut Vec<Problem>) -> Parsed {
    let mut known =
        Known { refused: refused.iter().filter_map(|name| Some((name.clone(), refuse_filter(name)?))).collect(), ..Known::default() };
    known.helpers.extend(helpers::BLOCKS.into_iter().chain(helpers::VALUES).map(str::to_owned).chain(filters.iter().cloned()));
    let mut templates = Vec::new();
    for source in &sources.templates {
        known.partials.insert(source.name.clone());
        match parse_template(source) {
            Ok(template) => {
                strict::inline_partials(&template, &mut known.partials);
                templates.push((source.name.clone(), template));
            }
            Err(problem) => problems.push(problem),
        }
    }
    let (mut reads_schedule, mut secrets) = (false, BTreeSet::new());
    for (name, template) in &mut templates {
        let hardened = strict::harden(template, &known);
        reads_schedule |= hardened.reads_schedule;
        secrets.extend(hardened.secrets);
        problems.extend(hardened.findings.into_iter().map(|(line, message)| Problem { file: name.clone(), line, message }));
    }
    Parsed { templates, reads_schedule, secrets }
}

fn parse_template(source: &Source) -> Result<Template, Problem> {
    let problem = |line, message| Problem { file: source.name.clone(), line, message };
    nesting::check(&source.text).map_err(|deep| problem(Some(deep.line), deep.message))?;
    Template::compile_with_name(&source.text, source.name.clone())
        .map_err(|err| problem(err.pos().map(|(line, _)| line), err.reason().to_string()))
}

fn parse_files(sources: &Sources, problems: &mut Vec<Problem>) -> Vec<RenderFile> {
    let templates: BTreeSet<&str> = sources.templates.iter().map(|source| &*source.name).collect();
    let mut files = Vec::new();
    for source in &sources.render_files {
        match file::parse(source, &templates) {
            Ok(file) => files.push(file),
            Err(found) => problems.extend(found),
        }
    }
    files
}

#[cfg(test)]
mod tests;
