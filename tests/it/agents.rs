//! Several nodes that find each other by the built-in agent: on one machine's loopback, and in network namespaces of their own.

mod loopback;
mod namespaces;
mod refusals;

use std::process::Command;

use serde_json::Value;

use crate::support::{Node, Site, get};

/// A node's directories and how it is told apart.
pub(crate) struct Member {
    pub(crate) site: Site,
    pub(crate) number: u8,
}

impl Member {
    /// The demo's tree with the built-in agent as `agent` says, a YAML mapping in one line.
    pub(crate) fn new(number: u8, agent: &str) -> Member {
        let site = Site::prepared();
        let settings = site.read("etc/verwalter.yaml").expect("the site has settings");
        let settings = format!("{settings}hostname: n{number}\npeers: agent\nagent: {agent}\n");
        site.write("etc/verwalter.yaml", settings);
        // Each node gets a rack of its own.
        site.write("etc/machine/site.yaml", format!("rack: r{number}\n"));
        Member { site, number }
    }

    /// Starts it by `program`.
    pub(crate) fn start(&self, program: Command, listen: &str) -> Node {
        let mut command = self.site.run_command(program);
        command.args(["--listen", listen, "--override-machine-id", &format!("{:032x}", 0xa0 + u32::from(self.number))]);
        Node::start(command)
    }
}

/// The hostnames of those peers that are `alive` or not, in order.
pub(crate) fn peers(listed: &Value, alive: bool) -> Vec<String> {
    let mut names: Vec<String> = listed
        .as_array()
        .expect("a list of peers")
        .iter()
        .filter(|peer| peer["alive"] == alive)
        .map(|peer| peer["hostname"].as_str().expect("a hostname").to_owned())
        .collect();
    names.sort();
    names
}

/// Waits until `node` lists exactly these others as alive.
pub(crate) fn sees(node: &mut Node, others: &[&str]) {
    let addr = node.addr();
    node.eventually(&format!("it sees {others:?}"), |_| (peers(&get(addr, "/v1/peers").json(), true) == others).then_some(()));
}
