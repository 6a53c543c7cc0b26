//! A template directory, parsed once and rendered many times. It reads files when it is loaded, never afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use handlebars::template::Parameter;
use handlebars::{Context, Handlebars, RenderErrorReason, Template};
use serde_json::{Map, Value};
use verwalter_core::digest::Digest;
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::ports::FilterSession;

use super::budget::{Budget, CappedOutput};
use super::error::no_helper;
use super::file::{self, RenderFile};
use super::source::{self, Source, Sources};
use super::strict::{self, Known};
use super::substitute::Values;
use super::{Fault, Problem, RenderError, RenderLimits, RenderedFile, helpers, nesting, stack};

/// The templates and render files of one `ROLE/VERSION`.
pub struct TemplateSet {
    reference: TemplateRef,
    registry: Handlebars<'static>,
    budget: Arc<Budget>,
    files: Vec<RenderFile>,
    digest: Digest,
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
        let parsed = stack::run(|| {
            let mut problems = check_filters(filters);
            let templates = parse_templates(&sources, filters, &mut problems);
            (templates, parse_files(&sources, &mut problems), problems)
        });
        let (templates, files, mut problems) = parsed.map_err(|reason| RenderError::Broken { template: reference.clone(), reason })?;
        if !problems.is_empty() {
            problems.sort();
            return Err(unsound(problems));
        }
        let budget = Arc::new(Budget::new(limits.clone()));
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        registry.set_strict_mode(true);
        helpers::register(&mut registry, &budget, filters);
        for (name, template) in templates {
            registry.register_template(&name, template);
        }
        Ok(TemplateSet { reference: reference.clone(), registry, budget, files, digest: sources.digest() })
    }

    /// Over the names and bytes of everything that was read.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Which directory this is.
    pub fn reference(&self) -> &TemplateRef {
        &self.reference
    }

    /// Renders all files of `role` with `vars` as the whole context, in the order of the render files. `session` is dropped at the end.
    ///
    /// Blocks up to the time limit, and up to the filters' own for the call that runs at its end. Nothing is returned unless all of it
    /// rendered.
    pub fn render(
        &mut self,
        role: &RoleName,
        vars: &Map<String, Value>,
        session: Box<dyn FilterSession>,
    ) -> Result<Vec<RenderedFile>, RenderError> {
        self.budget.begin(session);
        let rendered = stack::run(|| self.render_all(role, vars));
        self.budget.end();
        rendered.unwrap_or_else(|reason| Err(RenderError::Broken { template: self.reference.clone(), reason }))
    }

    fn render_all(&self, role: &RoleName, vars: &Map<String, Value>) -> Result<Vec<RenderedFile>, RenderError> {
        let context = Context::from(Value::Object(vars.clone()));
        // A name that was checked, since it becomes a part of paths.
        let node = vars.get("node").and_then(Value::as_str).filter(|node| Hostname::new(node).is_ok());
        let values = Values { role: role.as_str(), node };
        let mut rendered = Vec::new();
        let mut places: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut role_bytes = 0;
        for file in &self.files {
            let mut texts: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
            for (key, template) in &file.templates {
                let bytes = self.render_one(role, template, &context, role_bytes)?;
                role_bytes += bytes.len();
                texts.insert(key, bytes);
            }
            for copy in &file.copies {
                let problem = |message| {
                    let problem = Problem { file: file.name.clone(), line: copy.line, message };
                    RenderError::File { role: role.clone(), template: self.reference.clone(), problem }
                };
                let dest = copy.dest.fill(values).map_err(problem)?;
                let here = Problem { file: file.name.clone(), line: copy.line, message: dest.clone() };
                if let Some(other) = places.insert(without_dots(&dest), here.to_string()) {
                    return Err(problem(format!("`{dest}` is written twice, also by {other}: change one `dest`")));
                }
                let (Some(bytes), Some(template)) = (texts.get(&*copy.src), file.templates.get(&copy.src)) else {
                    return Err(problem(format!("`files.{}` was not rendered", copy.src)));
                };
                rendered.push(RenderedFile { dest, mode: copy.mode, bytes: bytes.clone(), template: template.clone() });
            }
        }
        Ok(rendered)
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

fn check_filters(filters: &[String]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    let mut problem = |message| problems.push(Problem { file: String::new(), line: None, message });
    for name in filters {
        if helpers::BLOCKS.contains(&&**name) || helpers::VALUES.contains(&&**name) {
            problem(format!("the filter `{name}` has the name of a built-in helper: rename it in its plugin, or switch the plugin off"));
        } else if !callable(name) {
            problem(format!("the filter `{}` cannot be called by templates: use letters, digits, `-` and `_`", name.escape_debug()));
        } else if !seen.insert(name) {
            problem(format!("two filters are called `{name}`: switch one of their plugins off"));
        }
    }
    problems
}

/// Whether `{{name}}` is a call: words of the language, numbers and the like are not.
fn callable(name: &str) -> bool {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plain && name != "this" && matches!(Parameter::parse(name), Ok(Parameter::Path(_)))
}

/// Parses all templates and makes them strict. What is wrong is added to `problems`.
fn parse_templates(sources: &Sources, filters: &[String], problems: &mut Vec<Problem>) -> Vec<(String, Template)> {
    let mut known = Known::default();
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
    for (name, template) in &mut templates {
        let findings = strict::harden(template, &known);
        problems.extend(findings.into_iter().map(|(line, message)| Problem { file: name.clone(), line, message }));
    }
    templates
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

/// One spelling for `a/b`, `./a/b` and `a//b`.
fn without_dots(dest: &str) -> PathBuf {
    Path::new(dest).components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests;
