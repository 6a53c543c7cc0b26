//! Drives the real program: sites (a demo's directories), running nodes, plain HTTP. Nothing here waits without a deadline or sleeps:
//! a wait ends with the program's next line, or looks again after a pause.

mod client;
mod node;
mod site;

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub(crate) use client::{Reply, connect, exchange, exchange_last, get, request};
pub(crate) use node::Node;
pub(crate) use site::Site;

/// Far above what anything here takes, on a busy machine and without optimisation: only a defect reaches it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// How long a poll waits for the program's next line before it looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// The program under test.
pub(crate) fn program() -> Command {
    // Whoever runs the tests may have SIGHUP ignored (nohup, a CI's runner), and children inherit that. `env` becomes the program.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_verwalter")]);
    // What is set in the caller's shell for other work must not change what is logged.
    command.env_remove("RUST_LOG").env_remove("VERWALTER_NODE").stdin(Stdio::null());
    command
}

/// What a command that ends by itself came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end.
pub(crate) fn run_to_end<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    let output = program().args(args).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("its output is UTF-8");
    let ended = Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
    ended
}

/// Waits for something that no running node brings about.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    // Nobody sends: receiving is a pause.
    let (_never, pause) = mpsc::channel::<()>();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "never: {what}");
        let _ = pause.recv_timeout(PAUSE);
    }
}

/// A plugin of the given kind of text, assembled: the core ABI with `body` beside an allocator that never frees. `body` may use the
/// memory from 1 MiB on for itself.
pub(crate) fn core_plugin(body: &str) -> Vec<u8> {
    core_plugin_with("", body)
}

/// The same with imports.
pub(crate) fn core_plugin_with(imports: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 32)
            (global $next (mut i32) (i32.const 65536))
            (func (export "vw_abi_1"))
            (func (export "vw_alloc") (param $len i32) (result i32)
                (local $at i32)
                (local.set $at (global.get $next))
                (global.set $next (i32.add (global.get $next) (local.get $len)))
                (local.get $at))
            (func (export "vw_free") (param i32 i32))
            {body})"#
    );
    wat::parse_str(text).expect("the test's own text is sound")
}

/// A scheduler that always gives this answer: `first` is 0 for done, 1 for refused.
pub(crate) fn answering_plugin(first: u8, answer: &str) -> Vec<u8> {
    let data: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let packed = (answer.len() as u64 + 1) << 32 | 1024;
    core_plugin(&format!(
        r#"(data (i32.const 1024) "\{first:02x}{data}") (func (export "vw_schedule") (param i32 i32) (result i64) (i64.const {packed}))"#
    ))
}
