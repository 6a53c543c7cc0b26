//! Which rounds are written down, off their path: those that changed something or failed, or all, as the settings say. A journal
//! that cannot be written is said and does not stop anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::account::account;
use super::reader::Reader;
use super::ring::Ring;
use super::verify::circumstances;
use super::{DIRECTORY, JournalError};
use crate::config::settings::{self, JournalRounds};
use crate::round::circumstances::Circumstances;
use crate::round::queue::{Receiver, Waiting};
use crate::round::{Held, Outcome};
use crate::storage::Storage;
use crate::telemetry::chain;

/// A failure that is the same round after round is written again only so often: its input is nearly the same, too.
const REPEAT: Duration = Duration::from_secs(60);

/// The journal of a running node, with or without its ring at the moment.
pub struct Journal {
    storage: Arc<Storage>,
    settings: settings::Journal,
    ring: Option<Ring>,
}

impl Journal {
    /// Readies the ring, unless the settings say that nothing is recorded. The second value tells why that failed: each append tries
    /// again.
    pub fn open(storage: &Arc<Storage>, settings: settings::Journal) -> (Journal, Option<String>) {
        let mut journal = Journal { storage: storage.clone(), settings, ring: None };
        if settings.rounds == JournalRounds::None {
            return (journal, None);
        }
        let failure = journal.ring().err().map(|err| chain(&err));
        if let Some(error) = &failure {
            tracing::error!(%error, "no rounds are recorded: they cannot be verified or replayed");
        }
        (journal, failure)
    }

    fn ring(&mut self) -> Result<&mut Ring, JournalError> {
        let ring = match self.ring.take() {
            Some(ring) => ring,
            None => {
                let (ring, repair) = Ring::open(self.storage.clone(), self.settings.size.bytes())?;
                if let Some(repair) = repair {
                    tracing::warn!(%repair, "the journal was not closed properly");
                }
                ring
            }
        };
        Ok(self.ring.insert(ring))
    }

    fn append(&mut self, held: &Held) -> Result<(), JournalError> {
        self.ring()?.append(&account(held)).map(drop)
    }
}

/// What the newest readable round of an earlier life was decided on. Those that cannot be read are logged.
pub fn newest(storage: &Storage) -> Option<Circumstances> {
    let reader = Reader::open(&storage.path().join(DIRECTORY)).ok()?;
    let whole = |stored: super::Stored| {
        let record = stored.record();
        record
            .inspect_err(|error| tracing::warn!(error = %chain(error), "a recorded round cannot be read: an older one serves dry runs"))
            .ok()
    };
    let record = reader.newest_first().filter_map(Result::ok).find_map(whole)?;
    Some(circumstances(&record))
}

/// Writes rounds as they come, until nobody sends any more.
pub async fn run(mut rounds: Receiver, mut journal: Journal, failure: watch::Sender<Option<String>>) {
    let (storage, settings) = (journal.storage.clone(), journal.settings);
    let mut last_failure: Option<(String, Instant)> = None;
    // Of the rounds that could not be written the newest waits for the next try: one, since each is large.
    let mut waiting: Option<Waiting> = None;
    while let Some(held) = rounds.next().await {
        if is_worth(&held.held().report.outcome, settings.rounds, &mut last_failure, Instant::now()) {
            waiting = Some(held);
        }
        let Some(next) = waiting.take() else { continue };
        let work = tokio::task::spawn_blocking(move || {
            let written = journal.append(next.held());
            (journal, next, written)
        });
        let error = match work.await {
            Ok((back, next, written)) => {
                journal = back;
                if written.as_ref().is_err_and(JournalError::may_pass) {
                    waiting = Some(next);
                }
                written.err().map(|err| chain(&err))
            }
            Err(_) => {
                journal = Journal { storage: storage.clone(), settings, ring: None };
                Some("writing a round broke off in the host: a defect, please report it with the log".to_owned())
            }
        };
        if let Some(error) = error.as_ref().filter(|error| failure.borrow().as_ref() != Some(*error)) {
            tracing::error!(%error, "a round could not be written to the journal: it cannot be verified or replayed later");
        }
        failure.send_replace(error);
    }
}

/// Whether a round is to be written.
fn is_worth(outcome: &Outcome, which: JournalRounds, last_failure: &mut Option<(String, Instant)>, now: Instant) -> bool {
    let message = match (outcome, which) {
        (_, JournalRounds::None) => return false,
        (_, JournalRounds::All) => return true,
        (Outcome::Accepted(accepted), JournalRounds::Changed) => {
            *last_failure = None;
            return accepted.changed;
        }
        (Outcome::Denied { message, .. } | Outcome::Failed { message, .. }, JournalRounds::Changed) => message,
    };
    let again = last_failure.as_ref().is_some_and(|(known, at)| known == message && now < *at + REPEAT);
    if !again {
        *last_failure = Some((message.clone(), now));
    }
    !again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: &str) -> Outcome {
        Outcome::Failed { cause: None, message: message.to_owned(), debug: String::new() }
    }

    #[test]
    fn a_failure_that_repeats_is_written_once_a_minute() {
        let (begin, mut last) = (Instant::now(), None);
        let mut check = |seconds: u64, message: &str, which, expect: bool| {
            let found = is_worth(&failed(message), which, &mut last, begin + Duration::from_secs(seconds));
            assert_eq!(found, expect, "{message} after {seconds} s");
        };
        check(0, "trap", JournalRounds::Changed, true);
        check(1, "trap", JournalRounds::Changed, false);
        check(59, "trap", JournalRounds::Changed, false);
        check(60, "trap", JournalRounds::Changed, true);
        check(61, "fuel", JournalRounds::Changed, true);
        check(62, "trap", JournalRounds::Changed, true);
        check(63, "trap", JournalRounds::All, true);
        check(200, "trap", JournalRounds::None, false);
    }
}
