//! An hour of a real machine: nothing is lost, and it takes little room.

mod recording;

use std::collections::BTreeMap;
use std::time::Duration;

use recording::Recording;
use verwalter_collect::history::{History, MAX_MOMENTS};
use verwalter_collect::query::SeriesView;
use verwalter_collect::series::Labels;

const INTERVAL: Duration = Duration::from_secs(2);

#[test]
fn an_hour_of_a_real_machine_takes_two_bytes_a_sample_and_comes_back_to_the_bit() {
    let recording = Recording::of_fixture();
    assert!(recording.moments() >= 300, "{} moments are too few to say anything", recording.moments());
    let mut history = History::new(INTERVAL);
    let mut expect: BTreeMap<Labels, Vec<(Duration, u64)>> = BTreeMap::new();
    let mut most_bytes = 0.0_f64;
    // More than an hour, so that what is old goes; not whole blocks, so that some are cut.
    let moments = MAX_MOMENTS + 100;
    for moment in 0..moments {
        let at = INTERVAL * u32::try_from(moment).unwrap();
        let samples = recording.samples(moment);
        for sample in samples.iter().filter(|_| moment >= moments - MAX_MOMENTS) {
            expect.entry(sample.labels.clone()).or_default().push((at, sample.value.to_bits()));
        }
        assert_eq!(history.append(at, samples), 0);
        // A block opens every 64 moments, so this sees it as full and as empty as it becomes.
        if moment >= MAX_MOMENTS && moment % 8 == 7 {
            let kept: usize = history.series().map(|series| series.newest_first().count()).sum();
            most_bytes = most_bytes.max(history.sample_bytes() as f64 / kept as f64);
        }
    }
    let kept: BTreeMap<Labels, Vec<(Duration, u64)>> = history
        .series()
        .map(|series| {
            let samples = series.samples(Duration::ZERO).into_iter().map(|(at, value)| (at, value.to_bits()));
            (series.labels().clone(), samples.collect())
        })
        .collect();
    assert_eq!(kept.len(), expect.len());
    for (labels, samples) in &expect {
        assert!(kept[labels] == *samples, "{labels:?}");
    }
    println!("{} series, at most {most_bytes:.3} bytes a sample over a whole hour", kept.len());
    assert!(most_bytes <= 2.0, "{most_bytes} bytes a sample");
}
