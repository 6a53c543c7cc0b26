//! What a reading of this machine's figures costs: `cargo run --release --example reading [PROCESSES]`. With a number, so many idle
//! processes are there besides. It judges nothing.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use verwalter_collect::procfs::{Reader, Roots};

const READINGS: u32 = 200;

/// Processor time of this process so far, all threads together.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut idle: Vec<Child> = (0..count).map_while(|_| Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().ok()).collect();
    let mut reader = Reader::new(Roots::default());
    let mut times = Vec::new();
    let first = Instant::now();
    reader.read();
    let (first, before) = (first.elapsed(), processor_time());
    let mut samples = 0;
    for _ in 0..READINGS {
        let begun = Instant::now();
        samples = reader.read().samples.len();
        times.push(begun.elapsed());
    }
    let worked = (processor_time() - before) / READINGS;
    times.sort_unstable();
    println!(
        "{} processes more, {samples} samples: first reading {} us, then median {} us, longest {} us; {} us of a processor each",
        idle.len(),
        first.as_micros(),
        times[times.len() / 2].as_micros(),
        times[times.len() - 1].as_micros(),
        worked.as_micros()
    );
    for child in &mut idle {
        // One that ended by itself needs no end.
        let _ = child.kill().and_then(|()| child.wait());
    }
}
