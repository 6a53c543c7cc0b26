//! On one machine: settings, what the nodes tell each other, and what becomes of it when one ends.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Member, peers, sees};
use crate::support::{Node, get, program};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Writes the member's key file.
fn keys(member: &Member, keys: &[&str]) {
    member.site.write("etc/cluster.key", keys.join("\n"));
    let path = member.site.path("etc/cluster.key");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("the mode can be set");
}

/// Where a node's agent is reached.
fn agent_of(node: &mut Node) -> String {
    node.status("its agent has an address", |status| status["agent"]["address"].as_str().map(str::to_owned))
}

fn first() -> (Member, Node, String) {
    let member = Member::new(1, "{listen: '127.0.0.1:0', key-file: cluster.key}");
    keys(&member, &[KEY]);
    let mut node = member.start(program(), "127.0.0.1:0");
    let agent = agent_of(&mut node);
    (member, node, agent)
}

fn join(number: u8, seed: &str) -> (Member, Node) {
    let member = Member::new(number, &format!("{{listen: '127.0.0.1:0', seeds: ['{seed}'], key-file: cluster.key}}"));
    keys(&member, &[KEY]);
    let node = member.start(program(), "127.0.0.1:0");
    (member, node)
}

#[test]
fn nodes_find_each_other_and_plugins_see_all_of_them() {
    let (_one, mut first, seed) = first();
    let (_two, mut second) = join(2, &seed);
    let (_three, mut third) = join(3, &seed);
    sees(&mut first, &["n2", "n3"]);
    sees(&mut second, &["n1", "n3"]);
    sees(&mut third, &["n1", "n2"]);
    // The columns and the facts of all are in what the scheduler reads, and so is what each one runs.
    let addr = first.addr();
    first.eventually("figures, facts and work of all three", |_| {
        let input = get(addr, "/v1/scheduler_input");
        let input = (input.status == 200).then(|| input.json())?;
        let columns = input["metrics"].as_object().expect("columns");
        let full =
            columns.values().all(|column| column.as_array().is_some_and(|values| values.len() == 3 && values.iter().all(|v| !v.is_null())));
        let peer = |name: &str| input["peers"][name].clone();
        let all = ["n1", "n2", "n3"].iter().all(|name| {
            let peer = peer(name);
            peer["alive"] == true
                && peer["machine"]["rack"] == name.replace('n', "r")
                && peer["schedule"].is_string()
                && peer["errors"] == 0
        });
        (!columns.is_empty() && full && all).then_some(())
    });
    let status = get(addr, "/v1/status").json();
    assert_eq!((&status["sources"]["peers"], &status["sources"]["metrics"]), (&"agent".into(), &"agent".into()));
    assert_eq!(status["agent"]["members"]["alive"], 2);
    // Killed: it is gone for the others, and stands apart for the scheduler; the other one leaves.
    third.signal(Signal::KILL);
    sees(&mut first, &["n2"]);
    sees(&mut second, &["n1"]);
    first.eventually("the scheduler hears of it", |_| {
        let input = get(addr, "/v1/scheduler_input").json();
        let gone = &input["absent"]["n3"];
        (gone["alive"] == false && gone["machine"]["rack"] == "r3" && input["peers"]["n3"].is_null()).then_some(())
    });
    second.stop();
    first.eventually("one has left, one is down", |_| {
        let members = get(addr, "/v1/status").json()["agent"]["members"].clone();
        (members["left"] == 1 && members["down"] == 1 && members["alive"] == 0).then_some(())
    });
    first.stop();
}

#[test]
fn a_node_finds_its_peers_again_without_seeds_and_keys_are_changed_while_it_runs() {
    let (one, mut first, seed) = first();
    let (two, mut second) = join(2, &seed);
    sees(&mut first, &["n2"]);
    sees(&mut second, &["n1"]);
    // The new key opens everywhere before it seals anywhere.
    let new = KEY.replace("00", "42");
    keys(&one, &[KEY, &new]);
    keys(&two, &[KEY, &new]);
    let keys_of = |node: &mut Node, count: usize| {
        node.status("the keys are in force", |status| {
            let keys = status["agent"]["keys"].as_array()?.clone();
            (keys.len() == count).then_some(keys)
        })
    };
    let both = keys_of(&mut first, 2);
    assert_eq!(keys_of(&mut second, 2), both);
    keys(&one, &[&new]);
    keys(&two, &[&new]);
    assert_eq!(keys_of(&mut first, 1), both[1..]);
    assert_eq!(keys_of(&mut second, 1), both[1..]);
    // A file that cannot be used changes nothing.
    keys(&two, &["no key"]);
    second.eventually("it says so", |node| node.err.iter().any(|line| line.contains("cluster's keys stay as they are")).then_some(()));
    assert!(second.error("agent.key-file").contains("this is no key"));
    second.stop();
    keys(&two, &[&new]);
    two.site.edit("etc/verwalter.yaml", &format!("seeds: ['{seed}'], "), "");
    let mut second = two.start(program(), "127.0.0.1:0");
    sees(&mut second, &["n1"]);
    sees(&mut first, &["n2"]);
    assert_eq!(peers(&second.get("/v1/peers").json(), false), [""; 0]);
    first.stop();
    second.stop();
}

/// The list is saved at most every 30 s, but the first time at once.
#[test]
fn a_node_that_is_killed_soon_after_it_met_others_finds_them_again() {
    let (_one, mut first, seed) = first();
    let (two, mut second) = join(2, &seed);
    sees(&mut second, &["n1"]);
    let met = Instant::now();
    second.eventually("whom it met is written down", |_| two.site.path("var/peers.json").exists().then_some(()));
    assert!(met.elapsed() < Duration::from_secs(20), "it waited for the next saving");
    second.signal(Signal::KILL);
    second.end();
    two.site.edit("etc/verwalter.yaml", &format!("seeds: ['{seed}'], "), "");
    let mut second = two.start(program(), "127.0.0.1:0");
    sees(&mut second, &["n1"]);
    second.stop();
    first.stop();
}

#[test]
fn auto_takes_the_agent_where_no_cantal_answers() {
    let (_one, mut first, seed) = first();
    let (two, second) = join(2, &seed);
    drop(second);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let settings = two.site.read("etc/verwalter.yaml").expect("settings").replace("peers: agent", "peers: auto");
    let cantal = nobody.local_addr().expect("an address");
    drop(nobody);
    two.site.write("etc/verwalter.yaml", format!("{settings}cantal: {{address: '{cantal}'}}\n"));
    let mut second = two.start(program(), "127.0.0.1:0");
    sees(&mut second, &["n1"]);
    second.status("it says which", |status| (status["sources"]["peers"] == "agent").then_some(()));
    second.healthy();
    second.stop();
    first.stop();
}
