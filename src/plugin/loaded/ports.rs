//! The core's ports on a build: schedule, review, query. Each call has a fresh instance.

use std::sync::Arc;

use verwalter_core::contract::{Reads, SnapshotView};
use verwalter_core::guard::Guards;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::ports::{Decision, Failure, FailureCause, Plugin, PluginId, Policy, Query, RawOutput, Scheduler};

use super::{Loaded, shorten};
use crate::plugin::guest::{Reply, Request};

/// How the message of an answered error begins.
const ANSWERED: &str = "answered an error: ";

impl Loaded {
    /// Asks what it thinks of a configuration, JSON text, in a fresh instance. The answer to one that will do is empty.
    pub fn check_config(&self, config: &str) -> Result<Decision, Failure> {
        self.answer(Request::CheckConfig(config), None)
    }

    /// The guest's own words in the failure of a call that it answered with an error; they are cut after 500 characters.
    pub fn reason(failure: &Failure) -> &str {
        failure.message.strip_prefix(ANSWERED).unwrap_or(&failure.message)
    }

    /// A call whose answer is a document.
    fn answer(&self, request: Request<'_>, view: Option<Arc<SnapshotView>>) -> Result<Decision, Failure> {
        let absent = match request {
            Request::CheckConfig(_) => "it has no `check-config`: any configuration will do",
            _ => "it has no such function; the kind in its manifest is wrong",
        };
        let finished = self.call_once(request, view)?;
        match finished.reply {
            Reply::Done(bytes) => Ok(Decision { output: RawOutput(bytes), log: finished.log, cost: finished.cost }),
            Reply::Refused(reason) => {
                let failure = self.fail(FailureCause::Answered, format!("{ANSWERED}{}", shorten(&reason)));
                Err(Failure { log: finished.log, cost: Some(Box::new(finished.cost)), ..failure })
            }
            Reply::Absent => Err(self.fail(FailureCause::Host, absent.to_owned())),
        }
    }
}

impl Plugin for Loaded {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn reads(&self) -> &Reads {
        &self.reads
    }

    fn config(&self) -> &str {
        &self.config
    }

    fn json_limits(&self) -> JsonLimits {
        self.limits.json()
    }
}

impl Scheduler for Loaded {
    fn guards(&self) -> &Guards {
        &self.guards
    }

    fn schedule(&self, document: &str, view: &Arc<SnapshotView>) -> Result<Decision, Failure> {
        self.answer(Request::Schedule(document), Some(view.clone()))
    }
}

impl Policy for Loaded {
    fn allows_on_failure(&self) -> bool {
        self.allows_on_failure
    }

    fn review(&self, document: &str, view: &Arc<SnapshotView>) -> Result<Decision, Failure> {
        self.answer(Request::Review(document), Some(view.clone()))
    }
}

impl Query for Loaded {
    fn allows_empty(&self) -> bool {
        self.guards.allow_empty
    }

    fn query(&self, document: &str) -> Result<Decision, Failure> {
        self.answer(Request::Query(document), None)
    }

    fn render_roles(&self, document: &str) -> Result<Decision, Failure> {
        self.answer(Request::RenderRoles(document), None)
    }
}
