//! The filters in force behind the core's port: by name, one session a plugin and render.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use verwalter_core::names::PluginName;
use verwalter_core::ports::{FilterError, FilterSession, Filters};

use super::Catalog;
use crate::plugin::loaded::Session;

/// The filters of one catalog.
pub(super) struct FilterSet {
    pub(super) catalog: Arc<Catalog>,
}

impl Filters for FilterSet {
    fn names(&self) -> Vec<String> {
        self.catalog.filters.keys().cloned().collect()
    }

    fn open(&self) -> Box<dyn FilterSession> {
        Box::new(SetSession { catalog: self.catalog.clone(), sessions: BTreeMap::new() })
    }
}

/// One session a plugin, begun at its first use.
struct SetSession {
    catalog: Arc<Catalog>,
    sessions: BTreeMap<PluginName, Session>,
}

impl FilterSession for SetSession {
    fn apply(&mut self, name: &str, args: &Value) -> Result<Value, FilterError> {
        let plugin = self.catalog.filters.get(name).ok_or_else(|| FilterError::Unknown(name.to_owned()))?;
        let session = self.sessions.entry(plugin.id().name.clone()).or_insert_with(|| plugin.session());
        Ok(session.apply(name, args)?)
    }
}
