//! `verwalter plan`: what a running node would do for the schedule in force, for one in a file, or for one that a candidate plugin decides now; and
//! `verwalter apply`: the same, done, if it is still the same. The node finds it out and does it; secrets never reach this program.

mod text;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use serde_json::value::RawValue;
use verwalter_core::digest::Digest;
use verwalter_core::json::canonical;
use verwalter_core::names::RoleName;

use self::text::About;
use super::node::{self, NodeArgs};
use super::pager::{Colour, show};
use super::{print, schedule};
use crate::deploy::plan::{Plan, RoleState};
use crate::exit::Exit;
use crate::http::plan::APPLY_WAIT;
use crate::store;

/// The options of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A schedule in a file, as `verwalter schedule` prints it or /v1/schedule gives it [default: the one in force]
    #[arg(long, value_name = "FILE", conflicts_with = "plugin")]
    schedule: Option<PathBuf>,
    /// A scheduler plugin, which decides on what the node's newest round read
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// The plugin's manifest [default: the plugin's file with the ending .yaml, if it is there]
    #[arg(long, value_name = "FILE", requires = "plugin")]
    manifest: Option<PathBuf>,
    /// Show this role only, also for --exit-code; the digest is that of the whole plan
    #[arg(long, value_name = "ROLE", value_parser = RoleName::new)]
    role: Option<RoleName>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Do not page: by default a terminal gets the plan through VERWALTER_PAGER, PAGER or `less`
    #[arg(long)]
    no_pager: bool,
    /// End with status 8 if anything would be done or cannot be
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// The options of `apply`.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The digest at the end of a plan: where it is another by now, nothing is done
    #[arg(long, value_name = "DIGEST", value_parser = Digest::parse)]
    plan: Digest,
    /// Print the node's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Where plans are made.
const PLAN: &str = "/v1/plan";
/// Where they are applied.
const APPLY: &str = "/v1/apply";

/// Shows a plan.
pub(super) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let body = match schedule(args)? {
        Some(schedule) => format!(r#"{{"schedule":{schedule}}}"#),
        None => "{}".to_owned(),
    };
    let answer = node::order_text(&args.node.node, PLAN, body)?;
    let mut plan: Plan = node::read(&args.node.node, PLAN, &answer)?;
    let mut about = About { role: args.role.as_ref(), others: Vec::new(), node: &args.node.node };
    if let Some(wanted) = &args.role {
        let others = plan.roles.iter().filter(|role| role.role != *wanted && role.state.acts());
        about.others = others.map(|role| role.role.clone()).collect();
        plan.roles.retain(|role| role.role == *wanted);
        plan.elsewhere.nodes.iter_mut().for_each(|node| node.roles.retain(|role| role.role == *wanted));
        plan.elsewhere.nodes.retain(|node| !node.roles.is_empty());
        let found = !plan.roles.is_empty() || !plan.elsewhere.nodes.is_empty();
        anyhow::ensure!(found, "the plan has nothing about a role {wanted}: look at it without --role");
    }
    if args.json {
        print(canonical::to_string(&serde_json::to_value(&plan)?))?;
    } else {
        show(args.color, args.no_pager, &|style| text::plan(&plan, &about, style))?;
    }
    // Of what is shown; whether the nodes that are not would change, nobody knows.
    let nodes = plan.elsewhere.nodes.len() + plan.elsewhere.left_out;
    let done = nodes > 0 || plan.roles.iter().any(|role| role.state != RoleState::Unchanged);
    Ok(if args.exit_code && done { Exit::Differs } else { Exit::Done })
}

/// Applies one.
pub(super) fn apply(args: &ApplyArgs) -> anyhow::Result<Exit> {
    // Longer than the node waits itself, so that its own answer is heard.
    let wait = APPLY_WAIT + Duration::from_secs(15);
    let answer = node::order_text_within(wait, &args.node.node, APPLY, json!({ "plan": args.plan }).to_string())?;
    if args.json {
        print(answer.trim_end())?;
        return Ok(Exit::Done);
    }
    let answer: serde_json::Value = node::read(&args.node.node, APPLY, &answer)?;
    print(verwalter_core::plain::plain(answer["message"].as_str().unwrap_or("it is done"), 4_000))?;
    Ok(Exit::Done)
}

/// The schedule that is planned for, as JSON; `None`: the one in force.
fn schedule(args: &PlanArgs) -> anyhow::Result<Option<String>> {
    if let Some(path) = &args.schedule {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        // What is no JSON is told here, by its line.
        let raw: &RawValue = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        // So is what is no schedule: the node knows no file.
        store::given(raw.get()).with_context(|| format!("{} is no schedule", path.display()))?;
        return Ok(Some(raw.get().to_owned()));
    }
    let Some(plugin) = &args.plugin else { return Ok(None) };
    let input = node::get_text(&args.node.node, "/v1/scheduler_input")?;
    let decided = schedule::decided(plugin, args.manifest.as_deref(), &input, "/v1/scheduler_input")?;
    Ok(Some(decided.admitted.schedule.canonical().to_owned()))
}
