//! A machine that will not write: full, read-only, limited, in the way. The old files stay, the error names role and file, and what
//! failed is done once it can be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Node, Site, program};

/// A small file system of its own; nothing where this user may not mount.
pub(crate) struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount(path: PathBuf) -> Option<SmallDisk> {
        fs::create_dir_all(&path).expect("the directory is made");
        if !mount(&["-t", "tmpfs", "-o", "size=64k,mode=0755", "none"], &path) {
            eprintln!("skipped: this user may not mount a tmpfs");
            return None;
        }
        Some(SmallDisk { path })
    }

    pub(crate) fn remount(&self, how: &str) {
        assert!(mount(&["-o", &format!("remount,{how}"), "none"], &self.path), "what was mounted can be remounted");
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) {
        let mut block = 65536;
        let mut number = 0;
        while block > 0 {
            match fs::write(self.path.join(format!("filler-{number}")), vec![b'x'; block]) {
                Ok(()) => {}
                Err(_) => block /= 2,
            }
            number += 1;
        }
    }

    pub(crate) fn empty(&self) {
        for entry in fs::read_dir(&self.path).expect("it can be listed") {
            let path = entry.expect("the entry can be read").path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("filler-")) {
                fs::remove_file(path).expect("it can be removed");
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a node may still stand in it.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn mount(args: &[&str], path: &Path) -> bool {
    Command::new("mount").args(args).arg(path).output().is_ok_and(|output| output.status.success())
}

/// Edits the template of `motd`, so that the role must be written again.
fn change_motd(site: &Site, greeting: &str) {
    let text = site.read("etc/templates/motd/v1/motd.hbs").expect("it is there");
    site.write("etc/templates/motd/v1/motd.hbs", format!("{greeting}\n{text}"));
}

/// No half-written file is left in the output directory.
fn no_leftovers(site: &Site) {
    for below in ["out", "out/nginx"] {
        let Ok(entries) = fs::read_dir(site.path(below)) else { continue };
        let names: Vec<String> = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");
    }
}

/// `broken` must keep `motd` from being written, with an error that says `told`; after `mended` the new file is there.
fn heals(site: &Site, node: &mut Node, broken: impl FnOnce(), told: &str, mended: impl FnOnce()) {
    let before = (site.read("out/motd"), site.read("out/facts.yaml"));
    broken();
    change_motd(site, "A new day");
    let error = node.error("role motd");
    assert!(error.starts_with(&format!("role motd: {}", site.path("").display())) && error.contains(told), "{told}: {error}");
    assert_eq!((site.read("out/motd"), site.read("out/facts.yaml")), before, "the old files stay");
    no_leftovers(site);
    mended();
    node.eventually("it is tried again", |_| site.read("out/motd")?.starts_with("A new day\n").then_some(()));
    node.healthy();
}

#[test]
fn a_full_disk_and_one_that_is_read_only() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("out")) else { return };
    let mut node = site.run(&[]);
    node.ready();
    heals(&site, &mut node, || disk.fill(), "motd cannot be written: the disk is full, make room", || disk.empty());
    site.edit("etc/templates/motd/v1/motd.hbs", "A new day\n", "");
    node.eventually("the file follows", |_| site.read("out/motd").filter(|motd| !motd.starts_with("A new day")));
    heals(&site, &mut node, || disk.remount("ro"), "the file system is read-only", || disk.remount("rw"));
    node.stop();
}

#[test]
fn a_limit_on_file_sizes() {
    let site = Site::prepared();
    // The unit is 512 bytes: a schedule fits, a long file does not.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 64 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_verwalter")]);
    let mut command = site.run_command(command);
    command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    // Compiled plugins and kept builds are larger than that: they are there from a run without the limit.
    let mut first = site.run(&[]);
    first.ready();
    first.stop();
    let mut node = Node::start(command);
    node.ready();
    let before = site.read("out/motd");
    let long = "long ".repeat(20_000);
    change_motd(&site, &long);
    let error = node.error("role motd");
    assert!(error.contains("motd cannot be written: the file is larger than the process may write"), "{error}");
    assert_eq!(site.read("out/motd"), before, "the old file stays");
    no_leftovers(&site);
    site.edit("etc/templates/motd/v1/motd.hbs", &long, "short");
    node.eventually("the file follows", |_| site.read("out/motd")?.starts_with("short\n").then_some(()));
    node.healthy();
    node.stop();
}

