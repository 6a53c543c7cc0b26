//! `verwalter.yaml`: the settings of the daemon itself, and the one place where their defaults stand.
//! It decides nothing that a flag of the command line decided already.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use verwalter_collect::prometheus::Credentials;
use verwalter_core::names::Hostname;

use super::file;
use super::mistakes::Mistakes;
use super::units::{ByteSize, TimeSpan};
use super::walk::Report;
use super::yaml::{self, MAX_SETTINGS_BYTES, Tags};

mod address;
pub mod agents;
pub mod builtin;
pub mod deploying;

use agents::{Agents, MetricsFrom, PeersFrom, RawCantal, RawPrometheus};
use builtin::RawBuiltin;
use deploying::{Deploying, RawDeploying};

/// The settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// This node's key in the schedule; `None`: the machine's own, lower-case.
    pub hostname: Option<Hostname>,
    /// This node's name in links, usually its full domain name; `None`: its hostname.
    pub name: Option<String>,
    /// Time between two rounds that nothing asked for.
    pub round_interval: Duration,
    /// How long the configuration tree must be quiet before it is read again.
    pub reload_quiet_time: Duration,
    /// Time between two samples of this machine.
    pub collect_interval: Duration,
    /// Where rendered files with relative destinations go. Absolute. `None`: `output` below the storage directory.
    pub output_dir: Option<PathBuf>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Compiled plugins on disk: above this size the oldest go.
    pub plugin_cache_size: ByteSize,
    /// What is recorded of rounds.
    pub journal: Journal,
    /// Limits of the HTTP server.
    pub http: HttpLimits,
    /// When changed roles are deployed.
    pub deploy: Deploying,
    /// Who is asked for peers and figures.
    pub agents: Agents,
}

/// What is recorded of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal {
    /// Which of them.
    pub rounds: JournalRounds,
    /// Above this size the oldest go.
    pub size: ByteSize,
}

/// Which rounds are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalRounds {
    /// Those that changed something or failed.
    Changed,
    /// All of them.
    All,
    /// None.
    None,
}

/// Limits of the HTTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest request body.
    pub body: ByteSize,
    /// Connections at a time; more wait in the system's queue.
    pub connections: u32,
    /// Time for a request's head to arrive, for an idle connection to be kept, and for a client to take the next part of an answer.
    pub timeout: Duration,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The name of the file below the configuration directory.
pub const SETTINGS_FILE: &str = "verwalter.yaml";

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            // The predecessor's port. Loopback: nothing authenticates readers.
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8379),
            hostname: None,
            name: None,
            round_interval: Duration::from_secs(10),
            // The predecessor's step too; editors and `rsync` finish a file well within it.
            reload_quiet_time: Duration::from_millis(200),
            // The agent's history is kept in steps of this length.
            collect_interval: Duration::from_secs(2),
            output_dir: None,
            log_format: LogFormat::Text,
            // Some 100 compiled plugins of usual size.
            plugin_cache_size: ByteSize::new(1 << 30),
            // At 10,000 peers some 300 rounds that changed something.
            journal: Journal { rounds: JournalRounds::Changed, size: ByteSize::new(256 << 20) },
            http: HttpLimits {
                // Far above any action an operator sends.
                body: ByteSize::new(1 << 20),
                // Bounds the memory of readers; arbitrary, above what dashboards of one node open.
                connections: 256,
                timeout: Duration::from_secs(10),
            },
            deploy: Deploying::default(),
            agents: Agents::default(),
        }
    }
}

