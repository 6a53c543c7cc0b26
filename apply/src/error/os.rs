//! How an error of the operating system is written down and read back: by its number, or by its text where it has none.

use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Number(i32),
    Text(String),
}

pub(super) fn serialize<S: Serializer>(err: &io::Error, to: S) -> Result<S::Ok, S::Error> {
    err.raw_os_error().map_or_else(|| Written::Text(err.to_string()), Written::Number).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<io::Error, D::Error> {
    Ok(match Written::deserialize(from)? {
        Written::Number(number) => io::Error::from_raw_os_error(number),
        Written::Text(text) => io::Error::other(text),
    })
}
