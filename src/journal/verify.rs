//! A recorded round decided again: with the builds that decided, to see that the same bytes come of it for the same fuel; or with
//! another build, to see what it would have placed. It needs no daemon and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use verwalter_core::admit::admit;
use verwalter_core::contract::{SnapshotView, review_document};
use verwalter_core::diff::Diff;
use verwalter_core::digest::Digest;
use verwalter_core::ports::{Cost, Decision, Failure, FailureCause, Kind, Policy, RawOutput, Scheduler};
use verwalter_core::schedule::Schedule;

use super::account::program;
use super::record::{Call, Outcome, PARENT_LIMITS, Record, Review, Verdict};
use crate::plugin::generations;
use crate::plugin::inspect::MAX_WASM_BYTES;
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Loaded};
use crate::round::circumstances::Circumstances;

/// What came of deciding a call again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The same bytes for the same fuel.
    Same {
        /// How much.
        fuel: u64,
    },
    /// The same bytes, recorded by another version of the program, whose fuel is another measure: what there is to say of it.
    SameBytes(String),
    /// Something differs: the first of it.
    Differs(String),
    /// There is nothing to compare with: why.
    Skipped(String),
}

/// The builds that records name, as far as they are still kept.
pub struct Builds<'a> {
    activator: &'a Activator,
    dirs: Vec<PathBuf>,
    loaded: BTreeMap<(Digest, Digest), Result<Arc<Loaded>, String>>,
}

impl<'a> Builds<'a> {
    /// Looks below a daemon's storage directory, and in a directory of plugins where one is given.
    pub fn new(activator: &'a Activator, storage_dir: &Path, plugins_dir: Option<&Path>) -> Builds<'a> {
        let dirs = std::iter::once(storage_dir.join(generations::DIRECTORY)).chain(plugins_dir.map(Path::to_owned)).collect();
        Builds { activator, dirs, loaded: BTreeMap::new() }
    }

    /// The build that a recorded call was made with.
    fn of(&mut self, call: &Call, kind: Kind) -> Result<Arc<Loaded>, String> {
        let key = (call.plugin.digest, Digest::of(call.manifest.as_bytes()));
        if let Some(known) = self.loaded.get(&key) {
            return known.clone();
        }
        let loaded = self.load(call, kind);
        self.loaded.insert(key, loaded.clone());
        loaded
    }

    fn load(&self, call: &Call, kind: Kind) -> Result<Arc<Loaded>, String> {
        let wasm = self.find(call.plugin.digest).ok_or_else(|| {
            format!("the build {} is not kept any more: name a directory that has its .wasm file with --plugins-dir", call.plugin.digest)
        })?;
        let manifest = Manifest::parse(Path::new("recorded manifest"), &call.manifest)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        if manifest.kind != kind {
            return Err(format!("its recorded manifest says `kind: {}`", manifest.kind));
        }
        self.activator.load(&call.plugin.name, &wasm, &manifest).map(Arc::new).map_err(|err| err.to_string())
    }

    fn find(&self, digest: Digest) -> Option<Vec<u8>> {
        let files = self.dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten().map(|entry| entry.path());
        let wasm = files.filter(|path| path.extension().is_some_and(|extension| extension == "wasm"));
        let sized = wasm.filter(|path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_WASM_BYTES));
        sized.filter_map(|path| fs::read(path).ok()).find(|bytes| Digest::of(bytes) == digest)
    }
}

/// What a record was decided on.
pub fn circumstances(record: &Record) -> Circumstances {
    Circumstances {
        now: record.about.at,
        round: record.about.round,
        term: record.about.term,
        hostname: record.about.hostname.clone(),
        id: record.about.id,
        runtime: record.runtime.clone(),
        actions: record.actions.clone(),
        parents: record.parents.clone(),
        snapshot: record.snapshot.clone(),
    }
}

/// Decides and reviews a recorded round again; one result a call, by plugin. Blocks.
pub fn verify(record: &Record, builds: &mut Builds<'_>) -> Vec<(String, Verified)> {
    let mut results = Vec::new();
    if let Some(call) = &record.about.scheduler {
        let scheduler = builds.of(call, Kind::Scheduler);
        results.push((call.plugin.to_string(), scheduler.map_or_else(Verified::Skipped, |scheduler| scheduled(record, call, &*scheduler))));
    }
    let proposed = decided(record);
    for review in &record.about.policies {
        let policy = builds.of(&review.call, Kind::Policy);
        let verified = match (policy, &proposed) {
            (Err(why), _) => Verified::Skipped(why),
            (_, None) => Verified::Skipped("the schedule that it reviewed cannot be made again".to_owned()),
            (Ok(policy), Some(schedule)) => reviewed(record, review, &*policy, schedule),
        };
        results.push((review.call.plugin.to_string(), verified));
    }
    results
}

fn scheduled(record: &Record, call: &Call, scheduler: &dyn Scheduler) -> Verified {
    let Some((document, view)) = record.document() else { return Verified::Skipped("no scheduler was asked".to_owned()) };
    if Digest::of(document.as_bytes()) != call.input {
        return Verified::Differs(format!("the input document is another one than that which was handed over ({})", call.input));
    }
    let failed = match &record.about.outcome {
        Outcome::Failed { cause: Some(cause), message } => Some((*cause, message.as_str())),
        _ => None,
    };
    compare(record, call, failed, || scheduler.schedule(&document, &view))
}

