//! Compiled plugins on disk, keyed by digest and engine, in a directory that only this host's user can write.
//!
//! It maps machine code, hence the one `unsafe` of the host: what is mapped was written here, by this user, whole, and is
//! checked against its own digest first.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use verwalter_core::digest::Digest;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::compile::{CompileError, Compiler};
use super::engine;
use super::inspect::Abi;
use super::limits::Limits;

/// Compiled code, mapped.
pub(super) enum Artefact {
    Component(Component),
    Module(Module),
}

/// Why there is no compiled code. What was compiled before stays usable.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The plugin does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It did not, a moment ago.
    #[error("{0}")]
    Refused(Box<str>),
    /// The directory could not be used.
    #[error("the compile cache {} cannot be used", .path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody else could put code there.
    #[error("the compile cache {} must belong to this user and be writable by nobody else: `chmod 700` it, or remove it", .0.display())]
    Unsafe(PathBuf),
    /// The engine refused what it compiled itself: the plugin asks for more than a slot of the pool has.
    #[error("the compiled plugin cannot be loaded: {0}")]
    Load(String),
}

impl CacheError {
    /// Whether another try may go better: this machine was at fault, not the plugin.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            CacheError::Compile(err) => matches!(err, CompileError::Child { .. } | CompileError::Machine(_)),
            CacheError::Io { .. } | CacheError::Unsafe(_) => true,
            CacheError::Load(_) | CacheError::Refused(_) => false,
        }
    }
}

/// How the names of unfinished files begin.
const UNFINISHED: &str = ".compiling-";

/// The directory.
pub(super) struct Cache {
    dir: PathBuf,
    fingerprint: String,
    compiler: Compiler,
    max_bytes: u64,
    under_way: Mutex<HashMap<Digest, Turn>>,
    /// Held while code is put down, others are pruned, and it is mapped: of two compiled at once neither takes the other away.
    shelf: Mutex<()>,
}

/// Whose turn it is with a digest, and what the one before was refused for, under which limits.
type Turn = Arc<Mutex<Option<(Limits, Box<str>)>>>;

impl Cache {
    /// Makes the directory, mode 0700, or checks that it is as safe as that. Above `max_bytes` the least recently used code goes.
    pub(super) fn open(dir: &Path, engine: &Engine, compiler: Compiler, max_bytes: u64) -> Result<Cache, CacheError> {
        let io = |source| CacheError::Io { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io)?;
        let meta = fs::symlink_metadata(dir).map_err(io)?;
        let own = meta.uid() == rustix::process::geteuid().as_raw();
        if !meta.is_dir() || !own || meta.mode() & 0o022 != 0 {
            return Err(CacheError::Unsafe(dir.to_owned()));
        }
        sweep(dir).map_err(io)?;
        Ok(Cache {
            dir: dir.to_owned(),
            fingerprint: engine::fingerprint(engine),
            compiler,
            max_bytes,
            under_way: Mutex::default(),
            shelf: Mutex::default(),
        })
    }

    /// The compiled form of `wasm`, from disk where it is there and sound, else compiled within `limits`. Where that is under way already, it
    /// waits for the end of it first.
    pub(super) fn load(&self, engine: &Engine, abi: Abi, digest: Digest, wasm: &[u8], limits: &Limits) -> Result<Artefact, CacheError> {
        let lock = self.lock(digest);
        let mut turn = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = match &*turn {
            // Whoever waited while it was refused would be refused too, and as late.
            Some((tried, reason)) if tried == limits => Err(CacheError::Refused(reason.clone())),
            _ => self.load_alone(engine, abi, digest, wasm, limits),
        };
        if let Err(error @ CacheError::Compile(_)) = &loaded
            && !error.is_transient()
        {
            *turn = Some((*limits, error.to_string().into()));
        }
        drop(turn);
        drop(lock);
        self.unlock(digest);
        loaded
    }

    fn lock(&self, digest: Digest) -> Turn {
        // Locks that guard nothing but a turn: a panic elsewhere leaves them whole.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).entry(digest).or_default().clone()
    }

    /// Forgets the lock, unless somebody holds it or waits for it.
    fn unlock(&self, digest: Digest) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&digest).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            under_way.remove(&digest);
        }
    }

    /// The compiled form, where it is on disk and sound.
    pub(super) fn find(&self, engine: &Engine, abi: Abi, digest: Digest) -> Option<Artefact> {
        let path = self.file(digest);
        if !intact(&path) {
            return None;
        }
        // Its time of use, for the pruning. Not being able to say it is no reason to fail.
        if let Ok(file) = File::options().append(true).open(&path) {
            drop(file.set_modified(SystemTime::now()));
        }
        map(engine, abi, &path).ok()
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{}-{}.cwasm", digest.hex(), self.fingerprint))
    }

    fn load_alone(&self, engine: &Engine, abi: Abi, digest: Digest, wasm: &[u8], limits: &Limits) -> Result<Artefact, CacheError> {
        if let Some(artefact) = self.find(engine, abi, digest) {
            return Ok(artefact);
        }
        let path = self.file(digest);
        let compiled = self.compile(abi, wasm, &path, limits)?;
        let _shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.put_down(&path)?;
        self.prune(&path);
        map(engine, abi, &path)
    }

    fn compile(&self, abi: Abi, wasm: &[u8], path: &Path, limits: &Limits) -> Result<Compiled, CacheError> {
        let io = |source| CacheError::Io { path: path.to_owned(), source };
        let out = self.unfinished().map_err(io)?;
        self.compiler.compile(abi, wasm, out.reopen().map_err(io)?, limits)?;
        // Not synced: what a crash leaves of it does not match its sum, and is compiled again.
        let sum = sum(out.path()).map_err(io)?;
        let sum_file = self.unfinished().map_err(io)?;
        fs::write(sum_file.path(), sum).map_err(io)?;
        Ok(Compiled { code: out, sum: sum_file })
    }

    fn unfinished(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.dir)
    }

    /// Drops the least recently used code beyond the limit, `keep` never.
    fn prune(&self, keep: &Path) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let meta = fs::symlink_metadata(&path).ok()?;
                (path.extension()? == "cwasm").then_some((meta.modified().ok()?, meta.len(), path))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if total <= self.max_bytes {
                return;
            }
            if path != keep && fs::remove_file(&path).is_ok() {
                drop(fs::remove_file(path.with_extension("sum")));
                total -= len;
            }
        }
    }
}

