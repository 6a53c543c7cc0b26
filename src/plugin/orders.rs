//! What is done to a plugin in force by somebody else than its files: a build that failed is set aside, an operator goes back to a
//! former one, lifts a quarantine, or lets a decision past its guard. Each gives a new catalog; none of them reads the plugin's files.

use std::sync::Arc;
use std::time::Instant;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{BuildId, Kind, Rehearsal};

use super::activate::Activator;
use super::catalog::{ActivationError, Catalog, Entry, PluginState};
use super::entry::off_entry;
use super::generations::{Generations, Ledger};
use super::pipeline::Step;
use verwalter_collect::clock::unix_now;

/// An order that cannot be carried out. Everything stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// There is no such plugin.
    #[error("there is no plugin {0}: `verwalter plugin status` lists them")]
    Unknown(PluginName),
    /// The order does not fit what is in force.
    #[error("{0}")]
    Unfit(String),
}

/// What came of setting a build aside.
pub enum Aside {
    /// Another build is in force, or none.
    Changed(Catalog),
    /// It stays in force, since nothing there is does better: why.
    Stays(String),
}

impl Activator {
    /// Sets the build in force aside for `reason`, and puts the newest former one in force that does well on the newest input. A build
    /// that has proven itself stays where no other does better: the input is more likely at fault.
    pub fn set_aside(
        &self,
        former: &Catalog,
        name: &PluginName,
        build: BuildId,
        reason: &str,
        rehearsal: &dyn Rehearsal,
    ) -> Result<Aside, OrderRefused> {
        let (generations, entry, in_force) = self.in_force(former, name)?;
        if in_force != build {
            return Err(OrderRefused::Unfit(format!("another build of plugin {name} is in force already")));
        }
        let (now, ledger) = (unix_now(), generations.ledger(name));
        let others = ledger.candidates().filter(|candidate| candidate.build != build && entry.is_replaced_by(candidate));
        let fallback = others.filter_map(|candidate| self.revive(name, candidate, now).ok()).find(|entry| self.does_well(entry, rehearsal));
        let proven = ledger.generations().iter().any(|generation| generation.build == build && generation.proven);
        if fallback.is_none() && proven {
            return Ok(Aside::Stays("it decided well before, and no former build does better on this input: it is tried again".to_owned()));
        }
        generations.set_aside(name, build, reason, now);
        self.meters().plugin(name).quarantined();
        let fallback = self.take_over(entry, fallback, reason, now);
        tracing::error!(plugin = %name, digest = %build.wasm, reason, fallback = ?fallback.status.digest, "a build was set aside");
        Ok(Aside::Changed(self.placed(former.with(fallback, now))))
    }

    /// Goes back to the build before the one in force, or to the one with digest `to`.
    pub fn roll_back(&self, former: &Catalog, name: &PluginName, to: Option<Digest>) -> Result<(Catalog, String), OrderRefused> {
        let (generations, entry, in_force) = self.in_force(former, name)?;
        let (now, ledger) = (unix_now(), generations.ledger(name));
        let target = match to {
            None => ledger.candidates().find(|candidate| candidate.build != in_force && entry.is_replaced_by(candidate)),
            Some(digest) => {
                ledger.generations().iter().rev().find(|candidate| candidate.build.wasm == digest && candidate.build != in_force)
            }
        };
        let target = target.ok_or_else(|| nowhere(name, &ledger, in_force))?;
        let revived = self.revive(name, target, now).map_err(|_| {
            OrderRefused::Unfit(format!("generation {} of plugin {name} cannot be built any more: the log says why", target.number))
        })?;
        const REASON: &str = "the operator went back to a former build";
        generations.set_aside(name, in_force, REASON, now);
        self.meters().plugin(name).rolled_back();
        let entry = self.take_over(entry, Some(revived), REASON, now);
        let message = format!("generation {} of plugin {name} is in force again: {}", target.number, target.build.wasm);
        tracing::warn!(plugin = %name, generation = target.number, "an operator went back to a former build");
        Ok((self.placed(former.with(entry, now)), message))
    }

    /// Lifts every quarantine of a plugin: its file is tried again at the next reload, which is due.
    pub fn release(&self, former: &Catalog, name: &PluginName) -> Result<(Catalog, String), OrderRefused> {
        let entry = former.entry(name).ok_or_else(|| OrderRefused::Unknown(name.clone()))?;
        let lifted = self.generations().map_or(0, |generations| generations.release(name));
        if lifted == 0 {
            return Err(OrderRefused::Unfit(format!("no build of plugin {name} is set aside")));
        }
        tracing::warn!(plugin = %name, lifted, "an operator lifted the quarantine");
        let builds = if lifted == 1 { "one build" } else { "all builds" };
        let message = format!("{builds} of plugin {name} may be activated again");
        Ok((self.placed(former.with(Entry { fingerprint: None, ..entry.clone() }, unix_now())), message))
    }

