//! Weighted rendezvous hashing in whole numbers: who is chosen depends on the seed, the key and the candidates, and on nothing else.

use std::cmp::Ordering;

use crate::order;

/// Fraction bits of a logarithm. Probabilities are off by less than one part in ten million.
const FRACTION_BITS: u32 = 24;

/// Chooses `n` different ones of the candidates (name and weight) for `key`, each with a probability proportional to its weight; weight 0
/// is never chosen. The answer has their positions, the first choice first; fewer than `n` where there are no more.
///
/// ```
/// use verwalter_plugin::place::choose;
///
/// let peers = [("alpha", 1), ("beta", 3), ("gamma", 0)];
/// let first = choose(42, "shard-7", peers, 1);
/// assert_eq!(first, choose(42, "shard-7", peers, 1));
/// assert_eq!(choose(42, "shard-7", peers, 9).len(), 2);
/// ```
///
/// Each candidate's score depends on the seed, the key and its own name and weight only (Thaler and Ravishankar's rendezvous hashing,
/// 1998, with the score weight / −log h for a hash h of 0 to 1, which is the greatest with a probability proportional to the weight). So the order of the candidates does not matter; one that comes or goes
/// changes only what it takes or leaves; one whose weight grows only gains. Equal scores (of equal names) go to the lower position.
///
/// The hash is SplitMix64's mixing function over the bytes: it spreads well and is no secret, so whoever knows the seed can choose names
/// that win. O(c · name length + c log c) for c candidates.
pub fn choose<'n>(seed: u64, key: &str, candidates: impl IntoIterator<Item = (&'n str, u32)>, n: usize) -> Vec<usize> {
    let seed = hash(seed, key.as_bytes());
    let mut scored: Vec<Score> = Vec::new();
    for (position, (name, weight)) in candidates.into_iter().enumerate() {
        if weight > 0 {
            scored.push(Score { weight, cost: minus_log2(hash(seed, name.as_bytes())), position });
        }
    }
    let order = order::positions(scored.len(), &|a, b| scored[a].better_first(&scored[b]));
    order.into_iter().take(n).map(|index| scored[index].position).collect()
}

/// `weight / cost`, compared without dividing.
struct Score {
    weight: u32,
    cost: u64,
    position: usize,
}

impl Score {
    fn better_first(&self, other: &Score) -> Ordering {
        let (own, others) = (u128::from(self.weight) * u128::from(other.cost), u128::from(other.weight) * u128::from(self.cost));
        others.cmp(&own)
    }
}

/// −log₂ of `hash` / 2^64, in units of 2^−24, at least one of them. The fraction is found bit by bit: squaring a number doubles
/// its logarithm.
fn minus_log2(hash: u64) -> u64 {
    let hash = hash.max(1);
    let zeros = hash.leading_zeros();
    // From 1 to 2, in units of 2^−63.
    let mut mantissa = hash << zeros;
    let mut log = u64::from(63 - zeros);
    for _ in 0..FRACTION_BITS {
        let square = u128::from(mantissa) * u128::from(mantissa);
        log <<= 1;
        if square >> 127 == 1 {
            log += 1;
            mantissa = (square >> 64) as u64;
        } else {
            mantissa = (square >> 63) as u64;
        }
    }
    // The logarithm was rounded down, so the cost is never 0.
    (64 << FRACTION_BITS) - log
}

/// Eight bytes at a time; the length keeps a text apart from the same one with zeros behind it.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(seed ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

/// SplitMix64: the next state, mixed (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
