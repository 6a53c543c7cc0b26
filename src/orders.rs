//! What an operator may order of a running node, and the way from the API to the task that does it. An order waits in a bounded
//! queue of that task, never in a round; this file carries out none.

mod deploy;
mod plugin;

use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub use self::deploy::{DeployOrder, RoleOrder};
pub use self::plugin::PluginOrder;

/// Orders that wait at a time: more than people give while one is carried out.
const QUEUE: usize = 16;
/// How long a giver waits for the answer: the compiling of a large plugin, which an order may have to wait for, ends sooner.
pub const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// What is told of an order whose answer was lost. Whoever carried it out knew what had been done; nobody else does.
const BROKE_OFF: &str = "it broke off: a defect, please report it with the log; look at what stands before you order it again";

/// Why an order was not carried out. Unless the variant says otherwise, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The operator named something that is not there; who gave the order knows what.
    #[error("there is nothing of that name")]
    NotFound,
    /// What was named is in a state in which this cannot be done; the text says which and what to do instead.
    #[error("{0}")]
    Conflict(String),
    /// It was begun and failed; the text says of what, and what stands then.
    #[error("{0}")]
    Failed(String),
    /// Too many orders wait already.
    #[error("{QUEUE} orders wait already: try again in a moment")]
    Busy,
    /// It was taken, and will be carried out, but not within the time that its giver waits.
    #[error("it was taken but is not done after {} s, since {reason}", .after.as_secs())]
    Late {
        /// How long that was.
        after: Duration,
        /// What it waits for, and what shows that it was done.
        reason: &'static str,
    },
    /// The node is about to end and takes no more orders; it may or may not have carried out one that it had taken.
    #[error("the node is ending: order it again when it runs")]
    Ending,
}

/// An order on its way, with where its answer goes. Whoever carries it out does so whether or not somebody still waits.
pub type Given<O, A> = (O, oneshot::Sender<Result<A, OrderError>>);

/// The giving end of a queue of orders `O`, each answered by an `A`.
#[derive(Debug)]
pub struct Orders<O, A> {
    queue: mpsc::Sender<Given<O, A>>,
    late: &'static str,
}

/// Orders about plugins, answered by a sentence for the operator.
pub type PluginOrders = Orders<PluginOrder, String>;

/// Orders to the task that deploys, answered by a document.
pub type DeployOrders = Orders<DeployOrder, Value>;

/// Both ends of a queue. `late` ends the sentence about an order that is not carried out in time: what it may wait for, and what
/// shows that it was done.
pub fn channel<O, A>(late: &'static str) -> (Orders<O, A>, mpsc::Receiver<Given<O, A>>) {
    let (queue, given) = mpsc::channel(QUEUE);
    (Orders { queue, late }, given)
}

/// The queue of the task that reloads.
pub fn to_plugins() -> (PluginOrders, mpsc::Receiver<Given<PluginOrder, String>>) {
    channel("a reload is under way: it will be done; `verwalter plugin status` shows when")
}

/// The queue of the task that deploys.
pub fn to_deploy() -> (DeployOrders, mpsc::Receiver<Given<DeployOrder, Value>>) {
    channel("a role is being deployed: it will be done; `verwalter role list` shows when")
}

impl<O, A> Clone for Orders<O, A> {
    fn clone(&self) -> Orders<O, A> {
        Orders { queue: self.queue.clone(), late: self.late }
    }
}

impl<O, A> Orders<O, A> {
    /// Gives an order and waits for what came of it, [`ANSWER_WAIT`] at most.
    pub async fn give(&self, order: O) -> Result<A, OrderError> {
        self.give_within(order, ANSWER_WAIT).await
    }

    /// The same, with another time to wait.
    pub async fn give_within(&self, order: O, wait: Duration) -> Result<A, OrderError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send((order, answer)).map_err(|err| match err {
            mpsc::error::TrySendError::Full(_) => OrderError::Busy,
            mpsc::error::TrySendError::Closed(_) => OrderError::Ending,
        })?;
        match tokio::time::timeout(wait, answered).await {
            Ok(Ok(result)) => result,
            // Its task ends, and its queue with it; or it was dropped on the way by a panic, and the task goes on.
            Ok(Err(_)) if self.queue.is_closed() => Err(OrderError::Ending),
            Ok(Err(_)) => Err(OrderError::Failed(BROKE_OFF.to_owned())),
            Err(_) => Err(OrderError::Late { after: wait, reason: self.late }),
        }
    }
}

#[cfg(test)]
mod tests {
    use verwalter_core::names::PluginName;

    use super::*;

    fn release() -> PluginOrder {
        PluginOrder::Release { name: PluginName::new("spread").expect("a valid name") }
    }

    #[tokio::test]
    async fn an_order_is_answered_by_whoever_carries_it_out() {
        let (orders, mut given) = to_plugins();
        let doer = async {
            let (order, answer) = given.recv().await.expect("one is given");
            answer.send(Ok(format!("released {}", order.plugin()))).expect("its giver waits");
        };
        let (answer, ()) = tokio::join!(orders.give(release()), doer);
        assert_eq!(answer, Ok("released spread".to_owned()));
    }

    #[tokio::test]
    async fn an_order_that_breaks_off_is_no_end_of_the_node() {
        let (orders, mut given) = to_plugins();
        let doer = async {
            drop(given.recv().await.expect("one is given"));
        };
        let (answer, ()) = tokio::join!(orders.give(release()), doer);
        assert_eq!(answer, Err(OrderError::Failed(BROKE_OFF.to_owned())));
        let ending = async {
            let (_order, _answer) = given.recv().await.expect("one is given");
            drop(given);
        };
        let (answer, ()) = tokio::join!(orders.give(release()), ending);
        assert_eq!(answer, Err(OrderError::Ending));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let (orders, given) = to_plugins();
        for _ in 0..QUEUE {
            let (answer, _) = oneshot::channel();
            orders.queue.try_send((release(), answer)).expect("there is room");
        }
        assert_eq!(orders.give(release()).await, Err(OrderError::Busy));
        drop(given);
        assert_eq!(orders.give(release()).await, Err(OrderError::Ending));
    }

    #[tokio::test]
    async fn a_slow_doer_is_told_apart_from_one_that_is_gone() {
        let (orders, mut given) = to_plugins();
        let late = orders.give_within(release(), Duration::from_millis(1)).await.expect_err("nobody answers");
        assert!(matches!(late, OrderError::Late { .. }) && late.to_string().contains("`verwalter plugin status` shows when"), "{late}");
        let (order, answer) = given.recv().await.expect("the order is still there to be carried out");
        assert_eq!((order, answer.is_closed()), (release(), true));
    }
}
