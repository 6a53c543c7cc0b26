//! The command line: what each command takes, and where it is done.

pub mod check;
pub mod demo;
pub mod node;
pub mod plugin;
pub mod replay;
pub mod run;
pub mod schedule;
pub mod verify;
pub mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::Exit;

/// Cluster orchestrator whose schedulers are WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "verwalter", version = crate::status::VERSION, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node
    Run(run::RunArgs),
    /// Write a sample configuration tree and run one node on it
    Demo(demo::DemoArgs),
    /// Read a whole configuration tree and report everything that is wrong with it
    Check(check::CheckArgs),
    /// Run one decision of a scheduler plugin on an input document, without a daemon
    Schedule(schedule::ScheduleArgs),
    /// Make plugins, look at them and order what becomes of them
    Plugin(plugin::PluginArgs),
    /// Say why a role stands on a node
    Why(why::WhyArgs),
    /// Decide recorded rounds again and see that the same bytes come of it for the same fuel
    Verify(verify::VerifyArgs),
    /// Show what a recorded round changed, or what another build would have placed in it
    Replay(replay::ReplayArgs),
    /// The compiling child: plugin on standard input, machine code on standard output
    #[command(name = crate::plugin::compile::SUBCOMMAND, hide = true)]
    CompilePlugin {
        /// `component` or `core`
        abi: String,
        /// Processor time that it may take
        #[arg(long)]
        seconds: u64,
        /// Memory that it may take
        #[arg(long)]
        memory_bytes: u64,
    },
}

/// Where the tree is.
#[derive(Debug, Clone, Args)]
pub struct ConfigDir {
    /// The configuration tree
    #[arg(long, value_name = "DIR", default_value = "/etc/verwalter")]
    pub config_dir: PathBuf,
}

/// Prints a line. A reader that went away (`| head`) is no failure: it has what it wanted.
fn print(line: impl std::fmt::Display) -> anyhow::Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(err) if err.kind() != std::io::ErrorKind::BrokenPipe => Err(err.into()),
        _ => Ok(()),
    }
}

impl Cli {
    /// Does what the command line says. Errors are for `main` to print.
    pub fn execute(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Run(args) => run::run(args),
            Command::Demo(args) => demo::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Schedule(args) => schedule::run(&args),
            Command::Plugin(args) => plugin::run(args),
            Command::Why(args) => why::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Replay(args) => replay::run(&args),
            Command::CompilePlugin { abi, seconds, memory_bytes } => Ok(crate::plugin::compile::child(&abi, seconds, memory_bytes)),
        }
    }
}
