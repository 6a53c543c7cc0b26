//! What an operator may order about plugins. The task that reloads carries it out; nothing here does.

use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;

/// Something that an operator wants done with a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginOrder {
    /// Put a former build of a plugin in force.
    Rollback {
        /// Which plugin.
        name: PluginName,
        /// Which build; the one before the build in force when there is none given.
        to: Option<Digest>,
    },
    /// Lift the quarantine of a plugin's builds.
    Release {
        /// Which plugin.
        name: PluginName,
    },
    /// Let the guards pass a plugin's next decision, whatever it moves or empties.
    Allow {
        /// Which plugin.
        name: PluginName,
    },
}

impl PluginOrder {
    /// The plugin that it is about.
    pub fn plugin(&self) -> &PluginName {
        match self {
            PluginOrder::Rollback { name, .. } | PluginOrder::Release { name } | PluginOrder::Allow { name } => name,
        }
    }
}
