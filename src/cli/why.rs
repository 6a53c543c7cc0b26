//! `verwalter why ROLE NODE`: the reason that the scheduler gave for a placement, from the schedule a node has stored.

use std::path::PathBuf;

use clap::Args;
use verwalter_core::plain::plain;

use super::print;
use crate::exit::Exit;
use crate::store;
use crate::why::explain;

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

/// Answers on standard output.
pub fn run(args: &WhyArgs) -> anyhow::Result<Exit> {
    let Some(in_force) = store::read_stored(&args.storage_dir)? else {
        anyhow::bail!(
            "{} holds no schedule yet: has a node run with this --storage-dir (a demo's is DIR/var)?",
            args.storage_dir.display()
        );
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
