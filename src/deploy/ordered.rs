//! Orders and questions of operators, in the task that deploys: between two passes, so that what is answered is what stands. The work itself is
//! the worker's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use verwalter_core::digest::Digest;
use verwalter_core::schedule::Schedule;

use super::grounds::Grounds;
use super::plan::{Comparison, Plan, RoleState};
use super::tools::{Terms, Tools};
use super::worker::{Bench, Worker};
use super::{Deploy, DeployReport, RoleOutcome, ended};
use crate::orders::{DeployOrder, Given, OrderError, RoleOrder};
use crate::store::InForce;
use crate::telemetry::chain;

/// How long it is found out what a schedule changes on other nodes; those that are left are only counted.
const ELSEWHERE_TIME: Duration = Duration::from_secs(20);

/// What an order is carried out by.
struct Hands<'a> {
    worker: &'a mut Worker,
    tools: Arc<Tools>,
    /// The daemon ends.
    drain: &'a CancellationToken,
}

type Answer = oneshot::Sender<Result<Value, OrderError>>;

impl Deploy {
    /// Does what an operator ordered. A pass follows, which deploys what came of it.
    pub(super) async fn carry_out(
        &self,
        worker: &mut Worker,
        tools: &mut Option<Arc<Tools>>,
        (order, answer): Given<DeployOrder, Value>,
        drain: &CancellationToken,
    ) {
        let tools = match self.opened(tools) {
            Ok(tools) => tools,
            Err(error) => return drop(answer.send(Err(OrderError::Failed(chain(&error))))),
        };
        let hands = Hands { worker, tools, drain };
        match order {
            // Whoever asked has gone: others wait.
            DeployOrder::Plan { .. } if answer.is_closed() => {}
            DeployOrder::Plan { schedule } => self.plan(hands, schedule, answer).await,
            DeployOrder::Apply { plan } => {
                let result = self.apply(hands, plan).await;
                match &result {
                    Ok(answer) => tracing::info!(result = answer["message"].as_str(), "a plan was applied"),
                    Err(error) => tracing::warn!(%error, "a plan was not applied"),
                }
                // Whoever asked may have gone; the order was carried out all the same.
                let _ = answer.send(result);
            }
            DeployOrder::Role(order) => {
                let _ = answer.send(self.own(hands, order).await);
            }
        }
    }

    async fn own(&self, hands: Hands<'_>, order: RoleOrder) -> Result<Value, OrderError> {
        let tools = hands.tools.clone();
        let config = self.config.borrow().clone();
        let roots = self.roots(&config);
        let schedule = self.in_force.borrow().as_ref().map(|in_force| in_force.schedule.digest());
        let done = self.lend(hands, move |worker| {
            let bench = Bench { schedule, terms: Terms::of(&config, &roots), tools: &tools };
            worker.carry_out(&bench, &order)
        });
        done.await?
    }

