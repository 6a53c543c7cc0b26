//! JSON text from outside that was read once, strictly, and may be copied into documents and answers as it stands.

use super::strict::{JsonError, JsonLimits, Reader};

/// One JSON value as its text: within its budget, without duplicate keys, without numbers that JSON does not carry everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(Box<str>);

/// Bytes that are no such text. Their writer is at fault; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonTextError {
    /// The bytes are no text.
    #[error("no UTF-8 text (first bad byte at {0})")]
    Encoding(usize),
    /// The text is not one JSON value within the budget.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl JsonText {
    /// Reads a plugin's `bytes`, which the caller has capped. White space around the value is dropped.
    pub fn read(bytes: &[u8], limits: JsonLimits) -> Result<JsonText, JsonTextError> {
        JsonText::read_by(&Reader::new(limits), bytes)
    }

    /// The same for bytes that no plugin wrote: no manifest raises these limits.
    pub fn read_fixed(bytes: &[u8], limits: JsonLimits) -> Result<JsonText, JsonTextError> {
        JsonText::read_by(&Reader::fixed(limits), bytes)
    }

    fn read_by(reader: &Reader, bytes: &[u8]) -> Result<JsonText, JsonTextError> {
        let text = std::str::from_utf8(bytes).map_err(|err| JsonTextError::Encoding(err.valid_up_to()))?;
        reader.finish(text, reader.value())?;
        Ok(JsonText(text.trim_matches([' ', '\t', '\n', '\r']).into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<JsonText> for String {
    fn from(text: JsonText) -> String {
        text.0.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Result<&str, &str>) {
        let got = JsonText::read(bytes, JsonLimits { depth: 4, values: 25 });
        // What follows says where, or how to raise a limit.
        let told = |text: &str| text.split(" at line ").next().and_then(|text| text.split(';').next()).unwrap_or_default().to_owned();
        let got = got.map(String::from).map_err(|err| told(&err.to_string()));
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn texts_are_kept_as_they_stand() {
        check(b"null", Ok("null"));
        check(b"\n{\"b\": 1.50, \"a\":[ ]}\t", Ok("{\"b\": 1.50, \"a\":[ ]}"));
    }

    #[test]
    fn limits_that_no_manifest_raises_are_told_as_such() {
        let refused = |bytes: &[u8]| JsonText::read_fixed(bytes, JsonLimits { depth: 4, values: 25 }).unwrap_err().to_string();
        assert_eq!(refused(b"[[[[1]]]]"), "`0.0.0`: nested deeper than 4 levels, the most that is taken here at line 1 column 4");
        let many = format!("[{}0]", "0,".repeat(25));
        assert_eq!(refused(many.as_bytes()), "`24`: more than 25 values in one document, the most that is taken here at line 1 column 49");
    }

    #[test]
    fn refusals() {
        check(b"", Err("EOF while parsing a value"));
        check(b"1,\"schedule\":{}", Err("trailing characters"));
        check(b"1 2", Err("trailing characters"));
        check(b"\xc2\xa01", Err("expected value"));
        check(b"\"\xff\"", Err("no UTF-8 text (first bad byte at 1)"));
        check(br#"{"a":{"b":1,"\u0062":2}}"#, Err("`a.b`: the key stands twice in one object"));
        check(b"[[[[1]]]]", Err("`0.0.0`: nested deeper than 4 levels"));
        check(b"[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7]", Err("`24`: more than 25 values in one document"));
        check(b"9007199254740993", Err("an integer beyond ±2^53 does not survive JSON"));
    }
}
