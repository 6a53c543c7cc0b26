//! `verwalter role …`: what belongs to which role on a machine, and orders about that to its node. Whether they can be carried out is the
//! node's to say.

mod list;
mod reading;

use clap::{Args, Subcommand};
use serde_json::json;
use verwalter_core::names::RoleName;

use super::node::{self, NodeArgs};
use super::print;
use crate::exit::Exit;

/// The options of `role`.
#[derive(Debug, Args)]
pub struct RoleArgs {
    #[command(subcommand)]
    command: RoleCommand,
}

#[derive(Debug, Subcommand)]
enum RoleCommand {
    /// Say what belongs to which role, since when and under which schedule
    List(list::ListArgs),
    /// Make files that are there already a role's own: those that it does not produce go with its next deployment, due at once unless
    /// it waits, the others when it produces them no longer, or leaves
    Adopt(AdoptArgs),
    /// Let files be a role's no longer: they stay, whatever becomes of it
    Forget(ForgetArgs),
}

#[derive(Debug, Args)]
struct AdoptArgs {
    /// The role, which must be on this node
    #[arg(value_parser = RoleName::new)]
    role: RoleName,
    /// The files: absolute paths, or paths below the node's output directory; all of them or none
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Args)]
struct ForgetArgs {
    /// The role
    #[arg(value_parser = RoleName::new)]
    role: RoleName,
    /// The files: absolute paths, or paths below the node's output directory [default: all, and what else is remembered of the
    /// role, so that nothing runs when it leaves]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Does what the subcommand says.
pub fn run(args: &RoleArgs) -> anyhow::Result<Exit> {
    match &args.command {
        RoleCommand::List(args) => list::run(args),
        RoleCommand::Adopt(AdoptArgs { role, paths, node }) => order(node, role, "adopt", &json!({ "paths": paths })),
        RoleCommand::Forget(ForgetArgs { role, paths, node }) if paths.is_empty() => order(node, role, "forget", &json!({})),
        RoleCommand::Forget(ForgetArgs { role, paths, node }) => order(node, role, "forget", &json!({ "paths": paths })),
    }
}

fn order(node: &NodeArgs, role: &RoleName, order: &str, body: &serde_json::Value) -> anyhow::Result<Exit> {
    print(node::order(&node.node, &format!("/v1/roles/{role}/{order}"), body)?)?;
    Ok(Exit::Done)
}
