//! The decision on indices: order, stickiness, limits.

use super::*;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Peers with so many GiB free (negative: no sample) and nothing else measured.
fn memory(gib: &[f64]) -> Vec<f64> {
    gib.iter().map(|n| if *n < 0.0 { f64::NAN } else { n * GIB }).collect()
}

fn anywhere(instances: u32, placed: &[u32]) -> Role<'_> {
    Role { instances, per_node_max: u32::MAX, needs: Needs::default(), placed, allowed: &[] }
}

fn view<'a>(memory_free: &'a [f64], groups: &'a [u32], roles: &'a [Role<'a>]) -> View<'a> {
    View { peers: memory_free.len(), memory_free, cpu_busy: &[], groups, weights: Weights::default(), roles }
}

/// `expect`: instances a peer, each as `total/kept`, then how many are missing.
fn check(memory_free: &[f64], groups: &[u32], role: Role<'_>, expect: &str) {
    let roles = [role];
    let view = view(memory_free, groups, &roles);
    let decided = decide(&view);
    let placements = &decided.roles[0];
    let mut counts = vec!["-".to_owned(); view.peers];
    for placed in &placements.placed {
        counts[placed.peer as usize] = format!("{}/{}", placed.instances, placed.kept);
    }
    assert_eq!(format!("{} missing {}", counts.join(" "), placements.missing), expect);
}

#[test]
fn the_freest_first_then_evenly() {
    check(&memory(&[1.0, 4.0, 2.0]), &[], anywhere(1, &[]), "- 1/0 - missing 0");
    check(&memory(&[1.0, 4.0, 2.0]), &[], anywhere(2, &[]), "- 1/0 1/0 missing 0");
    check(&memory(&[1.0, 4.0, 2.0]), &[], anywhere(4, &[]), "1/0 2/0 1/0 missing 0");
    check(&memory(&[2.0, 2.0, 2.0]), &[], anywhere(2, &[]), "1/0 1/0 - missing 0");
    check(&[], &[], anywhere(2, &[]), " missing 2");
    check(&memory(&[2.0]), &[], anywhere(0, &[]), "- missing 0");
}

#[test]
fn peers_without_samples_come_last() {
    check(&memory(&[-1.0, 1.0, 2.0]), &[], anywhere(2, &[]), "- 1/0 1/0 missing 0");
    let once = Role { per_node_max: 1, ..anywhere(3, &[]) };
    check(&memory(&[-1.0, 1.0, 2.0]), &[], once, "1/0 1/0 1/0 missing 0");
    check(&memory(&[-1.0, -1.0]), &[], anywhere(1, &[]), "1/0 - missing 0");
}

#[test]
fn what_stands_stays() {
    check(&memory(&[0.0, 4.0]), &[], anywhere(1, &[1, 0]), "1/1 - missing 0");
    check(&memory(&[0.0, 4.0, 8.0]), &[], anywhere(3, &[1, 1, 0]), "1/1 1/1 1/0 missing 0");
    // What stands is in the measured figures: needs do not drive it out.
    let needy = Role { needs: Needs { memory_kib: 1 << 20, cpu_millionths: 0 }, ..anywhere(1, &[1, 0]) };
    check(&memory(&[0.0, 4.0]), &[], needy, "1/1 - missing 0");
    // A limit that was lowered moves the excess.
    let once = Role { per_node_max: 1, ..anywhere(3, &[3, 0, 0]) };
    check(&memory(&[1.0, 1.0, 2.0]), &[], once, "1/1 1/0 1/0 missing 0");
}

#[test]
fn surplus_leaves_the_least_free() {
    check(&memory(&[1.0, 4.0, 2.0]), &[], anywhere(1, &[1, 1, 1]), "- 1/1 - missing 0");
    check(&memory(&[4.0, -1.0, 2.0]), &[], anywhere(2, &[1, 1, 1]), "1/1 - 1/1 missing 0");
    check(&memory(&[2.0, 2.0, 2.0]), &[], anywhere(1, &[1, 1, 1]), "1/1 - - missing 0");
    check(&memory(&[1.0, 2.0]), &[], anywhere(4, &[3, 3]), "1/1 3/3 missing 0");
    check(&memory(&[1.0, 2.0]), &[], anywhere(0, &[3, 3]), "- - missing 0");
}

#[test]
fn groups_are_filled_evenly() {
    // Two racks; the second has the freer peers but gets its share only.
    check(&memory(&[1.0, 1.0, 8.0, 8.0]), &[0, 0, 1, 1], anywhere(2, &[]), "1/0 - 1/0 - missing 0");
    check(&memory(&[1.0, 8.0, 8.0, 8.0]), &[0, 1, 1, 1], anywhere(4, &[]), "2/0 1/0 1/0 - missing 0");
    // What stands counts for its group.
    check(&memory(&[1.0, 1.0, 8.0, 8.0]), &[0, 0, 1, 1], anywhere(3, &[0, 0, 1, 1]), "1/0 - 1/1 1/1 missing 0");
    // A group without samples waits.
    check(&memory(&[-1.0, -1.0, 8.0, 8.0]), &[0, 0, 1, 1], anywhere(2, &[]), "- - 1/0 1/0 missing 0");
}

#[test]
fn needs_limits_and_facts_are_kept() {
    let needy = |instances| Role { needs: Needs { memory_kib: 1 << 20, cpu_millionths: 0 }, ..anywhere(instances, &[]) };
    check(&memory(&[0.5, 2.5, 1.0]), &[], needy(2), "- 1/0 1/0 missing 0");
    check(&memory(&[0.5, 2.5, 1.0]), &[], needy(5), "- 2/0 1/0 missing 2");
    let twice = Role { per_node_max: 2, ..anywhere(5, &[]) };
    check(&memory(&[1.0, 1.0]), &[], twice, "2/0 2/0 missing 1");
    let allowed = [false, true, false];
    let picky = Role { allowed: &allowed, ..anywhere(2, &[1, 1, 0]) };
    check(&memory(&[8.0, 1.0, 8.0]), &[], picky, "- 2/1 - missing 0");
}

#[test]
fn one_role_takes_room_from_the_next() {
    let free = memory(&[4.0, 3.99]);
    let roles = [anywhere(1, &[]), anywhere(1, &[])];
    let decided = decide(&view(&free, &[], &roles));
    let peers: Vec<u32> = decided.roles.iter().map(|role| role.placed[0].peer).collect();
    assert_eq!(peers, [0, 1], "an instance without needs counts as a hundredth of the machine");
}

#[test]
fn weights_choose_what_counts() {
    let free = memory(&[4.0, 1.0]);
    let busy = [0.9, 0.1];
    let roles = [anywhere(1, &[])];
    for (weights, expect) in [(Weights { memory: 1, cpu: 0 }, 0), (Weights { memory: 0, cpu: 1 }, 1), (Weights { memory: 1, cpu: 1 }, 1)] {
        let view = View { cpu_busy: &busy, weights, ..view(&free, &[], &roles) };
        assert_eq!(decide(&view).roles[0].placed[0].peer, expect, "{weights:?}");
    }
}

#[test]
fn broken_samples_are_no_capacity() {
    let free = [f64::INFINITY, -5.0, GIB];
    let roles = [Role { per_node_max: 1, ..anywhere(3, &[]) }];
    let decided = decide(&View { cpu_busy: &[7.0, -3.0, 0.5], ..view(&free, &[], &roles) });
    assert_eq!(decided.roles[0].placed.len(), 3);
}

/// Numbers that look random and are the same every time.
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    }
}

