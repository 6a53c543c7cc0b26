//! The task beside a made-up watcher, on a tree of its own.

use std::fs;
use std::future::Future;
use std::sync::OnceLock;
use std::task::{Context, Wake};

use super::super::Inputs;
use super::*;
use crate::config::settings::Settings;
use crate::orders::to_plugins;
use crate::plugin::{Activator, Compiler};

/// Somebody who follows what is read, and cannot be told.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("on purpose: a defect in the midst of a reload");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_reload_was_to_read_that_broke_off_is_read_by_the_next() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |path: &str, text: &str| {
        let path = dir.path().join("etc").join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        fs::write(path, text).expect("written");
    };
    write("runtime/web.yaml", "instances: 1\n");
    write("machine/facts.yaml", "rack: one\n");
    let activator = Activator::without_storage(&dir.path().join("cache"), Compiler::default(), u64::MAX).expect("a cache");
    let inputs = Inputs { newest: watch::channel(None).1, recorded: None, in_force: watch::channel(None).1, collected: OnceLock::new() };
    let loader = Arc::new(Loader::new(dir.path().join("etc"), activator, Settings::default(), inputs));
    let config = watch::Sender::new(Arc::new(loader.first()));
    let mut follower = loader.machine();
    let mut told = Box::pin(follower.changed());
    assert!(told.as_mut().poll(&mut Context::from_waker(&Arc::new(Panics).into())).is_pending());

    write("runtime/web.yaml", "instances: 2\n");
    write("machine/facts.yaml", "rack: two\n");
    write("templates/web/v1/a.hbs", "{{ rack }}");
    let changes = Changes::once(ChangeSet { runtime: true, machine: true, templates: true, ..ChangeSet::default() });
    let ((_orders, ordered), (_notices, noticed)) = (to_plugins(), mpsc::channel(1));
    let (busy, drain) = (watch::Sender::new(None), CancellationToken::new());
    let mut newest = config.subscribe();
    let task = tokio::spawn(run(loader.clone(), changes, ordered, noticed, config, busy, drain.clone()));
    let second = tokio::time::timeout(LONGEST_RETRY, newest.changed()).await;
    assert!(second.is_ok_and(|changed| changed.is_ok()), "nothing tells of the change again, but it is read");
    let read = newest.borrow().clone();
    assert_eq!((&*read.runtime, &read.machine["rack"]), (r#"{"web":{"instances":2}}"#, &"two".into()));
    assert_eq!(read.templates_generation, 2, "the templates are read, which nothing but the change asks for");
    drain.cancel();
    task.await.expect("a reload may break off, the task never");
}
