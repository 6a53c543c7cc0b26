//! The dry run where there is no input: tools load plugins without a recorded round.

use verwalter_core::ports::{Failure, Policy, Query, Rehearsal, Rehearsed, Scheduler};

/// For tools that have no input to rehearse on.
#[derive(Debug, Clone, Copy)]
pub struct NoRehearsal;

impl Rehearsal for NoRehearsal {
    fn scheduler(&self, _: &dyn Scheduler, _: bool) -> Result<Rehearsed, Failure> {
        Ok(nothing())
    }

    fn policy(&self, _: &dyn Policy) -> Result<Rehearsed, Failure> {
        Ok(nothing())
    }

    fn query(&self, _: &dyn Query) -> Result<Rehearsed, Failure> {
        Ok(nothing())
    }
}

fn nothing() -> Rehearsed {
    Rehearsed::Nothing("no round was recorded yet".to_owned())
}
