//! What `plugin test` tells: a line a case and a check as they end, or one JSON object at the end.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use verwalter_core::plain::plain;
use verwalter_core::ports::Kind;

use crate::cli::plugin::subject::{Subject, Target};
use crate::cli::print;
use crate::exit::Exit;
use crate::lab::property::{Broken, Checked, Held};

/// Lines about one case or check: what fits on a screen beside others.
const SHOWN_LINES: usize = 20;

/// One case.
pub(super) struct CaseRow {
    pub(super) name: String,
    pub(super) fuel: Option<u64>,
    /// What is wrong with it.
    pub(super) lines: Vec<String>,
    /// Files that were rewritten.
    pub(super) updated: Vec<PathBuf>,
}

/// One check, and the files that its inputs were kept in.
pub(super) struct CheckRow {
    pub(super) checked: Checked,
    pub(super) written: Vec<PathBuf>,
}

/// All of them.
pub(super) struct Report {
    file: PathBuf,
    kind: Kind,
    cases_dir: Option<PathBuf>,
    json: bool,
    cases: Vec<Value>,
    checks: Vec<Value>,
    failed_cases: usize,
    failed_checks: usize,
    updated: usize,
    /// Golden answers that differ: --update would mend these.
    differing: usize,
}

impl Report {
    pub(super) fn new(target: &Target, subject: &Subject, json: bool) -> Report {
        Report {
            file: target.file.clone(),
            kind: subject.loaded.kind(),
            cases_dir: target.cases.clone(),
            json,
            cases: Vec::new(),
            checks: Vec::new(),
            failed_cases: 0,
            failed_checks: 0,
            updated: 0,
            differing: 0,
        }
    }

    /// Tells of a case.
    pub(super) fn case(&mut self, row: CaseRow) -> anyhow::Result<()> {
        let CaseRow { name, fuel, lines, updated } = row;
        self.failed_cases += usize::from(!lines.is_empty());
        self.differing += usize::from(!lines.is_empty() && fuel.is_some());
        self.updated += usize::from(!updated.is_empty());
        if !self.json {
            let verdict = match (lines.is_empty(), updated.is_empty()) {
                (false, _) => "FAILED",
                (true, false) => "updated",
                (true, true) => "ok",
            };
            print(format_args!("case {}: {verdict}", plain(&name, usize::MAX)))?;
            show(&lines)?;
            written(&updated)?;
        }
        self.cases.push(json!({ "case": name, "passed": lines.is_empty(), "wrong": lines, "updated": updated, "fuel": fuel }));
        Ok(())
    }

    /// Tells of a check.
    pub(super) fn check(&mut self, row: CheckRow) -> anyhow::Result<()> {
        let CheckRow { checked: Checked { property, verdict }, written: kept } = row;
        let name = property.as_str();
        let value = match &verdict {
            Held::Off => json!({ "check": name, "verdict": "off" }),
            Held::Yes { inputs, note } => json!({ "check": name, "verdict": "holds", "inputs": inputs, "note": note }),
            Held::No(Broken { input, lines, more, .. }) => {
                self.failed_checks += 1;
                json!({ "check": name, "verdict": "broken", "input": input, "wrong": lines, "more": more, "kept": kept })
            }
        };
        self.checks.push(value);
        if self.json {
            return Ok(());
        }
        match verdict {
            Held::Off => print(format_args!("check {name}: off, as project.yaml says")),
            Held::Yes { inputs: 0, .. } => print(format_args!("check {name}: nothing to check it on: write a case")),
            Held::Yes { inputs, note } => {
                let note = if note.is_empty() { note } else { format!("; {}", plain(&note, usize::MAX)) };
                print(format_args!("check {name}: ok on {inputs} input{}{note}", if inputs == 1 { "" } else { "s" }))
            }
            Held::No(Broken { input, lines, more, .. }) => {
                let more = if more == 0 { String::new() } else { format!(", and on {more} more") };
                print(format_args!("check {name}: FAILED on {}{more}", plain(&input, usize::MAX)))?;
                show(&lines)?;
                written(&kept)
            }
        }
    }

    /// The last line, or the object.
    pub(super) fn finish(self) -> anyhow::Result<Exit> {
        let passed = self.failed_cases + self.failed_checks == 0;
        if self.json {
            print(json!({ "file": self.file, "kind": self.kind, "passed": passed, "cases": self.cases, "checks": self.checks }))?;
        } else {
            print(self.closing())?;
        }
        Ok(if passed { Exit::Done } else { Exit::Failed })
    }

    fn closing(&self) -> String {
        let counted = |all: usize, failed: usize, what: &str| {
            let plural = if all == 1 { "" } else { "s" };
            if failed == 0 { format!("{all} {what}{plural} passed") } else { format!("{failed} of {all} {what}{plural} FAILED") }
        };
        let mut parts = Vec::new();
        match &self.cases_dir {
            _ if !self.cases.is_empty() => parts.push(counted(self.cases.len(), self.failed_cases, "case")),
            Some(dir) => parts.push(format!("there are no cases in {}: make a directory there with an input.json", dir.display())),
            None => parts.push("there are no cases: name a directory of them with --cases DIR".to_owned()),
        }
        if self.updated > 0 {
            parts.push(format!("{} of them updated", self.updated));
        }
        parts.push(counted(self.checks.len(), self.failed_checks, "check"));
        let mut text = parts.join(", ");
        if self.differing > 0 {
            text.push_str("; where the answer is right and the case is not, `--update` rewrites the case");
        }
        text
    }
}

fn show(lines: &[String]) -> anyhow::Result<()> {
    for line in lines.iter().take(SHOWN_LINES) {
        print(format_args!("    {}", plain(line, usize::MAX)))?;
    }
    match lines.len().saturating_sub(SHOWN_LINES) {
        0 => Ok(()),
        more => print(format_args!("    and {more} more")),
    }
}

fn written(paths: &[PathBuf]) -> anyhow::Result<()> {
    paths.iter().try_for_each(|path: &PathBuf| print(format_args!("    written: {}", Path::display(path))))
}
