//! Rewrites parsed templates so that nothing missing passes, and reports what can be known to be wrong before anything is rendered.
//! It never changes what a sound template prints.
//!
//! The library's strict mode looks at printed paths only. Here every `{{path}}` becomes a call of a hidden helper that refuses what is
//! missing, null or no scalar; arguments of partials go through another; and each template gets a frame that counts depth.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use handlebars::Template;
use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, Subexpression, TemplateElement};

use super::error::no_helper;
use super::helpers::{FRAME, HOLD_BACK, LOOKUP_MAYBE, LOOKUP_NODE, LOOKUP_NODE_MAYBE, NEED, PRINT, QUOTING, READ_SCHEDULE, SECRET};
use crate::config::secrets::refuse_name;

/// The content of the block that a partial was called with.
const PARTIAL_BLOCK: &str = "@partial-block";

/// Most arguments of one call: arbitrary, above what people write. The library copies each.
const MAX_ARGUMENTS: usize = 64;

/// What templates may refer to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Built-in helpers and filters.
    pub(super) helpers: BTreeSet<String>,
    /// Names that may not be called, and why.
    pub(super) refused: BTreeMap<String, String>,
    /// Templates of the directory and inline partials of any of them.
    pub(super) partials: BTreeSet<String>,
}

/// One finding: a line, where known, and what is wrong.
pub(super) type Finding = (Option<usize>, String);

/// The names of the inline partials that `template` defines.
pub(super) fn inline_partials(template: &Template, names: &mut BTreeSet<String>) {
    for element in &template.elements {
        match element {
            TemplateElement::DecoratorBlock(inner) | TemplateElement::PartialBlock(inner) => {
                if let (TemplateElement::DecoratorBlock(_), Some(name)) = (element, inline_name(inner)) {
                    names.insert(name.to_owned());
                }
                inner.template.iter().for_each(|inner| inline_partials(inner, names));
            }
            TemplateElement::HelperBlock(inner) => {
                inner.template.iter().chain(&inner.inverse).for_each(|inner| inline_partials(inner, names));
            }
            _ => {}
        }
    }
}

/// What was seen while a template was made strict.
#[derive(Debug, Default)]
pub(super) struct Hardened {
    /// What is wrong with it.
    pub(super) findings: Vec<Finding>,
    /// Whether it names a helper whose result depends on the whole schedule.
    pub(super) reads_schedule: bool,
    /// The names of the secrets that it prints.
    pub(super) secrets: BTreeSet<String>,
}

/// Makes `template` strict.
pub(super) fn harden(template: &mut Template, known: &Known) -> Hardened {
    let mut walk = Walk { known, seen: Hardened::default() };
    walk.template(template, None);
    wrap(template, FRAME);
    walk.seen
}

/// What an argument may be that others may not.
#[derive(Debug, Clone, Copy, Default)]
struct May {
    /// A `lookup` that finds nothing.
    miss: bool,
    /// A secret: it is printed next.
    print_secret: bool,
}

struct Walk<'a> {
    known: &'a Known,
    seen: Hardened,
}

