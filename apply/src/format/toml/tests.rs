//! What is TOML and what is not.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Toml, text, expect);
}

#[test]
fn sound_files() {
    check("# why\r\na = 1\r\n[b.c]\r\nd.e = 1979-05-27T07:32:00Z\r\n[[f]]\r\n[[f]]\r\n", "");
    check("a = { b = [1, 'x', \"\"\"\ny\"\"\"] }\n", "");
    check("a = 0xff\nb = -inf\nc = 1_000\n", "");
    // Since 1.1.
    check("a = {\n  b = 1,\n}\nc = \"\\e\"\n", "");
}

#[test]
fn refusals_have_their_place() {
    check("a = 1\na = 2\n", "line 2, column 1: duplicate key");
    check("[a]\n[b]\n[a]\n", "line 3, column 2: duplicate key");
    check("a = 1\n[a]\n", "line 2, column 2: duplicate key");
    check("a = x\n", "line 1, column 5: ");
    check("\na = [1,\n", "line ");
    check("a = \"x\n", "line 1, column 7: ");
    check("a: 1\n", "line 1, column ");
    check("a = 1 b = 2\n", "line 1, column ");
}

#[test]
fn size_and_depth_are_bounded() {
    check(&format!("a = {}1{}", "[".repeat(79), "]".repeat(79)), "");
    check(&format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000)), "line 1, column 85: cannot recurse further");
    check(&format!("a = \"{}\"", "x ".repeat(4 << 20)), "");
    check(&"[[a]]\n".repeat(200_000), "more than 1048576 words and signs, too many to be checked");
}
