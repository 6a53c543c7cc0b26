//! Names, hostnames, digests, ids and quantities: what is accepted is safe as a file name and is written as it was read.
#![no_main]

use std::fmt::Display;
use std::path::{Component, Path};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use verwalter_core::digest::Digest;
use verwalter_core::ids::NodeId;
use verwalter_core::names::{Hostname, PluginName, RoleName, TemplateName, TemplateRef};
use verwalter_fuzz::config::suggest::nearest;
use verwalter_fuzz::config::units::{ByteSize, Count, TimeSpan};

/// A refusal quotes a name's beginning.
const MAX_REFUSAL_BYTES: usize = 1_000;

fuzz_target!(|text: &str| {
    name(text, RoleName::new(text));
    name(text, PluginName::new(text));
    name(text, TemplateName::new(text));
    name(text, Hostname::new(text));
    assert_eq!(Hostname::new(text).is_ok(), is_hostname(text));
    match TemplateRef::new(text) {
        Ok(template) => {
            assert_eq!(template.to_string(), text);
            let parts: Vec<_> = Path::new(text).components().collect();
            assert!(matches!(parts[..], [Component::Normal(_), Component::Normal(_)]));
        }
        Err(err) => assert!(err.to_string().len() <= MAX_REFUSAL_BYTES),
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text.to_ascii_lowercase());
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
    }
    if let Ok(id) = NodeId::parse(text) {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    quantity::<TimeSpan>(text);
    quantity::<ByteSize>(text);
    quantity::<Count>(text);
    let known = ["listen", "round-interval", "hostname", "name"];
    assert!(nearest(text, known).is_none_or(|near| known.contains(&near)));
});

fn name<T: Display, E: Display>(text: &str, read: Result<T, E>) {
    match read {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert!(matches!(Path::new(text).components().collect::<Vec<_>>()[..], [Component::Normal(_)]), "{text} is no file name");
            assert!(text.len() <= 253 && text.is_ascii() && !text.starts_with('.'));
        }
        Err(err) => assert!(err.to_string().len() <= MAX_REFUSAL_BYTES, "{} bytes", err.to_string().len()),
    }
}

/// RFC 1123 in other words than the core's.
fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn quantity<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let shown = value.to_string();
        assert!(shown.parse::<T>().is_ok_and(|again| again == value), "`{text}` is shown as `{shown}`");
    }
}
