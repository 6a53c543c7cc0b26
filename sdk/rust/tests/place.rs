//! What the placement helpers promise, for whatever they are given.

use proptest::collection::vec;
use proptest::prelude::*;
use verwalter_plugin::place::{Fit, Placement, Spread, ascending, choose, descending, groups, pack};

// --- spread ------------------------------------------------------------------------------------------------------------------

/// A role on some peers: capacity, group and standing instances of each, and the ranking.
#[derive(Debug, Clone)]
struct Case {
    capacity: Vec<u32>,
    groups: Vec<u32>,
    standing: Vec<u32>,
    ranking: Vec<usize>,
    wanted: u64,
}

impl Case {
    fn place(&self) -> Placement {
        Spread { capacity: &self.capacity, groups: &self.groups, ranking: &self.ranking }.place(&self.standing, self.wanted)
    }

    fn total(&self, instances: &[u32], group: u32) -> u64 {
        instances.iter().zip(&self.groups).filter(|(_, of)| **of == group).map(|(n, _)| u64::from(*n)).sum()
    }

    /// The rules as they are told, one instance at a time.
    fn step_by_step(&self) -> Placement {
        let mut instances: Vec<u32> = self.standing.iter().zip(&self.capacity).map(|(n, most)| *n.min(most)).collect();
        let rank = |peer: usize| self.ranking.iter().position(|ranked| *ranked == peer).expect("all are ranked");
        let first = |group: u32| {
            let of_group = (0..self.groups.len()).filter(|peer| self.groups[*peer] == group);
            of_group.map(rank).min().expect("groups have peers")
        };
        let sum = |instances: &[u32]| instances.iter().copied().map(u64::from).sum::<u64>();
        while sum(&instances) > self.wanted {
            let holders = (0..instances.len()).filter(|peer| instances[*peer] > 0);
            let key = |peer: &usize| {
                let group = self.groups[*peer];
                (self.total(&instances, group), first(group), instances[*peer], rank(*peer))
            };
            let loser = holders.max_by_key(key).expect("there are instances");
            instances[loser] -= 1;
        }
        while sum(&instances) < self.wanted {
            let open = (0..instances.len()).filter(|peer| instances[*peer] < self.capacity[*peer]);
            let key = |peer: &usize| {
                let group = self.groups[*peer];
                (self.total(&instances, group), first(group), instances[*peer], rank(*peer))
            };
            let Some(winner) = open.min_by_key(key) else { break };
            instances[winner] += 1;
        }
        let missing = self.wanted - sum(&instances);
        Placement { instances, missing }
    }
}

prop_compose! {
    fn case()(peers in 0..9_usize)(
        capacity in vec(0..6_u32, peers),
        groups in vec(0..3_u32, peers),
        standing in vec(0..7_u32, peers),
        ranking in Just((0..peers).collect::<Vec<_>>()).prop_shuffle(),
        wanted in 0..40_u64,
    ) -> Case {
        Case { capacity, groups, standing, ranking, wanted }
    }
}

