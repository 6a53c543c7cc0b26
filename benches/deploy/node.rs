//! The daemon's task of deploying, with a schedule that is made here: 100 roles of ten files each. Nothing around it runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use verwalter::config::ConfigTree;
use verwalter::counts::Counts;
use verwalter::deploy::{Deploy, DeployReport, RoleOutcome};
use verwalter::plugin::{Activator, Compiler};
use verwalter::reload::{Inputs, Loader};
use verwalter::store::InForce;
use verwalter_collect::Published;
use verwalter_core::admit::{Why, restore};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::json::strict::JsonLimits;

use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::schedule::Schedule;
use verwalter_core::snapshot::Snapshot;

pub(crate) const ROLES: usize = 100;
pub(crate) const FILES: usize = 10;
/// Like a part of a real configuration: a list, a few variables, a kilobyte.
const TEMPLATE: &str = "\
# {{ name }}, written by verwalter.
version {{ version }};
{{#each backends}}
upstream {{ name }} { server {{ address }}:{{ port }} weight={{ weight }} max_fails=3 fail_timeout=30s; keepalive 16; }
{{/each}}
";

/// What the schedule says.
pub(crate) struct Wanted {
    /// A variable of each role that all of its files print.
    pub(crate) versions: Vec<u64>,
    /// A variable of all roles that no file prints.
    pub(crate) unprinted: u64,
    /// A variable of another node.
    pub(crate) other: u64,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { versions: vec![0; ROLES], unprinted: 0, other: 0 }
    }
}

impl Wanted {
    pub(crate) fn schedule(&self) -> Schedule {
        let backends: Vec<Value> = (0..10)
            .map(|n| json!({ "name": format!("backend-{n}"), "address": format!("192.0.2.{n}"), "port": 8000 + n, "weight": 1 }))
            .collect();
        let mut roles = Map::new();
        for (n, version) in self.versions.iter().enumerate() {
            let name = role(n);
            let vars = json!({ "name": name, "template": format!("{name}/v1"), "version": version, "unprinted": self.unprinted, "backends": backends });
            roles.insert(name, vars);
        }
        let placed: Map<String, Value> = roles.keys().map(|role| (role.clone(), json!({}))).collect();
        let other = json!({ "roles": {}, "vars": { "n": self.other } });
        let nodes = json!({ "here": { "roles": placed }, "other": other });
        let text = json!({ "nodes": nodes, "roles": roles }).to_string();
        let limits = JsonLimits { depth: 100, values: 10_000_000 };
        restore(&text, Digest::of(text.as_bytes()), limits).expect("it is canonical")
    }
}

pub(crate) fn role(n: usize) -> String {
    format!("role-{n:03}")
}

/// Writes the templates of all roles.
pub(crate) fn write_templates(dir: &Path) {
    for n in 0..ROLES {
        let dir = dir.join("templates").join(role(n)).join("v1");
        fs::create_dir_all(&dir).expect("made");
        let (mut templates, mut commands) = (String::new(), String::new());
        for file in 0..FILES {
            fs::write(dir.join(format!("file-{file}.conf.hbs")), TEMPLATE).expect("written");
            templates += &format!("  file-{file}: file-{file}.conf.hbs\n");
            commands += &format!("- !Copy {{ src: '{{{{ files.file-{file} }}}}', dest: '{{{{ role }}}}/file-{file}.conf' }}\n");
        }
        fs::write(dir.join("files.render.yaml"), format!("templates:\n{templates}commands:\n{commands}")).expect("written");
    }
}

/// A task that deploys.
pub(crate) struct Node {
    runtime: Runtime,
    in_force: watch::Sender<Option<Arc<InForce>>>,
    report: watch::Receiver<Option<Arc<DeployReport>>>,
    drain: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
    /// What the task's channels end with.
    _held: Box<dyn std::any::Any>,
}

impl Node {
    /// Below `dir`: `etc`, `out`, `roles` and `log`.
    pub(crate) fn start(dir: &Path) -> Node {
        let etc = dir.join("etc");
        write_templates(&etc);
        let hostname = Hostname::new("here").expect("valid");
        let (tree, _) = ConfigTree::load(&etc);
        let cache = tempfile::tempdir().expect("a temporary directory");
        let activator = Activator::without_storage(cache.path(), Compiler::at("/nowhere".into()), u64::MAX).expect("the sandbox opens");
        let nothing = || watch::channel(None).1;
        let inputs = Inputs { newest: nothing(), recorded: None, in_force: watch::channel(None).1, collected: OnceLock::new() };
        let loader = Loader::new(etc, activator, tree.settings.value.clone(), inputs);
        let (config, config_in_force) = watch::channel(Arc::new(loader.first()));
        let own = Peer { alive: true, ..Peer::named(NodeId::from_bytes([1; 16]), hostname.clone()) };
        let peers = Arc::new(PeerTable::new(vec![own]).0);
        let snapshot = Arc::new(Snapshot::new(UnixMillis(1), peers, Default::default()).expect("no columns"));
        let published = Published { snapshot, rules_generation: 0, samples: 1, sources: Arc::default() };
        let (collected, snapshots) = watch::channel(Some(Arc::new(published)));
        let (in_force, schedules) = watch::channel(None);
        let (reports, report) = watch::channel(None);
        let (orderer, orders) = mpsc::channel(1);
        let deploy = Deploy {
            hostname,
            output_dir: dir.join("out"),
            records_dir: dir.join("roles"),
            log_dir: dir.join("log"),
            config: config_in_force,
            collected: snapshots,
            in_force: schedules,
            orders,
            elsewhere: Arc::new(tokio::sync::Semaphore::new(1)),
            report: reports,
            state: watch::Sender::default(),
            // At once.
            deploying: tree.settings.value.deploy,
            counts: Arc::new(Counts::default()),
        };
        let runtime = Runtime::new().expect("it starts");
        let drain = CancellationToken::new();
        let task = runtime.spawn(deploy.run(drain.clone()));
        Node { runtime, in_force, report, drain, task: Some(task), _held: Box::new((config, collected, orderer, loader, cache)) }
    }

    /// Puts a schedule in force and waits until it is deployed.
    pub(crate) fn deploy(&mut self, wanted: &Wanted) -> Duration {
        let schedule = wanted.schedule();
        let digest = schedule.digest();
        let term = Term { counter: 1, leader: NodeId::from_bytes([1; 16]) };
        let in_force = InForce { schedule, since: UnixMillis(1), term, round: Round(1), why: Why::default() };
        let begun = Instant::now();
        self.in_force.send_replace(Some(Arc::new(in_force)));
        let deployed = self.report.wait_for(|report| report.as_ref().is_some_and(|report| report.digest == digest));
        self.runtime.block_on(deployed).expect("the task runs");
        begun.elapsed()
    }

    /// How many roles are not as the schedule wants them.
    pub(crate) fn failed(&self) -> usize {
        let report = self.report.borrow().clone().expect("it deployed");
        report.roles.values().filter(|outcome| !matches!(outcome, RoleOutcome::Rendered { .. })).count() + ROLES - report.roles.len()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.drain.cancel();
        if let Some(task) = self.task.take() {
            let _ = self.runtime.block_on(task);
        }
    }
}
