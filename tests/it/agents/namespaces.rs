//! Three nodes in three network namespaces on one bridge: how soon they find each other, how soon a killed one is gone, and that a cut
//! link heals. Needs root and `ip`; without them it says so and looks at nothing.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Member, peers};
use crate::support::{Node, eventually, get, program};

const NODES: u8 = 3;
/// How often each thing is done: one slow moment of the machine must not decide.
const TRIES: usize = 3;

/// A bridge with a cable to each of the nodes' namespaces. All of it goes with this value.
struct Network {
    prefix: String,
}

fn ip(args: &str) -> Result<(), String> {
    let output = Command::new("ip").args(args.split_whitespace()).output().map_err(|error| format!("there is no `ip` ({error})"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("`ip {args}`: {}", text.trim())) }
}

impl Network {
    fn build() -> Result<Network, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("the tests do not run as root".to_owned());
        }
        let network = Network { prefix: format!("vw{}", std::process::id()) };
        let hub = network.hub();
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add br0 type bridge"))?;
        ip(&format!("-n {hub} link set br0 up"))?;
        for number in 1..=NODES {
            let space = network.space(number);
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {hub} link add port{number} type veth peer name eth0 netns {space}"))?;
            ip(&format!("-n {hub} link set port{number} master br0 up"))?;
            ip(&format!("-n {space} addr add 10.83.0.{number}/24 dev eth0"))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(network)
    }

    fn hub(&self) -> String {
        format!("{}hub", self.prefix)
    }

    fn space(&self, number: u8) -> String {
        format!("{}n{number}", self.prefix)
    }

    /// Pulls or plugs the cable of one node.
    fn cable(&self, number: u8, state: &str) {
        ip(&format!("-n {} link set port{number} {state}", self.hub())).expect("the port is there");
    }

    /// Starts the node in its namespace.
    fn start(&self, member: &Member) -> Node {
        let program = program();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(member.number)]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        member.start(command, "127.0.0.1:0")
    }

    /// Who is alive for the node: asked from within its namespace, by a thread of its own.
    fn alive(&self, number: u8, node: &mut Node) -> Vec<String> {
        let addr = node.addr();
        let space = File::open(format!("/run/netns/{}", self.space(number))).expect("the namespace is there");
        let asked = std::thread::spawn(move || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter it");
            peers(&get(addr, "/v1/peers").json(), true)
        });
        asked.join().expect("it answers")
    }

    /// How long it takes until each of these nodes sees just the ones that are named for it.
    fn until(&self, nodes: &mut [(u8, &mut Node, Vec<&str>)]) -> Duration {
        let begun = Instant::now();
        for (number, node, others) in nodes {
            eventually(&format!("n{number} sees {others:?}"), || (self.alive(*number, node) == *others).then_some(()));
        }
        begun.elapsed()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Half of it may never have been made.
        for space in (1..=NODES).map(|number| self.space(number)).chain([self.hub()]) {
            let _ = ip(&format!("netns del {space}"));
        }
    }
}

fn member(number: u8) -> Member {
    let agent = format!("{{listen: '10.83.0.{number}:22683', seeds: ['10.83.0.1:22683', '10.83.0.2:22683'], key-file: cluster.key}}");
    let member = Member::new(number, &agent);
    member.site.write("etc/cluster.key", "5c".repeat(32));
    let path = member.site.path("etc/cluster.key");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("the mode can be set");
    member
}

#[test]
fn three_machines() {
    let network = match Network::build() {
        Ok(network) => network,
        Err(reason) => {
            println!("left out: agents in network namespaces: {reason}");
            return;
        }
    };
    let [one, two, three] = [1, 2, 3].map(member);
    let mut first = network.start(&one);
    let mut second = network.start(&two);
    network.until(&mut [(1, &mut first, vec!["n2"]), (2, &mut second, vec!["n1"])]);
    let (mut joined, mut buried) = (Vec::new(), Vec::new());
    let mut third = network.start(&three);
    for _ in 0..TRIES {
        // From the moment at which it speaks: what comes before is the program's start.
        third.addr();
        joined.push(network.until(&mut [
            (3, &mut third, vec!["n1", "n2"]),
            (1, &mut first, vec!["n2", "n3"]),
            (2, &mut second, vec!["n1", "n3"]),
        ]));
        third.signal(Signal::KILL);
        buried.push(network.until(&mut [(1, &mut first, vec!["n2"]), (2, &mut second, vec!["n1"])]));
        third.end();
        third = network.start(&three);
    }
    network.until(&mut [(3, &mut third, vec!["n1", "n2"]), (1, &mut first, vec!["n2", "n3"]), (2, &mut second, vec!["n1", "n3"])]);
    network.cable(3, "down");
    let cut = network.until(&mut [(1, &mut first, vec!["n2"]), (2, &mut second, vec!["n1"]), (3, &mut third, vec![])]);
    network.cable(3, "up");
    let healed =
        network.until(&mut [(3, &mut third, vec!["n1", "n2"]), (1, &mut first, vec!["n2", "n3"]), (2, &mut second, vec!["n1", "n3"])]);
    println!("joined after {joined:.1?}, a killed node gone after {buried:.1?}, a cut seen after {cut:.1?} and healed after {healed:.1?}");
    let best = |times: &[Duration]| *times.iter().min().expect("there were tries");
    // What the agent promises. The best of some: a busy machine makes single ones late, a defect all of them.
    assert!(best(&joined) <= Duration::from_secs(3), "{joined:?}");
    assert!(best(&buried) <= Duration::from_secs(10), "{buried:?}");
    for mut node in [first, second, third] {
        node.stop();
    }
}
