//! One plugin: what is in force, how it came there, what it costs, what is kept and what is not let in.

use serde_json::Value;
use verwalter_core::ids::UnixMillis;

use super::{ago, duration, or_dash, short};
use crate::cli::plugin::reading::{Generation, Plugin};
use verwalter_core::plain::plain;

/// Longest text that is shown of one reason, note or name, in characters.
const TEXT_CHARS: usize = 4_000;
/// Imports and filters that are listed.
const LISTED: usize = 200;

/// Lines under titles that stand once.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, title: &str, text: impl std::fmt::Display) {
        self.text.push_str(format!("{title:<12} {text}").trim_end());
        self.text.push('\n');
    }

    /// The title stands before the first line only.
    fn lines(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        for (index, line) in lines.into_iter().enumerate() {
            self.line(if index == 0 { title } else { "" }, line);
        }
    }
}

/// Everything about `plugin`.
pub(super) fn text(plugin: &Plugin, now: UnixMillis) -> String {
    let shown = |text: &str| plain(text, TEXT_CHARS);
    let word = |text: &Option<String>| or_dash(text.as_deref().map(shown));
    let mut page = Page::default();
    page.line("name", shown(&plugin.name));
    page.line("kind", word(&plugin.kind));
    page.line("mode", word(&plugin.mode));
    page.line("state", word(&plugin.state));
    page.line("digest", word(&plugin.digest));
    if plugin.activated_at.is_some() {
        page.line("activated", format!("{}, {} since the start", ago(plugin.activated_at, now), times(plugin.activations.unwrap_or(0))));
    }
    if let (Some(abi), Some(bytes)) = (&plugin.abi, plugin.size_bytes) {
        page.line("file", format!("{}, {bytes} bytes", shown(abi)));
    }
    if let Some(error) = &plugin.error {
        let build = error.digest.as_deref().map(|digest| format!(", build {}", short(digest))).unwrap_or_default();
        page.line("error", format!("{} {} {}{build}: {}", word(&error.step), plugin.fared(), ago(error.at, now), shown(&error.reason)));
    }
    page.lines(
        "steps",
        plugin.steps.iter().map(|step| {
            let note = step.note.as_deref().map(|note| format!("  {}", shown(note))).unwrap_or_default();
            let took = or_dash(step.took_us.map(duration));
            format!("{:<14} {:<8} {took:>9}{note}", shown(&step.step), shown(&step.outcome))
        }),
    );
    page.lines("generations", plugin.generations.iter().map(|generation| kept(generation, now)));
    page.lines(
        "quarantine",
        plugin.quarantined.iter().map(|build| {
            let lift = format!("lift it with `verwalter plugin release {}`", shown(&plugin.name));
            format!("{} quarantined {}: {}; {lift}", short(&build.digest), ago(build.since, now), shown(&build.reason))
        }),
    );
    costs(&mut page, plugin);
    page.lines("filters", plugin.filters.iter().take(LISTED).map(|name| shown(name)));
    page.lines("imports", plugin.imports.iter().take(LISTED).map(|name| shown(name)));
    let limit = |value: &Value| value.as_str().map_or_else(|| shown(&value.to_string()), shown);
    page.lines("limits", plugin.limits.iter().map(|(name, value)| format!("{:<14} {}", shown(name), limit(value))));
    page.text
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn kept(generation: &Generation, now: UnixMillis) -> String {
    let mut line = format!("{:<4} {}  {}", or_dash(generation.number), short(&generation.digest), ago(generation.activated_at, now));
    if generation.in_force {
        line.push_str(", in force");
    }
    if generation.proven {
        line.push_str(", proven");
    }
    if let Some(reason) = &generation.quarantined {
        line.push_str(&format!(", in quarantine: {}", plain(reason, TEXT_CHARS)));
    }
    line
}

fn costs(page: &mut Page, plugin: &Plugin) {
    let metrics = &plugin.metrics;
    let Some(calls) = metrics.calls else { return };
    let failures = metrics.failures.iter().map(|(cause, count)| format!("{} {count}", plain(cause, TEXT_CHARS)));
    let failures: Vec<String> = failures.collect();
    let by_cause = if failures.is_empty() { String::new() } else { format!(" ({})", failures.join(", ")) };
    page.line("calls", format!("{calls}, {} failed{by_cause}", plugin.failures().unwrap_or(0)));
    let latency = &metrics.latency_us;
    if let (Some(p50), Some(p90), Some(p99), Some(max)) = (latency.p50, latency.p90, latency.p99, latency.max) {
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(duration);
        page.line("latency", format!("{p50} p50, {p90} p90, {p99} p99, {max} at most"));
    }
    if let (Some(last), Some(total)) = (metrics.fuel.last, metrics.fuel.total) {
        page.line("fuel", format!("{last} last, {total} in all"));
    }
    if let Some(bytes) = metrics.peak_memory_bytes {
        page.line("memory", format!("{} KiB at most", bytes >> 10));
    }
    if let (Some(lines), Some(suppressed)) = (metrics.log_lines, metrics.log_suppressed) {
        page.line("log", format!("{lines} lines, {suppressed} more suppressed"));
    }
}
