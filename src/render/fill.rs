//! A render file with its values: which files a role has, and what is done for it. It renders nothing and touches no file.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use verwalter_apply::RenderedFile;
use verwalter_apply::glob::Grouped;
use verwalter_apply::role::{Action, Cleanup, CommandLine, Health, Probe, RenderedRole};

use super::Problem;
use super::file::{Attributes, Clean, HealthPattern, How, Line, Place, ProbePattern, RenderFile, StepPattern};
use super::split::sections;
use super::substitute::{Pattern, Values};

/// Permission bits of files whose render file says none, and of those into which a secret is printed.
const DEFAULT_MODE: u32 = 0o644;
const PRIVATE_MODE: u32 = 0o600;

/// A role that is being put together.
pub(super) struct Filling {
    role: RenderedRole,
    /// Every destination so far, and where it was written.
    taken: BTreeMap<PathBuf, String>,
    /// The names of rendered texts that became arguments, by render file and key.
    arguments: BTreeMap<(String, String), String>,
    /// All files and arguments together: one text may become any number of them.
    bytes: usize,
    limit_bytes: usize,
}

/// What a template rendered to.
#[derive(Debug)]
pub(super) struct Rendered {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// Whether a secret was printed into it.
    pub(super) private: bool,
}

/// One render file and what its templates rendered to.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a RenderFile,
    texts: &'a BTreeMap<&'a str, Rendered>,
    values: Values<'a>,
}

impl Filling {
    /// Nothing yet, and at most so many bytes in the end.
    pub(super) fn new(limit_bytes: usize) -> Filling {
        Filling { role: RenderedRole::default(), taken: BTreeMap::new(), arguments: BTreeMap::new(), bytes: 0, limit_bytes }
    }

    /// Adds a render file; `texts` are what its templates rendered to, by key.
    ///
    /// # Errors
    /// Names the line of the render file.
    pub(super) fn add(&mut self, file: &RenderFile, texts: &BTreeMap<&str, Rendered>, values: Values<'_>) -> Result<(), Problem> {
        let source = Source { file, texts, values };
        for place in &file.places {
            self.place(source, place).map_err(|message| source.problem(place.line, message))?;
        }
        for clean in &file.cleans {
            let cleanup = source.cleanup(clean).map_err(|message| source.problem(clean.line, message))?;
            self.role.cleanups.push(cleanup);
        }
        for step in &file.duties.actions {
            let action = self.action(source, step)?;
            self.role.duties.actions.push(action);
        }
        for health in &file.duties.health {
            let health = self.health(source, health)?;
            self.role.duties.health.push(health);
        }
        for step in &file.duties.on_remove {
            let action = self.action(source, step)?;
            self.role.duties.on_remove.push(action);
        }
        Ok(())
    }

    /// The whole role.
    pub(super) fn finish(self) -> RenderedRole {
        self.role
    }

    fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limit_bytes {
            return Err(format!(
                "all files of the role together have more than {} bytes, which no role may: make them smaller",
                self.limit_bytes
            ));
        }
        Ok(())
    }

    fn place(&mut self, source: Source<'_>, place: &Place) -> Result<(), String> {
        let Rendered { bytes, private } = source.text(&place.src)?;
        match &place.how {
            How::Copy { dest } => {
                let dest = dest.fill(source.values)?;
                self.file(source, place, dest, bytes.to_owned())
            }
            How::Split { section, validate, dest } => {
                if *private {
                    // The names of sections are names of files, and those are shown everywhere.
                    return Err(
                        "a secret is printed into the text, which `!SplitText` cannot take: give the secret a file of its own".to_owned()
                    );
                }
                let grouped = Grouped::parse(&dest.fill(source.values)?).map_err(|err| format!("`dest`: {err}"))?;
                let text =
                    std::str::from_utf8(bytes).map_err(|err| format!("the rendered text is no UTF-8 ({err}) and cannot be split"))?;
                for section in sections(text, section, validate)? {
                    let dest = grouped.path(section.name).map_err(|err| format!("section `{}`: {err}", section.name.escape_debug()))?;
                    self.file(source, place, dest, section.text.into_bytes())?;
                }
                Ok(())
            }
        }
    }

    fn file(&mut self, source: Source<'_>, place: &Place, dest: String, bytes: Vec<u8>) -> Result<(), String> {
        let here = source.problem(place.line, dest.clone()).to_string();
        if let Some(other) = self.taken.insert(without_dots(&dest), here) {
            return Err(format!("`{dest}` is written twice, also by {other}: change one `dest`"));
        }
        self.count(bytes.len())?;
        let Attributes { mode, owner, group, backups, format, check } = &place.attributes;
        let check = check.as_ref().map(|line| self.line(source, line)).transpose()?;
        let template = source.file.templates.get(&place.src).cloned().unwrap_or_default();
        let (owner, group, private) = (owner.clone(), group.clone(), source.text(&place.src)?.private);
        // Who says nothing of a file with a secret does not mean that everybody may read it.
        let mode = mode.unwrap_or(if private { PRIVATE_MODE } else { DEFAULT_MODE });
        let (format, backups) = (*format, *backups);
        self.role.files.push(RenderedFile { dest, mode, bytes, format, template, owner, group, backups, check, private });
        Ok(())
    }

    fn action(&mut self, source: Source<'_>, step: &StepPattern) -> Result<Action, Problem> {
        let at = |line: &Option<usize>| {
            let line = *line;
            move |message| source.problem(line, message)
        };
        Ok(match step {
            StepPattern::Run(line) => Action::Run(self.line(source, line).map_err(at(&line.line))?),
            StepPattern::IfChanged { line, directories, commands } => {
                let directories = directories.iter().map(|directory| Ok(directory.fill(source.values)?.into()));
                let directories = directories.collect::<Result<_, _>>().map_err(at(line))?;
                let commands = commands.iter().map(|command| self.line(source, command).map_err(at(&command.line)));
                Action::IfChanged { directories, commands: commands.collect::<Result<_, _>>()? }
            }
            StepPattern::PeekLog { line, log } => {
                Action::PeekLog { log: log.fill(source.values).map_err(at(line))?, source: source.at(*line) }
            }
        })
    }

    fn health(&mut self, source: Source<'_>, health: &HealthPattern) -> Result<Health, Problem> {
        let problem = |message| source.problem(health.line, message);
        let probe = match &health.probe {
            ProbePattern::Command(line) => Probe::Command(self.line(source, line).map_err(problem)?),
            ProbePattern::Http { url, timeout, status, contains } => {
                let fill = |pattern: &Pattern| pattern.fill(source.values).map_err(problem);
                let contains = contains.as_ref().map(fill).transpose()?;
                Probe::Http { url: fill(url)?, timeout: *timeout, status: *status, contains }
            }
        };
        let HealthPattern { within, every, successes, .. } = *health;
        Ok(Health { source: source.at(health.line), probe, within, every, successes })
    }

    fn line(&mut self, source: Source<'_>, line: &Line) -> Result<CommandLine, String> {
        let mut missing = None;
        let mut arguments = Vec::with_capacity(line.arguments.len());
        for pattern in &line.arguments {
            let text = pattern.fill_text(source.values, |key| {
                self.argument(source, key).unwrap_or_else(|message| {
                    missing = Some(message);
                    String::new()
                })
            })?;
            arguments.push(text);
        }
        match missing {
            Some(message) => Err(message),
            None => Ok(CommandLine { source: source.at(line.line), program: line.program.clone(), arguments, timeout: line.timeout }),
        }
    }

    /// The name of the file that a rendered text becomes.
    fn argument(&mut self, source: Source<'_>, key: &str) -> Result<String, String> {
        let whose = (source.file.name.clone(), key.to_owned());
        if let Some(name) = self.arguments.get(&whose) {
            return Ok(name.clone());
        }
        let bytes = source.text(key)?.bytes.clone();
        let template = source.file.templates.get(key).map(String::as_str).unwrap_or_default();
        let base = template.rsplit('/').next().unwrap_or_default();
        // Its own name, which may tell the program what it holds; two of one name stay apart.
        let base = base.strip_suffix(".hbs").or_else(|| base.strip_suffix(".handlebars")).unwrap_or(base);
        let name = format!("{}-{base}", self.arguments.len());
        self.count(bytes.len())?;
        self.role.arguments.insert(name.clone(), bytes);
        self.arguments.insert(whose, name.clone());
        Ok(name)
    }
}

impl Source<'_> {
    fn problem(&self, line: Option<usize>, message: String) -> Problem {
        Problem { file: self.file.name.clone(), line, message }
    }

    /// Render file and line.
    fn at(&self, line: Option<usize>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.file.name),
            None => self.file.name.clone(),
        }
    }

    fn text(&self, key: &str) -> Result<&Rendered, String> {
        self.texts.get(key).ok_or_else(|| format!("`files.{key}` was not rendered"))
    }

    fn cleanup(&self, clean: &Clean) -> Result<Cleanup, String> {
        let pattern = clean.pattern.fill(self.values)?;
        let Rendered { bytes, private } = self.text(&clean.keep)?;
        if *private {
            return Err("a secret is printed into the `keep-list`, which holds names of files".to_owned());
        }
        let text = std::str::from_utf8(bytes).map_err(|err| format!("`keep-list` is no UTF-8 text ({err})"))?;
        let keep = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(Cleanup { source: self.at(clean.line), pattern, keep })
    }
}

/// One spelling for `a/b`, `./a/b` and `a//b`.
fn without_dots(dest: &str) -> PathBuf {
    Path::new(dest).components().filter(|part| *part != Component::CurDir).collect()
}
