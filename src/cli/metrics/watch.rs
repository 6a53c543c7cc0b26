//! `verwalter metrics watch`: the lines of `show` again and again, until a signal. A node that goes away and comes back is waited for.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::time::{Instant, MissedTickBehavior};

use super::Words;
use super::figure::figure;
use super::points::Points;
use super::reading::{Sampled, Told};
use super::screen::{Screen, width};
use super::show::{SamplesArgs, lines, refuse_nothing, sort, title};
use crate::cli::node;
use crate::cli::output::{heard, say};
use crate::config::units::TimeSpan;
use crate::exit::Exit;
use crate::shutdown::{OnHangup, Signals};

/// Shortest time between two refreshes: a node has other things to do.
const MIN_EVERY: Duration = Duration::from_millis(100);

/// The options of `metrics watch`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    samples: SamplesArgs,
    /// Time between two refreshes
    #[arg(long, value_name = "TIME", default_value = "1s")]
    every: TimeSpan,
}

/// Shows until it is told to end.
pub(super) fn run(args: &WatchArgs) -> anyhow::Result<Exit> {
    let words = Words::read(&args.samples.selection)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for the requests")?;
    runtime.block_on(async {
        let mut signals = Signals::listen(OnHangup::End)?;
        tokio::select! {
            shown = show(args, &words) => shown,
            _ = signals.asked() => Ok(Exit::Done),
        }
    })
}

/// Ends when nobody reads any more, or when the first answer is an error.
async fn show(args: &WatchArgs, words: &Words) -> anyhow::Result<Exit> {
    let SamplesArgs { node: node::NodeArgs { node: url }, since, json, .. } = &args.samples;
    let path = args.samples.path(words);
    let mut screen = if *json { None } else { Screen::open() };
    let mut ticks = tokio::time::interval(args.every.0.max(MIN_EVERY));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Told<Sampled>> = None;
    let mut silent: Option<Instant> = None;
    loop {
        ticks.tick().await;
        let answer = node::fetch(url, &path).await.and_then(|text| {
            let mut told: Told<Sampled> = node::read(url, &path, &text)?;
            sort(&mut told);
            Ok((text, told))
        });
        let read_on = match answer {
            Ok((text, told)) => {
                if last.is_none() {
                    refuse_nothing(words, &told)?;
                }
                if silent.take().is_some() && screen.is_none() {
                    eprintln!("verwalter: {url} answers again");
                }
                let read_on = match &mut screen {
                    Some(screen) => heard(screen.draw(&lines(&told, since.0, width())))?,
                    None if *json => say(text.trim_end())?,
                    None => say(line(&told))?,
                };
                last = Some(told);
                read_on
            }
            Err(error) => {
                // Whoever cannot be asked at all was not meant: that is told at once.
                let Some(told) = &last else { return Err(error) };
                let is_news = silent.is_none();
                let begun = *silent.get_or_insert_with(Instant::now);
                match &mut screen {
                    Some(screen) => {
                        // At the top: what is below the last row is not drawn.
                        let mut shown = vec![format!("no news for {} s, going on: {error:#}", begun.elapsed().as_secs())];
                        shown.extend(lines(told, since.0, width()));
                        heard(screen.draw(&shown))?
                    }
                    None => {
                        if is_news {
                            eprintln!("verwalter: {error:#}; going on until it answers");
                        }
                        true
                    }
                }
            }
        };
        if !read_on {
            return Ok(Exit::Done);
        }
    }
}

/// Everything in one line, for logs and pipes.
fn line(told: &Told<Sampled>) -> String {
    let newest = |series: &Sampled| {
        let bounds = Points::of(series.shown_as(), &series.samples).bounds();
        format!("{} {}", title(series), bounds.map_or("-".to_owned(), |bounds| figure(bounds.newest, series.measure())))
    };
    let mut parts: Vec<String> = told.series.iter().map(newest).collect();
    if told.left_out > 0 {
        parts.push(format!("{} more", told.left_out));
    }
    if parts.is_empty() {
        parts.push("no series matches now".to_owned());
    }
    format!("{}  {}", told.at.map_or("-".to_owned(), time_of_day), parts.join("; "))
}

/// By the node's clock, in UTC.
fn time_of_day(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_refresh() {
        let told: Told<Sampled> = serde_json::from_value(serde_json::json!({
            "at": 1_763_810_645_123_u64, "left_out": 2,
            "series": [
                { "labels": { "metric": "cpu.busy" }, "kind": "gauge", "unit": "ratio", "samples": [[2000, 0.1], [0, 0.25]] },
                { "labels": { "metric": "net.rx", "interface": "eth0" }, "kind": "counter", "unit": "bytes", "samples": [[2000, 0], [0, 4096]] },
                { "labels": { "metric": "gone" } },
            ],
        }))
        .expect("an answer");
        assert_eq!(line(&told), "11:24:05Z  cpu.busy 25 %; net.rx interface=eth0 2 KiB/s; gone -; 2 more");
        assert_eq!(line(&Told::default()), "-  no series matches now");
    }
}