#[test]
fn what_every_decision_holds() {
    for seed in 0..300 {
        let mut number = numbers(seed);
        let peers = number(12) as usize;
        let free: Vec<f64> = (0..peers).map(|_| if number(5) == 0 { f64::NAN } else { number(9) as f64 * GIB }).collect();
        let groups: Vec<u32> = if number(2) == 0 { Vec::new() } else { (0..peers).map(|peer| peer as u32 % 3).collect() };
        let placed: Vec<u32> = (0..peers).map(|_| number(4) as u32).collect();
        let allowed: Vec<bool> = if number(2) == 0 { Vec::new() } else { (0..peers).map(|_| number(4) > 0).collect() };
        let needs = Needs { memory_kib: number(3) << 20, cpu_millionths: 0 };
        let role = Role { instances: number(30) as u32, per_node_max: 1 + number(6) as u32, needs, placed: &placed, allowed: &allowed };
        let roles = [role];
        let view = view(&free, &groups, &roles);
        let first = decide(&view);
        assert_eq!(first, decide(&view), "seed {seed}: the same input, the same decision");
        let decided = &first.roles[0];
        let total: u32 = decided.placed.iter().map(|placed| placed.instances).sum();
        assert_eq!(total + decided.missing, role.instances, "seed {seed}");
        assert!(decided.placed.is_sorted_by(|a, b| a.peer < b.peer), "seed {seed}");
        let mut counts = vec![0; peers];
        for at in &decided.placed {
            let peer = at.peer as usize;
            assert!(at.instances >= 1 && at.instances <= role.per_node_max, "seed {seed}");
            assert!(at.kept <= at.instances.min(placed[peer]), "seed {seed}");
            assert!(allowed.get(peer).is_none_or(|allowed| *allowed), "seed {seed}");
            counts[peer] = at.instances;
        }
        // Once decided it stands: nothing moves in the next round.
        let again = [Role { placed: &counts, instances: total, ..role }];
        let second = decide(&View { roles: &again, ..view });
        assert!(second.roles[0].placed.iter().all(|at| at.kept == at.instances), "seed {seed}");
        assert_eq!(second.roles[0].placed.len(), decided.placed.len(), "seed {seed}");
    }
}
