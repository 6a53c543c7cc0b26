//! Commands that behave: what they are given, what comes back, and what messages say.

use std::time::Duration;

use verwalter_apply::command::{Command, Failure, Privileges, Program, Runner};

use crate::site::{CHILD, Site, shell};

#[test]
fn a_command_has_a_closed_surrounding() {
    let mut site = Site::new();
    site.permits.set_variable("TZ", "UTC").expect("a name");
    let expect = "HOME=/\nLANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nTZ=UTC\n\
        VERWALTER_DEPLOYMENT_ID=d1\nVERWALTER_ROLE=web\n";
    assert_eq!(site.printed("env | sort | grep -v ^_="), expect);
    assert_eq!(site.printed("pwd; umask"), "/\n0022\n");
    assert_eq!(site.printed("cat; readlink /proc/self/fd/0"), "/dev/null\n", "standard input has an end at once");
    assert_eq!(site.printed("grep NoNewPrivs /proc/self/status"), "NoNewPrivs:\t1\n");
    assert_eq!(site.printed("test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo own group"), "own group\n");
}

#[test]
fn no_other_files_are_open() {
    let mut site = Site::new();
    // Whoever started the daemon left a file open.
    let script = format!("exec 7</etc/passwd 9</etc/group; exec {CHILD}");
    site.runner = Runner::at("/bin/sh".into(), vec!["-c".into(), script.into()], Privileges::detect());
    assert_eq!(site.printed("ls /proc/$$/fd"), "0\n1\n2\n");
}

#[test]
fn output_comes_back_in_order() {
    let site = Site::new();
    assert_eq!(site.printed("echo a; echo b >&2; echo c"), "a\nb\nc\n");
    assert_eq!(site.sh(":").expect("runs").text, "+ :\n", "the shell traces");
    let mut site = Site::new();
    let quiet = site.program("quiet", "#!/bin/sh\n");
    assert_eq!(site.run(&command(Program::Path(quiet), &[])).expect("runs").text, "");
}

#[test]
fn arguments_arrive_as_they_are() {
    let mut site = Site::new();
    let echo = site.program("show", "#!/bin/sh\nprintf '<%s>' \"$0\" \"$@\"\n");
    let output = site.run(&command(Program::Path(echo.clone()), &["", "a b", "$HOME", "'\"\n", "é", "-n"])).expect("runs");
    assert_eq!(output.text, format!("<{}><><a b><$HOME><'\"\n><é><-n>", echo.display()));
}

#[test]
fn failures_say_what_happened() {
    let site = Site::new();
    let err = site.sh("echo no such upstream >&2; exit 3").expect_err("it fails");
    assert_eq!(err.failure, Failure::Exit(3));
    let expect = "web.render.yaml:3: `sh -exc 'echo no such upstream >&2; exit 3'` failed with exit code 3; \
        it said last: + echo no such upstream / no such upstream / + exit 3";
    assert_eq!(err.to_string(), expect);
    assert_eq!(err.output.text, "+ echo no such upstream\nno such upstream\n+ exit 3\n");
    assert_eq!(site.sh("kill -SEGV $$").expect_err("it crashes").failure, Failure::Signal(11));
    assert_eq!(site.sh("kill -9 $$").expect_err("it crashes").failure, Failure::Signal(9));
}

#[test]
fn what_is_not_allowed_does_not_run() {
    let mut site = Site::new();
    let err = site.run(&command(Program::Name("cat".into()), &[])).expect_err("not listed");
    assert!(matches!(&err.failure, Failure::NotAllowed { program } if program.ends_with("cat")), "{err}");
    assert!(err.failure.is_refusal());
    let text = site.program("text", "no first line\n");
    let lost = site.program("lost", "#!/absent/interpreter\n");
    let check = |program, part: &str| {
        let err = site.run(&command(Program::Path(program), &[])).expect_err(part);
        assert!(err.to_string().contains(part) && err.failure.is_refusal(), "{err}");
    };
    check(text, "a script begins with `#!`");
    check(lost, "what runs it is not: install its interpreter");
    check("/absent".into(), "was not found");
    let err = site.run(&Command { root: true, ..shell("true") }).expect_err("not allowed");
    assert_eq!(err.failure, Failure::RootNotAllowed);
}

#[test]
fn secrets_are_masked_wherever_they_show() {
    let site = Site::new();
    let mask = |text: &str| text.replace("hunter2", "***");
    let err = site.run_masked(&shell("echo pass hunter2; exit 1"), &mask).expect_err("it fails");
    assert!(!err.to_string().contains("hunter2") && !err.output.text.contains("hunter2"), "{err:?}");
    for program in [Program::Name("hunter2".into()), Program::Path("/hunter2/x".into()), Program::Path("hunter2/x".into())] {
        let err = site.run_masked(&command(program, &["hunter2"]), &mask).expect_err("not there");
        assert!(!format!("{err} {err:?}").contains("hunter2"), "{err:?}");
    }
    let output = site.run_masked(&shell("echo pass hunter2"), &mask).expect("runs");
    assert!(output.text.ends_with("pass ***\n"), "{output:?}");
}

#[test]
fn root_commands_go_through_sudo_without_a_password() {
    let mut site = Site::new();
    let sudo = site.program("sudo", "#!/bin/sh\nprintf '%s ' \"$@\"\ngrep NoNewPrivs /proc/self/status\n");
    site.permits.set_root(true);
    site.permits.allow_writes(site.temp.path().to_owned()).expect("exact");
    site.runner = Runner::at(CHILD.into(), Vec::new(), Privileges::Sudo(sudo));
    let show = site.program("show", "#!/bin/sh\n");
    let order = Command { root: true, ..command(Program::Path(show.clone()), &["-s", "reload"]) };
    let output = site.run(&order).expect("runs").text;
    assert_eq!(output, format!("-n -- {} -s reload NoNewPrivs:\t0\n", show.display()));

    site.runner = Runner::at(CHILD.into(), Vec::new(), Privileges::Sudo("/absent/sudo".into()));
    let err = site.run(&order).expect_err("no sudo").to_string();
    assert!(err.contains("was not found: install sudo"), "{err}");

    site.runner = Runner::at(CHILD.into(), Vec::new(), Privileges::Root);
    assert_eq!(site.run(&order).expect("runs").text, "", "root runs it as it is");
}

#[test]
fn a_check_starts_nothing() {
    let site = Site::new();
    let mark = site.path("mark");
    let check = |command: &Command| site.within(&str::to_owned, |context| site.runner.check(command, context));
    check(&shell(&format!("touch {}", mark.display()))).expect("allowed");
    assert!(!mark.exists());
    let refused = check(&command(Program::Name("cat".into()), &[]));
    assert!(matches!(refused.expect_err("not listed").failure, Failure::NotAllowed { .. }));
}

fn command(program: Program, arguments: &[&str]) -> Command {
    let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
    Command { what: "web.render.yaml:3".into(), program, arguments, timeout: Duration::from_secs(60), root: false }
}
