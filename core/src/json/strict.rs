//! Reading JSON that another program wrote: under a budget of depth and values, without duplicate keys,
//! without numbers that would change when written again. It never recurses deeper than its budget.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::MAX_INTEGER;

/// How much of a document is read before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Nested arrays and objects. At most 100: the parser's own limit is 128, and the envelope takes a few.
    pub depth: u32,
    /// Values of any type, keys not counted. An object with members counts as eight more.
    pub values: u32,
}

/// What an object with members takes of memory, in values: its map has room for eleven of them, however few there are.
const OBJECT_VALUES: u32 = 8;

/// A document that was refused. Its writer is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("`{path}`: ") })]
pub struct JsonError {
    /// Where in the document, dotted; empty at its top.
    pub path: String,
    /// What is wrong there, with line and column.
    pub message: String,
}

/// The most that a refusal says and the longest path that it names, in characters each. A guest chooses texts and keys; what is told of
/// them goes to logs and pages and must not grow with them.
const MAX_SAID: usize = 300;

impl JsonError {
    /// The end of a sentence about the document: ` at` a path and what is wrong there, or with the whole of it.
    pub fn placed(&self) -> String {
        format!("{} {self}", if self.path.is_empty() { ":" } else { " at" })
    }

    /// What the parser says, in part: it quotes the whole text that it did not expect.
    pub(crate) fn new(path: &str, err: &serde_json::Error) -> JsonError {
        let said = err.to_string();
        let place = format!(" at line {} column {}", err.line(), err.column());
        let message = match said.strip_suffix(&place) {
            Some(what) => clip(what) + &place,
            None => clip(&said),
        };
        JsonError { path: clip(path), message }
    }
}

/// The first [`MAX_SAID`] characters of a text.
fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_SAID) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads one value and nothing after it.
pub fn read_value(text: &str, limits: JsonLimits) -> Result<Value, JsonError> {
    let reader = Reader::new(limits);
    reader.finish(text, reader.value())
}

/// The same of a document that no plugin wrote: its limits are nobody's to raise.
pub fn read_fixed(text: &str, limits: JsonLimits) -> Result<Value, JsonError> {
    let reader = Reader::fixed(limits);
    reader.finish(text, reader.value())
}

/// The budget of one document, shared by everything that reads it.
#[derive(Debug)]
pub(crate) struct Reader {
    limits: JsonLimits,
    /// A manifest sets the limits: what goes beyond is told how to raise them.
    raisable: bool,
    values: Cell<u32>,
    /// Filled innermost key first while an error travels outwards: a document that is sound pays nothing for it.
    path: RefCell<Vec<String>>,
}

impl Reader {
    pub(crate) fn new(limits: JsonLimits) -> Reader {
        Reader { limits, raisable: true, values: Cell::new(0), path: RefCell::default() }
    }

    /// A reader of what no plugin wrote: nobody raises its limits.
    pub(crate) fn fixed(limits: JsonLimits) -> Reader {
        Reader { raisable: false, ..Reader::new(limits) }
    }

    /// What to do about the limit `key`, the greatest value of which is `greatest`.
    fn remedy(&self, key: &str, value: u32, greatest: u32) -> String {
        match self.raisable {
            true => format!("; {}", raise(key, value, greatest)),
            false => ", the most that is taken here".to_owned(),
        }
    }

    /// Reads all of `text` with `seed`.
    pub(crate) fn finish<'de, S: DeserializeSeed<'de>>(&self, text: &'de str, seed: S) -> Result<S::Value, JsonError> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let read = seed.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
        read.map_err(|err| {
            let mut path = self.path.take();
            path.reverse();
            JsonError::new(&path.join("."), &err)
        })
    }

