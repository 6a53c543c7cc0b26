//! Built-in helpers that bear a block, and the hidden ones around templates. They behave as handlebars' own, except that a missing path
//! is an error in them too, and that they keep count.

use std::io;
use std::sync::Arc;

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, JsonTruthy, Output, PathAndJson, RenderContext, RenderError,
    Renderable, ScopedJson,
};
use serde_json::Value;

use super::values::kind;
use super::{BLOCKS, FRAME, HOLD_BACK, arity, present, raise, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

/// Gives `registry` every helper of this module.
pub(super) fn register(registry: &mut Handlebars<'static>, budget: &Arc<Budget>) {
    let sorts = [Sort::If, Sort::Unless, Sort::Each, Sort::With, Sort::Raw];
    for (name, sort) in BLOCKS.into_iter().zip(sorts) {
        registry.register_helper(name, Box::new(Block { budget: Arc::clone(budget), sort }));
    }
    registry.register_helper(FRAME, Box::new(Block { budget: Arc::clone(budget), sort: Sort::Raw }));
    registry.register_helper(HOLD_BACK, Box::new(Block { budget: Arc::clone(budget), sort: Sort::HoldBack }));
}

#[derive(Debug, Clone, Copy)]
enum Sort {
    If,
    Unless,
    Each,
    With,
    /// Renders its content, nothing else.
    Raw,
    HoldBack,
}

struct Block {
    budget: Arc<Budget>,
    sort: Sort,
}

impl HelperDef for Block {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Err(raise(usage(helper, format!("is a block and gives no value: write `#{} …`", helper.name()))))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> Result<(), RenderError> {
        if !helper.is_block() {
            return self.call_inner(helper, registry, context, state).map(|_| ());
        }
        let budget = &*self.budget;
        match self.sort {
            Sort::If | Sort::Unless => {
                let truth = condition(helper).map_err(raise)? == matches!(self.sort, Sort::If);
                branch(budget, truth, helper, registry, context, state, out)
            }
            Sort::Each => each(budget, helper, registry, context, state, out),
            Sort::With => with(budget, helper, registry, context, state, out),
            Sort::Raw => branch(budget, true, helper, registry, context, state, out),
            Sort::HoldBack => branch(budget, true, helper, registry, context, state, &mut HeldBack { budget, out }),
        }
    }
}

/// Renders the block, or its `else`.
pub(super) fn branch<'reg: 'rc, 'rc>(
    budget: &Budget,
    truth: bool,
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    state: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> Result<(), RenderError> {
    budget.step().map_err(raise)?;
    let _level = budget.enter().map_err(raise)?;
    let template = if truth { helper.template() } else { helper.inverse() };
    template.map_or(Ok(()), |template| template.render(registry, context, state, out))
}

fn condition(helper: &Helper<'_>) -> Result<bool, Fault> {
    let param = only(helper)?;
    let mut include_zero = false;
    for (name, value) in helper.hash() {
        include_zero = match (*name, present(value)?) {
            ("includeZero", Value::Bool(value)) => *value,
            ("includeZero", other) => return Err(usage(helper, format!("takes true or false as `includeZero`, not {}", kind(other)))),
            (name, _) => return Err(usage(helper, format!("takes no argument named `{name}`: remove it"))),
        };
    }
    Ok(present(param)?.is_truthy(include_zero))
}

fn each<'reg: 'rc, 'rc>(
    budget: &Budget,
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    state: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> Result<(), RenderError> {
    let param = only_unnamed(helper).map_err(raise)?;
    let items: Vec<(Option<&str>, &Value)> = match present(param).map_err(raise)? {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (Some(key.as_str()), value)).collect(),
        Value::Null => Vec::new(),
        other => return Err(raise(usage(helper, format!("takes an array or an object, not {}", kind(other))))),
    };
    let Some(template) = helper.template() else { return Ok(()) };
    if items.is_empty() {
        return branch(budget, false, helper, registry, context, state, out);
    }
    let _level = budget.enter().map_err(raise)?;
    state.push_block(block_of(param));
    for (index, (key, value)) in items.iter().enumerate() {
        budget.step().map_err(raise)?;
        if let Some(block) = state.block_mut() {
            block.set_local_var("first", (index == 0).into());
            block.set_local_var("last", (index + 1 == items.len()).into());
            block.set_local_var("index", index.into());
            if let Some(key) = key {
                block.set_local_var("key", (*key).into());
            }
            point_at(block, param, key.map_or_else(|| index.to_string(), str::to_owned), value);
            let key = key.map_or_else(|| Value::from(index), Value::from);
            name_params(block, helper, param, value, Some(key))?;
        }
        template.render(registry, context, state, out)?;
    }
    state.pop_block();
    Ok(())
}

