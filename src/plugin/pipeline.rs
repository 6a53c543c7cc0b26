//! The steps of an activation as they are taken: each with its result and time, so that an operator sees how far a build came.
//! It runs nothing itself.

use std::time::Instant;

use serde::Serialize;
use verwalter_core::ports::{Failure, FailureCause};

/// The steps of an activation, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Reading the files whole.
    Read,
    /// Reading the manifest.
    Manifest,
    /// Comparing with the manifest's digest.
    Pin,
    /// Seeing whether this build was set aside before.
    Quarantine,
    /// Finding out the ABI and the imports.
    Inspect,
    /// Translating to machine code, or finding it in the cache.
    Compile,
    /// Binding to the host's imports.
    Link,
    /// Asking what it is and what it reads.
    Describe,
    /// Asking what it thinks of its configuration.
    CheckConfig,
    /// Running it on the newest recorded input.
    DryRun,
    /// Finding its place among the others.
    Place,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Step; 11] = [
        Step::Read,
        Step::Manifest,
        Step::Pin,
        Step::Quarantine,
        Step::Inspect,
        Step::Compile,
        Step::Link,
        Step::Describe,
        Step::CheckConfig,
        Step::DryRun,
        Step::Place,
    ];

    /// Its name in status, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Read => "read",
            Step::Manifest => "manifest",
            Step::Pin => "pin",
            Step::Quarantine => "quarantine",
            Step::Inspect => "inspect",
            Step::Compile => "compile",
            Step::Link => "link",
            Step::Describe => "describe",
            Step::CheckConfig => "check-config",
            Step::DryRun => "dry-run",
            Step::Place => "place",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// Passed.
    Done,
    /// There was nothing to do; the note says why.
    Skipped,
    /// It goes on; a later attempt takes up what comes of it.
    Pending,
    /// The build stopped here.
    Failed,
}

/// One step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What there is to say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where an activation stopped; becomes an [`ActivationError`](super::catalog::ActivationError).
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) step: Step,
    pub(super) reason: String,
    pub(super) remedy: Remedy,
}

/// What may help a build that stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Other files: it is at fault.
    Files,
    /// Another try: this machine, or what stands around the plugin, was at fault.
    Try,
    /// Nothing but time: nobody is at fault.
    Time,
}

impl Stopped {
    /// The build is at fault.
    pub(super) fn at(step: Step, reason: impl Into<String>) -> Stopped {
        Stopped { step, reason: reason.into(), remedy: Remedy::Files }
    }

    /// Something else is at fault: it is tried again.
    pub(super) fn for_now(step: Step, reason: impl Into<String>) -> Stopped {
        Stopped { step, reason: reason.into(), remedy: Remedy::Try }
    }

    /// A call that failed. A machine without room or time is no fault of the plugin.
    pub(super) fn call(step: Step, failure: Failure) -> Stopped {
        match failure.cause {
            FailureCause::Host | FailureCause::Time => Stopped::for_now(step, failure.message),
            _ => Stopped::at(step, failure.message),
        }
    }
}

/// The steps taken so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    steps: Vec<StepReport>,
}

impl Trace {
    /// Takes a step.
    pub(super) fn take<T>(&mut self, step: Step, work: impl FnOnce() -> Result<T, Stopped>) -> Result<T, Stopped> {
        let started = Instant::now();
        let result = work();
        let outcome = match &result {
            Ok(_) => StepOutcome::Done,
            Err(stopped) if stopped.remedy == Remedy::Time => StepOutcome::Pending,
            Err(_) => StepOutcome::Failed,
        };
        self.add(step, outcome, started, None);
        result
    }

    /// Takes a step that may find nothing to do, and has something to say.
    pub(super) fn take_noted(&mut self, step: Step, work: impl FnOnce() -> Result<(StepOutcome, String), Stopped>) -> Result<(), Stopped> {
        let started = Instant::now();
        match work() {
            Ok((outcome, note)) => {
                self.add(step, outcome, started, Some(note));
                Ok(())
            }
            Err(stopped) => {
                self.add(step, StepOutcome::Failed, started, None);
                Err(stopped)
            }
        }
    }

    fn add(&mut self, step: Step, outcome: StepOutcome, started: Instant, note: Option<String>) {
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.steps.push(StepReport { step, outcome, took_us, note });
    }

    pub(super) fn into_steps(self) -> Vec<StepReport> {
        self.steps
    }
}
