//! Traffic of each interface from `/proc/net/dev`, all protocols together, IPv6 included. It leaves loopback out.

use std::path::Path;

use ::procfs::FromBufRead;
use ::procfs::net::InterfaceDeviceStatus;

use super::Reading;
use super::source::{self, SourceError};

/// Its bytes leave no machine, and a sum over all interfaces is the question that is asked most.
const LOOPBACK: &str = "lo";

/// Adds `net.interface.*`.
pub(super) fn read(proc: &Path, reading: &mut Reading) -> Result<(), SourceError> {
    let path = proc.join("net/dev");
    let InterfaceDeviceStatus(interfaces) =
        InterfaceDeviceStatus::from_buf_read(&*source::read(&path)?).map_err(|error| source::not_parsed(&path, error))?;
    let mut interfaces: Vec<_> = interfaces.into_values().filter(|interface| interface.name != LOOPBACK).collect();
    // By name, so that the same ones are left out each time when there are too many.
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    for interface in interfaces {
        let labels = [("interface", interface.name.as_str())];
        let counters = [
            ("net.interface.rx.bytes", interface.recv_bytes),
            ("net.interface.rx.packets", interface.recv_packets),
            ("net.interface.rx.errors", interface.recv_errs),
            ("net.interface.rx.drops", interface.recv_drop),
            ("net.interface.tx.bytes", interface.sent_bytes),
            ("net.interface.tx.packets", interface.sent_packets),
            ("net.interface.tx.errors", interface.sent_errs),
            ("net.interface.tx.drops", interface.sent_drop),
        ];
        for (metric, value) in counters {
            reading.counter(metric, &labels, value as f64);
        }
    }
    Ok(())
}
