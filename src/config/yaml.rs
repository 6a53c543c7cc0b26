//! Reads YAML into typed values under a budget; every error names the file, the line and the key.
//! It never includes other files, and never takes a tag that the type does not ask for.

use std::cell::Cell;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path as KeyPath, Segment, Track};
use serde_saphyr::{Error, Location, Options, Spanned};

use super::file::{self, FileError, Position};
use super::suggest;

/// Largest file that is written by hand: settings, manifests, render files. Far above any of them.
pub const MAX_SETTINGS_BYTES: u64 = 1 << 20;
/// Deepest nesting of any file: what the JSON made of it may have as well.
pub const MAX_DEPTH: usize = 64;
/// Mappings, lists and scalars in one file, aliases expanded: bounds the memory that a 16 MiB file can ask for.
pub const MAX_NODES: usize = 1_000_000;
/// Aliases in one file: arbitrary, above what people write, and far below what makes a "billion laughs".
const MAX_ALIASES: usize = 1_000;
/// Parts of the file that aliases may repeat: enough for shared blocks, and read in well under a second.
const MAX_REPEATED: usize = 100_000;
/// Longest key path in a message, in bytes: deeper than people read.
const MAX_KEY_PATH: usize = 200;
/// Longest message, in characters: a file may hold a key as long as itself.
const MAX_MESSAGE: usize = 400;

/// Whether application tags (`!Copy`) are part of the format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// The type's enum is written as tags.
    Meant(Kinds),
    /// A tag is a mistake.
    Refused,
}

/// The tags of a format, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// All of them.
    pub known: &'static [&'static str],
    /// What is said of a value without one.
    pub missing: &'static str,
}

/// For reading what was read before.
const ANY_TAG: Tags = Tags::Meant(NO_KINDS);
const NO_KINDS: Kinds = Kinds { known: &[], missing: "a word or a mapping is expected here" };

impl Tags {
    fn kinds(self) -> Kinds {
        match self {
            Tags::Meant(kinds) => kinds,
            Tags::Refused => NO_KINDS,
        }
    }
}

/// Reads `text`, the content of the file `path`.
pub fn parse_yaml<T: DeserializeOwned>(path: &Path, text: &str, tags: Tags) -> Result<T, FileError> {
    parse_seed(path, text, tags, std::marker::PhantomData)
}

/// Reads `text`, the content of the file `path`, with `seed`.
pub(crate) fn parse_seed<S: for<'de> DeserializeSeed<'de, Value = T>, T>(
    path: &Path,
    text: &str,
    tags: Tags,
    seed: S,
) -> Result<T, FileError> {
    let mut key = String::new();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(text, options(tags), |deserializer| {
        let mut track = Track::new();
        let read = seed.deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track));
        if read.is_err() {
            key = key_path(&track.path(), tags);
        }
        read
    });
    parsed.map_err(|err| FileError {
        path: path.to_owned(),
        at: err.location().and_then(position),
        key,
        message: message(&err, text, tags).chars().take(MAX_MESSAGE).collect(),
    })
}

/// Where the key at `keys` (a path of mapping keys from the top) stands in `text`, or the nearest key above it that is there.
pub fn locate(text: &str, keys: &[&str]) -> Option<Position> {
    let found = Cell::new(None);
    let descent = Descent { keys, found: &found };
    // The text was read before: should it fail now, the place is what was found until then.
    let _ = serde_saphyr::with_deserializer_from_str_with_options(text, options(ANY_TAG), |d| descent.deserialize(d));
    found.get()
}

fn options(tags: Tags) -> Options {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_events: 2 * MAX_NODES + 16,
        max_aliases: MAX_ALIASES,
        max_anchors: MAX_ALIASES,
        max_merge_keys: MAX_ALIASES,
        max_recorded_anchor_events: MAX_REPEATED,
        max_documents: 2,
    };
    let mut options = serde_saphyr::options! {
        budget: budget,
        // YAML 1.2: `no` is a word (Norway, a reply), `0755` and `1_000` are texts, unless the type asks for a number.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: tags == Tags::Refused,
        with_snippet: false,
    };
    options.alias_limits.max_total_replayed_events = MAX_REPEATED;
    options
}

