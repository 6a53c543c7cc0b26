//! What a node lets commands do, from its operator's sandbox files alone. It reads no file and runs nothing.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Where programs are searched by name, unless the operator's environment has another `PATH`: what Debian gives root.
pub const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most variables that an operator may add: arbitrary, above what services need.
const MAX_VARIABLES: usize = 64;
/// Longest value of one, in bytes: a path list of the longest path fits.
const MAX_VALUE_BYTES: usize = 4096;
/// The daemon's own variables begin so.
const RESERVED_PREFIX: &str = "VERWALTER_";

/// What commands may run and with what. By default nothing may run.
///
/// A program is allowed by its exact path; which one of a directory's several names for one file is used matters, since programs such as
/// busybox are what they are called. What a program that is allowed starts by itself is not asked about: who lists `sh` lists everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permits {
    programs: Vec<PathBuf>,
    root: bool,
    environment: BTreeMap<String, String>,
    user: Option<String>,
    writes: Vec<PathBuf>,
    limits: Limits,
}

/// What a command may use up. Those of the kernel hold for each of its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest that any command may run, whatever its render file says. 1 s to 1 h; default 5 min: a reload that takes longer hangs.
    pub timeout: Duration,
    /// How much of its output is kept, half of the beginning and half of the end. 1 KiB to 1 MiB; default 64 KiB: what a person reads.
    pub output_bytes: usize,
    /// Processor time, whole seconds. At least 1 s; default 60 s: checks and reloads wait more than they calculate. A process
    /// that ignores the signal goes on, at most until the command's timeout.
    pub cpu: Duration,
    /// Private writable memory (`RLIMIT_DATA`). At least 64 MiB; default 2 GiB, far above checkers of configuration. Address space is
    /// not limited: Go, Java and WebAssembly programs reserve far more of it than they use.
    pub memory_bytes: u64,
    /// Open files. At least 16; default 1024, what Linux gives to a program that does not ask.
    pub open_files: u64,
    /// Processes and threads of the account that commands run as, all of them, not only the command's. At least 1; default 1024. The
    /// kernel does not hold root to it: set `user` where a command might fork without end.
    pub processes: u64,
    /// The largest file that it may write. At least 1 KiB; default 1 GiB: logs that it appends to count as a whole.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            timeout: Duration::from_secs(300),
            output_bytes: 64 << 10,
            cpu: Duration::from_secs(60),
            memory_bytes: 2 << 30,
            open_files: 1024,
            processes: 1024,
            file_bytes: 1 << 30,
        }
    }
}

impl Limits {
    /// The first limit out of its bounds: its key, as sandbox files write it, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let second = Duration::from_secs(1);
        let bounds = [
            ("timeout", (second..=Duration::from_secs(3600)).contains(&self.timeout), "must be from 1s to 1h"),
            ("output", (1 << 10..=1 << 20).contains(&self.output_bytes), "must be from 1KiB to 1MiB"),
            ("cpu", self.cpu >= second && self.cpu.subsec_nanos() == 0, "must be whole seconds, at least 1s"),
            ("memory", self.memory_bytes >= 64 << 20, "must be at least 64MiB"),
            ("open-files", self.open_files >= 16, "must be at least 16"),
            ("processes", self.processes >= 1, "must be at least 1"),
            ("file-size", self.file_bytes >= 1 << 10, "must be at least 1KiB"),
        ];
        bounds.into_iter().find(|(_, holds, _)| !holds).map_or(Ok(()), |(key, _, message)| Err((key, message)))
    }
}

impl Permits {
    /// Lets a program run. An error says what is wrong with the path.
    pub fn allow_program(&mut self, program: PathBuf) -> Result<(), &'static str> {
        if !is_exact(&program) || program.file_name().is_none() {
            return Err("must be the absolute path of a program, without `..`");
        }
        push_new(&mut self.programs, program);
        Ok(())
    }

    /// Whether commands that need root run: as they are when the daemon is root, else through sudo, whose own rules hold too.
    pub fn set_root(&mut self, runs: bool) {
        self.root = runs;
    }

    /// Adds a variable to the environment of commands, or replaces one.
    pub fn set_variable(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err("is no name of a variable: use letters, digits and `_`");
        }
        if name.starts_with(RESERVED_PREFIX) {
            return Err("begins with `VERWALTER_`, which the daemon sets: use another name");
        }
        if value.len() > MAX_VALUE_BYTES || value.contains('\0') {
            return Err("has a value longer than 4096 bytes or with a NUL: shorten it");
        }
        if self.environment.len() >= MAX_VARIABLES && !self.environment.contains_key(name) {
            return Err("is one variable more than the 64 that there may be: remove some");
        }
        self.environment.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Runs commands as this account of `/etc/passwd`, root commands excepted. Only a root daemon can do that.
    pub fn run_as(&mut self, user: &str) -> Result<(), &'static str> {
        if user.is_empty() || user.len() > 256 || user.contains([':', '\n', '\0']) {
            return Err("is no name of an account: use one of /etc/passwd");
        }
        self.user = Some(user.to_owned());
        Ok(())
    }

    /// Confines what commands write to this file or directory and those allowed before. Without any, they write where their account may.
    /// Commands that go through sudo are not confined.
    pub fn allow_writes(&mut self, path: PathBuf) -> Result<(), &'static str> {
        if !is_exact(&path) {
            return Err("must be an absolute path without `..`");
        }
        push_new(&mut self.writes, path);
        Ok(())
    }

    /// Replaces the limits. An error: the key that is out of bounds, and what it must be.
    pub fn set_limits(&mut self, limits: Limits) -> Result<(), (&'static str, &'static str)> {
        limits.check()?;
        self.limits = limits;
        Ok(())
    }

    /// The programs, as they were allowed.
    pub fn programs(&self) -> &[PathBuf] {
        &self.programs
    }

    /// Whether root commands may run.
    pub fn root(&self) -> bool {
        self.root
    }

    /// The account that commands run as, if not the daemon's.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Where commands may write; empty: anywhere.
    pub fn writes(&self) -> &[PathBuf] {
        &self.writes
    }

    /// What a command may use up.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The whole environment of a command of this role.
    pub(super) fn environment(&self, role: &str, deployment_id: &str) -> BTreeMap<String, String> {
        let fixed = [("PATH", SEARCH_PATH), ("LANG", "C.UTF-8"), ("HOME", "/")];
        let mut environment: BTreeMap<_, _> = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        environment.extend(self.environment.clone());
        environment.insert("VERWALTER_ROLE".to_owned(), role.to_owned());
        environment.insert("VERWALTER_DEPLOYMENT_ID".to_owned(), deployment_id.to_owned());
        environment
    }
}

