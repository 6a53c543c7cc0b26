//! The tables that the README shows. It measures nothing.

use std::time::Duration;

use crate::Reload;
use crate::node::{Memory, Round};

/// The value below which `share` of the sorted values lie.
fn quantile<T: Copy>(sorted: &[T], share: f64) -> T {
    let last = sorted.len() - 1;
    sorted[((last as f64) * share).round() as usize]
}

/// One row of the times.
pub(crate) fn times(name: &str, reloads: &[Reload]) {
    let mut times: Vec<Duration> = reloads.iter().map(|reload| reload.took).collect();
    times.sort_unstable();
    let ms = |share| format!("{:.0}", quantile(&times, share).as_secs_f64() * 1e3);
    println!("| {name} | {} | {} | {} | {} | {} |", times.len(), ms(0.5), ms(0.9), ms(0.99), ms(1.0));
}

/// One row of the memory: medians of the first tenth and the last.
pub(crate) fn memory(name: &str, reloads: &[Reload]) {
    let tenth = (reloads.len() / 10).max(1);
    let median = |reloads: &[Reload], of: fn(&Memory) -> u64| {
        let mut values: Vec<u64> = reloads.iter().map(|reload| of(&reload.memory)).collect();
        values.sort_unstable();
        quantile(&values, 0.5) as f64 / 1024.0
    };
    let row = |what: &str, of: fn(&Memory) -> u64| {
        let (first, last) = (median(&reloads[..tenth], of), median(&reloads[reloads.len() - tenth..], of));
        println!("| {name}: {what} | {first:.1} | {last:.1} | {:+.1} % |", (last / first - 1.0) * 100.0);
    };
    row("all", |memory| memory.resident);
    row("anonymous", |memory| memory.anonymous);
}

/// Rounds that failed or are missing, a row a node.
pub(crate) fn rounds(nodes: [(&str, &[Round]); 2], interval: Duration) {
    println!("\n| rounds meanwhile | | failed | missing | longest time between two, ms (interval {}) |", interval.as_millis());
    println!("|---|---|---|---|---|");
    for (name, rounds) in nodes {
        let failed = rounds.iter().filter(|round| !round.accepted).count();
        let missing: u64 = rounds.windows(2).map(|pair| pair[1].number.saturating_sub(pair[0].number + 1)).sum();
        let longest = rounds.windows(2).map(|pair| pair[1].at_ms.saturating_sub(pair[0].at_ms)).max().unwrap_or(0);
        println!("| {name} | {} | {failed} | {missing} | {longest} |", rounds.len());
    }
}
