//! The envelope of a scheduler's answer: `v, schedule, actions, why, changes, log`, and nothing else.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::place::ScheduleSeed;
use crate::contract::envelope::{check_version, set, unknown_key};
use crate::json::strict::Reader;
use crate::peers::PeerTable;
use crate::schedule::Parts;

pub(super) struct Answer {
    pub(super) schedule: Parts,
    pub(super) actions: Map<String, Value>,
    pub(super) why: Option<Arc<str>>,
    pub(super) changes: Vec<String>,
    pub(super) log: String,
}

pub(super) struct AnswerSeed<'a> {
    pub(super) reader: &'a Reader,
    pub(super) known: &'a PeerTable,
}

impl<'de> DeserializeSeed<'de> for AnswerSeed<'_> {
    type Value = Answer;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Answer, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for AnswerSeed<'_> {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer: an object with `v` and `schedule`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Answer, A::Error> {
        let reader = self.reader;
        let mut version = None;
        let mut schedule = None;
        let mut actions = None;
        let mut why = None;
        let mut changes = None;
        let mut log = None;
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "v" => set(reader, &key, &mut version, access.next_value::<u32>())?,
                "schedule" => set(reader, &key, &mut schedule, access.next_value_seed(ScheduleSeed { reader, known: Some(self.known) }))?,
                "actions" => set(reader, &key, &mut actions, access.next_value_seed(reader.map()))?,
                "why" => set(reader, &key, &mut why, access.next_value::<&RawValue>())?,
                "changes" => set(reader, &key, &mut changes, access.next_value_seed(Lines { reader }))?,
                "log" => set(reader, &key, &mut log, access.next_value::<String>())?,
                _ => {
                    return Err(unknown_key(reader, &key, "an answer", "`v`, `schedule`, `actions`, `why`, `changes` and `log`"));
                }
            }
        }
        check_version(reader, version)?;
        let Some(schedule) = schedule else { return Err(de::Error::custom("`schedule` is missing")) };
        Ok(Answer {
            schedule,
            actions: actions.unwrap_or_default(),
            why: why.map(|raw| raw.get().into()),
            changes: changes.unwrap_or_default(),
            log: log.unwrap_or_default(),
        })
    }
}

/// A list of texts.
struct Lines<'a> {
    reader: &'a Reader,
}

impl<'de> DeserializeSeed<'de> for Lines<'_> {
    type Value = Vec<String>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Vec<String>, A::Error> {
        let mut lines = Vec::new();
        while let Some(line) = access.next_element()? {
            self.reader.charge()?;
            lines.push(line);
        }
        Ok(lines)
    }
}