impl Walk<'_> {
    fn template(&mut self, template: &mut Template, around: Option<usize>) {
        for (index, element) in template.elements.iter_mut().enumerate() {
            // The links of an `else if` chain have no lines of their own.
            let line = template.mapping.get(index).map(|at| at.0).or(around);
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => self.expression(call, line),
                TemplateElement::HelperBlock(call) => {
                    self.call(call, line, May::default());
                    call.template.iter_mut().chain(&mut call.inverse).for_each(|inner| self.template(inner, line));
                }
                TemplateElement::DecoratorExpression(call) => self.decorator(call, line),
                TemplateElement::DecoratorBlock(call) => {
                    self.decorator(call, line);
                    if let Some(inner) = &mut call.template {
                        self.template(inner, line);
                        wrap(inner, FRAME);
                    }
                }
                TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) => self.partial(call, line),
                // What a later version of the library may add is not strict before it is looked at here.
                _ => self.seen.findings.push((line, "this cannot be used: it is unknown to this version".to_owned())),
            }
        }
    }

    /// `{{name}}` or `{{name argument …}}`.
    fn expression(&mut self, call: &mut HelperTemplate, line: Option<usize>) {
        let bare = call.params.is_empty() && call.hash.is_empty();
        let is_helper = call.name.as_name().is_some_and(|name| self.known.helpers.contains(name));
        if bare && !is_helper {
            let printed = mem::replace(&mut call.name, Parameter::Name(PRINT.to_owned()));
            call.params.push(printed);
        } else {
            self.check_helper(&call.name, line);
        }
        if call.name.as_name() == Some(SECRET) {
            return self.secret(call, line);
        }
        // What is printed as soon as it is quoted goes nowhere else.
        let quotes = call.name.as_name().is_some_and(|name| QUOTING.contains(&name));
        self.arguments(call, line, May { print_secret: quotes, ..May::default() });
    }

    /// `secret "NAME"`, where it may stand: the name is written in the template, so that no schedule chooses what is printed.
    fn secret(&mut self, call: &HelperTemplate, line: Option<usize>) {
        let name = match call.params.as_slice() {
            [Parameter::Literal(name)] if call.hash.is_empty() => name.as_str(),
            _ => None,
        };
        let wrong = match name {
            Some(name) => refuse_name(name),
            None => Some("`secret` takes one name in quotes, as in `secret \"db-password\"`: nothing else may choose it".to_owned()),
        };
        match (wrong, name) {
            (Some(wrong), _) => self.seen.findings.push((line, wrong)),
            (None, Some(name)) => drop(self.seen.secrets.insert(name.to_owned())),
            (None, None) => {}
        }
    }

    /// A block or a `(…)`: always a helper.
    fn call(&mut self, call: &mut HelperTemplate, line: Option<usize>, may: May) {
        self.check_helper(&call.name, line);
        if call.name.as_name() == Some(SECRET) {
            if may.print_secret {
                return self.secret(call, line);
            }
            let message = "`secret` is for printing: write it alone, or within `quote`, `shell`, `json` or `yaml`, which no plugin sees";
            return self.seen.findings.push((line, message.to_owned()));
        }
        if may.miss && call.name.as_name() == Some("lookup") {
            call.name = Parameter::Name(LOOKUP_MAYBE.to_owned());
            return self.arguments(call, line, May { miss: true, ..May::default() });
        }
        if may.miss && call.name.as_name() == Some(LOOKUP_NODE) {
            call.name = Parameter::Name(LOOKUP_NODE_MAYBE.to_owned());
        }
        self.arguments(call, line, May::default());
    }

    fn arguments(&mut self, call: &mut HelperTemplate, line: Option<usize>, first: May) {
        if call.params.len() + call.hash.len() > MAX_ARGUMENTS {
            self.seen.findings.push((line, format!("a call has more than {MAX_ARGUMENTS} arguments: pass a list")));
        }
        let first = May { miss: first.miss || matches!(call.name.as_name(), Some("default" | "has")), ..first };
        for (index, param) in call.params.iter_mut().enumerate() {
            self.parameter(param, line, if index == 0 { first } else { May::default() });
        }
        call.hash.values_mut().for_each(|param| self.parameter(param, line, May::default()));
    }

    fn parameter(&mut self, param: &mut Parameter, line: Option<usize>, may: May) {
        if let Parameter::Subexpression(inner) = param
            && let TemplateElement::Expression(call) = &mut *inner.element
        {
            self.call(call, line, may);
        }
    }

    fn decorator(&mut self, call: &DecoratorTemplate, line: Option<usize>) {
        if inline_name(call).is_none() {
            let name = call.name.as_name().unwrap_or("…");
            self.seen.findings.push((line, format!("`*{name}` cannot be used: `#*inline \"NAME\"` is the only one of its sort")));
        }
    }

    fn partial(&mut self, call: &mut DecoratorTemplate, line: Option<usize>) {
        if let Some(name) = call.name.as_name()
            && name != PARTIAL_BLOCK
            && call.template.is_none()
            && !self.known.partials.contains(name)
        {
            let near = nearest(name, &self.known.partials);
            self.seen.findings.push((line, format!("there is no partial `{name}`: name a template by its path in the directory{near}")));
        }
        self.parameter(&mut call.name, line, May::default());
        for param in call.params.iter_mut().chain(call.hash.values_mut()) {
            self.parameter(param, line, May::default());
            // The library would take a missing argument for null.
            if matches!(param, Parameter::Path(_)) {
                let path = mem::replace(param, Parameter::Name(NEED.to_owned()));
                let name = Parameter::Name(NEED.to_owned());
                *param = Parameter::Subexpression(Subexpression::new(name, vec![path], Default::default()));
            }
        }
        if let Some(inner) = &mut call.template {
            self.template(inner, line);
            // Rendered into memory before the partial is.
            wrap(inner, HOLD_BACK);
        }
    }

    fn check_helper(&mut self, name: &Parameter, line: Option<usize>) {
        let Some(name) = name.as_name() else { return };
        self.seen.reads_schedule |= READ_SCHEDULE.contains(&name);
        if let Some(why) = self.known.refused.get(name) {
            self.seen.findings.push((line, why.clone()));
        } else if !self.known.helpers.contains(name) {
            let near = nearest(name, &self.known.helpers);
            self.seen.findings.push((line, no_helper(name, &near)));
        }
    }
}

fn inline_name(call: &DecoratorTemplate) -> Option<&str> {
    match (call.name.as_name(), call.params.as_slice()) {
        (Some("inline"), [Parameter::Literal(name)]) if call.template.is_some() => name.as_str(),
        _ => None,
    }
}

/// Puts the content of `template` into a block of `helper`.
fn wrap(template: &mut Template, helper: &str) {
    // The library lets nobody build a block from nothing.
    let mut shell = Template::compile("{{#x}}{{/x}}").expect("the text is a block");
    if let Some(TemplateElement::HelperBlock(block)) = shell.elements.first_mut() {
        block.name = Parameter::Name(helper.to_owned());
        // The name goes with the content, so that an error of the frame itself is told of the place that included it.
        block.template = Some(mem::take(template));
    }
    *template = shell;
}

/// `; did you mean …?` where a known name differs by little.
fn nearest(name: &str, known: &BTreeSet<String>) -> String {
    let by_distance = known.iter().map(|candidate| (distance(name, candidate), candidate));
    match by_distance.min() {
        Some((distance, candidate)) if distance <= 1 + name.len() / 4 => format!(" (did you mean `{candidate}`?)"),
        _ => String::new(),
    }
}

/// Levenshtein's distance, of the first 64 bytes each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(64)], &b.as_bytes()[..b.len().min(64)]);
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}
