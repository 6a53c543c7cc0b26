//! `verwalter metrics show`: what series did lately, a line each.

use std::time::Duration;

use clap::Args;

use super::figure::figure;
use super::ls::{by_name, conditions, name};
use super::points::{Bounds, Points};
use super::reading::{Sampled, Told};
use super::table::{self, Align};
use super::{Words, ask, screen};
use crate::cli::node::NodeArgs;
use crate::cli::print;
use crate::config::units::TimeSpan;
use crate::exit::Exit;
use verwalter_core::plain::plain;

/// Narrowest and widest sparkline, in columns. Below, it says nothing; above, the eye does not follow.
const SPARKLINE: (usize, usize) = (10, 60);
/// Narrowest name of a series on a narrow terminal, in characters.
const MIN_NAME: usize = 24;
/// Longest name of a series where nothing narrows it.
const MAX_NAME: usize = 200;

/// What stands over the figures.
const HEAD: [&str; 4] = ["MIN", "AVG", "MAX", "NEWEST"];
/// Between two columns of the table.
const GAP: usize = 2;

/// Which samples.
#[derive(Debug, Args)]
pub(super) struct SamplesArgs {
    /// Metrics (`cpu.*`) and conditions on labels (`device=sda`, `interface!~"lo|veth.*"`)
    #[arg(required = true)]
    pub(super) selection: Vec<String>,
    /// How far back, at most 1h
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(super) since: TimeSpan,
    /// Print JSON, as the API has it
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

impl SamplesArgs {
    /// Where they are asked.
    pub(super) fn path(&self, words: &Words) -> String {
        format!("/v1/metrics/samples?{}since={}ms", words.parameters(), self.since.0.as_millis())
    }
}

/// The options of `metrics show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    samples: SamplesArgs,
}

/// Prints the lines.
pub(super) fn run(args: &ShowArgs) -> anyhow::Result<Exit> {
    let args = &args.samples;
    let words = Words::read(&args.selection)?;
    let (text, mut told) = ask::<Told<Sampled>>(&args.node.node, &args.path(&words))?;
    sort(&mut told);
    if args.json {
        print(text.trim_end())?;
    }
    refuse_nothing(&words, &told)?;
    if args.json {
        return Ok(Exit::Done);
    }
    for line in lines(&told, args.since.0, screen::width()) {
        print(line)?;
    }
    Ok(Exit::Done)
}

/// In the order in which people look for a series.
pub(super) fn sort(told: &mut Told<Sampled>) {
    told.series.sort_by(|a, b| by_name(&a.labels, &b.labels));
}

/// Nothing to show is an error.
pub(super) fn refuse_nothing(words: &Words, told: &Told<Sampled>) -> anyhow::Result<()> {
    anyhow::ensure!(!told.series.is_empty() || told.readings != Some(0), "the node has taken no samples yet: ask again in a moment");
    if told.series.is_empty() { Err(words.nothing(&told.near)) } else { Ok(()) }
}

/// A series as its line shows it.
struct Shown {
    title: String,
    points: Points,
    /// In the order of [`HEAD`].
    figures: [String; 4],
    note: String,
}

