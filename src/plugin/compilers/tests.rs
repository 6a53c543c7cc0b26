//! Compilers that are held by a gate: who waits, who is told, who gets what came of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use verwalter_core::ports::Kind;

use super::*;
use crate::plugin::compile::Compiler;
use crate::plugin::engine;

/// Each compilation waits until somebody opens the gate for its plugin, a letter from `a` to `c`, and refuses it then.
struct Site {
    dir: tempfile::TempDir,
    engine: Engine,
    compilers: Compilers,
}

impl Site {
    fn new() -> Site {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let compiler = dir.path().join("compiler");
        let at = dir.path().display();
        let script =
            format!("#!/bin/sh\ncd {at} && read -r wasm\necho call >>calls\nread -r go <$wasm\necho no wasm, said $go >&2\nexit 1\n");
        // Written by another process: a file that this one has open for writing could not be run.
        let write = std::process::Command::new("sh").args(["-c", r#"printf %s "$1" >"$0""#]).arg(&compiler).arg(script).status();
        assert!(write.expect("there is a shell").success());
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o700)).expect("it is ours");
        for gate in ["a", "b", "c"] {
            mknodat(CWD, dir.path().join(gate), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("it is made");
        }
        let engine = engine::run_engine().expect("there is an engine");
        let cache = Cache::open(&dir.path().join("cache"), &engine, Compiler::at(compiler), 1 << 20).expect("it opens");
        Site { dir, engine, compilers: Compilers::new(cache) }
    }

    /// Lets a compilation end.
    fn open_gate(&self, wasm: &str, word: &str) {
        fs::write(self.dir.path().join(wasm), format!("{word}\n")).expect("the compiler reads");
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.dir.path().join("calls")).map_or(0, |calls| calls.lines().count())
    }

    /// The error, as it reads.
    fn load(&self, wasm: &str, patience: Patience) -> String {
        let limits = Limits::of(Kind::Scheduler);
        let loaded = self.compilers.load(&self.engine, Abi::Core, Digest::of(wasm.as_bytes()), wasm.as_bytes(), &limits, patience);
        loaded.err().expect("no plugin compiles here").to_string()
    }

    /// As soon as there was a word of it.
    fn told(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let done = self.compilers.done();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), done.notified()).await }).expect("somebody tells");
    }

    /// Whether there was a word that nobody heard yet.
    fn has_told(&self) -> bool {
        use std::future::Future;
        use std::task::{Context, Waker};
        let done = self.compilers.done();
        let mut notified = std::pin::pin!(done.notified());
        notified.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}

const UNDER_WAY: &str = "it is being compiled; it is activated when that is done";
const WAITS: &str = "it waits until one of 2 others is compiled; it is compiled then";
const REFUSED: &str = "it does not compile: no wasm, said ";

fn at_once() -> Patience {
    Patience::For(Duration::ZERO)
}

fn patiently() -> Patience {
    Patience::For(Duration::from_secs(3_600))
}

#[test]
fn what_is_left_goes_on_and_is_told() {
    let site = Site::new();
    assert_eq!(site.load("a", at_once()), UNDER_WAY);
    // It is not waited for once more, however patient somebody is.
    assert_eq!(site.load("a", patiently()), UNDER_WAY);
    assert!(!site.has_told());
    site.open_gate("a", "one");
    site.told();
    // What came of it, once; then it is tried again.
    assert_eq!(site.load("a", at_once()), format!("{REFUSED}one"));
    assert_eq!(site.calls(), 1);
    assert_eq!(site.load("a", at_once()), UNDER_WAY);
    site.open_gate("a", "two");
    site.told();
    assert_eq!(site.load("a", patiently()), format!("{REFUSED}two"));
    assert_eq!(site.calls(), 2);
}

#[test]
fn of_what_is_waited_for_nobody_is_told() {
    let site = Site::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| site.load("a", patiently()));
        site.open_gate("a", "one");
        assert_eq!(waiting.join().expect("it does not panic"), format!("{REFUSED}one"));
    });
    assert!(!site.has_told());
}

#[test]
fn one_too_many_is_told_when_it_may_begin() {
    let site = Site::new();
    for wasm in ["a", "b"] {
        assert_eq!(site.load(wasm, at_once()), UNDER_WAY);
    }
    assert_eq!(site.load("c", patiently()), WAITS);
    site.open_gate("a", "one");
    site.told();
    assert_eq!(site.load("c", at_once()), UNDER_WAY);
    site.open_gate("b", "two");
    site.open_gate("c", "three");
    for wasm in ["a", "b", "c"] {
        let refused = || Some(site.load(wasm, patiently())).filter(|error| error != UNDER_WAY);
        let error = std::iter::repeat_with(refused).inspect(|_| std::thread::yield_now()).flatten().next();
        assert!(error.is_some_and(|error| error.starts_with(REFUSED)), "{wasm}");
    }
    assert_eq!(site.calls(), 3);
}

#[test]
fn what_nobody_asks_for_is_forgotten() {
    let site = Site::new();
    assert_eq!(site.load("a", at_once()), UNDER_WAY);
    site.compilers.forget();
    // It runs on: whoever wants it after all need not begin anew.
    site.compilers.forget();
    assert_eq!(site.compilers.behind.lock().left.len(), 1);
    site.open_gate("a", "one");
    site.told();
    while !site.compilers.behind.lock().left.is_empty() {
        site.compilers.forget();
        std::thread::yield_now();
    }
}
