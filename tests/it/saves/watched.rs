//! A running daemon whose scheduler is replaced again and again, with the count of activations that are due. It never looks at the
//! daemon from inside: what it says over HTTP and in its log is all there is.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use verwalter_core::digest::Digest;

use crate::support::{Node, Site, answering_plugin};

/// Longer than a loaded machine makes a program pause between two writes, short enough for a test.
pub(super) const QUIET: Duration = Duration::from_millis(400);
pub(super) const WASM: &str = "etc/plugins/spread.wasm";
pub(super) const MANIFEST: &str = "etc/plugins/spread.yaml";

/// Different builds of one scheduler that answers one schedule: no two have the same digest, none moves anything.
pub(super) struct Builds {
    schedule: Value,
    made: u32,
}

impl Builds {
    /// Builds that answer the schedule in force.
    pub(super) fn of(node: &mut Node) -> Builds {
        Builds { schedule: node.get("/v1/schedule").json()["data"].clone(), made: 0 }
    }

    /// Another one.
    pub(super) fn next(&mut self) -> Vec<u8> {
        self.made += 1;
        answering_plugin(0, &serde_json::json!({ "v": 1, "schedule": self.schedule, "log": format!("build {}", self.made) }).to_string())
    }
}

/// Puts a file in place whole, for what is not about how it is written.
pub(super) fn place(site: &Site, below: &str, content: impl AsRef<[u8]>) {
    site.write("placed", content);
    fs::rename(site.path("placed"), site.path(below)).expect("renamed");
}

pub(super) fn digest(wasm: &[u8]) -> String {
    Digest::of(wasm).to_string()
}

/// What is in force, as `/v1/plugins/spread` has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InForce {
    pub(super) activations: u64,
    pub(super) digest: String,
    pub(super) state: String,
    /// The limit that the tests change in the manifest.
    pub(super) fuel: String,
    /// The step that failed, and why.
    pub(super) error: Option<(String, String)>,
}

impl InForce {
    fn of(status: &Value) -> InForce {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        InForce {
            activations: status["activations"].as_u64().expect("a number"),
            digest: text(&status["digest"]).unwrap_or_default(),
            state: text(&status["state"]).expect("a text"),
            fuel: text(&status["limits"]["fuel"]).unwrap_or_default(),
            error: text(&status["error"]["step"]).zip(text(&status["error"]["reason"])),
        }
    }
}

/// The daemon, its tree, and what was done so far.
pub(super) struct Watched {
    pub(super) site: Site,
    pub(super) builds: Builds,
    node: Node,
    barriers: u32,
    /// Another plugin that cannot be activated.
    failing: Option<&'static str>,
    /// Something took longer than the quiet time allows.
    paused: bool,
    /// What must be in force.
    pub(super) due: InForce,
}

impl Watched {
    /// A daemon on a prepared tree.
    pub(super) fn start() -> Watched {
        Watched::start_on(Site::prepared())
    }

    /// A daemon on a tree that a test has arranged.
    pub(super) fn start_on(site: Site) -> Watched {
        site.edit("etc/verwalter.yaml", "reload-quiet-time: 20ms", &format!("reload-quiet-time: {}ms", QUIET.as_millis()));
        let mut node = site.run(&["--hostname", "alpha"]);
        node.ready();
        let builds = Builds::of(&mut node);
        let due = InForce::of(&node.get("/v1/plugins/spread").json());
        assert_eq!((due.activations, due.state.as_str()), (1, "active"));
        Watched { site, builds, node, barriers: 0, failing: None, paused: false, due }
    }

    /// What is in force now.
    pub(super) fn in_force(&mut self) -> InForce {
        InForce::of(&self.node.get("/v1/plugins/spread").json())
    }

    /// Waits until `want` likes what is in force.
    pub(super) fn until(&mut self, what: &str, want: impl Fn(&InForce) -> bool) -> InForce {
        self.node.eventually(what, |node| Some(InForce::of(&node.get("/v1/plugins/spread").json())).filter(&want))
    }

