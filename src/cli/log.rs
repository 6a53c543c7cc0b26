//! `verwalter log`: what was deployed on this machine, when and why, from the deployment log. It reads files only: the node may run or not.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use verwalter_apply::diff::escape;
use verwalter_apply::log::{Entry, Filter, LogReader, Marker, Pointer, Stream, Tail};
use verwalter_core::names::RoleName;

use super::output::{pause, print, say};
use crate::exit::Exit;

/// How often the files are looked at while they are followed.
const POLL: Duration = Duration::from_millis(500);
/// The most entries that are looked through for a role's deployments.
const ENTRIES: usize = 10_000;
/// Most of one deployment's text, in bytes.
const TEXT_BYTES: usize = 1 << 20;

/// The options of `log`.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// The texts of one role: what changed in its files, and what its commands printed [default: a line for each thing that was done]
    #[arg(long, value_parser = RoleName::new)]
    role: Option<RoleName>,
    /// How many deployments of the role, or lines without --role [default: 1, or 50]
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<NonZeroUsize>,
    /// Go on with what comes, until it is interrupted
    #[arg(long, short)]
    follow: bool,
    /// Print the index lines as they are: JSON arrays
    #[arg(long, conflicts_with = "role")]
    json: bool,
    /// Where the node writes its logs
    #[arg(long, value_name = "DIR", default_value = "/var/log/verwalter")]
    log_dir: PathBuf,
}

/// Prints the log.
pub(super) fn run(args: &LogArgs) -> anyhow::Result<Exit> {
    if !args.log_dir.is_dir() {
        anyhow::bail!(
            "there is no log directory {}: name the one of the node with --log-dir (a demo's is DIR/log)",
            args.log_dir.display()
        );
    }
    let reader = LogReader::open(&args.log_dir)?;
    match &args.role {
        Some(role) => texts(&reader, role, args),
        None => entries(&reader, args),
    }
}

fn entries(reader: &LogReader, args: &LogArgs) -> anyhow::Result<Exit> {
    const LINES: usize = 50;
    let shown = |entry: &Entry| if args.json { entry.line() } else { entry.to_string() };
    let mut found = reader.last(&Filter::default(), args.lines.map_or(LINES, NonZeroUsize::get))?;
    if found.entries.is_empty() && !args.follow {
        anyhow::bail!(
            "nothing was deployed yet, or {} is no node's log directory, or another one's: name it with --log-dir (a demo's is DIR/log)",
            args.log_dir.display()
        );
    }
    let mut new = std::mem::take(&mut found.entries);
    loop {
        for entry in &new {
            if !say(shown(entry).trim_end())? {
                return Ok(Exit::Done);
            }
        }
        if !args.follow || !pause(POLL) {
            return Ok(Exit::Done);
        }
        new = reader.follow(&mut found.tail, &Filter::default())?;
    }
}

fn texts(reader: &LogReader, role: &RoleName, args: &LogArgs) -> anyhow::Result<Exit> {
    // Before the past is printed: nothing that comes meanwhile is left out.
    let mut tail: Tail = reader.end(Stream::Role(role.clone()))?;
    let found = reader.last(&Filter { role: Some(role.clone()), ..Filter::default() }, ENTRIES)?;
    let begun: Vec<&Pointer> = found.entries.iter().filter(|entry| entry.marker == Marker::RoleStart).map(|entry| &entry.pointer).collect();
    if begun.is_empty() {
        if !args.follow {
            anyhow::bail!(
                "nothing was done to the role {role} yet, or {} is no node's log directory, or another one's: name it with --log-dir (a demo's is DIR/log)",
                args.log_dir.display()
            );
        }
        // It may be misspelt.
        eprintln!("nothing was done to the role {role} yet; waiting");
    }
    let first = begun.len().saturating_sub(args.lines.map_or(1, NonZeroUsize::get));
    for (index, pointer) in begun.iter().enumerate().skip(first) {
        let text = reader.text(pointer, end(pointer, begun.get(index + 1).copied()), TEXT_BYTES)?;
        if !show(&text.text)? {
            return Ok(Exit::Done);
        }
        if text.left_out > 0 {
            print(format!("… {} bytes left out: see {}", text.left_out, args.log_dir.join(role.as_str()).display()))?;
        }
    }
    if !args.follow {
        return Ok(Exit::Done);
    }
    loop {
        let lines = reader.read(&mut tail)?;
        if !show(&String::from_utf8_lossy(&lines))? || (lines.is_empty() && !pause(POLL)) {
            return Ok(Exit::Done);
        }
    }
}

/// Where the next deployment begins in the same file.
fn end(pointer: &Pointer, next: Option<&Pointer>) -> Option<u64> {
    match (pointer, next?) {
        (Pointer::Role(_, segment, _), Pointer::Role(_, other, offset)) if segment == other => Some(*offset),
        _ => None,
    }
}

/// Prints a text. `false`: whoever reads has gone away.
fn show(text: &str) -> anyhow::Result<bool> {
    for line in text.lines() {
        if !say(escape(line))? {
            return Ok(false);
        }
    }
    Ok(true)
}
