//! A role before and after a change, made of a number, and a node of directories that carries it out: real files and records, services
//! that write down what they find when they are told. Steps are counted, and one of them may be the last.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use verwalter_apply::files::{InProcess, Step, Steps};
use verwalter_apply::record::{Origin, Records};
use verwalter_apply::role::{Action, CommandLine, Health, Piece, Probe, Program, RenderedRole, Text};
use verwalter_apply::transaction::{Call, Commands, Resolve, TransactionError, Transactor};
use verwalter_apply::{RenderedFile, Roots};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

/// Numbers from a seed (splitmix64): the same on every machine.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn of(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// The next one, below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

/// What is paid before every step: after so many of them the process is killed.
#[derive(Clone)]
pub(crate) struct Toll {
    paid: Arc<AtomicUsize>,
    steps: usize,
}

impl Toll {
    pub(crate) fn none() -> Toll {
        Toll::deadly(usize::MAX)
    }

    /// Lets so many steps happen.
    pub(crate) fn deadly(steps: usize) -> Toll {
        Toll { paid: Arc::default(), steps }
    }

    /// Steps until now.
    pub(crate) fn paid(&self) -> usize {
        self.paid.load(Ordering::Relaxed)
    }

    fn pay(&self) -> io::Result<()> {
        if self.paid.fetch_add(1, Ordering::Relaxed) < self.steps { Ok(()) } else { Ok(kill_process(getpid(), Signal::KILL)?) }
    }
}

/// The steps of a file system, which may be one that cannot let two files change places.
struct Walk {
    toll: Toll,
    exchanges: bool,
}

impl Steps for Walk {
    fn before(&self, step: Step) -> io::Result<()> {
        self.toll.pay()?;
        match step {
            Step::Exchange | Step::MoveNew if !self.exchanges => Err(rustix::io::Errno::INVAL.into()),
            _ => Ok(()),
        }
    }
}

/// How the change goes where nothing kills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Succeeds,
    CommandFails,
    HealthFails,
    /// The role leaves the node.
    Leaves,
}

/// What one seed is about.
pub(crate) struct Scenario {
    before: RenderedRole,
    after: RenderedRole,
    pub(crate) course: Course,
    exchanges: bool,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Scenario {
        let mut numbers = Numbers::of(seed);
        let course = [Course::Succeeds, Course::Succeeds, Course::CommandFails, Course::HealthFails, Course::Leaves][numbers.below(5)];
        let exchanges = numbers.below(4) > 0;
        // Some have as many files as are synced with their whole file system.
        let count = if numbers.below(16) == 0 { 18 } else { 1 + numbers.below(8) };
        let (mut before, mut after) = (RenderedRole::default(), RenderedRole::default());
        for index in 0..count {
            let dest = format!("{}file-{index}", ["", "a/", "a/b/", "c/"][numbers.below(4)]);
            let (old, backups) = (file(&dest, "before", 0o640), [0, 0, 1, 2][numbers.below(4)]);
            // At least one changes.
            let kind = if index == 0 { 1 + numbers.below(4) } else { numbers.below(6) };
            match kind {
                1 => (before.files.push(old), after.files.push(RenderedFile { backups, ..file(&dest, "after", 0o640) })),
                2 => (before.files.push(old), after.files.push(file(&dest, "before", 0o600))),
                3 => (before.files.push(old), ()),
                4 => ((), after.files.push(file(&dest, "after", 0o644))),
                _ => (before.files.push(old.clone()), after.files.push(old)),
            };
        }
        for (role, words) in [(&mut before, "words before"), (&mut after, "words after")] {
            role.arguments.insert("words".to_owned(), words.into());
            role.duties.actions = vec![Action::Run(tell(true))];
            role.duties.on_remove = vec![Action::Run(tell(false))];
        }
        match course {
            Course::CommandFails => after.duties.actions.push(Action::Run(line("refuse", Vec::new()))),
            Course::HealthFails => {
                let (probe, second) = (Probe::Command(line("refuse", Vec::new())), Duration::from_secs(1));
                after.duties.health = vec![Health { source: "h:1".to_owned(), probe, within: second, every: second, successes: 1 }];
            }
            Course::Succeeds | Course::Leaves => {}
        }
        Scenario { before, after, course, exchanges }
    }
}

fn file(dest: &str, text: &str, mode: u32) -> RenderedFile {
    RenderedFile {
        dest: dest.to_owned(),
        mode,
        bytes: format!("{text} {dest}").into(),
        template: "t.hbs".to_owned(),
        ..RenderedFile::default()
    }
}

fn line(name: &str, arguments: Vec<Text>) -> CommandLine {
    CommandLine {
        source: "web.render.yaml:1".to_owned(),
        program: Program::Named(name.to_owned()),
        arguments,
        timeout: Duration::from_secs(1),
    }
}

