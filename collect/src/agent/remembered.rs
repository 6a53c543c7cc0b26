//! Peers that outlive the program, so that a cluster comes together again after all of its seeds are gone. A JSON file of its own; the
//! caller keeps the bytes.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use verwalter_core::ids::{NodeId, UnixMillis};
use verwalter_core::names::Hostname;

/// Most peers that are remembered; those heard last stay.
pub const MAX_REMEMBERED: usize = 1024;
/// Largest document that is read, in bytes: each entry has less than 512.
pub const MAX_DOCUMENT: usize = MAX_REMEMBERED * 512;

/// A peer as it was when it was last heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Which node.
    pub id: NodeId,
    /// For people who read the file; empty when it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Hostname>,
    /// Where its agent answered.
    pub addr: SocketAddr,
    /// When it was last heard, by this node's clock.
    pub heard: UnixMillis,
}

#[derive(Serialize, Deserialize)]
struct Document {
    /// Grows with changes that former versions cannot read.
    version: u32,
    peers: Vec<Remembered>,
}

/// Why remembered peers cannot be used. The node starts without them; seeds and others find it.
#[derive(Debug, thiserror::Error)]
pub enum RememberedError {
    /// Longer than any that was written.
    #[error("has {0} bytes, more than the {MAX_DOCUMENT} of any list of peers: remove it")]
    Large(usize),
    /// Of a newer version.
    #[error("is of version {0}, newer than this program: it is written anew")]
    Version(u32),
    /// No such JSON.
    #[error("cannot be read, it is written anew")]
    Json(#[from] serde_json::Error),
}

/// Writes at most [`MAX_REMEMBERED`] of `peers`, those heard last.
pub fn write(mut peers: Vec<Remembered>) -> Vec<u8> {
    peers.sort_by_key(|peer| (std::cmp::Reverse(peer.heard), peer.id));
    peers.truncate(MAX_REMEMBERED);
    serde_json::to_vec_pretty(&Document { version: 1, peers }).expect("a document of texts and numbers is JSON")
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// When it is none, too long, or of a newer version.
pub fn read(bytes: &[u8]) -> Result<Vec<Remembered>, RememberedError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(RememberedError::Large(bytes.len()));
    }
    let document: Document = serde_json::from_slice(bytes)?;
    if document.version != 1 {
        return Err(RememberedError::Version(document.version));
    }
    let mut peers = document.peers;
    peers.truncate(MAX_REMEMBERED);
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u64) -> Remembered {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let hostname = Hostname::new(&format!("n{number}")).ok();
        Remembered { id: NodeId::from_bytes(id), hostname, addr: ([10, 0, 0, 1], 22_683).into(), heard: UnixMillis(number) }
    }

    #[test]
    fn the_last_heard_are_kept() {
        let written = write((0..3_000).map(peer).collect());
        assert!(written.len() <= MAX_DOCUMENT, "{}", written.len());
        let read = read(&written).expect("readable");
        assert_eq!(read.len(), MAX_REMEMBERED);
        assert_eq!(read[0], peer(2_999));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(matches!(read(b"{"), Err(RememberedError::Json(_))));
        assert!(matches!(read(br#"{"version": 2, "peers": []}"#), Err(RememberedError::Version(2))));
        assert!(matches!(read(&vec![b' '; MAX_DOCUMENT + 1]), Err(RememberedError::Large(_))));
    }
}
