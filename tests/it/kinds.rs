//! All four kinds of plugins, and the predecessor's, in a running node: what they are told, what their answers bring about, and that a
//! failing one takes nothing away.

mod filters;
mod hostile;
mod policies;
mod predecessor;
mod queries;

use serde_json::Value;

use crate::sandbox::guest::{self, data, packed, translate};
use crate::support::{Node, Site};

/// Everything happens soon; `out/` beside `etc/`; the node is called as the guests expect.
const SETTINGS: &str = "round-interval: 150ms\nreload-quiet-time: 20ms\ncollect-interval: 200ms\noutput-dir: ../out\nhostname: alpha\n";
/// What one role becomes.
const TEMPLATE: &str = "{{ role }} x{{ instances }} on {{ node }}\n";

/// A site with the role `web` placed `instances` times on its own node, and nothing beside.
fn site(instances: u32) -> Site {
    let site = Site::fresh();
    site.write("etc/verwalter.yaml", SETTINGS);
    // The demo's own tree is not wanted.
    site.write("var/demo-tree-written", "");
    template(&site, "web", TEMPLATE);
    site.write("etc/plugins/place.yaml", "kind: scheduler\n");
    site.write("etc/plugins/place.wasm", placing(instances));
    site
}

/// Templates `ROLE/v1`, which become the file `out/ROLE`.
fn template(site: &Site, role: &str, text: &str) {
    let rendering = "templates: { text: text.hbs }\ncommands:\n- !Copy { src: \"{{ files.text }}\", dest: \"{{ role }}\" }\n";
    saved(site, &format!("etc/templates/{role}/v1/{role}.render.yaml"), rendering);
    saved(site, &format!("etc/templates/{role}/v1/text.hbs"), text);
}

/// At once: the quiet time here is shorter than a busy machine may take between emptying a file and writing it.
fn saved(site: &Site, below: &str, text: &str) {
    site.write("staged", text);
    let place = site.path(below);
    std::fs::create_dir_all(place.parent().expect("it lies below the site")).expect("the directory is made");
    std::fs::rename(site.path("staged"), place).expect("on one file system");
}

/// A scheduler that places `web` so many times on the own node.
fn placing(instances: u32) -> Vec<u8> {
    let schedule = format!(r#"{{"roles":{{"web":{{"template":"web/v1","place":{{"alpha":{instances}}}}}}}}}"#);
    guest::answering(format!("\0{{\"v\":1,\"schedule\":{schedule}}}").as_bytes())
}

/// Starts the node, which prints its rounds, and waits until the first schedule is deployed and known to a round.
fn start(site: &Site) -> Node {
    let mut node = site.demo(&["--json"]);
    node.round("the first schedule", |round| round["accepted"] == true);
    // From the second round on dry runs find a schedule that stands.
    node.round("one that knows it", |round| round["accepted"] == true);
    node.ready();
    node
}

/// Replaces a plugin's build, and waits until it is in force.
fn replace(site: &Site, node: &mut Node, name: &str, wasm: Vec<u8>) {
    let digest = verwalter_core::digest::Digest::of(&wasm).to_string();
    site.write(&format!("etc/plugins/{name}.wasm"), wasm);
    in_force(node, name, |plugin| plugin["digest"] == digest.as_str());
}

/// Puts a plugin beside the others, and waits until it is active.
fn add(site: &Site, node: &mut Node, name: &str, manifest: &str, wasm: Vec<u8>) {
    site.write(&format!("etc/plugins/{name}.wasm"), wasm);
    site.write(&format!("etc/plugins/{name}.yaml"), manifest);
    in_force(node, name, |plugin| plugin["state"] == "active");
}

fn in_force(node: &mut Node, name: &str, look: impl Fn(&Value) -> bool) {
    node.eventually(&format!("plugin {name} is in force"), |node| {
        let reply = node.get(&format!("/v1/plugins/{name}"));
        (reply.status == 200 && look(&reply.json())).then_some(())
    });
}

/// How often `web` runs on the own node by the schedule in force.
fn instances(node: &mut Node) -> Value {
    node.get("/v1/schedule").json()["data"]["nodes"]["alpha"]["roles"]["web"]["instances"].clone()
}

/// A core module with these functions of the contract: each a name and a body that leaves pointer and length of its answer.
fn core(imports: &str, items: &str, functions: &[(&str, &str)]) -> Vec<u8> {
    let functions =
        functions.iter().map(|(name, body)| format!(r#"(func (export "{name}") (param $ptr i32) (param $len i32) (result i64) {body})"#));
    let functions: String = functions.collect();
    // Room before the input: a byte can be put in front of it.
    translate(&format!(
        r#"(module {imports}
            (memory (export "memory") 16)
            (func (export "vw_abi_1"))
            (func (export "vw_alloc") (param i32) (result i32) (i32.const 65536))
            (func (export "vw_free") (param i32 i32))
            {items} {functions})"#
    ))
}

/// The body of a function that always answers this; `first` is 0 for done, 1 for refused.
fn says(at: u32, first: u8, text: &str) -> (String, String) {
    let bytes = [&[first], text.as_bytes()].concat();
    (data(at, &bytes), packed(at, u32::try_from(bytes.len()).expect("it is short")))
}

/// The body of a function that answers what it was told.
const ECHO: &str = "(i32.store8 (i32.const 65535) (i32.const 0))
    (i64.or (i64.shl (i64.extend_i32_u (i32.add (local.get $len) (i32.const 1))) (i64.const 32)) (i64.const 65535))";
