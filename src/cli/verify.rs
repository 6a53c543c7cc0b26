//! `verwalter verify`: recorded rounds decided again, without a daemon, to see that the same bytes come of it for the same fuel.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::print;
use crate::cli::scratch::Scratch;
use crate::exit::Exit;
use crate::journal::reader::{Reader, Stored};
use crate::journal::record::Record;
use crate::journal::verify::{Builds, Verified, verify};
use crate::plugin::{Activator, Compiler};

/// Compiled code in the cache directory of this tool: a handful of plugins.
const CACHE_BYTES: u64 = 256 << 20;

/// Where rounds are recorded.
#[derive(Debug, Args)]
pub struct Recorded {
    /// The storage directory of the daemon that recorded
    #[arg(long, value_name = "DIR", default_value = "/var/lib/verwalter")]
    storage_dir: PathBuf,
}

/// The options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    recorded: Recorded,
    /// A directory to look for builds that the storage directory does not keep any more
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// How many rounds, the newest first [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    last: Option<u64>,
    /// Print a JSON object a round
    #[arg(long)]
    json: bool,
}

impl Recorded {
    pub(super) fn reader(&self) -> anyhow::Result<Reader> {
        let dir = self.storage_dir.join(crate::journal::DIRECTORY);
        anyhow::ensure!(
            dir.is_dir(),
            "no rounds are recorded below {}: name the daemon's storage directory with --storage-dir (a demo's is DIR/var)",
            self.storage_dir.display()
        );
        Ok(Reader::open(&dir)?)
    }
}

/// Plugins are compiled into a directory that goes with the tool.
pub(super) fn sandbox() -> anyhow::Result<(Scratch, Activator)> {
    let cache = Scratch::new()?;
    let activator = Activator::without_storage(cache.path(), Compiler::default(), CACHE_BYTES)?;
    Ok((cache, activator))
}

/// What came of it so far.
#[derive(Default)]
struct Tally {
    rounds: u64,
    same: u64,
    same_bytes: u64,
    differing: u64,
    skipped: u64,
    damaged: u64,
}

impl Tally {
    fn count(&mut self, verified: &Verified) {
        *match verified {
            Verified::Same { .. } => &mut self.same,
            Verified::SameBytes(_) => &mut self.same_bytes,
            Verified::Differs(_) => &mut self.differing,
            Verified::Skipped(_) => &mut self.skipped,
        } += 1;
    }

    /// All in one line.
    fn summary(&self, asked: Option<u64>) -> String {
        let Tally { rounds, same, same_bytes, differing, skipped, damaged } = self;
        let mut text = format!("{rounds} round{}", if *rounds == 1 { "" } else { "s" });
        if let Some(asked) = asked.filter(|asked| asked > rounds) {
            text.push_str(&format!(", fewer than the {asked} asked for"));
        }
        text.push_str(&format!(": {same} calls gave the same bytes for the same fuel"));
        if *same_bytes > 0 {
            text.push_str(&format!(", {same_bytes} the same bytes for a fuel that does not compare"));
        }
        text.push_str(&format!(", {differing} differ, {skipped} not compared"));
        if *damaged > 0 {
            text.push_str(&format!(", {damaged} damaged places in the journal"));
        }
        text
    }

    /// Good only if nothing speaks against it and something for it.
    fn exit(&self) -> Exit {
        let compared = self.same + self.same_bytes > 0 || self.skipped == 0;
        if self.differing == 0 && self.damaged == 0 && compared { Exit::Done } else { Exit::Failed }
    }
}

/// Decides recorded rounds again, and says where another answer comes of it.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let storage_dir = &args.recorded.storage_dir;
    let reader = args.recorded.reader()?;
    let (_cache, activator) = sandbox()?;
    let mut builds = Builds::new(&activator, storage_dir, args.plugins_dir.as_deref());
    let mut tally = Tally::default();
    let last = args.last.map_or(usize::MAX, |last| usize::try_from(last).unwrap_or(usize::MAX));
    for stored in reader.last(last) {
        let record = match stored.map_err(|gap| gap.to_string()).and_then(|stored| taken_apart(&stored)) {
            Ok(record) => record,
            Err(why) => {
                tally.damaged += 1;
                eprintln!("verwalter: {why}");
                continue;
            }
        };
        tally.rounds += 1;
        let results = verify(&record, &mut builds);
        for (_, verified) in &results {
            tally.count(verified);
        }
        if args.json {
            print(as_json(&record, &results))?;
        } else {
            show(&record, &results)?;
        }
    }
    anyhow::ensure!(
        tally.rounds + tally.damaged > 0,
        "no round is recorded yet below {}: a daemon records those that change or fail, and all with `journal: {{ rounds: all }}`",
        storage_dir.display()
    );
    eprintln!("{}", tally.summary(args.last));
    Ok(tally.exit())
}

/// A record, or what is wrong with it.
pub(super) fn taken_apart(stored: &Stored) -> Result<Record, String> {
    stored.record().map_err(|err| format!("record {}: {}", stored.sequence, crate::telemetry::chain(&err)))
}

fn show(record: &Record, results: &[(String, Verified)]) -> anyhow::Result<()> {
    let name = format!("round {} of term {}", record.about.round.0, record.about.term.counter);
    if results.is_empty() {
        print(format_args!("{name}: no plugin was asked"))?;
    }
    for (plugin, verified) in results {
        match verified {
            Verified::Same { fuel } => print(format_args!("{name}: {plugin}: same bytes, same fuel ({fuel})"))?,
            Verified::SameBytes(why) => print(format_args!("{name}: {plugin}: same bytes, fuel not compared: {why}"))?,
            Verified::Differs(what) => print(format_args!("{name}: {plugin}: DIFFERS: {what}"))?,
            Verified::Skipped(why) => print(format_args!("{name}: {plugin}: not compared: {why}"))?,
        }
    }
    Ok(())
}

fn as_json(record: &Record, results: &[(String, Verified)]) -> Value {
    let calls: Vec<Value> = results
        .iter()
        .map(|(plugin, verified)| match verified {
            Verified::Same { fuel } => json!({ "plugin": plugin, "verified": "same", "fuel": fuel }),
            Verified::SameBytes(why) => json!({ "plugin": plugin, "verified": "same-bytes", "why": why }),
            Verified::Differs(what) => json!({ "plugin": plugin, "verified": "differs", "difference": what }),
            Verified::Skipped(why) => json!({ "plugin": plugin, "verified": "skipped", "why": why }),
        })
        .collect();
    json!({ "round": record.about.round, "term": record.about.term.counter, "at": record.about.at, "calls": calls })
}
