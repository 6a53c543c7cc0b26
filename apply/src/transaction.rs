//! A role's whole deployment, or none of it: files staged and checked, swapped in, services told, their health seen, committed. What fails
//! before the commit is undone, files and services alike, and so is what a crash left uncommitted.
//!
//! It decides the order and what follows from a failure. Files are touched by [`FileWork`], commands run by [`Commands`]; it knows neither
//! templates nor schedules.

mod changes;
mod cleanup;
mod error;
mod hands;
mod ownership;
mod plan;
mod ports;
mod signature;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use self::changes::Wanted;
pub use self::changes::place;
pub use self::error::{Cause, NotUndone, TransactionError};
pub use self::hands::{CommandHands, FileHands};
pub use self::plan::{Planned, PlannedCommand, PlannedFile, When};
pub use self::ports::{Call, Commands, Deployed, Event, Resolve};
use self::signature::Signatures;
use self::told::{filled, reload, told};
use crate::Roots;
use crate::files::{Entry, FileWork, Staged};
use crate::record::{Generation, Origin, Pending, Record, Records};
use crate::role::{Action, CommandLine, Duties, Health, RenderedRole};

/// What a transaction works with.
pub struct Transactor<'a> {
    /// What is remembered.
    pub records: &'a Records,
    /// Does things to files.
    pub files: &'a mut dyn FileWork,
    /// Runs commands.
    pub commands: &'a mut dyn Commands,
    /// Where this node lets files be written.
    pub roots: &'a Roots,
    /// Whether a path is a file of another role.
    pub others: &'a dyn Fn(&Path) -> bool,
    /// The wall clock.
    pub now: &'a dyn Fn() -> UnixMillis,
    /// Where goes what happens.
    pub events: &'a mut dyn FnMut(Event<'_>),
}

