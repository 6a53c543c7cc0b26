//! A directory for compiled code that goes with the command, also when that is interrupted. What lies in it is nobody's but the command's.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use anyhow::Context;
use tempfile::TempDir;

use crate::shutdown::{OnHangup, Signals};

/// What goes when the command is interrupted. Held while one is made, so that none is made unseen.
static STANDING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The directory. It goes when this is dropped, at the latest.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Makes one below `TMPDIR`. From now on SIGINT, SIGTERM and SIGHUP end the program with 128 and their number, as a shell tells it of a
    /// program that they ended.
    pub(super) fn new() -> anyhow::Result<Scratch> {
        static WATCH: Once = Once::new();
        let mut standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = Ok(());
        WATCH.call_once(|| watched = watch());
        watched.context("no signals can be waited for")?;
        let dir = tempfile::tempdir().context("no directory for compiled code")?;
        standing.push(dir.path().to_owned());
        Ok(Scratch(dir))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Waits for a signal in a thread of its own: the command's own is busy with what cannot be interrupted.
#[expect(clippy::exit, reason = "the command's own thread returns to `main` only once it is done")]
fn watch() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::listen(OnHangup::End)?
    };
    let wait = move || {
        let number = match runtime.block_on(signals.asked()) {
            "SIGHUP" => 1,
            "SIGINT" => 2,
            _ => 15,
        };
        let standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
        for dir in &*standing {
            remove(dir);
        }
        std::process::exit(128 + number);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// What the command writes meanwhile may be in the way of the first try.
fn remove(dir: &Path) {
    const TRIES: usize = 5;
    let _ = (0..TRIES).find(|_| std::fs::remove_dir_all(dir).is_ok() || !dir.exists());
}
