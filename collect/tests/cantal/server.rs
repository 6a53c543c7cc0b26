//! A server that answers as it is told, byte by byte, and notes what it was asked. It speaks no HTTP by itself, so that it can misbehave.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Ends a test that hangs; nothing is measured by it.
pub(crate) const HANGS: Duration = Duration::from_secs(60);

/// `waited`, or the test has hung.
pub(crate) async fn within<T>(waited: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, waited).await.expect("this came to nothing within a minute")
}

/// One question that was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// Method and path.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().and_then(|line| line.strip_suffix(" HTTP/1.1")).expect("a request line")
    }
}

/// What becomes of the connection behind the bytes of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    Close,
    /// The socket stays open until the client closes it.
    StayOpen,
    /// These bytes, until the client closes it.
    Forever(Vec<u8>),
    /// The answer is held back until this is dropped.
    Wait(tokio::sync::watch::Receiver<()>),
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

impl Reply {
    /// These bytes, then the end.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply { bytes: bytes.into(), then: Then::Close }
    }

    /// As cantal answers.
    pub(crate) fn ok(body: &[u8]) -> Reply {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: application/cbor\r\nConnection: close\r\n\r\n", body.len());
        Reply::raw([head.as_bytes(), body].concat())
    }

    /// What a real agent answered: head and body as recorded.
    pub(crate) fn recorded(name: &str, suffix: &str) -> Reply {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cantal");
        let log = std::fs::read_to_string(folder.join(format!("{name}.txt"))).expect("a recording");
        let (_, head) = log.split_once("<<< RESPONSE HEAD").expect("an answer's head").1.split_once('\n').expect("its first line");
        let body = std::fs::read(folder.join(format!("{name}.{suffix}"))).expect("a recording");
        Reply::raw([head.trim_end().replace('\n', "\r\n").as_bytes(), b"\r\n\r\n", &body].concat())
    }

    pub(crate) fn then(self, then: Then) -> Reply {
        Reply { then, ..self }
    }

    /// Behind the head.
    pub(crate) fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        &self.bytes[end + 4..]
    }
}

#[derive(Debug, Default)]
struct Notes {
    asked: Vec<Asked>,
    pending: usize,
    most_pending: usize,
}

/// Runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    notes: Arc<Mutex<Notes>>,
    changed: tokio::sync::watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on a free port of the loopback.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let notes = Arc::new(Mutex::new(Notes::default()));
        let changed = tokio::sync::watch::Sender::new(());
        let answer = Arc::new(answer);
        let (of_task, tell) = (notes.clone(), changed.clone());
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                open.spawn(serve(stream, answer.clone(), of_task.clone(), tell.clone()));
                while open.try_join_next().is_some() {}
            }
        });
        Server { addr, notes, changed, task }
    }

    /// Everything that it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.notes).asked.clone()
    }

    /// Waits until so many answers are held back at a time.
    pub(crate) async fn holds(&self, count: usize) {
        let mut changes = self.changed.subscribe();
        within(changes.wait_for(|()| lock(&self.notes).pending == count)).await.expect("the server runs");
    }

    /// The most that it had to answer at one time.
    pub(crate) fn most_pending(&self) -> usize {
        lock(&self.notes).most_pending
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(notes: &Mutex<Notes>) -> std::sync::MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Asked) -> Reply>,
    notes: Arc<Mutex<Notes>>,
    changed: tokio::sync::watch::Sender<()>,
) {
    let Some(asked) = read(&mut stream).await else { return };
    let pending = |more: bool| {
        let mut notes = lock(&notes);
        notes.pending = if more { notes.pending + 1 } else { notes.pending - 1 };
        notes.most_pending = notes.most_pending.max(notes.pending);
        drop(notes);
        changed.send_replace(());
    };
    let Reply { bytes, then } = answer(&asked);
    lock(&notes).asked.push(asked);
    pending(true);
    if let Then::Wait(mut held) = then.clone() {
        while held.changed().await.is_ok() {}
    }
    pending(false);
    // A client that has heard enough closes: then writing fails, and that is well.
    let _ = stream.write_all(&bytes).await;
    match then {
        Then::Close | Then::Wait(_) => {}
        Then::StayOpen => {
            let _ = stream.read(&mut [0; 1]).await;
        }
        Then::Forever(bytes) => while stream.write_all(&bytes).await.is_ok() {},
    }
}

/// Head and body of a request. `None`: the client went away.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(|rest| rest.trim().to_owned()));
            let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..].to_vec()).expect("a body of text");
                return Some(Asked { head, body });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
