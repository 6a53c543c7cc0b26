//! A rendered file, checked as every format: refusals are short, in one line, and point into the file; a comment before a file changes
//! nothing but the line; and JSON and TOML are what their libraries read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use verwalter_apply::Format;
use verwalter_fuzz::MAX_MESSAGE_BYTES;

/// A line that changes nothing of a file; JSON has none.
const COMMENT: &[u8] = b"# comment\n";

fuzz_target!(|file: &[u8]| {
    for format in Format::ALL {
        let checked = format.check(file);
        if let Err(err) = &checked {
            let shown = err.to_string();
            assert!(!err.message.contains("stopped at a defect"), "{format}: {shown}");
            assert!(shown.len() <= MAX_MESSAGE_BYTES && !shown.contains(char::is_control), "{format}: {shown}");
            let ends = file.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
            assert!(err.line.is_none_or(|line| (1..=ends + 2).contains(&line)), "{format}: {shown}");
        }
        // A mark, a directive of YAML and an indented first line are what they are at the beginning only.
        let begins = matches!(file.first(), Some(b'\xef' | b'%' | b' ' | b'\t'));
        if checked.is_ok() && format != Format::Json && !begins {
            let behind = [COMMENT, file].concat();
            assert_eq!(format.check(&behind), Ok(()), "{format}: sound without the comment");
        }
    }
    let Ok(text) = std::str::from_utf8(file) else { return };
    if Format::Json.check(file).is_ok() {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "the library refuses it");
    }
    assert_eq!(Format::Toml.check(file).is_ok(), toml::de::DeTable::parse(text).is_ok(), "the library differs");
});
