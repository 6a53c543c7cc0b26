//! `!Cmd`, `!RootCommand`, `!Sh`, `!Condition`, `!PeekLog` and `health`: what is done and asked once the files are in place. It runs
//! nothing.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};
use verwalter_apply::health::MAX_CONTAINS_BYTES;
use verwalter_apply::role::Program;

use super::raw::{RawArguments, RawCommand, RawCondition, RawHealth, RawScript};
use super::{Pattern, Reader, Wrong, line};
use crate::config::units::TimeSpan;

/// What most reloads need many times over; what hangs is ended in a time that a person waits.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// For one probe of a service's health.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Until a service must be healthy.
const DEFAULT_WITHIN: Duration = Duration::from_secs(30);
/// Between two probes.
const DEFAULT_EVERY: Duration = Duration::from_secs(1);
/// The range of all of these.
const SPAN: (TimeSpan, TimeSpan) = (TimeSpan::from_millis(10), TimeSpan::from_millis(3_600_000));
/// Most successes in a row: with the shortest interval they take a minute.
const MAX_SUCCESSES: u64 = 100;
/// A status that ends an answer.
const STATUS: RangeInclusive<u16> = 200..=599;
/// Most arguments of a command, far below the kernel's limit.
const MAX_ARGUMENTS: usize = 1_000;

/// What is done for a role.
#[derive(Debug, Default)]
pub(in crate::render) struct DutiesPattern {
    pub(in crate::render) actions: Vec<StepPattern>,
    pub(in crate::render) health: Vec<HealthPattern>,
    pub(in crate::render) on_remove: Vec<StepPattern>,
}

/// One step.
#[derive(Debug)]
pub(in crate::render) enum StepPattern {
    Run(Line),
    IfChanged { line: Option<usize>, directories: Vec<Pattern>, commands: Vec<Line> },
    PeekLog { line: Option<usize>, log: Pattern },
}

/// A command.
#[derive(Debug)]
pub(in crate::render) struct Line {
    pub(in crate::render) line: Option<usize>,
    pub(in crate::render) program: Program,
    pub(in crate::render) arguments: Vec<Pattern>,
    pub(in crate::render) timeout: Duration,
}

/// A question about a service's health.
#[derive(Debug)]
pub(in crate::render) struct HealthPattern {
    pub(in crate::render) line: Option<usize>,
    pub(in crate::render) probe: ProbePattern,
    pub(in crate::render) within: Duration,
    pub(in crate::render) every: Duration,
    pub(in crate::render) successes: u32,
}

#[derive(Debug)]
pub(in crate::render) enum ProbePattern {
    Command(Line),
    Http { url: Pattern, timeout: Duration, status: Option<u16>, contains: Option<Pattern> },
}

