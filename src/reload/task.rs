//! The task that makes configurations: after changes of the tree, on operators' orders, and when rounds tell that a build fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verwalter_collect::clock::unix_now;
use verwalter_core::ids::UnixMillis;

use super::{Config, Loader, Notice};
use crate::orders::{Given, PluginOrder};
use crate::watch::{ChangeSet, Changes};

/// Time until plugins that this machine kept from being activated are tried again; doubles up to [`LONGEST_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Long enough not to fill a log, short enough that a freed disk is noticed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// How long the end of the daemon waits for a reload. An ordinary activation or order is done by then; what takes longer is a plugin that
/// compiles or runs for as long as its limits let it, perhaps one of many, and nothing of that is in force yet.
const GRACE: Duration = Duration::from_secs(2);

/// What asks for another configuration.
enum Wish {
    Reload(ChangeSet),
    Order(Given<PluginOrder, String>),
    Notice(Notice),
}

/// Reloads whenever `changes` says so, and carries out what operators order and what rounds tell of builds, until `drain`. A reload that
/// goes on for longer than two seconds then is left behind: the next start does it again. `busy` tells since when it has been at work.
pub async fn run(
    loader: Arc<Loader>,
    changes: Changes,
    mut orders: mpsc::Receiver<Given<PluginOrder, String>>,
    mut notices: mpsc::Receiver<Notice>,
    config: watch::Sender<Arc<Config>>,
    busy: watch::Sender<Option<UnixMillis>>,
    drain: CancellationToken,
) {
    let mut retry = FIRST_RETRY;
    // What no reload has read to its end since it changed: nobody tells of it a second time.
    let mut owed = ChangeSet::default();
    // It is left behind when the daemon ends: nothing of it is in force, and its child ends with its parent.
    let mut preparing: Option<JoinHandle<()>> = None;
    let compiled = loader.compiled();
    loop {
        let former = config.borrow().clone();
        let unfinished = former.catalog.is_unfinished() || !former.stirring.is_empty() || !owed.is_empty();
        let mut wish = tokio::select! {
            () = drain.cancelled() => return,
            changed = changes.next() => match changed {
                Some(changed) => Wish::Reload(changed),
                None => return,
            },
            early = changes.early() => {
                if preparing.as_ref().is_none_or(JoinHandle::is_finished) {
                    let loader = loader.clone();
                    preparing = Some(tokio::task::spawn_blocking(move || loader.prepare(&former, &early)));
                }
                continue;
            }
            Some(given) = orders.recv() => Wish::Order(given),
            Some(notice) = notices.recv() => Wish::Notice(notice),
            () = compiled.notified() => Wish::Reload(ChangeSet { plugins: true, ..ChangeSet::default() }),
            () = tokio::time::sleep(retry), if unfinished => Wish::Reload(ChangeSet { plugins: true, ..ChangeSet::default() }),
        };
        let reloads = matches!(wish, Wish::Reload(_));
        if let Wish::Reload(changed) = &mut wish {
            changed.add(owed);
            owed = *changed;
            retry = if unfinished { (retry * 2).min(LONGEST_RETRY) } else { FIRST_RETRY };
        }
        let loader = loader.clone();
        let settled = changes.settled();
        busy.send_replace(Some(unix_now()));
        let work = tokio::task::spawn_blocking(move || match wish {
            Wish::Reload(mut changed) => {
                changed.add(former.stirring);
                Some(loader.again(&former, changed, &settled))
            }
            Wish::Order((order, answer)) => {
                let (next, result) = loader.carry_out(&former, &order, &settled);
                // Whoever asked may have gone; the order was carried out all the same.
                let _ = answer.send(result);
                next
            }
            Wish::Notice(notice) => loader.take_notice(&former, &notice),
        });
        let done = tokio::select! {
            done = work => done,
            () = overdue(&drain) => {
                tracing::warn!("a reload was under way and is left undone: the next start reads the tree again");
                return;
            }
        };
        busy.send_replace(None);
        match done {
            Ok(next) => {
                if reloads {
                    owed = ChangeSet::default();
                }
                if let Some(next) = next {
                    config.send_replace(Arc::new(next));
                }
            }
            Err(_) if reloads => {
                tracing::error!(
                    "reloading the configuration tree broke off: a defect, please report it; the former one stays in force, and it is tried again"
                );
            }
            Err(_) => tracing::error!("an order about a plugin broke off: a defect, please report it; what was in force stays in force"),
        }
    }
}

/// Resolves when the daemon has been ending for long enough.
async fn overdue(drain: &CancellationToken) {
    drain.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

#[cfg(test)]
mod tests;
