//! The schedule in force: published at once, written off the decision's path, continued after a restart. Only a live lease commits.

mod given;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use verwalter_core::admit::{self, AdmitError, Why};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::schedule::Schedule;

pub use self::given::{GivenError, given};
use crate::cluster::Lease;
use crate::storage::{Storage, StorageError};

/// Below the storage directory; the predecessor's place.
const DIRECTORY: &str = "schedule";
const FILE: &str = "schedule/schedule.json";
/// The greatest output limit of a scheduler, in the long notation, with its reasons.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// What was admitted once is read again under the widest budget that a manifest can give, and the values that its canonical form adds.
const LIMITS: JsonLimits = JsonLimits { depth: 100, values: 100_000_000 + admit::MAX_PLACEMENTS as u32 };
/// Time until the first retry of a failed write; doubles up to [`LONGEST_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Long enough not to fill a log, short enough that a freed disk is noticed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// A schedule with its circumstances.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The decision.
    pub schedule: Schedule,
    /// When this digest came into force.
    pub since: UnixMillis,
    /// Under which leadership it was decided.
    pub term: Term,
    /// In which round of that.
    pub round: Round,
    /// Its reasons, as of the newest round that decided the same; the file keeps those of the first one.
    pub why: Why,
}

/// The predecessor's wrapper, with keys of its own beside it.
#[derive(Serialize, Deserialize)]
struct Wrapper<'a> {
    timestamp: UnixMillis,
    hash: String,
    #[serde(borrow)]
    data: &'a RawValue,
    origin: NodeId,
    term: u64,
    round: Round,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    why: Option<&'a RawValue>,
}

/// Why a stored schedule cannot be continued. The file is left as it is; the next decision replaces it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is no schedule.
    #[error("the stored schedule {} cannot be read: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// It is not the schedule that it says it is.
    #[error("the stored schedule {} is refused", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: AdmitError,
    },
}

/// A commit that came too late. The schedule in force stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the leadership {0} ended while its decision was made; the decision is dropped")]
pub struct LeaseLost(Term);

/// Whether a commit changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// A new digest is in force.
    Changed,
    /// The same digest stays in force; nothing was published.
    Same,
}

/// The holder of the schedule in force.
#[derive(Debug)]
pub struct ScheduleStore {
    storage: Arc<Storage>,
    /// What the file held when it was opened.
    stored: Option<Digest>,
    in_force: watch::Sender<Option<Arc<InForce>>>,
}

impl ScheduleStore {
    /// Continues with what `storage` has. A stored schedule that cannot be read is reported beside an empty store.
    pub fn open(storage: &Arc<Storage>) -> Result<(ScheduleStore, Option<StoreError>), StorageError> {
        storage.subdirectory(DIRECTORY)?;
        let (stored, error) = match load(storage) {
            Ok(stored) => (stored, None),
            Err(error) => (None, Some(error)),
        };
        let digest = stored.as_ref().map(|stored| stored.schedule.digest());
        Ok((ScheduleStore { storage: storage.clone(), stored: digest, in_force: watch::Sender::new(stored.map(Arc::new)) }, error))
    }

