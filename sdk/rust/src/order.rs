//! One sort for all: of positions, and not generic. Each kind of element that is sorted would bring a sort of its own into the plugin,
//! some four kilobytes that the host compiles.

use std::cmp::Ordering;

/// The positions of `0..len` in the order of `compare`, equal ones by position.
pub(crate) fn positions(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}