fn is_exact(path: &Path) -> bool {
    path.is_absolute()
        && !path.components().any(|part| matches!(part, Component::ParentDir))
        && path.to_str().is_some_and(|text| !text.contains('\0'))
}

fn push_new(paths: &mut Vec<PathBuf>, path: PathBuf) {
    if !paths.contains(&path) {
        paths.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_by_default() {
        let permits = Permits::default();
        assert!(permits.programs().is_empty() && !permits.root() && permits.user().is_none() && permits.writes().is_empty());
        assert_eq!(permits.limits().check(), Ok(()));
    }

    #[test]
    fn programs_are_exact() {
        let mut permits = Permits::default();
        for bad in ["nginx", "./nginx", "/usr/../bin/sh", "/", "", "/a\0b"] {
            assert!(permits.allow_program(bad.into()).is_err(), "{bad:?}");
            assert!(bad == "/" || permits.allow_writes(bad.into()).is_err(), "{bad:?}");
        }
        permits.allow_program("/bin/sh".into()).expect("exact");
        permits.allow_program("/bin/sh".into()).expect("twice is once");
        assert_eq!(permits.programs(), [Path::new("/bin/sh")]);
    }

    #[test]
    fn the_environment_is_closed_and_the_daemon_has_the_last_word() {
        let mut permits = Permits::default();
        for bad in ["", "1A", "A B", "A=B", "é", "VERWALTER_ROLE"] {
            assert!(permits.set_variable(bad, "x").is_err(), "{bad:?}");
        }
        assert!(permits.set_variable("A", "\0").is_err() && permits.set_variable("A", &"x".repeat(5000)).is_err());
        permits.set_variable("TZ", "UTC").expect("fine");
        permits.set_variable("PATH", "/opt/bin").expect("the operator's");
        let got: Vec<_> = permits.environment("web", "d1").into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(got, ["HOME=/", "LANG=C.UTF-8", "PATH=/opt/bin", "TZ=UTC", "VERWALTER_DEPLOYMENT_ID=d1", "VERWALTER_ROLE=web"]);
        for index in 0..70 {
            let set = permits.set_variable(&format!("V{index}"), "");
            assert_eq!(set.is_ok(), index < 62, "{index}");
        }
        permits.set_variable("TZ", "CET").expect("replaced, not added");
    }

    #[test]
    fn limits_have_bounds() {
        let check = |change: fn(&mut Limits), key: &str| {
            let mut limits = Limits::default();
            change(&mut limits);
            let mut permits = Permits::default();
            assert_eq!(permits.set_limits(limits).map_err(|(key, _)| key), Err(key));
            assert_eq!(permits.limits(), &Limits::default(), "{key}: what was set before stays");
        };
        check(|limits| limits.timeout = Duration::ZERO, "timeout");
        check(|limits| limits.timeout = Duration::from_secs(3601), "timeout");
        check(|limits| limits.output_bytes = 0, "output");
        check(|limits| limits.output_bytes = 2 << 20, "output");
        check(|limits| limits.cpu = Duration::from_millis(1500), "cpu");
        check(|limits| limits.memory_bytes = 1, "memory");
        check(|limits| limits.open_files = 3, "open-files");
        check(|limits| limits.processes = 0, "processes");
        check(|limits| limits.file_bytes = 0, "file-size");
        let mut permits = Permits::default();
        assert_eq!(permits.set_limits(Limits { cpu: Duration::from_secs(1), ..Limits::default() }), Ok(()));
        assert_eq!(permits.limits().cpu, Duration::from_secs(1));
    }

    #[test]
    fn accounts_have_names() {
        let mut permits = Permits::default();
        assert!(permits.run_as("").is_err() && permits.run_as("a:b").is_err());
        permits.run_as("www-data").expect("a name");
        assert_eq!(permits.user(), Some("www-data"));
    }
}
