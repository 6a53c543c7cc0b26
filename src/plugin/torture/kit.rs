//! Runs the hostile guests one after the other and judges what became of each; a sound plugin decides after every one of them.
//! It reads no configuration tree and keeps nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use verwalter_core::admit::admit;
use verwalter_core::contract::{SchedulerInput, SnapshotView, document};
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::names::{Hostname, PluginName};
use verwalter_core::ports::{Failure, FailureCause, Kind, Plugin as _, Scheduler};
use verwalter_core::snapshot::Snapshot;

use super::{End, Guest, Plugin, cluster, frame, guests, resident};
use crate::config::file::FileError;
use crate::plugin::activate::Activator;
use crate::plugin::file as plugin_file;
use crate::plugin::inspect::Abi;
use crate::plugin::limits::{Limit, Limits, spec};
use crate::plugin::loaded::Loaded;
use crate::plugin::manifest::Manifest;

/// Compiled guests and those before them that still lie in the cache.
pub const CACHE_BYTES: u64 = 256 << 20;

/// What became of one guest.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it tries.
    pub tries: &'static str,
    /// As what it runs.
    pub kind: Kind,
    /// How it speaks to the host.
    pub abi: Abi,
    /// Limits that are lower than the operator's, as they are written in a manifest.
    pub lowered: BTreeMap<&'static str, String>,
    /// What stopped it: a step of the activation, the cause of a failed call, or `nothing`.
    pub stopped_by: String,
    /// What an operator reads of it.
    pub message: String,
    /// Whether that is what must become of it.
    pub expected: bool,
    /// Whether a sound plugin decided afterwards as it did before.
    pub sound_after: bool,
    /// How long it took, activation included.
    pub elapsed_ms: u64,
    /// How much more memory this process had at the worst moment.
    pub grew_bytes: Option<u64>,
    /// How much that may be under its limits.
    pub may_grow_bytes: u64,
}

impl Row {
    /// Whether it was held.
    pub fn is_held(&self) -> bool {
        self.expected && self.sound_after && !self.outgrew()
    }

    /// Whether this process took more memory for it than its limits say.
    pub fn outgrew(&self) -> bool {
        self.grew_bytes.is_some_and(|grew| grew > self.may_grow_bytes)
    }
}

/// All of them together.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Guests that ran.
    pub guests: usize,
    /// Those that got through, or were stopped by something else than what must stop them.
    pub not_held: Vec<&'static str>,
    /// How long all took.
    pub elapsed_ms: u64,
    /// How much more memory this process has now than before the first.
    pub grew_bytes: Option<u64>,
}

/// Why no guest could be run. This machine is at fault.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// No guest has that name.
    #[error("no guest is called `{0}`: the names are those that `verwalter plugin torture` prints")]
    Unknown(String),
    /// The plugin beside the guests does not run either.
    #[error("not even a sound plugin runs here: {0}")]
    Unsound(String),
    /// The text of a guest is no WebAssembly: a defect of this program.
    #[error("the guest `{guest}` cannot be translated")]
    Text {
        /// Which.
        guest: &'static str,
        /// What is wrong with its text.
        #[source]
        source: wat::Error,
    },
    /// The directory for large files could not be used.
    #[error("the directory for guests' files cannot be used")]
    Io(#[from] std::io::Error),
}

/// Everything that the guests run in.
pub struct Kit<'a> {
    activator: &'a Activator,
    dir: &'a Path,
    limits: BTreeMap<Kind, Limits>,
    manifests: BTreeMap<Kind, Manifest>,
    snapshot: Arc<Snapshot>,
    sound: Loaded,
    decided: String,
}

