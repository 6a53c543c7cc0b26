//! `verwalter plugin test`: whether a plugin answers its golden cases as they say. Without a daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::subject::{Subject, Workbench};
use crate::cli::print;
use crate::config::file::FileError;
use crate::exit::Exit;
use crate::lab::case::{self, Case};
use crate::lab::golden::{self, Golden, Verdict};

/// Lines about one case: about what fits on a screen beside others.
const SHOWN_LINES: usize = 20;

/// The options of `plugin test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The plugin
    file: PathBuf,
    /// Its manifest [default: the plugin's file with the ending .yaml, if it is there]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The directory of golden cases [default: `cases` beside the plugin, if it is there]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Write down what the plugin answers as what must come of each case
    #[arg(long)]
    update: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Asks the cases; status 0: all went as they say.
pub(super) fn run(args: &TestArgs) -> anyhow::Result<Exit> {
    let subject = Workbench::open()?.load(&args.file, args.manifest.as_deref())?;
    let beside = args.file.with_file_name("cases");
    let dir = args.cases.clone().or_else(|| beside.is_dir().then_some(beside));
    let mut rows = Vec::new();
    for dir in dir.iter().map(|dir| case::list(dir)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let row = row(&subject, &dir, args.update);
        if !args.json {
            show(&row)?;
        }
        rows.push(row);
    }
    if args.json {
        let cases: Vec<_> = rows.iter().map(Row::as_json).collect();
        print(json!({ "file": subject.file, "kind": subject.loaded.kind(), "cases": cases }))?;
    } else {
        let failed = rows.iter().filter(|row| !row.lines.is_empty()).count();
        print(format_args!("{} cases, {failed} failed", rows.len()))?;
    }
    Ok(if rows.iter().all(|row| row.lines.is_empty()) { Exit::Done } else { Exit::Failed })
}

struct Row {
    name: String,
    golden: Option<Golden>,
    lines: Vec<String>,
    updated: Vec<PathBuf>,
}

impl Row {
    fn as_json(&self) -> serde_json::Value {
        let cost = self.golden.as_ref().and_then(|golden| golden.outcome.cost);
        json!({ "case": self.name, "passed": self.lines.is_empty(), "differences": self.lines, "updated": self.updated, "fuel": cost.map(|cost| cost.fuel) })
    }
}

fn row(subject: &Subject, dir: &Path, update: bool) -> Row {
    let told = |errors: &[FileError]| errors.iter().map(ToString::to_string).collect();
    let case = match Case::read(dir, &subject.manifest) {
        Ok(case) => case,
        Err(errors) => {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return Row { name, golden: None, lines: told(&errors), updated: Vec::new() };
        }
    };
    let golden = golden::run(&Arc::clone(&subject.loaded), &case);
    let (lines, updated) = match (&golden.verdict, update) {
        (Verdict::Passed, _) => (Vec::new(), Vec::new()),
        (_, true) => match golden::update(&case, &golden) {
            Ok(written) => (Vec::new(), written),
            Err(err) => (told(&[err]), Vec::new()),
        },
        (Verdict::Unknown, false) => (vec!["has no expected.json: look at the answer, and write it down with --update".to_owned()], Vec::new()),
        (Verdict::Failed(lines), false) => (lines.clone(), Vec::new()),
    };
    Row { name: case.name, golden: Some(golden), lines, updated }
}

fn show(row: &Row) -> anyhow::Result<()> {
    let verdict = if row.lines.is_empty() { "ok" } else { "FAILED" };
    print(format_args!("case {}: {verdict}", row.name))?;
    for line in row.lines.iter().take(SHOWN_LINES) {
        print(format_args!("    {line}"))?;
    }
    if let Some(more) = row.lines.len().checked_sub(SHOWN_LINES).filter(|more| *more > 0) {
        print(format_args!("    and {more} more"))?;
    }
    for path in &row.updated {
        print(format_args!("    wrote {}", path.display()))?;
    }
    Ok(())
}
