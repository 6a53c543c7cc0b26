//! `verwalter plugin …`: making plugins, looking at them, as files and on a running node, and ordering what becomes of them.

mod assemble;
mod bench;
mod build;
mod embedded;
mod new;
mod order;
mod project;
mod reading;
mod recipe;
mod shadow;
mod status;
mod subject;
mod test;

pub mod torture;

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
    /// Write the source of a new plugin: a project that builds as it is
    New(new::NewArgs),
    /// Build the plugin of a project and see whether a node would take it
    Build(build::BuildArgs),
    /// Ask a plugin its golden cases, and check what every plugin should hold
    Test(test::TestArgs),
    /// Measure what a plugin's calls cost in made-up clusters, and compare with what they cost before
    Bench(bench::BenchArgs),
    /// Translate WebAssembly text
    Assemble(assemble::AssembleArgs),
    /// Say what a file is: kind, ABI, imports, exports, size, digest; runs nothing
    Inspect {
        /// The plugin
        file: PathBuf,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say what a running node does with its plugins
    Status(status::StatusArgs),
    /// Put a former build of a plugin in force again
    Rollback(order::RollbackArgs),
    /// Lift the quarantine of a plugin's builds
    Release(order::OrderArgs),
    /// Let the guards pass a plugin's next decision, once
    Allow(order::OrderArgs),
    /// Show what a plugin in shadow mode would have decided otherwise
    Shadow(shadow::ShadowArgs),
    /// Run hostile plugins against the limits of a manifest and say what stopped each
    Torture(torture::TortureArgs),
}

/// Does what the subcommand says.
pub fn run(args: PluginArgs) -> anyhow::Result<Exit> {
    match args.command {
        PluginCommand::New(args) => new::run(args),
        PluginCommand::Build(args) => build::run(&args),
        PluginCommand::Assemble(args) => assemble::run(&args),
        PluginCommand::Inspect { file, json } => inspect_file(&file, json),
        PluginCommand::Test(args) => test::run(&args),
        PluginCommand::Bench(args) => bench::run(&args),
        PluginCommand::Status(args) => status::run(&args),
        PluginCommand::Rollback(args) => order::rollback(&args),
        PluginCommand::Release(args) => order::release(&args),
        PluginCommand::Allow(args) => order::allow(&args),
        PluginCommand::Shadow(args) => shadow::run(&args),
        PluginCommand::Torture(args) => torture::run(&args),
    }
}

fn inspect_file(file: &Path, json: bool) -> anyhow::Result<Exit> {
    let wasm = read(file)?;
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
