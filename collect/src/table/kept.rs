//! One column as it is kept: values by slot, which change as reports arrive, and the column that was last made of them.

use std::collections::VecDeque;
use std::sync::Arc;

use verwalter_core::metrics::{Column, MAX_SAMPLES, MetricRule, Moments, Place, SERIES_LEN, Take};

/// The values of one column.
#[derive(Debug)]
pub(super) struct Kept {
    /// One a slot; missing ones at the end are NaN.
    latest: Vec<f64>,
    /// How many of them are numbers.
    numbers: usize,
    past: Past,
    /// What was made of the values, while they are the same.
    made: Option<Arc<Column>>,
}

#[derive(Debug)]
enum Past {
    /// A column of a group: there may be so many that only `take: series` gives them a past.
    Nothing,
    /// The last moments, oldest first, the last of number `newest`.
    Moments { newest: u64, slabs: VecDeque<Arc<Vec<f64>>> },
    /// One list a slot.
    Samples(Vec<Arc<[f64]>>),
}

impl Kept {
    /// The column of `rule`, or of one of its groups, without a value.
    pub(super) fn new(rule: &MetricRule) -> Kept {
        let past = match rule.take {
            Take::Series => Past::Samples(Vec::new()),
            _ if rule.by.is_empty() => Past::Moments { newest: 0, slabs: VecDeque::with_capacity(SERIES_LEN + 1) },
            _ => Past::Nothing,
        };
        Kept { latest: Vec::new(), numbers: 0, past, made: None }
    }

    /// Whether no peer has a number in it.
    pub(super) fn is_empty(&self) -> bool {
        self.numbers == 0
    }

    /// The newest value of `slot`, reported in `moment`.
    pub(super) fn put(&mut self, slot: u32, value: f64, moment: u64) {
        let value = if value.is_finite() { value } else { f64::NAN };
        self.set_latest(slot, value);
        let Past::Moments { newest, slabs } = &mut self.past else { return };
        self.made = None;
        if slabs.is_empty() || *newest + SERIES_LEN as u64 <= moment {
            slabs.clear();
            *newest = moment.saturating_sub(1);
        }
        while *newest < moment {
            slabs.push_back(Arc::default());
            *newest += 1;
        }
        while slabs.len() > SERIES_LEN {
            slabs.pop_front();
        }
        if let Some(slab) = slabs.back_mut() {
            set(Arc::make_mut(slab), slot, value, f64::NAN);
        }
    }

    /// The samples of `slot`, oldest first; the newest ones are kept.
    pub(super) fn put_samples(&mut self, slot: u32, samples: &[f64]) {
        let Past::Samples(lists) = &mut self.past else { return };
        let samples = &samples[samples.len().saturating_sub(MAX_SAMPLES)..];
        let had: &[f64] = lists.get(slot as usize).map_or(&[], |list| list);
        let same = had.len() == samples.len() && had.iter().zip(samples).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same {
            set(lists, slot, samples.into(), Arc::default());
            self.made = None;
        }
    }

    /// The slot's peer has left.
    pub(super) fn vacate(&mut self, slot: u32) {
        self.set_latest(slot, f64::NAN);
        self.put_samples(slot, &[]);
        self.made = None;
        let Past::Moments { slabs, .. } = &mut self.past else { return };
        // Who has the slot next reads from the open moment on.
        let open = slabs.back_mut().filter(|slab| slab.get(slot as usize).is_some_and(|value| !value.is_nan()));
        if let Some(slab) = open {
            set(Arc::make_mut(slab), slot, f64::NAN, f64::NAN);
        }
    }

    fn set_latest(&mut self, slot: u32, value: f64) {
        let before = self.latest.get(slot as usize).copied().unwrap_or(f64::NAN);
        if before.to_bits() != value.to_bits() {
            self.numbers = self.numbers + usize::from(!value.is_nan()) - usize::from(!before.is_nan());
            set(&mut self.latest, slot, value, f64::NAN);
            self.made = None;
        }
    }

    /// The column for peers whose slots are `order`, which is another one than before where they have `moved`. What has not changed is shared
    /// with the columns made before.
    pub(super) fn column(&mut self, order: &[u32], places: &Arc<Vec<Place>>, moved: bool) -> Arc<Column> {
        if let Some(made) = self.made.as_ref().filter(|_| !moved) {
            return made.clone();
        }
        let value = |slot: &u32| self.latest.get(*slot as usize).copied().unwrap_or(f64::NAN);
        let values = Arc::new(order.iter().map(value).collect());
        let column = match &self.past {
            Past::Nothing => Column::with_series(values, Vec::new()),
            Past::Moments { newest, slabs } => {
                let first = newest + 1 - slabs.len() as u64;
                Column::with_moments(values, Moments::new(first, slabs.iter().cloned().collect(), places.clone()))
            }
            Past::Samples(lists) => {
                let none = Arc::default();
                let list = |slot: &u32| lists.get(*slot as usize).unwrap_or(&none).clone();
                Column::with_series(values, order.iter().map(list).collect())
            }
        };
        self.made.insert(Arc::new(column)).clone()
    }
}

/// Sets what `slot` has; those before it that have nothing yet get `nothing`.
fn set<T: Clone>(values: &mut Vec<T>, slot: u32, value: T, nothing: T) {
    let slot = slot as usize;
    if values.len() <= slot {
        values.resize(slot + 1, nothing);
    }
    values[slot] = value;
}