    /// Lets the plugin's next decision that trips a guard through, and tries its file again if a guard kept it out.
    pub fn allow(&self, former: &Catalog, name: &PluginName) -> Result<(Catalog, String), OrderRefused> {
        let entry = former.entry(name).ok_or_else(|| OrderRefused::Unknown(name.clone()))?;
        if let Some(kind) = entry.status.kind.filter(|kind| *kind != Kind::Scheduler) {
            return Err(OrderRefused::Unfit(format!("plugin {name} is a {kind}: only what a scheduler decides has guards")));
        }
        self.passes().grant(name, Instant::now());
        tracing::warn!(plugin = %name, "an operator allowed the next decision past its guards");
        let minutes = super::passes::PASS_LASTS.as_secs() / 60;
        let message = format!("the next decision of plugin {name} may pass its guards, once, within {minutes} minutes");
        let kept_out = entry.status.error.as_ref().is_some_and(|error| error.step == Step::DryRun);
        let fingerprint = entry.fingerprint.filter(|_| !kept_out);
        Ok((self.placed(former.with(Entry { fingerprint, ..entry.clone() }, unix_now())), message))
    }

    fn in_force<'a>(&'a self, former: &'a Catalog, name: &PluginName) -> Result<(&'a Arc<Generations>, &'a Entry, BuildId), OrderRefused> {
        let entry = former.entry(name).ok_or_else(|| OrderRefused::Unknown(name.clone()))?;
        let nothing = || OrderRefused::Unfit(format!("no build of plugin {name} is in force: `verwalter plugin status {name}` says why"));
        let generations = self.generations().ok_or_else(nothing)?;
        let build = entry.loaded.as_ref().map(|loaded| loaded.build).ok_or_else(nothing)?;
        Ok((generations, entry, build))
    }

    /// The entry after the build in force was set aside: what takes over, or nothing.
    fn take_over(&self, entry: &Entry, fallback: Option<Entry>, reason: &str, now: UnixMillis) -> Entry {
        let name = &entry.status.name;
        let activations = entry.status.activations;
        let mut next = match fallback {
            Some(mut fallback) => {
                if let (Some(generations), Some(loaded)) = (self.generations(), &fallback.loaded) {
                    fallback.status.generation = generations.returned(name, loaded.build);
                }
                fallback.status.activations = activations + 1;
                // An operator may go back to what the files hold.
                let is_newest = fallback.loaded.as_ref().is_some_and(|loaded| entry.files_hold(loaded.build));
                if is_newest {
                    return Entry { fingerprint: entry.fingerprint, ..fallback };
                }
                fallback.status.state = PluginState::Kept;
                fallback
            }
            None => {
                let mut nothing = off_entry(name, entry.status.kind, None);
                nothing.status.mode = entry.status.mode;
                nothing.status.activations = activations;
                nothing.status.state = PluginState::Quarantined;
                nothing
            }
        };
        // Why the newest file is not in force is still what an operator wants to read first.
        let known = entry.status.error.clone().filter(|error| error.step != Step::Quarantine);
        next.status.error = Some(known.unwrap_or_else(|| {
            let remedy = format!("install another build, change its manifest, or lift it with `verwalter plugin release {name}`");
            ActivationError { step: Step::Quarantine, digest: entry.status.digest, reason: format!("{reason}; {remedy}"), at: now }
        }));
        // The files are what they were: there is nothing to try again.
        next.fingerprint = entry.fingerprint;
        next
    }
}

/// Why there is nothing to go back to.
fn nowhere(name: &PluginName, ledger: &Ledger, in_force: BuildId) -> OrderRefused {
    let others = ledger.generations().iter().rev().filter(|generation| generation.build != in_force);
    let kept: Vec<String> = others
        .map(|generation| match ledger.set_aside(generation.build) {
            Some(_) => format!("{} (set aside)", generation.build.wasm.short()),
            None => generation.build.wasm.short(),
        })
        .collect();
    OrderRefused::Unfit(match kept.is_empty() {
        true => format!("no other build of plugin {name} is kept: there is nothing to go back to"),
        false => format!("none of the kept builds of plugin {name} fits: name one with `--to`; newest first: {}", kept.join(", ")),
    })
}