    async fn plan(&self, hands: Hands<'_>, given: Option<Box<Schedule>>, answer: Answer) {
        let grounds = match self.grounds(&mut Some(hands.tools.clone())) {
            Ok(grounds) => Arc::new(grounds),
            Err(unready) => return drop(answer.send(Err(OrderError::Conflict(unready.to_string())))),
        };
        let drain = hands.drain.clone();
        let lent = (grounds.clone(), given.clone());
        let planned = self.lend(hands, move |worker| {
            let (grounds, given) = lent;
            planned(worker, &grounds, given.as_deref())
        });
        let plan = match planned.await {
            Ok(Ok(plan)) => plan,
            Ok(Err(message)) => return drop(answer.send(Err(OrderError::Conflict(message)))),
            Err(error) => return drop(answer.send(Err(error))),
        };
        let published = self.collected.borrow().clone();
        let Ok(turn) = self.elsewhere.clone().try_acquire_owned() else {
            let message = "what another plan changes on other nodes is being found out: ask again in a moment";
            return drop(answer.send(Err(OrderError::Conflict(message.to_owned()))));
        };
        // Other nodes take their time, and nothing here waits for them.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut plan = plan;
            let until = Instant::now() + ELSEWHERE_TIME;
            let stop = || answer.is_closed() || drain.is_cancelled() || Instant::now() >= until;
            if let (Some(new), Some(published)) = (given, published) {
                let comparison = Comparison {
                    own: &grounds.hostname,
                    former: &grounds.in_force.schedule,
                    new: &new,
                    config: &grounds.config,
                    peers: published.snapshot.peers(),
                    stop: &stop,
                };
                plan.elsewhere = comparison.plan();
            }
            let _ = answer.send(Ok(serde_json::to_value(plan).expect("texts and numbers are JSON")));
        });
    }

    async fn apply(&self, hands: Hands<'_>, insisted: Digest) -> Result<Value, OrderError> {
        let grounds = self.grounds(&mut Some(hands.tools.clone())).map_err(|unready| OrderError::Conflict(unready.to_string()))?;
        let tools = hands.tools.clone();
        let done = self.lend(hands, move |worker| {
            let plan = planned(worker, &grounds, None).map_err(OrderError::Conflict)?;
            if plan.digest != insisted {
                let message = "it is another plan by now, and nothing was done: look at it again with `verwalter plan` (a plan of another \
                               schedule applies only once that is in force)";
                return Err(OrderError::Conflict(message.to_owned()));
            }
            Ok((worker.deploy(&grounds.pass(&grounds.in_force, true)), plan))
        });
        let (report, plan) = done.await??;
        self.publish(DeployReport { unlogged: tools.unlogged(), ..report.clone() });
        outcome(&report, &plan)
    }

    /// Lets the worker do something where waiting is allowed.
    async fn lend<T: Send + 'static>(
        &self,
        hands: Hands<'_>,
        work: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Result<T, OrderError> {
        // If this one is lost, the next goes on counting where it did.
        let Hands { worker, tools, drain } = hands;
        let mut moved = std::mem::replace(worker, Worker::new(self.counts.clone(), self.deploying));
        let lent = tokio::task::spawn_blocking(move || {
            let done = work(&mut moved);
            (moved, done)
        });
        match ended(lent, &tools, drain).await {
            Ok((moved, done)) => {
                *worker = moved;
                Ok(done)
            }
            Err(_) => {
                tracing::error!("an operator's order broke off: a defect, please report it");
                let message = "it broke off: a defect, please report it with the log; `verwalter role list` shows what stands";
                Err(OrderError::Failed(message.to_owned()))
            }
        }
    }
}

fn planned(worker: &mut Worker, grounds: &Grounds, given: Option<&Schedule>) -> Result<Plan, String> {
    let in_force = &*grounds.in_force;
    match given.filter(|given| given.digest() != in_force.schedule.digest()) {
        None => worker.plan(&grounds.pass(in_force, true), true),
        Some(given) => worker.plan(&grounds.pass(&InForce { schedule: given.clone(), ..in_force.clone() }, true), false),
    }
}

/// What is told of a plan that was applied.
fn outcome(report: &DeployReport, plan: &Plan) -> Result<Value, OrderError> {
    let failed: Vec<&str> = report.roles.values().filter_map(RoleOutcome::failure).collect();
    if let Some(reason) = report.unchosen.as_deref().or_else(|| failed.first().copied()) {
        let more = if failed.len() > 1 { format!("; {} more roles failed: see /v1/status", failed.len() - 1) } else { String::new() };
        return Err(OrderError::Failed(format!("{reason}{more}")));
    }
    let names = |state| -> Vec<&str> { plan.roles.iter().filter(|role| role.state == state).map(|role| role.role.as_str()).collect() };
    let (deployed, left) = (names(RoleState::Changed), names(RoleState::Leaves));
    let told = |what, roles: &[&str]| (!roles.is_empty()).then(|| format!("{what} {}", roles.join(", ")));
    let message: Vec<String> = [told("deployed", &deployed), told("taken off this node:", &left)].into_iter().flatten().collect();
    let message = if message.is_empty() { "there was nothing to do".to_owned() } else { message.join("; ") };
    Ok(json!({ "message": message, "deployed": deployed, "left": left }))
}
