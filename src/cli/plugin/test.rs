//! `verwalter plugin test`: whether a plugin answers its golden cases as they say, and holds what every plugin should. Without a daemon.

mod report;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::build;
use super::project::Project;
use super::subject::{Subject, Target, Workbench, emptied};
use crate::config::file::FileError;
use crate::config::suggest;
use crate::exit::Exit;
use crate::lab::case::Case;
use crate::lab::golden::{self, Golden, Verdict};
use crate::lab::inputs::{MadeUp, SIZES, of_cases};
use crate::lab::property::{self, Checked, Held, Property};
use report::{CaseRow, CheckRow, Report};

/// The options of `plugin test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The plugin [default: what the project here builds]
    file: Option<PathBuf>,
    /// The project [default: the one that the working directory lies in]
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    project: Option<PathBuf>,
    /// Its manifest [default: the project's; of a file by itself the one beside it with the ending .yaml, if there is one]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The directory of golden cases, CASE/ or KIND/CASE/ [default: `cases` in the project, or beside the file]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Write down what the plugin answers as what must come of each case
    #[arg(long)]
    update: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// Run the unit tests of the project's language instead, without the host
    #[arg(long, conflicts_with_all = ["file", "manifest", "cases", "update", "json"])]
    unit: bool,
    /// Show what the unit tests print, also when they pass
    #[arg(long, requires = "unit")]
    verbose: bool,
}

/// Asks the cases and checks the properties; status 0: all is as it should be.
pub(super) fn run(args: &TestArgs) -> anyhow::Result<Exit> {
    if args.unit {
        return build::run_unit(&Project::require(args.project.as_deref())?, args.verbose);
    }
    let (manifest, cases) = (args.manifest.as_deref(), args.cases.as_deref());
    let target = match &args.file {
        Some(file) => Target::file(file, manifest, cases),
        None => Target::project(Project::require(args.project.as_deref())?, manifest, cases)?,
    };
    let off = switched_off(target.project.as_ref())?;
    let subject = Workbench::of(&target)?.load(&target)?;
    let mut report = Report::new(&target, &subject, args.json);
    let mut asked = Vec::new();
    for dir in target.case_dirs(subject.loaded.kind())? {
        let (row, golden) = case_row(&subject, &dir, args.update);
        report.case(row)?;
        asked.extend(golden);
    }
    let mut inputs = of_cases(&asked);
    let made_up = MadeUp::new(&subject.loaded, &asked);
    inputs.extend(SIZES.into_iter().flat_map(|size| made_up.inputs(size)));
    let failed = target.project.as_ref().map(|project| project.dir.join("build").join("failed"));
    if let Some(dir) = &failed {
        emptied(dir)?;
    }
    for checked in property::check(&subject.loaded, &inputs, &off) {
        let written = keep(failed.as_deref(), &checked)?;
        report.check(CheckRow { checked, written })?;
    }
    report.finish()
}

/// The checks that the author switched off; others and those that the host relies on cannot be.
fn switched_off(project: Option<&Project>) -> anyhow::Result<BTreeSet<Property>> {
    let mut off = BTreeSet::new();
    let Some(project) = project else { return Ok(off) };
    let names: Vec<&str> = Property::ALL.iter().filter(|property| property.is_optional()).map(|property| property.as_str()).collect();
    for (name, on) in &project.checks {
        let property = Property::ALL.into_iter().find(|property| property.is_optional() && property.as_str() == name);
        let property = property.with_context(|| {
            let path = project.dir.join("project.yaml");
            format!("{}: `checks.{name}`: no check that can be switched off: {}", path.display(), suggest::hint(name, &names))
        })?;
        if !on {
            off.insert(property);
        }
    }
    Ok(off)
}

fn case_row(subject: &Subject, dir: &Path, update: bool) -> (CaseRow, Option<(Case, Golden)>) {
    let told = |errors: &[FileError]| errors.iter().map(ToString::to_string).collect();
    let case = match Case::read(dir, &subject.manifest) {
        Ok(case) => case,
        Err(errors) => {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return (CaseRow { name, fuel: None, lines: told(&errors), updated: Vec::new() }, None);
        }
    };
    let golden = golden::run(&subject.loaded, &case);
    let (lines, updated) = match (&golden.verdict, update) {
        (Verdict::Passed, _) => (Vec::new(), Vec::new()),
        (_, true) => match golden::update(&case, &golden) {
            Ok(written) => (Vec::new(), written),
            Err(err) => (told(&[err]), Vec::new()),
        },
        (Verdict::Unknown, false) => {
            let answer = format!("it answers {}", golden.outcome.answer);
            (vec!["has no expected.json: if the answer is right, write it down with --update".to_owned(), answer], Vec::new())
        }
        (Verdict::Failed(lines), false) => (lines.clone(), Vec::new()),
    };
    let row = CaseRow { name: case.name.clone(), fuel: golden.outcome.cost.map(|cost| cost.fuel), lines, updated };
    (row, Some((case, golden)))
}

/// Keeps the inputs on which a property does not hold, for its author to look at or to make a case of.
fn keep(dir: Option<&Path>, checked: &Checked) -> anyhow::Result<Vec<PathBuf>> {
    let (Some(dir), Held::No(broken)) = (dir, &checked.verdict) else { return Ok(Vec::new()) };
    let mut written = Vec::new();
    for (index, text) in broken.inputs.iter().enumerate() {
        let suffix = if index == 0 { String::new() } else { format!("-{}", index + 1) };
        let path = dir.join(format!("{}{suffix}.json", checked.property));
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
