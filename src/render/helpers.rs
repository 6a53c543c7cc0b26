//! The helpers that templates have: built-in ones, filter plugins, and hidden ones that `strict` puts in. None reads a clock, a file or
//! anything but its arguments (`nodes`: and the schedule in force), and none lets a missing path pass but those whose purpose that is.

mod blocks;
mod filter;
mod lists;
mod nodes;
mod quoting;
mod replace;
mod secrets;
mod text;
mod validate;
mod values;
mod yaml;

use std::sync::Arc;

use handlebars::{Context, Handlebars, Helper, HelperDef, Output, PathAndJson, RenderContext, RenderError, RenderErrorReason, ScopedJson};
use serde_json::Value;

use super::Fault;
use super::budget::Budget;
pub(super) use secrets::forms;

/// Prints the value of a path. Hidden: no template can write a name with a space.
pub(super) const PRINT: &str = " print";
/// Passes a value on, or fails when it is missing. Hidden.
pub(super) const NEED: &str = " need";
/// `lookup` as first argument of `default` or `has`: what it does not find is missing, not wrong. Hidden.
pub(super) const LOOKUP_MAYBE: &str = " lookup?";
/// `lookup_node` as first argument of `default` or `has`: what the schedule does not place is missing, not wrong. Hidden.
pub(super) const LOOKUP_NODE_MAYBE: &str = " lookup_node?";
/// Stands around the content of every template and partial: counts depth. Hidden.
pub(super) const FRAME: &str = " frame";
/// Stands around the content of partial blocks: caps what is held back. Hidden.
pub(super) const HOLD_BACK: &str = " hold back";

/// Helpers that bear a block: `{{#name …}} … {{/name}}`.
pub(super) const BLOCKS: [&str; 5] = ["if", "unless", "each", "with", "raw"];
/// Helpers that give a value. Those that give true or false may bear a block as well.
pub(super) const VALUES: [&str; 26] = [
    "lookup",
    "and",
    "or",
    "not",
    "default",
    "has",
    "eq",
    "ne",
    "lt",
    "lte",
    "gt",
    "gte",
    "json",
    "len", // values
    "yaml",
    "quote",
    "shell", // quoting and yaml
    "replace",
    "validate",
    "join",
    "sort_by",
    "sum",
    "range", // lists
    LOOKUP_NODE,
    NODES_OF,
    SECRET,
];

/// What the schedule places on a node.
pub(super) const LOOKUP_NODE: &str = "lookup_node";
/// The nodes on which the schedule places a role.
pub(super) const NODES_OF: &str = "nodes_of";
/// A value from `secrets/`.
pub(super) const SECRET: &str = "secret";
/// Helpers that write a text so that another language reads it back: a secret may pass through them on its way out.
pub(super) const QUOTING: [&str; 4] = ["json", "yaml", "quote", "shell"];
/// Helpers whose result depends on the whole schedule.
pub(super) const READ_SCHEDULE: [&str; 2] = [LOOKUP_NODE, NODES_OF];

/// Gives `registry` its helpers. `filters` were checked not to clash.
pub(super) fn register(registry: &mut Handlebars<'static>, budget: &Arc<Budget>, filters: &[String]) {
    // Brought along by the library; it would write to the daemon's log.
    registry.unregister_helper("log");
    blocks::register(registry, budget);
    values::register(registry, budget);
    add(registry, budget, "json", Making(quoting::json));
    add(registry, budget, "yaml", Making(yaml::yaml));
    add(registry, budget, "quote", Making(quoting::quote));
    add(registry, budget, "shell", Making(quoting::shell));
    add(registry, budget, "replace", Making(replace::replace));
    add(registry, budget, "validate", validate::Validate::default());
    add(registry, budget, "join", Making(lists::join));
    add(registry, budget, "sort_by", Making(lists::sort_by));
    add(registry, budget, "sum", Making(lists::sum));
    add(registry, budget, "range", Making(lists::range));
    add(registry, budget, LOOKUP_NODE, Making(nodes::lookup_node));
    add(registry, budget, LOOKUP_NODE_MAYBE, nodes::LookupNodeMaybe);
    add(registry, budget, NODES_OF, Making(nodes::nodes_of));
    add(registry, budget, SECRET, Making(secrets::secret));
    for name in filters {
        add(registry, budget, name, filter::Filter::new(name));
    }
}

fn add(registry: &mut Handlebars<'static>, budget: &Arc<Budget>, name: &str, work: impl Work + Send + Sync + 'static) {
    registry.register_helper(name, Box::new(ValueHelper { budget: Arc::clone(budget), work }));
}

/// What a helper that gives a value does.
trait Work {
    /// Its value. [`ScopedJson::Missing`] is only for hidden helpers. The call itself is charged to `budget` already.
    fn value<'rc>(&self, budget: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault>;
}

/// Work that makes a value of some size, and charges what it goes through and what it makes.
struct Making(fn(&Budget, &Helper<'_>) -> Result<Value, Fault>);

impl Work for Making {
    fn value<'rc>(&self, budget: &Budget, helper: &Helper<'rc>) -> Result<ScopedJson<'rc>, Fault> {
        (self.0)(budget, helper).map(ScopedJson::Derived)
    }
}

