//! `verwalter plugin bench`: what a plugin's calls cost in made-up clusters, and whether that is more than before. Without a daemon.

mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::project::Project;
use super::subject::{Subject, Target, Workbench};
use crate::cli::print;
use crate::config::units::TimeSpan;
use crate::exit::Exit;
use crate::lab::baseline::{Compared, Measured, Sheet};
use crate::lab::bench::{Plan, bench};
use crate::lab::case::Case;
use crate::lab::golden;
use crate::plugin::ENGINE;

/// The options of `plugin bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// The plugins [default: what the project here builds]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The project [default: the one that the working directory lies in]
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    project: Option<PathBuf>,
    /// The manifest [default: the project's; of a file by itself the one beside it with the ending .yaml, if there is one]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The directory of golden cases, CASE/ or KIND/CASE/, after which clusters are made up [default: `cases` in the project, or beside each file]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// How many peers the made-up clusters have
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [10, 100, 1_000, 10_000], value_parser = parse_peers)]
    peers: Vec<usize>,
    /// How long each call is made again and again
    #[arg(long, value_name = "TIME", default_value = "1s")]
    time: TimeSpan,
    /// What a plugin is called in tables, for each file in their order [default: its file's stem]
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Print a JSON object
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown tables, a row a plugin
    #[arg(long)]
    markdown: bool,
    /// Keep the figures in a file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare the fuel with that of a kept file; status 1 if any grew
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

fn parse_peers(text: &str) -> Result<usize, String> {
    // The most nodes that a schedule may name.
    let bounds = 1..=verwalter_core::admit::MAX_NODES;
    let peers = text.parse().ok().filter(|peers| bounds.contains(peers));
    peers.ok_or_else(|| format!("write whole numbers from {} to {}, with commas between them", bounds.start(), bounds.end()))
}

/// Measures; status 1: something could not be measured, or costs more fuel than the baseline says.
pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let before = args.baseline.as_deref().map(Sheet::read).transpose()?;
    let targets = targets(args)?;
    let quiet = args.json || args.markdown;
    let mut sheet = Sheet { engine: ENGINE.to_owned(), plugins: Vec::new() };
    for (index, target) in targets.iter().enumerate() {
        // Nothing is taken from a project's cache: how long compiling takes is one of the figures.
        let subject = Workbench::open()?.load(target)?;
        let label = args.label.get(index).cloned().unwrap_or_else(|| subject.name.to_string());
        if !quiet {
            table::head(&label, &subject)?;
        }
        sheet.plugins.push(measured(args, target, &subject, label, quiet)?);
    }
    let compared = before.as_ref().map(|before| sheet.compare(before));
    tell(args, &sheet, before.as_ref(), compared.as_deref())?;
    if let Some(path) = &args.save {
        let text = serde_json::to_string_pretty(&sheet)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let failed = sheet.plugins.iter().flat_map(|plugin| &plugin.rows).any(|row| row.error.is_some());
    let grew = compared.iter().flatten().any(Compared::grew);
    Ok(if failed || grew { Exit::Failed } else { Exit::Done })
}

fn targets(args: &BenchArgs) -> anyhow::Result<Vec<Target>> {
    let (manifest, cases) = (args.manifest.as_deref(), args.cases.as_deref());
    let plugins = args.files.len().max(1);
    anyhow::ensure!(args.label.len() <= plugins, "there are {} labels for {plugins} plugins", args.label.len());
    anyhow::ensure!(plugins == 1 || manifest.is_none(), "--manifest is for one plugin: of several, each has its own beside it");
    if args.files.is_empty() {
        return Ok(vec![Target::project(Project::require(args.project.as_deref())?, manifest, cases)?]);
    }
    Ok(args.files.iter().map(|file| Target::file(file, manifest, cases)).collect())
}

fn measured(args: &BenchArgs, target: &Target, subject: &Subject, label: String, quiet: bool) -> anyhow::Result<Measured> {
    let mut asked = Vec::new();
    for dir in target.case_dirs(subject.loaded.kind())? {
        // What is wrong with a case is told by `plugin test`.
        if let Ok(case) = Case::read(Path::new(&dir), &subject.manifest) {
            let golden = golden::run(&subject.loaded, &case);
            asked.push((case, golden));
        }
    }
    let plan = Plan { peers: args.peers.clone(), time: args.time.0 };
    let mut printed = Ok(());
    let rows = bench(&subject.loaded, &asked, &plan, &mut |row| {
        if !quiet && printed.is_ok() {
            printed = table::row(row);
        }
    });
    printed?;
    if rows.is_empty() && !quiet {
        print("  nothing to measure: name the cases with --cases DIR")?;
    }
    Ok(Measured {
        label,
        kind: subject.loaded.kind(),
        abi: subject.abi.to_string(),
        digest: subject.digest,
        size_bytes: subject.size_bytes,
        load_ms: u64::try_from(subject.load_time.as_millis()).unwrap_or(u64::MAX),
        rows,
    })
}

fn tell(args: &BenchArgs, sheet: &Sheet, before: Option<&Sheet>, compared: Option<&[Compared]>) -> anyhow::Result<()> {
    if args.json {
        let mut object = serde_json::to_value(sheet)?;
        if let Some(compared) = compared {
            object["compared"] = json!(compared);
        }
        return print(object);
    }
    if args.markdown {
        print(table::markdown(sheet, &args.peers))?;
    }
    let (Some(before), Some(compared)) = (before, compared) else { return Ok(()) };
    if before.engine != sheet.engine {
        eprintln!(
            "verwalter: the baseline's fuel is {}'s, this is {}'s: fuel compares within one version only",
            before.engine, sheet.engine
        );
    }
    if compared.is_empty() {
        eprintln!("verwalter: the baseline has none of these figures");
    }
    for line in compared.iter().map(table::compared) {
        // A table for a document is not to be mixed with it.
        if args.markdown { eprintln!("{line}") } else { print(line)? }
    }
    Ok(())
}