/// Code and its sum, not yet where they belong.
struct Compiled {
    code: NamedTempFile,
    sum: NamedTempFile,
}

impl Compiled {
    fn put_down(self, path: &Path) -> Result<(), CacheError> {
        let io = |err: tempfile::PersistError| CacheError::Io { path: path.to_owned(), source: err.error };
        // The sum first: code without its sum is compiled again, a sum without its code is no harm.
        self.sum.persist(path.with_extension("sum")).map_err(io)?;
        self.code.persist(path).map_err(io)?;
        Ok(())
    }
}

/// Removes what a program that was killed left unfinished. One daemon uses a cache at a time: nobody is at work on those files.
fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether the file's bytes are those that were written.
fn intact(path: &Path) -> bool {
    let expected = fs::read(path.with_extension("sum"));
    matches!((expected, sum(path)), (Ok(expected), Ok(found)) if expected == found.as_bytes())
}

fn sum(path: &Path) -> io::Result<String> {
    let mut sha = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut sha))?;
    Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(unsafe_code, reason = "compiled code is mapped from a directory that only this user writes, after its sum was checked")]
fn map(engine: &Engine, abi: Abi, path: &Path) -> Result<Artefact, CacheError> {
    // What lies around the cause names the cache and repeats it.
    let load = |err: wasmtime::Error| CacheError::Load(err.root_cause().to_string());
    match abi {
        // SAFETY: the file was written by `compile` above from this engine's own output, lies in a directory that no other
        // user can write (`Cache::open`), is named by the engine's fingerprint, and its bytes match the sum taken then.
        Abi::Component => unsafe { Component::deserialize_file(engine, path) }.map(Artefact::Component).map_err(load),
        // SAFETY: as above.
        Abi::Core | Abi::Predecessor => unsafe { Module::deserialize_file(engine, path) }.map(Artefact::Module).map_err(load),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use verwalter_core::ports::Kind;

    use super::*;

    #[test]
    fn leftovers_are_swept_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for name in [".compiling-a1b2c3", ".compiling-", "a.cwasm", "a.sum", ".mine"] {
            fs::write(dir.path().join(name), "x").expect("it is written");
        }
        sweep(dir.path()).expect("it can be swept");
        let mut left: Vec<_> = fs::read_dir(dir.path()).expect("it is there").map(|entry| entry.expect("an entry").file_name()).collect();
        left.sort();
        assert_eq!(left, [".mine", "a.cwasm", "a.sum"]);
    }

    #[test]
    fn who_waited_for_a_refusal_takes_it_over() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (compiler, gate, calls) = (dir.path().join("compiler"), dir.path().join("gate"), dir.path().join("calls"));
        // Only its first call is held.
        let (log, held) = (calls.display(), gate.display());
        let script = format!("#!/bin/sh\n[ -e {log} ] || read go <{held}\necho call >>{log}\necho no wasm >&2\nexit 1\n");
        fs::write(&compiler, script).expect("it is written");
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o700)).expect("it is ours");
        rustix::fs::mknodat(rustix::fs::CWD, &gate, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
            .expect("it is made");
        let engine = engine::run_engine().expect("there is an engine");
        let cache = Cache::open(&dir.path().join("cache"), &engine, Compiler::at(compiler), 1 << 20).expect("it opens");
        let digest = Digest::of(b"wasm");
        let load = || cache.load(&engine, Abi::Core, digest, b"wasm", &Limits::of(Kind::Scheduler)).err().expect("it is refused");
        let (first, second) = std::thread::scope(|scope| {
            let both = [scope.spawn(load), scope.spawn(load)];
            // The map holds it, the one at work, and the one that waits.
            let holders = || cache.under_way.lock().expect("nobody panics").get(&digest).map_or(0, Arc::strong_count);
            while holders() < 3 && !both.iter().any(std::thread::ScopedJoinHandle::is_finished) {
                std::thread::yield_now();
            }
            fs::write(&gate, "go\n").expect("the compiler reads");
            let [first, second] = both.map(|handle| handle.join().expect("it does not panic"));
            if matches!(first, CacheError::Refused(_)) { (second, first) } else { (first, second) }
        });
        assert!(matches!(&first, CacheError::Compile(CompileError::Refused(why)) if why == "no wasm"), "{first:?}");
        assert!(matches!(&second, CacheError::Refused(why) if **why == *first.to_string()), "{second:?}");
        assert_eq!(fs::read_to_string(&calls).expect("it was called"), "call\n");
        // Who comes later tries for itself.
        assert!(matches!(load(), CacheError::Compile(_)));
        assert_eq!(fs::read_to_string(&calls).expect("it was called"), "call\ncall\n");
    }
}
