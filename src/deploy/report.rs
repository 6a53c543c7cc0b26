//! What came of deploying, for those who show it. It decides nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use verwalter_apply::transaction::Deployed;
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;
use verwalter_core::peers::NodeState;

/// What came of one role.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleOutcome {
    /// Its files are as the schedule wants them.
    Rendered {
        /// Files that got new bytes the last time it was rendered.
        written: Vec<PathBuf>,
        /// Files that had them already.
        unchanged: usize,
        /// Files that are gone since then.
        removed: Vec<PathBuf>,
        /// Commands that were run then.
        commands: usize,
        /// When it was rendered last.
        at: UnixMillis,
    },
    /// It could not be rendered or written; its files are what they were.
    Failed {
        /// What happened and what to do about it.
        message: String,
        /// How many times in a row.
        attempts: u32,
    },
    /// This node does not take it; its files are what they were.
    Refused {
        /// Why not.
        message: String,
    },
    /// Nothing of it is here yet, and nothing has failed: it waits.
    Waiting,
}

/// Why a role that changed is not deployed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its inputs changed a moment ago.
    Settling,
    /// It waits for its node's random phase.
    Splay,
    /// The deployment before it was a short time ago.
    Interval,
    /// Nobody ordered it.
    Manual,
}

impl Reason {
    /// One word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Settling => "settling",
            Reason::Splay => "splay",
            Reason::Interval => "interval",
            Reason::Manual => "manual",
        }
    }

    /// For people: what it waits for, and what they may do.
    pub fn hint(self) -> &'static str {
        match self {
            Reason::Settling => "its inputs changed and are let settle, as `wait` says",
            Reason::Splay => "a random part of `splay` passes first, so that not all nodes act at one moment",
            Reason::Interval => "it was deployed less than its `interval` ago",
            Reason::Manual => {
                "`deploy.mode` is manual: `verwalter plan` shows what would change, `verwalter apply --plan DIGEST` has it done"
            }
        }
    }
}

/// That a role waits, beside what came of it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// What for.
    pub reason: Reason,
    /// Until when, unless something changes; `None`: until it is ordered.
    pub until: Option<UnixMillis>,
}

impl RoleOutcome {
    /// What is wrong, if anything is.
    pub fn failure(&self) -> Option<&str> {
        match self {
            RoleOutcome::Failed { message, .. } | RoleOutcome::Refused { message } => Some(message),
            RoleOutcome::Rendered { .. } | RoleOutcome::Waiting => None,
        }
    }

    /// A role that is as the schedule wants it.
    pub fn rendered(deployed: Deployed, at: UnixMillis) -> RoleOutcome {
        let Deployed { written, removed, unchanged, commands, .. } = deployed;
        RoleOutcome::Rendered { written, unchanged, removed, commands, at }
    }
}

/// What came of a schedule on this node.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployReport {
    /// Which schedule.
    pub digest: Digest,
    /// How many files were written for it, or for the change since.
    pub written: usize,
    /// Every role, by name.
    pub roles: BTreeMap<RoleName, RoleOutcome>,
    /// Those of them whose deployment is still to come, and why it is. What is told of such a role is what it was before.
    pub waiting: BTreeMap<RoleName, Waiting>,
    /// Why it is not known which roles are this node's: the query plugin that is to choose them failed.
    pub unchosen: Option<String>,
    /// Why what is done is not in the deployment log. Roles are deployed all the same.
    pub unlogged: Option<String>,
}

impl DeployReport {
    /// What other nodes are told of it.
    pub fn state(&self) -> NodeState {
        let rendered = self.roles.iter().filter(|(_, outcome)| matches!(outcome, RoleOutcome::Rendered { .. }));
        let roles = rendered.map(|(name, _)| name.clone()).collect::<std::collections::BTreeSet<RoleName>>();
        // A role that waits is what it was: whoever placed it must not take it for one that cannot run here.
        let failed =
            self.roles.values().filter(|outcome| matches!(outcome, RoleOutcome::Failed { .. } | RoleOutcome::Refused { .. })).count();
        let failed = failed + usize::from(self.unchosen.is_some());
        NodeState { roles, schedule: Some(self.digest), errors: u32::try_from(failed).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> RoleName {
        RoleName::new(name).expect("a name")
    }

    #[test]
    fn others_are_told_of_a_role_that_waits_as_of_what_it_was() {
        let rendered = RoleOutcome::rendered(Deployed::default(), UnixMillis(1));
        let failed = RoleOutcome::Failed { message: "x".to_owned(), attempts: 2 };
        let refused = RoleOutcome::Refused { message: "x".to_owned() };
        let mut report = DeployReport {
            digest: Digest::of(b"x"),
            written: 0,
            roles: [(role("a"), rendered), (role("b"), failed), (role("c"), refused)].into(),
            waiting: BTreeMap::new(),
            unchosen: None,
            unlogged: None,
        };
        let before = report.state();
        assert_eq!((before.roles.clone(), before.errors), ([role("a")].into(), 2));
        for (name, reason) in [("a", Reason::Settling), ("b", Reason::Manual)] {
            report.waiting.insert(role(name), Waiting { reason, until: Some(UnixMillis(5)) });
        }
        assert_eq!(report.state(), before);
        // Nor is one that is not here yet a failure.
        report.roles.insert(role("d"), RoleOutcome::Waiting);
        report.waiting.insert(role("d"), Waiting { reason: Reason::Manual, until: None });
        assert_eq!(report.state(), before);
    }
}
