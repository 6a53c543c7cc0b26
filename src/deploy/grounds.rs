//! What a pass is made on, as it stands at one moment. It is the same for what the node does by itself and for what is ordered.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::watch;
use verwalter_apply::Roots;
use verwalter_collect::Published;
use verwalter_collect::machine::merge;
use verwalter_core::accept::NodeFacts;
use verwalter_core::names::Hostname;

use super::Deploy;
use super::tools::Tools;
use super::worker::Pass;
use crate::reload::Config;
use crate::store::InForce;
use crate::telemetry::chain;

/// Why no pass can be made now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unready {
    /// Nothing was decided yet.
    #[error("there is no schedule yet: /v1/status says what is missing")]
    Undecided,
    /// The machine was not looked at yet, or not since its operator's facts were read: what comes next wakes the task.
    #[error("this machine's facts are not known yet: try again in a moment")]
    Unmeasured,
    /// The operator's facts cannot be read. Half of them would put other text into files that are good.
    #[error("{0}")]
    Unreadable(String),
    /// There is nothing to put roles in place with.
    #[error("{0}")]
    Unequipped(String),
}

/// See the module.
pub(super) struct Grounds {
    pub(super) in_force: Arc<InForce>,
    pub(super) config: Arc<Config>,
    pub(super) tools: Arc<Tools>,
    pub(super) hostname: Hostname,
    roots: Roots,
    machine: Arc<Map<String, Value>>,
}

impl Deploy {
    /// As it stands now.
    pub(super) fn grounds(&self, tools: &mut Option<Arc<Tools>>) -> Result<Grounds, Unready> {
        let in_force = self.in_force.borrow().clone().ok_or(Unready::Undecided)?;
        let config = self.config.borrow().clone();
        // Templates may print facts: without them a role would be rendered twice.
        let machine = own_facts(&self.collected, &self.hostname).ok_or(Unready::Unmeasured)?;
        config.renderable().map_err(Unready::Unreadable)?;
        if merge(&machine, &config.machine) != *machine {
            // A snapshot from before the configuration was read.
            return Err(Unready::Unmeasured);
        }
        let tools = self.opened(tools).map_err(|error| Unready::Unequipped(chain(&error)))?;
        let roots = self.roots(&config);
        let hostname = self.hostname.clone();
        Ok(Grounds { in_force, config, tools, hostname, roots, machine })
    }
}

impl Grounds {
    /// A pass for `in_force`, by itself or on an order.
    pub(super) fn pass<'a>(&'a self, in_force: &'a InForce, ordered: bool) -> Pass<'a> {
        let Grounds { config, tools, roots, .. } = self;
        let facts = NodeFacts { hostname: &self.hostname, templates: &config.templates, machine: &self.machine };
        Pass { in_force, facts, config, roots, tools, ordered }
    }
}

/// What is known of this machine.
pub(super) fn own_facts(collected: &watch::Receiver<Option<Arc<Published>>>, hostname: &Hostname) -> Option<Arc<Map<String, Value>>> {
    let published = collected.borrow().clone()?;
    let peers = published.snapshot.peers();
    let own = peers.get(peers.position(hostname.as_str())?)?;
    Some(own.machine.clone())
}
