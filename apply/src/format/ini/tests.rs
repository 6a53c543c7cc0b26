//! What is taken for an INI file and what is not.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Ini, text, expect);
}

#[test]
fn what_most_programs_take() {
    check("; why\r\n# why\r\nglobal = 1\r\n[a]\r\nb=1\r\nc : 2\r\nd =\r\n", "");
    check("[a]\nb = 1\nb = 2\n[a]\n[a]\n", "");
    check("  [a]  ; why\n  b = [x\n", "");
    check("[remote \"origin\"]\n\turl = https://example.org/\n[core] bare = true\n", "");
    check("extension[] = a\n[Definition]\nregex = ^x\n        ^y z$\n\n        more\n", "");
    check("a = x \\\n  y \\\nz\nb = 1\n", "");
    check("a = \"x\nno key\ny\"\nb = 1\n", "");
    check("a = \"x\nb = 1\n", "");
    check("!includedir /etc/mysql/conf.d/\n[a]\nb = \"c\" ; d\n", "");
}

#[test]
fn refusals_have_their_line() {
    check("[a]\nb = 1\n[c\n", "line 3: `[c` has no closing `]`");
    check("[a]\n[ ]\n", "line 2: `[]` is a section without a name");
    check("[a]\nbare\n", "line 2: `bare` is neither a section, a comment nor a key with `=`");
    check("a = 1\nbare\n", "line 2: `bare` is neither");
    check(" indented\n", "line 1: `indented` is neither");
    check("[a]\n  indented\n", "line 2: `indented` is neither");
    check("= 1\n", "line 1: `= 1` has no key before its `=`");
    check(" : 1\n", "line 1: `: 1` has no key before its `:`");
    check("a = x \\\ny\nbare\n", "line 3: `bare`");
    check("a = \"x\ny\"\nbare\n", "line 3: `bare`");
    check("a = \"x\nbare\n", "line 2: `bare`");
    check("a = 1\nb = \0\n", "line 2, column 5: a NUL byte");
    check("\u{ff}\u{fe}[\0a\0", "line 1, column 4: a NUL byte");
}
