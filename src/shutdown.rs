//! The end of the daemon in order: first nothing is decided any more, then what is in force is stored and deployed, then the
//! rest goes. Another signal ends at once, unless it came with the first.

use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Signals within this time are one wish: `timeout` and some supervisors signal the process and then its group. Below what makes a person
/// impatient.
const ONE_WISH: Duration = Duration::from_secs(1);

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

/// What SIGHUP means: that the terminal was closed, or, to a daemon, a wish that it read its configuration again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHangup {
    /// It ends the program like SIGTERM.
    End,
    /// It changes nothing.
    GoOn,
}

/// SIGINT, SIGTERM and SIGHUP. From its making on none of them ends the program by itself.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where whoever started the program had it ignored, as `nohup` does.
    hangup: Option<Signal>,
    on_hangup: OnHangup,
    /// When the first one asked for the end.
    first: Option<Instant>,
}

impl Signals {
    /// Begins to listen.
    pub fn listen(on_hangup: OnHangup) -> io::Result<Signals> {
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Signals { interrupt, terminate, hangup, on_hangup, first: None })
    }

    /// Waits for one that ends the program, also one that came since the last call; gives its name.
    pub async fn asked(&mut self) -> &'static str {
        let name = self.received().await;
        self.first.get_or_insert_with(Instant::now);
        name
    }

    /// Waits for one that cuts the end short: none of those that came with the one that asked for it.
    pub async fn insisted(&mut self) {
        loop {
            self.received().await;
            if self.first.is_none_or(|first| first.elapsed() >= ONE_WISH) {
                return;
            }
        }
    }

    async fn received(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.terminate.recv() => return "SIGTERM",
                () = next(&mut self.hangup) => {}
            }
            match self.on_hangup {
                OnHangup::End => {
                    // A closed terminal may say so twice (kernel and shell): the second must not cut the end short.
                    self.hangup = None;
                    return "SIGHUP";
                }
                OnHangup::GoOn => {
                    tracing::info!("SIGHUP changes nothing: the configuration tree is read by itself when it changes");
                }
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP is ignored now. Without procfs nobody can tell: then it is listened to.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, rustix::process::Signal::HUP.as_raw()))
}

/// Whether the mask of ignored signals in `/proc/PID/status` has this one.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let check = |status: &str, signal, expect| assert_eq!(ignores(status, signal), expect, "{signal} in {status}");
        check("Name:\tx\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n", 1, true);
        check("SigIgn:\t0000000000001000\n", 1, false);
        check("SigIgn:\t0000000000001000\n", 13, true);
        check("SigCgt:\t0000000000000001\n", 1, false);
        check("SigIgn:\tx\n", 1, false);
    }
}
