//! Packets that nobody meant: garbage, changed ones, ones sent again, and floods of made-up members.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use verwalter_collect::agent::keys::KeyRing;
use verwalter_collect::agent::machine::{Machine, Output, Settings};
use verwalter_collect::agent::refusal::{Cause, Refusal};
use verwalter_collect::agent::seal::{ClusterName, PROTOCOL};
use verwalter_collect::agent::timing::Timing;
use verwalter_collect::agent::{MAX_DATAGRAM, MAX_MEMBERS};
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::Hostname;

use crate::sim::{Setup, Sim, id};

const SECOND: Duration = Duration::from_secs(1);
const FROM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 22_683);
const CLUSTER: &str = "simulated";

/// The node `number`, in clear: whatever stands behind the header is looked at.
fn open_machine(number: u8) -> Machine {
    let settings = Settings {
        id: id(number.into()),
        hostname: Hostname::new(&format!("n{number}")).expect("a hostname"),
        name: "n0".to_owned(),
        api: None,
        addr: SocketAddr::from(([10, 0, 0, number], 22_683)),
        started: UnixMillis(1_700_000_000_000),
        cluster: ClusterName::new(CLUSTER).expect("a name"),
        timing: Timing::default(),
        seeds: Vec::new(),
        remembered: Vec::new(),
    };
    Machine::new(settings, Arc::new(KeyRing::default()), [1; 32], Duration::ZERO)
}

/// An identity as packets carry it.
fn put_identity(out: &mut Vec<u8>, number: usize, generation: u64, host: u8) {
    out.push(0);
    out.extend_from_slice(&id(number).to_bytes());
    out.extend_from_slice(&generation.to_be_bytes()[2..]);
    out.extend_from_slice(&[10, 0, 0, host, 0x58, 0x9B]);
}

fn outside(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(CLUSTER.len()).expect("short");
    [&[0xB7, PROTOCOL, kind, 0, len], CLUSTER.as_bytes(), body].concat()
}

/// What goes over the wire in a cluster without keys: all kinds of messages, some of them to node 0.
fn recorded() -> Vec<(usize, SocketAddr, Vec<u8>)> {
    let mut setup = Setup::new(6, 0.05, 3);
    setup.keys = KeyRing::default();
    let mut sim = Sim::new(setup);
    sim.recorded = Some(Vec::new());
    sim.run_for(20 * SECOND);
    sim.kill(5);
    sim.run_for(20 * SECOND);
    sim.leave(4);
    sim.pause(3);
    sim.run_for(20 * SECOND);
    sim.resume(3);
    sim.run_for(10 * SECOND);
    sim.recorded.take().expect("was set")
}

/// Lets the machine do all it wants, and checks that it is sane.
fn drain(machine: &mut Machine) {
    while let Some(output) = machine.poll() {
        if let Output::Send { datagram, .. } = output {
            assert!(datagram.len() <= MAX_DATAGRAM);
        }
    }
    assert!(machine.members().len() <= MAX_MEMBERS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..1_500)) {
        let mut machine = open_machine(0);
        prop_assert!(machine.datagram(SECOND, FROM, &bytes).is_err());
        prop_assert!(machine.serve(SECOND, FROM.ip(), &bytes).is_err());
        prop_assert!(machine.members().is_empty());
    }

    #[test]
    fn garbage_behind_a_good_header_does_no_harm(body in prop::collection::vec(any::<u8>(), 0..1_300)) {
        let mut machine = open_machine(0);
        let datagram = machine.datagram(SECOND, FROM, &outside(0, &body));
        let request = machine.serve(SECOND, FROM.ip(), &outside(1, &body));
        drain(&mut machine);
        machine.wake(20 * SECOND);
        drain(&mut machine);
        prop_assert_eq!(machine.counts().received, u64::from(datagram.is_ok()) + u64::from(request.is_ok()));
    }
}

#[test]
fn changed_packets_do_no_harm() {
    let recorded = recorded();
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(5);
    let mut machine = open_machine(0);
    let (mut used, mut refused) = (0, 0);
    for (round, (_, from, packet)) in recorded.iter().cycle().take(40_000).enumerate() {
        let mut packet = packet.clone();
        // Behind the header and the cluster's name, where it is looked at closely.
        for _ in 0..rand::RngExt::random_range(&mut rng, 0..4) {
            let index = rand::RngExt::random_range(&mut rng, 5 + CLUSTER.len()..packet.len());
            packet[index] = rand::RngExt::random(&mut rng);
        }
        if round % 5 == 0 {
            packet.truncate(rand::RngExt::random_range(&mut rng, 0..=packet.len()));
        }
        let now = Duration::from_millis(round as u64 * 10);
        match machine.datagram(now, *from, &packet) {
            Ok(()) => used += 1,
            Err(_) => refused += 1,
        }
        if machine.next_wake() <= now {
            machine.wake(now);
        }
        drain(&mut machine);
    }
    assert!(used > 1_000 && refused > 1_000, "{used} used, {refused} refused");
}

