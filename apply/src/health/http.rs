//! One HTTP/1.1 GET under a deadline that holds for all of it: looking up, connecting, writing, reading. It follows no redirect, sends no
//! secret of the node, and keeps no connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::body::{Body, Chunks};
use super::lookup::Lookup;
use super::url::{Host, Url};
use super::waited;
use crate::command::{Cancel, wait_for};

/// How much of an answer is read at most.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// Most headers of an answer. Arbitrary, as servers limit requests.
const MAX_HEADERS: usize = 128;

/// What was seen instead of what a check expects.
#[derive(Debug)]
pub(super) enum Seen {
    Lookup { host: String, source: io::Error },
    Unreachable { address: SocketAddr, source: io::Error },
    Broken { address: SocketAddr, source: io::Error },
    NoHttp { address: SocketAddr },
    Status { status: u16, expect: RangeInclusive<u16> },
    Lacks { status: u16, text: String },
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Lookup { host, source } => write!(f, "the name {host} has no address: {}", plain(source)),
            Seen::Unreachable { address, source } => write!(f, "no connection to {address}: {}", plain(source)),
            Seen::Broken { address, source } => write!(f, "no whole answer from {address}: {}", plain(source)),
            Seen::NoHttp { address } => write!(f, "an answer from {address} that is no HTTP/1.1"),
            Seen::Status { status, expect } if expect.start() == expect.end() => write!(f, "status {status}, not {}", expect.start()),
            Seen::Status { status, expect } => write!(f, "status {status}, not {} to {}", expect.start(), expect.end()),
            Seen::Lacks { status, text } => write!(f, "status {status}, but its answer does not contain {text:?}"),
        }
    }
}

fn plain(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::TimedOut => "time was up".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "it ended too early".to_owned(),
        _ => err.to_string(),
    }
}

/// What tries of one check have in common.
#[derive(Debug, Default)]
pub(super) struct Target {
    lookup: Lookup,
}

impl Target {
    /// Succeeds when the answer is as expected.
    pub(super) fn get(
        &mut self,
        url: &Url,
        expect: &RangeInclusive<u16>,
        contains: Option<&str>,
        deadline: Instant,
        cancel: &Cancel,
    ) -> Result<(), Seen> {
        let wait = Wait { deadline, cancel };
        let addresses = match (&url.host, url.addresses()) {
            (Host::Name(name), _) => {
                self.lookup.addresses(name, url.port, deadline, cancel).map_err(|source| Seen::Lookup { host: name.clone(), source })?
            }
            (_, known) => known.unwrap_or_default(),
        };
        let (address, mut stream) = connect_any(url, &addresses, &wait)?;
        let broken = |source| Seen::Broken { address, source };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: verwalter/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            url.path,
            url.authority,
            env!("CARGO_PKG_VERSION")
        );
        wait.write(&mut stream, request.as_bytes()).map_err(broken)?;
        let mut answer = Answer { stream, address, wait, read: 0, rest: Vec::new() };
        let (status, body) = answer.head()?;
        if !expect.contains(&status) {
            return Err(Seen::Status { status, expect: expect.clone() });
        }
        match contains {
            Some(text) if !answer.contains(body, text.as_bytes())? => Err(Seen::Lacks { status, text: text.to_owned() }),
            _ => Ok(()),
        }
    }
}

fn connect_any(url: &Url, addresses: &[SocketAddr], wait: &Wait<'_>) -> Result<(SocketAddr, TcpStream), Seen> {
    let none = io::Error::from(io::ErrorKind::NotFound);
    let mut last = Seen::Lookup { host: url.authority.clone(), source: none };
    for address in addresses {
        match wait.connect(address) {
            Ok(stream) => return Ok((*address, stream)),
            // The first address is the one that a person thinks of.
            Err(source) if matches!(last, Seen::Lookup { .. }) => last = Seen::Unreachable { address: *address, source },
            Err(_) => {}
        }
    }
    Err(last)
}

struct Wait<'a> {
    deadline: Instant,
    cancel: &'a Cancel,
}

