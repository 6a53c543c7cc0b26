//! What a deployment of a role would do, found out without doing any of it: no file is written, no command runs, no record changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use verwalter_core::names::RoleName;

use super::changes::{self, Wanted};
use super::told::told;
use super::{Call, Cause, Next, TransactionError, Transactor};
use crate::ApplyError;
use crate::files::{Fate, Former, StagedFile};
use crate::record::{Generation, Origin, Record};
use crate::role::{Action, CommandLine, Health, RenderedRole};
use verwalter_core::digest::Digest;

/// The permission bit that lets everybody read a file.
const OTHERS_READ: u32 = 0o004;

/// What would be done for a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// The role's files in the order in which they were rendered, then those that would go.
    pub files: Vec<PlannedFile>,
    /// The commands that would run, in this order.
    pub commands: Vec<PlannedCommand>,
    /// What would have to be seen then.
    pub health: Vec<Health>,
    /// Over what commands and health checks are told, secrets included, with a key of this node.
    pub told: Option<Digest>,
    /// What is remembered of the role changes: what is done when it leaves, its health checks, or which files are its own.
    pub remembers: bool,
    /// A crash left a transaction that is undone first: what is in place now is not what the deployment would meet.
    pub interrupted: bool,
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Where it lies, and what would become of it.
    pub file: StagedFile,
    /// Which of the rendered files it is; `None` for one that the role has no longer.
    pub rendered: Option<usize>,
    /// What is in place, as far as it may be read; only for files that would change.
    pub former: Option<Former>,
    /// What is in place is not for everybody: a secret was printed into it, or would be, or its mode keeps others from reading it.
    pub private: bool,
}

/// One command of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCommand {
    /// When it would run.
    pub when: When,
    /// What would run.
    pub line: CommandLine,
}

/// When a command of a plan would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// On the new file that waits for its place here; what fails refuses the deployment.
    Check(PathBuf),
    /// Once all files are in place.
    After,
    /// Then, since a file below one of its directories changes.
    Changed,
    /// Then, if an earlier command changes something below these directories: no file of the role does.
    IfChanged(Vec<PathBuf>),
    /// Once the role's files are gone.
    Removed,
}

impl Planned {
    /// Whether nothing would be done.
    pub fn is_idle(&self) -> bool {
        !self.remembers && self.commands.is_empty() && self.files.iter().all(|planned| is_idle(planned.file.fate))
    }
}

fn is_idle(fate: Fate) -> bool {
    matches!(fate, Fate::Unchanged | Fate::Gone)
}

