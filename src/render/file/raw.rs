//! Render files as they are written, before anything in them is checked. A key may be written with `-` or `_`, as the predecessor had it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::config::pace::RawWait;
use crate::config::units::TimeSpan;
use crate::config::yaml::Kinds;

#[derive(Deserialize)]
pub(super) struct RawFile {
    #[serde(default)]
    pub(super) templates: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) commands: Vec<Spanned<RawCommand>>,
    #[serde(default)]
    pub(super) health: Vec<Spanned<RawHealth>>,
    pub(super) wait: Option<RawWait>,
    pub(super) splay: Option<TimeSpan>,
    pub(super) interval: Option<TimeSpan>,
    #[serde(default, rename = "on-remove", alias = "on_remove")]
    pub(super) on_remove: Vec<Spanned<RawCommand>>,
    /// Those that begin with `_` hold what others refer to; the rest are mistakes.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, IgnoredAny>,
}

/// The tags of [`RawCommand`].
pub(super) const KINDS: Kinds = Kinds {
    known: &["Copy", "SplitText", "CleanFiles", "Cmd", "RootCommand", "Sh", "Condition", "PeekLog"],
    missing: "a command begins with its kind, as in `!Cmd [nginx, -t]` or `!Sh 'systemctl reload nginx'`",
};

#[derive(Deserialize)]
pub(super) enum RawCommand {
    Copy(Box<RawCopy>),
    SplitText(Box<RawSplit>),
    CleanFiles(RawClean),
    Cmd(RawArguments),
    RootCommand(RawArguments),
    Sh(RawScript),
    Condition(RawCondition),
    PeekLog(Spanned<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCopy {
    pub(super) src: Spanned<String>,
    pub(super) dest: Spanned<String>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
    pub(super) backup: Option<Spanned<u64>>,
    pub(super) format: Option<Spanned<String>>,
    pub(super) check: Option<Spanned<RawCheck>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSplit {
    pub(super) section: Spanned<String>,
    pub(super) validate: Spanned<String>,
    pub(super) src: Spanned<String>,
    pub(super) dest: Spanned<String>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
    pub(super) backup: Option<Spanned<u64>>,
    pub(super) format: Option<Spanned<String>>,
    pub(super) check: Option<Spanned<RawCheck>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawClean {
    pub(super) pattern: Spanned<String>,
    #[serde(alias = "keep_list")]
    pub(super) keep_list: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCondition {
    #[serde(alias = "dirs_changed")]
    pub(super) dirs_changed: Vec<Spanned<String>>,
    pub(super) commands: Vec<Spanned<RawCommand>>,
}

/// `[program, argument]`, or `{command: […], timeout: 10s}`.
pub(super) struct RawArguments {
    pub(super) command: Vec<Spanned<String>>,
    pub(super) timeout: Option<Spanned<TimeSpan>>,
}

/// `script`, or `{script: …, timeout: 10s}`.
pub(super) struct RawScript {
    pub(super) script: String,
    pub(super) timeout: Option<Spanned<TimeSpan>>,
}

/// One of `command`, `sh` and `http`, and how often it is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHealth {
    pub(super) command: Option<Vec<Spanned<String>>>,
    pub(super) sh: Option<Spanned<String>>,
    pub(super) http: Option<Spanned<String>>,
    pub(super) within: Option<Spanned<TimeSpan>>,
    pub(super) every: Option<Spanned<TimeSpan>>,
    pub(super) timeout: Option<Spanned<TimeSpan>>,
    pub(super) successes: Option<Spanned<u64>>,
    pub(super) status: Option<Spanned<u64>>,
    pub(super) contains: Option<Spanned<String>>,
}

/// As [`RawArguments`].
pub(super) type RawCheck = RawArguments;

impl<'de> Deserialize<'de> for RawArguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawArguments, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            command: Vec<Spanned<String>>,
            timeout: Option<Spanned<TimeSpan>>,
        }

        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawArguments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of a program and its arguments, or a mapping with `command` and `timeout`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<RawArguments, A::Error> {
                Ok(RawArguments { command: Vec::deserialize(SeqAccessDeserializer::new(seq))?, timeout: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawArguments, A::Error> {
                let Long { command, timeout } = Long::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawArguments { command, timeout })
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<RawArguments, E> {
                Err(E::custom("write the program and its arguments as a list, as in `[nginx, -t]`; `!Sh` takes a line for the shell"))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for RawScript {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawScript, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            script: String,
            timeout: Option<Spanned<TimeSpan>>,
        }

        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawScript;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line for the shell, or a mapping with `script` and `timeout`")
            }

            fn visit_str<E: Error>(self, script: &str) -> Result<RawScript, E> {
                Ok(RawScript { script: script.to_owned(), timeout: None })
            }

            // `!Sh true` is a line for the shell, too.
            fn visit_bool<E: Error>(self, word: bool) -> Result<RawScript, E> {
                Ok(RawScript { script: word.to_string(), timeout: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawScript, A::Error> {
                let Long { script, timeout } = Long::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawScript { script, timeout })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
