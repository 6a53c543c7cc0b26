//! What clusters of 3 to 300 nodes go through. Each failure names its seed.

use std::time::Duration;

use verwalter_collect::agent::machine::Standing;
use verwalter_collect::agent::timing::Timing;
use verwalter_core::ids::UnixMillis;

use crate::sim::{Setup, Sim, id};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Of `times` the one below or at which `percent` of 100 are.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100) - 1]
}

fn name(setup: &Setup) -> String {
    format!("{} nodes, loss {}, seed {}", setup.nodes, setup.loss, setup.seed)
}

/// A cluster in which everybody knows everybody.
fn settled(setup: Setup) -> Sim {
    let what = name(&setup);
    let mut sim = Sim::new(setup);
    let joined = sim.run_until(MINUTE, Sim::converged);
    assert!(joined.is_some(), "{what}: not joined within a minute");
    sim
}

/// Sizes and losses that differ from seed to seed: 3 to 30 nodes, up to 5 % loss.
fn small(seed: u64) -> Setup {
    Setup::new(
        3 + usize::try_from(seed * 5 % 28).expect("below 28"),
        [0.0, 0.01, 0.03, 0.05][usize::try_from(seed % 4).expect("below 4")],
        seed,
    )
}

#[test]
fn an_hour_without_a_false_death() {
    for nodes in [3, 10, 30] {
        let setup = Setup::new(nodes, 0.05, 11);
        let what = name(&setup);
        let mut sim = settled(setup);
        sim.run_for(60 * MINUTE);
        assert_eq!(sim.false_deaths, 0, "{what}");
        assert!(sim.converged(), "{what}");
        assert!(sim.refusals.is_empty(), "{what}: {:?}", sim.refusals);
    }
}

#[test]
fn a_killed_node_is_seen_by_all_and_no_other_is_buried() {
    let (mut joins, mut kills) = (Vec::new(), Vec::new());
    for seed in 0..200 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        joins.push(sim.now.saturating_sub(SECOND));
        sim.run_for(20 * SECOND);
        let victim = usize::try_from(seed).expect("small") % sim.nodes.len();
        sim.kill(victim);
        let Some(took) = sim.run_until(MINUTE, |sim| sim.gone(victim)) else { panic!("{what}: not noticed within a minute") };
        kills.push(took);
        sim.run_for(20 * SECOND);
        assert_eq!(sim.false_deaths, 0, "{what}");
        assert!(sim.standings(victim).iter().all(|standing| *standing == Some(Standing::Down)), "{what}");
    }
    let (p50, p95) = (percentile(&mut kills, 50), percentile(&mut kills, 95));
    let (join50, join95) = (percentile(&mut joins, 50), percentile(&mut joins, 95));
    println!(
        "200 clusters of 3 to 30: a killed node seen by all in {p50:?} (p50), {p95:?} (p95); joined {join50:?}, {join95:?} after the last start"
    );
    assert!(p95 <= 10 * SECOND, "{p95:?}");
    assert!(join95 <= 3 * SECOND, "{join95:?}");
}

#[test]
fn three_clusters_of_300() {
    for (seed, loss) in [(1, 0.0), (2, 0.02), (3, 0.05)] {
        let setup = Setup::new(300, loss, seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        let joined = sim.now;
        sim.run_for(2 * SECOND);
        sim.kill(299);
        let killed = sim.run_until(MINUTE, |sim| sim.gone(299)).expect("noticed within a minute");
        println!("{what}: joined in {joined:?}, a killed node seen by all in {killed:?}");
        sim.run_for(2 * SECOND);
        assert_eq!(sim.false_deaths, 0, "{what}");
        assert!(sim.converged(), "{what}");
    }
}

#[test]
fn a_node_that_pauses_for_five_seconds_is_not_buried() {
    for seed in 0..100 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        sim.run_for(10 * SECOND);
        sim.pause(1);
        sim.run_for(5 * SECOND);
        sim.resume(1);
        sim.run_for(30 * SECOND);
        assert_eq!(sim.false_deaths, 0, "{what}");
        assert!(sim.converged(), "{what}");
    }
}

#[test]
fn a_node_that_pauses_for_a_minute_comes_back() {
    for seed in 0..30 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        sim.pause(1);
        sim.run_for(MINUTE);
        assert!(sim.standings(1).iter().all(|standing| *standing == Some(Standing::Down)), "{what}");
        let before = sim.false_deaths;
        sim.resume(1);
        let back = sim.run_until(MINUTE, Sim::converged);
        assert!(back.is_some_and(|took| took < 40 * SECOND), "{what}: back after {back:?}");
        sim.run_for(30 * SECOND);
        assert!(sim.converged(), "{what}");
        assert_eq!(sim.false_deaths, before, "{what}: whoever slept buried others");
    }
}

#[test]
fn at_much_loss_suspicion_and_asking_others_keep_the_living_alive() {
    let run = |timing: Timing, loss: f64| {
        let mut sim = Sim::new(Setup { timing, ..Setup::new(20, loss, 4) });
        sim.run_for(2 * MINUTE);
        (sim.false_deaths, 100.0 * sim.wrongly_dead.as_secs_f64() / sim.observed.as_secs_f64())
    };
    // The answers of those who are asked come too late, and whoever does not answer is down at once.
    let probe_period = Timing::default().probe_period;
    let bare = Timing { suspicion: Duration::from_millis(2), probe_timeout: probe_period - Duration::from_millis(1), ..Timing::default() };
    for loss in [0.1, 0.3] {
        let ((deaths, share), (bare_deaths, bare_share)) = (run(Timing::default(), loss), run(bare.clone(), loss));
        println!("20 nodes, {loss} loss: {share:.3} % wrongly dead ({deaths} deaths), without {bare_share:.1} % ({bare_deaths})");
        assert!(share * 10.0 < bare_share, "{share} {bare_share}");
    }
}

