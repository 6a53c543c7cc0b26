//! One activated build of a plugin: what the ports of the core are implemented by.

mod ports;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use verwalter_core::contract::{Reads, SnapshotView};
use verwalter_core::guard::Guards;
use verwalter_core::ports::{Cost, Failure, FailureCause, Kind, LogLine, PluginId};
use wasmtime::{Engine, Store};

use super::call::{self, drive};
use super::guest::{Guest, Reply, Request};
use super::limits::{Limit, Limits};
use super::manifest::{Manifest, Mode, OnFailure};
use super::meter::Meter;
use super::permits::{Permit, Permits};
use super::store::{self, CallState};
use super::voice::Voice;
use verwalter_core::ports::BuildId;

pub use session::Session;

/// How long a call waits for its turn when all permits are out: two of the longest default calls.
const PERMIT_WAIT: Duration = Duration::from_secs(4);

/// What calls share.
#[derive(Clone)]
pub(super) struct Runtime {
    pub(super) engine: Engine,
    pub(super) permits: Arc<Permits>,
}

/// A linked plugin with its limits, its configuration and what it wants to be told.
#[derive(Clone)]
pub struct Loaded {
    pub(super) id: PluginId,
    pub(super) build: BuildId,
    pub(super) manifest_text: Arc<str>,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    pub(super) order: i32,
    pub(super) runtime: Runtime,
    pub(super) guest: Arc<Guest>,
    pub(super) limits: Limits,
    pub(super) reads: Reads,
    pub(super) config: String,
    pub(super) guards: Guards,
    pub(super) allows_on_failure: bool,
    /// A filter plugin's names.
    pub(super) filters: Vec<String>,
    pub(super) meter: Arc<Meter>,
    pub(super) voice: Arc<Voice>,
}

/// One call that came to an end.
pub(super) struct Finished {
    pub(super) reply: Reply,
    pub(super) log: Vec<LogLine>,
    pub(super) cost: Cost,
}

impl Loaded {
    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Which build of the plugin this is.
    pub fn id(&self) -> &PluginId {
        &self.id
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Which bytes and which manifest it was made from.
    pub fn build(&self) -> BuildId {
        self.build
    }

    /// Its counters.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The same build under another manifest, which it is not asked about again: for tools that make single calls.
    pub fn under(&self, manifest: &Manifest) -> Loaded {
        let reads = Reads {
            mode: manifest.input.unwrap_or(self.reads.mode),
            metrics: manifest.metrics.clone().unwrap_or_else(|| self.reads.metrics.clone()),
            keys: self.reads.keys.clone(),
        };
        let config = manifest.config.to_string();
        let allows_on_failure = manifest.on_failure == Some(OnFailure::Allow);
        Loaded { limits: manifest.limits, guards: manifest.guards, reads, config, allows_on_failure, ..self.clone() }
    }

    /// Begins one render of one role with this filter plugin.
    pub fn session(self: &Arc<Loaded>) -> Session {
        Session::new(self.clone())
    }

    /// The filters that it offers.
    pub fn filters(&self) -> &[String] {
        &self.filters
    }

    fn fail(&self, cause: FailureCause, message: String) -> Failure {
        Failure { plugin: self.id.clone(), cause, message, log: Vec::new(), cost: None }
    }

    fn permit(&self) -> Result<Permit, Failure> {
        let permit = self.runtime.permits.take(Instant::now() + PERMIT_WAIT);
        permit.ok_or_else(|| self.fail(FailureCause::Host, "waited 4 s while other plugins ran; the call was given up".to_owned()))
    }

    fn check_input(&self, input: &str) -> Result<(), Failure> {
        if input.len() <= self.limits.bytes(Limit::Input) {
            return Ok(());
        }
        let (limit, hint) = (self.limits.describe(Limit::Input), self.limits.raise_hint(Limit::Input));
        Err(self.fail(FailureCause::Input, format!("its input has {} bytes, more than its limit of {limit}; {hint}", input.len())))
    }

    /// One call in a fresh instance, which is dropped after it. Its cost is counted and its words are logged, whatever came of it.
    pub(super) fn call_once(&self, request: Request<'_>, view: Option<Arc<SnapshotView>>) -> Result<Finished, Failure> {
        let result = self.call_unheard(request, view);
        self.meter.record(match &result {
            Ok(Finished { reply: Reply::Refused(_), cost, .. }) => Err((FailureCause::Answered, Some(cost))),
            Ok(finished) => Ok(&finished.cost),
            Err(failure) => Err((failure.cause, failure.cost.as_deref())),
        });
        let log = result.as_ref().map_or_else(|failure| &failure.log, |finished| &finished.log);
        self.voice.say(&self.id, request.name(), log, &self.meter, Instant::now());
        result
    }

    fn call_unheard(&self, request: Request<'_>, view: Option<Arc<SnapshotView>>) -> Result<Finished, Failure> {
        if let Some(document) = request.document() {
            self.check_input(document)?;
        }
        let permit = self.permit()?;
        let started = Instant::now();
        let mut store = store::open(&self.runtime.engine, &self.limits, view, self.guest.seed(request));
        let deadline = store.data().deadline;
        let call = async {
            let instance = self.guest.instantiate(&mut store).await?;
            instance.call(&mut store, request, self.limits.bytes(Limit::Output)).await
        };
        let result = drive(call, deadline);
        let log = store.data_mut().take_log();
        let cost = cost(&store, &self.limits, started);
        let reply = match result {
            Ok(reply) => reply,
            Err(err) => return Err(Failure { log, cost: Some(Box::new(cost)), ..call::failure(&self.id, &self.limits, &err) }),
        };
        drop(store);
        drop(permit);
        if let Reply::Done(bytes) = &reply
            && bytes.len() > self.limits.bytes(Limit::Output)
        {
            let limit = self.limits.describe(Limit::Output);
            let message =
                format!("its answer has {} bytes, more than its limit of {limit}; {}", bytes.len(), self.limits.raise_hint(Limit::Output));
            return Err(Failure { log, cost: Some(Box::new(cost)), ..self.fail(FailureCause::Output, message) });
        }
        Ok(Finished { reply, log, cost })
    }
}

fn cost(store: &Store<CallState>, limits: &Limits, started: Instant) -> Cost {
    let left = store.get_fuel().expect("fuel is on in this engine");
    Cost { fuel: limits.get(Limit::Fuel).saturating_sub(left), elapsed: started.elapsed(), peak_memory: store.data().peak_memory() }
}

/// A guest's own words are bounded before they reach logs and pages.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 500;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