/// The table, the head first, fit for so many columns of a terminal; `None`: as wide as it likes.
pub(super) fn lines(told: &Told<Sampled>, since: Duration, width: Option<usize>) -> Vec<String> {
    let shown: Vec<Shown> = told.series.iter().map(Shown::of).collect();
    let widest = |cell: &dyn Fn(&Shown) -> &str, head: &str| {
        let cells = shown.iter().map(|one| cell(one).chars().count());
        cells.max().unwrap_or(0).max(head.len())
    };
    let names = widest(&|one| &one.title, "SERIES");
    let numbers: usize = (0..HEAD.len()).map(|place| GAP + widest(&|one| &one.figures[place], HEAD[place])).sum();
    let notes = match widest(&|one| &one.note, "") {
        0 => 0,
        wide => GAP + wide,
    };
    // Names give way until they are no names any more, then the sparkline.
    let left = width.map_or(usize::MAX, |width| width.saturating_sub(numbers + notes + GAP));
    let name_width = names.min(left.saturating_sub(SPARKLINE.0).max(MIN_NAME));
    let columns = left.saturating_sub(name_width).clamp(SPARKLINE.0, SPARKLINE.1);
    let row = |Shown { title, points, figures: [min, avg, max, newest], note }| {
        [shortened(title, name_width), points.sparkline(since.as_secs_f64(), columns), min, avg, max, newest, note]
    };
    let rows: Vec<[String; 7]> = shown.into_iter().map(row).collect();
    let span = format!("LAST {}", TimeSpan(since));
    let (left, right, [min, avg, max, newest]) = (Align::Left, Align::Right, HEAD);
    let head = [("SERIES", left), (span.as_str(), left), (min, right), (avg, right), (max, right), (newest, right), ("", left)];
    let mut lines = table::lines(head, &rows);
    if told.left_out > 0 {
        lines.push(format!("{} more series match: narrow the selection", told.left_out));
    }
    lines
}

impl Shown {
    fn of(series: &Sampled) -> Shown {
        let points = Points::of(series.shown_as(), &series.samples);
        let figures = match points.bounds() {
            Some(Bounds { min, avg, max, newest }) => [min, avg, max, newest].map(|value| figure(value, series.measure())),
            None => HEAD.map(|_| "-".to_owned()),
        };
        let note = match points.resets {
            0 => String::new(),
            1 => "1 reset".to_owned(),
            resets => format!("{resets} resets"),
        };
        Shown { title: title(series), points, figures, note }
    }
}

/// The series, as words that select it again.
pub(super) fn title(series: &Sampled) -> String {
    let title = format!("{} {}", name(&series.labels), conditions(&series.labels));
    plain(title.trim_end(), MAX_NAME)
}

fn shortened(title: String, width: usize) -> String {
    if title.chars().count() <= width { title } else { plain(&title, width.saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told<Sampled> {
        let series = |metric: &str, kind: &str, unit: &str, values: &[f64]| {
            let ages = (0..values.len()).rev().map(|place| 2_000 * place as u64);
            let samples: Vec<(u64, f64)> = ages.zip(values.iter().copied()).collect();
            let text = serde_json::json!({ "labels": { "metric": metric, "cgroup": "system.slice" }, "kind": kind, "unit": unit, "samples": samples });
            serde_json::from_value(text).expect("a series")
        };
        let series = vec![
            series("cpu.busy", "gauge", "ratio", &[0.0, 0.25, 0.5, 1.0]),
            series("net.rx", "counter", "bytes", &[4096.0, 8192.0, 1024.0, 3072.0]),
            series("x", "gauge", "", &[]),
        ];
        Told { series, left_out: 3, ..Told::default() }
    }

    #[test]
    fn one_line_a_series() {
        let lines = lines(&told(), Duration::from_secs(8), Some(96));
        let check = |line: usize, begin: &str, end: &str| {
            let text = &lines[line];
            assert!(text.starts_with(begin) && text.ends_with(end) && text.chars().count() <= 96, "{line}: {lines:#?}");
        };
        check(0, "SERIES                        LAST 8s ", "MIN         AVG      MAX   NEWEST");
        check(1, "cpu.busy cgroup=system.slice  ", "█      0 %      43.8 %    100 %    100 %");
        check(2, "net.rx cgroup=system.slice    ", "▃  512 B/s  1.17 KiB/s  2 KiB/s  1 KiB/s  1 reset");
        check(3, "x cgroup=system.slice         ", "-           -        -        -");
        check(4, "3 more series match: narrow the selection", "");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn narrow_terminals_shorten_the_names() {
        let narrow = lines(&told(), Duration::from_secs(8), Some(60));
        assert!(narrow[1].starts_with("cpu.busy cgroup=system.…  "), "{narrow:#?}");
        let wide = lines(&told(), Duration::from_secs(8), None);
        assert!(wide[2].contains(&"█".repeat(10)), "{wide:#?}");
    }
}
