//! A plan: what deploying a schedule would do on this node, as a document that the API gives and the command line prints, and the digest that an
//! order to apply it insists on. It looks at nothing itself.

mod elsewhere;

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use verwalter_apply::diff::{self, Diff, Side, unified};
use verwalter_apply::files::Fate;
use verwalter_apply::role::{CommandLine, Piece, Probe, Program, RenderedRole};
use verwalter_apply::transaction::{Planned, When};
use verwalter_core::digest::Digest;
use verwalter_core::names::{Hostname, RoleName};

pub(super) use self::elsewhere::Comparison;
use crate::render::Mask;

/// What would be done on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Over everything that would be done, secrets included: the same plan has the same digest, as long as this node runs.
    pub digest: Digest,
    /// The node.
    pub node: Hostname,
    /// The schedule that it is a plan for.
    pub schedule: Digest,
    /// Whether that is the one in force.
    pub in_force: bool,
    /// Its roles, by name: those that leave first.
    pub roles: Vec<RolePlan>,
    /// For another schedule than the one in force: what it would change on other nodes. The digest does not cover it.
    #[serde(default)]
    pub elsewhere: Elsewhere,
}

/// What would change on other nodes, compared with what the schedule in force gives there: nobody looked at what is in place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Elsewhere {
    /// By name.
    pub nodes: Vec<NodePlan>,
    /// How many more there are.
    pub left_out: usize,
}

/// What would change on one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NodePlan {
    /// Which.
    pub node: Hostname,
    /// The roles that would change, by name.
    pub roles: Vec<RolePlan>,
}

/// What would be done for one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RolePlan {
    /// Which.
    pub role: RoleName,
    /// `ROLE/VERSION` of its templates, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What becomes of it.
    pub state: RoleState,
    /// Why it would not be deployed: one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is remembered of it changes: health checks, what is done when it leaves, or which files are its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remembers: bool,
    /// A crash left something of it that is undone first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The files that would change, secrets masked.
    pub files: Vec<Diff>,
    /// How many files are as they should be.
    pub unchanged: usize,
    /// Files that would be let go of: somebody edited them, so that they stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<PathBuf>,
    /// What would run, in this order.
    pub commands: Vec<Command>,
    /// What would have to be seen then.
    pub health: Vec<Question>,
}

/// What becomes of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleState {
    /// Nothing.
    Unchanged,
    /// It would be deployed.
    Changed,
    /// It would be taken off the node.
    Leaves,
    /// The node would not take it.
    Refused,
    /// It would fail before anything was done.
    Failed,
}

impl RoleState {
    /// Whether an order to apply the plan does something to the role.
    pub fn acts(self) -> bool {
        matches!(self, RoleState::Changed | RoleState::Leaves)
    }
}

/// A command that would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Command {
    /// When.
    pub when: Moment,
    /// For `check`: the file that is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// For `if-changed`: the directories below which something must change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<PathBuf>,
    /// The program, then its arguments; paths that are known only then stand as `{{ staged }}` and `{{ files.NAME }}`.
    pub argv: Vec<String>,
    /// Whether it runs as root.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
    /// Render file and line.
    pub source: String,
}

/// When a command would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// On a staged file: what fails refuses the deployment.
    Check,
    /// Once all files are in place.
    After,
    /// Then, if an earlier command changes something in its directories.
    IfChanged,
    /// Once the role's files are gone.
    Removed,
}

/// A question about a service's health.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Question {
    /// The command, as `argv` of [`Command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// Or the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The status that counts, where only one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the answer must contain, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// How many good answers in a row it takes.
    pub successes: u32,
    /// By when they must have come.
    pub within_ms: u64,
    /// Render file and line.
    pub source: String,
}

impl RolePlan {
    /// One for which nothing is known to be done.
    pub(super) fn new(role: &RoleName, state: RoleState) -> RolePlan {
        RolePlan {
            role: role.clone(),
            template: None,
            state,
            error: None,
            remembers: false,
            interrupted: false,
            files: Vec::new(),
            unchanged: 0,
            kept: Vec::new(),
            commands: Vec::new(),
            health: Vec::new(),
        }
    }

