//! What the service manager reads and what it does not.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Systemd, text, expect);
}

#[test]
fn sound_units() {
    check("# why\n; why\n\n[Unit]\nDescription=a = b\n[Service]\nExecStart=\nExecStart=/bin/x\n", "");
    check("[Unit]\r\nDescription=x\r\n  After = y  \r\n", "");
    check("[Service]\nExecStart=/bin/x \\\n# why\n  ; why\n  --option \\\n\n[Install]\n", "");
    check("[Service]\nExecStart=/bin/x \\\n no equals sign\nType=simple\n", "");
    check("[Whatever]\nA=1\n[X-Mine]\nno equals sign\n=\n[Unit]\nA=1\n", "");
    check("[Service]\nA=b\\\\\nB=c\n", "");
    // The end of the file ends a setting as well.
    check("[Service]\nA=b \\", "");
    check("[Unit]\nA=1\n\u{feff}[Service]\nA=1\n", "");
    // Comments do not go on.
    check("[Service]\n# a \\\nA=1\n", "");
}

#[test]
fn refusals_have_their_line() {
    check("\nA=1\n[Unit]\n", "line 2: `A=1` stands before the first section, where systemd ignores it");
    check("[Unit]\n[Service\nA=1\n", "line 2: `[Service` is no section header");
    check("[Unit] # why\n", "line 1: `[Unit] # why` is no section header");
    check("[Unit]\n[]\n", "line 2: `[]` is a section without a name");
    check("[Unit]\n[a\"b]\n", "line 2: `[a\"b]` names a section with a quote");
    check("[a\tb]\n", "line 1: `[a\\tb]` names a section with");
    check("[Unit]\nA=1\n\nno sign\n", "line 4: `no sign` has no `=`, and systemd ignores it");
    check("[Unit]\n =1\n", "line 2: `=1` has no key before its `=`");
    check("[Unit]\nA=1 \\\n# why\nB\n\nC\n", "line 6: `C` has no `=`");
    check("[Unit]\nA\\\nB\n", "line 2: `A B` has no `=`");
    check("[Unit]\n# a \\\nB\n", "line 3: `B` has no `=`");
    check("[Unit]\nA=\\\\\nB\n", "line 3: `B` has no `=`");
}

#[test]
fn lines_are_bounded() {
    let long = |length: usize| format!("[Unit]\n{}\nA=1\n", "A=".to_owned() + &"x".repeat(length - 2));
    check(&long(super::MAX_LINE_BYTES - 1), "");
    check(&long(super::MAX_LINE_BYTES), "line 2: longer than 1048576 bytes");
    let continued = format!("[Unit]\n\nA={}", "xxxxxxxxx\\\n".repeat(200_000));
    check(&continued, "line 3: longer than 1048576 bytes");
}