proptest! {
    #[test]
    fn spread_does_what_its_rules_say(case in case()) {
        prop_assert_eq!(case.place(), case.step_by_step());
    }

    #[test]
    fn spread_stays_within_capacity_and_misses_nothing_that_fits(case in case()) {
        let Placement { instances, missing } = case.place();
        prop_assert!(instances.iter().zip(&case.capacity).all(|(n, most)| n <= most));
        let placed: u64 = instances.iter().copied().map(u64::from).sum();
        let room: u64 = case.capacity.iter().copied().map(u64::from).sum();
        prop_assert_eq!((placed, missing), (case.wanted.min(room), case.wanted.saturating_sub(room)));
    }

    #[test]
    fn spread_is_stable(mut case in case()) {
        case.standing = case.place().instances;
        let placed: u64 = case.standing.iter().copied().map(u64::from).sum();
        prop_assert_eq!(&case.place().instances, &case.standing);
        case.wanted = placed;
        prop_assert_eq!(&case.place().instances, &case.standing);
    }

    /// Nobody both gives and gets: what stands within capacity moves only where there are too many.
    #[test]
    fn spread_keeps_what_stands(case in case()) {
        let kept: Vec<u32> = case.standing.iter().zip(&case.capacity).map(|(n, most)| *n.min(most)).collect();
        let grows = kept.iter().copied().map(u64::from).sum::<u64>() <= case.wanted;
        let instances = case.place().instances;
        let mut pairs = instances.iter().zip(&kept);
        let kept_all = if grows { pairs.all(|(now, then)| now >= then) } else { pairs.all(|(now, then)| now <= then) };
        prop_assert!(kept_all);
    }

    #[test]
    fn spread_is_even_within_one_from_nothing(mut case in case()) {
        case.standing.clear();
        let instances = case.place().instances;
        let has_room = |peer: usize| instances[peer] < case.capacity[peer];
        for a in 0..instances.len() {
            for b in (0..instances.len()).filter(|b| has_room(*b)) {
                let (of_a, of_b) = (case.groups[a], case.groups[b]);
                if of_a == of_b {
                    prop_assert!(instances[a] <= instances[b] + 1);
                }
                prop_assert!(case.total(&instances, of_a) <= case.total(&instances, of_b) + 1);
            }
        }
    }

    /// Peers that change places, with all that is known of them, take their instances along.
    #[test]
    fn spread_does_not_depend_on_positions(case in case(), seed in any::<u64>()) {
        let names: Vec<String> = (0..case.capacity.len()).map(|peer| peer.to_string()).collect();
        let order = choose(seed, "", names.iter().map(|name| (name.as_str(), 1)), names.len());
        let new_position = |peer: &usize| order.iter().position(|old| old == peer).expect("a permutation");
        let shuffled = Case {
            capacity: order.iter().map(|peer| case.capacity[*peer]).collect(),
            groups: order.iter().map(|peer| case.groups[*peer]).collect(),
            standing: order.iter().map(|peer| case.standing[*peer]).collect(),
            ranking: case.ranking.iter().map(new_position).collect(),
            wanted: case.wanted,
        };
        let instances = case.place().instances;
        prop_assert_eq!(shuffled.place().instances, order.iter().map(|peer| instances[*peer]).collect::<Vec<_>>());
    }

    #[test]
    fn spread_takes_any_figures(
        capacity in vec(any::<u32>(), 0..6), groups in vec(any::<u32>(), 0..8), ranking in vec(any::<usize>(), 0..8),
        standing in vec(any::<u32>(), 0..8), wanted in any::<u64>(),
    ) {
        let placement = Spread { capacity: &capacity, groups: &groups, ranking: &ranking }.place(&standing, wanted);
        let placed: u64 = placement.instances.iter().copied().map(u64::from).sum();
        prop_assert_eq!(placed + placement.missing, wanted);
    }

    #[test]
    fn rankings_are_in_order(values in vec(prop_oneof![Just(f64::NAN), Just(-0.0), any::<f64>()], 0..20)) {
        for (order, rising) in [(ascending(&values), true), (descending(&values), false)] {
            for pair in order.windows(2) {
                let (a, b) = (values[pair[0]], values[pair[1]]);
                let equal = a == b || (a.is_nan() && b.is_nan());
                let in_order = if rising { a <= b } else { a >= b };
                prop_assert!(b.is_nan() || in_order);
                prop_assert!(!equal || pair[0] < pair[1]);
            }
        }
    }
}

#[test]
fn a_million_instances_cost_no_more_than_one() {
    let spread = Spread { capacity: &[u32::MAX; 3], groups: &[], ranking: &[] };
    assert_eq!(spread.place(&[], 4_000_000_000).instances, [1_333_333_334, 1_333_333_333, 1_333_333_333]);
    assert_eq!(spread.place(&[4_000_000_000, 5, 0], 9).instances, [5, 4, 0]);
}

