//! What outlives a restart: the last good build of a plugin, whatever lies in its place meanwhile.

use std::fs;

use verwalter_core::digest::Digest;

use super::{Site, placing_guest};
use crate::sandbox::world::{SCHEDULER, compiler};

#[test]
fn a_broken_file_and_a_restart_leave_the_last_good_build() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put("spread.wasm", placing_guest(2));
    site.reload();
    for broken in [&b"garbage"[..], b""] {
        site.put("spread.wasm", broken);
        site.restart(compiler());
        site.reload();
        site.check("spread", "kept×1 inspect: it is no webassembly");
        assert_eq!(site.decides(), "2");
    }
    site.put("spread.yaml", "kind: [");
    site.restart(compiler());
    site.reload();
    site.check("spread", "kept×1 manifest: ");
    assert_eq!(site.decides(), "2");
    site.put_scheduler("spread", 3);
    site.reload();
    site.check("spread", "active×2");
    assert_eq!(site.decides(), "3");
}

#[test]
fn a_plugin_that_was_taken_away_does_not_come_back() {
    let check = |take_away: &dyn Fn(&Site)| {
        let mut site = Site::new();
        site.put_scheduler("spread", 1);
        site.reload();
        take_away(&site);
        site.reload();
        // Beside a broken file, in this life or the next.
        site.put("spread.wasm", b"garbage");
        site.put("spread.yaml", SCHEDULER);
        site.reload();
        site.check("spread", "failed×0 inspect: it is no webassembly");
        site.restart(compiler());
        site.reload();
        site.check("spread", "failed×0 inspect: it is no webassembly");
        assert!(site.decides().starts_with("no scheduler plugin is active"), "{}", site.decides());
    };
    check(&|site| {
        site.remove("spread.wasm");
        site.remove("spread.yaml");
    });
    check(&|site| site.put("spread.yaml", "kind: scheduler\nmode: off\n"));
    check(&|site| site.remove("spread.yaml"));
}

#[test]
fn a_damaged_copy_is_not_used() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    let kept = site.dir.path().join(format!("storage/plugins/{}.wasm", Digest::of(&placing_guest(1)).hex()));
    let mut bytes = fs::read(&kept).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&kept, bytes).unwrap();
    site.put("spread.wasm", b"garbage");
    site.restart(compiler());
    site.reload();
    site.check("spread", "failed×0 inspect: it is no webassembly");
    // Nothing is lost for good: a sound file comes into force.
    site.put("spread.wasm", placing_guest(1));
    site.put("spread.yaml", SCHEDULER);
    site.reload();
    site.check("spread", "active×1");
    assert_eq!(site.decides(), "1");
}
