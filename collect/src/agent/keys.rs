//! The cluster's keys: the first one seals, all of them open, so that keys can be changed while the cluster runs. Never shows a key.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use verwalter_core::digest::Digest;

use crate::regular;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Most keys in a ring: a change of keys needs two, for a while.
pub const MAX_KEYS: usize = 16;
/// Keys in base64 (RFC 4648) may be written with or without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
/// Largest key file, in bytes: all keys with generous comments.
const MAX_FILE: u64 = 64 * 1024;

/// Why a key file cannot be used. It never holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operating system refused.
    #[error("cannot read the cluster keys of {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Its reason.
        #[source]
        source: io::Error,
    },
    /// Others may read the keys.
    #[error("{} has mode {mode:04o}, others may read the cluster keys: chmod 0600 it", .path.display())]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Who wrote it can read it, and write it anew.
    #[error("{} belongs to user {owner}, who may read and change the cluster keys: chown it to the daemon's user or root", .path.display())]
    Owner {
        /// Which file.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// It is a directory, a pipe or a device.
    #[error("{} is no regular file: put one key a line into a file of mode 0600", .path.display())]
    NotAFile {
        /// Which one.
        path: PathBuf,
    },
    /// It is larger than any list of keys.
    #[error("{} is larger than {MAX_FILE} bytes: it should hold one key a line", .path.display())]
    Large {
        /// Which file.
        path: PathBuf,
    },
    /// One line is no key.
    #[error("{}:{line}: this is no key: write 32 bytes as 64 hexadecimal digits or as base64, for instance of `openssl rand -hex 32`", .path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A key stands there twice.
    #[error("{}:{line}: the same key again: remove one of the two lines", .path.display())]
    Twice {
        /// Which file.
        path: PathBuf,
        /// The second line, from 1.
        line: usize,
    },
    /// There is none.
    #[error("{} holds no key: write one of `openssl rand -hex 32` into it, or run without a key file", .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// There are more than anybody needs.
    #[error("{} holds more than {MAX_KEYS} keys: remove those that no node seals with any more", .path.display())]
    Many {
        /// Which file.
        path: PathBuf,
    },
}

/// Names a key in packets and logs: the first bytes of a digest of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) cipher: XChaCha20Poly1305,
}

/// The keys in force; without any, packets go in clear.
#[derive(Clone, Default)]
pub struct KeyRing(Vec<Key>);

impl KeyRing {
    /// The ring of `keys`; the first seals. Keys beyond [`MAX_KEYS`] are left out.
    pub fn new(keys: &[[u8; KEY_BYTES]]) -> KeyRing {
        KeyRing(keys.iter().take(MAX_KEYS).map(Key::new).collect())
    }

    /// Reads one key a line: 64 hexadecimal digits or base64. Lines may be empty or begin with `#`. The file must be
    /// the daemon's or root's, and for its owner only.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line.
    pub fn read(path: &Path) -> Result<KeyRing, KeyError> {
        let fail = |source| KeyError::Read { path: path.to_owned(), source };
        let Some((file, metadata)) = regular::open(path).map_err(fail)? else {
            return Err(KeyError::NotAFile { path: path.to_owned() });
        };
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
        let owner = metadata.uid();
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Err(KeyError::Owner { path: path.to_owned(), owner });
        }
        if metadata.size() > MAX_FILE {
            return Err(KeyError::Large { path: path.to_owned() });
        }
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(fail)?;
        KeyRing::parse(path, &text)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<KeyRing, KeyError> {
        let mut ring = KeyRing::default();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
            if line.is_empty() {
                continue;
            }
            let Some(bytes) = hex(line).or_else(|| base64(line)) else {
                return Err(KeyError::Line { path: path.to_owned(), line: index + 1 });
            };
            let key = Key::new(&bytes);
            if ring.get(key.id).is_some() {
                return Err(KeyError::Twice { path: path.to_owned(), line: index + 1 });
            }
            if ring.0.len() == MAX_KEYS {
                return Err(KeyError::Many { path: path.to_owned() });
            }
            ring.0.push(key);
        }
        if ring.0.is_empty() {
            return Err(KeyError::Empty { path: path.to_owned() });
        }
        Ok(ring)
    }

    /// Whether packets go in clear.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys' names, the sealing one first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = KeyId> {
        self.0.iter().map(|key| key.id)
    }

    pub(crate) fn sealing(&self) -> Option<&Key> {
        self.0.first()
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Key {
        let mut named = b"verwalter cluster key\0".to_vec();
        named.extend_from_slice(bytes);
        let name = u32::from_str_radix(&Digest::of(&named).hex()[..8], 16).expect("eight hexadecimal digits are a number of 32 bits");
        Key { id: KeyId(name.to_be_bytes()), cipher: XChaCha20Poly1305::new(&(*bytes).into()) }
    }
}

fn hex(text: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(key)
}

fn base64(text: &[u8]) -> Option<[u8; KEY_BYTES]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
