//! `verwalter plugin shadow NAME`: what a plugin in shadow mode would have decided otherwise.

use clap::Args;
use serde_json::Value;
use verwalter_core::names::PluginName;

use crate::cli::node::{self, NodeArgs};
use crate::cli::print;
use crate::exit::Exit;
use verwalter_core::plain::plain;

/// Longest text that is shown of one value, in characters.
const TEXT_CHARS: usize = 1_000;

/// The options of `plugin shadow`.
#[derive(Debug, Args)]
pub(super) struct ShadowArgs {
    /// The plugin
    #[arg(value_parser = PluginName::new)]
    name: PluginName,
    /// Print the node's own JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Prints counters and the last differences.
pub(super) fn run(args: &ShadowArgs) -> anyhow::Result<Exit> {
    let (node, path) = (&args.node.node, format!("/v1/plugins/{}/shadow", args.name));
    if args.json {
        print(node::get_text(node, &path)?.trim_end())?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    outline(&node::get(node, &path)?, 0, &mut text);
    print(text.trim_end())?;
    Ok(Exit::Done)
}

/// A document as indented lines, whatever is in it: the differences have the shape of what differs.
fn outline(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                text.push_str(&format!("{indent}{}:", plain(key, TEXT_CHARS)));
                below(value, depth, text);
            }
        }
        Value::Array(list) => {
            for value in list {
                text.push_str(&format!("{indent}-"));
                below(value, depth, text);
            }
        }
        _ => text.push_str(&format!("{indent}{}\n", scalar(value))),
    }
}

/// What follows a key or a dash: on its line, or below it.
fn below(value: &Value, depth: usize, text: &mut String) {
    let is_empty = match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => {
            text.push_str(&format!(" {}\n", scalar(value)));
            return;
        }
    };
    text.push_str(if is_empty { " none\n" } else { "\n" });
    outline(value, depth + 1, text);
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text, TEXT_CHARS),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_document_has_an_outline() {
        let check = |value: Value, expect: &str| {
            let mut text = String::new();
            outline(&value, 0, &mut text);
            assert_eq!(text, expect, "{value}");
        };
        check(json!({ "rounds": 7, "same": 5, "last": null }), "last: -\nrounds: 7\nsame: 5\n");
        check(
            json!({ "diffs": [{ "role": "web", "moved": ["a\n", true] }] }),
            "diffs:\n  -\n    moved:\n      - a\\n\n      - true\n    role: web\n",
        );
        check(json!({ "diffs": [], "by": {} }), "by: none\ndiffs: none\n");
        check(json!(3), "3\n");
    }
}
