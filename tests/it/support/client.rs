//! HTTP by hand over a plain socket: no client library softens what the server sends. It reads whole answers, under a deadline.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::Value;

use super::DEADLINE;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a header that is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }

    /// The stable code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().expect("errors have a code").to_owned()
    }

    fn parse(bytes: &[u8]) -> Option<Reply> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Some(Reply { status, headers: headers.collect(), body: body.to_owned() })
    }
}

/// A connection whose reads and writes end in time.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the node accepts connections");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout can be set");
    stream.set_write_timeout(Some(DEADLINE)).expect("a timeout can be set");
    stream
}

/// Sends bytes, then reads until the node closes; nothing when it closed without an answer. A node that stops reading is no error.
pub(crate) fn exchange(addr: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = connect(addr);
    let _ = stream.write_all(bytes);
    read_reply(stream)
}

/// The same, and says that nothing more will come.
pub(crate) fn exchange_last(addr: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = connect(addr);
    if stream.write_all(bytes).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    read_reply(stream)
}

fn read_reply(mut stream: TcpStream) -> Option<Reply> {
    let mut answer = Vec::new();
    // A reset after the answer loses nothing of it.
    if let Err(err) = stream.read_to_end(&mut answer) {
        assert_ne!(err.kind(), std::io::ErrorKind::WouldBlock, "the node neither answers nor closes");
    }
    Reply::parse(&answer)
}

/// A request with these header lines beside `Connection: close`, and the node's own address as `Host` unless they name one.
pub(crate) fn request(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Reply {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        text.push_str(&format!("Host: {addr}\r\n"));
    }
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str("\r\n");
    exchange(addr, text.as_bytes()).unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

/// The plain case.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Reply {
    request(addr, "GET", path, &[])
}
