//! `verwalter replay`: what a recorded round changed, or would have changed with another build. Without a daemon, for no effect.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;
use verwalter_core::diff::Diff;
use verwalter_core::ids::Round;
use verwalter_core::names::PluginName;
use verwalter_core::plain::plain;
use verwalter_core::ports::{Kind, Scheduler};

use super::plugin::read;
use super::print;
use super::verify::{Recorded, sandbox, taken_apart};
use crate::exit::Exit;
use crate::journal::record::{Outcome, Record};
use crate::journal::verify::{circumstances, decided};
use crate::plugin::manifest::Manifest;
use crate::round::circumstances::Circumstances;
use crate::round::decide::{Decided, decide, prepare};

/// The options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Which round: its number, or TERM/NUMBER for one of an earlier leadership
    #[arg(value_name = "ROUND", value_parser = parse_round)]
    round: (Option<u64>, u64),
    #[command(flatten)]
    recorded: Recorded,
    /// Another build to decide with; without it, what the recorded one changed is shown
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// The other build's manifest [default: the plugin's file with the ending .yaml, if it is there, or else the recorded one]
    #[arg(long, value_name = "FILE", requires = "plugin")]
    manifest: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

fn parse_round(text: &str) -> Result<(Option<u64>, u64), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| "write a round's number, or TERM/NUMBER".to_owned());
    match text.split_once('/') {
        Some((term, round)) => Ok((Some(number(term)?), number(round)?)),
        None => Ok((None, number(text)?)),
    }
}

/// Shows what a recorded round changed, or decides it with another build and shows what that would place otherwise.
pub fn run(args: &ReplayArgs) -> anyhow::Result<Exit> {
    let (term, round) = args.round;
    let found = args.recorded.reader()?.find(term, Round(round));
    for gap in &found.gaps {
        eprintln!("verwalter: {gap}");
    }
    let stored = found.stored.with_context(|| {
        let term = term.map_or(String::new(), |term| format!(" of term {term}"));
        format!(
            "round {round}{term} is not in the journal: only rounds that changed something or failed are, unless the settings say \
             `journal: {{ rounds: all }}`; `verwalter verify` lists them"
        )
    })?;
    let record = taken_apart(&stored).map_err(anyhow::Error::msg)?;
    let known = circumstances(&record);
    let before = decided(&record);
    let Some(file) = &args.plugin else {
        let after = before.with_context(|| {
            let why = word(&record.about.outcome).map_or(String::new(), |word| format!(" ({word})"));
            format!("in round {round} nothing was decided{why}: name another build with --plugin")
        })?;
        let diff = Diff::between(known.previous(), &after, known.snapshot.peers());
        return show(args, &record, &diff, None, "from the schedule before to the one decided");
    };
    let manifest = manifest(args, file, &record)?;
    let (_cache, activator) = sandbox()?;
    let name = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| PluginName::new(stem).ok());
    let name = name.unwrap_or_else(|| PluginName::new("plugin").expect("a valid name"));
    let loaded = activator.load(&name, &read(file)?, &manifest).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
    let decided = match ask(&loaded, &known) {
        Ok(decided) => decided,
        Err(why) => {
            eprintln!("verwalter: {}", plain(&why, usize::MAX));
            return Ok(Exit::Failed);
        }
    };
    let schedule = &decided.admitted.schedule;
    let (base, what) = match &before {
        Some(before) => (Some(before), "from the recorded decision to this build's"),
        None => (known.previous(), "from the schedule before to this build's, since nothing was decided in that round"),
    };
    if let Err(tripped) = Scheduler::guards(&loaded).check(&Diff::between(known.previous(), schedule, known.snapshot.peers())) {
        eprintln!("a daemon's guard would stop it: {tripped}");
    }
    show(args, &record, &Diff::between(base, schedule, known.snapshot.peers()), Some(&decided), what)
}

/// Decides with a build that may want to be told other things than the recorded one was.
fn ask(scheduler: &dyn Scheduler, known: &Circumstances) -> Result<Decided, String> {
    for name in scheduler.reads().metrics.iter().filter(|(_, rule)| known.snapshot.column(rule).is_none()).map(|(name, _)| name) {
        eprintln!("no figures were recorded for the metric `{name}`: the build is told that they are missing");
    }
    let (document, view, took) = prepare(scheduler, &known.input(scheduler.config()), &known.snapshot);
    decide(scheduler, &document, &view, took).map_err(|undecided| undecided.to_string())
}

fn show(args: &ReplayArgs, record: &Record, diff: &Diff, decided: Option<&Decided>, what: &str) -> anyhow::Result<Exit> {
    let (about, totals) = (&record.about, diff.totals());
    if args.json {
        let fuel = decided.map(|decided| decided.cost.fuel);
        print(json!({ "round": about.round, "term": about.term.counter, "diff": diff, "totals": totals, "fuel": fuel, "from": what }))?;
        return Ok(Exit::Done);
    }
    for line in diff.lines() {
        print(line)?;
    }
    if let Some(decided) = decided {
        eprintln!("fuel {}, {:.1} ms", decided.cost.fuel, decided.cost.elapsed.as_secs_f64() * 1000.0);
    } else if let Some(word) = word(&about.outcome) {
        eprintln!("it did not come into force: {}", plain(&word, usize::MAX));
    }
    eprintln!(
        "{what}: {} instances before, {} after; {} started, {} stopped, {} of them moved; {} placements with other variables",
        totals.before, totals.after, totals.started, totals.stopped, totals.moved, totals.changed
    );
    Ok(Exit::Done)
}

/// Why nothing of a round came into force, where nothing did.
fn word(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::Denied { reasons, .. } => Some(reasons.join("; ")),
        Outcome::Failed { message, .. } => Some(message.clone()),
    }
}

fn manifest(args: &ReplayArgs, plugin: &Path, record: &Record) -> anyhow::Result<Manifest> {
    let lines = |errors: Vec<crate::config::FileError>| {
        anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let beside = plugin.with_extension("yaml");
    let (manifest, place) = match args.manifest.clone().or_else(|| beside.is_file().then_some(beside)) {
        Some(path) => (Manifest::read(&path).map_err(lines)?, path.display().to_string()),
        None => match &record.about.scheduler {
            Some(call) => (Manifest::parse(Path::new("recorded manifest"), &call.manifest).map_err(lines)?, "the recorded one".to_owned()),
            None => (Manifest::plain(Kind::Scheduler), String::new()),
        },
    };
    let kind = manifest.kind;
    anyhow::ensure!(
        kind == Kind::Scheduler,
        "{place} is the manifest of a {kind} plugin, and only a scheduler decides: give a scheduler's with --manifest"
    );
    Ok(manifest)
}