fn position(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| Position { line: file::saturate(location.line()), column: file::saturate(location.column()) })
}

/// The keys that lead to what is wrong. Where tags are meant, values know their place.
pub(crate) fn key_path(path: &KeyPath, tags: Tags) -> String {
    let wrapped = |segment: &Segment| tags != Tags::Refused && matches!(segment, Segment::Map { key } if key == "value");
    let mut out = String::new();
    let mut segments = path.iter().peekable();
    while let Some(segment) = segments.next() {
        // The library tells the wrapper of such a value, too. What a key of that name holds has one as well.
        if wrapped(segment) && !segments.peek().is_some_and(|next| wrapped(next)) {
            continue;
        }
        if out.len() > MAX_KEY_PATH {
            out.push('…');
            break;
        }
        match segment {
            Segment::Seq { index } => out.push_str(&format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !out.is_empty() {
                    out.push('.');
                }
                // A key may be as long as the file: its beginning tells which one it is.
                out.extend(name.escape_debug().take(64));
            }
            Segment::Unknown => {}
        }
    }
    out
}

/// The parser's own words where they serve, without the place, which stands in front of the message.
fn message(err: &Error, text: &str, tags: Tags) -> String {
    match err {
        Error::SerdeUnknownField { field, expected, .. } => format!("unknown key: {}", suggest::hint(field, expected)),
        Error::SerdeUnknownVariant { variant, expected, .. } => match err.location().and_then(|at| tag_before(text, at)) {
            Some(tag) => unknown_tag(tag, expected),
            None => format!("`{variant}` is not known here: {}", suggest::hint(variant, expected)),
        },
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing: add it"),
        Error::TaggedEnumMismatch { tagged, .. } => unknown_tag(tagged.trim_start_matches('!'), tags.kinds().known),
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => match err.location().and_then(|at| tag_before(text, at)) {
            Some(tag) => unknown_tag(tag, tags.kinds().known),
            None => tags.kinds().missing.to_owned(),
        },
        Error::UnsupportedTag { tag, .. } => format!("unknown tag `!{}`: remove it", tag.trim_start_matches('!')),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` stands twice in one mapping: remove one"),
        Error::DuplicateMappingKey { .. } => "a key stands twice in one mapping: remove one".to_owned(),
        Error::MultipleDocuments { .. } => "a second YAML document begins: put it into a file of its own".to_owned(),
        Error::Budget { breach, .. } => format!("too large or too deeply nested to be read: {breach:?}"),
        Error::NonFiniteFloat { value, .. } => format!("`{value}` is no finite number: quote it if a text is meant"),
        Error::Eof { .. } => "the file is empty or ends too early".to_owned(),
        Error::Unexpected { expected: "mapping start", .. } => "a mapping is expected here, as `key: value`".to_owned(),
        Error::Unexpected { expected: "sequence start", .. } => "a list is expected here, as `[one, another]`".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => "a text is expected here, not a list or a mapping".to_owned(),
        Error::NullIntoString { .. } => "a text is expected here, not null".to_owned(),
        Error::AliasError { error, .. } => message(error, text, tags),
        _ => {
            let said = err.without_snippet().to_string();
            let place = err.location().map(|at| format!(" at line {}, column {}", at.line(), at.column())).unwrap_or_default();
            said.strip_suffix(&place).unwrap_or(&said).to_owned()
        }
    }
}

fn unknown_tag(tag: &str, known: &[&str]) -> String {
    format!("unknown tag `!{tag}`: {}", suggest::hint(tag, known))
}

/// The tag of the list at `at`, or of the mapping whose first key stands there: for a tag that is no variant the parser takes that key
/// for the variant, and mentions no tag.
fn tag_before(text: &str, at: Location) -> Option<&str> {
    let line = usize::try_from(at.line()).ok()?.checked_sub(1)?;
    let line_start = if line == 0 { 0 } else { text.match_indices('\n').nth(line - 1)?.0 + 1 };
    let column = usize::try_from(at.column()).ok()?.checked_sub(1)?;
    let before = text[line_start..].char_indices().nth(column).map_or(text, |(offset, _)| &text[..line_start + offset]);
    before.trim_end_matches(|c: char| c.is_whitespace() || c == '{').rsplit(char::is_whitespace).next()?.strip_prefix('!')
}

/// Follows a path of keys (of indices in lists) and notes where each stands.
#[derive(Clone, Copy)]
struct Descent<'a> {
    keys: &'a [&'a str],
    found: &'a Cell<Option<Position>>,
}

impl Descent<'_> {
    fn below(self, at: Location) -> Self {
        self.found.set(position(at).or(self.found.get()));
        Descent { keys: &self.keys[1..], ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Descent<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.keys.is_empty() {
            return IgnoredAny::deserialize(deserializer).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

/// A scalar where a mapping is expected ends the descent with an error: the key above it is as near as one gets.
impl<'de> Visitor<'de> for Descent<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            if key.value == self.keys[0] {
                access.next_value_seed(self.below(key.referenced))?;
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let wanted = self.keys[0].parse().unwrap_or(usize::MAX);
        for _ in 0..wanted {
            if access.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        if self.keys.len() == 1 {
            if let Some(item) = access.next_element::<Spanned<IgnoredAny>>()? {
                self.below(item.referenced);
            }
        } else {
            // An item tells its place or what is in it: the keys in it are nearer.
            access.next_element_seed(Descent { keys: &self.keys[1..], ..self })?;
        }
        while access.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Doc {
        #[serde(default)]
        first_name: Option<String>,
        #[serde(default)]
        size: Option<u8>,
        #[serde(default)]
        flag: Option<bool>,
        #[serde(default)]
        map: BTreeMap<String, Inner>,
        #[serde(default)]
        list: Vec<Command>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        n: u8,
    }

    #[derive(Debug, Deserialize)]
    enum Command {
        Copy { src: String },
        Sh(String),
    }

    const MEANT: Tags = Tags::Meant(Kinds { known: &["Copy", "Sh"], missing: "it begins with its kind" });

    fn check(text: &str, expect: &str) {
        let got = match parse_yaml::<Doc>(Path::new("f"), text, MEANT) {
            Ok(doc) => {
                let list: Vec<_> = doc.list.iter().map(|(Command::Copy { src: text } | Command::Sh(text))| text).collect();
                let map: Vec<_> = doc.map.iter().map(|(key, inner)| format!("{key}={}", inner.n)).collect();
                format!("{:?} {:?} {:?} {list:?} {map:?}", doc.first_name, doc.size, doc.flag)
            }
            Err(err) => err.to_string(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn sound_files() {
        check("", "None None None [] []");
        check("# only a comment\n", "None None None [] []");
        check("first-name: 0755\nsize: 7\n", r#"Some("0755") Some(7) None [] []"#);
        check("first-name: no\nflag: true", r#"Some("no") None Some(true) [] []"#);
        check("map: {1.10: {n: 1}}", r#"None None None [] ["1.10=1"]"#);
        check("list:\n- !Copy {src: a}\n- !Sh b\n", r#"None None None ["a", "b"] []"#);
        check("\u{feff}size: 1", "None Some(1) None [] []");
    }

    #[test]
    fn errors_name_line_key_and_remedy() {
        check("size: 1\nfirst_nam: x", "f:2:1: `first_nam`: unknown key: did you mean `first-name`?");
        check("other: x", "f:1:1: `other`: unknown key: known are `first-name`, `size`, `flag`, `map`, `list`");
        check("size: 300", "f:1:7: `size`: invalid u8");
        check("flag: yes", "f:1:7: `flag`: invalid boolean (strict mode expects true/false)");
        check("map:\n  a:\n    m: 1\n", "f:3:5: `map.a`: the key `n` is missing: add it");
        check("map:\n  a: {n: 1}\n  a: {n: 2}\n", "f:3:3: `map`: the key `a` stands twice in one mapping: remove one");
        check("list:\n- !Copy {src: a}\n- !Cpy {src: b}\n", "f:3:9: `list[1]`: unknown tag `!Cpy`: did you mean `Copy`?");
        check("list:\n- !Cpy\n  src: b\n", "f:3:3: `list[0]`: unknown tag `!Cpy`: did you mean `Copy`?");
        check("list:\n- !Cpy b\n", "f:2:8: `list[0]`: unknown tag `!Cpy`: did you mean `Copy`?");
        check("list:\n- !Frob b\n", "f:2:9: `list[0]`: unknown tag `!Frob`: known are `Copy`, `Sh`");
        check("list:\n- [a, b]\n", "f:2:3: `list[0]`: it begins with its kind");
        check("list:\n- Cpy: {src: b}\n", "f:2:3: `list[0]`: `Cpy` is not known here: did you mean `Copy`?");
        check("list: [Cpy]", "f:1:8: `list[0]`: `Cpy` is not known here: did you mean `Copy`?");
        check("size: 1\n---\nsize: 2\n", "f:3:1: a second YAML document begins: put it into a file of its own");
        check("- 1", "f:1:1: a mapping is expected here, as `key: value`");
        check("first-name: [", "f:1:13: `first-name`: a text is expected here, not a list or a mapping");
        check("first-name: *x", "f:1:13: alias references unknown anchor");
        check("first-name: \"x", "f:1:13: unclosed quote");
    }

    #[test]
    fn tags_are_mistakes_where_they_are_not_meant() {
        let err = parse_yaml::<Doc>(Path::new("f"), "first-name: !secret x", Tags::Refused).expect_err("refused");
        assert_eq!(err.to_string(), "f:1:21: unknown tag `!secret`: remove it");
    }

    #[test]
    fn bombs_are_refused() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = level - 1;
            laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 10].join(", ")));
        }
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000), laughs] {
            let err = parse_yaml::<serde_json::Value>(Path::new("f"), &text, Tags::Refused).expect_err("refused");
            assert!(err.at.is_some(), "{err}");
        }
    }

    #[test]
    fn messages_do_not_grow_with_the_file() {
        let long = "x".repeat(100_000);
        for text in [format!("{long}: 1"), format!("list: [{long}]"), format!("list: [!{long} a]"), format!("map: {{{long}: 1}}")] {
            let err = parse_yaml::<Doc>(Path::new("f"), &text, MEANT).expect_err("refused");
            assert!(err.to_string().len() < 1_000, "{} bytes", err.to_string().len());
        }
    }

    #[test]
    fn keys_are_located() {
        let text = "a: 1\nb:\n  c:\n    d: 2\n  e: [1, 2]\nf:\n  - h: 1\n  - g: 2\n";
        let at = |keys: &[&str]| locate(text, keys).map(|at| (at.line, at.column));
        assert_eq!(at(&["a"]), Some((1, 1)));
        assert_eq!(at(&["b", "c", "d"]), Some((4, 5)));
        assert_eq!(at(&["b", "e", "1"]), Some((5, 10)));
        assert_eq!(at(&["b", "e", "2"]), Some((5, 3)), "the list that has no such item");
        assert_eq!(at(&["f", "1", "g"]), Some((8, 5)));
        assert_eq!(at(&["b", "missing"]), Some((2, 1)));
        assert_eq!(at(&["a", "below a scalar"]), Some((1, 1)));
        assert_eq!(at(&["missing"]), None);
    }
}
