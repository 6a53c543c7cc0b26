//! A node of its own: real directories and records, the real engine for files, and commands that are played.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use crate::files::{self, InProcess, Steps};
use crate::record::{Origin, Records};
use crate::role::{Action, CommandLine, Health, Probe, Program, RenderedRole};
use crate::transaction::{Call, Commands, Deployed, Resolve, TransactionError, Transactor};
use crate::{RenderedFile, Roots};

/// Commands that only say that they ran: their name, and the path and content of each file that they were told.
#[derive(Default)]
pub(super) struct Played {
    pub(super) ran: Vec<String>,
    pub(super) fails: BTreeSet<String>,
    /// The daemon ends: nothing is run any more.
    pub(super) over: bool,
    /// Called when one is checked: after what is in place was looked at, and before anything is staged.
    pub(super) checked: Option<Box<dyn Fn()>>,
}

impl Played {
    fn play(&mut self, line: &CommandLine, arguments: &[String]) -> Result<String, String> {
        let Program::Named(name) = &line.program else { return Err("it is played by its name".to_owned()) };
        let told = arguments.iter().map(|path| format!(" {path} = {}", fs::read_to_string(path).unwrap_or_default()));
        self.ran.push(format!("{name}{}", told.collect::<String>()));
        if self.fails.contains(name) { Err(format!("{}: {name} failed", line.source)) } else { Ok(String::new()) }
    }
}

impl Commands for Played {
    fn check(&self, _: &Call<'_>, line: &CommandLine, _: Vec<String>) -> Result<(), String> {
        self.checked.iter().for_each(|checked| checked());
        match &line.program {
            Program::Named(name) if name == "forbidden" => Err(format!("{}: forbidden", line.source)),
            _ => Ok(()),
        }
    }

    fn run(&mut self, _: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        self.play(line, &arguments)
    }

    fn run_again(&mut self, call: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        if self.over { Err("the daemon ends".to_owned()) } else { self.run(call, line, arguments) }
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn healthy(&mut self, _: &Call<'_>, health: &[Health], resolve: &Resolve<'_>) -> Result<(), String> {
        for check in health {
            if let Probe::Command(line) = &check.probe {
                self.play(line, &resolve(line)?).map_err(|_| "probe failed".to_owned())?;
            }
        }
        Ok(())
    }
}

pub(super) struct World {
    temp: tempfile::TempDir,
    pub(super) roots: Roots,
    pub(super) records: Records,
    pub(super) played: Played,
    /// Files of other roles.
    pub(super) others: Vec<PathBuf>,
    attempt: u32,
}

pub(super) fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

impl World {
    pub(super) fn new() -> World {
        let temp = tempfile::tempdir().expect("a directory");
        let roots = Roots { output: temp.path().join("out"), writes: Vec::new() };
        let records = Records::open(&temp.path().join("roles")).expect("opened");
        World { temp, roots, records, played: Played::default(), others: Vec::new(), attempt: 0 }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.temp.path().join(below)
    }

    pub(super) fn write(&self, below: &str, text: &str) {
        let path = self.roots.output.join(below);
        fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// A transactor whose files pass `steps`.
    pub(super) fn with<T>(&mut self, steps: &dyn Steps, work: impl FnOnce(&mut Transactor<'_>, &Origin) -> T) -> T {
        self.attempt += 1;
        let origin =
            Origin { schedule: Digest::of(b"s"), template: "web/v1".to_owned(), deployment: "d".to_owned(), attempt: self.attempt };
        let mut engine = InProcess { roots: &self.roots, steps };
        let (records, roots) = (&self.records, &self.roots);
        let (now, mut events) = (|| UnixMillis(1), |_: super::Event<'_>| ());
        let others = &|path: &Path| self.others.iter().any(|other| other == path);
        let mut transactor =
            Transactor { records, files: &mut engine, commands: &mut self.played, roots, others, now: &now, events: &mut events };
        work(&mut transactor, &origin)
    }

    pub(super) fn deploy(&mut self, rendered: &RenderedRole) -> Result<Deployed, TransactionError> {
        self.with(&files::Direct, |transactor, origin| transactor.deploy(&role(), rendered, origin))
    }

    pub(super) fn remove(&mut self) -> Result<Deployed, TransactionError> {
        self.with(&files::Direct, |transactor, origin| transactor.remove(&role(), origin))
    }

    pub(super) fn fails(&mut self, name: &str) {
        self.played.fails.insert(name.to_owned());
    }

    pub(super) fn succeeds(&mut self) {
        self.played.fails.clear();
    }

    /// What ran since it was asked last.
    pub(super) fn ran(&mut self) -> Vec<String> {
        std::mem::take(&mut self.played.ran)
    }

    pub(super) fn remembered(&self) -> Vec<RoleName> {
        self.records.roles().expect("readable")
    }

    /// Every file below the output directory, and its text.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        collect(&self.roots.output, &self.roots.output, &mut found);
        found.sort();
        found
    }

    /// Whether nothing is left of a staging, nor of the texts of what failed.
    pub(super) fn is_clean(&self) -> bool {
        let texts = fs::read_dir(self.path("roles/web.files")).map_or(0, Iterator::count);
        let current = self.records.load(&role()).ok().and_then(|record| record.generation).is_some_and(|known| !known.texts.is_empty());
        !self.roots.output.join(files::STAGING).join("web").exists() && texts <= usize::from(current)
    }
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let below = path.strip_prefix(root).expect("below").display().to_string();
            found.push((below, fs::read_to_string(&path).expect("text")));
        }
    }
}

pub(super) fn pair((path, text): (&str, &str)) -> (String, String) {
    (path.to_owned(), text.to_owned())
}

pub(super) fn file(dest: &str, text: &str) -> RenderedFile {
    RenderedFile { dest: dest.to_owned(), mode: 0o644, bytes: text.into(), template: "t.hbs".to_owned(), ..RenderedFile::default() }
}

pub(super) fn command(name: &str) -> CommandLine {
    let program = Program::Named(name.to_owned());
    CommandLine { source: "a.render.yaml:1".to_owned(), program, arguments: Vec::new(), timeout: Duration::from_secs(1) }
}

pub(super) fn run(name: &str) -> Action {
    Action::Run(command(name))
}
