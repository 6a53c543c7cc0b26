//! Counters and sockets of the network protocols, IPv4 and IPv6: the few that tell a machine in distress from one that is busy.
//! It lists no connections.

use std::path::Path;

use super::Reading;
use super::source::{self, SourceError};

/// Of `netstat` and `snmp`, by the line's name there. TCP counts both versions of IP.
const COUNTERS: [(&str, &[&str]); 5] = [
    (
        "TcpExt",
        &[
            "ListenOverflows",
            "ListenDrops",
            "SyncookiesSent",
            "TCPTimeouts",
            "TCPSynRetrans",
            "TCPBacklogDrop",
            "TCPReqQFullDrop",
            "TCPMemoryPressures",
            "TCPAbortOnMemory",
        ],
    ),
    ("IpExt", &["InOctets", "OutOctets"]),
    ("Ip", &["InDiscards", "OutDiscards", "OutNoRoutes"]),
    (
        "Tcp",
        &[
            "ActiveOpens",
            "PassiveOpens",
            "AttemptFails",
            "EstabResets",
            "CurrEstab",
            "InSegs",
            "OutSegs",
            "RetransSegs",
            "InErrs",
            "OutRsts",
        ],
    ),
    ("Udp", &["InDatagrams", "OutDatagrams", "NoPorts", "InErrors", "RcvbufErrors", "SndbufErrors"]),
];
/// The one of them that goes up and down.
const LEVEL: &str = "CurrEstab";
/// Of `snmp6`, by the prefix there.
const COUNTERS_6: [(&str, &[&str]); 2] = [
    ("Ip6", &["InOctets", "OutOctets", "InDiscards", "OutDiscards", "OutNoRoutes"]),
    ("Udp6", &["InDatagrams", "OutDatagrams", "NoPorts", "InErrors", "RcvbufErrors", "SndbufErrors"]),
];
/// Of `sockstat` and `sockstat6`: the line and its label.
const PROTOCOLS: [(&str, &str); 6] = [("TCP", "tcp"), ("UDP", "udp"), ("RAW", "raw"), ("TCP6", "tcp6"), ("UDP6", "udp6"), ("RAW6", "raw6")];

/// Adds `net.Tcp.*` and the like, and `net.sockets*`. A machine without IPv6 has no files of it, which is no fault.
pub(super) fn read(proc: &Path, reading: &mut Reading) -> Vec<Result<(), SourceError>> {
    let file = |name: &str| proc.join("net").join(name);
    let outcomes = [
        read_pairs(&file("netstat"), reading),
        read_pairs(&file("snmp"), reading),
        read_snmp6(&file("snmp6"), reading),
        read_sockets(&file("sockstat"), reading),
        read_sockets(&file("sockstat6"), reading),
    ];
    outcomes.into_iter().filter(|outcome| !matches!(outcome, Err(error) if error.is_absent())).collect()
}

/// A line of names, then one of numbers, both beginning with the same word.
fn read_pairs(path: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    let mut lines = text.lines();
    let mut understood = false;
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let pair = names.split_once(": ").zip(numbers.split_once(": ")).filter(|((a, _), (b, _))| a == b);
        let Some(((group, names), (_, numbers))) = pair else {
            return Err(source::malformed(path, "no pairs of lines, names and numbers"));
        };
        understood = true;
        for (name, number) in names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace()) {
            let wanted = COUNTERS.iter().any(|(of, names)| *of == group && names.contains(&name));
            // Numbers that may be negative are limits, none of which is wanted.
            if let Some(value) = number.parse::<u64>().ok().filter(|_| wanted) {
                let metric = format!("net.{group}.{name}");
                if name == LEVEL { reading.gauge(&metric, &[], value as f64) } else { reading.counter(&metric, &[], value as f64) }
            }
        }
    }
    if understood { Ok(()) } else { Err(source::malformed(path, "no pairs of lines, names and numbers")) }
}

/// A line for each counter.
fn read_snmp6(path: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    let mut understood = false;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(Ok(value))) = (words.next(), words.next().map(str::parse::<u64>)) else { continue };
        understood = true;
        let wanted =
            COUNTERS_6.iter().find_map(|(group, names)| Some((group, key.strip_prefix(group).filter(|name| names.contains(name))?)));
        if let Some((group, name)) = wanted {
            reading.counter(&format!("net.{group}.{name}"), &[], value as f64);
        }
    }
    if understood { Ok(()) } else { Err(source::malformed(path, "no line of the form `Ip6InOctets 1024`")) }
}

/// A line for each protocol, with names and numbers by turns.
fn read_sockets(path: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let text = source::read_text(path)?;
    let page_bytes = rustix::param::page_size() as f64;
    let mut understood = false;
    for line in text.lines() {
        let Some((protocol, fields)) = line.split_once(": ") else { continue };
        let words: Vec<&str> = fields.split_ascii_whitespace().collect();
        let field = |name: &str| words.chunks_exact(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse::<u64>().ok());
        let Some((_, label)) = PROTOCOLS.iter().find(|(line, _)| *line == protocol) else { continue };
        let Some(in_use) = field("inuse") else { continue };
        understood = true;
        reading.gauge("net.sockets", &[("protocol", label)], in_use as f64);
        for (name, metric, unit) in
            [("orphan", "net.sockets.orphaned", 1.0), ("tw", "net.sockets.time_wait", 1.0), ("mem", "net.sockets.memory", page_bytes)]
        {
            if let Some(value) = field(name) {
                reading.gauge(metric, &[("protocol", label)], value as f64 * unit);
            }
        }
    }
    if understood { Ok(()) } else { Err(source::malformed(path, "no line of the form `TCP: inuse 4`")) }
}
