//! One number a peer, and each peer's last numbers. Columns are shared, never changed: who keeps them makes new ones of shared parts.

use std::borrow::Cow;
use std::sync::Arc;

/// The values of one column, one a peer, in the order of the snapshot's peers.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// The newest value of each peer; NaN where there is none.
    pub values: Arc<Vec<f64>>,
    past: Past,
}

/// What a column remembers beside its newest values.
#[derive(Debug, Clone, Default)]
enum Past {
    #[default]
    Nothing,
    /// One list a peer.
    Listed(Arc<Vec<Arc<[f64]>>>),
    Kept(Moments),
}

/// The values that a column had at its last moments, by moment and slot instead of by peer: a new moment shares all former ones, and a peer
/// that joins or leaves moves none.
#[derive(Debug, Clone)]
pub struct Moments {
    /// The number of the oldest moment.
    first: u64,
    /// One a moment, oldest first: a value a slot; missing ones at the end are NaN.
    slabs: Arc<[Arc<Vec<f64>>]>,
    /// One a peer.
    places: Arc<Vec<Place>>,
}

/// Where a peer's values lie in [`Moments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The index in each moment's values.
    pub slot: u32,
    /// The number of the first moment that is this peer's: before it the slot was another's.
    pub since: u64,
}

impl Moments {
    /// The moments from number `first` on, oldest first, and where each peer's values lie in them.
    pub fn new(first: u64, slabs: Arc<[Arc<Vec<f64>>]>, places: Arc<Vec<Place>>) -> Moments {
        Moments { first, slabs, places }
    }

    /// What one peer's values were, from the first to the last that is a number; NaN where one is missing between.
    fn of(&self, peer: usize) -> Vec<f64> {
        let Some(place) = self.places.get(peer) else { return Vec::new() };
        let others = usize::try_from(place.since.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let own = self.slabs.get(others..).unwrap_or_default();
        let value = |slab: &Arc<Vec<f64>>| slab.get(place.slot as usize).copied().unwrap_or(f64::NAN);
        let mut values = Vec::with_capacity(own.len());
        values.extend(own.iter().map(value).skip_while(|value| value.is_nan()));
        let end = values.iter().rposition(|value| !value.is_nan()).map_or(0, |last| last + 1);
        values.truncate(end);
        values
    }
}

impl Column {
    /// A column of newest values without a past.
    pub fn new(values: Vec<f64>) -> Column {
        Column { values: Arc::new(values), past: Past::Nothing }
    }

    /// A column whose `series` are listed, oldest first: none at all, or one a peer.
    pub fn with_series(values: Arc<Vec<f64>>, series: Vec<Arc<[f64]>>) -> Column {
        let past = if series.is_empty() { Past::Nothing } else { Past::Listed(Arc::new(series)) };
        Column { values, past }
    }

    /// A column whose past is shared by moments.
    pub fn with_moments(values: Arc<Vec<f64>>, moments: Moments) -> Column {
        Column { values, past: Past::Kept(moments) }
    }

    /// How many peers have a series, be it empty: none, or as many as there are values.
    pub fn series_len(&self) -> usize {
        match &self.past {
            Past::Nothing => 0,
            Past::Listed(series) => series.len(),
            Past::Kept(moments) => moments.places.len(),
        }
    }

    /// The last values of one peer, oldest first: at most [`SERIES_LEN`](super::SERIES_LEN), with `take: series` at most
    /// [`MAX_SAMPLES`](super::MAX_SAMPLES). NaN stands for a moment without a value between others. Empty where nothing is known.
    pub fn series(&self, peer: usize) -> Cow<'_, [f64]> {
        match &self.past {
            Past::Nothing => Cow::Borrowed(&[]),
            Past::Listed(series) => Cow::Borrowed(series.get(peer).map_or(&[], |series| series)),
            Past::Kept(moments) => Cow::Owned(moments.of(peer)),
        }
    }

    /// Whether it goes with a table of so many peers.
    pub fn fits(&self, peers: usize) -> bool {
        self.values.len() == peers && [0, peers].contains(&self.series_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    fn check(column: &Column, peer: usize, expect: &[f64]) {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&column.series(peer)), bits(expect), "peer {peer}: {:?}", column.series(peer));
    }

    #[test]
    fn listed_series_come_back_as_they_are() {
        let column = Column::with_series(Arc::new(vec![1.0, 2.0]), vec![Arc::from([NAN, 0.5, NAN]), Arc::from([])]);
        check(&column, 0, &[NAN, 0.5, NAN]);
        check(&column, 1, &[]);
        check(&column, 2, &[]);
        assert!(column.fits(2) && !column.fits(1));
        check(&Column::new(vec![1.0]), 0, &[]);
        assert!(Column::new(vec![1.0]).fits(1));
    }

    #[test]
    fn moments_are_read_by_place() {
        let slabs: [Arc<Vec<f64>>; 4] = [vec![1.0, 10.0, NAN], vec![2.0], vec![NAN, 30.0, 300.0], vec![4.0, NAN, NAN]].map(Arc::new);
        let place = |slot, since| Place { slot, since };
        // Slot 0 went to another peer with moment 7.
        let places = vec![place(2, 1), place(1, 5), place(0, 7), place(0, 99), place(9, 0)];
        let column = Column::with_moments(Arc::new(vec![0.0; 5]), Moments::new(5, slabs.into(), Arc::new(places)));
        check(&column, 0, &[300.0]);
        check(&column, 1, &[10.0, NAN, 30.0]);
        check(&column, 2, &[4.0]);
        check(&column, 3, &[]);
        check(&column, 4, &[]);
        check(&column, 5, &[]);
        assert!(column.fits(5));
    }
}
