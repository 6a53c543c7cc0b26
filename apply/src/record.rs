//! What a node remembers of each role: the generation in force with the files that belong to it, and a transaction that is under way. One
//! file a role below the storage directory, replaced whole, so that a crash leaves the one before or the one after.
//!
//! Texts that commands are given as files lie beside it, one directory a generation. It runs nothing and touches no file of a role.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use serde::{Deserialize, Serialize};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;

use crate::durable;
use crate::files::{Direct, Entry, Step, Steps};
use crate::role::Duties;

/// The version of records that this program writes, and the only one that it reads.
const VERSION: u32 = 1;
/// Largest record, in bytes: [`crate::files::MAX_ROLE_FILES`] with long paths, twice.
const MAX_BYTES: u64 = 64 << 20;
/// How a record's name ends, and that of the directory with its texts.
const RECORD: &str = ".json";
const TEXTS: &str = ".files";
/// The name of the file with the node's key, and its length.
const KEY: &str = ".key";
const KEY_BYTES: usize = 32;
/// Closed to others: texts may hold secrets.
const FILE_MODE: u32 = 0o600;
/// Likewise.
const DIRECTORY_MODE: u32 = 0o700;

/// What is remembered of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    v: u32,
    role: RoleName,
    /// What is in force; `None` before the first commit.
    pub generation: Option<Generation>,
    /// Files that were there already and became the role's by an operator's word, with the digest of what they held then: they are its own until
    /// the next commit, which keeps those that it produces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adopted: BTreeMap<PathBuf, Digest>,
    /// What was begun and neither committed nor undone.
    pub pending: Option<Pending>,
    /// What was committed and perhaps not cleared away: the former files, to be kept as backups or removed.
    pub finishing: Vec<Entry>,
}

/// A committed state of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// When it was committed.
    pub at: UnixMillis,
    /// On whose word.
    pub origin: Origin,
    /// Over what its commands are told: they run again when it changes, though no file does.
    pub told: Digest,
    /// The files that belong to the role, with the digest of what was written there.
    pub owned: BTreeMap<PathBuf, Digest>,
    /// Those of them into which a secret was printed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub private: BTreeSet<PathBuf>,
    /// What is done for it. Its commands run again when what follows it fails, and when the role leaves.
    pub duties: Duties,
    /// The names of the texts that its commands are given as files.
    pub texts: BTreeSet<String>,
}

/// What a role is deployed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The schedule.
    pub schedule: Digest,
    /// `ROLE/VERSION` of its templates.
    pub template: String,
    /// Names this try in logs and for commands.
    pub deployment: String,
    /// How many tries this is, from 1.
    pub attempt: u32,
}

/// A transaction that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// When it was begun.
    pub since: UnixMillis,
    /// On whose word.
    pub origin: Origin,
    /// The renames that it is made of.
    pub entries: Vec<Entry>,
    /// Commands may have run: whoever undoes it has to tell the services.
    pub telling: bool,
    /// Commands that tell services of what was in force before the role's first commit.
    pub reload: Duties,
}

/// A record that cannot be read or written. The role is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system refuses.
    #[error("{} cannot be {did}: see that the storage directory is writable and has space left", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        did: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not what this program writes.
    #[error(
        "{} is damaged ({reason}): move it away; the role's files stay, and belong to it again once they are written or adopted",
        .path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// All records of a node.
pub struct Records {
    dir: Dir,
    path: PathBuf,
    steps: Box<dyn Steps + Send + Sync>,
    /// See [`Records::key`].
    key: Vec<u8>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Record {
    /// Nothing yet.
    pub fn new(role: &RoleName) -> Record {
        Record { v: VERSION, role: role.clone(), generation: None, adopted: BTreeMap::new(), pending: None, finishing: Vec::new() }
    }

    /// Whose it is.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// The files that belong to the role, with the digest of what has to be in one for it to be removed.
    pub fn files(&self) -> BTreeMap<&Path, Digest> {
        let owned = self.generation.iter().flat_map(|generation| &generation.owned);
        owned.chain(&self.adopted).map(|(path, digest)| (path.as_path(), *digest)).collect()
    }
}

impl Records {
    /// Opens the directory, makes it (0700) where it is not there, and removes what a crash left half written.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn open(path: &Path) -> Result<Records, RecordError> {
        Records::open_with(path, Box::new(Direct))
    }

