//! `verwalter demo`: the main job with one command and nothing prepared.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::broadcast::error::RecvError;
use verwalter_core::plain::plain;

use super::run::{refuse, runtime};
use crate::app::{App, Identity, Options, Running};
use crate::config::settings::LogFormat;
use crate::deploy::{DeployReport, RoleOutcome};
use crate::exit::Exit;
use crate::round::{Accepted, Outcome, RoundReport};
use crate::shutdown::{OnHangup, Signals};
use crate::status::round_summary;
use crate::{demo, identity, telemetry};

/// A line waits so long for the files of its round.
const FILES_WAIT: Duration = Duration::from_secs(2);
/// With `--rounds`, so many rounds without a schedule end the demo: something in the tree is broken and nobody mends it.
const FAILED_ROUNDS: u32 = 10;

/// The options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where the tree, the state, the logs and the rendered files go
    #[arg(long, value_name = "DIR", default_value = "./verwalter-demo")]
    dir: PathBuf,
    /// End with status 0 after so many accepted rounds [default: run until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,
    /// Where the API listens [default: 127.0.0.1:8379, or a free port if that is taken]
    #[arg(long, value_parser = super::address, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Print one JSON object a round instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the demo.
pub fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    telemetry::init(LogFormat::Text, "warn");
    let (dirs, start) = match demo::prepare(&args.dir) {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("verwalter: {}", telemetry::chain(&error));
            return Ok(Exit::Storage);
        }
    };
    let options = Options {
        config_dir: dirs.etc.clone(),
        storage_dir: dirs.var.clone(),
        log_dir: dirs.log,
        listen: args.listen,
        any_port: args.listen.is_none(),
        insecure: false,
        // A name that cannot be a key of the schedule is no reason not to show anything.
        hostname: identity::hostname().is_err().then(|| "localhost".parse().expect("a valid hostname")),
        name: None,
        identity: Identity::Demo,
    };
    runtime()?.block_on(async {
        let mut signals = Signals::listen(OnHangup::End)?;
        let app = tokio::select! {
            built = App::build(options) => match built {
                Ok(app) => app,
                Err(error) => return Ok(refuse(&error)),
            },
            // Nothing is in force yet that would have to be finished.
            _ = signals.asked() => return Ok(Exit::Done),
        };
        let mut running = app.spawn();
        let exit = tokio::select! {
            exit = show(args, start, &mut running) => exit?,
            _ = signals.asked() => Exit::Done,
        };
        tokio::select! {
            () = running.drain() => {}
            () = signals.insisted() => {}
        }
        if args.rounds.is_none() && !args.json {
            // Whoever read it may be gone: that is no failure.
            let _ = writeln!(std::io::stdout(), "stopped; the same command continues with the same schedule");
        }
        Ok(exit)
    })
}

fn introduce(dir: &Path, start: demo::Start, running: &Running) -> std::io::Result<()> {
    let dir = dir.display();
    let url = format!("http://{}", running.view.addr);
    let mut out = std::io::stdout().lock();
    match start {
        demo::Start::First => writeln!(out, "verwalter demo: wrote a sample configuration to {dir}/etc and runs one node on it.")?,
        demo::Start::Again => writeln!(out, "verwalter demo: continues in {dir}; the tree in {dir}/etc is left as it is.")?,
    }
    writeln!(
        out,
        "Each round the scheduler plugin (WebAssembly) reads this machine's figures and {dir}/etc/runtime,
says what runs where, and templates are rendered to {dir}/out. Try, while it runs:
  edit a template     {dir}/etc/templates/motd/v1/motd.hbs, and see {dir}/out/motd follow
  change the metadata {dir}/etc/runtime/web.yaml
  replace the plugin  cp {dir}/spread-other-build.wasm {dir}/etc/plugins/spread.wasm
  break something     the error names the file, and what was in force stays
  see it              verwalter plugin status --node {url}
  decide again        verwalter verify --storage-dir {dir}/var --last 10
  open                {url}/v1/status.pretty  {url}/v1/scheduler_input.pretty
"
    )?;
    out.flush()
}

