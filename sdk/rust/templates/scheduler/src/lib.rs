//! Places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is what stands.
//!
//! | module | owns |
//! |---|---|
//! | [`config`] | the manifest's `config` |
//! | [`roles`] | the operators' runtime metadata |
//! | [`decide`] | the decision, on plain numbers |
//! | [`answer`] | what the host and people are told of it |

mod answer;
mod config;
mod decide;
mod roles;

use verwalter_plugin::{Answer, Error, Input, Schedule};

use config::Config;
use decide::Ranking;

fn schedule(input: &Input<'_>) -> Result<Answer, Error> {
    let config = Config::read(&input.config()?)?;
    let runtime = input.runtime()?;
    let roles = roles::read(&runtime)?;
    let mut schedule = Schedule::new(input)?;
    if roles.is_empty() {
        return Ok(Answer::new(schedule));
    }
    let Some(busy) = input.column("cpu")? else {
        return Err(Error::own(
            "no column cpu: declare it under metrics in the manifest",
        ));
    };
    let ranking = Ranking::new(&busy, config.max_busy);
    for role in &roles {
        let before = input.placed(role.name.as_str())?;
        let decision = ranking.decide(&before, role.instances);
        answer::write(role, &before, &decision, &mut schedule)?;
    }
    Ok(Answer::new(schedule))
}

verwalter_plugin::scheduler! {
    schedule: schedule,
    check_config: config::check,
    input: columns,
    reads: [runtime],
}

#[cfg(test)]
mod tests;
