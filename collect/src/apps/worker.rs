//! The thread that scans, and its replacement when it hangs. Whoever asks never waits longer than the time given.
//!
//! A process can make its environment or its files wait for ever, by a file system of its own: the thread that touches it cannot be ended.
//! It is left behind with its process, which is left alone until the thread comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::scan::Scanner;
use super::{Found, Moment};
use crate::procfs::SourceError;

/// A scan that touches the same process for longer than this hangs.
const HANGS_AFTER: Duration = Duration::from_secs(1);
/// No process has this id.
const NO_PROCESS: u32 = 0;
/// Most threads that are left behind; with one more no application has figures.
const MAX_LEFT_BEHIND: usize = 4;

/// Who scans.
#[derive(Debug)]
pub(crate) struct Worker {
    proc: PathBuf,
    hand: Option<Hand>,
    left_behind: Vec<(JoinHandle<()>, u32)>,
}

/// A thread that scans when asked.
#[derive(Debug)]
struct Hand {
    thread: JoinHandle<()>,
    orders: SyncSender<Moment>,
    answers: Receiver<Found>,
    step: Arc<AtomicU64>,
    /// The scan under way: the step last seen, and when it was first seen.
    busy: Option<(u64, Duration)>,
}

impl Worker {
    /// Nobody works before the first order.
    pub(crate) fn new(proc: PathBuf) -> Worker {
        Worker { proc, hand: None, left_behind: Vec::new() }
    }

    /// Orders a scan, unless one is under way. Says so when that one hangs.
    pub(crate) fn order(&mut self, now: Moment) -> Result<(), SourceError> {
        self.left_behind.retain(|(thread, _)| !thread.is_finished());
        let mut outcome = Ok(());
        if let Some(pid) = self.hand.as_mut().and_then(|hand| hand.hangs(now.elapsed)) {
            if let Some(hand) = self.hand.take() {
                self.left_behind.push((hand.thread, pid));
            }
            outcome = Err(SourceError::Hangs { path: self.proc.join(pid.to_string()), pid });
        }
        if self.hand.is_none() && self.left_behind.len() < MAX_LEFT_BEHIND {
            let left_alone = self.left_behind.iter().map(|(_, pid)| *pid).collect();
            let hand = Hand::start(self.proc.clone(), left_alone);
            self.hand = Some(hand.map_err(|source| SourceError::Read { path: self.proc.clone(), source })?);
        }
        if let Some(hand) = self.hand.as_mut().filter(|hand| hand.busy.is_none()) {
            match hand.orders.send(now) {
                Ok(()) => hand.busy = Some((hand.step.load(Ordering::Relaxed), now.elapsed)),
                // It panicked, a defect that the panic has told; the next order starts another.
                Err(_) => self.hand = None,
            }
        }
        outcome
    }

    /// What the scan ordered last gave; nothing when it takes longer than `wait`.
    pub(crate) fn take(&mut self, wait: Duration) -> Found {
        let Some(hand) = self.hand.as_mut().filter(|hand| hand.busy.is_some()) else { return Found::default() };
        match hand.answers.recv_timeout(wait) {
            Ok(found) => {
                hand.busy = None;
                found
            }
            Err(RecvTimeoutError::Timeout) => Found::default(),
            Err(RecvTimeoutError::Disconnected) => {
                self.hand = None;
                Found::default()
            }
        }
    }
}

impl Hand {
    /// Starts a thread that leaves some processes alone. It ends when the hand is dropped, after the scan under way.
    fn start(proc: PathBuf, left_alone: Vec<u32>) -> std::io::Result<Hand> {
        let (orders, inbox) = sync_channel::<Moment>(1);
        let (outbox, answers) = sync_channel(1);
        let step = Arc::new(AtomicU64::new(0));
        let steps = step.clone();
        let thread = Builder::new().name("applications".to_owned()).spawn(move || {
            let mut scanner = Scanner::new(proc);
            let mut count = 0_u32;
            let mut step = |pid| {
                count = count.wrapping_add(1);
                steps.store(u64::from(count) << 32 | u64::from(pid), Ordering::Relaxed);
            };
            while let Ok(now) = inbox.recv() {
                let found = scanner.scan(now, |pid| {
                    step(pid);
                    !left_alone.contains(&pid)
                });
                step(NO_PROCESS);
                if outbox.send(found).is_err() {
                    return;
                }
            }
        })?;
        Ok(Hand { thread, orders, answers, step, busy: None })
    }

    /// The process that the scan under way hangs at. An answer that came late is thrown away: its numbers are of another moment.
    fn hangs(&mut self, now: Duration) -> Option<u32> {
        let (step_before, since) = self.busy?;
        if !matches!(self.answers.try_recv(), Err(TryRecvError::Empty)) {
            self.busy = None;
            return None;
        }
        let step = self.step.load(Ordering::Relaxed);
        if step != step_before {
            self.busy = Some((step, now));
            return None;
        }
        // The lower half of a step is the process. Between two no stranger can hold the thread: the machine is slow.
        let pid = step as u32;
        (pid != NO_PROCESS && now.saturating_sub(since) > HANGS_AFTER).then_some(pid)
    }
}

#[cfg(test)]
mod tests;
