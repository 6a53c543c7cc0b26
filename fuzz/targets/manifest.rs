//! A plugin's manifest, and operators' data as YAML: errors are short and have a place in the text, values keep what they promise.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use verwalter_core::json::canonical;
use verwalter_core::json::strict::read_value;
use verwalter_fuzz::config::data::parse_yaml_data;
use verwalter_fuzz::config::file::FileError;
use verwalter_fuzz::plugin::limits::SPECS;
use verwalter_fuzz::plugin::manifest::{Manifest, OnFailure};
use verwalter_fuzz::tables::WIDE;

/// Longest error about a file, place included.
const MAX_ERROR_BYTES: usize = 4_000;

fuzz_target!(|text: &str| {
    match Manifest::parse(Path::new("f"), text) {
        Ok(manifest) => check(&manifest),
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            errors.iter().for_each(|error| check_error(error, text));
        }
    }
    match parse_yaml_data(Path::new("f"), text) {
        Ok(value) => {
            let text = canonical::to_string(&value);
            let again = read_value(&text, WIDE).expect("operators' data survives the canonical form");
            assert_eq!(canonical::to_string(&again), text);
        }
        Err(error) => check_error(&error, text),
    }
});

fn check(manifest: &Manifest) {
    for spec in SPECS {
        assert!((spec.least..=spec.greatest).contains(&manifest.limits.get(spec.limit)), "{}", spec.key);
    }
    let config = canonical::to_string(&manifest.config);
    assert_eq!(canonical::to_string(&read_value(&config, WIDE).expect("the configuration is strict JSON")), config);
    for (alias, rule) in manifest.metrics.iter().flatten() {
        assert!((1..=64).contains(&alias.len()));
        assert!(rule.labels.contains_key("metric"), "a rule names its metric");
    }
    assert!(manifest.on_failure.is_none_or(|wanted| OnFailure::choices(manifest.kind).contains(&wanted)));
}

fn check_error(error: &FileError, text: &str) {
    let said = error.to_string();
    assert!(said.len() <= MAX_ERROR_BYTES, "an error of {} bytes", said.len());
    if let Some(at) = error.at {
        // YAML ends a line at CR too.
        assert!(at.line >= 1 && at.line as usize <= text.matches(['\n', '\r']).count() + 2, "{said}");
    }
}
