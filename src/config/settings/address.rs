//! Addresses as people write them: `10.0.0.1:8379`. No name is resolved.

use std::net::SocketAddr;

use serde::de::{Deserialize, Deserializer, Error as _};

/// Most of a mistaken text that its message repeats, in characters.
const MAX_SHOWN: usize = 80;

/// One and its port, for `deserialize_with`: the library's own words for a mistake name no way out.
pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let advice = "write an address and a port, as in `10.0.0.1:8379` or `[::1]:8379`";
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{}` is no ADDRESS:PORT: {advice}", text.chars().take(MAX_SHOWN).collect::<String>())))
}

/// The same, where there may be none.
pub(super) fn maybe<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    one(deserializer).map(Some)
}