    /// [`Records::open`], with a hook before every step that writes.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(path: &Path, steps: Box<dyn Steps + Send + Sync>) -> Result<Records, RecordError> {
        let failed = |did| move |source| RecordError::Io { path: path.to_owned(), did, source };
        if !path.is_dir() {
            let mut builder = std::fs::DirBuilder::new();
            std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), DIRECTORY_MODE);
            builder.create(path).map_err(failed("made"))?;
        }
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed("opened"))?;
        durable::sweep(&dir, Path::new("")).map_err(failed("swept"))?;
        let key = key(&dir).map_err(failed("given a key"))?;
        Ok(Records { dir, path: path.to_owned(), steps, key })
    }

    /// Opens the directory for one who only reads, and leaves everything in it as it is; `None` where there is none yet. Others may
    /// write records meanwhile: each is read as it was before or after.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn look(path: &Path) -> Result<Option<Records>, RecordError> {
        match Dir::open_ambient_dir(path, ambient_authority()) {
            Ok(dir) => Ok(Some(Records { dir, path: path.to_owned(), steps: Box::new(Direct), key: Vec::new() })),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RecordError::Io { path: path.to_owned(), did: "opened", source }),
        }
    }

    /// Whether something is remembered of the role.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn knows(&self, role: &RoleName) -> Result<bool, RecordError> {
        let name = format!("{role}{RECORD}");
        self.dir.try_exists(&name).map_err(self.failed(&name, "read"))
    }

    /// The roles of which something is remembered, in the order of their names.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn roles(&self) -> Result<Vec<RoleName>, RecordError> {
        let mut roles = Vec::new();
        let failed = |source| RecordError::Io { path: self.path.clone(), did: "read", source };
        for entry in self.dir.entries().map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // A first try that ended early may have left its texts alone.
            let role = name.to_str().and_then(|name| name.strip_suffix(RECORD).or_else(|| name.strip_suffix(TEXTS)));
            roles.extend(role.and_then(|role| RoleName::new(role).ok()));
        }
        roles.sort();
        roles.dedup();
        Ok(roles)
    }

    /// What is remembered of a role; a new record where nothing is.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged: nothing must be done to the role's files then.
    pub fn load(&self, role: &RoleName) -> Result<Record, RecordError> {
        let name = format!("{role}{RECORD}");
        let file = match self.dir.open(&name) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Record::new(role)),
            Err(err) => return Err(self.failed(&name, "read")(err)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(self.failed(&name, "read"))?;
        let damaged = |reason: String| RecordError::Damaged { path: self.path.join(&name), reason };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(damaged(format!("it has more than {MAX_BYTES} bytes")));
        }
        let record: Record = serde_json::from_slice(&bytes).map_err(|err| damaged(err.to_string()))?;
        if record.v != VERSION {
            return Err(damaged(format!("it has version {}, and this program reads {VERSION} only", record.v)));
        }
        if record.role != *role {
            return Err(damaged(format!("it is about the role {}", record.role)));
        }
        Ok(record)
    }

    /// Replaces a role's record, durably.
    ///
    /// # Errors
    /// When it cannot be written; the former one stays.
    pub fn save(&self, record: &Record) -> Result<(), RecordError> {
        let name = format!("{}{RECORD}", record.role);
        // A path below an output directory whose name is no UTF-8 is none that JSON could hold.
        let bytes = serde_json::to_vec(record).map_err(io::Error::other).map_err(self.failed(&name, "written"))?;
        durable::replace_with(&self.dir, Path::new(&name), &bytes, FILE_MODE, &*self.steps).map_err(self.failed(&name, "written"))?;
        Ok(())
    }

    /// Forgets a role and its texts.
    ///
    /// # Errors
    /// When the record cannot be removed.
    pub fn forget(&self, role: &RoleName) -> Result<(), RecordError> {
        let name = format!("{role}{RECORD}");
        match self.steps.before(Step::Remove).and_then(|()| self.dir.remove_file(&name)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(self.failed(&name, "removed")(err)),
            _ => {}
        }
        self.steps.before(Step::Sync).and_then(|()| durable::sync_dir(&self.dir)).map_err(self.failed(&name, "removed"))?;
        self.keep_texts(role, None);
        Ok(())
    }

    /// Writes the texts of a generation that is about to be tried, each mode 0600.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write_texts(&self, role: &RoleName, told: Digest, texts: &BTreeMap<String, Vec<u8>>) -> Result<(), RecordError> {
        if texts.is_empty() {
            return Ok(());
        }
        let below = texts_below(role, told);
        let name = below.display().to_string();
        let mut builder = DirBuilder::new();
        builder.mode(DIRECTORY_MODE).recursive(true);
        let made = self.dir.create_dir_with(&below, &builder).and_then(|()| {
            // The name of the generation's directory. That of the role's lies beside its record, and is synced with that.
            self.steps.before(Step::Sync)?;
            durable::sync_dir(&self.dir.open_dir(format!("{role}{TEXTS}"))?)
        });
        made.map_err(self.failed(&name, "made"))?;
        for (text, bytes) in texts {
            durable::replace_with(&self.dir, &below.join(text), bytes, FILE_MODE, &*self.steps).map_err(self.failed(&name, "written"))?;
        }
        Ok(())
    }

    /// Random bytes of this node, for digests of what is private. Empty for one who only looks.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Where a text of a generation lies.
    pub fn text(&self, role: &RoleName, told: Digest, name: &str) -> PathBuf {
        self.path.join(texts_below(role, told)).join(name)
    }

    /// Removes the texts of all generations of a role but this one. What cannot be removed is removed the next time.
    pub fn keep_texts(&self, role: &RoleName, told: Option<Digest>) {
        let below = format!("{role}{TEXTS}");
        let Some(told) = told else {
            let _ = self.dir.remove_dir_all(&below);
            return;
        };
        let keep = texts_below(role, told);
        let Ok(entries) = self.dir.read_dir(&below) else { return };
        for entry in entries.flatten() {
            let path = Path::new(&below).join(entry.file_name());
            if path != keep {
                let _ = self.dir.remove_dir_all(path);
            }
        }
    }

    fn failed(&self, name: &str, did: &'static str) -> impl Fn(io::Error) -> RecordError {
        let path = self.path.join(name);
        move |source| RecordError::Io { path: path.clone(), did, source }
    }
}

/// The node's key, made where there is none.
fn key(dir: &Dir) -> io::Result<Vec<u8>> {
    match dir.read(KEY) {
        Ok(key) if key.len() == KEY_BYTES => return Ok(key),
        // One that is damaged only makes commands run once more.
        Ok(_) => {}
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(err),
    }
    // The keys of the library's hashes come from the system's random numbers.
    let key: Vec<u8> = (0..KEY_BYTES / 8).flat_map(|index| RandomState::new().hash_one(index).to_le_bytes()).collect();
    durable::replace(dir, Path::new(KEY), &key, FILE_MODE)?;
    Ok(key)
}

/// Where the texts of a generation lie, below the directory of all records.
fn texts_below(role: &RoleName, told: Digest) -> PathBuf {
    Path::new(&format!("{role}{TEXTS}")).join(told.short())
}
