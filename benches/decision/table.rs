//! Collects medians while criterion runs, and prints them as the README's table.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter::round::decide::Decided;

/// Against which everything else is compared.
const YARDSTICK: &str = "native, structs";

type Key = (&'static str, &'static str, usize);

#[derive(Default)]
pub(crate) struct Table {
    /// Microseconds an iteration, one a sample.
    samples: BTreeMap<Key, Vec<f64>>,
    parts: BTreeMap<Key, String>,
    order: Vec<(&'static str, &'static str)>,
}

impl Table {
    pub(crate) fn sample(&mut self, case: &'static str, name: &'static str, size: usize, took: Duration, iterations: u64) {
        if !self.order.contains(&(case, name)) {
            self.order.push((case, name));
        }
        self.samples.entry((case, name, size)).or_default().push(took.as_secs_f64() * 1e6 / iterations as f64);
    }

    pub(crate) fn parts(&mut self, case: &'static str, name: &'static str, size: usize, decided: &Decided) {
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        let text = format!(
            "document {:.0} µs, call {:.0} µs, admit {:.0} µs; fuel {}, {} KiB of guest memory",
            us(decided.prepare),
            us(decided.cost.elapsed),
            us(decided.admit),
            decided.cost.fuel,
            decided.cost.peak_memory >> 10
        );
        self.parts.insert((case, name, size), text);
    }

    fn median(&self, key: Key) -> Option<f64> {
        let mut samples = self.samples.get(&key)?.clone();
        samples.sort_by(f64::total_cmp);
        Some(samples[samples.len() / 2])
    }

    pub(crate) fn print(&self) {
        let sizes: Vec<usize> = {
            let mut sizes: Vec<usize> = self.samples.keys().filter(|(case, ..)| *case != "fixed").map(|(.., size)| *size).collect();
            sizes.sort_unstable();
            sizes.dedup();
            sizes
        };
        for case in ["first", "steady"] {
            let rows: Vec<&str> = self.order.iter().filter(|(of, _)| *of == case).map(|(_, name)| *name).collect();
            if rows.is_empty() {
                continue;
            }
            let title = if case == "first" { "first decision, all placements new" } else { "next decision, all placements kept" };
            println!("\n{title}: median µs (times {YARDSTICK})\n");
            println!("| peers | {} |", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "));
            println!("|---|{}", "---|".repeat(sizes.len()));
            for name in rows {
                let cells = sizes.iter().map(|size| {
                    let median = self.median((case, name, *size));
                    let yardstick = self.median((case, YARDSTICK, *size));
                    match (median, yardstick) {
                        (Some(median), Some(yardstick)) => format!("{median:.1} ({:.1}×)", median / yardstick),
                        (Some(median), None) => format!("{median:.1}"),
                        _ => "–".to_owned(),
                    }
                });
                println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
            }
        }
        println!("\n| fixed costs | µs |\n|---|---|");
        for (_, name) in self.order.iter().filter(|(case, _)| *case == "fixed") {
            println!("| {name} | {:.2} |", self.median(("fixed", name, 1)).unwrap_or(f64::NAN));
        }
        if let Some(largest) = sizes.last() {
            println!("\nparts of one round at {largest} peers:");
            for ((case, name, size), text) in &self.parts {
                if size == largest {
                    println!("  {case}, {name}: {text}");
                }
            }
        }
    }
}