    /// Follows what is in force.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<InForce>>> {
        self.in_force.subscribe()
    }

    /// What is in force now.
    pub fn current(&self) -> Option<Arc<InForce>> {
        self.in_force.borrow().clone()
    }

    /// Puts a decision in force, if `lease` is still live.
    pub fn commit(&self, lease: &Lease, decided: InForce) -> Result<Commit, LeaseLost> {
        let mut commit = Err(LeaseLost(lease.term()));
        let mut decided = Some(decided);
        // The lease is looked at while the slot is held, so that no newer term commits in between.
        self.in_force.send_if_modified(|slot| {
            if !lease.is_live() || slot.as_ref().is_some_and(|former| former.term > lease.term()) {
                return false;
            }
            let decided = decided.take().expect("the closure runs once");
            match slot {
                Some(former) if former.schedule == decided.schedule => {
                    commit = Ok(Commit::Same);
                    if former.why != decided.why {
                        // Reasons are no news to those who wait for schedules.
                        *slot = Some(Arc::new(InForce { why: decided.why, ..(**former).clone() }));
                    }
                    false
                }
                slot => {
                    commit = Ok(Commit::Changed);
                    *slot = Some(Arc::new(decided));
                    true
                }
            }
        });
        commit
    }

    /// Writes what comes into force, the newest first, and the last of it before it ends on `drain`. Failures are told through
    /// `failure` and tried again.
    pub async fn persist(self: Arc<Self>, failure: watch::Sender<Option<String>>, drain: CancellationToken) {
        let mut changes = self.in_force.subscribe();
        // Not what is in force now: a round may have been quicker than this task.
        let mut written = self.stored;
        let mut retry = FIRST_RETRY;
        loop {
            let newest = changes.borrow_and_update().clone();
            let failed = match newest.filter(|newest| Some(newest.schedule.digest()) != written) {
                None => false,
                Some(newest) => {
                    let storage = self.storage.clone();
                    let digest = newest.schedule.digest();
                    let result = tokio::task::spawn_blocking(move || storage.write(FILE, &encode(&newest, true))).await;
                    let error = match result {
                        Ok(Ok(())) => None,
                        Ok(Err(error)) => Some(crate::telemetry::chain(&error)),
                        Err(_) => Some("writing the schedule broke off: a defect, please report it".to_owned()),
                    };
                    if let Some(error) = &error {
                        tracing::error!(%error, "the schedule in force could not be stored; a restart now would continue with an older one");
                    } else {
                        written = Some(digest);
                        retry = FIRST_RETRY;
                    }
                    let failed = error.is_some();
                    failure.send_replace(error);
                    failed
                }
            };
            if drain.is_cancelled() {
                return;
            }
            tokio::select! {
                () = drain.cancelled() => {}
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(retry), if failed => retry = (retry * 2).min(LONGEST_RETRY),
            }
        }
    }
}

/// The wrapper as text: for the file with its reasons, for the API without.
pub fn encode(in_force: &InForce, with_why: bool) -> Vec<u8> {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("it was read or written as JSON");
    let data = raw(in_force.schedule.canonical());
    let why = in_force.why.as_json().filter(|_| with_why).map(raw);
    let wrapper = Wrapper {
        timestamp: in_force.since,
        hash: in_force.schedule.digest().hex(),
        data: &data,
        origin: in_force.term.leader,
        term: in_force.term.counter,
        round: in_force.round,
        why: why.as_deref(),
    };
    serde_json::to_vec(&wrapper).expect("texts and numbers are JSON")
}

/// What a node has stored below `storage_dir`, read beside the node that runs on it: the file is only ever replaced whole.
pub fn read_stored(storage_dir: &Path) -> Result<Option<InForce>, StoreError> {
    let path = storage_dir.join(FILE);
    let failed = |source| StorageError::Io { path: path.clone(), did: "read", source };
    let mut bytes = Vec::new();
    match File::open(&path) {
        Ok(file) => file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(failed(err).into()),
    };
    parse(&path, &bytes).map(Some)
}

fn load(storage: &Storage) -> Result<Option<InForce>, StoreError> {
    storage.read(FILE, MAX_FILE_BYTES)?.map(|bytes| parse(&storage.path().join(FILE), &bytes)).transpose()
}

fn parse(path: &Path, bytes: &[u8]) -> Result<InForce, StoreError> {
    let malformed = |message| StoreError::Malformed { path: path.to_owned(), message };
    let wrapper: Wrapper<'_> = serde_json::from_slice(bytes).map_err(|err| malformed(err.to_string()))?;
    let digest = Digest::parse(&format!("sha256:{}", wrapper.hash)).map_err(|err| malformed(err.to_string()))?;
    let refused = |source| StoreError::Refused { path: path.to_owned(), source };
    Ok(InForce {
        schedule: admit::restore(wrapper.data.get(), digest, LIMITS).map_err(refused)?,
        since: wrapper.timestamp,
        term: Term { counter: wrapper.term, leader: wrapper.origin },
        round: wrapper.round,
        why: Why::from_json(wrapper.why.map(|raw| raw.get().into())),
    })
}

