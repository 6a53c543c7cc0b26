//! The part of `verwalter.yaml` that says who is asked for peers and figures. It asks nobody.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use verwalter_collect::cantal::PORT as CANTAL_PORT;
use verwalter_collect::prometheus::{Credentials, ServerUrl};
use verwalter_core::metrics::Source;

use super::builtin::{self, Builtin, RawBuiltin};
use crate::config::units::TimeSpan;

/// Who is asked for peers and figures, beside this machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// Who tells of other nodes.
    pub peers: PeersFrom,
    /// Where the figures of metrics come from that name no source.
    pub metrics: MetricsFrom,
    /// How the built-in agent finds the others.
    pub builtin: Builtin,
    /// How cantal is asked.
    pub cantal: Cantal,
    /// Which Prometheus server is asked; `None`: none.
    pub prometheus: Option<Prometheus>,
}

/// Who tells of other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeersFrom {
    /// Nobody: this node is by itself.
    None,
    /// The local cantal agent where it answers, else the built-in agent.
    Auto,
    /// The built-in agent.
    Agent,
    /// The local cantal agent.
    Cantal,
}

impl PeersFrom {
    /// Whether the built-in agent runs.
    pub fn builtin(self) -> bool {
        matches!(self, PeersFrom::Auto | PeersFrom::Agent)
    }

    /// Whether cantal is asked for peers.
    pub fn cantal(self) -> bool {
        matches!(self, PeersFrom::Auto | PeersFrom::Cantal)
    }
}

/// Where figures come from by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsFrom {
    /// From whoever tells the peers.
    Auto,
    /// This program's own.
    Agent,
    /// Cantal's.
    Cantal,
    /// The Prometheus server's.
    Prometheus,
}

/// How cantal is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cantal {
    /// Where the local agent listens.
    pub address: SocketAddr,
    /// How often the agents look at their machines.
    pub scan_interval: Duration,
}

/// How a Prometheus server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prometheus {
    /// Where it is.
    pub url: ServerUrl,
    /// What it wants to know of who asks.
    pub credentials: Credentials,
    /// Which label names the peer.
    pub peer_label: String,
    /// Time between two sweeps.
    pub interval: Duration,
    /// Its own, by which a sample is old.
    pub scrape_interval: Duration,
}

impl Default for Agents {
    fn default() -> Agents {
        Agents {
            // Nodes that see each other and do not elect a leader would each decide for all of them.
            peers: PeersFrom::None,
            metrics: MetricsFrom::Auto,
            builtin: Builtin::default(),
            cantal: Cantal {
                address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), CANTAL_PORT),
                // Cantal's own default.
                scan_interval: Duration::from_secs(2),
            },
            prometheus: None,
        }
    }
}

