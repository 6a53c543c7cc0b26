//! Real files and symlinks in a temporary directory: which path runs, and which is refused.

use std::os::unix::fs::{PermissionsExt, chown, symlink};

use rustix::process::geteuid;

use super::*;

struct Site {
    temp: tempfile::TempDir,
    permits: Permits,
}

impl Site {
    fn new() -> Site {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let site = Site { temp, permits: Permits::default() };
        fs::create_dir(site.path("bin")).expect("mkdir");
        site
    }

    fn path(&self, below: &str) -> PathBuf {
        fs::canonicalize(self.temp.path()).expect("there").join(below)
    }

    fn program(&self, below: &str, mode: u32) {
        fs::write(self.path(below), "#!/bin/sh\n").expect("written");
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(mode)).expect("chmod");
    }

    fn allow(&mut self, below: &str) {
        self.permits.allow_program(self.path(below)).expect("exact");
    }

    fn resolve(&self, program: &Program) -> Result<Resolved, Failure> {
        resolve(program, &self.permits, &format!("relative:{}", self.path("bin").display()), &[0, geteuid().as_raw()])
    }

    /// Which path runs, or how it is refused.
    fn check(&self, program: &Program, expect: Result<&str, &str>) {
        match (self.resolve(program), expect) {
            (Ok(found), Ok(below)) => assert_eq!(found.program, self.path(below), "{program:?}"),
            (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{program:?}: {failure}"),
            (found, _) => panic!("{program:?}: {found:?}, not {expect:?}"),
        }
    }

    fn at(&self, below: &str) -> Program {
        Program::Path(self.path(below))
    }
}

fn name(name: &str) -> Program {
    Program::Name(name.to_owned())
}

#[test]
fn only_listed_programs_run() {
    let mut site = Site::new();
    site.program("bin/nginx", 0o755);
    site.program("bin/other", 0o755);
    site.allow("bin/nginx");
    site.check(&name("nginx"), Ok("bin/nginx"));
    site.check(&site.at("bin/nginx"), Ok("bin/nginx"));
    site.check(&site.at("bin/../bin/./nginx"), Ok("bin/nginx"));
    site.check(&name("other"), Err("is not allowed: list "));
    site.check(&site.at("bin/other"), Err("bin/other under `commands.programs`"));
    site.check(&name("absent"), Err("was not found: install absent"));
    site.check(&site.at("bin/absent"), Err("was not found"));
    site.check(&site.at("absent/absent"), Err("was not found"));
    for bad in ["", "bin/nginx", "a\0b", ".", ".."] {
        site.check(&name(bad), Err("is no command"));
    }
    site.check(&Program::Path("bin/nginx".into()), Err("no absolute path"));
    site.check(&Program::Path("/bin/\0".into()), Err("NUL"));
    assert_eq!(site.resolve(&name("nginx")).expect("allowed").name, "nginx");
}

#[test]
fn a_shell_is_a_program_like_others() {
    let mut site = Site::new();
    site.program("bin/sh", 0o755);
    let shell = Program::Shell("true".into());
    site.check(&shell, Err("is not allowed"));
    site.allow("bin/sh");
    let found = site.resolve(&shell).expect("allowed");
    assert_eq!((found.name.as_str(), found.arguments), ("sh", vec!["-exc".to_owned(), "true".to_owned()]));
}

#[test]
fn symlinks_count_for_what_they_lead_to() {
    let mut site = Site::new();
    site.program("bin/python3.13", 0o755);
    symlink("python3.13", site.path("bin/python3")).expect("symlink");
    symlink("bin", site.path("sbin")).expect("symlink");
    symlink("absent", site.path("bin/dangling")).expect("symlink");
    symlink("loop", site.path("bin/loop")).expect("symlink");
    site.allow("sbin/python3.13");
    site.allow("bin/dangling");
    site.check(&name("python3"), Ok("bin/python3.13"));
    site.check(&site.at("sbin/python3"), Ok("bin/python3.13"));
    site.check(&site.at("bin/dangling"), Err("was not found"));
    site.check(&site.at("bin/loop"), Err("cannot be looked at"));
    assert_eq!(site.resolve(&name("python3")).expect("allowed").name, "python3", "it is told the name that it was called by");
}

#[test]
fn one_name_of_a_program_with_many_allows_no_other() {
    let mut site = Site::new();
    site.program("bin/busybox", 0o755);
    symlink("busybox", site.path("bin/true")).expect("symlink");
    symlink("busybox", site.path("bin/sh")).expect("symlink");
    site.allow("bin/true");
    site.check(&name("true"), Ok("bin/true"));
    site.check(&name("sh"), Err("is not allowed"));
    site.check(&name("busybox"), Err("is not allowed"));
    site.allow("bin/busybox");
    site.check(&name("sh"), Ok("bin/busybox"));
}

#[test]
fn a_symlink_that_is_swapped_after_the_look_gains_nothing() {
    let mut site = Site::new();
    site.program("bin/good", 0o755);
    site.program("evil", 0o755);
    site.allow("bin/good");
    symlink("bin/good", site.path("theirs")).expect("symlink");
    let found = site.resolve(&site.at("theirs")).expect("allowed now");
    fs::remove_file(site.path("theirs")).expect("removed");
    symlink("evil", site.path("theirs")).expect("symlink");
    assert_eq!(found.program, site.path("bin/good"), "what runs is the operator's path");
    site.check(&site.at("theirs"), Err("is not allowed"));
}

#[test]
fn what_others_may_replace_is_refused() {
    let mut site = Site::new();
    site.program("bin/open", 0o757);
    site.program("bin/plain", 0o644);
    site.program("bin/fine", 0o755);
    for program in ["bin/open", "bin/plain", "bin/fine", "bin"] {
        site.allow(program);
    }
    site.check(&site.at("bin/open"), Err("`chmod o-w` it"));
    site.check(&site.at("bin/plain"), Err("may be executed by nobody"));
    site.check(&name("plain"), Err("was not found"));
    site.check(&site.at("bin"), Err("is no file"));
    site.check(&name("fine"), Ok("bin/fine"));
    fs::set_permissions(site.path("bin"), fs::Permissions::from_mode(0o777)).expect("chmod");
    site.check(&name("fine"), Err("may be written by everybody"));
    fs::set_permissions(site.path("bin"), fs::Permissions::from_mode(0o1777)).expect("chmod");
    site.check(&name("fine"), Ok("bin/fine"));
}

#[test]
fn what_another_account_owns_is_refused() {
    let mut site = Site::new();
    site.program("bin/theirs", 0o755);
    site.allow("bin/theirs");
    let program = site.at("bin/theirs");
    let own = geteuid().as_raw();
    // Only root gives files away: others ask as somebody else.
    let (owner, asking) = if own == 0 { (12_345, 0) } else { (own, own + 1) };
    chown(site.path("bin/theirs"), Some(owner), None).expect("given away");
    let resolve_as = |trusted: &[u32]| resolve(&program, &site.permits, "", trusted);
    assert!(matches!(resolve_as(&[0, asking]), Err(Failure::Untrusted { .. })));
    assert!(resolve_as(&[0, own, owner]).is_ok(), "its own account may have it");
}