/// Tells the service, with a text of the role's or without.
fn tell(text: bool) -> CommandLine {
    let words = Text(vec![Piece::Argument("words".to_owned())]);
    line("tell", if text { vec![words] } else { Vec::new() })
}

/// A node of one role.
pub(crate) struct World {
    dir: PathBuf,
    roots: Roots,
    records: Records,
    toll: Toll,
    steps: Walk,
}

pub(crate) fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

impl World {
    pub(crate) fn open(dir: &Path, scenario: &Scenario, toll: &Toll) -> World {
        let steps = |exchanges| Walk { toll: toll.clone(), exchanges };
        let records = Records::open_with(&dir.join("roles"), Box::new(steps(true))).expect("opened");
        let roots = Roots { output: dir.join("out"), writes: Vec::new() };
        World { dir: dir.to_owned(), roots, records, toll: toll.clone(), steps: steps(scenario.exchanges) }
    }

    /// What was in force before.
    pub(crate) fn before(&self, scenario: &Scenario) {
        self.work(|transactor, origin| transactor.deploy(&role(), &scenario.before, origin)).expect("it is deployed");
    }

    /// The change.
    pub(crate) fn after(&self, scenario: &Scenario) -> Result<(), TransactionError> {
        self.work(|transactor, origin| match scenario.course {
            Course::Leaves => transactor.remove(&role(), origin).map(drop),
            _ => transactor.deploy(&role(), &scenario.after, origin).map(drop),
        })
    }

    /// What a node does when it starts.
    pub(crate) fn recover(&self) -> Result<(), TransactionError> {
        self.work(|transactor, _| transactor.recover(&role()))?;
        verwalter_apply::sweep(&self.roots).expect("swept");
        Ok(())
    }

    fn work<T>(&self, work: impl FnOnce(&mut Transactor<'_>, &Origin) -> T) -> T {
        let origin = Origin { schedule: Digest::of(b"s"), template: "web/v1".to_owned(), deployment: "d".to_owned(), attempt: 1 };
        let mut files = InProcess { roots: &self.roots, steps: &self.steps };
        let mut services = Services { dir: &self.dir, toll: &self.toll };
        let (records, roots, now) = (&self.records, &self.roots, || UnixMillis(1));
        let mut events = |_: verwalter_apply::transaction::Event<'_>| ();
        work(
            &mut Transactor {
                records,
                files: &mut files,
                commands: &mut services,
                roots,
                others: &|_| false,
                now: &now,
                events: &mut events,
            },
            &origin,
        )
    }
}

/// Every file of the role: path, mode and text. Backups and what is staged are none.
pub(crate) fn files(dir: &Path) -> String {
    fn below(root: &Path, dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.expect("readable").path();
            let name = path.strip_prefix(root).expect("below").display().to_string();
            if name == ".vw-staging" || name.ends_with('~') {
                continue;
            }
            let meta = fs::symlink_metadata(&path).expect("it is there");
            if meta.is_dir() {
                below(root, &path, found);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                found.push(format!("{name} {:o} {text}", meta.permissions().mode() & 0o7777));
            }
        }
    }
    let mut found = Vec::new();
    below(&dir.join("out"), &dir.join("out"), &mut found);
    found.sort();
    found.join(", ")
}

/// They write down what they find, and the words that they are told.
struct Services<'a> {
    dir: &'a Path,
    toll: &'a Toll,
}

impl Services<'_> {
    fn play(&self, line: &CommandLine, arguments: &[String]) -> Result<String, String> {
        let paid = || self.toll.pay().map_err(|err| err.to_string());
        paid()?;
        if line.program == Program::Named("refuse".to_owned()) {
            return Err("refused".to_owned());
        }
        let words: Vec<String> = arguments.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
        let told = format!("{} with {words:?}\n", files(self.dir));
        let mut log = fs::File::options().create(true).append(true).open(self.dir.join("told")).expect("opened");
        log.write_all(told.as_bytes()).expect("written");
        paid()?;
        Ok(String::new())
    }
}

impl Commands for Services<'_> {
    fn check(&self, _: &Call<'_>, _: &CommandLine, _: Vec<String>) -> Result<(), String> {
        Ok(())
    }

    fn run(&mut self, _: &Call<'_>, line: &CommandLine, arguments: Vec<String>) -> Result<String, String> {
        self.play(line, &arguments)
    }

    fn healthy(&mut self, _: &Call<'_>, health: &[Health], resolve: &Resolve<'_>) -> Result<(), String> {
        let commands = health.iter().filter_map(Health::command);
        commands.into_iter().try_for_each(|line| self.play(line, &resolve(line)?).map(drop))
    }
}
