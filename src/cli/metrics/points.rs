//! What a line of `show` says of a series: its samples as points, a counter's as rates between neighbours, their bounds and a sparkline. It
//! reads no clock: every sample comes with its age.

/// From little to much.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A point older than this many of the usual gaps says nothing about the time after it: as for `take: last`.
const STALE_GAPS: f64 = 3.0;

/// What the numbers of a series become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// What they are.
    Level,
    /// Their growth a second.
    Rate,
}

/// One number that holds at, or until, a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    age: f64,
    value: f64,
    /// The time that it speaks for; of levels all the same.
    weight: f64,
}

/// A series, ready to be shown. Times are in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Points {
    /// The oldest first.
    points: Vec<Point>,
    gap: f64,
    /// How often a counter fell: whatever counts was started again.
    pub(super) resets: usize,
}

/// What the points come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) min: f64,
    pub(super) avg: f64,
    pub(super) max: f64,
    pub(super) newest: f64,
}

impl Points {
    /// Of samples with their ages in milliseconds, the oldest first. What is in another order, or no number, is left out.
    pub(super) fn of(how: As, samples: &[(u64, f64)]) -> Points {
        let mut made = Points::default();
        let mut before: Option<(f64, f64)> = None;
        let mut gaps = Vec::new();
        for &(age_ms, value) in samples {
            let age = age_ms as f64 / 1e3;
            if !value.is_finite() || before.is_some_and(|(before, _)| age >= before) {
                continue;
            }
            let gap = before.map(|(before, _)| before - age);
            gaps.extend(gap);
            match (how, before.zip(gap)) {
                (As::Level, _) => made.points.push(Point { age, value, weight: 1.0 }),
                // What stood there before the first sample is not known.
                (As::Rate, None) => {}
                (As::Rate, Some(((_, earlier), gap))) => {
                    // As everywhere: a counter that fell began again at zero.
                    made.resets += usize::from(value < earlier);
                    let growth = if value < earlier { value } else { value - earlier };
                    made.points.push(Point { age, value: growth / gap, weight: gap });
                }
            }
            before = Some((age, value));
        }
        gaps.sort_by(f64::total_cmp);
        made.gap = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
        made
    }

    /// `None` without any point. The mean of rates is the whole growth by the whole time.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        let newest = self.points.last()?.value;
        let values = || self.points.iter().map(|point| point.value);
        let weight: f64 = self.points.iter().map(|point| point.weight).sum();
        let sum: f64 = self.points.iter().map(|point| point.value * point.weight).sum();
        let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        Some(Bounds { min, avg: sum / weight, max, newest })
    }

    /// A line of `columns` blocks over the last `since` seconds, the lowest for the least of them, the highest for the greatest. A column is the
    /// mean of its points; one without any goes on with the last, unless that is stale: then, and before the first, it is blank.
    pub(super) fn sparkline(&self, since: f64, columns: usize) -> String {
        let mut sums = vec![(0.0, 0.0, 0.0); columns];
        let width = since / columns as f64;
        for point in self.points.iter().filter(|point| point.age <= since) {
            // A column's end belongs to it, and the newest of all to the last.
            let column = (((since - point.age) / width) as usize).min(columns.saturating_sub(1));
            if let Some((sum, weight, youngest)) = sums.get_mut(column) {
                *sum += point.value * point.weight;
                *weight += point.weight;
                *youngest = point.age;
            }
        }
        let mut last: Option<(f64, f64)> = None;
        let heights: Vec<Option<f64>> = (1_u32..)
            .zip(sums)
            .map(|(column, (sum, weight, youngest))| {
                if weight > 0.0 {
                    last = Some((youngest, sum / weight));
                }
                // From the point to where the column begins: a column is not stale for being wide.
                let begins = since - f64::from(column - 1) * width;
                last.filter(|(age, _)| age - begins <= STALE_GAPS * self.gap).map(|(_, value)| value)
            })
            .collect();
        let known = || heights.iter().flatten().copied();
        let (min, max) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
        let block = |value: f64| {
            let share = if max > min { (value - min) / (max - min) } else { 0.0 };
            BLOCKS[((share * BLOCKS.len() as f64) as usize).min(BLOCKS.len() - 1)]
        };
        heights.iter().map(|height| height.map_or(' ', block)).collect()
    }
}

#[cfg(test)]
mod tests;
