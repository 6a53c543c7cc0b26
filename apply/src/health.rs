//! Whether what a role runs is healthy: commands and HTTP requests, repeated until enough succeed in a row or time is up. It changes
//! nothing and decides nothing about what was applied.

mod body;
mod error;
mod gate;
mod http;
mod lookup;
mod url;

use std::ops::RangeInclusive;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

pub use self::error::HealthError;
use self::gate::{Gate, Next};
use self::http::Target;
use crate::command::{Cancel, Command, Context, Failure, Runner};

/// How long a role may take to become healthy that does not say so itself.
pub const DEFAULT_WITHIN: Duration = Duration::from_secs(30);
/// Between the beginnings of two tries.
pub const DEFAULT_EVERY: Duration = Duration::from_secs(1);
/// How long one try may take.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// The statuses that count as healthy: a redirect is an answer too.
pub const DEFAULT_STATUS: RangeInclusive<u16> = 200..=399;
/// Most checks of one role. Each has a thread while it lasts; arbitrary, above what roles have.
pub const MAX_CHECKS: usize = 32;
/// The longest text that an answer may be searched for, in bytes: the search compares it at every place.
pub const MAX_CONTAINS_BYTES: usize = 1 << 10;
/// Longest time for a role, shortest between tries, and most successes: arbitrary, far beyond what is sensible.
const MAX_WITHIN: Duration = Duration::from_secs(3600);
const MIN_EVERY: Duration = Duration::from_millis(10);
const MAX_SUCCESSES: u32 = 1000;

/// One check of a role's health, with everything substituted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Where it was written, for messages: render file and line.
    pub what: String,
    /// What is tried.
    pub probe: Probe,
    /// All successes must come within this time: more than none, at most an hour.
    pub within: Duration,
    /// Between the beginnings of two tries: 10 ms to 1 h.
    pub every: Duration,
    /// How many tries must succeed in a row: 1 to 1000.
    pub successes: u32,
    /// How long one try may take. More than none.
    pub timeout: Duration,
}

/// What a check tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Succeeds when the command does. Its own timeout holds as well.
    Command(Command),
    /// Succeeds when a GET is answered so. Redirects are not followed.
    Http {
        /// `http://HOST[:PORT][/PATH]`.
        url: String,
        /// The statuses that count.
        expect_status: RangeInclusive<u16>,
        /// What the first 256 KiB of the answer must contain.
        contains: Option<String>,
    },
}

impl Health {
    /// What is wrong with the check itself, if anything: key and message.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: &str| Err((key, message.to_owned()));
        if self.within.is_zero() || self.within > MAX_WITHIN {
            return wrong("within", "must be more than 0 and at most 1h");
        }
        if self.every < MIN_EVERY || self.every > MAX_WITHIN {
            return wrong("every", "must be from 10ms to 1h");
        }
        if self.timeout.is_zero() {
            return wrong("timeout", "must be more than 0");
        }
        if !(1..=MAX_SUCCESSES).contains(&self.successes) {
            return wrong("successes", "must be from 1 to 1000");
        }
        if self.every.saturating_mul(self.successes - 1) >= self.within {
            return wrong("within", "is too short for so many successes: raise it, or lower `successes` or `every`");
        }
        let Probe::Http { url, expect_status, contains } = &self.probe else { return Ok(()) };
        url::Url::parse(url).map_err(|reason| ("url", reason.to_owned()))?;
        if expect_status.is_empty() || *expect_status.start() < 200 || *expect_status.end() > 599 {
            return wrong("expect-status", "must be a range from 200 to 599");
        }
        if contains.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_CONTAINS_BYTES) {
            return wrong("contains", "must have 1 to 1024 bytes");
        }
        Ok(())
    }

    /// What is tried, for messages.
    fn target(&self, mask: &dyn Fn(&str) -> String) -> String {
        match &self.probe {
            Probe::Command(command) => command.show(mask),
            Probe::Http { url, .. } => mask(url),
        }
    }
}

