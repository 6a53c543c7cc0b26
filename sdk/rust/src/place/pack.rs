//! Vector bin packing: best-fit decreasing on whole numbers.

use std::collections::BTreeSet;

use crate::order;

/// Which of the peers that an item fits on it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The fullest one: the fewest peers are used, and large items still find room later.
    Tightest,
    /// The emptiest one: the load is spread.
    Loosest,
}

/// Shares of a resource are counted in these parts of what all peers have free: fine enough to tell peers apart, and sums of them
/// stay within 64 bits.
const PARTS: u128 = 1 << 40;

/// Finds a peer for each of `items`, and takes what it needs from what the peer has `free`. `D` resources count at once, each in a unit
/// of the caller's (bytes, thousandths of a CPU), the same one in `free` and `items`. `allowed(item, peer)` may rule peers out.
/// The answer has the peer of each item, `None` where it fits nowhere.
///
/// ```
/// use verwalter_plugin::place::{Fit, pack};
///
/// // MiB of memory and thousandths of a CPU.
/// let mut free = [[1024, 1000], [4096, 500]];
/// let items = [[512, 100], [2048, 400], [512, 400], [5000, 1]];
/// assert_eq!(pack(&mut free, &items, Fit::Tightest, |_, _| true), [Some(1), Some(1), Some(0), None]);
/// assert_eq!(free, [[512, 600], [1536, 0]]);
/// ```
///
/// Large items come first: by the greatest of their shares of what all peers have free together, then by their needs, then by position.
/// A peer is the fuller the smaller the sum of the shares that it has free; of equally full ones the lower position is taken. So the
/// order of the items does not matter beyond which of two equal ones goes where.
///
/// An item that is `None` fits on none of the peers that it is allowed on, with what was left when it was its turn. Where all peers are
/// alike and open to all items, and no item needs more than 1/k of a peer in any resource, everything fits if the items' shares of a
/// peer, summed over all items and resources, are at most (1 − 1/k) · peers. What stands already is taken from `free` by the caller
/// beforehand, and not packed again.
///
/// O(i · (log i + log p)) for i items and p peers where items fit on the first peers that are tried, O(i · p · D) at worst.
pub fn pack<const D: usize>(
    free: &mut [[u64; D]],
    items: &[[u64; D]],
    fit: Fit,
    allowed: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut totals = [0u128; D];
    for peer in &*free {
        for (total, free) in totals.iter_mut().zip(peer) {
            *total += u128::from(*free);
        }
    }
    let shares = |amounts: &[u64; D]| -> [u64; D] {
        let mut shares = [0; D];
        for ((share, amount), total) in shares.iter_mut().zip(amounts).zip(totals) {
            // More than all peers have is no share of theirs; it fits nowhere in any case.
            *share = (u128::from(*amount) * PARTS).checked_div(total).map_or(0, |share| share.min(PARTS)) as u64;
        }
        shares
    };
    let key = |peer: &[u64; D]| -> u64 {
        let sum: u64 = shares(peer).iter().sum();
        match fit {
            Fit::Tightest => sum,
            Fit::Loosest => u64::MAX - sum,
        }
    };
    let greatest: Vec<Option<u64>> = items.iter().map(|item| shares(item).into_iter().max()).collect();
    let order = order::positions(items.len(), &|a, b| greatest[b].cmp(&greatest[a]).then_with(|| items[b].cmp(&items[a])));
    let mut peers: BTreeSet<(u64, usize)> = free.iter().enumerate().map(|(peer, free)| (key(free), peer)).collect();
    let mut packed = vec![None; items.len()];
    for item in order {
        let needs = &items[item];
        let fits = |peer: usize| free[peer].iter().zip(needs).all(|(free, need)| free >= need) && allowed(item, peer);
        let Some(found) = peers.iter().copied().find(|(_, peer)| fits(*peer)) else { continue };
        peers.remove(&found);
        let (_, peer) = found;
        for (free, need) in free[peer].iter_mut().zip(needs) {
            *free -= need;
        }
        peers.insert((key(&free[peer]), peer));
        packed[item] = Some(peer);
    }
    packed
}
