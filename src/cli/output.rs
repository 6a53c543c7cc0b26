//! Standard output, line by line, and whether somebody still reads it. A reader that went away (`| head`) is no failure: it has what it wanted.

use std::fmt::Display;
use std::io::{self, Write, stdout};
use std::time::Duration;

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Prints a line.
pub(super) fn print(line: impl Display) -> anyhow::Result<()> {
    say(line).map(drop)
}

/// Prints a line. `false`: whoever reads has gone away.
pub(super) fn say(line: impl Display) -> anyhow::Result<bool> {
    heard(writeln!(stdout().lock(), "{line}")).context("standard output cannot be written")
}

/// Whether somebody still reads what was written.
pub(super) fn heard(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lets a while pass for which there is nothing to print. `false`: whoever reads has gone away, which no write would tell.
pub(super) fn pause(time: Duration) -> bool {
    let out = stdout();
    // Asked for nothing, the system tells only that the other end is closed.
    let mut watched = [PollFd::new(&out, PollFlags::empty())];
    let time = Timespec::try_from(time).ok();
    // Where it cannot be asked, the next write tells.
    poll(&mut watched, time.as_ref()).is_err() || watched[0].revents().is_empty()
}
