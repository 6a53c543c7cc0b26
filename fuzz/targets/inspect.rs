//! A plugin file: what kind of file it is. Made from a description, and as plain bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use verwalter_fuzz::plugin::CLOSED_LISTS;
use verwalter_fuzz::plugin::inspect::{Abi, Inspection, inspect};
use verwalter_fuzz::wasm::File;

/// Eight names of what it exports instead, and the advice.
const MAX_MESSAGE_BYTES: usize = 6_000;
/// Above what the host lists of either, by name and length.
const MAX_LISTED_BYTES: usize = 10_000 * 480;

#[derive(Debug, arbitrary::Arbitrary)]
enum Input<'a> {
    Made(File),
    Plain(&'a [u8]),
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match input {
        Input::Made(file) => file.bytes(),
        Input::Plain(bytes) => bytes.to_vec(),
    };
    match inspect(&bytes) {
        Ok(found) => check(&found, &bytes),
        Err(err) => assert!(err.to_string().len() <= MAX_MESSAGE_BYTES, "{} bytes", err.to_string().len()),
    }
    assert_eq!(inspect(&bytes), inspect(&bytes));
});

fn check(found: &Inspection, bytes: &[u8]) {
    assert!(bytes.starts_with(b"\0asm"));
    assert!(!found.kinds.is_empty(), "a plugin is fit for something");
    assert!(!found.exports.is_empty());
    for list in [&found.imports, &found.exports] {
        assert!(list.iter().map(String::len).sum::<usize>() <= MAX_LISTED_BYTES);
    }
    for import in &found.imports {
        let allowed = match found.abi {
            Abi::Component => import.starts_with("verwalter:plugin/snapshot@1.") || import.starts_with("verwalter:plugin/log@1."),
            Abi::Core => is_listed(import, &["verwalter", "wasi_snapshot_preview1"]),
            Abi::Predecessor => is_listed(import, &["env", "wasi_snapshot_preview1"]),
        };
        assert!(allowed, "`{import}` is not of the closed lists of a {}", found.abi);
    }
}

fn is_listed(import: &str, modules: &[&str]) -> bool {
    let listed = |(module, name): (&str, &str)| {
        modules.contains(&module) && CLOSED_LISTS.iter().any(|(of, names)| *of == module && names.contains(&name))
    };
    import.split_once('.').is_some_and(listed)
}
