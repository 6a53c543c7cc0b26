//! YAML: any number of documents with any tags, no scalar key twice in one mapping. It keeps no value and expands no alias, so that an
//! alias costs what it is written with.

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span};

use super::keys::Keys;
use super::{FormatError, quote, said};

/// Deepest nesting: what the most patient readers take (Go).
const MAX_DEPTH: usize = 10_000;

pub(super) fn check(text: &str) -> Result<(), FormatError> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut keys = Keys::new();
    let mut open = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|err| error(err.marker(), message(&err)))?;
        match event {
            Event::SequenceStart(..) => {
                node(&mut open);
                open.push(Open::Sequence);
            }
            Event::MappingStart(..) => {
                node(&mut open);
                open.push(Open::Mapping { mapping: keys.mapping(), key_next: true });
            }
            Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
            Event::Scalar(value, style, _, tag) => {
                let plain = style == ScalarStyle::Plain;
                let tag = tag.map(|tag| (tag.handle().to_owned(), tag.suffix().to_owned()));
                // `1` and `"1"` are different keys; several `<<` are what some programs merge with.
                let merge = plain && value == "<<";
                if let Some(mapping) = node(&mut open).filter(|_| !merge)
                    && !keys.insert(mapping, (&*value, plain, tag))
                {
                    return Err(twice(&value, span));
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => drop(node(&mut open)),
            _ => {}
        }
    }
    Ok(())
}

/// What is open.
enum Open {
    Sequence,
    Mapping { mapping: u64, key_next: bool },
}

/// Notes that a node begins in what is open. If it is a key: that of which mapping.
fn node(open: &mut [Open]) -> Option<u64> {
    match open.last_mut() {
        Some(Open::Mapping { mapping, key_next }) => {
            *key_next = !*key_next;
            (!*key_next).then_some(*mapping)
        }
        _ => None,
    }
}

fn twice(key: &str, span: Span) -> FormatError {
    error(&span.start, format!("the key `{}` stands twice in one mapping: remove one", quote(key.as_bytes())))
}

fn error(at: &granit_parser::Marker, message: String) -> FormatError {
    // Lines are counted from 1 there, columns from 0.
    FormatError { line: Some(at.line().max(1)), column: Some(at.col() + 1), message }
}

fn message(err: &granit_parser::ScanError) -> String {
    match err.kind() {
        ErrorKind::RecursionLimitExceeded => format!("nested deeper than {MAX_DEPTH} levels: no program reads that"),
        _ => said(&err.info()),
    }
}

#[cfg(test)]
mod tests;