#[test]
fn something_in_the_way() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    let put_directory = || {
        fs::rename(site.path("out/facts.yaml"), site.path("facts.kept")).expect("it is there");
        fs::create_dir(site.path("out/facts.yaml")).expect("the place is free");
    };
    let motd = site.read("out/motd");
    put_directory();
    change_motd(&site, "A new day");
    let error = node.error("role motd");
    let told = format!("role motd: {}", site.path("").display());
    assert!(
        error.starts_with(&told) && error.ends_with("out/facts.yaml is a directory, not a file: move it away; nothing was changed"),
        "{error}"
    );
    assert_eq!(site.read("out/motd"), motd, "no file of the role is written when one cannot be");
    fs::remove_dir(site.path("out/facts.yaml")).expect("nothing was put in");
    node.eventually("it is tried again", |_| site.read("out/motd")?.starts_with("A new day\n").then_some(()));
    node.healthy();

    // A link that would lead the daemon to a file elsewhere.
    site.write("elsewhere", "untouched");
    fs::remove_file(site.path("out/motd")).expect("it is there");
    std::os::unix::fs::symlink(site.path("elsewhere"), site.path("out/motd")).expect("the place is free");
    change_motd(&site, "Another");
    let error = node.error("role motd");
    assert!(error.ends_with("out/motd is a symlink, not a file: move it away; nothing was changed"), "{error}");
    assert_eq!(site.read("elsewhere").as_deref(), Some("untouched"));
    node.stop();
}

#[test]
fn storage_that_fills_up() {
    let site = Site::prepared();
    // Compiled plugins are too large for it: only the schedule's directory is small.
    fs::create_dir_all(site.path("var/schedule")).expect("the directory is made");
    let Some(disk) = SmallDisk::mount(site.path("var/schedule")) else { return };
    let mut node = site.run(&[]);
    node.ready();
    node.eventually("the schedule is stored", |_| site.read("var/schedule/schedule.json"));
    let stored = site.read("var/schedule/schedule.json");
    disk.fill();
    site.edit("etc/runtime/web.yaml", "instances: 3", "instances: 6");
    let error = node.error("store");
    assert!(error.contains("schedule/schedule.json cannot be written: check that it is on a writable disk with space left"), "{error}");
    let conf = || site.read("out/nginx/web.conf").filter(|conf| conf.contains("6 instance(s)"));
    node.eventually("the new schedule is in force all the same", |_| conf());
    node.status("rounds go on", |status| (status["round"]["accepted"] == true && status["round"]["instances"] == 7).then_some(()));
    assert_eq!(site.read("var/schedule/schedule.json"), stored, "the older one stays on the disk");
    disk.empty();
    node.healthy();
    let hash = super::hash(&mut node);
    assert!(site.read("var/schedule/schedule.json").is_some_and(|text| text.contains(&hash)), "it is stored when there is room");
    node.stop();
}

#[test]
fn a_start_on_a_full_disk() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("var")) else { return };
    disk.remount("size=64m");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let before = super::hash(&mut node);
    node.stop();
    disk.fill();
    let mut node = site.run(&[]);
    node.ready();
    assert_eq!(super::hash(&mut node), before, "the schedule is in force that was");
    node.eventually("the log says what is not stored", |node| {
        node.err
            .iter()
            .any(|line| line.contains("term.json cannot be written: check that it is on a writable disk with space left"))
            .then_some(())
    });
    // What changes is deployed, or says why not.
    site.edit("etc/templates/motd/v1/motd.hbs", "{{ greeting }}.", "Full.");
    let error = node.error("role motd");
    assert!(error.contains("No space left on device"), "{error}");
    disk.empty();
    node.healthy();
    assert!(site.read("out/motd").is_some_and(|motd| motd.starts_with("Full.")));
    node.stop();
}

#[test]
fn storage_that_cannot_be_written_at_the_start() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("var")) else { return };
    disk.remount("ro");
    let mut command = site.run_command(program());
    command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut node = Node::start(command);
    assert_eq!(node.end().code(), Some(5), "{}", node.transcript());
    let told = format!("{} cannot be opened: ", site.path("var/verwalter.lock").display());
    assert!(node.err.len() == 1 && node.err[0].contains(&told), "{told}: {}", node.transcript());
}

#[test]
fn a_compile_cache_without_room_names_it_and_heals() {
    let site = Site::prepared();
    let node = site.run(&[]);
    drop(node);
    fs::remove_dir_all(site.path("var")).expect("it is there");
    let Some(disk) = SmallDisk::mount(site.path("var")) else { return };
    let mut node = site.run(&[]);
    let error = node.error("plugin spread");
    assert!(error.starts_with("compile: ") && error.contains("No space left on device"), "{error}");
    disk.remount("size=64m");
    // It is tried again by itself, since the plugin is not at fault.
    node.healthy();
    node.ready();
    node.stop();
}