#[test]
fn cards_and_signs_of_life_reach_everybody() {
    for (nodes, loss) in [(30, 0.0), (12, 0.3)] {
        let mut sim = Sim::new(Setup::new(nodes, loss, 6));
        sim.run_for(3 * MINUTE);
        let now = sim.now;
        for (observer, node) in sim.nodes.iter().enumerate() {
            let machine = node.machine.as_ref().expect("runs");
            let peers = machine.peers(now, |at| UnixMillis(u64::try_from(at.as_millis()).expect("short")));
            let expect = (0..nodes).filter(|other| *other != observer).map(|other| format!("n{other}"));
            assert_eq!(peers.iter().map(|peer| peer.hostname.as_str()).collect::<Vec<_>>(), expect.collect::<Vec<_>>(), "loss {loss}");
            for peer in peers {
                let at = Duration::from_millis(peer.last_report.expect("it was heard").0);
                // Directly it hears each of 29 others once in some ten seconds; what it hears of them counts too.
                assert!(now - at < MINUTE, "loss {loss}: {} was last heard at {at:?}, now is {now:?}", peer.hostname);
                assert_eq!(peer.addr.map(|addr| addr.port()), Some(8379));
            }
        }
    }
}

#[test]
fn two_halves_of_a_cluster_come_together_again() {
    let mut healed = Vec::new();
    for seed in 0..36 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        let half = sim.nodes.len() / 2;
        sim.cut(half);
        // Long after the last word on it, or while the news of the deaths is still being passed on.
        sim.run_for(if seed % 3 == 0 { 14 * SECOND } else { 2 * MINUTE });
        let split = |sim: &Sim, one: usize, other: usize| !sim.nodes[one].active(other) && !sim.nodes[other].active(one);
        assert!(split(&sim, 0, half), "{what}");
        let before = sim.false_deaths;
        sim.cut(0);
        let Some(took) = sim.run_until(3 * MINUTE, Sim::converged) else { panic!("{what}: not healed within three minutes") };
        healed.push(took);
        sim.run_for(MINUTE);
        assert!(sim.converged(), "{what}");
        // Once the news of the deaths has died out, nobody of one side is buried for what the other side thought of it. While it is
        // still on its way it reaches one or another, who comes back at once.
        if seed % 3 != 0 {
            assert_eq!(sim.false_deaths, before, "{what}");
        }
    }
    let (p50, p95) = (percentile(&mut healed, 50), percentile(&mut healed, 95));
    println!("36 cuts healed in {p50:?} (p50), {p95:?} (p95)");
}

#[test]
fn whoever_leaves_is_gone_at_once_and_not_for_dead() {
    for seed in 0..60 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        sim.run_for(5 * SECOND);
        sim.leave(2);
        let took = sim.run_until(MINUTE, |sim| sim.standings(2).iter().all(|standing| *standing == Some(Standing::Left)));
        assert!(took.is_some_and(|took| took < 5 * SECOND), "{what}: {took:?}");
        sim.run_for(20 * SECOND);
        assert!(sim.standings(2).iter().all(|standing| *standing == Some(Standing::Left)), "{what}");
        sim.start(2, sim.now);
        assert!(sim.run_until(MINUTE, Sim::converged).is_some(), "{what}: not back");
        assert_eq!(sim.false_deaths, 0, "{what}");
    }
}

#[test]
fn a_restarted_node_wins_over_its_former_self() {
    for seed in 0..36 {
        let setup = small(seed);
        let what = name(&setup);
        let mut sim = settled(setup);
        sim.run_for(5 * SECOND);
        // Killed and started again before anybody noticed; then elsewhere, after all noticed; then with a clock that went back.
        for round in 0..3 {
            sim.kill(1);
            match round {
                1 => {
                    sim.run_until(MINUTE, |sim| sim.gone(1)).expect("noticed");
                    sim.readdress(1);
                }
                2 => sim.set_clock_back(1),
                _ => {}
            }
            sim.start(1, sim.now);
            let back = sim.run_until(MINUTE, Sim::converged);
            assert!(back.is_some(), "{what}, round {round}: not back");
            sim.run_for(40 * SECOND);
            assert!(sim.converged(), "{what}, round {round}");
            let addr = sim.nodes[1].addr;
            let known =
                sim.nodes[0].machine.as_ref().and_then(|machine| machine.members().into_iter().find(|member| member.identity.id == id(1)));
            assert_eq!(known.map(|member| member.identity.addr), Some(addr), "{what}, round {round}");
        }
    }
}

#[test]
fn the_last_one_waits_for_the_others_for_ever() {
    let mut sim = settled(Setup::new(5, 0.05, 1));
    for node in 1..5 {
        sim.kill(node);
    }
    sim.run_for(60 * MINUTE);
    assert!(sim.converged());
    // Node 4 is no seed, so the survivor is the one it asks; nodes 2 and 3 are asked by nobody but by the survivor.
    for node in 1..5 {
        sim.start(node, sim.now);
    }
    let back = sim.run_until(MINUTE, Sim::converged).expect("together again");
    assert!(back < 20 * SECOND, "{back:?}");
}
