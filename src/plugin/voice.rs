//! What guests say, in the daemon's log: attributed, escaped, bounded by line and by rate. It never fails and never waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use verwalter_core::names::PluginName;
use verwalter_core::ports::{LogLevel, LogLine, PluginId};

use super::meter::Meter;
use verwalter_core::plain::plain;

/// What log filters name: `RUST_LOG=info,guest=debug`.
pub const TARGET: &str = "guest";
/// Lines at once: what a decision over a small cluster says of itself when its author looks for a defect.
const BURST: u32 = 50;
/// Time that one more line takes to earn, so ten lines a second: a plugin at its worst writes some 700 KB of log a minute, and one
/// that says a few things a round is never cut short.
const LINE_COST: Duration = Duration::from_millis(100);
/// Longest line in the log, in characters: about ten lines of a screen. The round's debug text has the whole.
const LINE_CHARS: usize = 1_000;
/// Plugins with a rate of their own at a time; above it a plugin begins with a full burst at each reload.
const MAX_PLUGINS: usize = 256;

/// One plugin's rate, over all its builds: a reload earns no lines.
#[derive(Debug, Default)]
pub struct Voice {
    bucket: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// What the lines so far cost, less what was earned since: nothing means a full burst.
    spent: Duration,
    last: Option<Instant>,
    suppressed: u64,
}

impl Bucket {
    /// Whether a line may pass at `now`.
    fn take(&mut self, now: Instant) -> bool {
        let earned = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        // Clocks of several threads: the past earns nothing twice.
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
        self.spent = self.spent.saturating_sub(earned);
        let after = self.spent + LINE_COST;
        let passes = after <= LINE_COST * BURST;
        if passes {
            self.spent = after;
        }
        passes
    }
}

/// What goes to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// So many lines did not.
    Suppressed(u64),
    /// A line, bounded and escaped.
    Line(LogLevel, String),
}

impl Voice {
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what `id` said during a call of `call` (`schedule`, `apply`, …) to the daemon's log, as far as its rate allows.
    pub fn say(&self, id: &PluginId, call: &'static str, lines: &[LogLine], meter: &Meter, now: Instant) {
        if lines.is_empty() {
            return;
        }
        let digest = id.digest.short();
        for said in self.hear(lines, is_wanted, meter, now) {
            match said {
                Said::Suppressed(count) => {
                    tracing::warn!(target: TARGET, plugin = %id.name, digest, call, "{count} lines of this plugin were suppressed");
                }
                Said::Line(level, text) => write(level, id, &digest, call, &text),
            }
        }
    }

    /// What of `lines` goes to the log. Lines that nobody wants to read cost nothing and are not counted.
    fn hear(&self, lines: &[LogLine], is_wanted: impl Fn(LogLevel) -> bool, meter: &Meter, now: Instant) -> Vec<Said> {
        let mut bucket = self.bucket();
        let (mut heard, mut emitted, mut suppressed) = (Vec::new(), 0, 0);
        for line in lines.iter().filter(|line| is_wanted(line.level)) {
            if !bucket.take(now) {
                bucket.suppressed += 1;
                suppressed += 1;
                continue;
            }
            let missed = std::mem::take(&mut bucket.suppressed);
            if missed > 0 {
                heard.push(Said::Suppressed(missed));
            }
            heard.push(Said::Line(line.level, plain(&line.text, LINE_CHARS)));
            emitted += 1;
        }
        meter.record_log(emitted, suppressed);
        heard
    }
}

fn is_wanted(level: LogLevel) -> bool {
    match level {
        LogLevel::Trace => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
        LogLevel::Debug => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
        LogLevel::Info => tracing::enabled!(target: TARGET, tracing::Level::INFO),
        LogLevel::Warn => tracing::enabled!(target: TARGET, tracing::Level::WARN),
        LogLevel::Error => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
    }
}

fn write(level: LogLevel, id: &PluginId, digest: &str, call: &'static str, text: &str) {
    let plugin = &id.name;
    match level {
        LogLevel::Trace => tracing::trace!(target: TARGET, %plugin, digest, call, text = %text, "a plugin says"),
        LogLevel::Debug => tracing::debug!(target: TARGET, %plugin, digest, call, text = %text, "a plugin says"),
        LogLevel::Info => tracing::info!(target: TARGET, %plugin, digest, call, text = %text, "a plugin says"),
        LogLevel::Warn => tracing::warn!(target: TARGET, %plugin, digest, call, text = %text, "a plugin says"),
        // An error of a guest's needs no person by itself: what the host makes of the call says that.
        LogLevel::Error => tracing::error!(target: TARGET, %plugin, digest, call, text = %text, "a plugin says"),
    }
}

/// The voices of all plugins, by name.
#[derive(Debug, Default)]
pub struct Voices {
    voices: Mutex<BTreeMap<PluginName, Arc<Voice>>>,
}

impl Voices {
    /// The voice of a plugin, made at the first call.
    pub fn of(&self, name: &PluginName) -> Arc<Voice> {
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(voice) = voices.get(name) {
            return voice.clone();
        }
        if voices.len() >= MAX_PLUGINS {
            voices.retain(|_, voice| Arc::strong_count(voice) > 1);
        }
        let voice = Arc::new(Voice::default());
        if voices.len() < MAX_PLUGINS {
            voices.insert(name.clone(), voice.clone());
        }
        voice
    }
}

#[cfg(test)]
mod tests;
