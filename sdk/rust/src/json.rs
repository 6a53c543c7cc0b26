//! Writes JSON straight into a text, refusing what the host would refuse: numbers that are not finite and integers beyond ±2^53.
//!
//! It builds no tree of values, and it reads no text: `serde_json` does.

pub(crate) mod bytes;

use std::fmt;

use serde::ser::{self, Serialize};
use verwalter_core::json::MAX_INTEGER;

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// JSON has neither infinities nor NaN.
    #[error("{0} is no JSON number; leave the key out or write null")]
    NotFinite(String),
    /// Doubles have gaps beyond 2^53: other readers would see another number.
    #[error("{0} is beyond ±2^53; write it as a string")]
    TooLarge(String),
    /// A mapping's key is no text.
    #[error("a mapping's key must be a text, a character or an integer")]
    Key,
    /// What the value's own `Serialize` says.
    #[error("{0}")]
    Own(String),
}

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> WriteError {
        WriteError::Own(message.to_string())
    }
}

/// The whole number that `value` is, within ±2^53. JSON has no integers of its own: `2`, `2.0` and `2e0` are the same number, and which
/// one a document has is up to who wrote it.
pub fn whole(value: &serde_json::Value) -> Option<i64> {
    const MAX: i64 = MAX_INTEGER as i64;
    let whole = value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= MAX as f64).map(|n| n as i64))?;
    (-MAX..=MAX).contains(&whole).then_some(whole)
}

/// Appends `value` to `out`. After an error `out` holds a part of it.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut String) -> Result<(), WriteError> {
    value.serialize(Writer { out })
}

/// `value` as JSON text.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, WriteError> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Appends a JSON string.
pub fn write_str(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                out.push_str("\\u00");
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(digit), 16).expect("half a byte is below 16"));
                }
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Appends a key and its colon, after a comma unless `out` has just begun an object. The value comes next.
pub(crate) fn write_member(key: &str, out: &mut String) {
    separate(out);
    write_str(key, out);
    out.push(':');
}

/// Appends an array of strings.
pub(crate) fn write_list<'t>(texts: impl IntoIterator<Item = &'t str>, out: &mut String) {
    out.push('[');
    for text in texts {
        separate(out);
        write_str(text, out);
    }
    out.push(']');
}

/// Appends an integer: without the formatting machinery, since answers have one per placement and reason.
pub fn write_integer(number: u64, out: &mut String) {
    // A push of one ASCII character is a few instructions, a copy of a few bytes is a call in most WebAssembly engines.
    with_digits(number, |digits| digits.iter().for_each(|digit| out.push(char::from(*digit))));
}

fn with_digits<R>(number: u64, write: impl FnOnce(&[u8]) -> R) -> R {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    write(&digits[at..])
}

/// Appends `,` unless `out` has just begun an array or object.
fn separate(out: &mut String) {
    if !matches!(out.as_bytes().last(), Some(b'[' | b'{')) {
        out.push(',');
    }
}

struct Writer<'a> {
    out: &'a mut String,
}

impl Writer<'_> {
    fn unsigned(self, n: u128) -> Result<(), WriteError> {
        match u64::try_from(n) {
            Ok(n) if n <= MAX_INTEGER => write_integer(n, self.out),
            _ => return Err(WriteError::TooLarge(n.to_string())),
        }
        Ok(())
    }

    fn signed(self, n: i128) -> Result<(), WriteError> {
        if n.unsigned_abs() > u128::from(MAX_INTEGER) {
            return Err(WriteError::TooLarge(n.to_string()));
        }
        if n < 0 {
            self.out.push('-');
        }
        Writer { out: self.out }.unsigned(n.unsigned_abs())
    }

    /// `{"variant":` of an enum; the caller closes the brace.
    fn variant(self, variant: &str) -> Self {
        self.out.push('{');
        write_str(variant, self.out);
        self.out.push(':');
        self
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty => $to:ident),*) => {
        $(fn $method(self, n: $type) -> Result<(), WriteError> {
            self.$to(n.into())
        })*
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    integers!(
        serialize_u8: u8 => unsigned, serialize_u16: u16 => unsigned, serialize_u32: u32 => unsigned, serialize_u64: u64 => unsigned,
        serialize_u128: u128 => unsigned, serialize_i8: i8 => signed, serialize_i16: i16 => signed, serialize_i32: i32 => signed,
        serialize_i64: i64 => signed, serialize_i128: i128 => signed
    );

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, n: f32) -> Result<(), WriteError> {
        self.serialize_f64(n.into())
    }

    fn serialize_f64(self, n: f64) -> Result<(), WriteError> {
        use fmt::Write as _;
        // Canonical JSON prints whole numbers below 1e21 as integers (ECMAScript's Number to String).
        if n.fract() == 0.0 && n.abs() < 1e21 {
            return if n.abs() > MAX_INTEGER as f64 { Err(WriteError::TooLarge(n.to_string())) } else { self.signed(n as i128) };
        }
        // The shortest digits that read back as the same double. Formatted by serde_json, whose code for it is in every plugin.
        match serde_json::Number::from_f64(n) {
            Some(number) => write!(self.out, "{number}").map_err(ser::Error::custom),
            None => Err(WriteError::NotFinite(n.to_string())),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        write_str(value.encode_utf8(&mut [0; 4]), self.out);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        write_str(value, self.out);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), WriteError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        let this = self.variant(variant);
        value.serialize(Writer { out: this.out })?;
        this.out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, WriteError> {
        self.out.push('[');
        Ok(Compound { out: self.out, close: "]" })
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, WriteError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, WriteError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Compound<'a>, WriteError> {
        let this = self.variant(variant);
        this.out.push('[');
        Ok(Compound { out: this.out, close: "]}" })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, WriteError> {
        self.out.push('{');
        Ok(Compound { out: self.out, close: "}" })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, WriteError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Compound<'a>, WriteError> {
        let this = self.variant(variant);
        this.out.push('{');
        Ok(Compound { out: this.out, close: "}}" })
    }
}

/// An array or object that is being written.
#[derive(Debug)]
pub struct Compound<'a> {
    out: &'a mut String,
    close: &'static str,
}

impl Compound<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        separate(self.out);
        write(value, self.out)
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), WriteError> {
        write_member(key, self.out);
        write(value, self.out)
    }

    fn finish(self) -> Result<(), WriteError> {
        self.out.push_str(self.close);
        Ok(())
    }
}

macro_rules! sequences {
    ($($trait:ident :: $method:ident),*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = WriteError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
                self.item(value)
            }
            fn end(self) -> Result<(), WriteError> {
                self.finish()
            }
        })*
    };
}
sequences!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! structures {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = WriteError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), WriteError> {
                self.member(key, value)
            }
            fn end(self) -> Result<(), WriteError> {
                self.finish()
            }
        })*
    };
}
structures!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        separate(self.out);
        let from = self.out.len();
        write(key, self.out)?;
        match self.out.as_bytes().get(from) {
            Some(b'"') => Ok(()),
            Some(b'0'..=b'9' | b'-') => {
                self.out.insert(from, '"');
                self.out.push('"');
                Ok(())
            }
            _ => Err(WriteError::Key),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.out.push(':');
        write(value, self.out)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish()
    }
}

#[cfg(test)]
mod tests;