impl Wait<'_> {
    /// Waits until the socket is ready; an error when time is up or the daemon ends.
    fn ready(&self, stream: &TcpStream, flags: PollFlags) -> io::Result<()> {
        let mut fds = vec![PollFd::new(stream, flags)];
        fds.extend(self.cancel.poll_fds());
        wait_for(&mut fds, Some(self.deadline))?;
        let is_ready = !fds[0].revents().is_empty() && fds[1..].iter().all(|fd| fd.revents().is_empty());
        // A server that always has one more byte must not go on for ever.
        if is_ready && Instant::now() < self.deadline { Ok(()) } else { Err(waited(self.cancel)) }
    }

    fn connect(&self, address: &SocketAddr) -> io::Result<TcpStream> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket: OwnedFd = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        let connecting = connect(&socket, address);
        let stream = TcpStream::from(socket);
        match connecting {
            Ok(()) => {}
            Err(Errno::INPROGRESS) => {
                self.ready(&stream, PollFlags::OUT)?;
                sockopt::socket_error(&stream)??;
            }
            Err(err) => return Err(err.into()),
        }
        Ok(stream)
    }

    fn write(&self, stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.ready(stream, PollFlags::OUT)?;
            match stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    /// 0 at the end.
    fn read(&self, stream: &mut TcpStream, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            self.ready(stream, PollFlags::IN)?;
            match stream.read(chunk) {
                Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                other => return other,
            }
        }
    }
}

struct Answer<'a> {
    stream: TcpStream,
    address: SocketAddr,
    wait: Wait<'a>,
    /// How much of it was read.
    read: usize,
    /// What was read and not used.
    rest: Vec<u8>,
}

impl Answer<'_> {
    /// The final status, after whatever came before it, and how the body is framed.
    fn head(&mut self) -> Result<(u16, Body), Seen> {
        loop {
            match parse_head(&self.rest) {
                Ok(Some((length, status, body))) => {
                    self.rest.drain(..length);
                    // 101 switches to what this does not speak.
                    if status != 101 && (100..200).contains(&status) {
                        continue;
                    }
                    return Ok((status, body));
                }
                Ok(None) => {
                    if !self.more()? {
                        let ended = if self.rest.is_empty() { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
                        return Err(match ended {
                            io::ErrorKind::InvalidData => Seen::NoHttp { address: self.address },
                            _ => Seen::Broken { address: self.address, source: ended.into() },
                        });
                    }
                }
                Err(_) => return Err(Seen::NoHttp { address: self.address }),
            }
        }
    }

    /// Whether the body contains the text, in as much of it as is read.
    fn contains(&mut self, mut body: Body, text: &[u8]) -> Result<bool, Seen> {
        let mut seen = Vec::new();
        loop {
            let fresh = seen.len();
            let complete = body.feed(&self.rest, &mut seen).map_err(|_| Seen::NoHttp { address: self.address })?;
            self.rest.clear();
            // What was looked at before can only be its beginning.
            if seen[fresh.saturating_sub(text.len() - 1)..].windows(text.len()).any(|window| window == text) {
                return Ok(true);
            }
            if complete || !self.more()? {
                return Ok(false);
            }
        }
    }

    /// Reads on. `false`: there is no more, or no more is wanted.
    fn more(&mut self) -> Result<bool, Seen> {
        let mut chunk = [0; 8 << 10];
        let room = chunk.len().min(MAX_ANSWER_BYTES - self.read);
        if room == 0 {
            return Ok(false);
        }
        let address = self.address;
        let count = self.wait.read(&mut self.stream, &mut chunk[..room]).map_err(|source| Seen::Broken { address, source })?;
        self.read += count;
        self.rest.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }
}

/// `None`: it is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, u16, Body)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.ok_or(httparse::Error::Status)?;
    let value = |name: &str| {
        let header = response.headers.iter().rev().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok()).map(|value| value.trim().to_ascii_lowercase())
    };
    let body = match (value("transfer-encoding"), value("content-length")) {
        (Some(coding), _) if coding.ends_with("chunked") => Body::Chunked(Chunks::default()),
        (None, Some(length)) => Body::Length(length.parse().map_err(|_| httparse::Error::HeaderValue)?),
        _ => Body::Close,
    };
    Ok(Some((length, status, body)))
}
