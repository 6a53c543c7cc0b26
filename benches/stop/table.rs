//! The tables that the README shows. It measures nothing but this process's memory.

use std::time::Duration;

/// One row: what came of one guest.
pub(crate) struct Row {
    name: &'static str,
    times: Vec<Duration>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Row {
        Row { name, times: Vec::new() }
    }

    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(time);
    }
}

/// The value below which `share` of the sorted values lie.
fn quantile<T: Copy>(sorted: &[T], share: f64) -> T {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

pub(crate) fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    quantile(&times, 0.5).as_secs_f64() * 1e3
}

/// A table of times.
pub(crate) fn print(title: &str, rows: &[Row]) {
    println!("\n| {title} | calls | median | 99 % | most |\n|---|---|---|---|---|");
    for row in rows {
        let mut times = row.times.clone();
        times.sort_unstable();
        let ms = |share| format!("{:.2}", quantile(&times, share).as_secs_f64() * 1e3);
        println!("| {} | {} | {} | {} | {} |", row.name, times.len(), ms(0.5), ms(0.99), ms(1.0));
    }
}

/// This process, as the kernel counts it.
pub(crate) fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Medians of the first tenth and the last.
pub(crate) fn print_memory(resident_kib: &[u64]) {
    let tenth = (resident_kib.len() / 10).max(1);
    let median = |part: &[u64]| {
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        quantile(&sorted, 0.5) as f64 / 1024.0
    };
    let (first, last) = (median(&resident_kib[..tenth]), median(&resident_kib[resident_kib.len() - tenth..]));
    println!("\n| resident memory over {} stopped calls, MiB | first tenth | last tenth | |\n|---|---|---|---|", resident_kib.len());
    println!("| half of them with 64 MiB touched | {first:.1} | {last:.1} | {:+.1} % |", (last / first - 1.0) * 100.0);
}