impl Reader<'_> {
    /// A step of `commands` that is about no file.
    pub(super) fn step(&self, raw: RawCommand, at: Location) -> Result<StepPattern, Wrong> {
        Ok(match raw {
            RawCommand::Cmd(raw) => StepPattern::Run(self.arguments(&raw, at, DEFAULT_TIMEOUT, false)?),
            RawCommand::RootCommand(raw) => StepPattern::Run(self.arguments(&raw, at, DEFAULT_TIMEOUT, true)?),
            RawCommand::Sh(raw) => StepPattern::Run(self.script(&raw, at)?),
            RawCommand::Condition(raw) => self.condition(raw, at)?,
            RawCommand::PeekLog(raw) => {
                let log = self.pattern(&raw, "!PeekLog")?;
                if log.names_path() {
                    return Err((raw.referenced, "`!PeekLog` takes `NAME/PATH`, with NAME from `log-dirs` of a sandbox file".to_owned()));
                }
                StepPattern::PeekLog { line: line(at), log }
            }
            RawCommand::Copy(_) | RawCommand::SplitText(_) | RawCommand::CleanFiles(_) => {
                let message = "this stands where only commands may: files are written and removed before any command runs";
                return Err((at, message.to_owned()));
            }
        })
    }

    /// A step of `on-remove`: nothing is rendered then.
    pub(super) fn farewell(&self, raw: RawCommand, at: Location) -> Result<StepPattern, Wrong> {
        let step = self.step(raw, at)?;
        let lines: &[Line] = match &step {
            StepPattern::Run(line) => std::slice::from_ref(line),
            StepPattern::IfChanged { .. } => {
                return Err((at, "`!Condition` has no meaning in `on-remove`: write its commands alone".to_owned()));
            }
            StepPattern::PeekLog { .. } => &[],
        };
        if lines.iter().flat_map(|line| &line.arguments).any(Pattern::names_path) {
            return Err((at, "`on-remove` cannot hold `{{ files.NAME }}`: the role's files are gone then".to_owned()));
        }
        Ok(step)
    }

    fn condition(&self, raw: RawCondition, at: Location) -> Result<StepPattern, Wrong> {
        let mut directories = Vec::new();
        for text in &raw.dirs_changed {
            let directory = self.pattern(text, "dirs-changed")?;
            if directory.names_path() || text.value.is_empty() {
                return Err((text.referenced, "`dirs-changed` holds paths of directories".to_owned()));
            }
            directories.push(directory);
        }
        let mut commands = Vec::new();
        for command in raw.commands {
            match self.step(command.value, command.referenced)? {
                StepPattern::Run(line) => commands.push(line),
                StepPattern::IfChanged { .. } | StepPattern::PeekLog { .. } => {
                    return Err((command.referenced, "`!Condition` holds `!Cmd`, `!RootCommand` and `!Sh` only".to_owned()));
                }
            }
        }
        Ok(StepPattern::IfChanged { line: line(at), directories, commands })
    }

    /// A program and what it is told; `default` zero: as for commands.
    pub(super) fn arguments(&self, raw: &RawArguments, at: Location, default: Duration, root: bool) -> Result<Line, Wrong> {
        self.argv(&raw.command, raw.timeout.as_ref(), at, if default.is_zero() { DEFAULT_TIMEOUT } else { default }, root)
    }

    fn argv(
        &self,
        words: &[Spanned<String>],
        timeout: Option<&Spanned<TimeSpan>>,
        at: Location,
        default: Duration,
        root: bool,
    ) -> Result<Line, Wrong> {
        let Some((program, rest)) = words.split_first() else {
            return Err((at, "there is no program: write it first, then its arguments".to_owned()));
        };
        if rest.len() > MAX_ARGUMENTS {
            return Err((at, format!("{} arguments are too many: write at most {MAX_ARGUMENTS}, or a file", rest.len())));
        }
        // What may run is for the node to say: a variable must not choose it.
        if !self.pattern(program, "the program")?.is_constant() || program.value.is_empty() {
            return Err((program.referenced, "the program cannot be made of variables: write its name or path as it is".to_owned()));
        }
        let arguments = rest.iter().map(|word| self.pattern(word, "an argument")).collect::<Result<_, _>>()?;
        let program = program.value.clone();
        let program = if root { Program::Root(program) } else { Program::Named(program) };
        Ok(Line { line: line(at), program, arguments, timeout: span(timeout, "timeout", default)? })
    }

    fn script(&self, raw: &RawScript, at: Location) -> Result<Line, Wrong> {
        self.shell(&raw.script, raw.timeout.as_ref(), at, DEFAULT_TIMEOUT)
    }

    fn shell(&self, script: &str, timeout: Option<&Spanned<TimeSpan>>, at: Location, default: Duration) -> Result<Line, Wrong> {
        let arguments = vec![self.pattern_at(script, at, "!Sh")?];
        Ok(Line { line: line(at), program: Program::Shell, arguments, timeout: span(timeout, "timeout", default)? })
    }

    pub(super) fn health(&self, raw: &RawHealth, at: Location) -> Result<HealthPattern, Wrong> {
        let timeout = raw.timeout.as_ref();
        let probe = match (&raw.command, &raw.sh, &raw.http) {
            (Some(words), None, None) => ProbePattern::Command(self.argv(words, timeout, at, PROBE_TIMEOUT, false)?),
            (None, Some(script), None) => ProbePattern::Command(self.shell(&script.value, timeout, script.referenced, PROBE_TIMEOUT)?),
            (None, None, Some(url)) => {
                let pattern = self.pattern(url, "http")?;
                if pattern.names_path() || !url.value.starts_with("http://") {
                    return Err((
                        url.referenced,
                        "`http` must be a URL, as in `http://127.0.0.1:8080/health`; TLS is not supported".to_owned(),
                    ));
                }
                let (status, contains) = (self.status(raw)?, self.contains(raw)?);
                ProbePattern::Http { url: pattern, timeout: span(timeout, "timeout", PROBE_TIMEOUT)?, status, contains }
            }
            _ => return Err((at, "write exactly one of `command`, `sh` and `http`".to_owned())),
        };
        if raw.http.is_none() {
            let odd = raw.status.as_ref().map(|status| status.referenced).or(raw.contains.as_ref().map(|text| text.referenced));
            odd.map_or(Ok(()), |at| {
                Err((at, "`status` and `contains` are about what `http` is answered: a command says with its end".to_owned()))
            })?;
        }
        let successes = match &raw.successes {
            Some(count) if !(1..=MAX_SUCCESSES).contains(&count.value) => {
                return Err((count.referenced, format!("`successes`: {} is out of range: write 1 to {MAX_SUCCESSES}", count.value)));
            }
            Some(count) => u32::try_from(count.value).unwrap_or(u32::MAX),
            None => 1,
        };
        let within = span(raw.within.as_ref(), "within", DEFAULT_WITHIN)?;
        let every = span(raw.every.as_ref(), "every", DEFAULT_EVERY)?;
        Ok(HealthPattern { line: line(at), probe, within, every, successes })
    }

    /// The status that an answer must have.
    fn status(&self, raw: &RawHealth) -> Result<Option<u16>, Wrong> {
        let Some(status) = &raw.status else { return Ok(None) };
        match u16::try_from(status.value).ok().filter(|status| STATUS.contains(status)) {
            Some(status) => Ok(Some(status)),
            None => Err((
                status.referenced,
                format!("`status`: {} is out of range: write {} to {}", status.value, STATUS.start(), STATUS.end()),
            )),
        }
    }

    /// The text that an answer must contain.
    fn contains(&self, raw: &RawHealth) -> Result<Option<Pattern>, Wrong> {
        let Some(text) = &raw.contains else { return Ok(None) };
        let pattern = self.pattern(text, "contains")?;
        if pattern.names_path() {
            return Err((text.referenced, "`contains` is a text of the answer: it cannot hold a path of this node".to_owned()));
        }
        if text.value.is_empty() || text.value.len() > MAX_CONTAINS_BYTES {
            return Err((
                text.referenced,
                format!("`contains` must have 1 to {MAX_CONTAINS_BYTES} bytes: write a shorter part of the answer"),
            ));
        }
        Ok(Some(pattern))
    }
}

fn span(value: Option<&Spanned<TimeSpan>>, key: &str, default: Duration) -> Result<Duration, Wrong> {
    match value {
        Some(span) if span.value < SPAN.0 || span.value > SPAN.1 => {
            Err((span.referenced, format!("`{key}`: {} is out of range: write {} to {}", span.value, SPAN.0, SPAN.1)))
        }
        Some(span) => Ok(span.value.0),
        None => Ok(default),
    }
}