    /// Notes that `result` came from below `key`.
    pub(crate) fn at<T, E>(&self, key: &str, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            let mut path = self.path.borrow_mut();
            // A guest may have chosen the key: 64 characters tell which one it is, and none of them may steer a terminal.
            path.push(key.chars().take(64).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect());
        }
        result
    }

    /// Charges one value.
    pub(crate) fn charge<E: de::Error>(&self) -> Result<(), E> {
        self.charge_many(1)
    }

    /// Charges what a map takes beside its values.
    pub(crate) fn charge_map<E: de::Error>(&self) -> Result<(), E> {
        self.charge_many(OBJECT_VALUES)
    }

    fn charge_many<E: de::Error>(&self, values: u32) -> Result<(), E> {
        let used = self.values.get().saturating_add(values);
        if used > self.limits.values {
            let remedy = self.remedy("json-values", self.limits.values, 100_000_000);
            return Err(E::custom(format_args!("more than {} values in one document{remedy}", self.limits.values)));
        }
        self.values.set(used);
        Ok(())
    }

    /// A seed for a value of any type.
    pub(crate) fn value(&self) -> AnyValue<'_> {
        AnyValue { reader: self, depth: 1 }
    }

    /// A seed for an object with values of any type.
    pub(crate) fn map(&self) -> AnyMap<'_> {
        AnyMap { reader: self }
    }
}

/// Refuses numbers that canonical JSON would print as an integer beyond ±2^53: read back, they would be refused or differ.
pub(crate) fn number<E: de::Error>(n: f64) -> Result<Number, E> {
    // 1e21 is where the canonical form turns to exponents (ECMAScript's Number to String).
    if n.fract() == 0.0 && n.abs() < 1e21 {
        if n.abs() > MAX_INTEGER as f64 {
            return Err(too_large());
        }
        return Ok(Number::from(n as i64));
    }
    Number::from_f64(n).ok_or_else(|| E::custom("numbers must be finite"))
}

fn too_large<E: de::Error>() -> E {
    E::custom("an integer beyond ±2^53 does not survive JSON; send it as a string")
}

/// The line of a plugin's manifest that doubles a limit: plugins write most of what is read here.
fn raise(key: &str, value: u32, greatest: u32) -> String {
    if value >= greatest {
        return "that is as high as it goes: make the plugin do less".to_owned();
    }
    format!("raise it with `limits: {{ {key}: {} }}` in the plugin's manifest", value.saturating_mul(2).min(greatest))
}

/// Reads a value of any type.
#[derive(Clone, Copy)]
pub(crate) struct AnyValue<'a> {
    reader: &'a Reader,
    depth: u32,
}

impl AnyValue<'_> {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= self.reader.limits.depth {
            let remedy = self.reader.remedy("json-depth", self.reader.limits.depth, 100);
            return Err(E::custom(format_args!("nested deeper than {} levels{remedy}", self.reader.limits.depth)));
        }
        Ok(AnyValue { reader: self.reader, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reader.charge()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        if n > MAX_INTEGER { Err(too_large()) } else { Ok(Value::from(n)) }
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        if n.unsigned_abs() > MAX_INTEGER { Err(too_large()) } else { Ok(Value::from(n)) }
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
        number(n).map(Value::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            let next = access.next_element_seed(inner);
            match next {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Value::Array(items)),
                Err(err) => return self.reader.at(&items.len().to_string(), Err(err)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = self.reader.at(&key, access.next_value_seed(inner))?;
            insert(self.reader, &mut map, key, value)?;
        }
        Ok(Value::Object(map))
    }
}

/// Adds a member, refusing a key that is there already. The first pays for the map.
pub(crate) fn insert<E: de::Error>(reader: &Reader, map: &mut Map<String, Value>, key: String, value: Value) -> Result<(), E> {
    if map.is_empty() {
        reader.charge_map()?;
    }
    match map.entry(key) {
        serde_json::map::Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        serde_json::map::Entry::Occupied(entry) => {
            let key = entry.key().clone();
            reader.at(&key, Err(E::custom("the key stands twice in one object")))
        }
    }
}

/// Reads an object.
#[derive(Clone, Copy)]
pub(crate) struct AnyMap<'a> {
    reader: &'a Reader,
}

