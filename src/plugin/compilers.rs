//! Compiling for somebody who does not wait for as long as it may take: it goes on behind, and whoever asks again gets what came of it.
//! Otherwise one plugin that takes the compiler a minute would hold up every other change of the tree for that time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;
use verwalter_core::digest::Digest;
use wasmtime::Engine;

use super::cache::{Artefact, Cache, CacheError};
use super::compile::CompileError;
use super::inspect::Abi;
use super::limits::Limits;

/// How many plugins are compiled at once behind whoever asked: one that takes long must not hold up another, and each may take as much
/// memory as its limits allow.
const AT_ONCE: usize = 2;

/// How long one plugin is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// As long as the limits allow.
    Endless,
    /// No longer than this.
    For(Duration),
}

/// Why there is no compiled code now.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCompiled {
    /// It goes on: whoever asks again later gets what came of it.
    #[error("it is being compiled; it is activated when that is done")]
    UnderWay,
    /// All compilers are at work on others.
    #[error("it waits until one of {AT_ONCE} others is compiled; it is compiled then")]
    Waits,
    /// It is over.
    #[error(transparent)]
    Over(#[from] CacheError),
}

/// A cache, and what is compiled into it behind those who asked.
pub(super) struct Compilers {
    cache: Arc<Cache>,
    behind: Arc<Behind>,
}

#[derive(Default)]
struct Behind {
    jobs: Mutex<Jobs>,
    done: Arc<Notify>,
}

#[derive(Default)]
struct Jobs {
    running: usize,
    /// Those that nobody waits for any more, running or done.
    left: Vec<Job>,
    /// Whether somebody found all compilers at work.
    turned_away: bool,
}

struct Job {
    digest: Digest,
    limits: Limits,
    result: Receiver<Result<Artefact, CacheError>>,
    thread: JoinHandle<()>,
    /// Whether it was asked for since the last [`Compilers::forget`].
    asked: bool,
}

impl Compilers {
    pub(super) fn new(cache: Cache) -> Compilers {
        Compilers { cache: Arc::new(cache), behind: Arc::default() }
    }

    /// What compiling goes to, for whoever waits as long as it takes.
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Notified when asking again is worth it: what was left is done, or there is a compiler for whoever was turned away.
    pub(super) fn done(&self) -> Arc<Notify> {
        self.behind.done.clone()
    }

    /// The compiled form of `wasm`, if it is there or comes within `patience`, which whoever asks first for it has.
    pub(super) fn load(
        &self,
        engine: &Engine,
        abi: Abi,
        digest: Digest,
        wasm: &[u8],
        limits: &Limits,
        patience: Patience,
    ) -> Result<Artefact, NotCompiled> {
        let Patience::For(patience) = patience else { return Ok(self.cache.load(engine, abi, digest, wasm, limits)?) };
        if let Some(artefact) = self.cache.find(engine, abi, digest) {
            return Ok(artefact);
        }
        let (job, patience) = match self.take(digest, limits) {
            // It was waited for once; when it is done that is told.
            Some(job) => (job, Duration::ZERO),
            None => (self.begin(engine, abi, digest, wasm, limits)?, patience),
        };
        match job.result.recv_timeout(patience) {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Disconnected) => return Err(defect().into()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut jobs = self.behind.lock();
        // Once more while nobody else looks: from now on whoever is done finds the job here and says so.
        match job.result.try_recv() {
            Ok(result) => Ok(result?),
            Err(TryRecvError::Disconnected) => Err(defect().into()),
            Err(TryRecvError::Empty) => {
                jobs.left.push(Job { asked: true, ..job });
                Err(NotCompiled::UnderWay)
            }
        }
    }

    /// Drops what is done and was not asked for since the last call: its plugin has changed meanwhile, or is gone.
    pub(super) fn forget(&self) {
        self.behind.lock().left.retain_mut(|job| std::mem::take(&mut job.asked) || !job.thread.is_finished());
    }

    fn take(&self, digest: Digest, limits: &Limits) -> Option<Job> {
        let mut jobs = self.behind.lock();
        let known = jobs.left.iter().position(|job| job.is_of(digest, limits))?;
        Some(jobs.left.swap_remove(known))
    }

    fn begin(&self, engine: &Engine, abi: Abi, digest: Digest, wasm: &[u8], limits: &Limits) -> Result<Job, NotCompiled> {
        let Some(slot) = Behind::slot(&self.behind) else { return Err(NotCompiled::Waits) };
        let (tell, result) = channel();
        let (cache, behind) = (self.cache.clone(), self.behind.clone());
        let (engine, wasm, limits) = (engine.clone(), wasm.to_owned(), *limits);
        let compile = move || {
            let result = cache.load(&engine, abi, digest, &wasm, &limits);
            // Before it is told: who hears of it may begin another.
            drop(slot);
            // Nobody may want it any more.
            let _ = tell.send(result);
            if behind.lock().left.iter().any(|job| job.is_of(digest, &limits)) {
                behind.done.notify_one();
            }
        };
        let thread = std::thread::Builder::new().name("compile".to_owned()).spawn(compile);
        let thread = thread.map_err(|source| CacheError::from(CompileError::Child { did: "started", source }))?;
        Ok(Job { digest, limits, result, thread, asked: true })
    }
}

impl Job {
    fn is_of(&self, digest: Digest, limits: &Limits) -> bool {
        (self.digest, self.limits) == (digest, *limits)
    }
}

impl Behind {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // A job is put in or taken out whole.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to compile, if there is one left.
    fn slot(behind: &Arc<Behind>) -> Option<Slot> {
        let mut jobs = behind.lock();
        if jobs.running == AT_ONCE {
            jobs.turned_away = true;
            return None;
        }
        jobs.running += 1;
        Some(Slot(behind.clone()))
    }
}

/// The right to compile; it ends with this.
struct Slot(Arc<Behind>);

impl Drop for Slot {
    fn drop(&mut self) {
        let mut jobs = self.0.lock();
        jobs.running -= 1;
        if std::mem::take(&mut jobs.turned_away) {
            self.0.done.notify_one();
        }
    }
}

/// It broke off without a word; it is tried again.
fn defect() -> CacheError {
    CompileError::Machine("it broke off: a defect, please report it".to_owned()).into()
}

#[cfg(test)]
mod tests;