    /// Waits until the daemon compiles something.
    pub(super) fn compiling(&mut self) {
        let pid = self.node.pid();
        self.node.eventually("it compiles", |_| {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
            let children = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
            children.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).next()
        });
    }

    /// A change elsewhere in the tree, and the round that has read it: whatever was done to the tree before has been looked at by then,
    /// since a look is at the whole tree and reloads come one after the other.
    pub(super) fn barrier(&mut self) {
        self.barriers += 1;
        let number = self.barriers;
        // A role that nobody runs.
        let role = format!("instances: 0\ntemplate: web/v1\nvars: {{ number: {number} }}\n");
        place(&self.site, "etc/runtime/barrier.yaml", role);
        let number = serde_json::json!(number);
        let read =
            |node: &mut Node| (node.get("/v1/scheduler_input").json()["runtime"]["barrier"]["vars"]["number"] == number).then_some(());
        self.node.eventually("a round reads the change that came last", read);
    }

    /// Saves a new build of the scheduler some way; exactly that one comes into force, once.
    pub(super) fn build(&mut self, way: &str, save: impl FnOnce(&Site, &[u8])) {
        let wasm = self.builds.next();
        self.due.digest = digest(&wasm);
        self.saved(way, |site| save(site, &wasm));
    }

    /// Saves the manifest with another limit some way; it comes into force, once.
    pub(super) fn manifest(&mut self, way: &str, save: impl FnOnce(&Site, &str, &str)) {
        let before = self.due.fuel.clone();
        let number: u32 = before.strip_suffix('G').and_then(|number| number.parse().ok()).expect("so many G");
        self.due.fuel = format!("{}G", number + 1);
        let (from, to) = (format!("fuel: {before}"), format!("fuel: {}", self.due.fuel));
        self.saved(way, |site| save(site, &from, &to));
    }

    /// Both at once; one activation.
    pub(super) fn both(&mut self, way: &str, save: impl FnOnce(&Site, &[u8], &str)) {
        let text = self.site.read(MANIFEST).expect("it is there");
        let wasm = self.builds.next();
        self.due.digest = digest(&wasm);
        self.manifest(way, |site, from, to| save(site, &wasm, &text.replace(from, to)));
    }

    /// Does something to the tree that ends in one activation of what is due.
    pub(super) fn saved(&mut self, way: &str, save: impl FnOnce(&Site)) {
        let before = self.due.activations;
        self.due.activations = before + 1;
        self.settles(way, save, |now| now.activations > before);
    }

    /// Does something to the tree that is no change to a plugin.
    pub(super) fn untouched(&mut self, way: &str, act: impl FnOnce(&Site)) {
        self.settles(way, act, |_| true);
    }

    /// Does something, and looks at what is in force once the daemon has looked too.
    fn settles(&mut self, way: &str, act: impl FnOnce(&Site), done: impl Fn(&InForce) -> bool) {
        let begun = Instant::now();
        act(&self.site);
        let took = begun.elapsed();
        if took > QUIET / 2 {
            // So long a pause may lie between any two steps. Then halves are rightly told and counted; they still have to heal.
            println!("not counted: {way} took {} ms, since this machine is busy", took.as_millis());
            self.paused = true;
            let due = self.due.clone();
            self.until(&format!("{way}: it heals"), |now| InForce { activations: due.activations, ..now.clone() } == due);
            self.barrier();
            self.due.activations = self.in_force().activations;
            return;
        }
        self.until(&format!("{way}: it comes into force"), done);
        self.barrier();
        assert_eq!(self.in_force(), self.due, "{way}");
    }

    /// A file of the site that is not in the tree, with a new build in it.
    pub(super) fn beside(site: &Site, name: &str, wasm: &[u8]) -> PathBuf {
        site.write(name, wasm);
        site.path(name)
    }

    /// Waits until another plugin could not be activated: from now on its failures are no failures.
    pub(super) fn expect_failure_of(&mut self, plugin: &'static str) {
        self.failing = Some(plugin);
        self.node.error(&format!("plugin {plugin}"));
    }

    /// Ends it; its log must tell of every activation that was due and of nothing that failed.
    pub(super) fn end(mut self) {
        self.node.stop();
        let failing = self.failing.map(|plugin| format!("plugin={plugin} "));
        let counts = |line: &&String| failing.as_ref().is_none_or(|failing| !line.contains(failing));
        let told = |what: &str| self.node.err.iter().filter(counts).filter(|line| line.contains(what)).count();
        let activated = self.node.err.iter().filter(|line| line.contains("plugin activated") && line.contains("plugin=spread"));
        assert_eq!(activated.count() as u64, self.due.activations, "{}", self.node.transcript());
        if self.paused {
            return;
        }
        for failure in ["could not be activated", "nothing was decided", " ERROR "] {
            assert_eq!(told(failure), 0, "{failure}: {}", self.node.transcript());
        }
    }

    /// Ends it where failures are what the test is about; gives the log's lines about activations that failed.
    pub(super) fn end_with_failures(mut self) -> Vec<String> {
        self.node.stop();
        assert!(!self.node.err.iter().any(|line| line.contains("nothing was decided")), "{}", self.node.transcript());
        self.node.err.iter().filter(|line| line.contains("could not be activated")).cloned().collect()
    }
}
