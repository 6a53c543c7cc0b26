//! All plugins, one line each, and below it what is wrong.

use verwalter_core::ids::UnixMillis;

use super::{ago, duration, or_dash, short};
use crate::cli::plugin::reading::{Plugin, Plugins};
use verwalter_core::plain::plain;

const HEAD: [&str; 10] = ["NAME", "KIND", "MODE", "STATE", "GEN", "DIGEST", "CALLS", "FAILED", "P50", "P99"];
/// From this column on there are numbers, which stand to the right.
const FIRST_NUMBER: usize = 6;
/// Widest cell that a stranger's word may take, in characters.
const CELL_CHARS: usize = 64;
/// Longest reason, in characters: one plugin's must not push the others off the screen. `plugin status NAME` has the whole.
const REASON_CHARS: usize = 500;

/// The table.
pub(super) fn text(all: &Plugins, now: UnixMillis) -> String {
    let plugins = &all.plugins;
    let reloading = match all.reloading_since {
        Some(begun) => format!("a reload that began {} is under way: what follows was before it\n", ago(Some(begun), now)),
        None => String::new(),
    };
    if plugins.is_empty() {
        return reloading + "no plugins: put NAME.wasm and NAME.yaml into the plugins directory";
    }
    let rows: Vec<[String; HEAD.len()]> = plugins.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(HEAD[column].len());
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = reloading + &line(&HEAD.map(str::to_owned), &widths);
    for (plugin, row) in plugins.iter().zip(&rows) {
        text.push_str(&line(row, &widths));
        if let Some(error) = &plugin.error {
            let build = error.digest.as_ref().map(|digest| format!(", build {}", short(digest))).unwrap_or_default();
            let step = plain(error.step.as_deref().unwrap_or("activation"), CELL_CHARS);
            text.push_str(&format!("  {step} {} {}{build}: {}\n", plugin.fared(), ago(error.at, now), plain(&error.reason, REASON_CHARS)));
        }
        for quarantined in &plugin.quarantined {
            let (build, reason) = (short(&quarantined.digest), plain(&quarantined.reason, REASON_CHARS));
            text.push_str(&format!("  build {build} was put into quarantine {}: {reason}\n", ago(quarantined.since, now)));
        }
    }
    text
}

fn row(plugin: &Plugin) -> [String; HEAD.len()] {
    let word = |text: &Option<String>| or_dash(text.as_ref().map(|text| plain(text, CELL_CHARS)));
    [
        plain(&plugin.name, CELL_CHARS),
        word(&plugin.kind),
        word(&plugin.mode),
        word(&plugin.state),
        or_dash(plugin.generation()),
        or_dash(plugin.digest.as_deref().map(short)),
        or_dash(plugin.metrics.calls),
        or_dash(plugin.failures()),
        or_dash(plugin.metrics.latency_us.p50.map(duration)),
        or_dash(plugin.metrics.latency_us.p99.map(duration)),
    ]
}

fn line(cells: &[String; HEAD.len()], widths: &[usize]) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = if column < FIRST_NUMBER { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
        line.push_str(&cell);
        line.push_str("  ");
    }
    format!("{}\n", line.trim_end())
}
