//! What a policy is told: the schedule in question, the one in force, and what would change; peers and columns as a scheduler has them.
//! It judges nothing.

mod verdict;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;
use crate::host::Host;
use crate::input::Input;
use crate::input::document::Document;
use crate::text::Text;
use crate::view::ScheduleView;

pub use verdict::Verdict;
pub use verwalter_core::review::{MAX_REMARK_CHARS, MAX_REMARKS};

/// One review's input.
#[derive(Debug)]
pub struct Review<'a> {
    input: Input<'a>,
    schedule: ScheduleView<'a>,
    previous: Option<ScheduleView<'a>>,
    diff: Diff<'a>,
}

impl<'a> Review<'a> {
    /// Reads the document.
    #[inline]
    pub fn read(text: &'a str, host: &'a dyn Host) -> Result<Review<'a>, Error> {
        let mut document: Document<'_, ScheduleView<'a>, Diff<'a>> = Document::read(text)?;
        let missing = |key: &str| Error::Document(format!("missing field `{key}`: this is no policy's document"));
        let schedule = document.schedule.take().ok_or_else(|| missing("schedule"))?;
        let diff = document.diff.take().ok_or_else(|| missing("diff"))?;
        let previous = document.previous.take();
        let input = Input::of(document.common(), host).follows(previous.iter().cloned().collect());
        Ok(Review { input, schedule, previous, diff })
    }

    /// What a policy is told as a scheduler is: the round's time, `config` (the policy's own), `runtime`, peers and columns. Its
    /// [`placed`](Input::placed) tells what the previous schedule places; it has no actions.
    pub fn input(&self) -> &Input<'a> {
        &self.input
    }

    /// The schedule in question.
    pub fn schedule(&self) -> &ScheduleView<'a> {
        &self.schedule
    }

    /// The schedule in force; `None` before the first.
    pub fn previous(&self) -> Option<&ScheduleView<'a>> {
        self.previous.as_ref()
    }

    /// What changes from the previous schedule to the one in question, as the host counts it.
    pub fn diff(&self) -> &Diff<'a> {
        &self.diff
    }
}

type Counts<'a> = BTreeMap<Text<'a>, BTreeMap<Text<'a>, u64>>;

/// What a schedule changes, in instances. Roles and nodes of which there is nothing to say are left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Diff<'a> {
    #[serde(borrow)]
    added: Counts<'a>,
    #[serde(borrow)]
    removed: Counts<'a>,
    #[serde(borrow)]
    moved: BTreeMap<Text<'a>, u64>,
    #[serde(borrow)]
    changed: BTreeMap<Text<'a>, Vec<Text<'a>>>,
}

impl Diff<'_> {
    /// Role, hostname, and how many more instances than before: at least one. By role and hostname.
    pub fn added(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        each(&self.added)
    }

    /// Role, hostname, and how many fewer instances than before: at least one. By role and hostname.
    pub fn removed(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        each(&self.removed)
    }

    /// Role, and how many of its instances moved: at least one. What is lost with its node has not moved. By role.
    pub fn moved(&self) -> impl Iterator<Item = (&str, u64)> {
        self.moved.iter().map(|(role, instances)| (&*role.0, *instances))
    }

    /// Role and hostname of each placement with as many instances as before and other variables, a new `template`, say. By role.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changed.iter().flat_map(|(role, hosts)| hosts.iter().map(|host| (&*role.0, &*host.0)))
    }

    /// Whether no instance is added, removed or changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn each<'d>(counts: &'d Counts<'_>) -> impl Iterator<Item = (&'d str, &'d str, u64)> {
    counts.iter().flat_map(|(role, hosts)| hosts.iter().map(|(host, instances)| (&*role.0, &*host.0, *instances)))
}

#[cfg(test)]
mod tests;
