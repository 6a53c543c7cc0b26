//! A policy's verdict: read strictly from what the guest answered, and never repaired. Who counts the verdicts is the round.

use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::contract::envelope::{check_version, set, unknown_key};
use crate::json::strict::{JsonError, JsonLimits, Reader};
use crate::ports::RawOutput;

/// The most reasons, and the most warnings, of one verdict. Arbitrary, above what a person reads.
pub const MAX_REMARKS: usize = 100;
/// The longest reason or warning, in characters. Arbitrary, above what fits a status line; the log is for more.
pub const MAX_REMARK_CHARS: usize = 500;

/// What a policy says of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// It may come into force.
    Allow,
    /// The schedule in force stays.
    Deny,
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ruling::Allow => "allow",
            Ruling::Deny => "deny",
        })
    }
}

/// A policy's answer that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the schedule may come into force.
    pub ruling: Ruling,
    /// Why; at least one where it may not.
    pub reasons: Vec<String>,
    /// What a person should know, whatever the ruling.
    pub warnings: Vec<String>,
    /// Text for the author.
    pub log: String,
}

/// Why a verdict was refused. The policy is at fault; its manifest's `on-failure` says what counts instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerdictError {
    /// The bytes are no text.
    #[error("the verdict is no UTF-8 text (first bad byte at {0})")]
    Encoding(usize),
    /// The text is no verdict of the contract's version 1.
    #[error("the verdict was refused{}", .0.placed())]
    Verdict(JsonError),
}

// Not its source: the message says all of it.
impl From<JsonError> for VerdictError {
    fn from(err: JsonError) -> VerdictError {
        VerdictError::Verdict(err)
    }
}

/// Reads a policy's answer: `{"v": 1, "verdict": "allow" | "deny", "reasons": […], "warnings": […], "log": text}`; the last three may
/// be absent.
pub fn read_verdict(output: &RawOutput, limits: JsonLimits) -> Result<Verdict, VerdictError> {
    let text = std::str::from_utf8(&output.0).map_err(|err| VerdictError::Encoding(err.valid_up_to()))?;
    let reader = Reader::new(limits);
    Ok(reader.finish(text, VerdictSeed(&reader))?)
}

struct VerdictSeed<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for VerdictSeed<'_> {
    type Value = Verdict;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Verdict, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for VerdictSeed<'_> {
    type Value = Verdict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a verdict: an object with `v` and `verdict`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Verdict, A::Error> {
        let reader = self.0;
        let (mut version, mut ruling, mut reasons, mut warnings, mut log) = (None, None, None, None, None);
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "v" => set(reader, &key, &mut version, access.next_value::<u32>())?,
                "verdict" => set(reader, &key, &mut ruling, access.next_value::<String>().and_then(|text| read_ruling(&text)))?,
                "reasons" => set(reader, &key, &mut reasons, access.next_value_seed(Remarks(reader)))?,
                "warnings" => set(reader, &key, &mut warnings, access.next_value_seed(Remarks(reader)))?,
                "log" => set(reader, &key, &mut log, access.next_value::<String>())?,
                _ => return Err(unknown_key(reader, &key, "a verdict", "`v`, `verdict`, `reasons`, `warnings` and `log`")),
            }
        }
        check_version(reader, version)?;
        let Some(ruling) = ruling else { return Err(de::Error::custom("`verdict` is missing: write \"allow\" or \"deny\"")) };
        let verdict =
            Verdict { ruling, reasons: reasons.unwrap_or_default(), warnings: warnings.unwrap_or_default(), log: log.unwrap_or_default() };
        if verdict.ruling == Ruling::Deny && verdict.reasons.is_empty() {
            return reader.at("reasons", Err(de::Error::custom("a verdict that denies must say why: give at least one reason")));
        }
        Ok(verdict)
    }
}

fn read_ruling<E: de::Error>(text: &str) -> Result<Ruling, E> {
    match text {
        "allow" => Ok(Ruling::Allow),
        "deny" => Ok(Ruling::Deny),
        _ => Err(E::custom("must be \"allow\" or \"deny\"")),
    }
}

/// Reasons or warnings.
struct Remarks<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for Remarks<'_> {
    type Value = Vec<String>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Remarks<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<String>, A::Error> {
        let mut remarks = Vec::new();
        loop {
            let place = remarks.len().to_string();
            let Some(remark) = self.0.at(&place, access.next_element::<String>())? else { return Ok(remarks) };
            self.0.charge()?;
            self.0.at(&place, check_remark(&remark, remarks.len()))?;
            remarks.push(remark);
        }
    }
}

fn check_remark<E: de::Error>(remark: &str, before: usize) -> Result<(), E> {
    if before == MAX_REMARKS {
        return Err(E::custom(format_args!("more than {MAX_REMARKS} texts; sum them up")));
    }
    if remark.trim().is_empty() {
        return Err(E::custom("is empty: say something or leave it out"));
    }
    if remark.chars().nth(MAX_REMARK_CHARS).is_some() {
        return Err(E::custom(format_args!("longer than {MAX_REMARK_CHARS} characters; write the rest to the log")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: &str, expect: &str) {
        let got = match read_verdict(&RawOutput(verdict.as_bytes().to_vec()), JsonLimits { depth: 4, values: 1000 }) {
            Ok(Verdict { ruling, reasons, warnings, log }) => format!("{ruling} {reasons:?} {warnings:?} {log:?}"),
            Err(err) => err.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        };
        assert_eq!(got, expect, "{verdict}");
    }

    #[test]
    fn verdicts() {
        check(r#"{"v":1,"verdict":"allow"}"#, r#"allow [] [] """#);
        check(r#"{"warnings":["w"],"log":"l","reasons":["a","b"],"verdict":"deny","v":1}"#, r#"deny ["a", "b"] ["w"] "l""#);
    }

    /// The other refusals are golden documents, for every SDK.
    #[test]
    fn limits_of_remarks() {
        let list = |n: usize| vec!["\"r\""; n].join(",");
        let verdict = |reasons: &str| format!(r#"{{"v":1,"verdict":"deny","reasons":[{reasons}]}}"#);
        check(&verdict(&list(100)), &format!("deny {:?} [] \"\"", vec!["r"; 100]));
        check(&verdict(&list(101)), "the verdict was refused at `reasons.100`: more than 100 texts; sum them up");
        let long = format!("{:?}", "é".repeat(500));
        check(&verdict(&long), &format!("deny [{long}] [] \"\""));
        let longer = format!("\"a\",{:?}", "é".repeat(501));
        check(&verdict(&longer), "the verdict was refused at `reasons.1`: longer than 500 characters; write the rest to the log");
    }

    #[test]
    fn no_text() {
        let err = read_verdict(&RawOutput(b"{\"v\":\xff".to_vec()), JsonLimits { depth: 4, values: 10 }).expect_err("no text");
        assert_eq!(err, VerdictError::Encoding(5));
    }

    #[test]
    fn a_hostile_verdict_is_refused_in_few_words() {
        let huge = "x".repeat(1_000_000);
        for verdict in [
            format!(r#"{{"v":1,"verdict":"{huge}"}}"#),
            format!(r#"{{"v":"{huge}"}}"#),
            format!(r#"{{"v":1,"{huge}":1}}"#),
            format!(r#""{huge}""#),
        ] {
            let err = read_verdict(&RawOutput(verdict.into_bytes()), JsonLimits { depth: 4, values: 10 }).expect_err("refused").to_string();
            assert!(err.len() < 1000 && err.contains(" at line 1 column "), "{} bytes: {}", err.len(), &err[..200]);
        }
    }
}
