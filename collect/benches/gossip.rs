//! Long simulations of the agent's membership: `cargo bench -p verwalter-collect --bench gossip` prints those of small clusters within
//! some minutes, `-- large` those of 100 and 300 nodes within half an hour, `-- quick` a few seconds' worth.
//!
//! Times are the simulated clusters', but for the column `real`.

#[path = "../tests/gossip/sim.rs"]
#[expect(dead_code, reason = "the tests drive the rest of the simulator")]
mod sim;

use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use verwalter_collect::agent::timing::Timing;

use crate::sim::{Setup, Sim};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const SEED: u64 = 20;

fn main() {
    let asked = |word: &str| std::env::args().any(|arg| arg == word);
    // Without `--bench` it is a test run: whether everything works is enough.
    let scale = match () {
        () if asked("large") => LARGE,
        () if asked("quick") || !asked("--bench") => QUICK,
        () => USUAL,
    };
    println!("seed {SEED}, {:?} each", scale.hour);
    hours(scale.hour, scale.hours, scale.losses);
    lossy(scale.hour / 4, scale.lossy);
    kills(scale.kills, scale.rounds);
}

const ALL: &[f64] = &[0.0, 0.01, 0.03, 0.05];

struct Scale {
    hour: Duration,
    hours: &'static [usize],
    losses: &'static [f64],
    lossy: &'static [usize],
    kills: &'static [usize],
    rounds: usize,
}

const QUICK: Scale = Scale { hour: Duration::from_secs(120), hours: &[3, 30], losses: ALL, lossy: &[30], kills: &[3, 30], rounds: 5 };
const USUAL: Scale =
    Scale { hour: Duration::from_secs(3600), hours: &[3, 10, 30], losses: ALL, lossy: &[10, 30], kills: &[3, 10, 30, 100], rounds: 40 };
const LARGE: Scale =
    Scale { hour: Duration::from_secs(3600), hours: &[100, 300], losses: &[0.05], lossy: &[100], kills: &[300], rounds: 20 };

fn joined(setup: Setup) -> Sim {
    let mut sim = Sim::new(setup);
    // With much loss there is hardly a moment in which all agree.
    sim.run_until(MINUTE, Sim::converged);
    sim
}

fn setup(nodes: usize, loss: f64, timing: Timing) -> Setup {
    Setup { timing, ..Setup::new(nodes, loss, SEED) }
}

/// What the library proposes for a cluster of this size in one network, which is what the literature does.
fn lan(nodes: usize) -> Timing {
    let decades = f64::from(u32::try_from(nodes).expect("few nodes") + 1).log10().ceil().max(1.0);
    let transmissions = [4_u8, 8, 12, 16][usize::from(nodes >= 10) + usize::from(nodes >= 100) + usize::from(nodes >= 1000)];
    Timing {
        probe_period: SECOND,
        probe_timeout: SECOND / 2,
        suspicion: SECOND.mul_f64(4.0 * decades.max(1.0)),
        transmissions: NonZeroU8::new(transmissions).expect("not zero"),
        ..Timing::default()
    }
}

/// A member that misses one probe is down, and nobody else is asked: the answers of those asked would come too late.
fn bare() -> Timing {
    let probe_period = Timing::default().probe_period;
    Timing { suspicion: Duration::from_millis(2), probe_timeout: probe_period - Duration::from_millis(1), ..Timing::default() }
}

fn hours(hour: Duration, sizes: &[usize], losses: &[f64]) {
    println!("\nfalse deaths (an observer buries a peer that lives), with the library's LAN defaults beside it, and what it costs");
    println!("nodes  loss | deaths  wrongly dead | LAN: deaths | datagrams/s and bytes/s of a node | real");
    for &nodes in sizes {
        for &loss in losses {
            let begun = Instant::now();
            let mut sim = joined(setup(nodes, loss, Timing::default()));
            let (datagrams, bytes) = (sim.datagrams, sim.bytes);
            sim.run_for(hour);
            let real = begun.elapsed();
            let per_node = nodes as f64 * hour.as_secs_f64();
            let (datagrams, bytes) = ((sim.datagrams - datagrams) as f64 / per_node, (sim.bytes - bytes) as f64 / per_node);
            let mut other = joined(setup(nodes, loss, lan(nodes)));
            other.run_for(hour);
            println!(
                "{nodes:5} {:4.0} % | {:6}  {:10.4} % | {:11} | {datagrams:6.1}  {bytes:6.0} | {real:.1?}",
                loss * 100.0,
                sim.false_deaths,
                share(&sim),
                other.false_deaths,
            );
        }
    }
}

fn lossy(time: Duration, sizes: &[usize]) {
    println!(
        "\nmuch loss: share of observer, peer and time wrongly dead in {time:?}, beside the same without suspicion and indirect probes"
    );
    for &nodes in sizes {
        for loss in [0.10, 0.30] {
            let share_of = |timing| {
                let mut sim = joined(setup(nodes, loss, timing));
                sim.run_for(time);
                (share(&sim), sim.false_deaths)
            };
            let ((with, deaths), (without, bare_deaths)) = (share_of(Timing::default()), share_of(bare()));
            println!(
                "{nodes:5} nodes, {:2.0} % loss: {with:8.4} % ({deaths} deaths)   without: {without:8.4} % ({bare_deaths} deaths)",
                loss * 100.0
            );
        }
    }
}

fn share(sim: &Sim) -> f64 {
    100.0 * sim.wrongly_dead.as_secs_f64() / sim.observed.as_secs_f64()
}

fn kills(sizes: &[usize], count: usize) {
    println!("\na killed node is seen by all others, {count} times each");
    for &nodes in sizes {
        for loss in [0.0, 0.05] {
            let mut sim = joined(setup(nodes, loss, Timing::default()));
            let mut times = Vec::new();
            for round in 0..count {
                // Node 0 stays, so that there is always a seed.
                let victim = 1 + round % (nodes - 1);
                sim.run_for(10 * SECOND);
                sim.kill(victim);
                times.extend(sim.run_until(MINUTE, |sim| sim.gone(victim)));
                sim.start(victim, sim.now);
                sim.run_until(MINUTE, Sim::converged);
            }
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
            println!("{nodes:5} nodes, {:1.0} % loss: p50 {:.2?}, p95 {:.2?}, max {:.2?}", loss * 100.0, at(50), at(95), at(100));
        }
    }
}
