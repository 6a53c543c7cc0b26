//! Filters for templates. Pure functions of their arguments.
//!
//! | filter | arguments | gives |
//! |---|---|---|
//! | `slug` | `text` | lower-case ASCII letters and digits with `-` between: `{{slug title}}` |
//! | `truncate` | `text`, `length`, `end` (`…` where absent) | at most `length` characters: `{{truncate text 20 end="..."}}` |
//! | `pick` | `value`, `path`, `default` | a part of a value: `{{pick machine "disks.0.size" default="none"}}` |

mod pick;
mod slug;
mod truncate;

verwalter_plugin::filters! {
    "slug" => slug::slug,
    "truncate" => truncate::truncate,
    "pick" => pick::pick,
}

#[cfg(test)]
mod tests {
    use verwalter_plugin::export::Filters as _;

    use super::VerwalterPlugin;

    /// What a template would see: JSON, or the error's text.
    #[track_caller]
    pub(crate) fn check(name: &str, args: &str, expect: &str) {
        let got = VerwalterPlugin::apply(name, args).unwrap_or_else(|err| err);
        assert_eq!(got, expect, "{name} {args}");
    }

    #[test]
    fn every_filter_says_what_it_misses() {
        check(
            "slug",
            "[]",
            "slug: argument 1 (`text`) is missing: expected a text",
        );
        check(
            "truncate",
            r#"["x"]"#,
            "truncate: argument 2 (`length`) is missing: expected a whole number",
        );
        check(
            "pick",
            "[]",
            "pick: argument 1 (`value`) is missing: expected a value",
        );
        check(
            "shout",
            "[]",
            "there is no filter `shout`; this plugin has slug, truncate, pick",
        );
    }
}
