//! The child's side: confined first, then one request after the other until the end of the input. It starts nothing and keeps nothing
//! between requests.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use verwalter_core::names::RoleName;

use super::restrict::{Confinement, restrict};
use super::wire::{self, Reply, Request, Setup, WireFormer};
use crate::files::{self, Direct, Entry, Steps};
use crate::{ApplyError, Roots};

/// Why the child cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The other side is no daemon of this version, or it ended in the middle of a request.
    #[error("what came over the standard input is no request of this program's daemon: start it through the daemon only")]
    Conversation(#[source] io::Error),
    /// The kernel does not let it give up its privileges.
    #[error("the process cannot be confined: {0}")]
    Confine(String),
}

/// Serves the daemon over standard input and output, and returns when it ends. The caller must have started no thread before.
pub fn serve() -> Result<(), ServeError> {
    serve_with(&Direct)
}

/// [`serve`], with a hook before every step.
pub fn serve_with(steps: &dyn Steps) -> Result<(), ServeError> {
    converse(&mut io::stdin().lock(), &mut io::BufWriter::new(io::stdout().lock()), &restrict, steps)
}

/// Confines a process to these roots.
type Confine<'a> = &'a dyn Fn(&[PathBuf]) -> Result<Confinement, String>;

/// One conversation, from the setup to the end of the input.
pub(super) fn converse(from: &mut dyn Read, to: &mut dyn Write, confine: Confine<'_>, steps: &dyn Steps) -> Result<(), ServeError> {
    let ended = || ServeError::Conversation(io::ErrorKind::UnexpectedEof.into());
    let (setup, _) = wire::read_frame::<Setup>(from).map_err(ServeError::Conversation)?.ok_or_else(ended)?;
    if setup.version != wire::VERSION {
        return Err(ServeError::Conversation(wire::malformed("the daemon is of another version: restart it")));
    }
    let roots = Roots { output: setup.output, writes: setup.writes };
    if !roots.output.exists() {
        // What is wrong with it is told with the first role.
        let _ = Dir::create_ambient_dir_all(&roots.output, ambient_authority());
    }
    let confinement = confine(&all(&roots)).map_err(ServeError::Confine)?;
    wire::write_frame(to, &confinement, &[]).map_err(ServeError::Conversation)?;
    while let Some((request, body)) = wire::read_frame::<Request>(from).map_err(ServeError::Conversation)? {
        let (reply, body) = answer(request, &body, &roots, steps).map_err(ServeError::Conversation)?;
        wire::write_frame(to, &reply, &body).map_err(ServeError::Conversation)?;
    }
    Ok(())
}

fn all(roots: &Roots) -> Vec<PathBuf> {
    roots.writes.iter().chain([&roots.output]).cloned().collect()
}

fn answer(request: Request, body: &[u8], roots: &Roots, steps: &dyn Steps) -> io::Result<(Reply, Vec<u8>)> {
    let mut bytes = Vec::new();
    let done = match request {
        Request::Stage { role, changes } => {
            let changes = joined(changes, body)?;
            files::stage(&role, &changes, roots, steps).map(|mut staged| {
                // From here on the daemon answers for it.
                staged.disown();
                Reply::Staged(staged)
            })
        }
        Request::Preview { role, changes } => files::preview(&role, &joined(changes, body)?, roots).map(Reply::Previewed),
        Request::Swap { entries } => inside(&entries, roots).and_then(|()| files::swap(&entries, steps)).map(Reply::Swapped),
        Request::Undo { entries } => inside(&entries, roots).and_then(|()| files::undo(&entries, steps)).map(Reply::Undone),
        Request::Finish { entries } => inside(&entries, roots).and_then(|()| files::finish(&entries, steps)).map(|()| Reply::Finished),
        Request::Former { role, file, limit } => {
            let read = is_root(&file.root, roots, &role, &file.path).and_then(|()| {
                let read = file.former(limit.min(wire::MAX_BODY_BYTES as u64));
                read.map_err(|source| ApplyError::Io { role, path: file.path.clone(), source })
            });
            read.map(|former| {
                Reply::Former(former.map(|former| {
                    bytes = former.bytes;
                    WireFormer { len: former.len, mode: former.mode }
                }))
            })
        }
        Request::Identify { role, dests, known } => files::identify(&role, &dests, &known, roots).map(Reply::Identified),
        Request::Sweep => Ok(Reply::Swept(files::sweep(roots)?)),
    };
    Ok((done.unwrap_or_else(Reply::Refused), bytes))
}

fn joined(changes: Vec<wire::WireChange>, body: &[u8]) -> io::Result<Vec<files::Change>> {
    wire::join(changes, body).ok_or_else(|| wire::malformed("the body has not the length of the files"))
}

/// Where the kernel has no Landlock, this is what keeps an entry below the roots.
fn inside(entries: &[Entry], roots: &Roots) -> Result<(), ApplyError> {
    entries.iter().try_for_each(|entry| is_root(entry.root(), roots, entry.role(), &entry.path()))
}

fn is_root(root: &Path, roots: &Roots, role: &RoleName, path: &Path) -> Result<(), ApplyError> {
    if *root == roots.output || roots.writes.iter().any(|other| other == root) {
        return Ok(());
    }
    Err(ApplyError::Outside { role: role.clone(), path: path.to_owned() })
}
