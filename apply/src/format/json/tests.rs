//! What is JSON and what is not.

use super::super::Format;
use super::super::tests::check as check_format;

fn check(text: &str, expect: &str) {
    check_format(Format::Json, text, expect);
}

#[test]
fn sound_files() {
    check("{\"a\": [1, 2.5e-3, true, null, \"x\"], \"b\": {\"a\": 1}}\r\n", "");
    check("7", "");
    // Numbers of any size and halves of surrogate pairs: programs read them.
    check("[1e999, 123456789012345678901234567890, \"\\ud800\"]", "");
    check("[{\"a\": 1}, {\"a\": 1}, [\"a\", \"a\"]]", "");
    check("{\"a\": \"a\", \"b\": \"a\\\"\"}", "");
    check("{\"\\ud800\": 1, \"\\ud801\": 2, \"A\": 3, \"a\": 4}", "");
}

#[test]
fn refusals_have_their_place() {
    check("{\"a\": 1}\n{}", "line 2, column 1: trailing characters");
    check("{\n  \"a\": 1,\n}", "line 3, column 1: key must be a string");
    check("{\n  \"a\": 1\n", "line 3, column ");
    check("[01]", "line 1, column 3: invalid number");
    check("{a: 1}", "line 1, column 2: key must be a string");
    check("['a']", "line 1, column 2: expected value");
    check("[NaN]", "line 1, column 2: expected");
    check("// why\n{}", "line 1, column 1: expected value");
    check("[\"a\nb\"]", "line 1, column 3: control character");
}

#[test]
fn keys_that_stand_twice() {
    check("{\"a\": 1,\n \"b\": {\"a\": [{}, {}]},\n \"a\": 2}", "line 3, column 2: the key `a` stands twice in one object: remove one");
    check("{\"a\": 1, \"\\u0061\": 2}", "line 1, column 10: the key `a` stands twice");
    check("[{\"x\": {\"\": 1, \"\": 2}}]", "line 1, column 16: the key `` stands twice");
    check("{\"\\ud800\": 1, \"\\ud800\": 2}", "line 1, column 15: the key `\"\\ud800\"` stands twice");
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    check(&nested(super::MAX_DEPTH), "");
    check(&nested(super::MAX_DEPTH + 1), "line 1, column 10001: nested deeper than 10000 levels");
    check(&nested(1_000_000), "line 1, column 10001: nested deeper than 10000 levels");
}
