//! Compiling in a child of its own: the daemon's memory and life do not depend on what a plugin makes the compiler do.
//! The child is this same program, limits itself before it reads, and never runs what it compiles.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use super::engine::{EngineError, Workers, compile_engine};
use super::inspect::{Abi, MAX_WASM_BYTES};
use super::limits::{Limit, Limits};
use crate::child;
use crate::exit::Exit;

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "compile-plugin";
/// Wall time for one plugin in units of its processor time, for a machine that is busy with other things.
const WALL_FACTOR: u32 = 5;
/// And this much more: under a load of ten even a second of processor time takes long.
const WALL_SLACK: Duration = Duration::from_secs(30);
/// How often the child is looked at: a small plugin takes 50 ms, and waiting must not add to that.
const PAUSE: Duration = Duration::from_millis(2);
/// How a process ends that could not get memory or stack.
const SIGABRT: i32 = 6;
/// What the standard library says when it was memory.
const NO_MEMORY: &str = "memory allocation of";
/// Signals by which a person or a supervisor ends a process.
const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
/// The signal that only others send: the system when memory runs out, or a person.
const SIGKILL: i32 = 9;
/// Its processor time is used up.
const SIGXCPU: i32 = 24;
/// What it writes is larger than [`ARTEFACT_BYTES`].
const SIGXFSZ: i32 = 25;
/// The most threads that compile one plugin. Arbitrary, above what shortens it by much: half the time goes where only one works.
const THREADS: usize = 8;
/// A thread's stack: as much as Linux gives a first thread, so that what compiles on one compiles on all.
const STACK_BYTES: usize = 8 << 20;
/// The largest compiled plugin: Python's is about 60 MB.
const ARTEFACT_BYTES: u64 = 1 << 30;
/// How much of a failing child's complaint is kept.
const STDERR_BYTES: u64 = 4 << 10;

/// A plugin that could not be compiled. The plugin is at fault unless the child could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The child could not be run.
    #[error("the compiler process could not be {did}")]
    Child {
        /// What was tried.
        did: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The child could not read, write or limit itself.
    #[error("the compiler process failed: {0}")]
    Machine(String),
    /// The compiler refused the plugin.
    #[error("it does not compile: {0}")]
    Refused(String),
    /// The compiler was stopped by a limit.
    #[error("compiling it took more {what} than its limit of {limit}; {hint}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// The limit, as it is written in a manifest.
        limit: String,
        /// The line that raises it.
        hint: String,
    },
    /// What it compiles to is too large for the cache.
    #[error("its machine code is larger than {} MiB, which is fixed: make the plugin smaller", ARTEFACT_BYTES >> 20)]
    Artefact,
    /// The compiler crashed on it.
    #[error("the compiler crashed on it ({status}{complaint}): make the plugin simpler, or build it with another toolchain")]
    Crashed {
        /// How it ended.
        status: ExitStatus,
        /// What it said last, after a colon.
        complaint: String,
    },
}

/// Where the compiling program is: the running daemon, or for tests the one that they were built with.
#[derive(Debug, Clone)]
pub struct Compiler {
    program: PathBuf,
}

impl Default for Compiler {
    /// This very program, also when its file was replaced meanwhile.
    fn default() -> Compiler {
        Compiler { program: "/proc/self/exe".into() }
    }
}

impl Compiler {
    /// A compiler in another program of this version.
    pub fn at(program: PathBuf) -> Compiler {
        Compiler { program }
    }

