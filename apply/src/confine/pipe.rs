//! The daemon's ends of the pipes to a child: every read and write ends by a deadline. Nothing of what comes is looked at.

use std::io::{self, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// Both pipes, and the time until which the present exchange has to be over.
#[derive(Debug)]
pub(super) struct Pipes {
    to: ChildStdin,
    from: ChildStdout,
    until: Instant,
}

impl Pipes {
    pub(super) fn new(to: ChildStdin, from: ChildStdout) -> io::Result<Pipes> {
        fcntl_setfl(&to, fcntl_getfl(&to)? | OFlags::NONBLOCK)?;
        fcntl_setfl(&from, fcntl_getfl(&from)? | OFlags::NONBLOCK)?;
        Ok(Pipes { to, from, until: Instant::now() })
    }

    /// Begins an exchange, which has so much time.
    pub(super) fn begin(&mut self, time: Duration) {
        let now = Instant::now();
        self.until = now.checked_add(time).unwrap_or(now);
    }

    fn wait(fd: PollFd<'_>, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [fd], Some(&timeout)) {
            Ok(0) if until <= Instant::now() => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for Pipes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.from.read(buf) {
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => Pipes::wait(PollFd::new(&self.from, PollFlags::IN), self.until)?,
                other => return other,
            }
        }
    }
}

impl Write for Pipes {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            match self.to.write(buf) {
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => Pipes::wait(PollFd::new(&self.to, PollFlags::OUT), self.until)?,
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
