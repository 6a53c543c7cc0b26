//! `verwalter metrics …`: this machine's own hour of figures as its node keeps it, and the list of a cantal agent. It changes nothing.

mod cantal;
mod figure;
mod ls;
mod points;
mod reading;
mod screen;
mod show;
pub(super) mod table;
mod watch;

use std::fmt;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use verwalter_collect::query::{Selection, SelectionError};

use super::node;
use crate::exit::Exit;
use crate::http::client::NodeUrl;
use verwalter_core::plain::plain;

/// Longest text that a message takes from elsewhere, in characters.
const SHOWN_CHARS: usize = 1_000;

/// The options of `metrics`.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    #[command(subcommand)]
    command: MetricsCommand,
}

#[derive(Debug, Subcommand)]
enum MetricsCommand {
    /// List series with their newest values
    Ls(ls::LsArgs),
    /// Show what series did lately: a line each, with a sparkline; counters as rates
    Show(show::ShowArgs),
    /// Show the same again and again, until Ctrl-C
    Watch(watch::WatchArgs),
}

/// Does what the command line says.
pub fn run(args: &MetricsArgs) -> anyhow::Result<Exit> {
    match &args.command {
        MetricsCommand::Ls(args) => ls::run(args),
        MetricsCommand::Show(args) => show::run(args),
        MetricsCommand::Watch(args) => watch::run(args),
    }
}

/// Words that choose series, understood.
#[derive(Debug, Clone)]
struct Words {
    words: Vec<String>,
    selection: Selection,
}

impl Words {
    fn read(words: &[String]) -> Result<Words, SelectionError> {
        let selection = Selection::read(words.iter().map(String::as_str))?;
        Ok(Words { words: words.to_vec(), selection })
    }

    /// Them as parameters of a question to the API.
    fn parameters(&self) -> String {
        self.words.iter().map(|word| format!("match={}&", escaped(word))).collect()
    }

    /// Why there is nothing to show.
    fn nothing(&self, near: &[String]) -> anyhow::Error {
        if self.words.is_empty() {
            return anyhow::anyhow!("there are no series: the log says which figures cannot be read");
        }
        let near: Vec<String> = near.iter().map(|one| plain(one, SHOWN_CHARS)).collect();
        let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        anyhow::anyhow!("no series matches {self}{near} (`verwalter metrics ls` lists all)")
    }
}

/// As in a sentence.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", plain(&self.words.join(" "), SHOWN_CHARS))
    }
}

/// For a URL: everything but letters, digits and what no URL reads otherwise.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// What a node answers, as it wrote it and as it is understood.
fn ask<T: DeserializeOwned>(url: &NodeUrl, path: &str) -> anyhow::Result<(String, T)> {
    let text = node::get_text(url, path)?;
    let read = node::read(url, path, &text)?;
    Ok((text, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        let words = Words::read(&["disk.*".to_owned(), r#"device=~"sd. é&""#.to_owned()]).expect("a selection");
        assert_eq!(words.parameters(), "match=disk.%2A&match=device%3D~%22sd.%20%C3%A9%26%22&");
        assert_eq!(words.to_string(), r#"`disk.* device=~"sd. é&"`"#);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_near() {
        let words = Words::read(&["cpu.bussy".to_owned()]).expect("a selection");
        let told = words.nothing(&["cpu.busy".to_owned(), "x\x1b[2J".to_owned()]).to_string();
        assert_eq!(told, "no series matches `cpu.bussy`; near it: cpu.busy, x\\u{1b}[2J (`verwalter metrics ls` lists all)");
        assert_eq!(words.nothing(&[]).to_string(), "no series matches `cpu.bussy` (`verwalter metrics ls` lists all)");
    }
}