impl Agents {
    /// The collector's word for it.
    pub fn default_source(&self) -> verwalter_collect::collector::MetricsFrom {
        use verwalter_collect::collector::MetricsFrom as From;
        match self.metrics {
            MetricsFrom::Auto => From::Auto,
            MetricsFrom::Agent => From::Fixed(Source::Agent),
            MetricsFrom::Cantal => From::Fixed(Source::Cantal),
            MetricsFrom::Prometheus => From::Fixed(Source::Prometheus),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawCantal {
    #[serde(deserialize_with = "super::address::one")]
    address: SocketAddr,
    scan_interval: TimeSpan,
}

impl Default for RawCantal {
    fn default() -> RawCantal {
        let Cantal { address, scan_interval } = Agents::default().cantal;
        RawCantal { address, scan_interval: TimeSpan(scan_interval) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPrometheus {
    url: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
    #[serde(default)]
    token_file: Option<PathBuf>,
    #[serde(default = "peer_label")]
    peer_label: String,
    #[serde(default = "interval")]
    interval: TimeSpan,
    #[serde(default = "scrape_interval")]
    scrape_interval: TimeSpan,
}

// The label that Prometheus itself gives every series it scrapes.
fn peer_label() -> String {
    "instance".to_owned()
}

fn interval() -> TimeSpan {
    TimeSpan(Duration::from_secs(5))
}

// What the sample configurations of Prometheus and its packages say.
fn scrape_interval() -> TimeSpan {
    TimeSpan(Duration::from_secs(15))
}

/// What the file says of agents, unchecked.
pub(super) struct Raw {
    pub(super) peers: PeersFrom,
    pub(super) metrics: MetricsFrom,
    pub(super) builtin: RawBuiltin,
    pub(super) cantal: RawCantal,
    pub(super) prometheus: Option<RawPrometheus>,
}

/// Paths count from `dir`.
pub(super) fn check(raw: Raw, dir: &Path, refuse: &mut dyn FnMut(&[&str], String)) -> Agents {
    let mut span = |keys: &[&str], value: TimeSpan| {
        let (least, greatest) = (TimeSpan::from_millis(100), TimeSpan::from_millis(300_000));
        if value < least || value > greatest {
            refuse(keys, format!("{value} is out of range: write {least} to {greatest}"));
        }
        value.0
    };
    let scan_interval = span(&["cantal", "scan-interval"], raw.cantal.scan_interval);
    let intervals = raw
        .prometheus
        .as_ref()
        .map(|raw| (span(&["prometheus", "interval"], raw.interval), span(&["prometheus", "scrape-interval"], raw.scrape_interval)));
    if raw.metrics == MetricsFrom::Prometheus && raw.prometheus.is_none() {
        refuse(&["metrics"], "no server is named: add `prometheus: { url: http://HOST:9090 }`".to_owned());
    }
    let prometheus = raw.prometheus.zip(intervals).and_then(|(raw, (interval, scrape_interval))| {
        let url = raw.url.parse::<ServerUrl>().map_err(|err| refuse(&["prometheus", "url"], err.to_string()));
        let credentials = match (raw.user, raw.password_file, raw.token_file) {
            (None, None, None) => Credentials::None,
            (Some(user), Some(file), None) => Credentials::Basic { user, password_file: dir.join(file) },
            (None, None, Some(file)) => Credentials::Bearer { token_file: dir.join(file) },
            _ => {
                refuse(&["prometheus"], "write `user` and `password-file`, or `token-file`, or none of them".to_owned());
                Credentials::None
            }
        };
        Some(Prometheus { url: url.ok()?, credentials, peer_label: raw.peer_label, interval, scrape_interval })
    });
    let builtin = builtin::check(raw.builtin, dir, refuse);
    Agents { peers: raw.peers, metrics: raw.metrics, builtin, cantal: Cantal { address: raw.cantal.address, scan_interval }, prometheus }
}

/// As the file would have it.
impl fmt::Display for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers = match self.peers {
            PeersFrom::None => "none",
            PeersFrom::Auto => "auto",
            PeersFrom::Agent => "agent",
            PeersFrom::Cantal => "cantal",
        };
        let metrics = match self.metrics {
            MetricsFrom::Auto => "auto",
            MetricsFrom::Agent => "agent",
            MetricsFrom::Cantal => "cantal",
            MetricsFrom::Prometheus => "prometheus",
        };
        write!(f, "peers: {peers}\nmetrics: {metrics}\n{}", self.builtin)?;
        writeln!(f, "cantal:\n  address: \"{}\"\n  scan-interval: {}", self.cantal.address, TimeSpan(self.cantal.scan_interval))?;
        let Some(prometheus) = &self.prometheus else { return writeln!(f, "# prometheus: no server") };
        // JSON's quoting is YAML's too.
        let text = |text: &str| serde_json::Value::from(text);
        writeln!(f, "prometheus:\n  url: {}", text(&prometheus.url.to_string()))?;
        match &prometheus.credentials {
            Credentials::None => {}
            Credentials::Basic { user, password_file } => {
                writeln!(f, "  user: {}\n  password-file: {}", text(user), text(&password_file.to_string_lossy()))?;
            }
            Credentials::Bearer { token_file } => writeln!(f, "  token-file: {}", text(&token_file.to_string_lossy()))?,
        }
        writeln!(f, "  peer-label: {}", text(&prometheus.peer_label))?;
        writeln!(f, "  interval: {}\n  scrape-interval: {}", TimeSpan(prometheus.interval), TimeSpan(prometheus.scrape_interval))
    }
}
