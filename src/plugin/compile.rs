//! Compiling in a child of its own: the daemon's memory and life do not depend on what a plugin makes the compiler do.
//! The child is this same program, limits itself before it reads, and never runs what it compiles.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::engine::{EngineError, compile_engine};
use super::inspect::{Abi, MAX_WASM_BYTES};
use crate::exit::Exit;

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "compile-plugin";
/// Processor time for one plugin: the largest known (SpiderMonkey, Python) take 5 s on a slow core.
const CPU_SECONDS: u64 = 60;
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
        let mut stderr = child.stderr.take().expect("stderr is piped").take(STDERR_BYTES);
        let mut complaint = String::new();
        std::thread::scope(|scope| {
            // A child that dies early closes the pipe; its status says why.
            scope.spawn(move || drop(stdin.write_all(wasm)));
            drop(stderr.read_to_string(&mut complaint));
        });
        let status = child.wait().map_err(failed("waited for"))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(code) if code == Exit::Sandbox as i32 => Err(CompileError::Machine(complaint.trim().replace('\n', " "))),
            Some(_) if !complaint.is_empty() => Err(CompileError::Refused(complaint.trim().replace('\n', " "))),
            _ => Err(CompileError::Killed(status)),
        }
    }
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
        (Resource::Core, 0),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Data, DATA_BYTES),
        (Resource::Fsize, ARTEFACT_BYTES),
        (Resource::Nofile, 64),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
