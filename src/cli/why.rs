//! `verwalter why ROLE NODE`: the reason that the scheduler gave for a placement, from the schedule a node has stored.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use verwalter_core::ids::UnixMillis;
use verwalter_core::plain::plain;

use super::print;
use crate::exit::Exit;
use crate::store::{self, InForce};

/// The options of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// Which role
    role: String,
    /// Which node, by its hostname in the schedule
    node: String,
    /// The storage directory of a node; read as it is, the node may run or not
    #[arg(long, value_name = "DIR", default_value = "/var/lib/verwalter")]
    storage_dir: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// A reason with its circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The role asked about.
    pub role: String,
    /// The node asked about.
    pub node: String,
    /// How many instances stand there.
    pub instances: u32,
    /// What the scheduler said; absent when it gave no reason.
    pub why: Option<String>,
    /// The schedule.
    pub schedule: String,
    /// When that came into force.
    pub since: UnixMillis,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The role stands elsewhere.
    #[error("role {role} is not placed on node {node}: it stands on {elsewhere}")]
    Elsewhere {
        /// The role asked about.
        role: String,
        /// The node asked about.
        node: String,
        /// Some of the nodes that have it.
        elsewhere: String,
    },
    /// The role stands nowhere.
    #[error("role {role} is not placed on any node{known}")]
    Nowhere {
        /// The role asked about.
        role: String,
        /// What there is instead.
        known: String,
    },
    /// The plugin's reasons have another shape than the contract's.
    #[error("the scheduler's reasons cannot be read: {0}")]
    Malformed(String),
}

/// Finds the reason for `role` on `node`.
pub fn explain(in_force: &InForce, role: &str, node: &str) -> Result<Answer, NoAnswer> {
    let schedule = &in_force.schedule;
    let Some((_, instances)) = schedule.nodes_of(role).find(|(hostname, _)| hostname.as_str() == node) else {
        return Err(absent(in_force, role, node));
    };
    let why = in_force.why.read().map_err(|err| NoAnswer::Malformed(err.to_string()))?;
    let why = why.get(role).and_then(|nodes| nodes.get(node)).cloned();
    Ok(Answer { role: role.to_owned(), node: node.to_owned(), instances, why, schedule: schedule.digest().hex(), since: in_force.since })
}

fn absent(in_force: &InForce, role: &str, node: &str) -> NoAnswer {
    const SHOWN: usize = 5;
    let nodes: Vec<&str> = in_force.schedule.nodes_of(role).map(|(hostname, _)| hostname.as_str()).take(SHOWN).collect();
    if !nodes.is_empty() {
        return NoAnswer::Elsewhere { role: role.to_owned(), node: node.to_owned(), elsewhere: nodes.join(", ") };
    }
    let known: Vec<&str> = in_force.schedule.roles().map(|role| role.as_str()).take(SHOWN).collect();
    let known = if known.is_empty() { String::new() } else { format!(" (roles are {})", known.join(", ")) };
    NoAnswer::Nowhere { role: role.to_owned(), known }
}

/// Answers on standard output.
pub fn run(args: &WhyArgs) -> anyhow::Result<Exit> {
    let Some(in_force) = store::read_stored(&args.storage_dir)? else {
        anyhow::bail!("{} holds no schedule yet: has a node run with this --storage-dir?", args.storage_dir.display());
    };
    let answer = explain(&in_force, &args.role, &args.node)?;
    if args.json {
        print(serde_json::to_string(&answer)?)?;
        return Ok(Exit::Done);
    }
    let why = answer.why.as_deref().map_or_else(|| "the scheduler gave no reason".to_owned(), |why| plain(why, usize::MAX));
    print(format_args!(
        "{} on {}, {} instance{}: {why}",
        answer.role,
        answer.node,
        answer.instances,
        if answer.instances == 1 { "" } else { "s" }
    ))?;
    print(format_args!(
        "in force since {} (schedule {})",
        crate::status::since(answer.since, verwalter_collect::clock::unix_now()),
        &answer.schedule[..12]
    ))?;
    Ok(Exit::Done)
}
