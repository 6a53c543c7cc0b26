//! What holds for every format: names, places, and that nothing in a file makes a check panic, hang or say too much.

use proptest::prelude::*;

use super::*;

/// One case of one format: `expect` is empty where the file is accepted, else how the refusal begins.
pub(super) fn check(format: Format, text: impl AsRef<[u8]>, expect: &str) {
    let text = text.as_ref();
    let got = format.check(text).map_or_else(|err| err.to_string(), |()| String::new());
    let matches = if expect.is_empty() { got.is_empty() } else { got.starts_with(expect) };
    assert!(matches, "{}: `{got}`, not `{expect}`", String::from_utf8_lossy(&text[..text.len().min(200)]));
}

#[test]
fn names_are_read_and_written() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
        assert_eq!(serde_json::to_string(&format).expect("a text"), format!("\"{format}\""));
        assert_eq!(serde_json::from_str::<Format>(&format!("\"{format}\"")).expect("known"), format);
    }
    let err = "YAML".parse::<Format>().expect_err("unknown");
    assert_eq!(err.to_string(), "`YAML` is no format: write one of `yaml`, `json`, `toml`, `ini`, `systemd`, `nginx`");
    assert!("x".repeat(100_000).parse::<Format>().expect_err("unknown").to_string().len() < 300);
}

#[test]
fn places_are_counted_in_characters_from_one() {
    let at = |text: &str, offset| {
        let err = FormatError::at(text.as_bytes(), offset, "");
        (err.line.expect("known"), err.column.expect("known"))
    };
    assert_eq!(at("", 0), (1, 1));
    assert_eq!(at("ab", 1), (1, 2));
    assert_eq!(at("a\nb", 2), (2, 1));
    assert_eq!(at("é=\n", 2), (1, 2));
    assert_eq!(at("a", 99), (1, 2));
    let err = FormatError { line: Some(3), column: None, message: "x".to_owned() };
    assert_eq!(err.to_string(), "line 3: x");
    assert_eq!(FormatError { column: Some(7), ..err.clone() }.to_string(), "line 3, column 7: x");
    assert_eq!(FormatError { line: None, ..err }.to_string(), "x");
}

#[test]
fn what_must_be_utf_8() {
    for format in [Format::Yaml, Format::Json, Format::Toml, Format::Systemd] {
        check(format, b"a\n\xe9", "line 2, column 1: the byte 0xe9 is no UTF-8, which ");
    }
    check(Format::Ini, b"name = Andr\xe9\n", "");
    check(Format::Nginx, b"set $a \"Andr\xe9\";\n", "");
}

#[test]
fn empty_files() {
    for format in Format::ALL {
        let expect = if format == Format::Json { "the file is empty, which no JSON is" } else { "" };
        for text in ["", "\n", " \r\n\r\n"] {
            check(format, text, expect);
        }
    }
}

#[test]
fn byte_order_marks() {
    let with_mark = |text: &str| format!("\u{feff}{text}");
    check(Format::Yaml, with_mark("a: 1\n"), "");
    check(Format::Json, with_mark("{}"), "");
    check(Format::Toml, with_mark("a = 1\n"), "");
    check(Format::Ini, with_mark("[a]\n"), "");
    check(Format::Systemd, with_mark("[Unit]\n"), "");
    // A second one is a character like others, but for YAML, whose documents may each begin with one.
    let with_two = |text: &str| with_mark(&with_mark(text));
    check(Format::Yaml, with_two("a: 1\n"), "");
    check(Format::Json, with_two("{}"), "line 1, column 1: expected value");
    check(Format::Toml, with_two("a = 1\n"), "line 1, column 1: a second byte order mark");
    check(Format::Nginx, with_mark("events {}\n"), "line 1: a byte order mark, which nginx takes for a part of the first word");
}

