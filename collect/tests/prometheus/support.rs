//! A server for made-up answers, a real `prometheus` in a directory of its own, and what both tests of the source need.

use std::future::Future;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use verwalter_collect::OwnNode;
use verwalter_collect::prometheus::{Client, Credentials, Limits, Settings};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::metrics::{MetricRule, Take};
use verwalter_core::names::Hostname;

/// Ends a test that hangs, and nothing else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} does not come"))
}

/// What a made-up server got.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The first line and the headers.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

/// What it does then.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes these bytes, head included, and closes.
    Raw(Vec<u8>),
    /// Writes these, and stays silent without closing.
    Hang(Vec<u8>),
    /// Writes these again and again until nobody reads.
    Forever(Vec<u8>),
}

impl Reply {
    /// A whole answer.
    pub(crate) fn new(status: &str, body: &str) -> Reply {
        Reply::Raw(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }

    /// An answer as Prometheus gives it.
    pub(crate) fn json(body: &str) -> Reply {
        Reply::new("200 OK", body)
    }
}

/// A server that does what it is told; it ends with this value.
pub(crate) struct Made {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Begins to serve. `reply` says what to do with each request.
pub(crate) async fn serve<F, R>(reply: F) -> Made
where
    F: Fn(Asked) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it has an address");
    let reply = Arc::new(reply);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let reply = reply.clone();
            connections.spawn(async move { answer(stream, &*reply).await });
        }
    });
    Made { addr, _tasks: tasks }
}

async fn answer<R: Future<Output = Reply>>(mut stream: TcpStream, reply: &impl Fn(Asked) -> R) {
    let Some(asked) = request(&mut stream).await else { return };
    // Whoever asked may have gone.
    match reply(asked).await {
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reply::Hang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
        Reply::Forever(bytes) => while stream.write_all(&bytes).await.is_ok() {},
    }
}

async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            let body = &bytes[end + 4..];
            if body.len() >= length {
                return Some(Asked { head, body: String::from_utf8_lossy(body).into_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A client of `addr` that waits for a minute.
pub(crate) fn client(addr: SocketAddr) -> Client {
    let limits = Limits { deadline: PATIENCE, ..Limits::default() };
    Client::new(format!("http://{addr}").parse().expect("an address"), Credentials::None, limits)
}

/// The node with `number`.
pub(crate) fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

/// Settings for the node `alpha`, number 1, that ask `addr` all the time.
pub(crate) fn settings(addr: SocketAddr) -> Settings {
    let own = OwnNode { id: id(1), hostname: Hostname::new("alpha").expect("valid"), name: "alpha.example.org".to_owned(), addr: None };
    let mut settings = Settings::new(format!("http://{addr}").parse().expect("an address"), own);
    settings.client = client(addr);
    settings.interval = Duration::from_millis(50);
    settings
}

/// A rule on a metric.
pub(crate) fn rule(metric: &str, take: Take, window: Duration) -> MetricRule {
    MetricRule { labels: [("metric".to_owned(), metric.to_owned())].into(), take, window, ..MetricRule::default() }
}

/// The time now, as Prometheus counts it on the same machine.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixMillis(u64::try_from(since.as_millis()).expect("before the year 584 million"))
}

/// A running `prometheus`; it ends with this value.
pub(crate) struct RealServer {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // It may have ended itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl RealServer {
    /// Starts it with `prometheus.yml` and, if there is one, a web configuration. `None`, and a line past the capture, where it is not installed.
    pub(crate) fn start(config: &str, web: Option<&str>) -> Option<RealServer> {
        let dir = tempfile::tempdir().expect("a directory is made");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file is written");
            path
        };
        let mut command = Command::new("prometheus");
        command.arg("--config.file").arg(write("prometheus.yml", config));
        if let Some(web) = web {
            command.arg("--web.config.file").arg(write("web.yml", web));
        }
        command.arg("--storage.tsdb.path").arg(dir.path().join("data"));
        command.args(["--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver", "--log.level=info"]);
        let mut child = match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let _ = writeln!(std::io::stderr(), "left out: a real server: `prometheus` is not installed here");
                return None;
            }
            Err(error) => panic!("prometheus does not start: {error}"),
        };
        let log = BufReader::new(child.stderr.take().expect("it is a pipe"));
        let (lines, received) = mpsc::channel();
        // It reads until the server ends: a full pipe would stop it.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(lines.send(line))));
        let mut server = RealServer { addr: ([127, 0, 0, 1], 0).into(), child, _dir: dir };
        let (mut said, mut ready) = (Vec::new(), false);
        loop {
            let line = received.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("prometheus is not ready: {said:#?}"));
            if line.contains("\"Listening on\"") {
                let addr = line.rsplit("address=").next().expect("a part").trim();
                server.addr = addr.parse().expect("an address");
            }
            // Which of the two it says first is a matter of its threads.
            ready |= line.contains("Server is ready");
            if ready && server.addr.port() != 0 {
                return Some(server);
            }
            said.push(line);
        }
    }

    /// Puts samples into it, as another Prometheus would: its remote write, version 1.
    pub(crate) async fn write(&self, series: &[Written]) {
        let body = snappy(&series.iter().flat_map(|series| field(1, &series.encode())).collect::<Vec<_>>());
        let head = format!(
            "POST /api/v1/write HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
             X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.addr,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.map(|_| answer)
        };
        let answer = soon("an answer to a remote write", exchange).await.expect("the server answers");
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }
}

/// A series to be written.
pub(crate) struct Written {
    /// Its labels, `__name__` among them.
    pub(crate) labels: Vec<(String, String)>,
    /// Its samples, oldest first.
    pub(crate) samples: Vec<(UnixMillis, f64)>,
}

impl Written {
    /// A series of a peer, with samples at these seconds before `now`, oldest first.
    pub(crate) fn new(labels: &[(&str, &str)], now: UnixMillis, samples: &[(u64, f64)]) -> Written {
        Written {
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            samples: samples.iter().map(|(ago, value)| (UnixMillis(now.0 - ago * 1_000), *value)).collect(),
        }
    }

    /// As the message `TimeSeries` of `prometheus/prompb/types.proto`.
    fn encode(&self) -> Vec<u8> {
        let mut labels: Vec<_> = self.labels.iter().collect();
        labels.sort();
        let mut message = Vec::new();
        for (name, value) in labels {
            let label = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
            message.extend(field(1, &label));
        }
        for (at, value) in &self.samples {
            let mut sample = vec![1 << 3 | 1];
            sample.extend(value.to_bits().to_le_bytes());
            sample.push(2 << 3);
            sample.extend(varint(at.0));
            message.extend(field(2, &sample));
        }
        message
    }
}

/// A protobuf field that has a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Snappy's block format, of literals only.
fn snappy(content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(content.len() as u64);
    for chunk in content.chunks(1 << 16) {
        let last = u16::try_from(chunk.len() - 1).expect("a chunk has at most 65,536 bytes");
        bytes.push(61 << 2);
        bytes.extend(last.to_le_bytes());
        bytes.extend(chunk);
    }
    bytes
}

/// The directory of a file, for tests that write one.
pub(crate) fn secret(dir: &Path, text: &str) -> std::path::PathBuf {
    let path = dir.join("secret");
    std::fs::write(&path, text).expect("a file is written");
    path
}
