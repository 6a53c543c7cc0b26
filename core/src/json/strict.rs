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
    /// Values of any type, keys not counted.
    pub values: u32,
}

/// A document that was refused. Its writer is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("`{path}`: ") })]
pub struct JsonError {
    /// Where in the document, dotted; empty at its top.
    pub path: String,
    /// What is wrong there, with line and column.
    pub message: String,
}

/// Reads one value and nothing after it.
pub fn read_value(text: &str, limits: JsonLimits) -> Result<Value, JsonError> {
    let reader = Reader::new(limits);
    reader.finish(text, reader.value())
}

/// The budget of one document, shared by everything that reads it.
#[derive(Debug)]
pub(crate) struct Reader {
    limits: JsonLimits,
    values: Cell<u32>,
    /// Filled innermost key first while an error travels outwards: a document that is sound pays nothing for it.
    path: RefCell<Vec<String>>,
}

impl Reader {
    pub(crate) fn new(limits: JsonLimits) -> Reader {
        Reader { limits, values: Cell::new(0), path: RefCell::default() }
    }

    /// Reads all of `text` with `seed`.
    pub(crate) fn finish<'de, S: DeserializeSeed<'de>>(&self, text: &'de str, seed: S) -> Result<S::Value, JsonError> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let read = seed.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
        read.map_err(|err| {
            let mut path = self.path.take();
            path.reverse();
            JsonError { path: path.join("."), message: err.to_string() }
        })
    }

    /// Notes that `result` came from below `key`.
    pub(crate) fn at<T, E>(&self, key: &str, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            let mut path = self.path.borrow_mut();
            // A guest may have chosen the key: 64 characters tell which one it is.
            path.push(key.chars().take(64).collect());
        }
        result
    }

    /// Charges one value.
    pub(crate) fn charge<E: de::Error>(&self) -> Result<(), E> {
        let used = self.values.get() + 1;
        if used > self.limits.values {
            return Err(E::custom(format_args!("more than {} values in one document", self.limits.values)));
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

/// Reads a value of any type.
#[derive(Clone, Copy)]
pub(crate) struct AnyValue<'a> {
    reader: &'a Reader,
    depth: u32,
}

impl AnyValue<'_> {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= self.reader.limits.depth {
            return Err(E::custom(format_args!("nested deeper than {} levels", self.reader.limits.depth)));
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

/// Adds a member, refusing a key that is there already.
pub(crate) fn insert<E: de::Error>(reader: &Reader, map: &mut Map<String, Value>, key: String, value: Value) -> Result<(), E> {
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

    const LIMITS: JsonLimits = JsonLimits { depth: 4, values: 10 };

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
        check("[[[[1]]]]", "`0.0.0`: nested deeper than 4 levels");
        check("[1,2,3,4,5,6,7,8,9,10]", "`9`: more than 10 values in one document");
        check("1 2", "trailing characters");
    }

    #[test]
    fn a_million_brackets_are_refused_without_recursion() {
        let text = "[".repeat(1_000_000);
        let limits = JsonLimits { depth: 100, values: u32::MAX };
        assert!(read_value(&text, limits).expect_err("too deep").message.starts_with("nested deeper than 100 levels"));
    }
}