    /// Compiles `wasm` into `out`, which is empty and open for writing, within `limits`.
    pub(super) fn compile(&self, abi: Abi, wasm: &[u8], out: std::fs::File, limits: &Limits) -> Result<(), CompileError> {
        let failed = |did| move |source| CompileError::Child { did, source };
        let mut child = Command::new(&self.program)
            .arg(SUBCOMMAND)
            .arg(match abi {
                Abi::Component => "component",
                Abi::Core | Abi::Predecessor => "core",
            })
            .arg(format!("--seconds={}", limits.compile_seconds()))
            .arg(format!("--memory-bytes={}", limits.get(Limit::CompileMemory)))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::from(out))
            .stderr(Stdio::piped())
            // An interrupt from the terminal is for the daemon. When that ends, the child does: see `limit`.
            .process_group(0)
            .spawn()
            .map_err(failed("started"))?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let longest = Duration::from_secs(limits.compile_seconds()) * WALL_FACTOR + WALL_SLACK;
        let (status, complaint) = std::thread::scope(|scope| {
            // A child that dies early closes the pipe; its status says why.
            scope.spawn(move || drop(stdin.write_all(wasm)));
            let complaint = scope.spawn(move || read_complaint(stderr));
            let status = child::wait(&mut child, longest, PAUSE);
            (status, complaint.join().unwrap_or_default())
        });
        let Some(status) = status.map_err(failed("waited for"))? else {
            return Err(CompileError::Machine(format!("it was not done after {} s: this machine is too busy", longest.as_secs())));
        };
        verdict(status, complaint, limits)
    }
}

/// What the child's end means.
fn verdict(status: ExitStatus, complaint: String, limits: &Limits) -> Result<(), CompileError> {
    let over = |what, limit| CompileError::Limit { what, limit: limits.describe(limit), hint: limits.raise_hint(limit) };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) if code == Exit::Sandbox as i32 => Err(CompileError::Machine(complaint)),
        (Some(_), _) if !complaint.is_empty() => Err(CompileError::Refused(complaint)),
        // Its own limits end it otherwise: this came from outside.
        (_, Some(SIGKILL)) => Err(CompileError::Machine("it was killed from outside, most likely because memory ran out".to_owned())),
        (_, Some(SIGHUP | SIGINT | SIGTERM)) => Err(CompileError::Machine("it was ended from outside".to_owned())),
        (_, Some(SIGXCPU)) => Err(over("processor time", Limit::CompileTime)),
        (_, Some(SIGABRT)) if complaint.contains(NO_MEMORY) => Err(over("memory", Limit::CompileMemory)),
        (_, Some(SIGXFSZ)) => Err(CompileError::Artefact),
        _ => {
            let complaint = if complaint.is_empty() { complaint } else { format!(": {complaint}") };
            Err(CompileError::Crashed { status, complaint })
        }
    }
}

/// The beginning of what the child says, in one line. The rest is read too: a full pipe would hold the child for ever.
fn read_complaint(mut stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    // What was read until an error is all there is to show.
    drop((&mut stderr).take(STDERR_BYTES).read_to_end(&mut bytes));
    drop(std::io::copy(&mut stderr, &mut std::io::sink()));
    String::from_utf8_lossy(&bytes).trim().replace('\n', " ")
}

/// What the child does within so many seconds of processor time and so much memory: plugin on standard input, compiled code on
/// standard output, complaints on standard error.
pub fn child(abi: &str, seconds: u64, memory_bytes: u64) -> Exit {
    let Err(error) = compile_input(abi, seconds, memory_bytes) else { return Exit::Done };
    eprintln!("{error}");
    match error {
        ChildError::Compile(_) => Exit::Failed,
        // The plugin is not at fault: its parent tries again.
        ChildError::Io(_) | ChildError::Engine(_) => Exit::Sandbox,
    }
}

fn compile_input(abi: &str, seconds: u64, memory_bytes: u64) -> Result<(), ChildError> {
    limit(seconds, memory_bytes)?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().take(MAX_WASM_BYTES + 1).read_to_end(&mut wasm)?;
    let engine = compile_engine(hire(memory_bytes))?;
    let compiled = match abi {
        "component" => engine.precompile_component(&wasm),
        _ => engine.precompile_module(&wasm),
    };
    let compiled = compiled.map_err(|err| ChildError::Compile(format!("{err:#}")))?;
    std::io::stdout().lock().write_all(&compiled)?;
    Ok(())
}

