//! Free-form data of operators (runtime metadata, machine facts, a plugin's configuration) as JSON values that survive the
//! canonical form: finite numbers, integers within ±2^53, texts as keys. It never changes what it cannot represent; it refuses.

use std::fmt;
use std::path::Path;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_path_to_error::Track;
use verwalter_core::json::MAX_INTEGER;

use super::file::{self, FileError, Position};
use super::yaml::{self, MAX_DEPTH, Tags};

/// Largest data file: whole inventories fit.
pub const MAX_DATA_BYTES: u64 = 16 << 20;

/// Reads YAML. An empty file is null. Scalar keys that are no texts become the text that was written (`1.10` stays `1.10`).
pub fn parse_yaml_data(path: &Path, text: &str) -> Result<Value, FileError> {
    yaml::parse_seed(path, text, Tags::Refused, Data { depth_left: MAX_DEPTH })
}

/// Reads JSON.
pub fn parse_json_data(path: &Path, text: &str) -> Result<Value, FileError> {
    let mut track = Track::new();
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = Data { depth_left: MAX_DEPTH }.deserialize(serde_path_to_error::Deserializer::new(&mut parser, &mut track));
    // What follows the value is no part of any key.
    let key = if read.is_err() { yaml::key_path(&track.path(), Tags::Refused) } else { String::new() };
    read.and_then(|value| parser.end().map(|()| value)).map_err(|err| {
        let at = Position { line: file::saturate(err.line() as u64), column: file::saturate(err.column() as u64) };
        let said = err.to_string();
        let message = said.strip_suffix(&format!(" at line {} column {}", err.line(), err.column())).unwrap_or(&said);
        FileError::new(path, message).at_key(key).at_position(Some(at))
    })
}

/// A mapping with values of any sort, as a part of a typed file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataMap(pub Map<String, Value>);

impl<'de> Deserialize<'de> for DataMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DataMap, D::Error> {
        match (Data { depth_left: MAX_DEPTH }).deserialize(deserializer)? {
            Value::Object(map) => Ok(DataMap(map)),
            Value::Null => Ok(DataMap::default()),
            _ => Err(de::Error::custom("expected a mapping")),
        }
    }
}

/// Reads a value of any sort.
#[derive(Debug, Clone, Copy)]
struct Data {
    depth_left: usize,
}

impl Data {
    fn deeper<E: de::Error>(self) -> Result<Data, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))?;
        Ok(Data { depth_left })
    }
}

fn too_large<E: de::Error>() -> E {
    E::custom("an integer beyond ±2^53 does not survive JSON: quote it")
}

impl<'de> DeserializeSeed<'de> for Data {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Data {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
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

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Value, E> {
        Err(too_large())
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Value, E> {
        Err(too_large())
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
        // The canonical form prints whole numbers below 1e21 without an exponent: as integers, which have a limit.
        if n.fract() == 0.0 && n.abs() > MAX_INTEGER as f64 && n.abs() < 1e21 {
            return Err(too_large());
        }
        Number::from_f64(n).map(Value::Number).ok_or_else(|| E::custom("numbers must be finite: quote it if a text is meant"))
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
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            // YAML's `1` and `"1"` differ there and are one key here.
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("the key `{}` stands twice in one mapping: remove one", key.escape_debug())));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(read: Result<Value, FileError>) -> String {
        read.map_or_else(|err| err.to_string(), |value| value.to_string())
    }

    fn yaml(text: &str, expect: &str) {
        assert_eq!(shown(parse_yaml_data(Path::new("f"), text)), expect, "{text}");
    }

    fn json(text: &str, expect: &str) {
        assert_eq!(shown(parse_json_data(Path::new("f"), text)), expect, "{text}");
    }

    #[test]
    fn yaml_values() {
        yaml("", "null");
        yaml("a: [1, -2, 1.5, 1e300, true, null, ~, x, '1', 0x10]", r#"{"a":[1,-2,1.5,1e+300,true,null,null,"x","1",16]}"#);
        yaml("1: a\n1.10: b\ntrue: c\n", r#"{"1":"a","1.10":"b","true":"c"}"#);
        yaml("country: no\nzip: 01234\ntime: 12:30\n", r#"{"country":"no","time":"12:30","zip":"01234"}"#);
        yaml("base: &b {x: 1}\nmore: {<<: *b, y: 2}\n", r#"{"base":{"x":1},"more":{"x":1,"y":2}}"#);
        yaml("n: 9007199254740992", r#"{"n":9007199254740992}"#);
    }

    #[test]
    fn yaml_refusals() {
        yaml("a:\n  b: .nan\n", "f:2:6: `a.b`: `.nan` is no finite number: quote it if a text is meant");
        yaml("a: [1, -.inf]", "f:1:8: `a[1]`: `-.inf` is no finite number: quote it if a text is meant");
        yaml("n: 9007199254740993", "f:1:4: `n`: an integer beyond ±2^53 does not survive JSON: quote it");
        yaml("n: -9007199254740993", "f:1:4: `n`: an integer beyond ±2^53 does not survive JSON: quote it");
        yaml("n: 99999999999999999999", "f:1:4: `n`: an integer beyond ±2^53 does not survive JSON: quote it");
        yaml("n: 1e20", "f:1:4: `n`: an integer beyond ±2^53 does not survive JSON: quote it");
        yaml("1: a\n'1': b\n", "f: the key `1` stands twice in one mapping: remove one");
        yaml("[a]: b", "f:1:1: a text is expected here, not a list or a mapping");
        yaml("~: b", "f:1:1: a text is expected here, not null");
        yaml("a: !x b", "f:1:7: unknown tag `!x`: remove it");
    }

    #[test]
    fn json_values_and_refusals() {
        json(r#" {"a":[1,2.5,null]} "#, r#"{"a":[1,2.5,null]}"#);
        json("", "f:1:0: EOF while parsing a value");
        json(r#"{"a":{"b":1,"b":2}}"#, "f:1:18: `a`: the key `b` stands twice in one mapping: remove one");
        json("{\"a\":\n 99999999999999999999}", "f:2:21: `a`: an integer beyond ±2^53 does not survive JSON: quote it");
        json("[1e999]", "f:1:6: `[0]`: number out of range");
        json("{} x", "f:1:4: trailing characters");
    }

    #[test]
    fn depth_is_limited() {
        let nested = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_json_data(Path::new("f"), &nested(MAX_DEPTH)).is_ok());
        for levels in [MAX_DEPTH + 1, 100_000] {
            let err = parse_json_data(Path::new("f"), &nested(levels)).expect_err("too deep");
            assert_eq!(err.message, "nested deeper than 64 levels");
        }
    }
}