fn with<'reg: 'rc, 'rc>(
    budget: &Budget,
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    state: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> Result<(), RenderError> {
    let param = only_unnamed(helper).map_err(raise)?;
    if !present(param).map_err(raise)?.is_truthy(false) {
        return branch(budget, false, helper, registry, context, state, out);
    }
    let mut block = block_of(param);
    // As in handlebars: `@index` and the like of an `each` around it go on.
    if let Some(around) = state.block() {
        block.local_variables_mut().clone_from(around.local_variables());
    }
    name_params(&mut block, helper, param, param.value(), None)?;
    state.push_block(block);
    branch(budget, true, helper, registry, context, state, out)?;
    state.pop_block();
    Ok(())
}

/// A scope whose `this` is `param`: by path where the value is part of the context, which spares copies, else by value.
fn block_of<'rc>(param: &PathAndJson<'rc>) -> BlockContext<'rc> {
    let mut block = BlockContext::new();
    match param.context_path() {
        Some(path) => block.base_path_mut().clone_from(path),
        None => block.set_base_value(param.value().clone()),
    }
    block
}

/// Moves `this` to one item of `param`.
fn point_at(block: &mut BlockContext<'_>, param: &PathAndJson<'_>, step: String, value: &Value) {
    let Some(path) = param.context_path() else { return block.set_base_value(value.clone()) };
    let base = block.base_path_mut();
    base.truncate(path.len());
    base.push(step);
}

/// Sets what `as |value key|` names.
fn name_params<'rc>(
    block: &mut BlockContext<'rc>,
    helper: &Helper<'rc>,
    param: &PathAndJson<'rc>,
    value: &Value,
    key: Option<Value>,
) -> Result<(), RenderError> {
    let (value_name, key_name) = match (helper.block_param(), helper.block_param_pair(), key) {
        (Some(value_name), _, _) => (value_name, None),
        (_, Some((value_name, key_name)), Some(key)) => (value_name, Some((key_name, key))),
        (_, Some(_), None) => return Err(raise(usage(helper, "names one block parameter, not 2"))),
        (None, None, _) => return Ok(()),
    };
    let mut params = BlockParams::new();
    if param.context_path().is_some() {
        params.add_path(value_name, Vec::new())?;
    } else {
        params.add_value(value_name, value.clone())?;
    }
    if let Some((key_name, key)) = key_name {
        params.add_value(key_name, key)?;
    }
    block.set_block_params(params);
    Ok(())
}

fn only_unnamed<'a, 'rc>(helper: &'a Helper<'rc>) -> Result<&'a PathAndJson<'rc>, Fault> {
    super::unnamed(helper)?;
    only(helper)
}

fn only<'a, 'rc>(helper: &'a Helper<'rc>) -> Result<&'a PathAndJson<'rc>, Fault> {
    match helper.params().as_slice() {
        [param] => Ok(param),
        params => Err(arity(helper, 1, params.len())),
    }
}

/// Counts what goes through it.
struct HeldBack<'a> {
    budget: &'a Budget,
    out: &'a mut dyn Output,
}

impl Output for HeldBack<'_> {
    fn write(&mut self, text: &str) -> io::Result<()> {
        self.budget.hold_back(text.len()).map_err(io::Error::other)?;
        self.out.write(text)
    }
}
