//! A sandbox in a directory of its own, and a small cluster for plugins to decide on: three nodes, fixed times.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use verwalter::plugin::manifest::Manifest;
use verwalter::plugin::{Activator, Compiler, Loaded};
use verwalter::round::decide::{self, Decided, Undecided};
use verwalter_core::contract::SchedulerInput;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::{Column, Columns};
use verwalter_core::names::{Hostname, PluginName};
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::ports::Scheduler;
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

use super::guest;

/// Far above what the tests compile.
pub(crate) const CACHE_BYTES: u64 = 64 << 20;
/// A scheduler without a word on limits.
pub(crate) const SCHEDULER: &str = "kind: scheduler\n";
/// Little fuel, so that what loops ends soon.
pub(crate) const FRUGAL: &str = "kind: scheduler\nlimits: { fuel: 10M }\n";

/// Compiles in the program under test.
pub(crate) fn compiler() -> Compiler {
    Compiler::at(env!("CARGO_BIN_EXE_verwalter").into())
}

pub(crate) fn manifest(text: &str) -> Manifest {
    Manifest::parse(Path::new("test.yaml"), text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(crate) struct Sandbox {
    activator: Activator,
    sound: Loaded,
    snapshot: Arc<Snapshot>,
    _dir: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        let activator = Activator::without_storage(&dir.path().join("cache"), compiler(), CACHE_BYTES).unwrap();
        let sound = load(&activator, "sound", &guest::placing(1), SCHEDULER).unwrap();
        Sandbox { activator, sound, snapshot: cluster(Columns::new()), _dir: dir }
    }

    /// A plugin that is ready, or the step that it did not pass.
    pub(crate) fn load(&self, wasm: &[u8], manifest: &str) -> Result<Loaded, String> {
        load(&self.activator, "guest", wasm, manifest)
    }

    /// Loads and decides; the outcome begins with `expect`. Whatever it was, a sound plugin beside it decides as before.
    pub(crate) fn check(&self, wasm: &[u8], manifest: &str, expect: &str) {
        let outcome = self.load(wasm, manifest).map(|plugin| self.outcome(&plugin));
        let outcome = outcome.unwrap_or_else(|stopped| stopped);
        assert!(outcome.starts_with(expect), "expected: {expect}\n   found: {outcome}");
        let sound = self.outcome(&self.sound);
        assert_eq!(sound, r#"{"nodes":{"alpha":{"roles":{"web":{"instances":1}}}},"roles":{"web":{}}}"#, "beside: {outcome}");
    }

    /// The schedule, or what went wrong, cause first.
    pub(crate) fn outcome(&self, plugin: &Loaded) -> String {
        match decide(plugin, &self.snapshot, &[]).map_err(|undecided| *undecided) {
            Ok(decided) => decided.admitted.schedule.canonical().to_string(),
            Err(Undecided::Call(failure)) => format!("{}: {}", failure.cause, failure.message),
            Err(refused) => format!("{}: {}", refused.cause(), std::error::Error::source(&refused).unwrap()),
        }
    }
}

fn load(activator: &Activator, name: &str, wasm: &[u8], text: &str) -> Result<Loaded, String> {
    activator.load(&PluginName::new(name).unwrap(), wasm, &manifest(text)).map_err(|stopped| stopped.to_string())
}

/// The nodes alpha, beta and gamma.
pub(crate) fn cluster(columns: Columns) -> Arc<Snapshot> {
    let peers = ["alpha", "beta", "gamma"].iter().zip(1..).map(|(hostname, number)| {
        let machine = serde_json::from_value(serde_json::json!({ "rack": format!("r{number}") })).unwrap();
        let hostname = Hostname::new(hostname).unwrap();
        let name = format!("{hostname}.example.org");
        Peer { name, known_since: UnixMillis(1_000), machine, ..Peer::named(NodeId::from_bytes([number; 16]), hostname) }
    });
    let (peers, clashes) = PeerTable::new(peers.collect());
    assert!(clashes.is_empty());
    Arc::new(Snapshot::new(UnixMillis(2_000), Arc::new(peers), columns).unwrap())
}

/// The cluster with one column, under the first rule of `manifest`.
pub(crate) fn measured(manifest: &Manifest, column: Column) -> Arc<Snapshot> {
    let rule = manifest.metrics.as_ref().unwrap().values().next().unwrap().clone();
    cluster(Columns::from([(rule.into(), Arc::new(column))]))
}

/// One decision, as a round makes it.
pub(crate) fn decide(plugin: &dyn Scheduler, snapshot: &Arc<Snapshot>, parents: &[Schedule]) -> Result<Decided, Box<Undecided>> {
    let leader = NodeId::from_bytes([1; 16]);
    let input = SchedulerInput {
        now: UnixMillis(3_000),
        round: Round(1),
        term: Term { counter: 1, leader },
        current_host: &Hostname::new("alpha").unwrap(),
        current_id: leader,
        config: plugin.config(),
        runtime: "{}",
        parents,
        actions: "{}",
    };
    let (document, view, spent) = decide::prepare(plugin, &input, snapshot);
    decide::decide(plugin, &document, &view, spent)
}
