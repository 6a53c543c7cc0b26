//! A filter plugin during one render of one role: one instance, and each answer remembered for as long. Nothing is shared between roles:
//! a filter must not learn from one what another was rendered from.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use verwalter_core::json::strict;
use verwalter_core::ports::{Cost, Decision, Failure, FailureCause, RawOutput};
use wasmtime::Store;

use super::{Finished, Loaded, shorten};
use crate::plugin::call::{self, drive};
use crate::plugin::guest::{Instance, Reply, Request};
use crate::plugin::limits::Limit;
use crate::plugin::permits::Permit;
use crate::plugin::store::{self, CallState};
use crate::plugin::wasi::seed::Seed;

/// Of arguments and answers together, so much is remembered: above what a role's templates ask, far below what the role may render.
const MEMO_BYTES: usize = 1 << 20;

/// A filter plugin during one render of one role: instantiated at its first use, given up after its first failure.
pub struct Session {
    plugin: Arc<Loaded>,
    /// The permit comes last: it must not be another's before the store's slots are free.
    live: Option<(Store<CallState>, Instance, Permit)>,
    failed: Option<Failure>,
    /// Answers by filter and arguments: the same question has the same answer.
    memo: HashMap<(String, String), Value>,
    memo_bytes_left: usize,
}

impl Session {
    pub(super) fn new(plugin: Arc<Loaded>) -> Session {
        Session { plugin, live: None, failed: None, memo: HashMap::new(), memo_bytes_left: MEMO_BYTES }
    }

    fn run(&mut self, name: &str, args: &str) -> Result<Finished, Failure> {
        let plugin = &*self.plugin;
        if self.live.is_none() {
            let permit = plugin.permit()?;
            let mut store = store::open(&plugin.runtime.engine, &plugin.limits, None, Seed::FIXED);
            let deadline = store.data().deadline;
            let instance = drive(plugin.guest.instantiate(&mut store), deadline);
            let instance = instance.map_err(|err| call::failure(&plugin.id, &plugin.limits, &err));
            let instance = instance.inspect_err(|failure| plugin.meter.record(Err((failure.cause, None))))?;
            self.live = Some((store, instance, permit));
        }
        let (store, instance, _) = self.live.as_mut().expect("it was made above");
        let deadline = Instant::now() + plugin.limits.time();
        store.data_mut().deadline = deadline;
        let started = Instant::now();
        let before = store.get_fuel().unwrap_or(0);
        let call = instance.call(store, Request::Apply(name, args), plugin.limits.bytes(Limit::Output));
        let reply = drive(call, deadline).map_err(|err| call::failure(&plugin.id, &plugin.limits, &err));
        let used = before.saturating_sub(store.get_fuel().unwrap_or(0));
        let cost = Cost { fuel: used, elapsed: started.elapsed(), peak_memory: store.data().peak_memory() };
        plugin.meter.record(match &reply {
            Ok(Reply::Refused(_)) => Err((FailureCause::Answered, Some(&cost))),
            Ok(_) => Ok(&cost),
            Err(failure) => Err((failure.cause, Some(&cost))),
        });
        let log = store.data_mut().take_log();
        plugin.voice.say(&plugin.id, "apply", &log, &plugin.meter, Instant::now());
        match reply {
            Ok(reply) => Ok(Finished { reply, log, cost }),
            Err(failure) => Err(Failure { log, cost: Some(Box::new(cost)), ..failure }),
        }
    }

    /// One call, nothing of it remembered and the answer unchecked: for tools that look at what a call says and costs. The instance is
    /// that of the session's other calls. Blocks up to the plugin's time limit.
    pub fn ask(&mut self, name: &str, args: &str) -> Result<Decision, Failure> {
        self.plugin.check_input(args)?;
        let Finished { reply, log, cost } = self.run(name, args).inspect_err(|_| self.live = None)?;
        let failed = |failure| Failure { log: log.clone(), cost: Some(Box::new(cost)), ..failure };
        let bytes = self.answered(reply).map_err(failed)?;
        Ok(Decision { output: RawOutput(bytes), log, cost })
    }

    fn answered(&self, reply: Reply) -> Result<Vec<u8>, Failure> {
        match reply {
            Reply::Done(bytes) => Ok(bytes),
            Reply::Refused(reason) => Err(self.plugin.fail(FailureCause::Answered, shorten(&reason))),
            Reply::Absent => Err(self.plugin.fail(FailureCause::Host, "it has no filters; the kind in its manifest is wrong".to_owned())),
        }
    }

    /// Calls the filter `name` with an array of arguments. Blocks up to the plugin's time limit.
    pub fn apply(&mut self, name: &str, args: &Value) -> Result<Value, Failure> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        let args = args.to_string();
        self.plugin.check_input(&args)?;
        let key = (name.to_owned(), args);
        if let Some(known) = self.memo.get(&key) {
            return Ok(known.clone());
        }
        let finished = self.run(name, &key.1).inspect_err(|failure| {
            // An instance must not be used again after an error.
            self.live = None;
            self.failed = Some(failure.clone());
        })?;
        let bytes = self.answered(finished.reply)?;
        let refused = |message: String| {
            self.plugin.meter.record_late(FailureCause::Refused);
            self.plugin.fail(FailureCause::Refused, message)
        };
        let text = String::from_utf8(bytes).map_err(|_| refused(format!("filter `{name}` answered no UTF-8")))?;
        let value = strict::read_value(&text, self.plugin.limits.json());
        let value = value.map_err(|err| refused(format!("filter `{name}` answered no JSON: {err}")))?;
        if let Some(left) = self.memo_bytes_left.checked_sub(key.0.len() + key.1.len() + text.len()) {
            self.memo_bytes_left = left;
            self.memo.insert(key, value.clone());
        }
        Ok(value)
    }
}
