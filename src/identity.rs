//! Who this node is: its machine-id, its hostname in the schedule, its name for people.

use std::path::Path;

use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;

use crate::storage::{Storage, StorageError};

/// Where the system keeps its identity.
pub const MACHINE_ID_FILE: &str = "/etc/machine-id";
/// Where a demo keeps its own, below its storage directory.
const DEMO_ID_FILE: &str = "machine-id";
/// Far above the 32 digits.
const MAX_ID_BYTES: u64 = 256;

/// An identity that cannot be told. The operator must say it.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No readable machine-id.
    #[error("{MACHINE_ID_FILE} cannot be read ({0}): run systemd-machine-id-setup, or give --override-machine-id")]
    MachineId(std::io::Error),
    /// A machine-id that is none.
    #[error("{MACHINE_ID_FILE} holds no machine-id of 32 hexadecimal digits: run systemd-machine-id-setup, or give --override-machine-id")]
    BadMachineId,
    /// The system's hostname cannot be a key of the schedule.
    #[error("the machine's name cannot be used: {0}; give --hostname")]
    Hostname(#[from] verwalter_core::names::NameError),
}

/// The machine's own id.
pub fn machine_id() -> Result<NodeId, IdentityError> {
    let text = std::fs::read_to_string(Path::new(MACHINE_ID_FILE)).map_err(IdentityError::MachineId)?;
    NodeId::parse(text.trim()).map_err(|_| IdentityError::BadMachineId)
}

/// The id of a demo: made once, kept in its storage. No other node must have it, nor this machine's own.
pub fn demo_id(storage: &Storage) -> Result<NodeId, StorageError> {
    let kept = storage.read(DEMO_ID_FILE, MAX_ID_BYTES)?;
    if let Some(id) = kept.and_then(|bytes| NodeId::parse(std::str::from_utf8(&bytes).ok()?.trim()).ok()) {
        return Ok(id);
    }
    let half = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id()).to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half());
    bytes[8..].copy_from_slice(&half());
    let id = NodeId::from_bytes(bytes);
    storage.write(DEMO_ID_FILE, format!("{id}\n").as_bytes())?;
    Ok(id)
}

/// The system's hostname, lower-case, as the schedule's key.
pub fn hostname() -> Result<Hostname, IdentityError> {
    let uname = rustix::system::uname();
    Ok(Hostname::new(&uname.nodename().to_string_lossy().to_lowercase())?)
}
