//! Turns for work that grows with the cluster, or that waits for a disk or a plugin: a few at a time, on threads that may block. The few threads
//! that serve everybody, and tell of this node by gossip, never do it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::HttpError;

/// How long requests that make no plugin work wait for others like them: at 10,000 peers such work takes a tenth of a second. Together with what
/// a body and an order may take, it stays below what `client` waits for.
pub(super) const WAIT: Duration = Duration::from_secs(3);

/// So many requests of a kind are worked on at a time.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    slots: Arc<Semaphore>,
    at_once: usize,
    wait: Duration,
    /// What all the others are at, as in `questions are being answered`.
    doing: &'static str,
}

/// The right to work, until it is dropped or spent.
#[derive(Debug)]
pub(super) struct Turn {
    _slot: OwnedSemaphorePermit,
}

impl Turns {
    /// `at_once` of them; who waits longer than `wait` is told what the others are `doing`, and sent away.
    pub(super) fn new(at_once: usize, wait: Duration, doing: &'static str) -> Turns {
        Turns { slots: Arc::new(Semaphore::new(at_once)), at_once, wait, doing }
    }

    /// Waits for a turn.
    pub(super) async fn take(&self) -> Result<Turn, HttpError> {
        match tokio::time::timeout(self.wait, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(Turn { _slot: slot }),
            // Nobody closes the semaphore.
            Ok(Err(_)) | Err(_) => {
                let message = format!("{} {} already: ask again in a moment", self.at_once, self.doing);
                Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message))
            }
        }
    }

    /// Waits for a turn and spends it on `work`.
    pub(super) async fn spend<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HttpError> {
        self.take().await?.spend(work).await
    }
}

impl Turn {
    /// Does `work` where blocking is allowed. The turn lasts for as long as it does, also when the client goes away.
    pub(super) async fn spend<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HttpError> {
        let done = tokio::task::spawn_blocking(move || {
            let _turn = self;
            work()
        });
        done.await.map_err(|_| {
            let message = "making the answer broke off: a defect, please report it with the log";
            HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "broke-off", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_is_done_elsewhere_and_may_break_off() {
        let turns = Turns::new(1, Duration::ZERO, "are at it");
        let here = std::thread::current().id();
        assert_ne!(turns.spend(|| std::thread::current().id()).await.expect("it is done"), here);
        let broken = turns.spend(|| panic!("on purpose")).await.expect_err("it broke off");
        assert_eq!((broken.status.as_u16(), broken.code), (500, "broke-off"));
        assert!(turns.take().await.is_ok(), "a turn that broke off is over");
    }

    #[tokio::test(start_paused = true)]
    async fn few_at_a_time() {
        let turns = Turns::new(2, WAIT, "are at it");
        let (first, second) = (turns.take().await, turns.take().await);
        let refused = turns.take().await.expect_err("there are two");
        assert_eq!((refused.status.as_u16(), refused.code), (503, "busy"));
        assert_eq!(refused.message, "2 are at it already: ask again in a moment");
        let (third, ()) = tokio::join!(turns.take(), async { drop(first) });
        assert!(second.is_ok() && third.is_ok(), "who waits gets the turn that is over");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_does_not_make_room() {
        let turns = Turns::new(1, Duration::ZERO, "are at it");
        let (begin, begun) = oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let work = turns.spend(move || {
            begin.send(()).expect("somebody waits");
            ended.recv()
        });
        tokio::select! {
            _ = work => unreachable!("it waits for its end"),
            begun = begun => begun.expect("it begins"),
        }
        assert!(turns.take().await.is_err(), "the work goes on");
        end.send(()).expect("it goes on");
        let patient = Turns { wait: Duration::from_secs(60), ..turns };
        assert!(patient.take().await.is_ok());
    }
}