impl Transactor<'_> {
    /// Makes the role what was rendered.
    ///
    /// # Errors
    /// Says what failed, and whether everything is as it was before.
    pub fn deploy(&mut self, role: &RoleName, rendered: &RenderedRole, origin: &Origin) -> Result<Deployed, TransactionError> {
        let record = self.recovered(role)?;
        crate::check_formats(role, &rendered.files).map_err(|source| TransactionError::untouched(role, Cause::Files(source.into())))?;
        let told = told(self.records, rendered);
        let wanted = changes::wanted(role, rendered, &record, self.roots, self.others)
            .map_err(|source| TransactionError::untouched(role, Cause::Files(source.into())))?;
        let next = Next { duties: rendered.duties.clone(), texts: &rendered.arguments, told };
        self.carry_out(record, wanted, Some(next), origin)
    }

    /// Takes the role off this node: its files, then what its commands do about it.
    ///
    /// # Errors
    /// As for [`Transactor::deploy`].
    pub fn remove(&mut self, role: &RoleName, origin: &Origin) -> Result<Deployed, TransactionError> {
        let record = self.recovered(role)?;
        if record.generation.is_none() && record.adopted.is_empty() {
            self.forget(role);
            return Ok(Deployed::default());
        }
        let wanted = changes::none(&record);
        self.carry_out(record, wanted, None, origin)
    }

    /// Undoes what a crash left of a role's transaction, or clears away after one that was committed. Call it once at the start.
    ///
    /// # Errors
    /// When it cannot be undone yet.
    pub fn recover(&mut self, role: &RoleName) -> Result<(), TransactionError> {
        let record = self.recovered(role)?;
        // That it was cleared away is not written down: doing it again, where nothing is left to do, costs less than a record.
        if record.generation.is_none() && record.adopted.is_empty() && record.finishing.is_empty() {
            self.forget(role);
        } else {
            // Texts of a try that ended before its record was written.
            self.records.keep_texts(role, record.generation.as_ref().map(|generation| generation.told));
        }
        Ok(())
    }

    /// Drops the record of a role that has nothing.
    fn forget(&self, role: &RoleName) {
        if let Err(error) = self.records.forget(role) {
            tracing::warn!(%role, %error, "the record of a role that left could not be removed: the next start tries again");
        }
    }

    /// Clears away after a commit; says whether that was done.
    fn finish(&mut self, role: &RoleName, entries: &[Entry]) -> bool {
        if entries.is_empty() {
            return true;
        }
        let finished = self.files.finish(entries);
        if let Err(error) = &finished {
            tracing::warn!(%role, %error, "former files of a role could not be cleared away: the next start tries again");
        }
        finished.is_ok()
    }

    fn recovered(&mut self, role: &RoleName) -> Result<Record, TransactionError> {
        let mut record = self.records.load(role).map_err(|source| TransactionError::untouched(role, Cause::Record(source)))?;
        if record.pending.is_none() {
            // Staging anew would remove former files that are still to become backups.
            if self.finish(role, &record.finishing) {
                record.finishing.clear();
            }
            return Ok(record);
        }
        (self.events)(Event::Undoing { cause: "an earlier try was neither committed nor undone" });
        self.undo(record).map_err(|undone| TransactionError::Interrupted { role: role.clone(), undone: undone.into() })
    }

    fn carry_out(
        &mut self,
        mut record: Record,
        wanted: Wanted<'_>,
        next: Option<Next<'_>>,
        origin: &Origin,
    ) -> Result<Deployed, TransactionError> {
        let role = &record.role().clone();
        let untouched = |cause| TransactionError::untouched(role, cause);
        let call = Call { role, origin };
        // What may not run is found out before anything is done.
        if let Some(next) = &next {
            self.permitted(call, &wanted, next).map_err(|message| untouched(Cause::Command(message)))?;
        }
        let staged = self.files.stage(role, &wanted.changes).map_err(|source| untouched(Cause::Files(source.into())))?;
        let new_words = match (&record.generation, &next) {
            (Some(former), Some(next)) => former.told != next.told,
            (None, Some(_)) | (Some(_), None) => true,
            (None, None) => false,
        };
        let mut deployed = wanted.outcome(&staged);
        if staged.entries().is_empty() && !new_words && deployed.kept.is_empty() {
            self.settle(record, wanted, next.is_some()).map_err(untouched)?;
            return Ok(deployed);
        }
        if let Err(message) = self.check(call, &wanted, &staged) {
            return Err(self.discarded(role, &staged.into_entries(), Cause::Check(message)));
        }
        let private = record.generation.as_ref().map(|former| &former.private);
        (self.events)(Event::Staged { staged: &staged, private: private.unwrap_or(&BTreeSet::new()) });
        let texts = next.as_ref().map_or((Digest::of(b""), None), |next| (next.told, Some(next.texts)));
        if let (told, Some(texts)) = texts
            && let Err(source) = self.records.write_texts(role, told, texts)
        {
            return Err(self.discarded(role, &staged.into_entries(), Cause::Record(source)));
        }
        let duties = next.as_ref().map(|next| &next.duties);
        let signatures = Signatures::before(duties, self.roots);
        record.pending = Some(Pending {
            since: (self.now)(),
            origin: origin.clone(),
            entries: staged.into_entries(),
            telling: false,
            reload: reload(&record, duties),
        });
        let entries = record.pending.as_ref().map(|pending| pending.entries.clone()).unwrap_or_default();
        if let Err(source) = self.records.save(&record) {
            return Err(self.discarded(role, &entries, Cause::Record(source)));
        }
        let done = self.files.swap(&entries).map_err(|source| Cause::Files(source.into()));
        let done = done.and_then(|_| self.tell(call, &mut record, next.as_ref(), &signatures, &mut deployed));
        if let Err(cause) = done {
            return Err(self.undone(record, cause));
        }
        // The commit: one record, replaced as a whole.
        let uncommitted = record.clone();
        record.pending = None;
        record.adopted.clear();
        record.finishing = entries;
        record.generation = next.map(|next| Generation {
            at: (self.now)(),
            origin: origin.clone(),
            told: next.told,
            owned: wanted.owned,
            private: wanted.private,
            texts: next.texts.keys().cloned().collect(),
            duties: next.duties,
        });
        if let Err(source) = self.records.save(&record) {
            return Err(self.undone(uncommitted, Cause::Record(source)));
        }
        self.records.keep_texts(role, record.generation.as_ref().map(|generation| generation.told));
        if self.finish(role, &record.finishing) && record.generation.is_none() {
            self.forget(role);
        }
        (self.events)(Event::Committed(&deployed));
        Ok(deployed)
    }

    /// Writes down what belongs to a role of which everything is as it should be, where that is another than what is remembered: for an operator's
    /// word, a file that vanished, or bytes that are a secret's by now.
    fn settle(&self, mut record: Record, wanted: Wanted<'_>, stays: bool) -> Result<(), Cause> {
        if !stays {
            self.forget(record.role());
            return Ok(());
        }
        let Some(generation) = &mut record.generation else { return Ok(()) };
        if generation.owned == wanted.owned && generation.private == wanted.private && record.adopted.is_empty() {
            return Ok(());
        }
        generation.owned = wanted.owned;
        generation.private = wanted.private;
        record.adopted.clear();
        self.records.save(&record).map_err(Cause::Record)
    }

    /// Whether every command of the role may run.
    fn permitted(&self, call: Call<'_>, wanted: &Wanted<'_>, next: &Next<'_>) -> Result<(), String> {
        let actions = next.duties.actions.iter().chain(&next.duties.on_remove).flat_map(Action::commands);
        let probes = next.duties.health.iter().filter_map(Health::command);
        let checks = wanted.files.iter().filter_map(|file| file.check.as_ref());
        for line in actions.chain(probes).chain(checks) {
            // The staged file has no place yet: any will do.
            let arguments = self.arguments(call.role, Some(next.told), line, Some("/"))?;
            self.commands.check(&call, line, arguments)?;
        }
        Ok(())
    }

    /// Runs the checks on the staged files.
    fn check(&mut self, call: Call<'_>, wanted: &Wanted<'_>, staged: &Staged) -> Result<(), String> {
        for (index, file) in wanted.files.iter().enumerate() {
            let place = staged.files().get(index).and_then(|file| file.staged.as_ref());
            let (Some(check), Some(place)) = (&file.check, place) else { continue };
            let path = place.display().to_string();
            let arguments = self.arguments(call.role, None, check, Some(&path))?;
            self.commands.run(&call, check, arguments).map_err(|message| format!("{} was refused: {message}", file.dest))?;
        }
        Ok(())
    }

    /// Tells the services, and waits until they are well.
    fn tell(
        &mut self,
        call: Call<'_>,
        record: &mut Record,
        next: Option<&Next<'_>>,
        signatures: &Signatures,
        deployed: &mut Deployed,
    ) -> Result<(), Cause> {
        let former = record.generation.as_ref().map(|former| former.duties.on_remove.clone()).unwrap_or_default();
        let (actions, health, told): (&[Action], &[Health], _) = match next {
            Some(next) => (&next.duties.actions, &next.duties.health, Some(next.told)),
            None => (&former, &[], None),
        };
        if actions.is_empty() && health.is_empty() {
            return Ok(());
        }
        if let Some(pending) = &mut record.pending {
            pending.telling = true;
        }
        self.records.save(record).map_err(Cause::Record)?;
        for action in actions {
            match action {
                Action::IfChanged { directories, .. } if !signatures.changed(directories, self.roots) => continue,
                Action::PeekLog { log, .. } => (self.events)(Event::Log { log }),
                Action::IfChanged { .. } | Action::Run(_) => {}
            }
            for line in action.commands() {
                self.run(call, told, line).map_err(Cause::Command)?;
                deployed.commands += 1;
            }
        }
        if health.is_empty() {
            return Ok(());
        }
        let (records, role) = (self.records, call.role);
        let resolve = |line: &CommandLine| filled(records, role, told, line, None);
        self.commands.healthy(&call, health, &resolve).map_err(Cause::Health)
    }

    fn run(&mut self, call: Call<'_>, told: Option<Digest>, line: &CommandLine) -> Result<(), String> {
        let arguments = self.arguments(call.role, told, line, None)?;
        let output = self.commands.run(&call, line, arguments)?;
        (self.events)(Event::Ran { line, output: &output });
        Ok(())
    }

    fn arguments(&self, role: &RoleName, told: Option<Digest>, line: &CommandLine, staged: Option<&str>) -> Result<Vec<String>, String> {
        filled(self.records, role, told, line, staged)
    }

    /// Puts files back and tells the services what is in force again. An error says what is still to be done; the record says so too.
    fn undo(&mut self, mut record: Record) -> Result<Record, NotUndone> {
        let Some(pending) = record.pending.clone() else { return Ok(record) };
        let undone = self.files.undo(&pending.entries).map_err(|error| NotUndone::Files(Box::new(error)))?;
        let role = record.role().clone();
        for left in undone.left {
            tracing::warn!(%role, path = %left.path.display(), "a file was changed by somebody else meanwhile and stays as it is");
        }
        for path in undone.lost {
            tracing::warn!(%role, path = %path.display(), "the directory below which a file was to be put back is gone, and the file with it");
        }
        let mut failed = None;
        if pending.telling {
            let call = Call { role: &role, origin: &pending.origin };
            let told = record.generation.as_ref().map(|former| former.told);
            for action in &pending.reload.actions {
                for line in action.commands() {
                    let again =
                        self.arguments(&role, told, line, None).and_then(|arguments| self.commands.run_again(&call, line, arguments));
                    match again {
                        Ok(output) => (self.events)(Event::Ran { line, output: &output }),
                        Err(message) if self.commands.is_over() => return Err(NotUndone::Ended(message)),
                        Err(message) => drop(failed.get_or_insert(message)),
                    }
                }
            }
        }
        record.pending = None;
        self.records.save(&record).map_err(NotUndone::Record)?;
        self.records.keep_texts(&role, record.generation.as_ref().map(|former| former.told));
        // Once is enough: the next deployment tells them again, and a service that is broken may never take a word.
        match failed {
            Some(message) => Err(NotUndone::Services(message)),
            None => Ok(record),
        }
    }

    /// Drops what was staged and not begun.
    fn discarded(&mut self, role: &RoleName, entries: &[Entry], cause: Cause) -> TransactionError {
        if let Err(error) = self.files.undo(entries) {
            tracing::warn!(%role, %error, "what was staged could not be cleared away: the next deployment tries again");
        }
        TransactionError::untouched(role, cause)
    }

    /// Undoes what was swapped in. Where the commit could not be written, this goes by the record before it: what is on the disk by then may
    /// be the one or the other.
    fn undone(&mut self, record: Record, cause: Cause) -> TransactionError {
        let (role, text) = (record.role().clone(), cause.to_string());
        (self.events)(Event::Undoing { cause: &text });
        let telling = record.pending.as_ref().filter(|pending| pending.telling);
        let told = telling.is_some_and(|pending| pending.reload.actions.iter().any(|action| !action.commands().is_empty()));
        match self.undo(record) {
            Ok(_) => TransactionError::Undone { role, told, cause: cause.into() },
            Err(undone) => TransactionError::Stuck { role, cause: cause.into(), undone: undone.into() },
        }
    }
}

/// What a role is to be, beside its files.
struct Next<'a> {
    duties: Duties,
    texts: &'a BTreeMap<String, Vec<u8>>,
    told: Digest,
}

#[cfg(test)]
mod tests;
