//! The end of the daemon in order: first nothing is decided any more, then what is in force is stored and deployed, then the
//! rest goes. A second signal ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The stages, in the order in which they are cancelled.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Rounds, watching and reloading.
    pub deciding: CancellationToken,
    /// Storing and deploying: they finish what is in force.
    pub settling: CancellationToken,
    /// Collecting and HTTP.
    pub serving: CancellationToken,
}

/// Lets a write beyond the limit on file sizes (`ulimit -f`) fail with an error that names the file; by default the system would end
/// the program for it.
pub fn outlive_file_limits() -> io::Result<()> {
    // Once there is a handler it stays for the life of the process; nobody needs to hear of it.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// SIGINT and SIGTERM. From its making on neither ends the program by itself.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either, also one that came since the last call; gives its name.
    pub async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
