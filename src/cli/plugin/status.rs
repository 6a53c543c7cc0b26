//! `verwalter plugin status`: what a running node does with its plugins, as a table, or one plugin in all its detail.

mod detail;
mod table;

use clap::Args;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;

use super::reading::{Plugin, Plugins};
use crate::cli::node::{self, NodeArgs};
use crate::cli::print;
use crate::exit::Exit;
use crate::status::since;
use verwalter_collect::clock::unix_now;

/// The options of `plugin status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One plugin, with its steps, generations, quarantine and limits [default: a table of all]
    #[arg(value_parser = PluginName::new)]
    name: Option<PluginName>,
    /// Print the node's own JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Prints the status.
pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let node = &args.node.node;
    let path = args.name.as_ref().map_or("/v1/plugins".to_owned(), |name| format!("/v1/plugins/{name}"));
    if args.json {
        print(node::get_text(node, &path)?.trim_end())?;
        return Ok(Exit::Done);
    }
    let text = match &args.name {
        Some(_) => detail::text(&node::get::<Plugin>(node, &path)?, unix_now()),
        None => table::text(&node::get::<Plugins>(node, &path)?, unix_now()),
    };
    print(text.trim_end())?;
    Ok(Exit::Done)
}

/// A digest's first digits, as the other commands and the log write it.
fn short(digest: &str) -> String {
    const DIGITS: usize = 12;
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(DIGITS).flat_map(char::escape_debug).collect()
}

/// A duration for people.
fn duration(us: u64) -> String {
    match us {
        0..=999 => format!("{us} µs"),
        1_000..=999_999 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

fn ago(at: Option<u64>, now: UnixMillis) -> String {
    at.map_or("at an unknown time".to_owned(), |at| since(UnixMillis(at), now))
}

/// Something that may not be known.
fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or("-".to_owned(), |text| text.to_string())
}

#[cfg(test)]
mod tests;
