//! Reads what `examples/record.rs` wrote of a machine, and plays it for as long as somebody listens.

use std::path::Path;

use verwalter_collect::series::{Labels, Sample, SampleKind};

/// A machine's series at moments 2 s apart.
pub(crate) struct Recording {
    series: Vec<Series>,
}

struct Series {
    labels: Labels,
    kind: SampleKind,
    /// Values are whole numbers of this fraction; 0: they are not.
    divisor: f64,
    numbers: Vec<Option<f64>>,
    /// How much a counter grew from the first to the last.
    growth: f64,
}

impl Recording {
    /// The recording of the fixtures.
    pub(crate) fn of_fixture() -> Recording {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/series/build-machine.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Recording { series: text.lines().map(Series::read).collect() }
    }

    /// How many moments were recorded.
    pub(crate) fn moments(&self) -> usize {
        self.series.iter().map(|series| series.numbers.len()).max().unwrap_or(0)
    }

    /// The samples of one moment. After the last one it begins anew; counters go on from where they stood.
    pub(crate) fn samples(&self, moment: usize) -> Vec<Sample> {
        let (turn, place) = (moment / self.moments(), moment % self.moments());
        let sample = |series: &Series| {
            let value = series.value(turn, place)?;
            Some(Sample { labels: series.labels.clone(), kind: series.kind, value })
        };
        self.series.iter().filter_map(sample).collect()
    }
}

impl Series {
    fn read(line: &str) -> Series {
        let [labels, kind, divisor, words] = line.split('\t').collect::<Vec<_>>().try_into().expect("four columns");
        let divisor: f64 = divisor.parse().expect("a divisor");
        let mut numbers = Vec::new();
        let mut number = 0.0;
        for word in words.split(' ') {
            let (word, count) = word.split_once('*').map_or((word, 1), |(word, count)| (word, count.parse().expect("a count")));
            for _ in 0..count {
                if word == "-" {
                    numbers.push(None);
                    continue;
                }
                let read: f64 = word.parse().expect("a number");
                number = if divisor == 0.0 { read } else { number + read };
                numbers.push(Some(number));
            }
        }
        let kind = if kind == "counter" { SampleKind::Counter } else { SampleKind::Gauge };
        let mut known = numbers.iter().copied().flatten();
        let growth = match (kind, known.next(), known.next_back()) {
            (SampleKind::Counter, Some(first), Some(last)) => last - first,
            _ => 0.0,
        };
        Series { labels: serde_json::from_str(labels).expect("labels as JSON"), kind, divisor, numbers, growth }
    }

    fn value(&self, turn: usize, place: usize) -> Option<f64> {
        let number = self.numbers.get(place).copied().flatten()?;
        if self.divisor == 0.0 {
            return Some(number);
        }
        Some((number + self.growth * turn as f64) / self.divisor)
    }
}