/// Whatever is refused is refused in one line that fits a status page.
fn check_refusal(format: Format, bytes: &[u8]) {
    let Err(err) = format.check(bytes) else { return };
    let shown = err.to_string();
    assert!(shown.len() <= 4 * (MESSAGE_CHARS + 200), "{format}: {} bytes", shown.len());
    assert!(!shown.contains(char::is_control), "{format}: {shown:?}");
    assert!(!err.message.is_empty() && !err.message.contains("defect"), "{format}: {shown}");
    let lines = 2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    assert!(err.line.is_none_or(|line| (1..=lines).contains(&line)), "{format}: {shown}");
    assert!(err.line.is_some() || err.column.is_none(), "{format}: {shown}");
}

#[test]
fn hostile_files_end_with_a_short_message() {
    const MANY: usize = 1_000_000;
    let numbered = |line: fn(usize) -> String| (0..MANY / 10).map(line).collect::<String>();
    let files = [
        "{".repeat(MANY),
        "[".repeat(MANY),
        "[".repeat(MANY) + &"]".repeat(MANY),
        "a{".repeat(MANY),
        "{\"a\":".repeat(MANY),
        "- ".repeat(MANY),
        "? ".repeat(MANY),
        "a.".repeat(MANY) + "a = 1",
        format!("[{}a]", "a.".repeat(MANY)),
        "a={".repeat(MANY),
        "\"".repeat(MANY + 1),
        "'".repeat(MANY + 1),
        "a\\\n".repeat(MANY),
        "x = \"a\n".repeat(MANY / 10),
        "*a ".repeat(MANY),
        "\u{1b}[2J\n".repeat(MANY / 10),
        numbered(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n.saturating_sub(1))),
        numbered(|n| format!("k{n} = 1\n")),
        numbered(|n| format!("[[a.b{n}]]\n")),
        numbered(|n| format!("{}a:\n", " ".repeat(n % 1000))),
    ];
    for file in &files {
        for format in Format::ALL {
            check_refusal(format, file.as_bytes());
        }
    }
}

#[test]
fn one_line_of_the_largest_file() {
    for byte in [b'x', b'"', b'#', b' '] {
        let file = vec![byte; 16 << 20];
        for format in Format::ALL {
            check_refusal(format, &file);
        }
    }
}

/// Texts of signs that formats know, and of words.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let sign = prop::sample::select(" \t\r\n\0\\\"'`$#;:=,.[]{}()<>|&*!%@?-~/^é\u{feff}\u{85}\u{2028}".chars().collect::<Vec<_>>());
    let word = prop::sample::select(vec![
        "a",
        "b",
        "1",
        "- ",
        "---\n",
        "<<",
        "[[",
        "]]",
        "\"\"\"",
        "'''",
        "!include",
        "_by_lua_block {",
        "--[[",
        "0x",
        "1e9",
        "\\u0061",
        "\\ud800",
        "null",
    ]);
    let part = prop_oneof![3 => sign.prop_map(String::from), 1 => word.prop_map(str::to_owned)];
    let text = prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat().into_bytes());
    prop_oneof![4 => text, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_file_makes_a_check_panic(file in soup()) {
        for format in Format::ALL {
            check_refusal(format, &file);
        }
    }
}

#[test]
fn of_a_private_file_no_word_is_repeated() {
    let role = verwalter_core::names::RoleName::new("web").expect("valid");
    let secret = "0123456789abcdef".repeat(4);
    for (format, text) in [
        (Format::Systemd, format!("pw: {secret}\n")),
        (Format::Ini, format!("{secret}\n")),
        (Format::Nginx, format!("{secret} on\n")),
        (Format::Yaml, format!("{secret}: 1\n{secret}: 2\n")),
        (Format::Json, format!("{{\"{secret}\": 1, \"{secret}\": 2}}\n")),
        (Format::Toml, format!("{secret} {secret}\n")),
    ] {
        let file = |private| crate::RenderedFile {
            dest: "a".to_owned(),
            bytes: text.clone().into(),
            format: Some(format),
            private,
            ..Default::default()
        };
        let told = |private| crate::check_formats(&role, &[file(private)]).expect_err("it is broken").to_string();
        assert!(told(true).contains("line ") && !told(true).contains("0123"), "{}", told(true));
        assert!(told(true).contains("not shown, since a secret is printed into the file"), "{}", told(true));
    }
}
