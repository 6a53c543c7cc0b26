//! The journal with the real program: what a daemon records, another process decides again.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails; clippy takes only functions with #[test] for tests")]

mod damage;
mod determinism;
mod lasting;
mod replay;
mod restart;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use verwalter::journal::{DEFAULT_CAP_BYTES, DIRECTORY, Reader, Record, Ring};
use verwalter::storage::Storage;

use crate::sandbox::guest::{data, packed};
use crate::support::{Ended, Node, Site, core_plugin, run_to_end};

/// Settings under which rounds come soon, on a node with a name of its own; `more` are further lines.
fn site(more: &str) -> Site {
    let site = Site::prepared();
    let settings = "round-interval: 100ms\nreload-quiet-time: 20ms\ncollect-interval: 200ms\noutput-dir: ../out\nhostname: alpha\n";
    site.write("etc/verwalter.yaml", format!("{settings}{more}"));
    site
}

/// All rounds are recorded.
const ALL: &str = "journal: { rounds: all }\n";

/// Puts a plugin into the site's directory.
fn put(site: &Site, name: &str, wasm: impl AsRef<[u8]>, manifest: &str) {
    site.write(&format!("etc/plugins/{name}.wasm"), wasm);
    site.write(&format!("etc/plugins/{name}.yaml"), manifest);
}

/// What a guest does in one round.
enum Turn {
    /// Places so many instances of `web` on `alpha`.
    Places(u32),
    /// Answers this after the byte 0, which says that it worked.
    Says(&'static str),
    /// Answers this as an error of its own.
    Complains(&'static str),
    /// Runs these instructions.
    Runs(&'static str),
}

/// A guest whose function `export` takes turns by the first digit of the round's number; `rest` in all other rounds.
fn by_turns(export: &str, turns: &[(char, Turn)], rest: &Turn) -> Vec<u8> {
    let mut items = String::new();
    let mut at = 1024;
    let mut act = |turn: &Turn| {
        let text = match turn {
            Turn::Runs(wat) => return (*wat).to_owned(),
            Turn::Places(count) => format!("\0{{\"v\":1,\"schedule\":{{\"roles\":{{\"web\":{{\"place\":{{\"alpha\":{count}}}}}}}}}}}"),
            Turn::Says(text) => format!("\0{text}"),
            Turn::Complains(text) => format!("\u{1}{text}"),
        };
        let answer = format!("(return {})", packed(at, u32::try_from(text.len()).unwrap()));
        items += &data(at, text.as_bytes());
        at += 512;
        answer
    };
    // `{"v":1,"now":` and 13 digits and `,"round":` come before it in a scheduler's document and in a policy's.
    let digit = "(i32.load8_u offset=35 (local.get $ptr))";
    let mut body = String::new();
    for (first, turn) in turns {
        body += &format!("(if (i32.eq {digit} (i32.const {})) (then {}))", u32::from(*first), act(turn));
    }
    body += &act(rest);
    core_plugin(&format!(r#"{items} (func $own (export "{export}") (param $ptr i32) (param $len i32) (result i64) {body} unreachable)"#))
}

/// A scheduler that takes turns.
fn scheduler(turns: &[(char, Turn)], rest: &Turn) -> Vec<u8> {
    by_turns("vw_schedule", turns, rest)
}

/// Runs the demo until round `number` is told, then ends it.
fn run_until(site: &Site, number: u64) -> Node {
    let mut node = site.demo(&["--json"]);
    reach(&mut node, number);
    node.stop();
    node
}

/// Waits until a round of at least this number is told.
fn reach(node: &mut Node, number: u64) -> Value {
    node.round(&format!("round {number}"), |round| round["round"].as_u64() >= Some(number))
}

/// A command on the site's storage directory.
fn recorded(site: &Site, command: &str, args: &[&str]) -> Ended {
    let storage = site.path("var").display().to_string();
    run_to_end([command, "--storage-dir", &storage].iter().chain(args))
}

/// `verify` with these arguments: its exit status and its lines, newest round first.
fn verify(site: &Site, args: &[&str], status: i32) -> (Vec<String>, String) {
    let ended = recorded(site, "verify", args);
    assert_eq!(ended.status, Some(status), "{args:?}: {ended:#?}");
    (ended.out.lines().map(str::to_owned).collect(), ended.err)
}

/// Every recorded round decides again as it did; how many there are.
fn all_same(site: &Site) -> usize {
    let (lines, told) = verify(site, &[], 0);
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains(": same bytes, same fuel (")), "{lines:#?}\n{told}");
    lines.len()
}

/// All records, oldest first, with their numbers.
fn records(site: &Site) -> Vec<(u64, Record)> {
    let reader = Reader::open(&site.path("var").join(DIRECTORY)).unwrap();
    reader.oldest_first().map(Result::unwrap).map(|stored| (stored.sequence, stored.record().unwrap())).collect()
}

/// Adds a record as a daemon would.
fn append(site: &Site, record: &Record) {
    let storage = Arc::new(Storage::open(&site.path("var")).unwrap());
    let (mut ring, repair) = Ring::open(storage, DEFAULT_CAP_BYTES).unwrap();
    assert_eq!(repair, None);
    ring.append(record).unwrap();
}

/// What runs while every processor has other work, too.
fn under_load<T>(work: impl FnOnce() -> T) -> T {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // Also when `work` panics: the scope waits for its threads.
        let _stop = Stop(&stop);
        work()
    })
}
