//! The decision, on plain numbers: positions of peers, instances, busy shares. It compares numbers and counts, and never adds up
//! fractions, so that it is the same on every machine and in every language.

use verwalter_plugin::place::ascending;

/// The peers, the best one first.
#[derive(Debug)]
pub struct Ranking {
    /// All of them, by position.
    all: Vec<usize>,
    /// Those that may get another instance.
    open: Vec<usize>,
}

/// Where one role goes.
#[derive(Debug, PartialEq)]
pub struct Decision {
    /// Instances of each peer, by position.
    pub placed: Vec<u32>,
    /// How many found no place.
    pub missing: u32,
}

impl Ranking {
    /// Ranks peers by their busy share, those without a sample (NaN) last, equal ones by position. O(n log n).
    pub fn new(busy: &[f64], max_busy: f64) -> Ranking {
        let all = ascending(busy);
        let open = all
            .iter()
            .copied()
            .filter(|peer| busy[*peer] <= max_busy)
            .collect();
        Ranking { all, open }
    }

    /// Keeps what stands `before` on each peer, as far as `wanted` instances allow, and adds what lacks. O(levels · n).
    pub fn decide(&self, before: &[u32], wanted: u32) -> Decision {
        let mut placed = before.to_vec();
        let standing: u64 = before.iter().copied().map(u64::from).sum();
        let wanted = u64::from(wanted);
        self.take(&mut placed, standing.saturating_sub(wanted));
        let missing = self.give(&mut placed, wanted.saturating_sub(standing));
        Decision {
            placed,
            missing: missing as u32,
        }
    }

    /// Takes `surplus` instances from the peers with the most, one from each before a second from any; the worst ones first.
    fn take(&self, placed: &mut [u32], mut surplus: u64) {
        while surplus > 0 {
            let level = placed.iter().copied().max().unwrap_or(0);
            for peer in self.all.iter().rev() {
                if surplus > 0 && placed[*peer] == level {
                    placed[*peer] -= 1;
                    surplus -= 1;
                }
            }
        }
    }

    /// Gives `lacking` instances to the open peers with the fewest, the best ones first, and returns how many found no place.
    fn give(&self, placed: &mut [u32], mut lacking: u64) -> u64 {
        while lacking > 0 {
            let Some(level) = self.open.iter().map(|peer| placed[*peer]).min() else {
                break;
            };
            for peer in &self.open {
                if lacking > 0 && placed[*peer] == level {
                    placed[*peer] += 1;
                    lacking -= 1;
                }
            }
        }
        lacking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: [f64; 4] = [0.5, f64::NAN, 0.2, 0.95];

    #[track_caller]
    fn check(before: [u32; 4], wanted: u32, placed: [u32; 4], missing: u32) {
        let decision = Ranking::new(&BUSY, 0.9).decide(&before, wanted);
        assert_eq!(
            decision,
            Decision {
                placed: placed.to_vec(),
                missing
            }
        );
    }

    #[test]
    fn the_least_busy_come_first() {
        check([0, 0, 0, 0], 1, [0, 0, 1, 0], 0);
        check([0, 0, 0, 0], 2, [1, 0, 1, 0], 0);
        check([0, 0, 0, 0], 5, [2, 0, 3, 0], 0);
    }

    #[test]
    fn what_stands_stays() {
        check([1, 1, 0, 1], 3, [1, 1, 0, 1], 0);
        check([3, 0, 0, 0], 4, [3, 0, 1, 0], 0);
    }

    #[test]
    fn surplus_goes_where_there_is_most() {
        check([1, 1, 1, 1], 3, [1, 0, 1, 1], 0);
        check([3, 1, 0, 1], 2, [1, 0, 0, 1], 0);
    }

    #[test]
    fn nobody_may_get_any() {
        let decision = Ranking::new(&[0.95, f64::NAN], 0.9).decide(&[1, 0], 3);
        assert_eq!(
            decision,
            Decision {
                placed: vec![1, 0],
                missing: 2
            }
        );
        assert_eq!(
            Ranking::new(&[], 0.9).decide(&[], 3),
            Decision {
                placed: vec![],
                missing: 3
            }
        );
    }
}
