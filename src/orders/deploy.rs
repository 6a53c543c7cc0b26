//! What an operator may order of the task that deploys. It is carried out between two passes; nothing here does.

use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;
use verwalter_core::schedule::Schedule;

/// Something that an operator wants of this node's roles.
#[derive(Debug, Clone, PartialEq)]
pub enum DeployOrder {
    /// What would be done is to be told.
    Plan {
        /// For this schedule; `None`: for the one in force.
        schedule: Option<Box<Schedule>>,
    },
    /// What a plan says is to be done, if it is still the same.
    Apply {
        /// The plan's digest.
        plan: Digest,
    },
    /// It is about what belongs to a role.
    Role(RoleOrder),
}

/// Something about what belongs to a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleOrder {
    /// Files that are there already become a role's.
    Adopt {
        /// Whose they become.
        role: RoleName,
        /// Which: absolute, or below the output directory. Not checked yet.
        paths: Vec<String>,
    },
    /// Files belong to a role no longer, and stay.
    Forget {
        /// Whose they are.
        role: RoleName,
        /// Which: absolute, or below the output directory; `None`: all, and what else is remembered of the role.
        paths: Option<Vec<String>>,
    },
}

impl RoleOrder {
    /// The role.
    pub fn role(&self) -> &RoleName {
        match self {
            RoleOrder::Adopt { role, .. } | RoleOrder::Forget { role, .. } => role,
        }
    }
}
