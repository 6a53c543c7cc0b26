//! What the samples of one series say, and what several series say together: pure functions that every source uses, so that a rule means
//! the same whichever agent a site runs.
//!
//! Samples come newest first with the time at which their source took them; how they are kept is the caller's affair.

use std::time::Duration;

use verwalter_core::metrics::{Combine, MAX_SAMPLES, MetricRule, Take};

use crate::series::SampleKind;

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Now, on the same clock as the samples' times. What is later does not count.
    pub now: Duration,
    /// A newest sample older than this says nothing about now: normally three intervals of the source.
    pub stale: Duration,
}

/// What `rule` makes of one series: a number, or NaN where no sample says anything.
///
/// * [`Take::Last`], [`Take::Series`]: the newest sample, unless it is stale.
/// * [`Take::Rate`]: units a second of a counter. The sum of its increments, where a fall is a reset and the value after it counts whole,
///   divided by the time between the oldest and the newest sample used: those in the window, or the only one there and the nearest older.
///   A level has no rate, and no more has a series whose newest sample is stale: a process that ended would count beside its successor until
///   the window has passed.
/// * [`Take::Delta`]: the same sum without the division; of a level the newest sample less the oldest. Nothing is extrapolated. An older
///   sample is borrowed only while it is not stale at the window's begin: else much more than the window would be told. What ended within
///   the window counts: its growth lies there.
/// * [`Take::Avg`], [`Take::Min`], [`Take::Max`], [`Take::P95`]: over the samples in the window, both ends included.
///
/// Which samples count is said at [`steady`].
pub fn take(rule: &MetricRule, kind: SampleKind, newest_first: impl IntoIterator<Item = (Duration, f64)>, asked: Asked) -> f64 {
    let Asked { now, stale } = asked;
    let since = now.saturating_sub(rule.window);
    let mut past = steady(newest_first, now).peekable();
    let fresh = past.peek().is_some_and(|(at, _)| now - *at <= stale);
    let in_window = |(at, _): &(Duration, f64)| *at >= since;
    let value = |(_, value)| value;
    match (rule.take, kind) {
        (Take::Last | Take::Series, _) if fresh => past.next().map_or(f64::NAN, value),
        (Take::Rate, SampleKind::Counter) if fresh => match growth(used(past, since, Duration::MAX)) {
            Some((growth, covered)) => growth / covered.as_secs_f64(),
            None => f64::NAN,
        },
        (Take::Last | Take::Series | Take::Rate, _) => f64::NAN,
        (Take::Delta, SampleKind::Counter) => growth(used(past, since, stale)).map_or(f64::NAN, |(growth, _)| growth),
        (Take::Delta, SampleKind::Gauge) => {
            let mut used = used(past, since, stale).map(value);
            match (used.next(), used.last()) {
                (Some(newest), Some(oldest)) => newest - oldest,
                _ => f64::NAN,
            }
        }
        (Take::Avg, _) => mean(past.take_while(in_window).map(value)),
        (Take::Min, _) => past.take_while(in_window).map(value).fold(f64::NAN, f64::min),
        (Take::Max, _) => past.take_while(in_window).map(value).fold(f64::NAN, f64::max),
        (Take::P95, _) => p95(past.take_while(in_window).map(value).collect()),
    }
}

/// The samples that count: finite, not after `now`, and each older than the one before it.
///
/// Of two with one time the newer counts. A sample with a later time than the one after it was taken before its source's clock was set back:
/// there the past ends, since no time between it and the newer ones is known. A clock set forward looks like missed samples.
pub fn steady<I: IntoIterator<Item = (Duration, f64)>>(newest_first: I, now: Duration) -> Steady<I::IntoIter> {
    Steady { newest_first: newest_first.into_iter(), now, following: None, ended: false }
}

/// See [`steady`].
#[derive(Debug)]
pub struct Steady<I> {
    newest_first: I,
    now: Duration,
    following: Option<Duration>,
    ended: bool,
}

impl<I: Iterator<Item = (Duration, f64)>> Iterator for Steady<I> {
    type Item = (Duration, f64);

    fn next(&mut self) -> Option<(Duration, f64)> {
        while !self.ended {
            let (at, value) = self.newest_first.next()?;
            if !value.is_finite() {
                continue;
            }
            match self.following {
                Some(following) if at > following => self.ended = true,
                Some(following) if at == following => {}
                _ => {
                    self.following = Some(at);
                    if at <= self.now {
                        return Some((at, value));
                    }
                }
            }
        }
        None
    }
}

/// The samples from `since` on; where there is only one, the nearest older as well if it is at most `reach` before `since`.
fn used(past: impl Iterator<Item = (Duration, f64)>, since: Duration, reach: Duration) -> impl Iterator<Item = (Duration, f64)> {
    let borrowed = move |place: usize, at: Duration| place == 1 && at.saturating_add(reach) >= since;
    past.enumerate().take_while(move |(place, (at, _))| *at >= since || borrowed(*place, *at)).map(|(_, sample)| sample)
}

/// How much a counter grew, and in which time, never none.
fn growth(mut newest_first: impl Iterator<Item = (Duration, f64)>) -> Option<(f64, Duration)> {
    let (newest, mut later) = newest_first.next()?;
    let mut oldest = newest;
    let mut growth = 0.0;
    for (at, value) in newest_first {
        growth += if later >= value { later - value } else { later };
        (oldest, later) = (at, value);
    }
    (oldest < newest).then(|| (growth, newest - oldest))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

/// By nearest rank: the least value that is not below 95 of 100 of them.
fn p95(mut values: Vec<f64>) -> f64 {
    let Some(place) = (values.len() * 95).div_ceil(100).checked_sub(1) else { return f64::NAN };
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// What several series say together. Those that say nothing, NaN, are left out; what overflows is NaN, for no document has a text for it.
pub fn combine(how: Combine, values: impl Iterator<Item = f64>) -> f64 {
    let values = values.filter(|value| !value.is_nan());
    let combined = match how {
        Combine::Sum => values.reduce(|a, b| a + b).unwrap_or(f64::NAN),
        Combine::Avg => mean(values),
        Combine::Min => values.fold(f64::NAN, f64::min),
        Combine::Max => values.fold(f64::NAN, f64::max),
    };
    if combined.is_finite() { combined } else { f64::NAN }
}

/// What [`Take::Series`] keeps of several series: for each time in the window at which one of them has a sample, what [`Take::Last`] would
/// have said then of all of them. Oldest first; of more than [`MAX_SAMPLES`] the newest.
pub fn samples<I>(rule: &MetricRule, series: impl IntoIterator<Item = I>, asked: Asked) -> Vec<f64>
where
    I: IntoIterator<Item = (Duration, f64)>,
{
    let since = asked.now.saturating_sub(rule.window);
    let mut pasts: Vec<_> = series.into_iter().map(|newest_first| steady(newest_first, asked.now).peekable()).collect();
    let mut values = Vec::new();
    while values.len() < MAX_SAMPLES {
        let newest = pasts.iter_mut().filter_map(|past| past.peek().map(|(at, _)| *at)).max();
        let Some(at) = newest.filter(|at| *at >= since) else { break };
        let said = pasts.iter_mut().filter_map(|past| past.peek()).filter(|(then, _)| at - *then <= asked.stale);
        let combined = combine(rule.combine, said.map(|(_, value)| *value));
        if !combined.is_nan() {
            values.push(combined);
        }
        for past in &mut pasts {
            past.next_if(|(then, _)| *then == at);
        }
    }
    values.reverse();
    values
}

#[cfg(test)]
mod tests;
