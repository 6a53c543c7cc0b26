//! What refuses: disks, the system's permissions, checks, commands and health.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Two, broken, here, mended, script};
use crate::faults::disk::SmallDisk;
use crate::support::{Node, Site};

const RUN: &str = "- !Cmd { command: [sh, HERE/service], timeout: 3s }\n";

/// The service does its worst once it is told of the new state.
fn service_fails(worst: &str, told: &str) {
    let mut two = Two::start("", RUN, &script("HERE/disk/d/page", worst));
    two.holds(broken, told, mended);
    two.stop();
}

#[test]
fn a_disk_that_is_full_and_one_that_is_read_only() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("disk")) else { return };
    Two::write(&site, "", "", "");
    let node = site.run(&[]);
    let mut two = Two::started(site, node);
    let full = "role web: HERE/disk/extra cannot be written: the disk is full, make room (No space left on device (os error 28)); nothing was changed";
    two.holds(|_, _| disk.fill(), full, |_| disk.empty());
    let read_only = "role web: HERE/disk cannot be written: the file system is read-only, remount it or choose another destination \
                     (Read-only file system (os error 30)); nothing was changed";
    two.holds(|_, _| disk.remount("ro"), read_only, |_| disk.remount("rw"));
    two.stop();
}

/// What was swapped in cannot be undone then: it stays, says so, and is undone before anything else is tried.
#[test]
fn a_disk_that_turns_read_only_after_the_swap() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("disk")) else { return };
    Two::write(&site, "", RUN, &script("HERE/disk/d/page", "mount -o remount,ro none HERE/disk; exit 7"));
    let node = site.run(&[]);
    let mut two = Two::started(site, node);
    broken(&two.site, 8081);
    two.change();
    let undoing = "undoing it failed: HERE/disk/d/page cannot be put back: the file system is read-only, remount it or choose another destination; \
                   not restored are HERE/disk/d/page, HERE/disk/extra: once that is mended, the next attempt restores them (Read-only file system \
                   (os error 30))";
    let first = format!("role web: web.render.yaml:6: `sh HERE/service` failed with exit code 7; and {undoing}");
    let next = format!("role web: an earlier try is still to be undone: {undoing}");
    for told in [first, next] {
        let told = told.replace("HERE", &here(&two.site));
        two.node.status(&told, |status| (status["errors"]["role web"] == told.as_str()).then_some(()));
    }
    two.node.eventually("the other role is deployed", |_| (two.site.read("out/zone")? == "8081\n").then_some(()));
    assert_eq!(two.site.read("disk/d/page").as_deref(), Some("listen 8081\n"), "it stays until it can be undone");
    mended(&two.site);
    disk.remount("rw");
    two.comes_right();
    let told = two.site.read("told").expect("it was told");
    assert!(told.ends_with("listen 8081\nlisten 8080\nlisten 8081\n"), "of the former files once they were back: {told}");
    two.stop();
}

#[test]
fn records_without_room() {
    let site = Site::prepared();
    let Some(disk) = SmallDisk::mount(site.path("var/roles")) else { return };
    Two::write(&site, "", "", "");
    let node = site.run(&[]);
    let mut two = Two::started(site, node);
    disk.fill();
    two.change();
    for (role, at) in [("web", "web"), ("zone", "zone")] {
        let error = two.node.error(&format!("role {role}")).replace(&here(&two.site), "HERE");
        let told = format!(
            "role {role}: HERE/var/roles/{at}.json cannot be written: see that the storage directory is writable and has space left \
             (No space left on device (os error 28)); nothing was changed"
        );
        assert_eq!(error, told);
    }
    two.is(8080);
    assert_eq!(two.site.read("out/zone").as_deref(), Some("8080\n"));
    disk.empty();
    two.comes_right();
    two.stop();
}

/// Gives the directory back what a temporary one needs to be removed.
struct Immutable(PathBuf);

impl Immutable {
    fn set(path: PathBuf, flag: &str) -> bool {
        Command::new("chattr").arg(flag).arg(path).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        Immutable::set(self.0.clone(), "-i");
    }
}

#[test]
fn a_directory_that_is_immutable() {
    let mut two = Two::start("", "", "");
    let path = two.site.path("disk/d");
    let _guard = Immutable(path.clone());
    if !Immutable::set(path.clone(), "+i") {
        eprintln!("skipped: no directory can be made immutable here");
        return two.stop();
    }
    let told = "role web: HERE/disk/d cannot be written: the system does not permit it, look whether the file or its directory is immutable \
                (`lsattr -d`) (Operation not permitted (os error 1)); nothing was changed";
    two.holds(|_, _| (), told, |_| assert!(Immutable::set(path, "-i")));
    two.stop();
}