/// Prints the introduction, then the rounds.
async fn show(args: &DemoArgs, start: demo::Start, running: &mut Running) -> anyhow::Result<Exit> {
    if args.json {
        // Standard output is for the rounds alone.
        eprintln!("verwalter demo: http://{}/v1/status", running.view.addr);
    } else if let Err(error) = introduce(&args.dir, start, running) {
        return Ok(unprinted(&error));
    }
    follow(args, running).await
}

/// Prints a line a round until enough were accepted.
async fn follow(args: &DemoArgs, running: &mut Running) -> anyhow::Result<Exit> {
    let mut accepted = 0;
    let mut failed_in_a_row = 0;
    loop {
        let report = match running.reports.recv().await {
            Ok(report) => report,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => {
                running.broken().await;
                return Ok(Exit::Failed);
            }
        };
        let deployed = files_of(&report, running).await;
        let line = if args.json { round_summary(&report).to_string() } else { plain(&line(&report, deployed.as_deref()), usize::MAX) };
        if let Err(error) = writeln!(std::io::stdout(), "{line}") {
            return Ok(unprinted(&error));
        }
        match report.outcome {
            Outcome::Accepted(_) => {
                accepted += 1;
                failed_in_a_row = 0;
            }
            Outcome::Failed { .. } | Outcome::Denied { .. } => failed_in_a_row += 1,
        }
        if args.rounds.is_some_and(|wanted| accepted >= wanted) {
            return Ok(Exit::Done);
        }
        if args.rounds.is_some() && failed_in_a_row == FAILED_ROUNDS {
            eprintln!("verwalter: {FAILED_ROUNDS} rounds in a row brought nothing into force; the last line says why");
            return Ok(Exit::Failed);
        }
    }
}

/// A line could not be printed. A reader that went away ends the demo like any other program in a pipe; anything else is a failure.
fn unprinted(error: &std::io::Error) -> Exit {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Exit::Done;
    }
    // Standard error may be the same closed terminal.
    let _ = writeln!(std::io::stderr(), "verwalter: standard output cannot be written: {error}");
    Exit::Failed
}

/// What was deployed for a round, once it is.
async fn files_of(report: &RoundReport, running: &Running) -> Option<Arc<DeployReport>> {
    let Outcome::Accepted(Accepted { digest, .. }) = &report.outcome else { return None };
    let mut deployed = running.view.deployed.clone();
    let wait = deployed.wait_for(|deployed| deployed.as_ref().is_some_and(|deployed| deployed.digest == *digest));
    tokio::time::timeout(FILES_WAIT, wait).await.ok()?.ok()?.clone()
}

fn line(report: &RoundReport, deployed: Option<&DeployReport>) -> String {
    let head = format!("round {:<4} ", report.round);
    match &report.outcome {
        Outcome::Failed { message, .. } => format!("{head} nothing decided: {message}"),
        Outcome::Denied { digest, message, .. } => format!("{head} schedule {} denied: {message}", digest.short()),
        Outcome::Accepted(Accepted { digest, changed, totals, cost, warnings, .. }) => {
            let plugin = report.plugin.as_ref().map(|plugin| format!("{} {}", plugin.name, plugin.digest.short())).unwrap_or_default();
            let news = if *changed { "new schedule" } else { "same schedule" };
            let files = match deployed {
                Some(deployed) => {
                    let failed = |role: &&RoleOutcome| matches!(role, RoleOutcome::Failed { .. } | RoleOutcome::Refused { .. });
                    let failed = deployed.roles.values().filter(failed).count();
                    let failed = if failed > 0 { format!(", {failed} roles FAILED (see /v1/status)") } else { String::new() };
                    format!("{} written{failed}", count(if *changed { deployed.written } else { 0 }, "file"))
                }
                None => "files pending".to_owned(),
            };
            let warnings = if warnings.is_empty() { String::new() } else { format!("  warning: {}", warnings.join("; ")) };
            format!(
                "{head} {news} {}  {} on {} of {}  {files}  {:.1} ms, fuel {:.1}M, {plugin}{warnings}",
                digest.short(),
                count(usize::try_from(totals.instances).unwrap_or(usize::MAX), "instance"),
                count(totals.placements, "placement"),
                count(totals.roles, "role"),
                report.elapsed.as_secs_f64() * 1000.0,
                cost.fuel as f64 / 1e6,
            )
        }
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