/// Waits until all checks had their successes. The first that cannot have them any more ends the wait. Call it from a thread that may block.
pub fn wait_healthy(checks: &[Health], runner: &Runner, context: &Context<'_>) -> Result<(), HealthError> {
    let Some(first) = checks.first() else { return Ok(()) };
    if let Some(check) = checks.get(MAX_CHECKS) {
        let reason = format!("is one check more than the {MAX_CHECKS} that a role may have: remove some");
        return Err(unusable(check, context, reason));
    }
    let no_resources = |check, err: std::io::Error| unusable(check, context, format!("cannot be tried on this machine now: {err}"));
    let stop = context.cancel.child().map_err(|err| no_resources(first, err))?;
    let context = Context { cancel: &stop, ..*context };
    let began = Instant::now();
    thread::scope(|scope| {
        let (send, done) = channel();
        for check in checks {
            let send = send.clone();
            let wait = move || {
                // Whoever listens has an error already otherwise.
                let _ = send.send(wait_for_one(check, began, runner, &context));
            };
            if let Err(err) = thread::Builder::new().name("health".to_owned()).spawn_scoped(scope, wait) {
                stop.cancel();
                return Err(no_resources(check, err));
            }
        }
        drop(send);
        let failed = done.into_iter().find_map(Result::err);
        // The others need not go on.
        stop.cancel();
        failed.map_or(Ok(()), Err)
    })
}

fn wait_for_one(check: &Health, began: Instant, runner: &Runner, context: &Context<'_>) -> Result<(), HealthError> {
    check.check().map_err(|(key, message)| unusable(check, context, format!("has a `{key}` that {message}")))?;
    let deadline = began + check.within;
    let mut gate = Gate::new(check.successes, check.every, deadline);
    let mut target = Target::default();
    let mut last = None;
    loop {
        let start = Instant::now();
        let seen = attempt(check, &mut target, check.timeout.min(deadline.saturating_duration_since(start)), runner, context)?;
        let healthy = seen.is_none();
        // A last try that was cut short only says that time was up.
        if last.is_none() || Instant::now() < deadline {
            last = Some(seen.unwrap_or_else(|| format!("success, but fewer than {} in a row", check.successes)));
        }
        match gate.after(start, Instant::now(), healthy) {
            Next::Healthy => return Ok(()),
            Next::At(at) => {
                if context.cancel.wait(at.saturating_duration_since(Instant::now())) {
                    return Err(HealthError::Cancelled { what: check.what.clone() });
                }
            }
            Next::TooLate => {
                return Err(HealthError::NotHealthy {
                    what: check.what.clone(),
                    target: check.target(context.mask),
                    within: check.within,
                    tries: gate.tries(),
                    seen: last.unwrap_or_default(),
                });
            }
        }
    }
}

/// One try. `None`: it succeeded; a text: what was seen instead.
fn attempt(
    check: &Health,
    target: &mut Target,
    timeout: Duration,
    runner: &Runner,
    context: &Context<'_>,
) -> Result<Option<String>, HealthError> {
    let cancelled = || HealthError::Cancelled { what: check.what.clone() };
    match &check.probe {
        Probe::Command(command) => {
            let timeout = command.timeout.min(timeout);
            match runner.run(&Command { timeout, ..command.clone() }, context) {
                Ok(_) => Ok(None),
                Err(err) if matches!(err.failure, Failure::Cancelled { .. }) => Err(cancelled()),
                Err(err) if err.failure.is_refusal() => Err(unusable(check, context, err.failure.to_string())),
                Err(err) => Ok(Some(err.short())),
            }
        }
        Probe::Http { url, expect_status, contains } => {
            let url = url::Url::parse(url).map_err(|reason| unusable(check, context, reason.to_owned()))?;
            let seen = target.get(&url, expect_status, contains.as_deref(), Instant::now() + timeout, context.cancel);
            match seen {
                Err(_) if context.cancel.is_cancelled() => Err(cancelled()),
                Ok(()) => Ok(None),
                Err(seen) => Ok(Some((context.mask)(&seen.to_string()))),
            }
        }
    }
}

fn unusable(check: &Health, context: &Context<'_>, reason: String) -> HealthError {
    HealthError::Unusable { what: check.what.clone(), target: check.target(context.mask), reason }
}

/// Whether the word was given, as an error of waiting.
fn waited(cancel: &Cancel) -> std::io::Error {
    let kind = if cancel.is_cancelled() { std::io::ErrorKind::Interrupted } else { std::io::ErrorKind::TimedOut };
    kind.into()
}

#[cfg(test)]
mod tests;