/// Starts the threads that compile; the code that comes out does not depend on how many there are. Where they cannot be had, since a
/// supervisor counts threads too, one compiles alone: the plugin is not at fault.
fn hire(memory_bytes: u64) -> Workers {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads(processors, memory_bytes);
    if threads < 2 {
        return Workers::One;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES).build_global();
    if pool.is_ok() { Workers::Many } else { Workers::One }
}

/// How many threads compile. Their stacks count as memory: at most a quarter of it.
fn threads(processors: usize, memory_bytes: u64) -> usize {
    let affordable = usize::try_from(memory_bytes / 4).unwrap_or(usize::MAX) / STACK_BYTES;
    processors.min(THREADS).min(affordable)
}

/// Why the child failed; its parent shows the text.
#[derive(Debug, thiserror::Error)]
enum ChildError {
    /// Reading, writing or limiting failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// No engine.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The plugin does not compile.
    #[error("{0}")]
    Compile(String),
}

fn limit(seconds: u64, memory_bytes: u64) -> std::io::Result<()> {
    // Nobody takes what a daemon that was killed had compiled. Where that cannot be asked for, the limits end it too.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let limits = [
        ("core", Resource::Core, 0),
        ("cpu", Resource::Cpu, seconds),
        ("data", Resource::Data, memory_bytes),
        ("fsize", Resource::Fsize, ARTEFACT_BYTES),
        ("nofile", Resource::Nofile, 64),
    ];
    for (name, resource, limit) in limits {
        // What this process may not raise stays lower: a supervisor may have set it.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = limit.min(most);
        // A second between the signal that says why and the one that says nothing.
        let hard = if resource == Resource::Cpu { (limit + 1).min(most) } else { limit };
        let set = setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(hard) });
        set.map_err(|err| std::io::Error::other(format!("the limit `{name}` of the compiler process cannot be set: {err}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use verwalter_core::ports::Kind;

    #[test]
    fn only_a_crash_is_the_plugins() {
        let check = |signal, expect: &str| {
            let verdict = verdict(ExitStatus::from_raw(signal), String::new(), &Limits::of(Kind::Scheduler));
            let said = verdict.expect_err("it was ended").to_string();
            assert!(said.starts_with(expect), "{signal}: {said}");
        };
        for signal in [1, 2, 15] {
            check(signal, "the compiler process failed: it was ended from outside");
        }
        check(9, "the compiler process failed: it was killed from outside");
        check(6, "the compiler crashed on it (signal: 6");
        check(11, "the compiler crashed on it (signal: 11");
        check(24, "compiling it took more processor time");
    }

    #[test]
    fn what_the_terminal_sends_to_the_daemon_does_not_reach_the_child() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("compiler");
        let script =
            "#!/bin/sh\nread -r pid name state parent group rest </proc/self/stat\n[ $group = $pid ] || { echo in $group >&2; exit 1; }\n";
        // Written by another process: a file that this one has open for writing could not be run.
        let write = Command::new("sh").args(["-c", r#"printf %s "$1" >"$0" && chmod +x "$0""#]).arg(&program).arg(script).status();
        assert!(write.unwrap().success());
        let out = tempfile::tempfile().unwrap();
        Compiler::at(program).compile(Abi::Core, b"", out, &Limits::of(Kind::Scheduler)).unwrap();
    }

    #[test]
    fn threads_follow_processors_and_memory() {
        let check =
            |processors, mebibytes: u64, expect| assert_eq!(threads(processors, mebibytes << 20), expect, "{processors}, {mebibytes}");
        check(1, 2048, 1);
        check(2, 2048, 2);
        check(64, 2048, THREADS);
        // The least that a manifest may allow.
        check(8, 64, 2);
        check(8, 16, 0);
    }
}
