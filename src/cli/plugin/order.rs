//! `verwalter plugin rollback|release|allow`: orders to a running node. Whether they can be carried out is the node's to say.

use anyhow::{bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;

use super::reading::Plugin;
use crate::cli::node::{self, NodeArgs};
use crate::cli::print;
use crate::exit::Exit;
use verwalter_core::plain::plain;

/// Fewer digits of a digest are no name of a build: a slip of the finger would find one.
const LEAST_DIGITS: usize = 4;

/// Which plugin on which node.
#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// The plugin
    #[arg(value_parser = PluginName::new)]
    name: PluginName,
    #[command(flatten)]
    node: NodeArgs,
}

/// The options of `plugin rollback`.
#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    order: OrderArgs,
    /// The build to go back to, or the first digits of its digest [default: the one before the build in force]
    #[arg(long, value_name = "DIGEST")]
    to: Option<String>,
}

/// Puts a former build in force.
pub(super) fn rollback(args: &RollbackArgs) -> anyhow::Result<Exit> {
    let OrderArgs { name, node } = &args.order;
    let body = match &args.to {
        None => json!({}),
        Some(to) => {
            let digest = match Digest::parse(to) {
                Ok(digest) => digest,
                Err(_) => find(&node::get(&node.node, &format!("/v1/plugins/{name}"))?, to)?,
            };
            json!({ "digest": digest })
        }
    };
    give(&args.order, "rollback", &body)
}

/// Lifts a quarantine.
pub(super) fn release(args: &OrderArgs) -> anyhow::Result<Exit> {
    give(args, "release", &json!({}))
}

/// Lets the guards pass the next decision.
pub(super) fn allow(args: &OrderArgs) -> anyhow::Result<Exit> {
    give(args, "allow", &json!({}))
}

fn give(args: &OrderArgs, order: &str, body: &Value) -> anyhow::Result<Exit> {
    print(node::order(&args.node.node, &format!("/v1/plugins/{}/{order}", args.name), body)?)?;
    Ok(Exit::Done)
}

/// The one kept build whose digest begins with `digits`.
fn find(plugin: &Plugin, digits: &str) -> anyhow::Result<Digest> {
    let hex = digits.strip_prefix("sha256:").unwrap_or(digits).to_ascii_lowercase();
    ensure!(
        hex.len() >= LEAST_DIGITS && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        "`{}` is no digest: give {LEAST_DIGITS} or more of its hexadecimal digits, or all of it",
        plain(digits, 100)
    );
    let kept = plugin.generations.iter().filter_map(|generation| Digest::parse(&generation.digest).ok());
    let kept: std::collections::BTreeSet<Digest> = kept.collect();
    let found: Vec<&Digest> = kept.iter().filter(|digest| digest.hex().starts_with(&hex)).collect();
    let list = |digests: &mut dyn Iterator<Item = &Digest>| digests.map(Digest::short).collect::<Vec<_>>().join(", ");
    let name = plain(&plugin.name, 100);
    match found[..] {
        [digest] => Ok(*digest),
        [] if kept.is_empty() => bail!("no build of {name} is kept: there is nothing to go back to"),
        [] => bail!("no kept build of {name} begins with {hex}; there are {}", list(&mut kept.iter())),
        _ => bail!("several kept builds of {name} begin with {hex}: {}; give more digits", list(&mut found.iter().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_found_by_their_first_digits() {
        let digest = |first: &str| format!("sha256:{first}{}", "0".repeat(64 - first.len()));
        let plugin = |digests: &[&str]| {
            let generations: Vec<Value> = digests.iter().map(|first| json!({ "digest": digest(first) })).collect();
            serde_json::from_value::<Plugin>(json!({ "name": "spread", "generations": generations })).expect("it is lenient")
        };
        let check = |digests: &[&str], digits: &str, expect: Result<&str, &str>| {
            let found = find(&plugin(digests), digits).map(|digest| digest.to_string()).map_err(|err| err.to_string());
            match expect {
                Ok(first) => assert_eq!(found, Ok(digest(first)), "{digits}"),
                Err(told) => assert!(found.as_ref().is_err_and(|err| err.contains(told)), "{digits}: {found:?}"),
            }
        };
        let kept = ["44136fa3", "44136fb4", "beef"];
        check(&kept, "beef", Ok("beef"));
        check(&kept, "sha256:BEEF0", Ok("beef"));
        check(&kept, "44136fa", Ok("44136fa3"));
        check(&["beef", "beef"], "beef", Ok("beef"));
        check(&kept, "4413", Err("give more digits"));
        check(&kept, "dead", Err("no kept build of spread begins with dead; there are 44136fa30000, 44136fb40000, beef00000000"));
        check(&[], "dead", Err("nothing to go back to"));
        for bad in ["", "bee", "sha256:", "beeg", "\x1b[2J0000"] {
            check(&kept, bad, Err("is no digest"));
        }
    }
}
