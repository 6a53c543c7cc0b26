//! What a new build of a plugin costs a running daemon: time from "renamed into place" to the first round that it decided, beyond the
//! quiet time; resident memory over many reloads; rounds that failed or are missing. It prints the README's reload tables.
//!
//! `cargo bench --bench reload -- 1000` says how many reloads.

mod node;
mod table;

use std::path::Path;
use std::time::{Duration, Instant};

use verwalter_core::digest::Digest;

use node::{Memory, Node, Round};

const RELOADS: usize = 1_000;
/// Until everything that is kept a few times is there that often.
const WARM_UP: usize = 20;
/// Short, so that many reloads take minutes; it is taken off what is printed.
const QUIET: Duration = Duration::from_millis(50);
/// The default: a new build is compiled while the tree is not quiet yet.
const USUAL_QUIET: Duration = Duration::from_millis(200);
const ROUND_INTERVAL: Duration = Duration::from_millis(100);
const COMPONENT: &[u8] = include_bytes!("../../plugins/prebuilt/spread.wasm");
const CORE: &[u8] = include_bytes!("../../plugins/prebuilt/spread-core.wasm");

/// What came of one reload.
struct Reload {
    /// From the rename to the first round of the new build, less the quiet time.
    took: Duration,
    memory: Memory,
}

fn main() {
    // Cargo adds flags of its own.
    let reloads = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(RELOADS).max(20);
    // Small and large alternate, so that a code that is not given back shows.
    let in_turn = |n: usize| if n.is_multiple_of(2) { CORE.to_vec() } else { COMPONENT.to_vec() };
    let (known, known_rounds) = run(QUIET, reloads / 2, in_turn);
    let (new, new_rounds) = run(USUAL_QUIET, reloads - reloads / 2, marked);

    let kilobytes = COMPONENT.len() / 1000;
    println!("\n| renamed into place → first round of the new build, ms beyond the quiet time | reloads | median | 90 % | 99 % | most |");
    println!("|---|---|---|---|---|---|");
    table::times(&format!("a build that was compiled before, quiet time {} ms", QUIET.as_millis()), &known);
    table::times(&format!("a new build of {kilobytes} KB, quiet time {} ms", USUAL_QUIET.as_millis()), &new);
    println!("\n| resident memory of the daemon, MiB | first tenth | last tenth | |\n|---|---|---|---|");
    table::memory("a build that was compiled before", &known);
    table::memory("a new build each time", &new);
    table::rounds([("builds compiled before", &known_rounds), ("new builds", &new_rounds)], ROUND_INTERVAL);
}

/// A build that nobody saw before: the scheduler with a custom section, which every reader ignores.
fn marked(n: usize) -> Vec<u8> {
    const NAME: &[u8] = b"bench";
    let number = n.to_le_bytes();
    let length = u8::try_from(1 + NAME.len() + number.len()).expect("a few bytes");
    let name_length = u8::try_from(NAME.len()).expect("a few bytes");
    [COMPONENT, &[0, length, name_length], NAME, &number].concat()
}

/// Reloads a node of its own so often, after some that do not count; gives its rounds too.
fn run(quiet: Duration, reloads: usize, build: impl Fn(usize) -> Vec<u8>) -> (Vec<Reload>, Vec<Round>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::start(dir.path(), quiet, ROUND_INTERVAL);
    let all = reload(&mut node, dir.path(), quiet, WARM_UP + reloads, build);
    (all.into_iter().skip(WARM_UP).collect(), node.end())
}

fn reload(node: &mut Node, dir: &Path, quiet: Duration, reloads: usize, build: impl Fn(usize) -> Vec<u8>) -> Vec<Reload> {
    let reload = |n| {
        let wasm = build(n);
        let digest = Digest::of(&wasm).to_string();
        let new = dir.join("new.wasm");
        std::fs::write(&new, wasm).expect("it can be written");
        let renamed = Instant::now();
        std::fs::rename(&new, dir.join("etc/plugins/spread.wasm")).expect("it can be renamed");
        let seen = node.first_round_of(&digest);
        Reload { took: (seen - renamed).saturating_sub(quiet), memory: node.memory() }
    };
    (0..reloads).map(reload).collect()
}
