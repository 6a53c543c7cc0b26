//! One activated build of a plugin: what the ports of the core are implemented by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use verwalter_core::contract::{Reads, SnapshotView};
use verwalter_core::json::strict;
use verwalter_core::ports::{Cost, Decision, Failure, FailureCause, LogLine, PluginId, RawOutput, Scheduler};
use wasmtime::{Engine, Store};

use super::call::{self, drive};
use super::guest::{Guest, Instance, Reply, Request};
use super::limits::{Limit, Limits};
use super::permits::{Permit, Permits};
use super::store::{self, CallState};

/// How long a call waits for its turn when all permits are out: two of the longest default calls.
const PERMIT_WAIT: Duration = Duration::from_secs(4);

/// What calls share.
#[derive(Clone)]
pub(super) struct Runtime {
    pub(super) engine: Engine,
    pub(super) permits: Arc<Permits>,
}

/// A linked plugin with its limits, its configuration and what it wants to be told.
pub struct Loaded {
    pub(super) id: PluginId,
    pub(super) runtime: Runtime,
    pub(super) guest: Guest,
    pub(super) limits: Limits,
    pub(super) reads: Reads,
    pub(super) config: String,
    /// A filter plugin's names.
    pub(super) filters: Vec<String>,
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

    /// Which build this is.
    pub fn id(&self) -> &PluginId {
        &self.id
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
        Failure { plugin: self.id.clone(), cause, message, log: Vec::new() }
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

    /// One call in a fresh instance, which is dropped after it.
    pub(super) fn call_once(&self, request: Request<'_>, view: Option<Arc<SnapshotView>>) -> Result<Finished, Failure> {
        if let Request::Schedule(document) = request {
            self.check_input(document)?;
        }
        let permit = self.permit()?;
        let started = Instant::now();
        let mut store = store::open(&self.runtime.engine, &self.limits, view);
        let deadline = store.data().deadline;
        let call = async {
            let instance = self.guest.instantiate(&mut store).await?;
            instance.call(&mut store, request, self.limits.bytes(Limit::Output)).await
        };
        let result = drive(call, deadline);
        let log = std::mem::take(&mut store.data_mut().log);
        let reply = match result {
            Ok(reply) => reply,
            Err(err) => return Err(Failure { log, ..call::failure(&self.id, &self.limits, &err) }),
        };
        let cost = cost(&store, &self.limits, started);
        drop(store);
        drop(permit);
        if let Reply::Done(bytes) = &reply
            && bytes.len() > self.limits.bytes(Limit::Output)
        {
            let limit = self.limits.describe(Limit::Output);
            let message =
                format!("its answer has {} bytes, more than its limit of {limit}; {}", bytes.len(), self.limits.raise_hint(Limit::Output));
            return Err(Failure { log, ..self.fail(FailureCause::Output, message) });
        }
        Ok(Finished { reply, log, cost })
    }
}

fn cost(store: &Store<CallState>, limits: &Limits, started: Instant) -> Cost {
    let left = store.get_fuel().expect("fuel is on in this engine");
    Cost { fuel: limits.get(Limit::Fuel).saturating_sub(left), elapsed: started.elapsed(), peak_memory: store.data().peak_memory() }
}

/// A guest's own words are bounded before they reach logs and pages.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 500;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Scheduler for Loaded {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn reads(&self) -> &Reads {
        &self.reads
    }

    fn config(&self) -> &str {
        &self.config
    }

    fn json_limits(&self) -> strict::JsonLimits {
        self.limits.json()
    }

    fn schedule(&self, document: &str, view: &Arc<SnapshotView>) -> Result<Decision, Failure> {
        let finished = self.call_once(Request::Schedule(document), Some(view.clone()))?;
        match finished.reply {
            Reply::Done(bytes) => Ok(Decision { output: RawOutput(bytes), log: finished.log, cost: finished.cost }),
            Reply::Refused(reason) => {
                Err(Failure { log: finished.log, ..self.fail(FailureCause::Answered, format!("answered an error: {}", shorten(&reason))) })
            }
            Reply::Absent => Err(self.fail(FailureCause::Host, "it has no `schedule`; the kind in its manifest is wrong".to_owned())),
        }
    }
}

/// A filter plugin during one render of one role: instantiated at its first use, given up after its first failure.
pub struct Session {
    plugin: Arc<Loaded>,
    /// The permit comes last: it must not be another's before the store's slots are free.
    live: Option<(Store<CallState>, Instance, Permit)>,
    failed: Option<Failure>,
}

impl Session {
    fn new(plugin: Arc<Loaded>) -> Session {
        Session { plugin, live: None, failed: None }
    }

    fn run(&mut self, name: &str, args: &str) -> Result<Reply, Failure> {
        let plugin = &*self.plugin;
        if self.live.is_none() {
            let permit = plugin.permit()?;
            let mut store = store::open(&plugin.runtime.engine, &plugin.limits, None);
            let deadline = store.data().deadline;
            let instance = drive(plugin.guest.instantiate(&mut store), deadline);
            let instance = instance.map_err(|err| call::failure(&plugin.id, &plugin.limits, &err))?;
            self.live = Some((store, instance, permit));
        }
        let (store, instance, _) = self.live.as_mut().expect("it was made above");
        let deadline = Instant::now() + plugin.limits.time();
        store.data_mut().deadline = deadline;
        store.data_mut().log.clear();
        let call = instance.call(store, Request::Apply(name, args), plugin.limits.bytes(Limit::Output));
        let reply = drive(call, deadline).map_err(|err| call::failure(&plugin.id, &plugin.limits, &err))?;
        for line in &store.data().log {
            tracing::debug!(plugin = %plugin.id.name, filter = name, level = ?line.level, text = %line.text.escape_debug(), "a filter logged");
        }
        Ok(reply)
    }

    /// Calls the filter `name` with an array of arguments. Blocks up to the plugin's time limit.
    pub fn apply(&mut self, name: &str, args: &Value) -> Result<Value, Failure> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        let args = args.to_string();
        self.plugin.check_input(&args)?;
        let reply = self.run(name, &args).inspect_err(|failure| {
            // An instance must not be used again after an error.
            self.live = None;
            self.failed = Some(failure.clone());
        })?;
        let bytes = match reply {
            Reply::Done(bytes) => bytes,
            Reply::Refused(reason) => return Err(self.plugin.fail(FailureCause::Answered, shorten(&reason))),
            Reply::Absent => {
                return Err(self.plugin.fail(FailureCause::Host, "it has no filters; the kind in its manifest is wrong".to_owned()));
            }
        };
        let refused = |message: String| self.plugin.fail(FailureCause::Refused, message);
        let text = String::from_utf8(bytes).map_err(|_| refused(format!("filter `{name}` answered no UTF-8")))?;
        strict::read_value(&text, self.plugin.limits.json()).map_err(|err| refused(format!("filter `{name}` answered no JSON: {err}")))
    }
}
