//! The part of `verwalter.yaml` that says how the built-in agent finds the other nodes. It reads no keys and opens no port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use verwalter_collect::agent::seal::ClusterName;
use verwalter_collect::agent::{DEFAULT_PORT, MAX_SEEDS};

/// How the built-in agent finds the others, and whom it believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builtin {
    /// Where it listens, UDP and TCP.
    pub listen: SocketAddr,
    /// Where others reach it; `None`: where it listens.
    pub advertise: Option<SocketAddr>,
    /// Its cluster: packets of others are refused.
    pub cluster: ClusterName,
    /// Whom to ask for the others, `host:port`.
    pub seeds: Vec<String>,
    /// The file with the cluster's keys, absolute where the configuration directory is; `None`: packets go in clear.
    pub key_file: Option<PathBuf>,
}

impl Default for Builtin {
    fn default() -> Builtin {
        Builtin {
            // Loopback: without a key nothing proves who speaks.
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            advertise: None,
            cluster: ClusterName::new("main").expect("four letters"),
            seeds: Vec::new(),
            key_file: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawBuiltin {
    #[serde(deserialize_with = "super::address::one")]
    listen: SocketAddr,
    #[serde(deserialize_with = "super::address::maybe")]
    advertise: Option<SocketAddr>,
    cluster: String,
    seeds: Vec<String>,
    key_file: Option<PathBuf>,
}

impl Default for RawBuiltin {
    fn default() -> RawBuiltin {
        let Builtin { listen, advertise, cluster, seeds, key_file } = Builtin::default();
        RawBuiltin { listen, advertise, cluster: cluster.to_string(), seeds, key_file }
    }
}

/// The file's path counts from `dir`.
pub(super) fn check(raw: RawBuiltin, dir: &Path, refuse: &mut dyn FnMut(&[&str], String)) -> Builtin {
    let RawBuiltin { listen, advertise, cluster, seeds, key_file } = raw;
    if let Some(address) = advertise
        && address.ip().is_unspecified()
    {
        refuse(&["agent", "advertise"], format!("nobody reaches {address}: write the address that the other nodes know this machine by"));
    }
    let cluster = ClusterName::new(&cluster).unwrap_or_else(|error| {
        refuse(&["agent", "cluster"], error.to_string());
        Builtin::default().cluster
    });
    if seeds.len() > MAX_SEEDS {
        refuse(&["agent", "seeds"], format!("{} are too many: name at most {MAX_SEEDS}, which know the others", seeds.len()));
    }
    for seed in &seeds {
        if !is_host_and_port(seed) {
            refuse(&["agent", "seeds"], format!("`{seed}` is no HOST:PORT: write one, as in `10.0.0.1:{DEFAULT_PORT}`"));
        }
    }
    Builtin { listen, advertise, cluster, seeds, key_file: key_file.map(|file| dir.join(file)) }
}

/// Names are resolved when they are tried, again and again: here only what can never be one is refused.
fn is_host_and_port(seed: &str) -> bool {
    let Some((host, port)) = seed.rsplit_once(':') else { return false };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map_or_else(
        || !host.is_empty() && !host.contains(|letter: char| letter == ':' || letter.is_whitespace() || letter.is_control()),
        |host| host.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    host && seed.len() <= 253 + 6 && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// As the file would have it.
impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // JSON's quoting is YAML's too.
        let text = |text: &str| serde_json::Value::from(text);
        writeln!(f, "agent:\n  listen: \"{}\"", self.listen)?;
        match self.advertise {
            Some(address) => writeln!(f, "  advertise: \"{address}\"")?,
            None => writeln!(f, "  # advertise: where it listens")?,
        }
        writeln!(f, "  cluster: {}", text(self.cluster.as_str()))?;
        writeln!(f, "  seeds: {}", serde_json::Value::from(self.seeds.clone()))?;
        match &self.key_file {
            Some(file) => writeln!(f, "  key-file: {}", text(&file.to_string_lossy())),
            None => writeln!(f, "  # key-file: none, packets go in clear"),
        }
    }
}
