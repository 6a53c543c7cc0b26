//! Held rounds on their way to the journal's disk: as many as fit under a cap on memory, for a disk may be slow and a round must not wait for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Held;

/// Rounds that wait at most: above what a small cluster decides while a disk is busy for half a minute. It bounds how long an end of
/// the node waits for the disk.
const MOST_ROUNDS: usize = 256;
/// What waiting rounds may keep in memory: at 10,000 peers some ten rounds.
const MOST_MEMORY_KIB: u32 = 64 << 10;

/// A queue that nothing waits in yet.
pub fn queue() -> (Sender, Receiver) {
    let (sender, rounds) = mpsc::channel(MOST_ROUNDS);
    (Sender { rounds: sender, memory: Arc::new(Semaphore::new(MOST_MEMORY_KIB as usize)) }, Receiver(rounds))
}

/// Where rounds are put in.
#[derive(Debug)]
pub struct Sender {
    rounds: mpsc::Sender<Waiting>,
    memory: Arc<Semaphore>,
}

/// Where they come out.
#[derive(Debug)]
pub struct Receiver(mpsc::Receiver<Waiting>);

/// A round, and its part of the memory until it is let go.
pub struct Waiting {
    held: Arc<Held>,
    _memory: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("round", &self.held.report.round).finish_non_exhaustive()
    }
}

impl Sender {
    /// Puts a round in, unless there is no room: then it is left out, and the answer is no.
    pub fn offer(&self, held: Arc<Held>) -> bool {
        // One that is larger than all room there is waits alone.
        let Ok(memory) = self.memory.clone().try_acquire_many_owned(weight_kib(&held).min(MOST_MEMORY_KIB)) else { return false };
        self.rounds.try_send(Waiting { held, _memory: memory }).is_ok()
    }
}

impl Receiver {
    /// The next round; `None` once nobody can put one in any more.
    pub async fn next(&mut self) -> Option<Waiting> {
        self.0.recv().await
    }
}

impl Waiting {
    /// The round.
    pub fn held(&self) -> &Held {
        &self.held
    }
}

/// What a round keeps in memory, roughly: its documents and answers, and a snapshot that is about as large as the document made of it.
fn weight_kib(held: &Held) -> u32 {
    let asked = &held.deliberation;
    let mut bytes = 2 * asked.document.len();
    if let Ok(proposal) = &asked.result {
        bytes += proposal.decided.output.0.len();
        bytes += proposal.reviewed.reviews.iter().map(|review| review.document.len()).sum::<usize>();
    }
    u32::try_from(bytes >> 10).unwrap_or(u32::MAX).saturating_add(1)
}
