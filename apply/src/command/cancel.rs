//! A word that ends waiting: whoever waits for a pipe waits for it too, so nobody has to ask again and again. It ends nothing itself.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

/// Given once, for good, to everybody who has a clone or a [`Cancel::child`].
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Its own link is the last one.
    links: Vec<Arc<Link>>,
}

/// A pipe that nobody writes to: it hangs up when the trigger is dropped.
#[derive(Debug)]
struct Link {
    watched: OwnedFd,
    trigger: Mutex<Option<OwnedFd>>,
}

impl Link {
    fn new() -> io::Result<Arc<Link>> {
        let (watched, trigger) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Arc::new(Link { watched, trigger: Mutex::new(Some(trigger)) }))
    }
}

impl Cancel {
    /// One that was not given yet. An error: this process may open no more files.
    pub fn new() -> io::Result<Cancel> {
        Ok(Cancel { links: vec![Link::new()?] })
    }

    /// One that is given with this one, or alone.
    pub fn child(&self) -> io::Result<Cancel> {
        let mut links = self.links.clone();
        links.push(Link::new()?);
        Ok(Cancel { links })
    }

    /// Gives it.
    pub fn cancel(&self) {
        let own = self.links.last().expect("made with one, and none is removed");
        own.trigger.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether it was given.
    pub fn is_cancelled(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Waits for it, at the longest so long, and says whether it was given.
    pub fn wait(&self, longest: Duration) -> bool {
        let mut fds = self.poll_fds();
        wait_for(&mut fds, Instant::now().checked_add(longest)).is_ok_and(|count| count > 0)
    }

    /// What to wait for: any event there is the word.
    pub(crate) fn poll_fds(&self) -> Vec<PollFd<'_>> {
        self.links.iter().map(|link| PollFd::from_borrowed_fd(link.watched.as_fd(), PollFlags::IN)).collect()
    }
}

/// Waits until one of them has an event, or until the deadline; says how many have. `None` is no deadline.
pub(crate) fn wait_for(fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<usize> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        match poll(fds, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_given_to_clones_and_children_but_not_to_parents() {
        let parent = Cancel::new().expect("files");
        let child = parent.child().expect("files");
        let clone = child.clone();
        assert!(!parent.is_cancelled() && !child.is_cancelled());
        child.cancel();
        assert!(child.is_cancelled() && clone.is_cancelled() && !parent.is_cancelled());
        let other = parent.child().expect("files");
        parent.cancel();
        assert!(other.is_cancelled() && other.child().expect("files").is_cancelled());
        drop(parent);
        assert!(other.wait(Duration::MAX), "at once, whatever the time");
    }

    #[test]
    fn a_child_outlives_its_parent() {
        let parent = Cancel::new().expect("files");
        let child = parent.child().expect("files");
        drop(parent);
        assert!(!child.is_cancelled());
    }

    #[test]
    fn wakes_who_waits() {
        let cancel = Cancel::new().expect("files");
        let waiting = cancel.clone();
        let waiter = std::thread::spawn(move || waiting.wait(Duration::from_secs(60)));
        cancel.cancel();
        assert!(waiter.join().expect("no panic"));
    }
}
