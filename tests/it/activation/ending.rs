//! The end of a daemon that is busy with a plugin: nobody waits for a build that may take a minute, and what was in force is there again
//! at the next start.

use verwalter_collect::clock::unix_now;

use super::daemon::Daemon;
use super::guest::{Act, scheduler};

/// A build whose dry run lasts as long as any may.
const PATIENT: &str = "kind: scheduler\nlimits: { time: 1m, fuel: 1000G }\n";

#[test]
fn no_dry_run_keeps_it_from_ending() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    daemon.places(2);
    let digest = daemon.install_as("spread", &scheduler(3, &[("\"round\"", Act::Loop)]), PATIENT);
    let (cache, hex) = (daemon.site.path("var/cache"), digest.trim_start_matches("sha256:").to_owned());
    // It may be compiled before the tree is quiet; a reload that goes on for this long after that can only be in its dry run.
    daemon.node.status("it is in its dry run", |status| {
        let mut files = std::fs::read_dir(&cache).expect("a directory").flatten();
        let compiled = files.any(|file| file.file_name().to_string_lossy().starts_with(&hex));
        let at_work = status["reloading_since"].as_u64().is_some_and(|since| unix_now().0 >= since + 1_000);
        (compiled && at_work).then_some(())
    });
    let told = daemon.order(&["status"]);
    assert!(told.starts_with("a reload that began ") && told.contains(" is under way: what follows was before it\n"), "{told}");
    daemon.node.stop();
    assert_eq!(daemon.logged(&["WARN", "a reload was under way and is left undone"]), 1, "{}", daemon.node.transcript());
    daemon.site.write("etc/plugins/spread.yaml", "kind: scheduler\nmode: [\n");
    daemon.node = daemon.site.run(&[]);
    daemon.kept_out("spread", "manifest", "");
    daemon.places(2);
}