/// Makes a helper of [`Work`]: as an argument it gives its value, by itself it prints it, as a block it decides which branch is rendered.
struct ValueHelper<W> {
    budget: Arc<Budget>,
    work: W,
}

impl<W: Work + Send + Sync> HelperDef for ValueHelper<W> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        self.budget.step().map_err(raise)?;
        let value = self.work.value(&self.budget, helper).map_err(raise)?;
        // `json` of `json` of … doubles with every turn.
        let limit_bytes = self.budget.limits().file_bytes;
        if value.as_json().as_str().is_some_and(|text| text.len() > limit_bytes) {
            return Err(raise(Fault::Size { limit_bytes, of: " in one value" }));
        }
        Ok(value)
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> Result<(), RenderError> {
        let value = self.call_inner(helper, registry, context, state)?;
        if helper.is_block() {
            let Value::Bool(truth) = value.as_json() else {
                return Err(raise(usage(
                    helper,
                    "gives no true or false and cannot bear a block: write `#with (…)` or `#if (…)` around it",
                )));
            };
            return blocks::branch(&self.budget, *truth, helper, registry, context, state, out);
        }
        let path = shown(helper);
        let text = print(value.as_json(), &path).map_err(raise)?;
        Verbatim(text).call(helper, registry, context, state, out)
    }
}

/// Prints a text by the library's own way, which keeps account of the indentation of partials.
struct Verbatim(String);

impl HelperDef for Verbatim {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        _: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(Value::String(self.0.clone())))
    }
}

/// The text of a scalar; anything else cannot be printed.
fn print(value: &Value, path: &str) -> Result<String, Fault> {
    let unprintable = |kind| Err(Fault::Unprintable { path: path.to_owned(), kind });
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Err(Fault::Null { path: path.to_owned() }),
        Value::Array(_) => unprintable("an array"),
        Value::Object(_) => unprintable("an object"),
    }
}

/// How a message calls what a helper gives.
fn shown(helper: &Helper<'_>) -> String {
    let first = helper.params().first().and_then(|param| param.relative_path());
    match (helper.name(), first) {
        (PRINT, Some(path)) => path.clone(),
        (PRINT, None) => "(…)".to_owned(),
        (name, Some(path)) => format!("({name} {path} …)"),
        (name, None) => format!("({name} …)"),
    }
}

/// The value of an argument that must be there.
fn present<'a>(param: &'a PathAndJson<'_>) -> Result<&'a Value, Fault> {
    if param.is_value_missing() {
        return Err(Fault::Missing { path: param.relative_path().cloned().unwrap_or_else(|| "(…)".to_owned()) });
    }
    Ok(param.value())
}

/// Exactly `N` arguments, all there, and no named ones.
fn arguments<'a, const N: usize>(helper: &'a Helper<'_>) -> Result<[&'a Value; N], Fault> {
    unnamed(helper)?;
    let values = all(helper)?;
    let count = values.len();
    values.try_into().map_err(|_| arity(helper, N, count))
}

/// All arguments, every one there.
fn all<'a>(helper: &'a Helper<'_>) -> Result<Vec<&'a Value>, Fault> {
    helper.params().iter().map(present).collect()
}

fn unnamed(helper: &Helper<'_>) -> Result<(), Fault> {
    match helper.hash().keys().next() {
        Some(name) => Err(usage(helper, format!("takes no argument named `{name}`: remove it"))),
        None => Ok(()),
    }
}

fn arity(helper: &Helper<'_>, wants: usize, has: usize) -> Fault {
    let plural = if wants == 1 { "" } else { "s" };
    usage(helper, format!("takes {wants} argument{plural}, not {has}"))
}

fn usage(helper: &Helper<'_>, reason: impl Into<String>) -> Fault {
    // The hidden forms are told by the names that templates write.
    Fault::Usage { helper: helper.name().trim_matches([' ', '?']).to_owned(), reason: reason.into() }
}

/// An argument, or what lies below it at `steps`, is of a kind that the helper has no use for.
fn unfit(helper: &Helper<'_>, takes: &str, argument: usize, steps: &[&str], value: &Value) -> Fault {
    usage(helper, format!("takes {takes}, and `{}` is {}", place(helper, argument, steps), values::kind(value)))
}

/// Longest text of a value in a message, in characters: longer than names are, and a template may look up whatever it makes.
const SHOWN: usize = 100;

/// A text of a value as a message shows it.
fn brief(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// How a message calls what lies below an argument at `steps`.
fn place(helper: &Helper<'_>, argument: usize, steps: &[&str]) -> String {
    let path = helper.params().get(argument).and_then(|param| param.relative_path());
    let mut place = path.cloned().unwrap_or_else(|| "(…)".to_owned());
    for step in steps {
        place.push('.');
        place.push_str(step);
    }
    place
}

fn raise(fault: Fault) -> RenderError {
    RenderErrorReason::NestedError(Box::new(fault)).into()
}
