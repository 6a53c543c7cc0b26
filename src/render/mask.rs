//! What keeps secrets out of everything that is shown: their values, and every form in which templates print them. It knows the values that
//! this process has seen, former ones too; it cannot know what is made of a secret elsewhere, such as its hash.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use verwalter_apply::diff::MARK;

use super::helpers::forms;
use crate::config::secrets::Secrets;

/// Shortest part of a secret that is looked for by itself, in bytes: lines of a key are longer, those of text around it often not.
const MIN_LINE: usize = 4;
/// Former values that are remembered, all secrets together: more than are changed while one process runs.
const MAX_FORMER: usize = 256;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Mask {
    /// Names and values: those of today first, then former ones.
    known: Vec<(String, String)>,
    /// `None` where nothing is secret.
    finder: Option<Finder>,
}

#[derive(Clone)]
struct Finder {
    automaton: AhoCorasick,
    /// The secret that each pattern belongs to, by its index in `known`.
    owners: Vec<usize>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.iter().map(|(name, _)| name)).finish()
    }
}

impl Mask {
    /// A mask for `secrets`, and for those that this one knows.
    #[must_use]
    pub fn with(&self, secrets: &Secrets) -> Mask {
        let mut known: Vec<(String, String)> = secrets.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let former: Vec<_> = self.known.iter().filter(|former| !known.contains(former)).take(MAX_FORMER).cloned().collect();
        known.extend(former);
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (index, (_, value)) in known.iter().enumerate() {
            let lines = value.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= MIN_LINE);
            let mut texts: Vec<String> = forms(value).into_iter().chain(lines).chain([value.clone()]).collect();
            texts.sort();
            texts.dedup();
            owners.extend(texts.iter().map(|_| index));
            patterns.extend(texts);
        }
        let automaton = if patterns.is_empty() { None } else { Some(AhoCorasick::new(&patterns)) };
        let finder = automaton.map(|automaton| Finder {
            // The library refuses patterns of many gigabytes only: there are a few megabytes of them.
            automaton: automaton.expect("secrets are small"),
            owners,
        });
        Mask { known, finder }
    }

    /// `text` with `‹secret NAME›` in place of every secret; newlines stay.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let ranges = self.find(text);
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut hidden, mut end) = (String::with_capacity(text.len()), 0);
        for (range, owner) in ranges {
            hidden.push_str(&text[end..range.start]);
            for (index, line) in text[range.clone()].split('\n').enumerate() {
                if index > 0 {
                    hidden.push('\n');
                }
                if !line.is_empty() {
                    hidden.extend([MARK, &self.known[owner].0, "›"]);
                }
            }
            end = range.end;
        }
        hidden.push_str(&text[end..]);
        Cow::Owned(hidden)
    }

    /// [`Mask::hide`] for text that is at hand.
    pub fn hidden(&self, text: String) -> String {
        match self.hide(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(hidden) => hidden,
        }
    }

    /// Whether there is a secret in `text`.
    pub fn finds(&self, text: &str) -> bool {
        self.finder.as_ref().is_some_and(|finder| finder.automaton.is_match(text))
    }

    /// Where secrets stand, each with the one that takes most of it. Those that overlap are one: a mark for the first alone would leave the
    /// end of the second.
    fn find(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let Some(finder) = &self.finder else { return Vec::new() };
        let mut found: Vec<(Range<usize>, usize)> =
            finder.automaton.find_overlapping_iter(text).map(|found| (found.range(), finder.owners[found.pattern().as_usize()])).collect();
        found.sort_by_key(|(range, owner)| (range.start, std::cmp::Reverse(range.end), *owner));
        let mut merged: Vec<(Range<usize>, usize)> = Vec::new();
        let mut longest = 0;
        for (range, owner) in found {
            match merged.last_mut().filter(|(last, _)| range.start < last.end) {
                Some((last, whose)) => {
                    last.end = last.end.max(range.end);
                    if range.len() > longest {
                        (*whose, longest) = (owner, range.len());
                    }
                }
                None => {
                    longest = range.len();
                    merged.push((range, owner));
                }
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &Secrets, text: &str, expect: &str) {
        assert_eq!(Mask::default().with(secrets).hide(text), expect, "{text}");
    }

    #[test]
    fn values_and_what_quoting_makes_of_them() {
        let secrets = Secrets::from([("db", "p\"a'ss"), ("key", "AAAA\nBBBB\nx"), ("plain", "hunter22")]);
        check(&secrets, "nothing", "nothing");
        check(&secrets, "a hunter22hunter22 b", "a ‹secret plain›‹secret plain› b");
        check(&secrets, "x = \"p\\\"a'ss\"", "x = \"‹secret db›\"");
        check(&secrets, r#"x='p"a'\''ss'"#, "x='‹secret db›'");
        check(&secrets, "k: AAAA\nBBBB\nx\n", "k: ‹secret key›\n‹secret key›\n‹secret key›\n");
        check(&secrets, "  AAAA\n  BBBB\n  x\n", "  ‹secret key›\n  ‹secret key›\n  x\n");
        check(&secrets, "k: \"AAAA\\nBBBB\\nx\"", "k: \"‹secret key›\"");
    }

    #[test]
    fn what_overlaps_is_hidden_as_a_whole() {
        let secrets = Secrets::from([("a", "12345"), ("b", "4567890"), ("c", "234")]);
        check(&secrets, "x12345678901y", "x‹secret b›1y");
        check(&secrets, "x1234y", "x1‹secret c›y");
        check(&Secrets::from([("a", "abab")]), "ababab.abab", "‹secret a›.‹secret a›");
    }

    #[test]
    fn former_values_stay_hidden() {
        let first = Mask::default().with(&Secrets::from([("db", "hunter22")]));
        let second = first.with(&Secrets::from([("db", "newer-one")]));
        assert_eq!(second.hide("hunter22 newer-one"), "‹secret db› ‹secret db›");
        assert_eq!(second.with(&Secrets::default()).hide("hunter22 newer-one"), "‹secret db› ‹secret db›");
        assert!(second.finds("xhunter22") && !second.finds("hunter"));
        assert_eq!(format!("{second:?}"), r#"{"db", "db"}"#);
    }
}
