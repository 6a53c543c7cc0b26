//! What an operator may order of a running node, and the way from the API to the task that does it. An order waits in a bounded
//! queue, never in a round; this file carries out none.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;

/// Orders that wait at a time: more than people give while one is carried out.
const QUEUE: usize = 16;
/// How long a giver waits for the answer: the compiling of a large plugin, which an order may have to wait for, ends sooner.
pub const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Something that an operator wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Put a former build of a plugin in force.
    Rollback {
        /// Which plugin.
        name: PluginName,
        /// Which build; the one before the build in force when there is none given.
        to: Option<Digest>,
    },
    /// Lift the quarantine of a plugin's builds.
    Release {
        /// Which plugin.
        name: PluginName,
    },
    /// Let the guards pass a plugin's next decision, whatever it moves or empties.
    Allow {
        /// Which plugin.
        name: PluginName,
    },
}

impl Order {
    /// The plugin that it is about.
    pub fn plugin(&self) -> &PluginName {
        match self {
            Order::Rollback { name, .. } | Order::Release { name } | Order::Allow { name } => name,
        }
    }
}

/// Why an order was not carried out. Unless the variant says otherwise, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The operator named a plugin that is not there.
    #[error("there is no such plugin")]
    NotFound,
    /// The plugin is in a state in which there is nothing to be done; the text says which and what to do instead.
    #[error("{0}")]
    Conflict(String),
    /// Too many orders wait already.
    #[error("{QUEUE} orders wait already: try again in a moment")]
    Busy,
    /// It was taken, and will be carried out, but not within [`ANSWER_WAIT`].
    #[error(
        "it was taken but is not done after {} s, since a reload is under way: it will be done; `verwalter plugin status` shows when",
        ANSWER_WAIT.as_secs()
    )]
    Late,
    /// The node is about to end and takes no more orders; it may or may not have carried out one that it had taken.
    #[error("the node is ending: order it again when it runs")]
    Ending,
}

/// An order on its way, with where its answer goes. Whoever carries it out does so whether or not somebody still waits.
pub type Given = (Order, oneshot::Sender<Result<String, OrderError>>);

/// The giving end.
#[derive(Debug, Clone)]
pub struct Orders {
    queue: mpsc::Sender<Given>,
}

/// Both ends of the queue.
pub fn channel() -> (Orders, mpsc::Receiver<Given>) {
    let (queue, given) = mpsc::channel(QUEUE);
    (Orders { queue }, given)
}

impl Orders {
    /// Gives an order and waits for what came of it: a sentence for the operator. Waits [`ANSWER_WAIT`] at most.
    pub async fn give(&self, order: Order) -> Result<String, OrderError> {
        self.give_within(order, ANSWER_WAIT).await
    }

    async fn give_within(&self, order: Order, wait: Duration) -> Result<String, OrderError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send((order, answer)).map_err(|err| match err {
            mpsc::error::TrySendError::Full(_) => OrderError::Busy,
            mpsc::error::TrySendError::Closed(_) => OrderError::Ending,
        })?;
        match tokio::time::timeout(wait, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(OrderError::Ending),
            Err(_) => Err(OrderError::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Order {
        Order::Release { name: PluginName::new("spread").expect("a valid name") }
    }

    #[tokio::test]
    async fn an_order_is_answered_by_whoever_carries_it_out() {
        let (orders, mut given) = channel();
        let doer = async {
            let (order, answer) = given.recv().await.expect("one is given");
            answer.send(Ok(format!("released {}", order.plugin()))).expect("its giver waits");
        };
        let (answer, ()) = tokio::join!(orders.give(release()), doer);
        assert_eq!(answer, Ok("released spread".to_owned()));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let (orders, given) = channel();
        for _ in 0..QUEUE {
            let (answer, _) = oneshot::channel();
            orders.queue.try_send((release(), answer)).expect("there is room");
        }
        assert_eq!(orders.give(release()).await, Err(OrderError::Busy));
        drop(given);
        assert_eq!(orders.give(release()).await, Err(OrderError::Ending));
        let (orders, mut given) = channel();
        let (answer, ()) = tokio::join!(orders.give(release()), async { drop(given.recv().await) });
        assert_eq!(answer, Err(OrderError::Ending), "it was taken and forgotten");
    }

    #[tokio::test]
    async fn a_slow_doer_is_told_apart_from_one_that_is_gone() {
        let (orders, mut given) = channel();
        assert_eq!(orders.give_within(release(), Duration::from_millis(1)).await, Err(OrderError::Late));
        let (order, answer) = given.recv().await.expect("the order is still there to be carried out");
        assert_eq!((order, answer.is_closed()), (release(), true));
    }
}
