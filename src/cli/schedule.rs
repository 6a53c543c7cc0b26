//! `verwalter schedule`: one decision of a plugin on an input document, through the same call and the same `admit` as in a daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::Value;
use verwalter_core::json::canonical;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::plugin::read;
use super::print;
use crate::cli::scratch::Scratch;
use crate::exit::Exit;
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Compiler};
use crate::round::decide::{Decided, decide};
use crate::round::recorded;

/// Compiled code in the cache directory of this tool: a handful of plugins.
const CACHE_BYTES: u64 = 256 << 20;

/// The options of `schedule`.
#[derive(Debug, Args)]
pub struct ScheduleArgs {
    /// The scheduler plugin
    #[arg(long, value_name = "FILE")]
    plugin: PathBuf,
    /// The input document, as `/v1/scheduler_input` gives it
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The plugin's manifest, for its limits and configuration [default: the plugin's file with the ending .yaml, if it is there]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Print the whole answer as JSON: schedule, why, changes, log, cost
    #[arg(long)]
    json: bool,
}

/// Decides once; the schedule goes to standard output, figures to standard error.
pub fn run(args: &ScheduleArgs) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.input).with_context(|| format!("{} cannot be read", args.input.display()))?;
    let decided = decided(&args.plugin, args.manifest.as_deref(), &text, &args.input.display().to_string())?;
    let schedule = &decided.admitted.schedule;
    if args.json {
        let why = decided.admitted.why.read().unwrap_or_default();
        let answer = serde_json::json!({
            "schedule": serde_json::from_str::<Value>(schedule.canonical())?,
            "digest": schedule.digest(),
            "why": why,
            "changes": decided.admitted.changes,
            "log": decided.admitted.log,
            "warnings": decided.admitted.warnings,
            "actions": decided.admitted.actions,
            "fuel": decided.cost.fuel,
            "peak_memory_bytes": decided.cost.peak_memory,
        });
        print(canonical::to_string(&answer))?;
    } else {
        print(schedule.canonical())?;
        let totals = schedule.totals();
        eprintln!(
            "{}: {} roles, {} placements, {} instances; {:.1} ms, fuel {}, {} KiB of memory",
            schedule.digest(),
            totals.roles,
            totals.placements,
            totals.instances,
            decided.cost.elapsed.as_secs_f64() * 1000.0,
            decided.cost.fuel,
            decided.cost.peak_memory >> 10
        );
    }
    Ok(Exit::Done)
}

/// One decision of a plugin on an input document, which messages call `whence`. What the plugin logs goes to standard error.
pub(super) fn decided(plugin: &Path, given: Option<&Path>, input: &str, whence: &str) -> anyhow::Result<Decided> {
    let view = recorded::view(input, &[]).map_err(|err| anyhow::anyhow!("{whence}: {err}"))?;
    let wasm = read(plugin)?;
    let manifest = manifest(plugin, given)?;
    let name = plugin.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| PluginName::new(stem).ok());
    let name = name.unwrap_or_else(|| PluginName::new("plugin").expect("a valid name"));
    let cache = Scratch::new()?;
    let activator = Activator::without_storage(cache.path(), Compiler::default(), CACHE_BYTES)?;
    let loaded = activator.load(&name, &wasm, &manifest).map_err(|err| anyhow::anyhow!("{}: {err}", plugin.display()))?;
    let decided = decide(&loaded, input, &Arc::new(view), std::time::Duration::ZERO).map_err(|undecided| anyhow::anyhow!("{undecided}"))?;
    for line in &decided.log {
        eprintln!("{}", line.text.escape_debug());
    }
    Ok(decided)
}

fn manifest(plugin: &Path, given: Option<&Path>) -> anyhow::Result<Manifest> {
    let beside = plugin.with_extension("yaml");
    let path = given.map(Path::to_owned).or_else(|| beside.is_file().then_some(beside));
    path.map_or_else(|| Ok(Manifest::plain(Kind::Scheduler)), |path| scheduler_manifest(&path))
}

/// Reads a manifest that must be a scheduler's.
pub(super) fn scheduler_manifest(path: &Path) -> anyhow::Result<Manifest> {
    let manifest = Manifest::read(path).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let kind = manifest.kind;
    anyhow::ensure!(
        kind == Kind::Scheduler,
        "{} is the manifest of a {kind} plugin, and only a scheduler decides: give a scheduler's with --manifest",
        path.display()
    );
    Ok(manifest)
}
