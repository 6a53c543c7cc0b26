//! What a file holds, in one digest, whatever its size. It keeps none of the bytes.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use verwalter_core::digest::Digest;

/// Of all that can be read, and how many bytes that were.
pub(crate) fn digest(mut from: impl Read) -> io::Result<(Digest, u64)> {
    let (mut hash, mut len) = (Sha256::new(), 0);
    let mut chunk = vec![0; 64 << 10];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok((Digest::from_bytes(hash.finalize().into()), len)),
            read => {
                hash.update(&chunk[..read]);
                len += read as u64;
            }
        }
    }
}