#[cfg(test)]
mod tests {
    use verwalter_core::admit::admit;
    use verwalter_core::peers::PeerTable;
    use verwalter_core::ports::RawOutput;

    use super::*;
    use crate::cluster::Leadership;

    fn decided(state: &str, lease: &Lease) -> InForce {
        let output = RawOutput(format!(r#"{{"v":1,"schedule":{{"state":"{state}"}},"why":{{}}}}"#).into_bytes());
        let admitted = admit(&output, &PeerTable::default(), LIMITS).unwrap();
        InForce { schedule: admitted.schedule, since: UnixMillis(5), term: lease.term(), round: Round(1), why: admitted.why }
    }

    fn open(dir: &Path) -> (Arc<ScheduleStore>, Leadership) {
        let storage = Arc::new(Storage::open(dir).unwrap());
        let (store, error) = ScheduleStore::open(&storage).unwrap();
        assert!(error.is_none(), "{error:?}");
        let stored = store.current().map(|stored| stored.term);
        (Arc::new(store), Leadership::alone(NodeId::from_bytes([1; 16]), &storage, stored).unwrap())
    }

    /// Writes what is in force and ends.
    async fn settle(store: &Arc<ScheduleStore>) {
        let drain = CancellationToken::new();
        drain.cancel();
        store.clone().persist(watch::Sender::new(None), drain).await;
    }

    #[tokio::test]
    async fn what_came_into_force_before_the_writer_began_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let digest = {
            let (store, leadership) = open(dir.path());
            let lease = leadership.lease().unwrap();
            assert_eq!(store.commit(&lease, decided("a", &lease)), Ok(Commit::Changed));
            assert_eq!(store.commit(&lease, decided("a", &lease)), Ok(Commit::Same));
            settle(&store).await;
            store.current().unwrap().schedule.digest()
        };
        let (store, leadership) = open(dir.path());
        let stored = store.current().unwrap();
        assert_eq!((stored.schedule.digest(), stored.since), (digest, UnixMillis(5)));
        assert!(leadership.term().unwrap() > stored.term);
        assert_eq!(read_stored(dir.path()).unwrap().unwrap().schedule.digest(), digest);
    }

    #[tokio::test]
    async fn a_damaged_file_is_reported_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        {
            let (store, leadership) = open(dir.path());
            let lease = leadership.lease().unwrap();
            store.commit(&lease, decided("a", &lease)).unwrap();
            settle(&store).await;
        }
        let path = dir.path().join(FILE);
        let altered = std::fs::read_to_string(&path).unwrap().replace("\"state\":\"a\"", "\"state\":\"b\"");
        std::fs::write(&path, altered).unwrap();
        let storage = Arc::new(Storage::open(dir.path()).unwrap());
        let (store, error) = ScheduleStore::open(&storage).unwrap();
        assert!(store.current().is_none());
        let refused = matches!(&error, Some(StoreError::Refused { path: told, source: AdmitError::Digest { .. } }) if *told == path);
        assert!(refused, "{error:?}");
        let leadership = Leadership::alone(NodeId::from_bytes([1; 16]), &storage, None).unwrap();
        let (store, lease) = (Arc::new(store), leadership.lease().unwrap());
        store.commit(&lease, decided("c", &lease)).unwrap();
        settle(&store).await;
        assert_eq!(read_stored(dir.path()).unwrap().unwrap().schedule.rest()["state"], "c");
    }

    #[test]
    fn a_lost_lease_commits_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (store, leadership) = open(dir.path());
        let lease = leadership.lease().unwrap();
        drop(leadership);
        let other = NodeId::from_bytes([2; 16]);
        let newer = Leadership::alone(other, &store.storage, Some(Term { counter: 9, leader: other })).unwrap();
        store.commit(&newer.lease().unwrap(), decided("new", &newer.lease().unwrap())).unwrap();
        assert_eq!(store.commit(&lease, decided("old", &lease)), Err(LeaseLost(lease.term())));
        assert_eq!(store.current().unwrap().schedule.rest()["state"], "new");
    }
}
