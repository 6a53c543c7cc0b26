//! Numbers that look random and are the same on every machine. They are made of what they are for, not of what was drawn before: any one
//! can be had alone. Only whole numbers, sums, differences and products are used, whose bits no library or processor changes.

/// What one number is for, mixed into another with each [`Draw::of`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw(u64);

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Draw {
    pub(super) fn seeded(seed: u64) -> Draw {
        Draw(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// The same for one `part` of the purpose.
    pub(super) fn of(self, part: u64) -> Draw {
        Draw(mix(self.0 ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x2545_f491_4f6c_dd1d)))
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// Below `bound`, which is not 0.
    pub(super) fn below(self, bound: u64) -> u64 {
        // The high half of the product: no division, and no visible bias for bounds far below 2^64.
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// Whether it is the one case in `of`.
    pub(super) fn once_in(self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(super) fn pick<T: Copy>(self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// From 0 up to 1, in steps of 2^-53.
    pub(super) fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From -1 to 1, mostly near 0: the sum of four even ones.
    pub(super) fn noise(self) -> f64 {
        let sum: u64 = (0..4).map(|part| (self.0 >> (part * 16)) & 0xffff).sum();
        sum as f64 / 131_070.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_same_everywhere() {
        let draw = Draw::seeded(1).of(2).of(3);
        assert_eq!(draw.bits(), 17_535_380_015_432_455_870);
    }

    #[test]
    fn they_are_spread_evenly() {
        let draws = || (0..10_000).map(|part| Draw::seeded(7).of(part));
        let counts = draws().fold([0; 10], |mut counts, draw| {
            counts[draw.below(10) as usize] += 1;
            counts
        });
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        let mean = |value: fn(Draw) -> f64| draws().map(value).sum::<f64>() / 10_000.0;
        assert!((mean(Draw::share) - 0.5).abs() < 0.02 && mean(Draw::noise).abs() < 0.02);
        assert!(draws().all(|draw| (0.0..1.0).contains(&draw.share()) && (-1.0..=1.0).contains(&draw.noise())));
    }
}
