//! The part of `verwalter.yaml` that says when changed roles are deployed. It deploys nothing.

use std::fmt;

use serde::Deserialize;

use crate::config::pace::{Pace, PaceKeys, RawPace, RawWait};
use crate::config::units::TimeSpan;

/// When changed roles are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deploying {
    /// On whose word.
    pub mode: DeployMode,
    /// How soon and how often, unless a role's render files say otherwise.
    pub pace: Pace,
}

/// On whose word roles are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeployMode {
    /// By themselves, once they changed.
    Automatic,
    /// When an operator orders it: until then nothing is written, run or removed.
    Manual,
}

impl Default for Deploying {
    fn default() -> Deploying {
        // At once: a delay that nobody asked for looks like a fault.
        Deploying { mode: DeployMode::Automatic, pace: Pace::default() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDeploying {
    mode: DeployMode,
    wait: Option<RawWait>,
    splay: Option<TimeSpan>,
    interval: Option<TimeSpan>,
}

impl Default for RawDeploying {
    fn default() -> RawDeploying {
        RawDeploying { mode: Deploying::default().mode, wait: None, splay: None, interval: None }
    }
}

pub(super) fn check(raw: RawDeploying, refuse: &mut dyn FnMut(&[&str], String)) -> Deploying {
    let RawDeploying { mode, wait, splay, interval } = raw;
    let keys = PaceKeys::check(RawPace { wait, splay, interval }, &mut |keys, message| refuse(&[&["deploy"], keys].concat(), message));
    Deploying { mode, pace: keys.over(Deploying::default().pace) }
}

/// As the file would have it.
impl fmt::Display for Deploying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            DeployMode::Automatic => "automatic",
            DeployMode::Manual => "manual",
        };
        let Pace { wait, splay, interval } = self.pace;
        writeln!(f, "deploy:\n  mode: {mode}")?;
        writeln!(f, "  wait: {{ min: {}, max: {} }}", TimeSpan(wait.min()), TimeSpan(wait.max()))?;
        writeln!(f, "  splay: {}\n  interval: {}", TimeSpan(splay), TimeSpan(interval))
    }
}
