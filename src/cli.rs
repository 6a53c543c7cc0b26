//! The command line: what each command takes, and where it is done.

pub mod check;
pub mod demo;
mod log;
pub mod metrics;
pub mod node;
mod output;
mod pager;
mod plan;
pub mod plugin;
pub mod replay;
pub mod role;
pub mod run;
pub mod schedule;
mod scratch;
pub mod simulate;
pub mod verify;
pub mod why;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::output::print;
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
    /// Make up clusters to try a plugin on
    Simulate(simulate::SimulateArgs),
    /// Make plugins, look at them and order what becomes of them
    Plugin(plugin::PluginArgs),
    /// Look at the figures of a machine: an hour of them, as its node keeps it
    Metrics(metrics::MetricsArgs),
    /// Show what a node would do to its files and services
    Plan(plan::PlanArgs),
    /// Have a node do what a plan says, if it still says the same
    Apply(plan::ApplyArgs),
    /// Show what was deployed on this machine, when and why
    Log(log::LogArgs),
    /// Look at what belongs to which role on a machine, and say what does
    Role(role::RoleArgs),
    /// Say why a role stands on a node
    Why(why::WhyArgs),
    /// Decide recorded rounds again and see that the same bytes come of it for the same fuel
    Verify(verify::VerifyArgs),
    /// Show what a recorded round changed, or what another build would have placed in it
    Replay(replay::ReplayArgs),
    /// The child that puts files in place for a node
    #[command(name = crate::deploy::FILES_SUBCOMMAND, hide = true)]
    Files,
    /// The child that looks after a command
    #[command(name = verwalter_apply::command::SUBCOMMAND, hide = true)]
    Supervise,
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

/// Where to listen. Names are not looked up: which of several addresses is meant would be a guess.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, as in 127.0.0.1:8379")
}

/// What a child of the daemon came to. Its parent reads the line.
fn child<E: std::error::Error>(ended: Result<(), E>) -> anyhow::Result<Exit> {
    Ok(match ended {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("{}", crate::telemetry::chain(&error));
            Exit::Failed
        }
    })
}

impl Cli {
    /// Does what the command line says. Errors are for `main` to print.
    pub fn execute(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Run(args) => run::run(args),
            Command::Demo(args) => demo::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Schedule(args) => schedule::run(&args),
            Command::Simulate(args) => simulate::run(&args),
            Command::Plugin(args) => plugin::run(args),
            Command::Metrics(args) => metrics::run(&args),
            Command::Plan(args) => plan::run(&args),
            Command::Apply(args) => plan::apply(&args),
            Command::Log(args) => log::run(&args),
            Command::Role(args) => role::run(&args),
            Command::Why(args) => why::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Replay(args) => replay::run(&args),
            Command::Files => child(verwalter_apply::confine::serve()),
            Command::Supervise => child(verwalter_apply::command::supervise()),
            Command::CompilePlugin { abi, seconds, memory_bytes } => Ok(crate::plugin::compile::child(&abi, seconds, memory_bytes)),
        }
    }
}
