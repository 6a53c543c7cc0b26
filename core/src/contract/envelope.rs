//! What the readers of answers share: keys that stand once, the version, keys that do not belong. It knows no particular answer.

use serde::de;

use super::VERSION;
use crate::json::strict::Reader;

/// Fills `slot` with what was read under `key`, which may stand once.
pub(crate) fn set<T, E: de::Error>(reader: &Reader, key: &str, slot: &mut Option<T>, value: Result<T, E>) -> Result<(), E> {
    let value = reader.at(key, value)?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => reader.at(key, Err(E::custom("the key stands twice in one object"))),
    }
}

/// Refuses answers of other versions, and those that do not say theirs.
pub(crate) fn check_version<E: de::Error>(reader: &Reader, version: Option<u32>) -> Result<(), E> {
    match version {
        Some(VERSION) => Ok(()),
        Some(other) => {
            let refusal = format_args!("version {other} is not spoken here; write {VERSION}");
            reader.at("v", Err(E::custom(refusal)))
        }
        None => Err(E::custom("`v` is missing: write \"v\": 1")),
    }
}

/// The refusal of a key that `what` does not have; `keys` lists those that it has.
pub(crate) fn unknown_key<E: de::Error>(reader: &Reader, key: &str, what: &str, keys: &str) -> E {
    let refusal: Result<(), E> = reader.at(key, Err(E::custom(format_args!("not a key of {what}; it may hold {keys}"))));
    refusal.expect_err("it was made as an error")
}
