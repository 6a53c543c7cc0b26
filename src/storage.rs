//! The storage directory: one daemon at a time, small files that are replaced whole, nothing half written after a crash.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use verwalter_apply::durable;

/// Held by the daemon that runs on this directory; it holds the daemon's process id, for people.
const LOCK_FILE: &str = "verwalter.lock";

/// What is kept here tells what runs where: for this user and its group.
const MODE: u32 = 0o640;

/// Why a storage directory could not be used. Its former content stays.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It cannot be made, read or written.
    #[error("the storage directory's {} cannot be {did}: check that it is on a writable disk with space left and belongs to this user", .path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What was tried.
        did: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another daemon runs on it.
    #[error("another verwalter{pid} runs on the storage directory {}: stop it, or give this one a --storage-dir of its own", .path.display())]
    Busy {
        /// Which directory.
        path: PathBuf,
        /// Which process, as text after its name.
        pid: String,
    },
    /// A file is larger than anything written there.
    #[error("{} is larger than {limit_bytes} bytes: it was not written by this program", .path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The cap.
        limit_bytes: u64,
    },
}

/// The directory, locked while this lives.
#[derive(Debug)]
pub struct Storage {
    path: PathBuf,
    dir: Dir,
    /// Locked; the lock goes with the process, however it ends.
    _lock: File,
}

impl Storage {
    /// Makes the directory (0750) if need be, locks it, and removes what a crash left.
    pub fn open(path: &Path) -> Result<Storage, StorageError> {
        let failed = |did| move |source| StorageError::Io { path: path.to_owned(), did, source };
        DirBuilder::new().recursive(true).mode(0o750).create(path).map_err(failed("created"))?;
        let lock = lock(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed("opened"))?;
        durable::sweep(&dir, Path::new("")).map_err(failed("swept"))?;
        Ok(Storage { path: path.to_owned(), dir, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory below it, and removes what a crash left there.
    pub fn subdirectory(&self, name: &str) -> Result<(), StorageError> {
        let failed = |did| move |source| self.io(name, did, source);
        self.dir.create_dir_all(name).map_err(failed("created"))?;
        durable::sweep(&self.dir, Path::new(name)).map_err(failed("swept"))?;
        Ok(())
    }

    /// Replaces a file whole. On an error the former one stays.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        durable::replace(&self.dir, Path::new(name), bytes, MODE).map(drop).map_err(|source| self.io(name, "written", source))
    }

    /// A file's bytes, when it is there.
    pub fn read(&self, name: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let file = match self.dir.open(name) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(self.io(name, "read", err)),
        };
        let mut bytes = Vec::new();
        file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(|err| self.io(name, "read", err))?;
        if bytes.len() as u64 > limit_bytes {
            return Err(StorageError::TooLarge { path: self.path.join(name), limit_bytes });
        }
        Ok(Some(bytes))
    }

    /// Opens a file for reading and writing in place, and makes it, empty, if need be. Its name outlives a power failure only
    /// after [`Storage::sync`].
    pub fn open_in_place(&self, name: &str) -> Result<File, StorageError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(MODE);
        Ok(self.dir.open_with(name, &options).map_err(|source| self.io(name, "opened", source))?.into_std())
    }

    /// Makes the names in a directory below it, "" for its own, outlive a power failure.
    pub fn sync(&self, directory: &str) -> Result<(), StorageError> {
        let name = if directory.is_empty() { "." } else { directory };
        self.dir.open_dir(name).and_then(|dir| durable::sync_dir(&dir)).map_err(|source| self.io(directory, "synced", source))
    }

    /// The names in a directory below it; those that are no text are not this program's.
    pub fn list(&self, directory: &str) -> Result<Vec<String>, StorageError> {
        let failed = |source| self.io(directory, "listed", source);
        let entries = self.dir.read_dir(directory).map_err(failed)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        Ok(names.collect::<Result<Vec<_>, _>>().map_err(failed)?.into_iter().flatten().collect())
    }

    /// How long a file is, in bytes; 0 where there is none.
    pub fn size(&self, name: &str) -> Result<u64, StorageError> {
        match self.dir.symlink_metadata(name) {
            Ok(meta) => Ok(meta.len()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(err) => Err(self.io(name, "read", err)),
        }
    }

    /// Removes a file; it being gone already is fine.
    pub fn remove(&self, name: &str) -> Result<(), StorageError> {
        match self.dir.remove_file(name) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(self.io(name, "removed", err)),
            _ => Ok(()),
        }
    }

    fn io(&self, name: &str, did: &'static str, source: io::Error) -> StorageError {
        StorageError::Io { path: self.path.join(name), did, source }
    }
}

fn lock(dir: &Path) -> Result<File, StorageError> {
    let path = dir.join(LOCK_FILE);
    let failed = |did| {
        let path = path.clone();
        move |source| StorageError::Io { path, did, source }
    };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed("opened"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message.
            drop((&file).take(32).read_to_string(&mut pid));
            let pid = pid.trim();
            let pid = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
            return Err(StorageError::Busy { path: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(failed("locked")(source)),
    }
    // For people only: the lock counts, not the number, so that failing to write it is no reason to stop.
    drop(file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::open(dir.path()).unwrap();
        assert_eq!(storage.read("a.json", 10).unwrap(), None);
        storage.write("a.json", b"one").unwrap();
        storage.write("a.json", b"two").unwrap();
        assert_eq!(storage.read("a.json", 10).unwrap().as_deref(), Some(&b"two"[..]));
        assert!(matches!(storage.read("a.json", 2), Err(StorageError::TooLarge { .. })));
    }

    #[test]
    fn one_daemon_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::open(dir.path()).unwrap();
        let message = Storage::open(dir.path()).unwrap_err().to_string();
        assert!(message.contains(&format!("another verwalter (process {})", std::process::id())), "{message}");
        drop(storage);
        Storage::open(dir.path()).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        std::fs::write(&path, "x").unwrap();
        let message = Storage::open(&path).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
    }
}
