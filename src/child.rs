//! Waiting for a child process under a deadline. It starts none, and ends one only when its time is over.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Waits for `child`, at the longest so long, and looks every `pause`. `None`: then it was killed.
pub(crate) fn wait(child: &mut Child, longest: Duration, pause: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + longest;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
    }
}
