//! One rendered text cut into named sections, each a file of its own. It touches no file.

use std::collections::BTreeSet;

use regex::Regex;

/// Most of a mistaken line that is shown, in characters.
const SHOWN: usize = 60;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its lines, without the one that names it.
    pub(super) text: String,
}

/// Cuts `text` at the lines that `section` matches; its first group is the name, of which `validate` must match the whole.
///
/// An error names the line of the text, from 1.
pub(super) fn sections<'a>(text: &'a str, section: &Regex, validate: &Regex) -> Result<Vec<Section<'a>>, String> {
    let mut found: Vec<Section<'a>> = Vec::new();
    let mut names = BTreeSet::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let wrong = |message: &str, what: &str| {
            let shown: String = what.chars().take(SHOWN).flat_map(char::escape_debug).collect();
            Err(format!("line {} of the rendered text: {message}: `{shown}`", index + 1))
        };
        let bare = line.trim_end_matches(['\n', '\r']);
        if let Some(captures) = section.captures(bare) {
            let Some(name) = captures.get(1).map(|group| group.as_str()) else {
                return wrong("the section has no name, since the first group of `section` matched nothing", bare);
            };
            if !validate.is_match(name) {
                return wrong("the section's name does not match the whole of `validate`", name);
            }
            if !names.insert(name) {
                return wrong("a second section has the same name", name);
            }
            found.push(Section { name, text: String::new() });
            continue;
        }
        match found.last_mut() {
            Some(section) => section.text.push_str(line),
            None if bare.trim().is_empty() => {}
            None => return wrong("text stands before the first section", bare),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[(&str, &str)], &str>) {
        let (section, validate) = (Regex::new(r"^\[(.*)\]$").expect("valid"), Regex::new("^(?:[a-z/.]+)$").expect("valid"));
        match (sections(text, &section, &validate), expect) {
            (Ok(found), Ok(expect)) => {
                assert_eq!(found.iter().map(|section| (section.name, &*section.text)).collect::<Vec<_>>(), expect, "{text}");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn a_text_is_cut_at_its_sections() {
        check("", Ok(&[]));
        check("\n  \n[a]\nx\n\ny\n[b]\n", Ok(&[("a", "x\n\ny\n"), ("b", "")]));
        check("[a]\r\nx\r\n[b]\nno end", Ok(&[("a", "x\r\n"), ("b", "no end")]));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        check("\nx\n[a]\n", Err("line 2 of the rendered text: text stands before the first section: `x`"));
        check("[a]\n[A]\n", Err("line 2 of the rendered text: the section's name does not match the whole of `validate`: `A`"));
        check("[a]\n[a b]\n", Err("does not match"));
        check("[a]\nx\n[a]\n", Err("line 3 of the rendered text: a second section has the same name: `a`"));
        check("[]\n", Err("does not match the whole"));
        check(&"y".repeat(1_000), Err(&format!("`{}`", "y".repeat(60))));
    }
}
