//! The roles that a node renders instead of those of the schedule: an answer that the host cannot refuse for its form.

use std::collections::BTreeMap;

use serde::Serialize;
use verwalter_core::admit::MAX_ROLES;
use verwalter_core::names::{RoleName, TemplateRef};

use crate::error::Error;
use crate::json;
use crate::schedule::{Vars, set, write_object};

/// What `render_roles` returns instead of leaving the choice to the schedule. Without roles the node renders none.
///
/// ```
/// use verwalter_plugin::core::names::TemplateRef;
/// use verwalter_plugin::{Error, RoleName, Roles};
///
/// let mut roles = Roles::new();
/// roles.render(RoleName::new("web")?, &TemplateRef::new("web/v1")?)?.set("port", &8080)?;
/// assert_eq!(roles.to_json(), r#"{"v":1,"to_render":{"web":{"port":8080,"template":"web/v1"}}}"#);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Roles {
    to_render: BTreeMap<RoleName, Vars>,
    all: Option<Vec<RoleName>>,
}

impl Roles {
    /// No roles yet.
    pub fn new() -> Roles {
        Roles::default()
    }

    /// Renders `role` from `template`, with no variables so far: nothing of the schedule is merged in. A second call for the same role
    /// begins it anew. At most 10,000 roles, of which a node renders 1,000.
    pub fn render(&mut self, role: RoleName, template: &TemplateRef) -> Result<RoleVars<'_>, Error> {
        if self.to_render.len() == MAX_ROLES && !self.to_render.contains_key(&role) {
            return Err(too_many());
        }
        let vars = self.to_render.entry(role).or_default();
        vars.clear();
        set(vars, "template", &template.to_string())?;
        Ok(RoleVars(vars))
    }

    /// Says which roles the cluster has, as the plugin sees them: at most 10,000.
    pub fn all(&mut self, roles: impl IntoIterator<Item = RoleName>) -> Result<&mut Roles, Error> {
        let all: Vec<RoleName> = roles.into_iter().take(MAX_ROLES + 1).collect();
        if all.len() > MAX_ROLES {
            return Err(too_many());
        }
        self.all = Some(all);
        Ok(self)
    }

    /// The answer's JSON.
    pub fn to_json(&self) -> String {
        let mut out = b"{\"v\":1,\"to_render\":{".to_vec();
        for (role, vars) in &self.to_render {
            crate::schedule::member(role.as_str(), &mut out);
            write_object(vars, &mut out);
        }
        out.push(b'}');
        let mut out = json::bytes::into_text(out);
        if let Some(all) = &self.all {
            out.push_str(",\"all_roles\":");
            json::write_list(all.iter().map(RoleName::as_str), &mut out);
        }
        out.push('}');
        out
    }
}

/// The variables of one role that is to be rendered.
#[derive(Debug)]
pub struct RoleVars<'r>(&'r mut Vars);

impl RoleVars<'_> {
    /// Sets a variable. The host sets `role`, and `node` and `machine` where they are absent.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<&mut Self, Error> {
        if key == "template" {
            return Err(Error::Reserved(key.to_owned()));
        }
        set(self.0, key, value)?;
        Ok(self)
    }
}

fn too_many() -> Error {
    Error::own(format!("more than {MAX_ROLES} roles to render"))
}
