//! CBOR as cantal writes it, read value by value from a slice.
//!
//! Nothing is allocated for what a length says: arrays and maps are walked, texts and byte strings are borrowed, and what is skipped nests
//! no deeper than the library's limit of 256.

use cbor4ii::core::dec::{Decode, IgnoredAny, Read, Reference};
use cbor4ii::core::types::{Array, Bytes, F16, Map};
use cbor4ii::core::utils::SliceReader;

/// What is wrong with an answer. The agent is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CborError(String);

impl CborError {
    /// An error in these words.
    pub(super) fn new(words: impl Into<String>) -> CborError {
        CborError(words.into())
    }
}

/// The kinds of values that cantal writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Null,
    Float,
    Other,
}

/// Reads one value after the other.
pub(super) struct Reader<'a>(SliceReader<'a>);

/// The rest of an array or map: as many as were announced, or until the break.
#[derive(Debug)]
pub(super) struct Items(Option<usize>);

const NULL: u8 = 0xf6;
const UNDEFINED: u8 = 0xf7;
const BREAK: u8 = 0xff;

fn wrong(what: &str) -> impl Fn(cbor4ii::core::dec::Error<core::convert::Infallible>) -> CborError {
    move |error| CborError::new(format!("{what}: {error}"))
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(SliceReader::new(bytes))
    }

    fn peek(&mut self) -> Option<u8> {
        let Ok(next) = self.0.fill(1);
        next.as_ref().first().copied()
    }

    /// A reader of what comes next and all after it: what turns out to be odd can be left out from there.
    pub(super) fn fork(&mut self) -> Reader<'a> {
        match self.0.fill(usize::MAX) {
            Ok(Reference::Long(rest)) => Reader::new(rest),
            Ok(Reference::Short(_)) => unreachable!("what is read from a slice is borrowed for as long as the slice"),
        }
    }

    /// What comes next.
    pub(super) fn kind(&mut self) -> Result<Kind, CborError> {
        let Some(byte) = self.peek() else { return Err(CborError::new("ends too early")) };
        Ok(match (byte >> 5, byte) {
            (0, _) => Kind::Unsigned,
            (1, _) => Kind::Negative,
            (2, _) => Kind::Bytes,
            (3, _) => Kind::Text,
            (4, _) => Kind::Array,
            (5, _) => Kind::Map,
            (_, NULL | UNDEFINED) => Kind::Null,
            (_, 0xf9..=0xfb) => Kind::Float,
            _ => Kind::Other,
        })
    }

    /// Refuses anything after the value that was read.
    pub(super) fn end(&mut self) -> Result<(), CborError> {
        if self.peek().is_none() { Ok(()) } else { Err(CborError::new("something follows its end")) }
    }

    /// The beginning of an array.
    pub(super) fn array(&mut self) -> Result<Items, CborError> {
        Array::len(&mut self.0).map(Items).map_err(wrong("no array"))
    }

    /// The beginning of a map; each of its items is a key and a value.
    pub(super) fn map(&mut self) -> Result<Items, CborError> {
        Map::len(&mut self.0).map(Items).map_err(wrong("no map"))
    }

    /// Whether another item follows.
    pub(super) fn more(&mut self, items: &mut Items) -> Result<bool, CborError> {
        match &mut items.0 {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.peek() == Some(BREAK) => {
                self.0.advance(1);
                items.0 = Some(0);
                Ok(false)
            }
            None if self.peek().is_none() => Err(CborError::new("ends too early")),
            None => Ok(true),
        }
    }

    /// The next item's place is taken by something, or `what` is missing.
    pub(super) fn demand(&mut self, items: &mut Items, what: &str) -> Result<(), CborError> {
        if self.more(items)? { Ok(()) } else { Err(CborError::new(format!("has no {what}"))) }
    }

    /// Leaves out what else the array holds: later versions may say more.
    pub(super) fn skip_rest(&mut self, items: &mut Items) -> Result<(), CborError> {
        while self.more(items)? {
            self.skip()?;
        }
        Ok(())
    }

    /// Leaves out a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), CborError> {
        IgnoredAny::decode(&mut self.0).map(drop).map_err(wrong("a value that cannot be skipped"))
    }

    /// A number that is not negative.
    pub(super) fn u64(&mut self) -> Result<u64, CborError> {
        u64::decode(&mut self.0).map_err(wrong("no unsigned number"))
    }

    /// A whole number.
    pub(super) fn i64(&mut self) -> Result<i64, CborError> {
        i64::decode(&mut self.0).map_err(wrong("no whole number"))
    }

    /// A number of any kind; writers shorten floats to whole numbers and halves.
    pub(super) fn f64(&mut self) -> Result<f64, CborError> {
        match self.kind()? {
            Kind::Unsigned => self.u64().map(|number| number as f64),
            Kind::Negative => self.i64().map(|number| number as f64),
            _ => match self.peek() {
                Some(0xf9) => F16::decode(&mut self.0).map(|F16(bits)| half(bits)).map_err(wrong("no number")),
                Some(0xfa) => f32::decode(&mut self.0).map(f64::from).map_err(wrong("no number")),
                _ => f64::decode(&mut self.0).map_err(wrong("no number")),
            },
        }
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<&'a str, CborError> {
        <&str>::decode(&mut self.0).map_err(wrong("no text"))
    }

    /// A byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        <Bytes<&[u8]>>::decode(&mut self.0).map(|Bytes(bytes)| bytes).map_err(wrong("no byte string"))
    }
}

/// The number with these bits (IEEE 754 binary16; RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests;
