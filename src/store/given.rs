//! A schedule that an operator gives, to see what would come of it. What is none is refused: taken for one it would place nothing.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use verwalter_core::admit::{self, AdmitError};
use verwalter_core::json::strict::JsonError;
use verwalter_core::schedule::Schedule;

use super::LIMITS;

/// Why what somebody gave is no schedule.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// Any object would do for a schedule that places nothing: it is something else.
    #[error("it has neither `roles` nor `nodes`; give what `verwalter schedule` or /v1/schedule printed")]
    Other,
    /// The contract does not allow it.
    #[error(transparent)]
    Refused(#[from] JsonError),
    /// Anything else.
    #[error(transparent)]
    Unread(AdmitError),
}

impl From<AdmitError> for GivenError {
    fn from(error: AdmitError) -> GivenError {
        match error {
            // No plugin answered.
            AdmitError::Answer(error) => GivenError::Refused(error),
            error => GivenError::Unread(error),
        }
    }
}

/// A schedule that somebody gives: as the API or the storage has it, or the schedule alone. Whether it is the one that its digest names is
/// not asked: it may have been changed on purpose.
pub fn given(text: &str) -> Result<Schedule, GivenError> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
        #[serde(rename = "hash")]
        _hash: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Keys {
        roles: Option<IgnoredAny>,
        nodes: Option<IgnoredAny>,
    }
    let schedule = serde_json::from_str::<Wrapped<'_>>(text).map_or(text, |wrapped| wrapped.data.get());
    // What is no object, or has a key twice, is told by what reads it all.
    if serde_json::from_str::<Keys>(schedule).is_ok_and(|keys| keys.roles.is_none() && keys.nodes.is_none()) {
        return Err(GivenError::Other);
    }
    Ok(admit::read(schedule, LIMITS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_schedule_is_taken_for_one() {
        let check = |text: &str, expect: Result<usize, &str>| {
            let given = given(text).map(|schedule| schedule.roles().len()).map_err(|error| crate::telemetry::chain(&error));
            assert_eq!(given.as_ref().copied().map_err(String::as_str), expect, "{text}");
        };
        let other = Err("it has neither `roles` nor `nodes`; give what `verwalter schedule` or /v1/schedule printed");
        check("{}", other);
        check(r#"{"foo":1}"#, other);
        check(r#"{"schedule":{"roles":{"web":{}},"nodes":{}}}"#, other);
        check(r#"{"v":1,"peers":{},"metrics":{}}"#, other);
        check(r#"{"hash":"00","data":{"state":"a"}}"#, other);
        check(r#"{"roles":{"web":{}}}"#, Ok(1));
        check(r#"{"nodes":{}}"#, Ok(0));
        check(r#"{"hash":"00","data":{"roles":{"web":{}},"nodes":{}}}"#, Ok(1));
        check("[]", Err("invalid type: sequence, expected a schedule: an object with `roles` and `nodes` at line 1 column 0"));
    }
}
