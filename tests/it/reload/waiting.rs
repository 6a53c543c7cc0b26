//! How long a reload waits for compilers, and what for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use verwalter::plugin::{Activator, Compiler, Waits};

use super::Site;
use crate::sandbox::world::{CACHE_BYTES, compiler};
use crate::support::core_plugin;

impl Site {
    /// Another life of the node, in which no reload has any patience.
    fn restart_impatient(&mut self, compiler: Compiler) {
        let none = Waits { start: Duration::ZERO, reload: Duration::ZERO };
        self.activator = Activator::open(&self.storage, compiler, CACHE_BYTES).unwrap().waiting(none);
        self.catalog = self.activator.beginning().into();
    }
}

#[test]
fn a_newcomer_comes_when_it_is_compiled() {
    let mut site = Site::new();
    let (gate, gated) = (site.dir.path().join("gate"), site.dir.path().join("compiler"));
    mknodat(CWD, &gate, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let script = format!("#!/bin/sh\nread -r go <{}\nexec {} \"$@\"\n", gate.display(), env!("CARGO_BIN_EXE_verwalter"));
    // Written by another process: a file that this one has open for writing could not be run.
    let written = Command::new("sh").args(["-c", r#"printf %s "$1" >"$0""#]).arg(&gated).arg(script).status();
    assert!(written.unwrap().success());
    fs::set_permissions(&gated, fs::Permissions::from_mode(0o700)).unwrap();
    site.restart_impatient(Compiler::at(gated));
    site.put_scheduler("spread", 1);
    for _ in 0..2 {
        site.reload();
        site.check("spread", "pending×0 compile: it is being compiled; it is activated when that is done");
    }
    fs::write(gate, "go\n").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let compiled = site.activator.compiled();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), compiled.notified()).await }).expect("it is told");
    site.reload();
    assert_eq!((site.line("spread").as_str(), site.decides().as_str()), ("active×1", "1"));
}

#[test]
fn a_start_waits_for_what_was_in_force_and_for_policies() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    fs::remove_dir_all(site.storage.path().join("cache")).unwrap();
    site.put("gate.wasm", core_plugin(r#"(func (export "vw_review") (param i32 i32) (result i64) unreachable)"#));
    site.put("gate.yaml", "kind: policy\n");
    site.restart_impatient(compiler());
    site.reload();
    assert_eq!((site.line("spread").as_str(), site.line("gate").as_str()), ("active×1", "active×1"));
}
