//! `verwalter metrics ls`: series with their newest values, of a node or of a cantal agent.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use verwalter_collect::series::MAX_SERIES;

use super::figure::{age, figure};
use super::reading::{Line, Told};
use super::table::{self, Align};
use super::{Words, ask, cantal};
use crate::cli::node::NodeArgs;
use crate::cli::print;
use crate::exit::Exit;
use verwalter_core::plain::plain;

/// Longest label or text that a cell shows, in characters.
const CELL_CHARS: usize = 200;

/// The options of `metrics ls`.
#[derive(Debug, Args)]
pub(super) struct LsArgs {
    /// Metrics (`cpu.*`) and conditions on labels (`device=sda`, `interface!~"lo|veth.*"`) [default: all series]
    selection: Vec<String>,
    /// Print JSON, as the API has it
    #[arg(long)]
    json: bool,
    /// Whom to ask
    #[arg(long, value_name = "SOURCE", default_value = "node")]
    source: Source,
    /// The cantal agent, with `--source cantal` [default: 127.0.0.1:22682]
    #[arg(long, value_name = "ADDR:PORT")]
    cantal: Option<SocketAddr>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// The running node.
    Node,
    /// A cantal agent, without any node.
    Cantal,
}

/// Prints the list.
pub(super) fn run(args: &LsArgs) -> anyhow::Result<Exit> {
    let words = Words::read(&args.selection)?;
    anyhow::ensure!(args.cantal.is_none() || args.source == Source::Cantal, "--cantal says where an agent is: add --source cantal");
    let (json, mut told) = match args.source {
        Source::Cantal => cantal::list(args.cantal.unwrap_or_else(cantal::default_address), &words)?,
        Source::Node => {
            let path = format!("/v1/metrics?{}limit={MAX_SERIES}", words.parameters());
            let (text, told) = ask::<Told<Line>>(&args.node.node, &path)?;
            (text.trim_end().to_owned(), told)
        }
    };
    if args.json {
        print(json)?;
    }
    if told.series.is_empty() {
        anyhow::ensure!(told.readings != Some(0), "the node has taken no samples yet: ask again in a moment");
        return Err(words.nothing(&told.near));
    }
    if args.json {
        return Ok(Exit::Done);
    }
    told.series.sort_by(|a, b| by_name(&a.labels, &b.labels));
    for line in lines(&told.series) {
        print(line)?;
    }
    if told.left_out > 0 {
        print(format_args!("{} more are left out: narrow the selection", told.left_out))?;
    }
    Ok(Exit::Done)
}

fn lines(series: &[Line]) -> Vec<String> {
    let rows: Vec<[String; 5]> = series.iter().map(row).collect();
    let head = [("NAME", Align::Left), ("LABELS", Align::Left), ("KIND", Align::Left), ("NEWEST", Align::Right), ("AGE", Align::Right)];
    table::lines(head, &rows)
}

fn row(line: &Line) -> [String; 5] {
    let newest = match (&line.state, line.value) {
        (Some(state), _) => plain(state, CELL_CHARS),
        (None, Some(value)) => figure(value, line.measure()),
        (None, None) => "-".to_owned(),
    };
    [name(&line.labels), conditions(&line.labels), plain(&line.kind, CELL_CHARS), newest, line.age_ms.map_or("-".to_owned(), age)]
}

/// By metric, then by the other labels: people look for a name.
pub(super) fn by_name(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Ordering {
    a.get("metric").cmp(&b.get("metric")).then_with(|| a.cmp(b))
}

/// The metric.
pub(super) fn name(labels: &BTreeMap<String, String>) -> String {
    labels.get("metric").map_or("-".to_owned(), |metric| plain(metric, CELL_CHARS))
}

/// The other labels, as words that select the series again.
pub(super) fn conditions(labels: &BTreeMap<String, String>) -> String {
    let others = labels.iter().filter(|(label, _)| *label != "metric");
    let words = others.map(|(label, value)| {
        let quoted = value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let value = if quoted { format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"")) } else { value.clone() };
        plain(&format!("{label}={value}"), CELL_CHARS)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_table() {
        let series = [
            Line {
                labels: labels(&[("metric", "disk.read.bytes"), ("device", "sda"), ("layer", "physical")]),
                kind: "counter".to_owned(),
                unit: Some("bytes".to_owned()),
                value: Some(1_572_864.0),
                age_ms: Some(431),
                ..Line::default()
            },
            Line {
                labels: labels(&[("metric", "job"), ("pid", "7")]),
                kind: "state".to_owned(),
                state: Some("GET\n/".to_owned()),
                ..Line::default()
            },
            Line { labels: labels(&[("metric", "silent")]), kind: "gauge".to_owned(), ..Line::default() },
        ];
        let expect = [
            "NAME             LABELS                     KIND       NEWEST    AGE",
            "disk.read.bytes  device=sda layer=physical  counter  1.50 MiB  0.4 s",
            "job              pid=7                      state      GET\\n/      -",
            "silent                                      gauge           -      -",
        ];
        assert_eq!(lines(&series), expect);
    }

    #[test]
    fn labels_are_words_that_select_again() {
        let check = |value: &str, expect: &str| assert_eq!(conditions(&labels(&[("metric", "x"), ("a", value)])), expect);
        check("sda", "a=sda");
        check("", r#"a="""#);
        check("a b", r#"a="a b""#);
        check(r#"a"\b"#, r#"a="a\"\\b""#);
        check("\x1b[2J", "a=\\u{1b}[2J");
    }
}
