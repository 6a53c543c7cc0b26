//! `verwalter run`: one node, until SIGTERM or SIGINT.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;
use verwalter_core::plain::plain_lines;

use super::ConfigDir;
use crate::app::{App, Identity, Options, StartError};
use crate::config::settings::{self, LogFormat};
use crate::exit::Exit;
use crate::shutdown::{OnHangup, Signals};
use crate::telemetry;

/// The options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    config: ConfigDir,
    /// State that outlives a restart
    #[arg(long, value_name = "DIR", default_value = "/var/lib/verwalter")]
    storage_dir: PathBuf,
    /// Deployment logs; must belong to verwalter alone
    #[arg(long, value_name = "DIR", default_value = "/var/log/verwalter")]
    log_dir: PathBuf,
    /// This node's key in the schedule [default: the machine's hostname, lower-case]
    #[arg(long, value_name = "NAME")]
    hostname: Option<Hostname>,
    /// This node's name in links, usually its full domain name [default: the hostname]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where the API listens [default: 127.0.0.1:8379, or `listen` in verwalter.yaml]
    #[arg(long, value_parser = super::address, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The address alone, as verwalter 0.13 took it
    #[arg(long, value_name = "IP", conflicts_with = "listen")]
    host: Option<IpAddr>,
    /// The port alone, as verwalter 0.13 took it
    #[arg(long, value_name = "N", conflicts_with = "listen")]
    port: Option<u16>,
    /// Allow --listen on an address that other machines reach, without TLS or keys
    #[arg(long)]
    insecure: bool,
    /// An identity instead of /etc/machine-id: for several nodes on one machine
    #[arg(long, value_name = "HEX", value_parser = NodeId::parse)]
    override_machine_id: Option<NodeId>,
    /// How log lines are written [default: text, or `log-format` in verwalter.yaml]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormatArg>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormatArg {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl RunArgs {
    /// The address that the flags ask for; `None` leaves it to the settings.
    fn address(&self) -> Option<SocketAddr> {
        const PORT: u16 = 8379;
        match (self.listen, self.host, self.port) {
            (None, None, None) => None,
            (Some(listen), ..) => Some(listen),
            (None, host, port) => Some(SocketAddr::new(host.unwrap_or(Ipv4Addr::LOCALHOST.into()), port.unwrap_or(PORT))),
        }
    }
}

/// Runs the node.
pub fn run(args: RunArgs) -> anyhow::Result<Exit> {
    let format = match args.log_format {
        Some(LogFormatArg::Text) => LogFormat::Text,
        Some(LogFormatArg::Json) => LogFormat::Json,
        None => settings::log_format(&args.config.config_dir),
    };
    telemetry::init(format, "info");
    let identity = args.override_machine_id.map_or(Identity::Machine, Identity::Given);
    let listen = args.address();
    let options = Options {
        config_dir: args.config.config_dir,
        storage_dir: args.storage_dir,
        log_dir: args.log_dir,
        listen,
        any_port: false,
        insecure: args.insecure,
        hostname: args.hostname,
        name: args.name,
        identity,
    };
    runtime()?.block_on(node(options))
}

async fn node(options: Options) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen(OnHangup::GoOn)?;
    let app = tokio::select! {
        built = App::build(options) => match built {
            Ok(app) => app,
            Err(error) => return Ok(refuse(&error)),
        },
        // Nothing is in force yet that would have to be finished.
        _ = signals.asked() => return Ok(Exit::Done),
    };
    let mut running = app.spawn();
    let view = &running.view;
    tracing::info!(version = crate::status::VERSION, hostname = %view.hostname, id = %view.id, listen = %view.addr, "verwalter runs");
    let exit = tokio::select! {
        signal = signals.asked() => {
            tracing::info!(signal, "ending: what is in force is stored and deployed first");
            Exit::Done
        }
        () = running.broken() => Exit::Failed,
    };
    tokio::select! {
        () = running.drain() => {}
        () = signals.insisted() => tracing::warn!("ending at once"),
    }
    Ok(exit)
}

/// Prints why a node does not start.
pub(super) fn refuse(error: &StartError) -> Exit {
    eprintln!("verwalter: {}", plain_lines(&telemetry::chain(error)));
    error.exit()
}

/// The asynchronous runtime: two threads for sockets and timers; guests, files and rendering have blocking threads.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(32).enable_all().build()?;
    Ok(Runtime(Some(runtime)))
}

/// A runtime whose end waits for no blocking thread: a hung disk must not keep the process.
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// Runs a future to its end.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.as_ref().expect("it is there until it is dropped").block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        const GRACE: std::time::Duration = std::time::Duration::from_secs(2);
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(GRACE);
        }
    }
}
