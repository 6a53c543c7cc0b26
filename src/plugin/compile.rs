//! Compiling in a child of its own: the daemon's memory and life do not depend on what a plugin makes the compiler do.
//! The child is this same program, limits itself before it reads, and never runs what it compiles.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::engine::{EngineError, compile_engine};
use super::inspect::{Abi, MAX_WASM_BYTES};
use crate::exit::Exit;

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "compile-plugin";
/// Processor time for one plugin: the largest known (SpiderMonkey, Python) take 5 s on a slow core.
const CPU_SECONDS: u64 = 60;
/// Wall time for one plugin: five times its processor time, for a machine that is busy with other things.
const WALL_TIME: Duration = Duration::from_secs(5 * CPU_SECONDS);
/// The signal that only others send: the system when memory runs out, or a person.
const SIGKILL: i32 = 9;
/// Memory for one plugin: Python's runtime takes 337 MB.
const DATA_BYTES: u64 = 2 << 30;
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
    /// The compiler was stopped.
    #[error(
        "compiling it took more than {CPU_SECONDS} s of processor time or 2 GiB of memory (the compiler ended with {0}): make the plugin smaller"
    )]
    Killed(std::process::ExitStatus),
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

    /// Compiles `wasm` into `out`, which is empty and open for writing.
    pub(super) fn compile(&self, abi: Abi, wasm: &[u8], out: std::fs::File) -> Result<(), CompileError> {
        let failed = |did| move |source| CompileError::Child { did, source };
        let mut child = Command::new(&self.program)
            .arg(SUBCOMMAND)
            .arg(match abi {
                Abi::Component => "component",
                Abi::Core => "core",
            })
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::from(out))
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("started"))?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (status, complaint) = std::thread::scope(|scope| {
            // A child that dies early closes the pipe; its status says why.
            scope.spawn(move || drop(stdin.write_all(wasm)));
            let complaint = scope.spawn(move || read_complaint(stderr));
            let status = wait(&mut child);
            (status, complaint.join().unwrap_or_default())
        });
        let status = status.map_err(failed("waited for"))?;
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) if code == Exit::Sandbox as i32 => Err(CompileError::Machine(complaint)),
            (Some(_), _) if !complaint.is_empty() => Err(CompileError::Refused(complaint)),
            // Its own limits end it otherwise: this came from outside.
            (_, Some(SIGKILL)) => Err(CompileError::Machine("it was killed from outside, most likely because memory ran out".to_owned())),
            _ => Err(CompileError::Killed(status)),
        }
    }
}

/// Waits for the child, at the longest until [`WALL_TIME`]; then it is killed.
fn wait(child: &mut Child) -> std::io::Result<ExitStatus> {
    /// A small plugin takes 50 ms: waiting must not add to that.
    const PAUSE: Duration = Duration::from_millis(2);
    let deadline = Instant::now() + WALL_TIME;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            return child.wait();
        }
        std::thread::sleep(PAUSE);
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

/// What the child does: plugin on standard input, compiled code on standard output, complaints on standard error.
pub fn child(abi: &str) -> Exit {
    let Err(error) = compile_input(abi) else { return Exit::Done };
    eprintln!("{error}");
    match error {
        ChildError::Compile(_) => Exit::Failed,
        // The plugin is not at fault: its parent tries again.
        ChildError::Io(_) | ChildError::Engine(_) => Exit::Sandbox,
    }
}

fn compile_input(abi: &str) -> Result<(), ChildError> {
    limit()?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().take(MAX_WASM_BYTES + 1).read_to_end(&mut wasm)?;
    let engine = compile_engine()?;
    let compiled = match abi {
        "component" => engine.precompile_component(&wasm),
        _ => engine.precompile_module(&wasm),
    };
    let compiled = compiled.map_err(|err| ChildError::Compile(format!("{err:#}")))?;
    std::io::stdout().lock().write_all(&compiled)?;
    Ok(())
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

fn limit() -> std::io::Result<()> {
    let limits = [
        ("core", Resource::Core, 0),
        ("cpu", Resource::Cpu, CPU_SECONDS),
        ("data", Resource::Data, DATA_BYTES),
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