impl<'a> Kit<'a> {
    /// Guests of the manifest's kind run under its limits, others under the defaults of theirs; what decides or reviews is
    /// limited alike. `dir` is for files that are too large for memory.
    pub fn new(activator: &'a Activator, dir: &'a Path, manifest: Option<&Manifest>) -> Result<Kit<'a>, KitError> {
        let mut limits = BTreeMap::from([Kind::Scheduler, Kind::Filter].map(|kind| (kind, Limits::of(kind))));
        if let Some(manifest) = manifest {
            let kind = if manifest.kind == Kind::Filter { Kind::Filter } else { Kind::Scheduler };
            limits.insert(kind, manifest.limits);
        }
        let scheduler = manifest_of("kind: scheduler\ninput: columns\nmetrics: { load: { metric: load } }\n");
        let rule = scheduler.metrics.as_ref().and_then(|rules| rules.values().next()).expect("it is written above").clone();
        let name = PluginName::new("sound").expect("letters");
        let text = r#"{"v":1,"schedule":{"roles":{"web":{"place":{"node00007":1}}}}}"#;
        let wasm = wat::parse_str(frame::answering(format!("\0{text}").as_bytes())).expect("the frame is valid text");
        let sound = activator.load(&name, &wasm, &scheduler).map_err(|err| KitError::Unsound(err.to_string()))?;
        let manifests = BTreeMap::from([(Kind::Scheduler, scheduler), (Kind::Filter, manifest_of("kind: filter\n"))]);
        let mut kit = Kit { activator, dir, limits, manifests, snapshot: cluster::snapshot(rule), sound, decided: String::new() };
        kit.decided = kit.decide(&kit.sound).map_err(|(cause, message)| KitError::Unsound(format!("{cause}: {message}")))?;
        Ok(kit)
    }

    /// Runs all guests, or the one called `only`; `report` gets each as soon as it ended.
    pub fn run(&self, only: Option<&str>, report: &mut dyn FnMut(&Row)) -> Result<Summary, KitError> {
        let chosen: Vec<Guest> = guests().into_iter().filter(|guest| only.is_none_or(|only| guest.name == only)).collect();
        if let (Some(only), true) = (only, chosen.is_empty()) {
            return Err(KitError::Unknown(only.to_owned()));
        }
        let (started, before) = (Instant::now(), resident::now());
        let mut not_held = Vec::new();
        for guest in &chosen {
            let row = self.row(guest)?;
            if !row.is_held() {
                not_held.push(row.name);
            }
            report(&row);
        }
        let grew_bytes = before.zip(resident::now()).map(|(before, after)| after.saturating_sub(before));
        Ok(Summary { guests: chosen.len(), not_held, elapsed_ms: millis(started.elapsed()), grew_bytes })
    }

    fn row(&self, guest: &Guest) -> Result<Row, KitError> {
        let limits = guest.limits(&self.limits[&guest.kind]);
        let plugin = guest.plugin(&limits).map_err(|source| KitError::Text { guest: guest.name, source })?;
        resident::forget_peak();
        let (started, before) = (Instant::now(), resident::now());
        let end = self.end(guest, &limits, plugin)?;
        let elapsed = started.elapsed();
        let grew_bytes = before.zip(resident::peak()).map(|(before, peak)| peak.saturating_sub(before));
        Ok(Row {
            name: guest.name,
            tries: guest.tries,
            kind: guest.kind,
            abi: guest.abi,
            lowered: guest.lowered.iter().map(|(limit, _)| (spec(*limit).key, limits.describe(*limit))).collect(),
            stopped_by: match &end {
                End::Refused(step, _) => step.to_string(),
                End::Failed(cause, _) => cause.to_string(),
                End::Answered => "nothing".to_owned(),
            },
            message: end.message().to_owned(),
            expected: guest.expects(&end, &limits),
            sound_after: self.decide(&self.sound).as_ref() == Ok(&self.decided),
            elapsed_ms: millis(elapsed),
            grew_bytes,
            may_grow_bytes: may_grow_bytes(&limits),
        })
    }

    fn end(&self, guest: &Guest, limits: &Limits, plugin: Plugin) -> Result<End, KitError> {
        let wasm = match plugin {
            Plugin::Bytes(bytes) => bytes,
            Plugin::Text(text) => text.into_bytes(),
            Plugin::Sparse(bytes) => match self.sparse(bytes, limits)? {
                Ok(bytes) => bytes,
                Err(err) => return Ok(End::Refused(crate::plugin::pipeline::Step::Read, err.message)),
            },
        };
        let manifest = Manifest { limits: *limits, ..self.manifests[&guest.kind].clone() };
        let name = PluginName::new("guest").expect("letters");
        let loaded = match self.activator.load(&name, &wasm, &manifest) {
            Ok(loaded) => Arc::new(loaded),
            Err(stopped) => return Ok(End::Refused(stopped.step, stopped.reason)),
        };
        drop(wasm);
        let failed = |(cause, message)| End::Failed(cause, message);
        if guest.kind == Kind::Filter {
            let mut session = loaded.session();
            // The same question is not asked twice.
            let outcomes = (0..guest.calls).map(|call| session.apply("a", &json!([call])));
            let first = outcomes.filter_map(Result::err).next();
            return Ok(first.map_or(End::Answered, |failure| failed(told(failure))));
        }
        let first = (0..guest.calls).find_map(|_| self.decide(&loaded).err());
        Ok(first.map_or(End::Answered, failed))
    }

    /// One decision, as a round makes it: the schedule, or what went wrong.
    fn decide(&self, plugin: &Loaded) -> Result<String, (FailureCause, String)> {
        let leader = NodeId::from_bytes([1; 16]);
        let input = SchedulerInput {
            now: UnixMillis(3_000),
            round: Round(1),
            term: Term { counter: 1, leader },
            current_host: &Hostname::new(&cluster::hostname(0)).expect("letters and digits"),
            current_id: leader,
            config: plugin.config(),
            runtime: "{}",
            parents: &[],
            actions: "{}",
        };
        let view = Arc::new(SnapshotView::new(self.snapshot.clone(), plugin.reads(), &[]));
        let decision = plugin.schedule(&document(&input, plugin.reads(), &view), &view).map_err(told)?;
        let admitted = admit(&decision.output, self.snapshot.peers(), plugin.json_limits());
        match admitted {
            Ok(admitted) => Ok(admitted.schedule.canonical().to_owned()),
            Err(refused) => Err((
                FailureCause::Refused,
                match std::error::Error::source(&refused) {
                    Some(source) => format!("{refused}: {source}"),
                    None => refused.to_string(),
                },
            )),
        }
    }

    /// What reading a file of so many bytes gives.
    fn sparse(&self, bytes: u64, limits: &Limits) -> Result<Result<Vec<u8>, FileError>, KitError> {
        let path = self.dir.join("sparse.wasm");
        File::create(&path)?.set_len(bytes)?;
        let read = plugin_file::read(&path, limits);
        std::fs::remove_file(&path)?;
        Ok(read)
    }
}

/// Its memory; its answer as bytes, as text and as what it means, which is read under a limit of its own; and what the host takes
/// for any plugin.
fn may_grow_bytes(limits: &Limits) -> u64 {
    /// A slot of the pool, a mapped artefact, what the allocator keeps.
    const HOST_BYTES: u64 = 16 << 20;
    /// A value with its place in a list that doubles.
    const VALUE_BYTES: u64 = 64;
    let values = (limits.get(Limit::JsonValues) * VALUE_BYTES).min(limits.get(Limit::Output) * VALUE_BYTES / 2);
    limits.get(Limit::Memory) + 2 * limits.get(Limit::Output) + values + HOST_BYTES
}

fn told(failure: Failure) -> (FailureCause, String) {
    (failure.cause, failure.message)
}

fn manifest_of(text: &str) -> Manifest {
    Manifest::parse(Path::new("torture.yaml"), text).expect("a constant that a test reads")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