#[test]
fn a_directory_that_the_daemon_may_not_write() {
    let site = Site::prepared();
    Two::write(&site, "", "", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_verwalter"));
    if rustix::process::geteuid().is_root() {
        // What lets root write everywhere.
        command = Command::new("setpriv");
        command.args(["--bounding-set=-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_verwalter")]);
    }
    let mut command = site.run_command(command);
    command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut two = Two::started(site, Node::start(command));
    let mode = |path: &str, mode| {
        let path = path.to_owned();
        move |site: &Site| fs::set_permissions(site.path(&path), fs::Permissions::from_mode(mode)).expect("chmod")
    };
    let told = "role web: HERE/disk/d cannot be written: the daemon's user may not write there, change the owner or the mode of the directory \
                (Permission denied (os error 13)); nothing was changed";
    two.holds(|site, _| mode("disk/d", 0o555)(site), told, mode("disk/d", 0o755));
    let told = "role web: HERE/disk cannot be written: the daemon's user may not write there, change the owner or the mode of \
                the directory (Permission denied (os error 13)); nothing was changed";
    two.holds(|site, _| mode("disk", 0o555)(site), told, mode("disk", 0o755));
    two.stop();
}

#[test]
fn a_directory_that_became_a_file() {
    let mut two = Two::start("", "", "");
    two.change();
    two.comes_right();
    let aside = |site: &Site| fs::rename(site.path("disk/d"), site.path("d.kept")).expect("it is there");
    aside(&two.site);
    two.site.write("disk/d", "by hand");
    two.change();
    let error = two.node.error("role web").replace(&here(&two.site), "HERE");
    let told = "role web: HERE/disk/d cannot be written: a part of its path is a file where a directory is needed, move that file away (Not a \
                directory (os error 20)); nothing was changed";
    assert_eq!(error, told);
    assert_eq!(two.site.read("disk/d").as_deref(), Some("by hand"));
    fs::remove_file(two.site.path("disk/d")).expect("it is there");
    two.comes_right();
    two.stop();
}

#[test]
fn a_check_that_refuses() {
    let check = ", check: [sh, HERE/service, '{{ staged }}']";
    let mut two = Two::start(check, "", &script("$1", "echo no such backend; exit 7"));
    two.holds_as(
        broken,
        |error| {
            assert!(error.starts_with("role web: HERE/disk/d/page was refused: web.render.yaml:4: `sh HERE/service HERE/disk/.vw-staging/web/0/page` failed with exit code 7; it said last: no such backend"), "{error}");
            assert!(error.ends_with("; nothing was changed"), "{error}");
        },
        mended,
    );
    two.stop();
}

#[test]
fn a_command_that_fails() {
    let told = "role web: web.render.yaml:6: `sh HERE/service` failed with exit code 7; it said last: no such backend; the former files are back, and the services were told so";
    service_fails("echo no such backend; exit 7", told);
}

#[test]
fn a_command_that_hangs() {
    let told = "role web: web.render.yaml:6: `sh HERE/service` timed out after 3s and was ended; it said last: waiting; the former files are back, and the services were told so";
    service_fails("echo waiting; sleep 1000", told);
}

#[test]
fn a_command_that_leaves_a_process_behind() {
    let told = "role web: web.render.yaml:6: `sh HERE/service` left 1 of its processes running, which were ended: start services through what supervises them, such as systemctl; the former files are back, and the services were told so";
    service_fails("setsid sleep 1000 >/dev/null 2>&1 & :", told);
}

#[test]
fn a_command_that_is_not_there() {
    let mut two = Two::start("", RUN, "");
    let gone = |site: &Site| site.edit("etc/templates/web/v1/web.render.yaml", "[sh, ", "[reloader, ");
    let back = |site: &Site| site.edit("etc/templates/web/v1/web.render.yaml", "[reloader, ", "[sh, ");
    let told = "role web: web.render.yaml:6: `reloader HERE/service` was not found: install reloader, or correct its name (searched: \
                /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin); nothing was changed";
    two.holds(|site, _| gone(site), told, back);
    two.stop();
}

#[test]
fn health_that_never_comes() {
    let health = "health:\n- { command: [sh, HERE/service], within: 500ms, every: 50ms }\n";
    let mut two = Two::start("", health, &script("HERE/disk/d/page", "echo no quorum; exit 3"));
    two.holds_as(
        broken,
        |error| {
            let told = "role web: web.render.yaml:7: `sh HERE/service` was not healthy within 500ms (tries: ";
            assert!(error.starts_with(told), "{error}");
            let told = "); it saw last: it failed with exit code 3; it said last: no quorum; the former files are back, and the services were told so";
            assert!(error.ends_with(told), "{error}");
        },
        mended,
    );
    two.stop();
}

#[test]
fn health_that_a_server_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it has one"));
    let well = Arc::new(AtomicBool::new(true));
    let is_well = well.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let status = if is_well.load(Ordering::SeqCst) { "200 OK" } else { "503 Service Unavailable" };
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
        }
    });
    let mut two = Two::start("", &format!("health:\n- {{ http: '{url}', within: 500ms, every: 50ms }}\n"), "");
    two.holds_as(
        |_, _| well.store(false, Ordering::SeqCst),
        |error| {
            assert!(error.starts_with(&format!("role web: web.render.yaml:7: `{url}` was not healthy within 500ms (tries: ")), "{error}");
            let told = "); it saw last: status 503, not 200 to 399; the former files are back, and the services were told so";
            assert!(error.ends_with(told), "{error}");
        },
        |_| well.store(true, Ordering::SeqCst),
    );
    two.stop();
}