#[test]
fn changed_exchanges_do_no_harm() {
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(6);
    let mut knows_many = open_machine(1);
    for (_, from, packet) in recorded().into_iter().filter(|(to, ..)| *to == 1) {
        // Most of it is for another life of node 1; what it is told of others counts.
        let _ = knows_many.datagram(SECOND, from, &packet);
    }
    assert!(knows_many.members().len() >= 4);
    let mut machine = open_machine(0);
    let (request, _) = knows_many.request(SECOND);
    let (_, pending) = machine.request(SECOND);
    let answer = knows_many.serve(SECOND, FROM.ip(), &machine.request(SECOND).0).expect("a good request");
    let (mut used, mut refused) = (0, 0);
    for round in 0..20_000_u64 {
        let mut packet = if round % 2 == 0 { request.clone() } else { answer.clone() };
        for _ in 0..rand::RngExt::random_range(&mut rng, 0..4) {
            let index = rand::RngExt::random_range(&mut rng, 5 + CLUSTER.len()..packet.len());
            packet[index] = rand::RngExt::random(&mut rng);
        }
        let now = Duration::from_millis(round * 10);
        let outcome = if round % 2 == 0 {
            machine.serve(now, FROM.ip(), &packet).map(|_| ())
        } else {
            machine.answered(now, FROM, &pending, &packet)
        };
        if outcome.is_ok() {
            used += 1;
        } else {
            refused += 1;
        }
        if machine.next_wake() <= now {
            machine.wake(now);
        }
        drain(&mut machine);
    }
    assert!(used > 1_000 && refused > 1_000, "{used} used, {refused} refused");
}

#[test]
fn whoever_is_buried_again_and_again_comes_back_ever_more_slowly() {
    let mut machine = open_machine(0);
    let mut seconds = Vec::new();
    for second in 1..1_800 {
        let now = SECOND * second;
        // Node 1 gossips that there is a newer life of node 0 elsewhere, as another node with the same id would.
        let mut body = vec![9];
        put_identity(&mut body, 1, 1_700_000_000_000, 1);
        body.extend_from_slice(&[0, 0]);
        put_identity(&mut body, 0, machine.identity().generation, 0);
        body.extend_from_slice(&[0, 1]);
        put_identity(&mut body, 0, machine.identity().generation + 5, 9);
        body.extend_from_slice(&[0, 0]);
        let before = machine.identity().generation;
        machine.datagram(now, FROM, &outside(0, &body)).expect("well-formed");
        if machine.next_wake() <= now {
            machine.wake(now);
        }
        drain(&mut machine);
        if machine.identity().generation > before {
            seconds.push(second);
        }
    }
    assert_eq!(machine.counts().rejoins, seconds.len() as u64);
    assert_eq!(seconds[0], 1, "the first time at once");
    assert!(seconds.len() > 100 && seconds.len() < 200, "{seconds:?}");
    assert!(seconds.windows(2).skip(5).all(|pair| pair[1] - pair[0] >= 9), "{seconds:?}");
}

#[test]
fn what_is_sent_again_buries_nobody() {
    let mut sim = Sim::new(Setup::new(8, 0.02, 9));
    sim.recorded = Some(Vec::new());
    sim.run_for(30 * SECOND);
    sim.kill(7);
    sim.run_for(20 * SECOND);
    sim.start(7, sim.now);
    assert!(sim.run_until(60 * SECOND, Sim::converged).is_some());
    let recorded = sim.recorded.take().expect("was set");
    assert!(recorded.len() > 500);
    let before = sim.false_deaths;
    for chunk in recorded.chunks(50) {
        for (node, from, packet) in chunk {
            sim.inject(*node, *from, packet.clone());
        }
        sim.run_for(SECOND);
    }
    sim.run_for(60 * SECOND);
    assert_eq!(sim.false_deaths, before);
    assert!(sim.converged());
}

#[test]
fn made_up_members_fill_no_memory() {
    let mut machine = open_machine(0);
    let (mut full, mut sent) = (0, 0);
    // Announcements of new nodes, each of them well-formed: kind, sender, incarnation, receiver.
    for number in 0..MAX_MEMBERS + 2_000 {
        let mut body = vec![7];
        put_identity(&mut body, number + 1, 9, 9);
        body.extend_from_slice(&[0, 0]);
        put_identity(&mut body, 0, 1, 0);
        match machine.datagram(SECOND, FROM, &outside(0, &body)) {
            Ok(()) => {}
            Err(refusal) => {
                assert_eq!(refusal.cause(), Cause::Full, "{refusal}");
                full += 1;
            }
        }
        while machine.poll().is_some() {
            sent += 1;
        }
    }
    assert_eq!(full, 2_000);
    assert!(sent >= MAX_MEMBERS, "each announcement is answered: {sent}");
    assert_eq!(machine.members().len(), MAX_MEMBERS);
}

#[test]
fn another_node_with_the_own_id_is_told_of() {
    let mut machine = open_machine(0);
    let mut body = vec![9];
    put_identity(&mut body, 0, 9, 9);
    body.extend_from_slice(&[0, 0]);
    put_identity(&mut body, 0, 1, 0);
    assert_eq!(machine.datagram(SECOND, FROM, &outside(0, &body)), Err(Refusal::OwnId));
    assert_eq!(machine.double(SECOND), Some(FROM.ip()));
    assert_eq!(machine.double(400 * SECOND), None);
    assert_eq!(machine.counts().dropped(Cause::OwnId), 1);
}