#[test]
fn groups_are_numbered_by_first_appearance() {
    assert_eq!(groups([]), [0_u32; 0]);
    assert_eq!(groups(["b", "", "b", "a", ""]), [0, 1, 0, 2, 1]);
}

// --- pack --------------------------------------------------------------------------------------------------------------------

const FITS: [Fit; 2] = [Fit::Tightest, Fit::Loosest];

fn amounts() -> impl Strategy<Value = [u64; 2]> {
    [0..100_u64, 0..100_u64]
}

proptest! {
    #[test]
    fn pack_never_takes_more_than_there_is(before in vec(amounts(), 0..6), items in vec(amounts(), 0..20), ruled_out in any::<u64>()) {
        for fit in FITS {
            let allowed = |item: usize, peer: usize| ruled_out >> ((item + peer) % 64) & 1 == 0;
            let mut free = before.clone();
            let packed = pack(&mut free, &items, fit, allowed);
            prop_assert_eq!(packed.len(), items.len());
            for (peer, (before, after)) in before.iter().zip(&free).enumerate() {
                let on_peer = items.iter().zip(&packed).filter(|(_, found)| **found == Some(peer));
                let taken = on_peer.fold([0; 2], |sum: [u64; 2], (needs, _)| [sum[0] + needs[0], sum[1] + needs[1]]);
                prop_assert_eq!([after[0] + taken[0], after[1] + taken[1]], *before);
            }
            for (item, found) in packed.iter().enumerate() {
                prop_assert!(found.is_none_or(|peer| allowed(item, peer)));
                let fits = |free: &[u64; 2]| free[0] >= items[item][0] && free[1] >= items[item][1];
                // What fits nowhere does not fit where something is left, either.
                prop_assert!(found.is_some() || !free.iter().enumerate().any(|(peer, free)| allowed(item, peer) && fits(free)));
            }
        }
    }

    /// The bound that the documentation states, for k = 4 and peers of 400.
    #[test]
    fn pack_finds_room_up_to_its_bound(peers in 1..6_usize, items in vec([0..=100_u64, 0..=100_u64], 0..60)) {
        let mut sum = 0;
        let within = |needs: &&[u64; 2]| {
            sum += needs[0] + needs[1];
            sum <= 300 * peers as u64
        };
        let items: Vec<[u64; 2]> = items.iter().take_while(within).copied().collect();
        for fit in FITS {
            let mut free = vec![[400, 400]; peers];
            prop_assert!(pack(&mut free, &items, fit, |_, _| true).iter().all(Option::is_some));
        }
    }

    #[test]
    fn pack_does_not_depend_on_the_order_of_items(before in vec(amounts(), 1..6), items in vec(amounts(), 0..20)) {
        for fit in FITS {
            let placed = |items: &[[u64; 2]]| {
                let packed = pack(&mut before.clone(), items, fit, |_, _| true);
                let mut placed: Vec<_> = items.iter().copied().zip(packed).collect();
                placed.sort_unstable();
                placed
            };
            let mut reversed = items.clone();
            reversed.reverse();
            prop_assert_eq!(placed(&items), placed(&reversed));
        }
    }

    #[test]
    fn pack_takes_any_figures(mut free in vec(any::<[u64; 3]>(), 0..5), items in vec(any::<[u64; 3]>(), 0..8)) {
        pack(&mut free, &items, Fit::Tightest, |_, _| true);
        pack(&mut free, &items, Fit::Loosest, |_, _| true);
        let nothing: [[u64; 0]; 1] = [[]];
        prop_assert_eq!(pack(&mut nothing.clone(), &nothing, Fit::Tightest, |_, _| true), [Some(0)]);
    }
}

#[test]
fn tight_fits_leave_peers_empty_and_loose_ones_none() {
    let used = |fit| {
        let mut free = [[10]; 4];
        pack(&mut free, &[[2]; 4], fit, |_, _| true);
        free.iter().filter(|free| free[0] < 10).count()
    };
    assert_eq!((used(Fit::Tightest), used(Fit::Loosest)), (1, 4));
}

