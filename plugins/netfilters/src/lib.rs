//! Filters that real configuration needs: quoting, sorting, network addresses. Pure functions of their arguments.
//!
//! | filter | arguments | result |
//! |---|---|---|
//! | `quote_yaml` | value | one YAML (and JSON) scalar: texts in double quotes, numbers and booleans bare |
//! | `quote_shell` | value, or list of values | one POSIX shell word, or words with spaces between |
//! | `sort_natural` | list or mapping of mappings, dotted key (default: the mapping's own key) | list in natural order |
//! | `cidr_contains` | network, address or network | boolean |
//! | `cidr_host` | network, n (negative: from the end) | address |
//! | `netmask` | prefix length or network, family (default 4) | mask, `255.255.255.0` |
//! | `ip_add` | address, n (may be negative) | address |
//!
//! In a template: `{{quote_yaml name}}`, `{{#each (sort_natural peers "name")}}`, `{{netmask network}}`. The helpers that every template has,
//! `join`, `sort_by`, `yaml`, `shell` and others, cannot be filters' names.

mod net;
mod quote;
mod sort;

use verwalter_plugin::ArgsError;

/// Why a filter gave no text. The template or its data is at fault.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The arguments do not fit.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// An element of a list does not fit.
    #[error("argument {position} (`{name}`): element {element} is {got}, expected {expected}")]
    Element {
        /// The argument, from 1.
        position: usize,
        /// What it is called.
        name: &'static str,
        /// The element: its place from 0, or its key.
        element: String,
        /// What it is.
        got: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The result is no address of the same family.
    #[error("{0} lies outside {1}")]
    Outside(String, String),
}

verwalter_plugin::filters! {
    "quote_yaml" => quote::quote_yaml,
    "quote_shell" => quote::quote_shell,
    "sort_natural" => sort::sort_natural,
    "cidr_contains" => net::cidr_contains,
    "cidr_host" => net::cidr_host,
    "netmask" => net::netmask,
    "ip_add" => net::ip_add,
}

#[cfg(test)]
mod tests {
    use verwalter_plugin::export::Filters as _;

    use super::VerwalterPlugin;

    /// What a template would see: JSON, or the error's text.
    pub(crate) fn check(name: &str, args: &str, expect: &str) {
        let got = VerwalterPlugin::apply(name, args).unwrap_or_else(|err| err);
        assert_eq!(got, expect, "{name} {args}");
    }

    #[test]
    fn every_filter_says_what_it_misses() {
        for (name, expect) in [
            ("quote_yaml", "quote_yaml: argument 1 (`value`) is missing: expected a value"),
            ("quote_shell", "quote_shell: argument 1 (`value`) is missing: expected a value"),
            ("sort_natural", "sort_natural: argument 1 (`items`) is missing: expected a value"),
            ("cidr_contains", "cidr_contains: argument 1 (`network`) is missing: expected a text"),
            ("cidr_host", "cidr_host: argument 1 (`network`) is missing: expected a text"),
            ("netmask", "netmask: argument 1 (`prefix`) is missing: expected a value"),
            ("ip_add", "ip_add: argument 1 (`address`) is missing: expected a text"),
        ] {
            check(name, "[]", expect);
        }
    }
}