impl Transactor<'_> {
    /// What [`Transactor::deploy`] would do. Of what is in place at most `limit` bytes a file are read.
    ///
    /// # Errors
    /// What it would fail with before anything was done.
    pub fn plan(&mut self, role: &RoleName, rendered: &RenderedRole, origin: &Origin, limit: u64) -> Result<Planned, TransactionError> {
        let record = self.records.load(role).map_err(|source| TransactionError::untouched(role, Cause::Record(source)))?;
        let untouched = |source: ApplyError| TransactionError::untouched(role, Cause::Files(source.into()));
        crate::check_formats(role, &rendered.files).map_err(untouched)?;
        let told = told(self.records, rendered);
        let wanted = changes::wanted(role, rendered, &record, self.roots, self.others).map_err(untouched)?;
        let next = Next { duties: rendered.duties.clone(), texts: &rendered.arguments, told };
        let call = Call { role, origin };
        let permitted = self.permitted(call, &wanted, &next);
        permitted.map_err(|message| TransactionError::untouched(role, Cause::Command(message)))?;
        let files = self.looked_at(role, &record, &wanted, limit)?;
        let new_words = record.generation.as_ref().is_none_or(|former| former.told != told);
        let same = |former: &Generation| !new_words && former.owned == wanted.owned && former.private == wanted.private;
        let remembers = !record.adopted.is_empty() || !record.generation.as_ref().is_some_and(same);
        let mut planned = Planned { files, told: Some(told), remembers, interrupted: record.pending.is_some(), ..Planned::default() };
        if !new_words && planned.files.iter().all(|looked| is_idle(looked.file.fate)) {
            return Ok(planned);
        }
        let changed = changed(&planned.files);
        let mut commands = Vec::new();
        for (file, looked) in wanted.files.iter().zip(&planned.files) {
            if let (Some(check), Fate::Create | Fate::Replace) = (&file.check, looked.file.fate) {
                commands.push(PlannedCommand { when: When::Check(looked.file.path.clone()), line: check.clone() });
            }
        }
        for action in &rendered.duties.actions {
            let when = self.when(action, &changed);
            commands.extend(action.commands().iter().map(|line| PlannedCommand { when: when.clone(), line: line.clone() }));
        }
        planned.commands = commands;
        planned.health.clone_from(&rendered.duties.health);
        Ok(planned)
    }

    /// What [`Transactor::remove`] would do.
    ///
    /// # Errors
    /// As for [`Transactor::plan`].
    pub fn plan_removal(&mut self, role: &RoleName, limit: u64) -> Result<Planned, TransactionError> {
        let record = self.records.load(role).map_err(|source| TransactionError::untouched(role, Cause::Record(source)))?;
        let interrupted = record.pending.is_some();
        let wanted = changes::none(&record);
        let files = self.looked_at(role, &record, &wanted, limit)?;
        let lines = record.generation.iter().flat_map(|former| &former.duties.on_remove).flat_map(Action::commands);
        let commands = lines.map(|line| PlannedCommand { when: When::Removed, line: line.clone() }).collect();
        let remembers = record.generation.is_some() || !record.adopted.is_empty();
        Ok(Planned { files, commands, remembers, interrupted, ..Planned::default() })
    }

    fn looked_at(
        &mut self,
        role: &RoleName,
        record: &Record,
        wanted: &Wanted<'_>,
        limit: u64,
    ) -> Result<Vec<PlannedFile>, TransactionError> {
        let untouched = |source: ApplyError| TransactionError::untouched(role, Cause::Files(source.into()));
        let found = self.files.preview(role, &wanted.changes).map_err(untouched)?;
        let mut files = Vec::with_capacity(found.len());
        for (index, file) in found.into_iter().enumerate().filter(|(_, file)| !wanted.stays_strange(file)) {
            let rendered = (index < wanted.files.len()).then_some(index);
            let reads = matches!(file.fate, Fate::Replace | Fate::Remove);
            let former = if reads { self.files.former(role, &file, limit).map_err(untouched)? } else { None };
            let private = |generation: &Generation| generation.private.contains(&file.path);
            let private = rendered.is_some_and(|index| wanted.files[index].private) || record.generation.as_ref().is_some_and(private);
            // A plan is shown to whoever asks the node, which may read more than they.
            let private = private || former.as_ref().is_some_and(|former| former.mode & OTHERS_READ == 0);
            files.push(PlannedFile { file, rendered, former, private });
        }
        Ok(files)
    }

    fn when(&self, action: &Action, changed: &BTreeSet<&Path>) -> When {
        let Action::IfChanged { directories, .. } = action else { return When::After };
        let below = |directory: &PathBuf| {
            let directory = self.roots.output.join(directory);
            changed.iter().any(|path| path.starts_with(&directory))
        };
        if directories.iter().any(below) { When::Changed } else { When::IfChanged(directories.clone()) }
    }
}

/// The files that would be other ones.
fn changed(files: &[PlannedFile]) -> BTreeSet<&Path> {
    let files = files.iter().map(|planned| &planned.file);
    files.filter(|file| matches!(file.fate, Fate::Create | Fate::Replace | Fate::Remove)).map(|file| file.path.as_path()).collect()
}