// --- choose ------------------------------------------------------------------------------------------------------------------

fn named(weights: &[u32]) -> Vec<(String, u32)> {
    weights.iter().enumerate().map(|(peer, weight)| (format!("peer-{peer}"), *weight)).collect()
}

fn chosen(seed: u64, key: &str, candidates: &[(String, u32)], n: usize) -> Vec<String> {
    let positions = choose(seed, key, candidates.iter().map(|(name, weight)| (name.as_str(), *weight)), n);
    positions.into_iter().map(|position| candidates[position].0.clone()).collect()
}

proptest! {
    #[test]
    fn choices_are_different_ones_with_a_weight(seed in any::<u64>(), key in ".{0,12}", weights in vec(0..4_u32, 0..12), n in 0..14_usize) {
        let candidates = named(&weights);
        let mut names = chosen(seed, &key, &candidates, n);
        prop_assert_eq!(names.len(), n.min(weights.iter().filter(|weight| **weight > 0).count()));
        prop_assert!(names.iter().all(|name| candidates.iter().any(|(known, weight)| known == name && *weight > 0)));
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), chosen(seed, &key, &candidates, n).len());
    }

    #[test]
    fn choices_do_not_depend_on_the_order(seed in any::<u64>(), candidates in Just(named(&[1, 2, 3, 4, 5, 6])).prop_shuffle()) {
        prop_assert_eq!(chosen(seed, "key", &candidates, 3), chosen(seed, "key", &named(&[1, 2, 3, 4, 5, 6]), 3));
    }

    #[test]
    fn who_goes_changes_only_what_he_leaves(seed in any::<u64>(), weights in vec(1..9_u32, 2..12), gone in any::<prop::sample::Index>()) {
        let mut candidates = named(&weights);
        let order = chosen(seed, "key", &candidates, weights.len());
        let (gone, _) = candidates.remove(gone.index(weights.len()));
        let rest: Vec<String> = order.into_iter().filter(|name| *name != gone).collect();
        prop_assert_eq!(chosen(seed, "key", &candidates, weights.len()), rest);
    }

    #[test]
    fn who_weighs_more_only_gains(seed in any::<u64>(), weights in vec(1..9_u32, 2..12)) {
        let place = |weights: &[u32]| {
            let names = chosen(seed, "key", &named(weights), weights.len());
            names.iter().position(|name| name == "peer-0").expect("he has a weight")
        };
        let mut heavier = weights.clone();
        heavier[0] += 3;
        prop_assert!(place(&heavier) <= place(&weights));
    }
}

/// 20,000 keys: the standard deviation of each share is below 0.0036, so that five of them are no accident.
#[test]
fn choices_follow_the_weights() {
    let candidates = named(&[1, 2, 5, 0, 8]);
    let mut counts = [0_u32; 5];
    for key in 0..20_000_u32 {
        let first = choose(7, &key.to_string(), candidates.iter().map(|(name, weight)| (name.as_str(), *weight)), 1);
        counts[first[0]] += 1;
    }
    for ((_, weight), count) in candidates.iter().zip(counts) {
        let (share, expected) = (f64::from(count) / 20_000.0, f64::from(*weight) / 16.0);
        assert!((share - expected).abs() < 0.018, "{share} of the keys for a weight of {weight} in 16");
    }
}

/// Another build of the SDK must choose as this one: shards stay where they are.
#[test]
fn choices_are_the_same_for_ever() {
    let candidates = named(&[1, 1, 1, 1, 1]);
    let firsts: Vec<usize> =
        (0..8).map(|seed| choose(seed, "shard", candidates.iter().map(|(name, weight)| (name.as_str(), *weight)), 1)[0]).collect();
    assert_eq!(firsts, [3, 3, 1, 4, 3, 1, 4, 0]);
}
