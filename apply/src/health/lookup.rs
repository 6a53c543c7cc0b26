//! Host names to addresses, by the system's resolver, which knows no deadline. It keeps at most one question open.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::waited;
use crate::command::{Cancel, wait_for};

type Answer = Arc<Mutex<Option<io::Result<Vec<SocketAddr>>>>>;

/// The question under way: a try that had no time left leaves it to the next one.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    open: Option<(Cancel, Answer)>,
}

impl Lookup {
    /// Waits for the addresses until the deadline. The thread that asks may be left behind: the resolver ends it, in its own time.
    pub(super) fn addresses(&mut self, host: &str, port: u16, deadline: Instant, cancel: &Cancel) -> io::Result<Vec<SocketAddr>> {
        let (done, answer) = match self.open.take() {
            Some(open) => open,
            None => ask(host.to_owned(), port)?,
        };
        let mut fds = done.poll_fds();
        fds.extend(cancel.poll_fds());
        wait_for(&mut fds, Some(deadline))?;
        drop(fds);
        let answered = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        answered.unwrap_or_else(|| {
            self.open = Some((done, answer));
            Err(waited(cancel))
        })
    }
}

fn ask(host: String, port: u16) -> io::Result<(Cancel, Answer)> {
    let (done, answer) = (Cancel::new()?, Answer::default());
    let (tell, put) = (done.clone(), Arc::clone(&answer));
    thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        tell.cancel();
    })?;
    Ok((done, answer))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_that_comes_late_is_the_next_trys() {
        let cancel = Cancel::new().expect("files");
        let (done, answer) = (Cancel::new().expect("files"), Answer::default());
        let mut lookup = Lookup { open: Some((done.clone(), Arc::clone(&answer))) };
        let err = lookup.addresses("web", 80, Instant::now(), &cancel).expect_err("nobody answered");
        assert_eq!(err.kind(), io::ErrorKind::TimedOut);
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        *answer.lock().expect("free") = Some(Ok(vec![address]));
        done.cancel();
        let far = Instant::now() + Duration::from_secs(60);
        assert_eq!(lookup.addresses("web", 80, far, &cancel).expect("answered"), [address]);
        assert!(lookup.open.is_none());
    }

    #[test]
    fn the_end_of_the_daemon_ends_the_wait() {
        let cancel = Cancel::new().expect("files");
        cancel.cancel();
        let mut lookup = Lookup { open: Some((Cancel::new().expect("files"), Answer::default())) };
        let far = Instant::now() + Duration::from_secs(60);
        assert_eq!(lookup.addresses("web", 80, far, &cancel).expect_err("ended").kind(), io::ErrorKind::Interrupted);
    }
}
