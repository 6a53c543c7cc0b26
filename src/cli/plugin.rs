//! `verwalter plugin …`: looking at plugins.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;
use verwalter_core::digest::Digest;

use super::print;
use crate::exit::Exit;
use crate::plugin::inspect::inspect;

/// The options of `plugin`.
#[derive(Debug, Args)]
pub struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Say what a file is: kind, ABI, imports, exports, size, digest; runs nothing
    Inspect {
        /// The plugin
        file: PathBuf,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Does what the subcommand says.
pub fn run(args: PluginArgs) -> anyhow::Result<Exit> {
    let PluginCommand::Inspect { file, json } = args.command;
    let wasm = read(&file)?;
    let digest = Digest::of(&wasm);
    let found = inspect(&wasm).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
    if json {
        let inspection = json!({
            "file": file, "kinds": found.kinds, "abi": found.abi, "size_bytes": wasm.len(), "digest": digest,
            "imports": found.imports, "exports": found.exports,
        });
        print(inspection)?;
        return Ok(Exit::Done);
    }
    let kinds: Vec<String> = found.kinds.iter().map(ToString::to_string).collect();
    print(format_args!("kind     {}", kinds.join(", ")))?;
    print(format_args!("abi      {}", found.abi))?;
    print(format_args!("size     {} bytes", wasm.len()))?;
    print(format_args!("digest   {digest}"))?;
    list("imports", &found.imports)?;
    list("exports", &found.exports)?;
    Ok(Exit::Done)
}

fn list(title: &str, names: &[String]) -> anyhow::Result<()> {
    if names.is_empty() {
        print(format_args!("{title:<8} none"))?;
    }
    for (index, name) in names.iter().enumerate() {
        print(format_args!("{:<8} {}", if index == 0 { title } else { "" }, name.escape_debug()))?;
    }
    Ok(())
}

/// A plugin's bytes, for tools.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let size = std::fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?;
    anyhow::ensure!(size.is_file(), "{} is no file", file.display());
    anyhow::ensure!(size.len() <= crate::plugin::inspect::MAX_WASM_BYTES, "{} is larger than any plugin may be (256 MiB)", file.display());
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}
