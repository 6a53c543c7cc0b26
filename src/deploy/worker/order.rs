//! Operators' orders about what belongs to a role, carried out between two passes. It renders nothing and deploys nothing: the pass that
//! follows does.

use std::hash::{BuildHasher, RandomState};

use serde_json::{Value, json};
use verwalter_apply::transaction::TransactionError;
use verwalter_collect::clock::unix_now;
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use super::Worker;
use super::owned::Owned;
use crate::deploy::tools::{Noted, Terms, Tools};
use crate::orders::{OrderError, RoleOrder};

/// What an order is carried out with: the same as a pass.
pub(in crate::deploy) struct Bench<'a> {
    /// The schedule in force.
    pub(in crate::deploy) schedule: Option<Digest>,
    /// Where files may be written, and what else the node allows.
    pub(in crate::deploy) terms: Terms<'a>,
    /// The records, and what touches files.
    pub(in crate::deploy) tools: &'a Tools,
}

impl Worker {
    /// Does what an operator ordered, and gives the answer: `message` for people, the files by their whole paths for programs.
    pub(in crate::deploy) fn carry_out(&mut self, bench: &Bench<'_>, order: &RoleOrder) -> Result<Value, OrderError> {
        self.remember(bench.tools, bench.terms).map_err(OrderError::Failed)?;
        let done = match order {
            RoleOrder::Adopt { role, paths } => self.adopt(bench, role, paths),
            RoleOrder::Forget { role, paths } => self.forget(bench, role, paths.as_deref()),
        };
        let role = order.role();
        match &done {
            Ok(answer) => tracing::info!(%role, result = answer["message"].as_str(), "an operator's order was carried out"),
            Err(error) => tracing::warn!(%role, %error, "an operator's order was not carried out"),
        }
        done
    }

    fn adopt(&mut self, bench: &Bench<'_>, role: &RoleName, paths: &[String]) -> Result<Value, OrderError> {
        let Some(here) = &self.here else {
            let message = "which roles are this node's is not known yet: order it again once /v1/status shows a deployment";
            return Err(OrderError::Conflict(message.to_owned()));
        };
        if !here.contains(role) {
            let message =
                format!("the role {role} is not on this node, so that nothing here could become its own: order it where the role runs");
            return Err(OrderError::Conflict(message));
        }
        let (deployment, present) = (id(), here.clone());
        let noted = Noted { deployment: &deployment, schedule: bench.schedule, what: "adopted", present: &present };
        let files = bench.tools.adopt(role, paths, bench.terms, &noted).map_err(|err| refused(&err))?;
        self.owned.get_or_insert_default().insert(role.clone(), bench.tools.owned(role));
        // Those that it does not produce go, and they go now: not with the next change, of which nobody would expect it.
        self.done.remove(role);
        self.failed.remove(role);
        let message = format!(
            "{} to the role {role} now: its next deployment, due at once unless the role waits, keeps what it produces and removes the rest",
            count(files.len(), "belongs", "belong")
        );
        Ok(json!({ "message": message, "files": files }))
    }

    fn forget(&mut self, bench: &Bench<'_>, role: &RoleName, paths: Option<&[String]>) -> Result<Value, OrderError> {
        let unknown = |err| OrderError::Failed(crate::telemetry::chain(&err));
        if !bench.tools.records.knows(role).map_err(unknown)? {
            return Err(OrderError::NotFound);
        }
        let stays = self.here.as_ref().is_some_and(|here| here.contains(role));
        // Before the first pass, those of which something is remembered may all be this node's.
        let present = self.here.clone().unwrap_or_else(|| self.owned.iter().flat_map(Owned::roles).cloned().collect());
        let deployment = id();
        let noted = Noted { deployment: &deployment, schedule: bench.schedule, what: "forgotten", present: &present };
        let files = bench.tools.disown(role, paths, bench.terms, &noted).map_err(|err| refused(&err))?;
        let owned = self.owned.get_or_insert_default();
        match paths {
            Some(_) => owned.insert(role.clone(), bench.tools.owned(role)),
            None => owned.remove(role),
        }
        let counted = count(files.len(), "stays and belongs", "stay and belong");
        let all = if paths.is_none() { " no longer, and nothing runs when it leaves" } else { " no longer" };
        let again = if stays { "; it is still this node's: with its next deployment, what it produces belongs to it again" } else { "" };
        Ok(json!({ "message": format!("{counted} to the role {role}{all}{again}"), "files": files }))
    }
}

fn count(files: usize, one: &str, many: &str) -> String {
    if files == 1 { format!("1 file {one}") } else { format!("{files} files {many}") }
}

/// Names an order in the deployment log.
fn id() -> String {
    format!("{:016x}", RandomState::new().hash_one(unix_now().0))
}

/// Why it was not done: the operator's to mend, or the machine's.
fn refused(error: &TransactionError) -> OrderError {
    let message = error.to_string();
    if error.is_refusal() { OrderError::Conflict(message) } else { OrderError::Failed(message) }
}
