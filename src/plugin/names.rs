//! The names that a filter plugin offers to templates, under its limits. It never asks the plugin, and knows no helper of templates.

use std::collections::BTreeSet;

use super::limits::{Limit, Limits};

/// Why templates have no use for a filter of a name, where that is so.
pub(super) type RefuseFilter = fn(&str) -> Option<String>;

/// Whether templates can use all of `names`; if not, which is wrong and what to do about it.
pub(super) fn check(names: &[String], limits: &Limits, refuse: RefuseFilter) -> Result<(), String> {
    let over = |limit| format!("more than its limit of {}; {}", limits.describe(limit), limits.raise_hint(limit));
    if names.len() as u64 > limits.get(Limit::Filters) {
        return Err(format!("it offers {} filters, {}", names.len(), over(Limit::Filters)));
    }
    let mut known = BTreeSet::new();
    for name in names {
        if name.len() > limits.bytes(Limit::NameLength) {
            return Err(format!("the name `{}…` of a filter has {} bytes, {}", clip(name, 20), name.len(), over(Limit::NameLength)));
        }
        // What handlebars reads as one identifier.
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("the filter name `{}` is refused: write [A-Za-z][A-Za-z0-9_]*", clip(name, 80)));
        }
        if let Some(reason) = refuse(name) {
            return Err(reason);
        }
        if !known.insert(name) {
            return Err(format!("it offers the filter `{name}` twice: give each a name of its own"));
        }
    }
    Ok(())
}

fn clip(name: &str, chars: usize) -> String {
    name.escape_debug().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use verwalter_core::ports::Kind;

    use super::*;

    #[test]
    fn names_are_identifiers_within_the_limits() {
        let mut limits = Limits::of(Kind::Filter);
        limits.set(Limit::Filters, 2).unwrap();
        limits.set(Limit::NameLength, 8).unwrap();
        let check = |names: &[&str], expect: Result<(), &str>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(
                super::check(&names, &limits, |name| (name == "if").then(|| "taken".to_owned())),
                expect.map_err(str::to_owned),
                "{names:?}"
            );
        };
        check(&["a", "B_2"], Ok(()));
        check(&["abcdefgh"], Ok(()));
        let length = "the name `abcdefghi…` of a filter has 9 bytes, more than its limit of 8B; raise it with `limits: { name-length: 16B }` in the plugin's manifest";
        check(&["a", "abcdefghi"], Err(length));
        check(
            &["a", "b", "c"],
            Err("it offers 3 filters, more than its limit of 2; raise it with `limits: { filters: 4 }` in the plugin's manifest"),
        );
        check(&["a", "if"], Err("taken"));
        check(&["a", "a"], Err("it offers the filter `a` twice: give each a name of its own"));
        check(&[""], Err("the filter name `` is refused: write [A-Za-z][A-Za-z0-9_]*"));
        check(&["1a"], Err("the filter name `1a` is refused: write [A-Za-z][A-Za-z0-9_]*"));
        check(&["a\n"], Err("the filter name `a\\n` is refused: write [A-Za-z][A-Za-z0-9_]*"));
        check(&["ä"], Err("the filter name `ä` is refused: write [A-Za-z][A-Za-z0-9_]*"));
    }
}
