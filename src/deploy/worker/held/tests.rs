//! Tests of passes over a node whose one role fails before anything is touched: its command is none that may run. How often that was tried
//! shows what was held back.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, json};
use tokio::sync::watch;
use verwalter_apply::Roots;
use verwalter_core::accept::NodeFacts;
use verwalter_core::admit::{self, Why};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term};
use verwalter_core::json::canonical;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::{Hostname, TemplateRef};

use super::*;
use crate::config::pace::{Pace, Wait};
use crate::config::settings::Settings;
use crate::config::settings::deploying::{DeployMode, Deploying};
use crate::deploy::Reason;
use crate::deploy::tools::Tools;
use crate::plugin::{Activator, Compiler};
use crate::reload::{Config, Inputs, Loader};

struct Stage {
    dir: tempfile::TempDir,
    worker: Worker,
    config: Config,
    tools: Tools,
    templates: BTreeSet<TemplateRef>,
}

impl Stage {
    fn new(mode: DeployMode, pace: Pace) -> Stage {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let role = dir.path().join("etc/templates/web/v1");
        fs::create_dir_all(&role).expect("made");
        fs::write(role.join("web.render.yaml"), "commands: [!Cmd [not-allowed, '{{ role }}']]\n").expect("written");
        let activator = Activator::without_storage(&dir.path().join("cache"), Compiler::default(), u64::MAX).expect("a cache");
        let inputs =
            Inputs { newest: watch::channel(None).1, recorded: None, in_force: watch::channel(None).1, collected: OnceLock::new() };
        let config = Loader::new(dir.path().join("etc"), activator, Settings::default(), inputs).first();
        let tools = Tools::open(&dir.path().join("roles"), &dir.path().join("log")).expect("opened");
        let templates = BTreeSet::from([TemplateRef::new("web/v1").expect("a name")]);
        Stage { dir, worker: Worker::new(Arc::default(), Deploying { mode, pace }), config, tools, templates }
    }

    /// A pass over a schedule in which the role's one variable is so.
    fn pass(&mut self, variable: u32, ordered: bool) -> DeployReport {
        let schedule = json!({
            "nodes": {"alpha": {"roles": {"web": {"instances": 1}}}},
            "roles": {"web": {"template": "web/v1", "variable": variable}},
        });
        let mut text = Vec::new();
        canonical::write_value(&schedule, &mut text);
        let limits = JsonLimits { depth: 32, values: 1_000 };
        let schedule = admit::restore(std::str::from_utf8(&text).expect("JSON"), Digest::of(&text), limits).expect("sound");
        let term = Term { counter: 1, leader: NodeId::from_bytes([1; 16]) };
        let in_force = InForce { schedule, since: UnixMillis(1), term, round: Round(1), why: Why::default() };
        let hostname = Hostname::new("alpha").expect("a name");
        let facts = NodeFacts { hostname: &hostname, templates: &self.templates, machine: &Map::new() };
        let roots = Roots { output: self.dir.path().join("out"), writes: Vec::<PathBuf>::new() };
        let (config, tools) = (&self.config, &self.tools);
        let pass = Pass { in_force: &in_force, facts, config, roots: &roots, tools, ordered };
        self.worker.deploy(&pass)
    }

    /// How often the role was tried in a row, and what it waits for, after a pass.
    fn tried(&mut self, variable: u32, ordered: bool) -> (u32, Option<Reason>) {
        let report = self.pass(variable, ordered);
        let web = RoleName::new("web").expect("a name");
        let attempts = match &report.roles[&web] {
            RoleOutcome::Failed { attempts, message } => {
                assert!(message.contains("not-allowed"), "{message}");
                *attempts
            }
            RoleOutcome::Waiting => 0,
            other => panic!("{other:?}"),
        };
        (attempts, report.waiting.get(&web).map(|waiting| waiting.reason))
    }
}

#[test]
fn an_order_passes_the_mode_and_the_back_off() {
    let mut stage = Stage::new(DeployMode::Manual, Pace::default());
    assert_eq!(stage.tried(1, false), (0, Some(Reason::Manual)));
    assert_eq!(stage.worker.retry(), None, "nobody has to look again");
    assert_eq!(stage.tried(1, true), (1, None));
    assert!(stage.worker.retry().is_some(), "what was ordered and failed comes again, after its back-off");
    assert_eq!(stage.tried(1, true), (2, None));
    assert_eq!(stage.tried(2, false), (2, Some(Reason::Manual)), "this was not ordered");
    assert_eq!(stage.worker.retry(), None);
    assert_eq!(stage.tried(2, true), (3, None));
}

#[test]
fn what_is_not_there_waits_for_nothing_else() {
    let hour = Duration::from_secs(3600);
    let pace = Pace { wait: Wait::new(hour, hour), splay: hour, interval: hour };
    let mut stage = Stage::new(DeployMode::Automatic, pace);
    assert_eq!(stage.tried(1, false), (1, None));
    assert_eq!(stage.tried(2, false), (2, None), "other inputs");
}

/// A record in the shape that is on disk, of a commit so long ago.
fn record(stage: &Stage, ago: Duration) {
    let at = unix_now().0 - millis(ago);
    let digest = Digest::of(b"x");
    let record = json!({
        "v": 1, "role": "web", "pending": null, "finishing": [],
        "generation": {
            "at": at, "told": digest, "owned": {}, "duties": {"actions": [], "health": [], "on_remove": []}, "texts": [],
            "origin": {"schedule": digest, "template": "web/v1", "deployment": "d", "attempt": 1},
        },
    });
    fs::write(stage.dir.path().join("roles/web.json"), record.to_string()).expect("written");
}

#[test]
fn after_a_restart_the_interval_counts_from_the_record() {
    let pace = Pace { interval: Duration::from_secs(3600), ..Pace::default() };
    let mut stage = Stage::new(DeployMode::Automatic, pace);
    record(&stage, Duration::from_secs(600));
    let report = stage.pass(1, false);
    let web = RoleName::new("web").expect("a name");
    let until = report.waiting[&web].until.expect("it is known").0 - unix_now().0;
    assert!((2_900_000..=3_000_000).contains(&until), "50 minutes are left: {until} ms");
    assert_eq!(report.waiting[&web].reason, Reason::Interval);
    assert!(matches!(&report.roles[&web], RoleOutcome::Rendered { commands: 0, .. }), "what it was: {report:?}");
    assert_eq!(report.state().roles, BTreeSet::from([web]), "for others it runs");
    let left = stage.worker.retry().expect("it is looked at then");
    assert!((2_900..=3_000).contains(&left.as_secs()), "{left:?}");

    let mut stage = Stage::new(DeployMode::Automatic, pace);
    record(&stage, Duration::from_secs(3601));
    assert_eq!(stage.tried(1, false), (1, None), "that was long enough ago");
}