    /// What was found out about one, told; `rendered` is what the plan was made of.
    pub(super) fn told(role: &RoleName, state: RoleState, planned: &Planned, rendered: Option<&RenderedRole>, mask: &Mask) -> RolePlan {
        let hide = |text: &str| mask.hide(text).into_owned();
        let mut plan = RolePlan { interrupted: planned.interrupted, remembers: planned.remembers, ..RolePlan::new(role, state) };
        for looked in &planned.files {
            match looked.file.fate {
                Fate::Unchanged | Fate::Gone => plan.unchanged += 1,
                Fate::Kept => plan.kept.push(looked.file.path.clone()),
                Fate::Create | Fate::Replace | Fate::Remove => {
                    let former = looked.former.as_ref();
                    let former = former.map(|former| Side { bytes: &former.bytes, mode: Some(former.mode), private: looked.private });
                    let new = rendered.zip(looked.rendered).and_then(|(rendered, index)| rendered.files.get(index));
                    let new = new.map(|new| Side { bytes: &new.bytes, mode: Some(new.mode), private: false });
                    let path = looked.file.path.display().to_string();
                    plan.files.push(unified(former, new, path.trim_start_matches('/'), &hide, &diff::Limits::default()));
                }
            }
        }
        plan.commands.extend(planned.commands.iter().map(|command| {
            let (when, file, directories) = match &command.when {
                When::Check(path) => (Moment::Check, Some(path.clone()), Vec::new()),
                When::After | When::Changed => (Moment::After, None, Vec::new()),
                When::IfChanged(directories) => (Moment::IfChanged, None, directories.clone()),
                When::Removed => (Moment::Removed, None, Vec::new()),
            };
            let (argv, root) = argv(&command.line, &hide);
            Command { when, file, directories, argv, root, source: command.line.source.clone() }
        }));
        plan.health.extend(planned.health.iter().map(|health| {
            let within_ms = u64::try_from(health.within.as_millis()).unwrap_or(u64::MAX);
            let asked = Question { successes: health.successes, within_ms, source: health.source.clone(), ..Question::default() };
            match &health.probe {
                Probe::Command(line) => Question { argv: Some(argv(line, &hide).0), ..asked },
                Probe::Http { url, status, contains, .. } => {
                    Question { url: Some(hide(url)), status: *status, contains: contains.as_deref().map(&hide), ..asked }
                }
            }
        }));
        plan
    }
}

/// The words of a command and whether root runs it.
fn argv(line: &CommandLine, hide: &dyn Fn(&str) -> String) -> (Vec<String>, bool) {
    let (mut words, root) = match &line.program {
        Program::Named(name) => (vec![hide(name)], false),
        Program::Root(name) => (vec![hide(name)], true),
        Program::Shell => (vec!["sh".to_owned(), "-exc".to_owned()], false),
    };
    words.extend(line.arguments.iter().map(|argument| {
        let pieces = argument.0.iter().map(|piece| match piece {
            Piece::Plain(text) => hide(text),
            Piece::Argument(name) => format!("{{{{ files.{name} }}}}"),
            Piece::Staged => "{{ staged }}".to_owned(),
        });
        pieces.collect::<String>()
    }));
    (words, root)
}

/// Makes the digest of a plan. What secrets were printed into is hashed with a key that this process alone knows: a digest that is shown
/// must not let a short secret be guessed.
#[derive(Clone)]
pub(super) struct Sealer {
    key: [u64; 4],
}

impl Default for Sealer {
    fn default() -> Sealer {
        // The library's keys come from the system's random numbers.
        Sealer { key: std::array::from_fn(|index| RandomState::new().hash_one(index)) }
    }
}

/// A digest that is being made.
pub(super) struct Seal<'a> {
    sealer: &'a Sealer,
    hash: Sha256,
}

impl Sealer {
    /// Begins one.
    pub(super) fn begin(&self, node: &Hostname) -> Seal<'_> {
        let mut seal = Seal { sealer: self, hash: Sha256::new() };
        seal.part(node.as_str().as_bytes());
        seal
    }
}

impl Seal<'_> {
    /// Adds one role: all that was found out, not only what is shown of it.
    pub(super) fn role(&mut self, plan: &RolePlan, planned: Option<(&Planned, Option<&RenderedRole>)>) {
        self.part(plan.role.as_str().as_bytes());
        self.part(format!("{:?} {:?} {}", plan.state, plan.error, plan.interrupted).as_bytes());
        let Some((planned, rendered)) = planned else { return };
        for looked in &planned.files {
            self.part(looked.file.path.as_os_str().as_encoded_bytes());
            self.part(format!("{:?}", looked.file.fate).as_bytes());
            let former = looked.former.as_ref();
            self.content(former.map(|former| former.bytes.as_slice()), looked.private);
            self.part(format!("{:?}", former.map(|former| (former.len, former.mode))).as_bytes());
            let new = rendered.zip(looked.rendered).and_then(|(rendered, index)| rendered.files.get(index));
            self.content(new.map(|new| new.bytes.as_slice()), looked.private);
            self.part(format!("{:?}", new.map(|new| (new.mode, &new.owner, &new.group, new.backups))).as_bytes());
        }
        self.part(format!("{:?} {} {:?} {:?}", planned.told, planned.remembers, planned.commands, planned.health).as_bytes());
        for (name, bytes) in rendered.iter().flat_map(|rendered| &rendered.arguments) {
            self.part(name.as_bytes());
            // Whether a secret is in it is not known.
            self.content(Some(bytes), true);
        }
    }

    /// Adds on which terms all of it would be done.
    pub(super) fn terms(&mut self, terms: &str) {
        self.part(terms.as_bytes());
    }

    /// All of it.
    pub(super) fn finish(self) -> Digest {
        Digest::from_bytes(self.hash.finalize().into())
    }

    fn content(&mut self, bytes: Option<&[u8]>, private: bool) {
        let Some(bytes) = bytes else { return self.part(b"none") };
        let mut hash = Sha256::new();
        for word in self.sealer.key.iter().filter(|_| private) {
            hash.update(word.to_le_bytes());
        }
        hash.update(bytes);
        let digest: [u8; 32] = hash.finalize().into();
        self.part(&digest);
    }

    fn part(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}
