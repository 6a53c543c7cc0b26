//! A node named `alpha` with plugins of the test's own making and nothing else, and what an operator does with it.

use serde_json::Value;
use verwalter_core::digest::Digest;

use crate::support::{Ended, Node, Reply, Site, get, request, run_to_end};

/// Things happen soon.
const SETTINGS: &str = "hostname: alpha\nround-interval: 100ms\nreload-quiet-time: 20ms\ncollect-interval: 200ms\n";
/// A scheduler without a word on anything.
pub(super) const SCHEDULER: &str = "kind: scheduler\n";

/// A running node.
pub(super) struct Daemon {
    pub(super) site: Site,
    pub(super) node: Node,
}

impl Daemon {
    /// Starts one with a scheduler `spread`, and waits for its first schedule.
    pub(super) fn start(wasm: &[u8]) -> Daemon {
        let mut daemon = Daemon::bare("", &[("spread", wasm, SCHEDULER)]);
        daemon.rounds(1);
        daemon
    }

    /// Starts one with further settings and these plugins.
    pub(super) fn bare(settings: &str, plugins: &[(&str, &[u8], &str)]) -> Daemon {
        let site = Site::fresh();
        site.write("etc/verwalter.yaml", format!("{SETTINGS}{settings}"));
        for (name, wasm, manifest) in plugins {
            site.write(&format!("etc/plugins/{name}.wasm"), wasm);
            site.write(&format!("etc/plugins/{name}.yaml"), manifest);
        }
        site.write("etc/runtime/words.yaml", "on: \"\"\n");
        let node = site.run(&[]);
        Daemon { site, node }
    }

    /// Ends it, does something to its files, and starts it again.
    pub(super) fn restart(&mut self, meanwhile: impl FnOnce(&Site)) {
        self.node.stop();
        meanwhile(&self.site);
        self.node = self.site.run(&[]);
    }

    /// Replaces a file of the tree at once.
    pub(super) fn put(&self, below: &str, content: impl AsRef<[u8]>) {
        self.site.write("staged", content);
        std::fs::rename(self.site.path("staged"), self.site.path(&format!("etc/{below}"))).expect("it is on the same file system");
    }

    /// Replaces the wasm of a plugin; gives its digest.
    pub(super) fn install(&self, name: &str, wasm: &[u8]) -> String {
        self.put(&format!("plugins/{name}.wasm"), wasm);
        Digest::of(wasm).to_string()
    }

    /// Replaces both files: the pin makes one change of them.
    pub(super) fn install_as(&self, name: &str, wasm: &[u8], manifest: &str) -> String {
        let digest = Digest::of(wasm).to_string();
        self.put(&format!("plugins/{name}.yaml"), format!("{manifest}digest: {digest}\n"));
        self.install(name, wasm)
    }

    /// The words that the metadata has from now on.
    pub(super) fn say(&self, words: &str) {
        self.put("runtime/words.yaml", format!("on: \"{words}\"\n"));
    }

    /// Waits until the plugin is as `want` likes it.
    pub(super) fn plugin(&mut self, name: &str, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let (addr, path) = (self.node.addr(), format!("/v1/plugins/{name}"));
        let mut last = Value::Null;
        self.node.eventually(what, |_| {
            last = get(addr, &path).json();
            want(&last).then(|| last.clone())
        })
    }

    /// Waits until this build is in force, and nothing is wrong with it.
    pub(super) fn activated(&mut self, name: &str, digest: &str) -> Value {
        self.plugin(name, &format!("{digest} of {name} is in force"), |plugin| plugin["digest"] == digest && plugin["error"].is_null())
    }

    /// Waits until the newest files are kept out at `step` for a reason that says `told`.
    pub(super) fn kept_out(&mut self, name: &str, step: &str, told: &str) -> Value {
        self.plugin(name, &format!("{name} stops at {step}: {told}"), |plugin| {
            plugin["error"]["step"] == step && plugin["error"]["reason"].as_str().is_some_and(|reason| reason.contains(told))
        })
    }

    /// Waits for so many more rounds; gives the newest.
    pub(super) fn rounds(&mut self, more: u64) -> Value {
        let mut since = None;
        self.node.status("rounds go on", |status| {
            let round = status["round"]["round"].as_u64()?;
            let since = *since.get_or_insert(if more == 1 && round > 0 { round - 1 } else { round });
            (round >= since + more).then(|| status["round"].clone())
        })
    }

    /// Waits for a round that `want` likes.
    pub(super) fn round(&mut self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        self.node.status(what, |status| want(&status["round"]).then(|| status["round"].clone()))
    }

    /// Waits until the schedule in force has so many instances of `web` here.
    pub(super) fn places(&mut self, instances: u32) {
        let addr = self.node.addr();
        self.node.eventually(&format!("{instances} instances are in force"), |_| {
            let schedule = get(addr, "/v1/schedule").json();
            let placed = schedule["data"]["nodes"]["alpha"]["roles"]["web"]["instances"].as_u64().unwrap_or(0);
            (schedule["hash"].is_string() && placed == u64::from(instances)).then_some(())
        });
    }

    /// The value of a sample of `/metrics`, named with its labels; 0 when it is not there.
    pub(super) fn metric(&mut self, sample: &str) -> f64 {
        let text = self.node.get("/metrics").body;
        let line = text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// Rounds that failed since the start.
    pub(super) fn failed_rounds(&mut self) -> f64 {
        self.metric("verwalter_rounds_total{outcome=\"failed\"}")
    }

    /// `verwalter plugin …` against this node.
    pub(super) fn command(&mut self, args: &[&str]) -> Ended {
        let url = format!("http://{}", self.node.addr());
        run_to_end([&["plugin"], args, &["--node", &url]].concat())
    }

    /// The same, which must work; what it printed.
    pub(super) fn order(&mut self, args: &[&str]) -> String {
        let ended = self.command(args);
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{args:?}: {ended:#?}");
        ended.out
    }

    /// The same, which must fail with one line that says `told`.
    pub(super) fn refused(&mut self, args: &[&str], told: &str) {
        let ended = self.command(args);
        assert_eq!((ended.status, ended.out.as_str(), ended.err.lines().count()), (Some(1), "", 1), "{args:?}: {ended:#?}");
        assert!(ended.err.starts_with("verwalter: ") && ended.err.contains(told), "{told}: {ended:#?}");
    }

    /// Asks with these header lines and without a body.
    pub(super) fn post(&mut self, path: &str, headers: &[&str]) -> Reply {
        request(self.node.addr(), "POST", path, headers)
    }

    /// Lines of its log that have all these words.
    pub(super) fn logged(&self, words: &[&str]) -> usize {
        self.node.err.iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

/// `outcome` of every step, by name.
pub(super) fn steps(plugin: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let steps = plugin["steps"].as_array().expect("a list");
    assert!(steps.iter().all(|step| step["took_us"].is_u64()), "{plugin:#}");
    steps.iter().map(|step| (text(&step["step"]), text(&step["outcome"]))).collect()
}

/// The note of a step.
pub(super) fn note(plugin: &Value, step: &str) -> String {
    let steps = plugin["steps"].as_array().expect("a list");
    let found = steps.iter().find(|found| found["step"] == step).unwrap_or_else(|| panic!("no step {step}: {plugin:#}"));
    found["note"].as_str().unwrap_or_else(|| panic!("no note: {found:#}")).to_owned()
}
