//! Words of a recipe's commands, and the variables in them. No shell reads them: a word stays one word.

use std::collections::BTreeMap;

/// What variables stand for: words each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Variables(BTreeMap<String, Vec<String>>);

/// Whether `name` can be a variable's.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && name.bytes().all(allowed)
}

/// The variables that `word` names, in order.
pub(super) fn variables(word: &str) -> impl Iterator<Item = &str> {
    parts(word).filter_map(|part| match part {
        Part::Variable(name) => Some(name),
        Part::Text(_) => None,
    })
}

enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Braces around anything but a variable's name are text: shell scripts and patterns are full of them.
fn parts(word: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let variable = |at: usize| {
            let (name, _) = rest[at + 1..].split_once('}')?;
            is_name(name).then_some(name)
        };
        let braces = rest.match_indices('{').find_map(|(at, _)| variable(at).map(|name| (at, name)));
        let (part, used) = match braces {
            Some((0, name)) => (Part::Variable(name), name.len() + 2),
            Some((at, _)) => (Part::Text(&rest[..at]), at),
            None => (Part::Text(rest), rest.len()),
        };
        rest = &rest[used..];
        Some(part)
    })
}

impl Variables {
    /// Defines one, or defines it anew.
    pub(in super::super) fn set(&mut self, name: &str, words: Vec<String>) {
        self.0.insert(name.to_owned(), words);
    }

    /// The words of a command: one that is a variable and nothing else becomes all of its words, within others they are joined by
    /// spaces.
    pub(in super::super) fn expand(&self, words: &[String]) -> Vec<String> {
        let mut expanded = Vec::new();
        for word in words {
            let mut parts = parts(word);
            match (parts.next(), parts.next()) {
                (Some(Part::Variable(name)), None) => expanded.extend(self.words(name).iter().cloned()),
                _ => expanded.push(self.fill(word)),
            }
        }
        expanded
    }

    /// Whether all that `words` name is defined.
    pub(in super::super) fn has_all(&self, words: &[String]) -> bool {
        words.iter().all(|word| variables(word).all(|name| self.0.contains_key(name)))
    }

    /// One text with the variables in it.
    pub(in super::super) fn fill(&self, text: &str) -> String {
        let filled = parts(text).map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Variable(name) => self.words(name).join(" "),
        });
        filled.collect()
    }

    fn words(&self, name: &str) -> &[String] {
        self.0.get(name).expect("recipes that name unknown variables are refused")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: &[&str]) {
        let mut known = Variables::default();
        known.set("cc", vec!["python3".into(), "-m".into(), "ziglang".into()]);
        known.set("out", vec!["build/a b.wasm".into()]);
        known.set("none", Vec::new());
        assert_eq!(known.expand(&[word.to_owned()]), expect, "{word}");
    }

    #[test]
    fn words_stay_words() {
        check("plain", &["plain"]);
        check("{cc}", &["python3", "-m", "ziglang"]);
        check("{out}", &["build/a b.wasm"]);
        check("--cc={cc}", &["--cc=python3 -m ziglang"]);
        check("{cc}{out}", &["python3 -m ziglangbuild/a b.wasm"]);
        check("{none}", &[]);
        check("x{none}y", &["xy"]);
        check("", &[""]);
    }

    #[test]
    fn other_braces_are_text() {
        for text in ["{", "}", "{}", "{ out }", "${OUT}", "{print $1}", "a{", "{Out}", "é{é}"] {
            check(text, &[text]);
        }
        check("{{out}}", &["{build/a b.wasm}"]);
        assert_eq!(variables("x{a}{b-1}{ c }").collect::<Vec<_>>(), ["a", "b-1"]);
    }
}
