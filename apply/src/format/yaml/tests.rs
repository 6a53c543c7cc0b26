//! What is YAML and what is not.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Yaml, text, expect);
}

#[test]
fn sound_files() {
    check("a: 1\r\nb:\r\n- x\r\n- {c: [d, 'e']}\r\n", "");
    check("%YAML 1.2\n---\na\n...\n---\nb\n---\n", "");
    check("a: !Tmpfs {size: 1}\nb: !<tag:x,2000:y> z\n? [complex]\n: 1\n? [complex]\n: 2\n", "");
    check("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne:\n  <<: *x\n  <<: *x\n", "");
    check("a: |\n  text: {\n   more\nb: >-\n  x\n", "");
    // `1` is a number and `\"1\"` a text; each mapping and each document has its own keys.
    check("1: a\n\"1\": b\n!x 1: c\n---\n1: a\nb: {1: a}\n", "");
    check("- a: 1\n- a: 1\n- [a, a, {a: a}]\n", "");
    check("a: {b, c}\nd: [e: 1, e: 1]\n", "");
}

#[test]
fn refusals_have_their_place() {
    check("a: 1\n b: 2\n", "line 2, column ");
    check("a: [1,\nb: 2\n", "line ");
    check("a: {\n", "line 1, column 4: unclosed bracket");
    check("a:\n\t- b\n", "line 2, column ");
    check("a: \"x\n", "line ");
    check("a: *nobody\n", "line 1, column 4: ");
    check("a: b: c\n", "line 1, column ");
    check("a: !u!x y\n", "line 1, column ");
    check("a: \u{1}\n", "line 1, column ");
}

#[test]
fn keys_that_stand_twice() {
    check("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key `a` stands twice in one mapping: remove one");
    check("x:\n  a: {c: 1, b: {c: 1}, c: 2}\n", "line 2, column 24: the key `c` stands twice");
    check("x: [{a: 1, a: 2}]\n", "line 1, column 12: the key `a` stands twice");
    check("x: {a: {}, ? [q] : 1, a: 2}\n", "line 1, column 23: the key `a` stands twice");
    check("k: &k v\nx: {*k : 1, a: 1, a: 2}\n", "line 2, column 19: the key `a` stands twice");
}

#[test]
fn aliases_cost_what_they_are_written_with() {
    let mut laughs = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..200 {
        laughs.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
    }
    check(&laughs, "");
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    check(&("[".repeat(super::MAX_DEPTH) + &"]".repeat(super::MAX_DEPTH)), "");
    check(&"[".repeat(1_000_000), "line 1, column 10001: nested deeper than 10000 levels");
    check(&"- ".repeat(1_000_000), "line 1, column 20001: nested deeper than 10000 levels");
}
