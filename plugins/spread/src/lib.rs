//! Sample scheduler: spreads the roles of `runtime/` over peers by free capacity and keeps them where they are.
//!
//! `runtime/ROLE.yaml`:
//! ```yaml
//! instances: 3                 # in the whole cluster
//! template: web/v1             # ROLE/VERSION
//! per_node_max: 1              # optional
//! needs: { memory: 536870912, cpu: 0.25 }   # optional: bytes, share of a machine; for new instances
//! only: { disk.ssd: true }     # optional: machine facts, all of which must match
//! vars: { port: 8080 }         # optional: variables of the role
//! ```
//! The manifest's `config`: `spread` (a machine fact such as `rack`: as evenly over its values as over peers), `weights`
//! (`{memory: 1, cpu: 1}`), `record` (columns whose values are put into each placement's variable `placed` and kept with it).
//! The columns `memory_free` (bytes) and `cpu` (busy share, 0 to 1) say who is free; without them peers are taken by name.
//!
//! [`decide`](decide::decide) is the decision on parsed structs: integers only, no text, the same on every machine.

pub mod answer;
pub mod config;
pub mod decide;
pub mod roles;

use verwalter_plugin::{Answer, Error, Input, place};

use config::Config;

/// One decision.
pub fn schedule(input: &Input<'_>) -> Result<Answer, Error> {
    let config: Config = input.config()?;
    config.check().map_err(|err| Error::own(format!("config: {err}")))?;
    let roles = roles::read(input).map_err(|err| Error::own(err.to_string()))?;
    let sight = Sight::read(input, &config, &roles)?;
    let wanted: Vec<decide::Role<'_>> = roles.iter().zip(&sight.roles).map(|(role, seen)| seen.wanted(role)).collect();
    let view = decide::View {
        peers: input.len(),
        memory_free: &sight.memory_free,
        cpu_busy: &sight.cpu_busy,
        groups: &sight.groups,
        weights: config.weights,
        roles: &wanted,
    };
    let placements = decide::decide(&view);
    answer::write(input, &config, &roles, &view, &placements)
}

/// Refuses a configuration before the plugin is activated.
pub fn check_config(config: &Config) -> Result<(), config::ConfigError> {
    config.check()
}

verwalter_plugin::scheduler! {
    schedule: schedule,
    check_config: check_config,
    input: columns,
    reads: [runtime, parents, peers, metrics],
}

/// What the snapshot says, as the decision wants it.
struct Sight {
    memory_free: Vec<f64>,
    cpu_busy: Vec<f64>,
    groups: Vec<u32>,
    roles: Vec<RoleSight>,
}

struct RoleSight {
    placed: Vec<u32>,
    allowed: Vec<bool>,
}

impl RoleSight {
    fn wanted(&self, role: &roles::Role) -> decide::Role<'_> {
        decide::Role {
            instances: role.instances,
            per_node_max: role.per_node_max,
            needs: role.needs,
            placed: &self.placed,
            allowed: &self.allowed,
        }
    }
}

impl Sight {
    fn read(input: &Input<'_>, config: &Config, roles: &[roles::Role]) -> Result<Sight, Error> {
        let mut seen = Vec::with_capacity(roles.len());
        for role in roles {
            seen.push(RoleSight { placed: input.placed(role.name.as_str())?, allowed: allowed(input, role)? });
        }
        let memory_free = input.column("memory_free")?.unwrap_or_default();
        let cpu_busy = input.column("cpu")?.unwrap_or_default();
        let groups = match &config.spread {
            Some(fact) => groups(input, fact)?,
            None => Vec::new(),
        };
        Ok(Sight { memory_free, cpu_busy, groups, roles: seen })
    }
}

/// Whether each peer's facts are those that the role wants; empty for a role that wants none.
fn allowed(input: &Input<'_>, role: &roles::Role) -> Result<Vec<bool>, Error> {
    let mut allowed = Vec::new();
    for (fact, wanted) in &role.only {
        allowed.resize(input.len(), true);
        for (allowed, found) in allowed.iter_mut().zip(input.attribute(fact)?.iter()) {
            *allowed &= found == wanted;
        }
    }
    Ok(allowed)
}

/// The number of each peer's group: peers with the same value of `fact`, those without it among themselves. By first appearance.
fn groups(input: &Input<'_>, fact: &str) -> Result<Vec<u32>, Error> {
    Ok(place::groups(input.attribute(fact)?.iter()))
}

#[cfg(test)]
mod tests;
