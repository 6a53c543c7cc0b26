//! `verwalter simulate …`: made-up clusters for authors of plugins. It reads nothing of this machine and asks nobody.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use verwalter_collect::default_metrics;
use verwalter_collect::generate::{Document, STEP, Wanted, Written};
use verwalter_core::contract::{InputKey, InputMode, Reads, SchedulerInput, SnapshotView, document};
use verwalter_core::ids::{Round, Term};
use verwalter_core::json::canonical;

use super::schedule::scheduler_manifest;
use crate::config::ConfigTree;
use crate::config::units::TimeSpan;
use crate::exit::Exit;

/// The most nodes that a schedule may name.
const PEERS: RangeInclusive<u64> = 1..=verwalter_core::admit::MAX_NODES as u64;
/// Arbitrary, twenty times what a machine with a few applications has.
const METRICS: RangeInclusive<u64> = 0..=1_000;
/// A day and a night: longer ago is nothing that a column could show.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// The most numbers in one document: they are held in memory until the peers are written, in 160 MB.
const MAX_NUMBERS: u64 = 20_000_000;
/// The most samples that are made up for one: some seven minutes of one processor.
const MAX_SAMPLES: u64 = 10_000_000_000;

/// The options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(subcommand)]
    command: SimulateCommand,
}

#[derive(Debug, Subcommand)]
enum SimulateCommand {
    /// Print a scheduler's input document of a made-up cluster: for `schedule --input`, and as `input.json` of a golden case
    Snapshot(SnapshotArgs),
}

/// The options of `simulate snapshot`.
#[derive(Debug, Args)]
struct SnapshotArgs {
    /// How many peers the cluster has, 1 to 100000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(PEERS))]
    peers: u64,
    /// How many series each machine has, 0 to 1000: those of the built-in agent first, then applications'. Without --manifest each is a
    /// column: in bytes, bytes/s, seconds or ratios, by the name of the default column where there is one
    #[arg(long, value_name = "M", default_value_t = 20, value_parser = clap::value_parser!(u64).range(METRICS))]
    metrics: u64,
    /// Which cluster: the same seed gives the same bytes, on every machine
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How long the cluster has run, in steps of 2 s up to 24h: the same machines with the figures of that moment. Windows look back no
    /// further than to its begin
    #[arg(long, value_name = "TIME", default_value = "1m")]
    after: TimeSpan,
    /// A scheduler's manifest: its `metrics` become the columns, its `config` the configuration
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A configuration tree: its `runtime/` becomes the metadata [default: none]
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Write the document there [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does what the subcommand says.
pub fn run(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let SimulateCommand::Snapshot(args) = &args.command;
    snapshot(args)
}

fn snapshot(args: &SnapshotArgs) -> anyhow::Result<Exit> {
    anyhow::ensure!(args.after.0 <= LONGEST, "--after {} is longer than {}: nothing looks back further", args.after, TimeSpan(LONGEST));
    let steps = u64::try_from(args.after.0.as_millis() / STEP.as_millis())? + 1;
    let manifest = args.manifest.as_deref().map(scheduler_manifest).transpose()?;
    let columns = manifest.as_ref().map(|manifest| manifest.metrics.clone().unwrap_or_else(default_metrics));
    let width = columns.as_ref().map_or(args.metrics, |columns| columns.len() as u64);
    bounded(args.peers * width, MAX_NUMBERS, "numbers in one document", "peers or columns")?;
    bounded(args.peers * args.metrics * steps, MAX_SAMPLES, "samples to make up", "--peers, --metrics or --after")?;
    let config = manifest.map_or_else(|| "{}".to_owned(), |manifest| canonical::to_string(&manifest.config));
    let runtime = args.config_dir.as_deref().map_or_else(|| Ok("{}".to_owned()), runtime)?;
    let wanted = Wanted { seed: args.seed, peers: usize::try_from(args.peers)?, metrics: usize::try_from(args.metrics)?, steps, columns };
    let document = Document::new(&wanted);
    let head = head(&document, &config, &runtime)?;
    let written = match &args.out {
        Some(path) => {
            let failed = || format!("{} cannot be written", path.display());
            let file = File::create(path).with_context(failed)?;
            Some(write(&document, &head, file).with_context(failed)?)
        }
        None => match write(&document, &head, io::stdout().lock()) {
            // A reader that went away (`| head`) has what it wanted.
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => None,
            written => Some(written?),
        },
    };
    for unmatched in written.iter().flat_map(|written| &written.unmatched) {
        let near = if unmatched.near.is_empty() { String::new() } else { format!("; there are {}", unmatched.near.join(", ")) };
        eprintln!("verwalter: no machine has a series for the column `{}` ({}){near}", unmatched.name, unmatched.rule);
    }
    Ok(Exit::Done)
}

fn bounded(count: u64, most: u64, what: &str, less: &str) -> anyhow::Result<()> {
    anyhow::ensure!(count <= most, "these are {count} {what}, at most {most} are possible: ask for fewer {less}");
    Ok(())
}

fn write(document: &Document, head: &str, out: impl Write) -> io::Result<Written> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let written = document.write(head, &mut out)?;
    out.flush()?;
    Ok(written)
}

/// Everything but peers and metrics: the first round of the first peer, which follows no schedule.
fn head(shown: &Document, config: &str, runtime: &str) -> anyhow::Result<String> {
    let (hostname, id) = shown.first().context("a cluster without peers has no leader")?;
    let input = SchedulerInput {
        now: shown.now(),
        round: Round(1),
        term: Term { counter: 1, leader: id },
        current_host: hostname,
        current_id: id,
        config,
        runtime,
        parents: &[],
        actions: "{}",
    };
    let keys = vec![InputKey::Runtime, InputKey::Parents, InputKey::Actions];
    let reads = Reads { mode: InputMode::Columns, keys, metrics: [].into() };
    Ok(document(&input, &reads, &SnapshotView::default()))
}

/// The metadata of a tree, of which nothing else needs to be sound.
fn runtime(dir: &Path) -> anyhow::Result<String> {
    let (tree, errors) = ConfigTree::load(dir);
    if !tree.runtime.is_sound() {
        let below = tree.dir.join("runtime");
        let own: Vec<String> = errors.iter().filter(|err| err.path.starts_with(&below)).map(ToString::to_string).collect();
        let told = if own.is_empty() { errors.iter().map(ToString::to_string).collect() } else { own };
        anyhow::bail!("{}", told.join("\n"));
    }
    Ok(tree.runtime.value.to_string())
}
