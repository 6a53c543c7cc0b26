//! `verwalter plugin torture`: hostile plugins against an operator's own limits, without a daemon. Nothing of them is kept.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::print;
use crate::cli::scratch::Scratch;
use crate::exit::Exit;
use crate::plugin::manifest::Manifest;
use crate::plugin::torture::kit::{CACHE_BYTES, Kit, Row, Summary};
use crate::plugin::{Activator, Compiler};

/// Characters of a message in its line: a guest chose some of them.
const MESSAGE_CHARS: usize = 240;

/// The options of `plugin torture`.
#[derive(Debug, Args)]
pub struct TortureArgs {
    /// The manifest whose limits the guests run under [default: the defaults of each kind]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Run one guest, by the name that is printed
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Print a JSON object a line: the guests, then a summary
    #[arg(long)]
    json: bool,
}

/// Runs the guests; status 0: each was held by what must hold it.
pub fn run(args: &TortureArgs) -> anyhow::Result<Exit> {
    let manifest = args.manifest.as_deref().map(Manifest::read).transpose().map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let dir = Scratch::new()?;
    let activator = Activator::without_storage(&dir.path().join("cache"), Compiler::default(), CACHE_BYTES)?;
    let kit = Kit::new(&activator, dir.path(), manifest.as_ref())?;
    let mut printed = Ok(());
    let summary = kit.run(args.only.as_deref(), &mut |row| {
        let line = if args.json { json!({ "guest": row }).to_string() } else { line(row) };
        if printed.is_ok() {
            printed = print(line);
        }
    })?;
    printed?;
    if args.json {
        print(json!({ "summary": summary }))?;
    } else {
        print(closing(&summary))?;
    }
    Ok(if summary.not_held.is_empty() { Exit::Done } else { Exit::Failed })
}

fn line(row: &Row) -> String {
    let grew = row.grew_bytes.filter(|_| row.outgrew());
    let grew =
        grew.map_or(String::new(), |bytes| format!(" TOOK {} KiB OF MEMORY, {} KiB ARE ITS LIMIT", bytes >> 10, row.may_grow_bytes >> 10));
    let verdict = match (row.expected, row.sound_after, row.stopped_by.as_str()) {
        (true, true, "nothing") => "harmless".to_owned(),
        (true, true, by) => format!("stopped by {by}"),
        (_, false, _) => "HARMED OTHERS".to_owned(),
        (false, _, "nothing") => "GOT THROUGH".to_owned(),
        (false, _, by) => format!("UNEXPECTED: {by}"),
    };
    let lowered: Vec<String> = row.lowered.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let lowered = if lowered.is_empty() { String::new() } else { format!(" (here {})", lowered.join(", ")) };
    let message: String = row.message.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS).collect();
    format!("{:<34} {:>6} ms  {verdict}{grew}: {}{lowered}: {message}", row.name, row.elapsed_ms, row.tries)
}

fn closing(summary: &Summary) -> String {
    let grew = match summary.grew_bytes {
        Some(bytes) => format!("this process has {} KiB more memory than before", bytes >> 10),
        None => "how much memory this process has is not known here".to_owned(),
    };
    let seconds = summary.elapsed_ms as f64 / 1000.0;
    let held = summary.guests - summary.not_held.len();
    let wrong = if summary.not_held.is_empty() { String::new() } else { format!("; not held: {}", summary.not_held.join(", ")) };
    format!("{held} of {} guests held in {seconds:.1} s; {grew}{wrong}", summary.guests)
}
