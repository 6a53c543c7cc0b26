//! Records this machine's series every 2 s, as the text that `tests/fixtures/series` holds: `cargo run --example record -- MOMENTS FILE`.
//! It writes nothing but FILE, anew every 50 moments.
//!
//! One line a series: its labels as JSON, its kind, a divisor and one word a moment, tabs between them. A word is how much the value times the
//! divisor grew since the moment before; `w*n` is `w` for `n` moments, `-` a moment without a sample. Divisor 0: words are the values.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use verwalter_collect::procfs::{Reader, Roots};
use verwalter_collect::series::{Labels, SampleKind};

const INTERVAL: Duration = Duration::from_secs(2);
/// Ticks, milliseconds and microseconds are what the kernel counts time in.
const DIVISORS: [f64; 4] = [1.0, 100.0, 1e3, 1e6];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [moments, file] = arguments.as_slice() else { return Err("usage: record MOMENTS FILE".into()) };
    let moments: u32 = moments.parse()?;
    let mut reader = Reader::new(Roots::default());
    let mut series: BTreeMap<Labels, (SampleKind, Vec<f64>)> = BTreeMap::new();
    let begun = Instant::now();
    for moment in 0..moments {
        std::thread::sleep((INTERVAL * moment).saturating_sub(begun.elapsed()));
        for sample in reader.read().samples {
            let (_, values) = series.entry(sample.labels).or_insert((sample.kind, Vec::new()));
            values.resize(moment as usize, f64::NAN);
            values.push(sample.value);
        }
        if (moment + 1) % 50 == 0 || moment + 1 == moments {
            std::fs::write(file, text(&series)?)?;
        }
    }
    Ok(())
}

fn text(series: &BTreeMap<Labels, (SampleKind, Vec<f64>)>) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for (labels, (kind, values)) in series {
        let exact = |divisor: f64| {
            let back = |value: &f64| (value * divisor).round() / divisor;
            values.iter().all(|value| value.is_nan() || back(value).to_bits() == value.to_bits())
        };
        let divisor = DIVISORS.into_iter().find(|&divisor| exact(divisor));
        let kind = if *kind == SampleKind::Counter { "counter" } else { "gauge" };
        write!(text, "{}\t{kind}\t{}\t", serde_json::to_string(labels)?, divisor.unwrap_or(0.0))?;
        let mut before = 0.0;
        let words: Vec<String> = values.iter().map(|&value| word(value, divisor, &mut before)).collect();
        let runs = words.chunk_by(|a, b| a == b).map(|run| match run {
            [word] => word.clone(),
            [word, ..] => format!("{word}*{}", run.len()),
            [] => String::new(),
        });
        writeln!(text, "{}", runs.collect::<Vec<_>>().join(" "))?;
    }
    Ok(text)
}

fn word(value: f64, divisor: Option<f64>, before: &mut f64) -> String {
    if value.is_nan() {
        return "-".to_owned();
    }
    let Some(divisor) = divisor else { return value.to_string() };
    let scaled = (value * divisor).round();
    let growth = scaled - *before;
    *before = scaled;
    growth.to_string()
}