fn reviewed(record: &Record, review: &Review, policy: &dyn Policy, schedule: &Schedule) -> Verified {
    let (known, call) = (circumstances(record), &review.call);
    let view = Arc::new(SnapshotView::new(known.snapshot.clone(), &call.reads, &known.parents));
    let diff = Diff::between(known.previous(), schedule, known.snapshot.peers());
    let input = known.review_input(&call.config, schedule, &diff);
    let document = review_document(&input, &call.reads, &view);
    if Digest::of(document.as_bytes()) != call.input {
        return Verified::Differs(format!("the review document is another one than that which was handed over ({})", call.input));
    }
    let failed = match &review.verdict {
        Verdict::Failed { cause, message, .. } => Some((*cause, message.as_str())),
        _ => None,
    };
    compare(record, call, failed, || policy.review(&document, &view))
}

/// The schedule that was decided, and that the policies were asked about: read from the scheduler's recorded answer.
pub fn decided(record: &Record) -> Option<Schedule> {
    let output = record.about.scheduler.as_ref()?.answer()?;
    let output = RawOutput(output.to_owned());
    let admitted = admit(&output, record.snapshot.peers(), PARENT_LIMITS);
    admitted.ok().map(|admitted| admitted.schedule)
}

/// How a recorded call failed, where it did.
type Failed<'a> = Option<(FailureCause, &'a str)>;

fn compare(record: &Record, call: &Call, then_failed: Failed<'_>, again: impl FnOnce() -> Result<Decision, Failure>) -> Verified {
    if let Some((cause, _)) = then_failed.filter(|(cause, _)| !cause.is_deterministic()) {
        // Not even tried: what the clock ended would take as long again.
        return Verified::Skipped(format!(
            "it was ended then by the clock, its stack or the host ({cause}), which may come at another instruction each time"
        ));
    }
    let again = again();
    if let Some((cause, message)) =
        again.as_ref().err().map(|failure| (failure.cause, &failure.message)).filter(|(cause, _)| !cause.is_deterministic())
    {
        return Verified::Skipped(format!("it was ended now ({cause}): {message}"));
    }
    match (call.answer(), again) {
        (Some(then), Ok(now)) if then == now.output.0 => compare_fuel(record, call, Some(&now.cost)),
        (Some(then), Ok(now)) => Verified::Differs(first_difference(then, &now.output.0)),
        (Some(_), Err(failure)) => Verified::Differs(format!("it answered then, and fails now ({}): {}", failure.cause, failure.message)),
        (None, Err(failure)) => match then_failed {
            Some((cause, message)) if cause != failure.cause => {
                Verified::Differs(format!("it failed then ({message}), and otherwise now ({}): {}", failure.cause, failure.message))
            }
            // The guest's own words; those of traps are the engine's, and change with it.
            Some((FailureCause::Answered, message)) if !message.ends_with(&failure.message) => {
                Verified::Differs(format!("it answered another error then ({message}) than now ({})", failure.message))
            }
            _ => compare_fuel(record, call, failure.cost.as_deref()),
        },
        (None, Ok(_)) => Verified::Differs("it gave no answer then, and answers now".to_owned()),
    }
}

fn compare_fuel(record: &Record, call: &Call, now: Option<&Cost>) -> Verified {
    match (call.cost, now) {
        (Some(then), Some(now)) if then.fuel != now.fuel => {
            let (there, here, fuel) = (&record.about.program, program(), (then.fuel, now.fuel));
            if *there == here {
                return Verified::Differs(format!("the same bytes, but fuel {} then and {} now", fuel.0, fuel.1));
            }
            Verified::SameBytes(format!(
                "fuel {} then and {} now; it was recorded by {there}, this is {here}, and fuel compares within one version only",
                fuel.0, fuel.1
            ))
        }
        (_, now) => Verified::Same { fuel: now.map_or(0, |cost| cost.fuel) },
    }
}

/// Where two answers part, with what stands there.
fn first_difference(then: &[u8], now: &[u8]) -> String {
    const SHOWN: usize = 40;
    let at = then.iter().zip(now).position(|(a, b)| a != b).unwrap_or_else(|| then.len().min(now.len()));
    let shown = |bytes: &[u8]| {
        let from = at.saturating_sub(SHOWN / 2);
        String::from_utf8_lossy(&bytes[from.min(bytes.len())..(at + SHOWN).min(bytes.len())]).escape_debug().to_string()
    };
    format!("the answers part at byte {at} of {} and {}: then `{}`, now `{}`", then.len(), now.len(), shown(then), shown(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_where_they_are() {
        let check = |then: &str, now: &str, expect: &str| assert_eq!(first_difference(then.as_bytes(), now.as_bytes()), expect);
        check("{\"a\":1}", "{\"a\":2}", "the answers part at byte 5 of 7 and 7: then `{\\\"a\\\":1}`, now `{\\\"a\\\":2}`");
        check("ab", "abc", "the answers part at byte 2 of 2 and 3: then `ab`, now `abc`");
        check("", "x", "the answers part at byte 0 of 0 and 1: then ``, now `x`");
    }
}
