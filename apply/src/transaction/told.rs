//! What commands are told: which ones run when, and the texts and paths among their arguments.

use sha2::{Digest as _, Sha256};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

use crate::record::{Record, Records};
use crate::role::{Action, CommandLine, Duties, RenderedRole};

/// Over all that commands are told: what they are, and the texts that they are given as files.
pub(super) fn told(records: &Records, rendered: &RenderedRole) -> Digest {
    let duties = serde_json::to_vec(&rendered.duties).unwrap_or_default();
    let mut hash = Sha256::new();
    // The texts lie in a directory that is named by it, and commands are told its path: no secret in them may be guessed from that.
    hash.update(records.key());
    hash.update((duties.len() as u64).to_le_bytes());
    hash.update(&duties);
    for (name, bytes) in &rendered.arguments {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Digest::from_bytes(hash.finalize().into())
}

/// What tells services that the former files are back: the commands in force; before the first commit those that are tried, but for
/// those that would be told of the very texts that failed.
pub(super) fn reload(record: &Record, tried: Option<&Duties>) -> Duties {
    let actions = match (&record.generation, tried) {
        (Some(former), _) => former.duties.actions.clone(),
        (None, Some(tried)) => tried.actions.iter().filter_map(without_texts).collect(),
        (None, None) => Vec::new(),
    };
    Duties { actions, ..Duties::default() }
}

fn without_texts(action: &Action) -> Option<Action> {
    match action {
        Action::Run(line) => (!line.takes_texts()).then(|| action.clone()),
        Action::IfChanged { directories, commands } => {
            let commands = commands.iter().filter(|line| !line.takes_texts()).cloned().collect();
            Some(Action::IfChanged { directories: directories.clone(), commands })
        }
        Action::PeekLog { .. } => None,
    }
}

/// A command's arguments with the paths in them.
pub(super) fn filled(
    records: &Records,
    role: &RoleName,
    told: Option<Digest>,
    line: &CommandLine,
    staged: Option<&str>,
) -> Result<Vec<String>, String> {
    let text = |name: &str| Some(records.text(role, told?, name).display().to_string());
    let filled = line.arguments.iter().map(|argument| argument.fill(text, staged));
    filled.collect::<Option<Vec<String>>>().ok_or_else(|| format!("{}: a rendered text is named where none is kept", line.source))
}
