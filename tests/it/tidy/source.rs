//! Rust sources as the tidy rules see them: code without comments and literals, and the paths it names. It is no parser:
//! it knows tokens, not meaning.

use std::fs;
use std::path::Path;

/// One file.
pub(super) struct Source {
    /// Below the repository's root, with `/`.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// With blanks in place of comments and of what literals hold: same lines, same columns.
    pub(super) code: String,
}

/// Where sources lie; everything else is built, vendored or no Rust.
const ROOTS: [&str; 9] = ["src", "core/src", "core/tests", "apply/src", "collect/src", "tests", "benches", "sdk/rust", "plugins"];

/// All sources of the repository at `root`, by path.
pub(super) fn read_tree(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    for start in ROOTS {
        visit(root, start, &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn visit(root: &Path, below: &str, files: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(root.join(below)) else { return };
    for entry in entries {
        let entry = entry.expect("the directory can be listed");
        let name = entry.file_name().into_string().expect("source files have UTF-8 names");
        let path = format!("{below}/{name}");
        let kind = entry.file_type().expect("the entry can be looked at");
        if kind.is_dir() && name != "target" && !name.starts_with('.') {
            visit(root, &path, files);
        } else if kind.is_file() && name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("the file can be read as UTF-8");
            files.push(Source::new(&path, &text));
        }
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    /// Every path that the code names, groups expanded (`a::{b, c::d}` is `a::b` and `a::c::d`), with its line. A word alone is
    /// a path of one segment.
    pub(super) fn paths(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut reader = Reader { rest: &self.code, line: 1 };
        while !reader.rest.is_empty() {
            if !reader.path("", &mut found) {
                reader.skip();
            }
        }
        found
    }

    /// The modules that the file declares without a body, with their lines.
    pub(super) fn modules(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (index, line) in self.code.lines().enumerate() {
            let words: Vec<_> = line.split_whitespace().collect();
            let name =
                words.iter().position(|word| *word == "mod").and_then(|at| words.get(at + 1)).and_then(|name| name.strip_suffix(';'));
            found.extend(name.map(|name| (index + 1, name.to_owned())));
        }
        found
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        if chars.next() == Some('\n') {
            self.line += 1;
        }
        self.rest = chars.as_str();
    }

    fn blanks(&mut self) {
        while self.rest.starts_with(char::is_whitespace) {
            self.skip();
        }
    }

    /// Reads a path with all its groups, if one begins here.
    fn path(&mut self, prefix: &str, found: &mut Vec<(usize, String)>) -> bool {
        let length = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if length == 0 {
            return false;
        }
        let (line, mut path) = (self.line, format!("{prefix}{}", &self.rest[..length]));
        self.rest = &self.rest[length..];
        if !self.rest.trim_start().starts_with("::") {
            found.push((line, path));
            return true;
        }
        self.blanks();
        self.rest = &self.rest[2..];
        self.blanks();
        path.push_str("::");
        if self.rest.starts_with('{') {
            self.group(&path, found);
        } else if !self.path(&path, found) {
            // `::<T>` or `::*`: what stands before it is the path.
            found.push((line, path.trim_end_matches(':').to_owned()));
        }
        true
    }

    fn group(&mut self, prefix: &str, found: &mut Vec<(usize, String)>) {
        self.skip();
        while !self.rest.is_empty() && !self.rest.starts_with('}') {
            if !self.path(prefix, found) {
                self.skip();
            }
        }
        self.skip();
    }
}

/// Puts blanks over comments and the insides of literals.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let length = literal_or_comment(rest, out.chars().next_back());
        if length == 0 {
            let c = rest.chars().next().expect("within the text");
            out.push(c);
            at += c.len_utf8();
        } else {
            out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            at += length;
        }
    }
    out
}

/// How many bytes of `rest` are a comment or a literal; 0 when none begins here.
fn literal_or_comment(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let end = |found: Option<usize>, extra: usize| found.map_or(rest.len(), |at| at + extra);
    if rest.starts_with("//") {
        return end(rest.find('\n'), 0);
    }
    if rest.starts_with("/*") {
        return end(rest.find("*/"), 2);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br\"") || rest.starts_with("br#")) {
        let hashes = rest.trim_start_matches(['b', 'r']).bytes().take_while(|b| *b == b'#').count();
        let open = rest.find('"').filter(|open| rest[..*open].bytes().all(|b| matches!(b, b'b' | b'r' | b'#')));
        let close = format!("\"{}", "#".repeat(hashes));
        return open.map_or(0, |open| rest[open + 1..].find(&close).map_or(rest.len(), |at| open + 1 + at + close.len()));
    }
    if rest.starts_with('\'') {
        // A lifetime has no closing quote after one character.
        let mut chars = rest.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') || second == Some('\'') {
            return quoted(rest, '\'');
        }
    }
    0
}

/// The length of a literal that ends with `quote`, which `\` escapes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + c.len_utf8();
        }
        escaped = !escaped && c == '\\';
    }
    rest.len()
}

#[test]
fn comments_and_literals_are_blanked() {
    let check = |text: &str, expect: &str| assert_eq!(blank(text).trim_end(), expect, "{text}");
    check("a // b\nc /* d\ne */ f", "a     \nc     \n     f");
    check(r#"a("b\"c", 'd', '\'', '"') e"#, "a(      ,    ,     ,    ) e");
    check(r##"a(r#"b"c"#, br"d") e"##, "a(        ,      ) e");
    check("fn f<'a>(x: &'a str) -> r#type", "fn f<'a>(x: &'a str) -> r#type");
    check("a('ü', \"ü\") b", "a(   ,    ) b");
}

#[test]
fn paths_are_expanded() {
    let check = |text: &str, expect: &[(usize, &str)]| {
        let found = Source::new("f", text).paths();
        let found: Vec<_> = found.iter().map(|(line, path)| (*line, path.as_str())).collect();
        assert_eq!(found, expect, "{text}");
    };
    check("use a::b;", &[(1, "use"), (1, "a::b")]);
    check(
        "use a::{b, c::{d,\ne as f}, *};\ng",
        &[(1, "use"), (1, "a::b"), (1, "a::c::d"), (2, "a::c::e"), (2, "a::c::as"), (2, "a::c::f"), (3, "g")],
    );
    check("::a::b::<c>()", &[(1, "a::b"), (1, "c")]);
    check("a ::\n  b", &[(2, "a::b")]);
}