impl Settings {
    /// Whether they name `path`, or something below it.
    pub fn names(&self, path: &Path) -> bool {
        let credentials = match self.agents.prometheus.as_ref().map(|server| &server.credentials) {
            Some(Credentials::Basic { password_file: file, .. } | Credentials::Bearer { token_file: file }) => Some(file),
            Some(Credentials::None) | None => None,
        };
        [self.output_dir.as_ref(), self.agents.builtin.key_file.as_ref(), credentials]
            .into_iter()
            .flatten()
            .any(|named| named.starts_with(path))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawSettings {
    #[serde(deserialize_with = "address::one")]
    listen: SocketAddr,
    hostname: Option<Hostname>,
    name: Option<String>,
    round_interval: TimeSpan,
    reload_quiet_time: TimeSpan,
    collect_interval: TimeSpan,
    output_dir: Option<PathBuf>,
    log_format: LogFormat,
    plugin_cache_size: ByteSize,
    journal: RawJournal,
    http: RawHttp,
    deploy: RawDeploying,
    peers: PeersFrom,
    metrics: MetricsFrom,
    agent: RawBuiltin,
    cantal: RawCantal,
    prometheus: Option<RawPrometheus>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawJournal {
    rounds: JournalRounds,
    size: ByteSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawHttp {
    body: ByteSize,
    connections: u32,
    timeout: TimeSpan,
}

impl Default for RawSettings {
    fn default() -> RawSettings {
        let settings = Settings::default();
        RawSettings {
            listen: settings.listen,
            hostname: settings.hostname,
            name: settings.name,
            round_interval: TimeSpan(settings.round_interval),
            reload_quiet_time: TimeSpan(settings.reload_quiet_time),
            collect_interval: TimeSpan(settings.collect_interval),
            output_dir: settings.output_dir,
            log_format: settings.log_format,
            plugin_cache_size: settings.plugin_cache_size,
            journal: RawJournal::default(),
            http: RawHttp::default(),
            deploy: RawDeploying::default(),
            peers: settings.agents.peers,
            metrics: settings.agents.metrics,
            agent: RawBuiltin::default(),
            cantal: RawCantal::default(),
            prometheus: None,
        }
    }
}

impl Default for RawJournal {
    fn default() -> RawJournal {
        let Journal { rounds, size } = Settings::default().journal;
        RawJournal { rounds, size }
    }
}

impl Default for RawHttp {
    fn default() -> RawHttp {
        let http = Settings::default().http;
        RawHttp { body: http.body, connections: http.connections, timeout: TimeSpan(http.timeout) }
    }
}

/// Reads `verwalter.yaml` below `dir`, which need not be there. With an error the defaults stand in for what is wrong.
pub(crate) fn load(dir: &Path, report: &mut Report) -> Settings {
    let path = dir.join(SETTINGS_FILE);
    if std::fs::symlink_metadata(&path).is_err_and(|err| err.kind() == std::io::ErrorKind::NotFound) {
        return Settings::default();
    }
    let Some(text) = report.take(file::read_text(&path, MAX_SETTINGS_BYTES)) else { return Settings::default() };
    let raw = report.take(yaml::parse_yaml::<RawSettings>(&path, &text, Tags::Refused)).unwrap_or_default();
    let mut mistakes = Mistakes::new(&path, &text);
    let settings = check(raw, dir, |keys, message| mistakes.add(keys, message));
    let is_sound = mistakes.is_empty();
    report.errors.extend(mistakes.into_errors());
    if is_sound { settings } else { Settings::default() }
}

/// How the settings below `dir` want log lines written, as far as they can be read: logging begins before errors can be logged.
pub fn log_format(dir: &Path) -> LogFormat {
    load(dir, &mut Report::default()).log_format
}

fn check(raw: RawSettings, dir: &Path, mut refuse: impl FnMut(&[&str], String)) -> Settings {
    let ms = TimeSpan::from_millis;
    let mut span = |keys: &[&str], value: TimeSpan, least: TimeSpan, greatest: TimeSpan| {
        if value < least || value > greatest {
            refuse(keys, format!("{value} is out of range: write {least} to {greatest}"));
        }
        value.0
    };
    // Below, a round would still run when the next is due; above, a dead peer goes unseen for too long.
    let round_interval = span(&["round-interval"], raw.round_interval, ms(100), ms(3_600_000));
    let reload_quiet_time = span(&["reload-quiet-time"], raw.reload_quiet_time, ms(10), ms(60_000));
    // The kernel's own counters move in steps of 10 ms: shorter samples are noise.
    let collect_interval = span(&["collect-interval"], raw.collect_interval, ms(100), ms(60_000));
    let timeout = span(&["http", "timeout"], raw.http.timeout, ms(100), ms(300_000));
    let mut size = |keys: &[&str], value: ByteSize, least: ByteSize, greatest: ByteSize| {
        if value < least || value > greatest {
            refuse(keys, format!("{value} is out of range: write {least} to {greatest}"));
        }
        value
    };
    let plugin_cache_size = size(&["plugin-cache-size"], raw.plugin_cache_size, ByteSize::new(16 << 20), ByteSize::new(1 << 40));
    let journal_size = size(&["journal", "size"], raw.journal.size, ByteSize::new(1 << 20), ByteSize::new(1 << 40));
    let body = size(&["http", "body"], raw.http.body, ByteSize::new(1 << 10), ByteSize::new(64 << 20));
    if !(1..=65_536).contains(&raw.http.connections) {
        refuse(&["http", "connections"], format!("{} is out of range: write 1 to 65536", raw.http.connections));
    }
    if raw.name.as_deref().is_some_and(|name| name.is_empty() || name.len() > 253 || name.chars().any(char::is_control)) {
        refuse(&["name"], "must be of 1 to 253 printable characters".to_owned());
    }
    if raw.output_dir.as_deref().is_some_and(|dir| dir.as_os_str().is_empty()) {
        refuse(&["output-dir"], "is empty: write a directory, or remove the key".to_owned());
    }
    let deploy = deploying::check(raw.deploy, &mut refuse);
    let (peers, metrics) = (raw.peers, raw.metrics);
    let agents = agents::Raw { peers, metrics, builtin: raw.agent, cantal: raw.cantal, prometheus: raw.prometheus };
    let agents = agents::check(agents, dir, &mut refuse);
    Settings {
        listen: raw.listen,
        hostname: raw.hostname,
        name: raw.name,
        round_interval,
        reload_quiet_time,
        collect_interval,
        output_dir: raw.output_dir.map(|output| plain(&dir.join(output))),
        log_format: raw.log_format,
        plugin_cache_size,
        journal: Journal { rounds: raw.journal.rounds, size: journal_size },
        http: HttpLimits { body, connections: raw.http.connections, timeout },
        deploy,
        agents,
    }
}

/// The path without `.` and with each `..` and the directory before it gone: for people. Unlike the system's way of reading it, it
/// looks at no symbolic link.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in path.components() {
        match step {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            step => plain.push(step),
        }
    }
    plain
}

/// The effective settings as the file that would give them.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "listen: \"{}\"", self.listen)?;
        match &self.hostname {
            Some(hostname) => writeln!(f, "hostname: \"{hostname}\"")?,
            None => writeln!(f, "# hostname: the machine's own")?,
        }
        match &self.name {
            // JSON's quoting is YAML's too.
            Some(name) => writeln!(f, "name: {}", serde_json::Value::from(name.as_str()))?,
            None => writeln!(f, "# name: the hostname")?,
        }
        writeln!(f, "round-interval: {}", TimeSpan(self.round_interval))?;
        writeln!(f, "reload-quiet-time: {}", TimeSpan(self.reload_quiet_time))?;
        writeln!(f, "collect-interval: {}", TimeSpan(self.collect_interval))?;
        match &self.output_dir {
            Some(dir) => writeln!(f, "output-dir: {}", serde_json::Value::from(dir.to_string_lossy()))?,
            None => writeln!(f, "# output-dir: `output` below the storage directory")?,
        }
        let log_format = match self.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        writeln!(f, "log-format: {log_format}")?;
        writeln!(f, "plugin-cache-size: {}", self.plugin_cache_size)?;
        let rounds = match self.journal.rounds {
            JournalRounds::Changed => "changed",
            JournalRounds::All => "all",
            JournalRounds::None => "none",
        };
        writeln!(f, "journal:\n  rounds: {rounds}\n  size: {}", self.journal.size)?;
        writeln!(
            f,
            "http:\n  body: {}\n  connections: {}\n  timeout: {}",
            self.http.body,
            self.http.connections,
            TimeSpan(self.http.timeout)
        )?;
        self.deploy.fmt(f)?;
        self.agents.fmt(f)
    }
}

#[cfg(test)]
mod tests;