impl<'de> DeserializeSeed<'de> for AnyMap<'_> {
    type Value = Map<String, Value>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.reader.value().deserialize(deserializer)? {
            Value::Object(map) => Ok(map),
            _ => Err(de::Error::custom("expected an object")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: JsonLimits = JsonLimits { depth: 4, values: 20 };

    fn check(text: &str, expect: &str) {
        let got = match read_value(text, LIMITS) {
            Ok(value) => super::super::canonical::to_string(&value),
            Err(err) => err.to_string(),
        };
        // Not the column: where the parser stood when it noticed is its own affair.
        assert_eq!(got.split(" at line ").next(), Some(expect), "{text}");
    }

    #[test]
    fn values() {
        check(r#"{"b":[1,2.0,-0.0,1.5],"a":"x"}"#, r#"{"a":"x","b":[1,2,0,1.5]}"#);
        check("9007199254740992", "9007199254740992");
        check("1e21", "1e+21");
    }

    #[test]
    fn refusals() {
        check(r#"{"a":{"b":1,"b":2}}"#, "`a.b`: the key stands twice in one object");
        check("[9007199254740993]", "`0`: an integer beyond ±2^53 does not survive JSON; send it as a string");
        check("[-9007199254740993]", "`0`: an integer beyond ±2^53 does not survive JSON; send it as a string");
        check("1e20", "an integer beyond ±2^53 does not survive JSON; send it as a string");
        check("100000000000000000000", "an integer beyond ±2^53 does not survive JSON; send it as a string");
        check("1e999", "number out of range");
        check("NaN", "expected value");
        let deep = "nested deeper than 4 levels; raise it with `limits: { json-depth: 8 }` in the plugin's manifest";
        check("[[[[1]]]]", &format!("`0.0.0`: {deep}"));
        let many = "more than 20 values in one document; raise it with `limits: { json-values: 40 }` in the plugin's manifest";
        check(&format!("[{}1]", "1,".repeat(18)), &format!("[{}1]", "1,".repeat(18)));
        check(&format!("[{}1]", "1,".repeat(19)), &format!("`19`: {many}"));
        // Small objects take many times their text: a map has room for eleven members, however few there are.
        check(r#"[{"a":1},{}]"#, r#"[{"a":1},{}]"#);
        check(r#"[{"a":1},{"a":1}]"#, &format!("`1`: {many}"));
        check("1 2", "trailing characters");
    }

    #[test]
    fn refusals_do_not_grow_with_the_document() {
        let limits = JsonLimits { depth: 100, values: 1000 };
        let key = format!("\"{}\":", "k".repeat(1000));
        for text in [
            format!("{}1 2", format!("{{{key}").repeat(90)),
            format!("{{{key}1,{key}2}}"),
            format!("{}1e999", format!("{{{key}").repeat(90)),
        ] {
            let err = read_value(&text, limits).expect_err("refused").to_string();
            assert!(err.len() < 1_000, "{} bytes", err.len());
        }
        let reader = Reader::new(limits);
        let text = format!("\n\"{}\"", "é".repeat(100_000));
        let err = reader.finish(&text, std::marker::PhantomData::<u32>).expect_err("no number");
        assert!(err.message.len() < 1_000 && err.message.ends_with("é… at line 2 column 200002"), "{err}");
    }

    #[test]
    fn a_million_brackets_are_refused_without_recursion() {
        let text = "[".repeat(1_000_000);
        let limits = JsonLimits { depth: 100, values: u32::MAX };
        assert!(read_value(&text, limits).expect_err("too deep").message.starts_with("nested deeper than 100 levels"));
    }

    #[test]
    fn a_message_quotes_what_a_guest_wrote_in_part_only() {
        struct Number;
        impl<'de> DeserializeSeed<'de> for Number {
            type Value = u32;
            fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
                de::Deserialize::deserialize(deserializer)
            }
        }
        let read = |text: &str| Reader::new(LIMITS).finish(text, Number).expect_err("no number").message;
        assert_eq!(read(r#""x""#), "invalid type: string \"x\", expected u32 at line 1 column 3");
        let message = read(&format!("{:?}", "é at line ".repeat(100_000)));
        assert!(message.starts_with("invalid type: string \"é at line é") && message.len() < 600, "{message}");
        assert!(message.ends_with("… at line 1 column 1100002"), "{message}");
    }

    #[test]
    fn a_path_holds_no_control_characters() {
        let path = read_value(r#"{"a\u001b[2Jb":{"é":[1e999]}}"#, LIMITS).expect_err("refused").path;
        assert_eq!(path, "a\u{fffd}[2Jb.é.0");
    }
}
