//! The figures as text: lines for people as they come, Markdown tables for documents.

use std::fmt::Write;

use verwalter_core::plain::plain;
use verwalter_core::ports::Kind;

use crate::cli::plugin::subject::Subject;
use crate::cli::print;
use crate::lab::baseline::{Compared, Measured, Sheet};
use crate::lab::bench::Row;

/// What a plugin's lines begin with.
pub(super) fn head(label: &str, subject: &Subject) -> anyhow::Result<()> {
    print(format_args!(
        "{label}: {}, {}, {} bytes, ready after {} ms",
        subject.loaded.kind(),
        subject.abi,
        subject.size_bytes,
        subject.load_time.as_millis()
    ))?;
    print(format_args!(
        "  {:<28} {:>6} {:>6} {:>9} {:>10} {:>9} {:>13} {:>10} {:>10}",
        "call", "peers", "calls", "min us", "median us", "p99 us", "fuel", "memory KiB", "answer B"
    ))
}

/// One line.
pub(super) fn row(row: &Row) -> anyhow::Result<()> {
    let peers = row.peers.map_or(String::new(), |peers| peers.to_string());
    if let Some(error) = &row.error {
        return print(format_args!("  {:<28} {peers:>6} FAILED: {}", row.what, plain(error, usize::MAX)));
    }
    print(format_args!(
        "  {:<28} {peers:>6} {:>6} {:>9} {:>10} {:>9} {:>13} {:>10} {:>10}",
        row.what,
        row.calls,
        row.min_us,
        row.median_us,
        row.p99_us,
        row.fuel,
        row.peak_memory_bytes >> 10,
        row.output_bytes
    ))
}

/// A figure beside the one before.
pub(super) fn compared(compared: &Compared) -> String {
    let Compared { label, what, peers, before, after } = compared;
    let peers = peers.map_or(String::new(), |peers| format!(", {peers} peers"));
    let verdict = match (after > before, after == before) {
        (_, true) => "the same".to_owned(),
        (true, _) => format!("GREW by {:.3} %", compared.percent()),
        (false, _) => format!("{:.3} % less", -compared.percent()),
    };
    format!("{label}, {what}{peers}: fuel {before}, now {after}: {verdict}")
}

/// A table a kind, a row a plugin.
pub(super) fn markdown(sheet: &Sheet, peers: &[usize]) -> String {
    let mut text = String::new();
    for kind in [Kind::Scheduler, Kind::Policy, Kind::Filter, Kind::Query] {
        let plugins: Vec<&Measured> = sheet.plugins.iter().filter(|plugin| plugin.kind == kind).collect();
        if plugins.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        match kind {
            Kind::Scheduler => by_size(&mut text, &plugins, peers, "next", "decision"),
            Kind::Policy => by_size(&mut text, &plugins, peers, "review", "review"),
            Kind::Filter | Kind::Query => by_call(&mut text, kind, &plugins),
        }
    }
    text.trim_end().to_owned()
}

/// How long a call takes in each cluster, and what the largest takes.
fn by_size(text: &mut String, plugins: &[&Measured], peers: &[usize], what: &str, name: &str) {
    let mut head = format!("| {} | ABI | size | compiled in |", plugins[0].kind);
    for size in peers {
        let _ = write!(head, " {name}, {size} peers |");
    }
    let most = peers.iter().max().copied().unwrap_or_default();
    let _ = write!(head, " fuel, {most} peers | memory, {most} peers |");
    begin(text, &head);
    for plugin in plugins {
        let find = |size: usize| plugin.rows.iter().find(|row| row.what == what && row.peers == Some(size));
        let times = peers.iter().map(|size| find(*size).map_or_else(|| "–".to_owned(), time));
        let last = find(most).filter(|row| row.error.is_none());
        let (fuel, memory) = last.map_or(("–".to_owned(), "–".to_owned()), |row| (millions(row.fuel), bytes(row.peak_memory_bytes)));
        line(text, plugin, times.chain([fuel, memory]));
    }
}

/// The cheapest and the dearest call of the cases.
fn by_call(text: &mut String, kind: Kind, plugins: &[&Measured]) {
    begin(text, &format!("| {kind} | ABI | size | compiled in | cheapest call | its fuel | dearest call | its fuel | memory |"));
    for plugin in plugins {
        let measured = || plugin.rows.iter().filter(|row| row.error.is_none());
        let (least, most) = (measured().min_by_key(|row| row.fuel), measured().max_by_key(|row| row.fuel));
        let cells = |row: Option<&Row>| row.map_or(["–".to_owned(), "–".to_owned()], |row| [time(row), millions(row.fuel)]);
        let memory = measured().map(|row| row.peak_memory_bytes).max().map_or_else(|| "–".to_owned(), bytes);
        line(text, plugin, cells(least).into_iter().chain(cells(most)).chain([memory]));
    }
}

fn begin(text: &mut String, head: &str) {
    text.push_str(head);
    text.push_str("\n|---|---|");
    text.push_str(&"---:|".repeat(head.matches('|').count() - 3));
    text.push('\n');
}

fn line(text: &mut String, plugin: &Measured, cells: impl Iterator<Item = String>) {
    let label = plugin.label.replace('|', "\\|");
    let _ = write!(text, "| {label} | {} | {} | {} |", plugin.abi, bytes(plugin.size_bytes), millis(plugin.load_ms));
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}

fn time(row: &Row) -> String {
    match (&row.error, row.median_us) {
        (Some(_), _) => "failed".to_owned(),
        (None, us @ 0..10_000) => format!("{:.2} ms", us as f64 / 1e3),
        (None, us) => format!("{:.0} ms", us as f64 / 1e3),
    }
}

fn millis(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1e3) }
}

fn millions(fuel: u64) -> String {
    if fuel < 10_000_000 { format!("{:.2} M", fuel as f64 / 1e6) } else { format!("{:.0} M", fuel as f64 / 1e6) }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
