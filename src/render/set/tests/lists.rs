//! `join`, `sort_by`, `sum` and `range`: what they give, what they refuse, and that nothing is allocated which was not charged.

use super::*;

#[test]
fn joined() {
    check("{{join list \", \"}} {{join list empty}} {{join nothing \",\"}}.", "a, b, c abc .");
    check("{{join [1, \"a\", true, 0.5] \" \"}}", "1 a true 0.5");
    check("{{join (range 3) \"-\"}} {{join (sort_by [\"b\", \"a\"]) \"\"}}", "0-1-2 ab");
    check_err("\n{{join name \",\"}}", 2, "`join` takes an array, and `name` is a text");
    check_err("{{join list one}}", 1, "`join` takes a text as separator, and `one` is a number");
    check_err("{{join servers \",\"}}", 1, "`join` takes an array of texts, numbers, true or false, and `servers.0` is an object");
    check_err("{{join [1, null] \",\"}}", 1, "and `(…).1` is null");
    check_err("{{join list}}", 1, "`join` takes 2 arguments, not 1");
    check_err("{{join list gone}}", 1, "there is no `gone`");
    check_err("{{join gone \",\"}}", 1, "there is no `gone`");
}

#[test]
fn sorted() {
    check(
        "{{json (sort_by [10, 9.5, -1, 9])}} {{json (sort_by [\"b\", \"B\", \"a\", \"a10\", \"a9\"])}}",
        "[-1,9,9.5,10] [\"B\",\"a\",\"a10\",\"a9\",\"b\"]",
    );
    let servers = r#"[{"n": 2, "i": 0}, {"n": 1, "i": 1}, {"n": 2.0, "i": 2}, {"n": 1, "i": 3}]"#;
    check(&format!("{{{{#each (sort_by {servers} \"n\")}}}}{{{{i}}}}{{{{/each}}}}"), "1302");
    check("{{#each (sort_by [{\"a\": {\"b\": [2]}}, {\"a\": {\"b\": [1]}}] \"a.b.0\")}}{{json a.b}}{{/each}}", "[1][2]");
    check("{{json (sort_by [])}} {{json (sort_by nothing \"x\")}} {{json (sort_by [1])}}", "[] [] [1]");
    // What floats cannot tell apart, in an order that would be none if they were asked.
    check(
        "{{json (sort_by [9007199254740993, 9007199254740992.0, 9007199254740992])}}",
        "[9007199254740992.0,9007199254740992,9007199254740993]",
    );
    check_err(
        "\n{{json (sort_by [1, \"a\"])}}",
        2,
        "`sort_by` takes only numbers or only texts to sort by: `(…).0` is a number, and `(…).1` is a text",
    );
    check_err("{{json (sort_by servers)}}", 1, "`sort_by` takes numbers or texts to sort by, and `servers.0` is an object");
    check_err("{{json (sort_by servers \"ports\")}}", 1, "and `servers.0.ports` is an array");
    check_err("{{json (sort_by servers \"ports.0\")}}", 1, "`sort_by` finds no `ports.0` in `servers.1`: every item needs one");
    check_err("{{json (sort_by map)}}", 1, "`sort_by` takes an array, and `map` is an object");
    check_err("{{json (sort_by list 1)}}", 1, "`sort_by` takes a text as key, and `(…)` is a number");
    check_err("{{json (sort_by list \"a\" \"b\")}}", 1, "`sort_by` takes 1 or 2 arguments, not 3");
    check_err("{{json (sort_by list reverse=true)}}", 1, "`sort_by` takes no argument named `reverse`");
    check_err("{{json (sort_by [true, false])}}", 1, "`(…).0` is true or false");
    check_err("{{json (sort_by gone)}}", 1, "there is no `gone`");
}

#[test]
fn summed() {
    check("{{sum [1, 2, 3]}} {{sum nothing}} {{sum [0.5, 1, 0.25]}} {{sum [-3, 1]}}", "6 0 1.75 -2");
    check("{{sum [{\"m\": {\"n\": 1}}, {\"m\": {\"n\": 2}}] \"m.n\"}} {{sum [9007199254740993, 2]}}", "3 9007199254740995");
    check("{{sum [18446744073709551615, -1, 1]}} {{sum [-9223372036854775808, 1]}}", "18446744073709551615 -9223372036854775807");
    check_err("\n{{sum [18446744073709551615, 1]}}", 2, "`sum` overflows: the sum of `(…)` is larger than a number can be");
    check_err("{{sum [-9223372036854775808, -1]}}", 1, "`sum` overflows");
    let vast = json!({ "n": [1.5e308, 1.5e308] });
    assert!(render_vars("{{sum n}}", &vast).expect_err("too large").to_string().contains("`sum` overflows: the sum of `n` is larger"));
    check_err("{{sum list}}", 1, "`sum` takes numbers to add up, and `list.0` is a text");
    check_err("{{sum servers \"host\"}}", 1, "`sum` takes numbers to add up, and `servers.0.host` is a text");
    check_err("{{sum servers \"gone\"}}", 1, "`sum` finds no `gone` in `servers.0`");
    check_err("{{sum one}}", 1, "`sum` takes an array, and `one` is a number");
    check_err("{{sum}}", 1, "`sum` takes 1 or 2 arguments, not 0");
}

#[test]
fn ranges() {
    check(
        "{{json (range 3)}} {{json (range 0)}} {{json (range -1 2)}} {{json (range 2 2)}} {{json (range 3 1)}}",
        "[0,1,2] [] [-1,0,1] [] []",
    );
    check("{{#each (range (len list))}}{{lookup ../list this}}{{/each}}", "abc");
    check("{{json (range 9223372036854775805 9223372036854775807)}}", "[9223372036854775805,9223372036854775806]");
    check_err("\n{{json (range -1)}}", 2, "`range` takes a count of 0 or more, not -1");
    check_err("{{json (range half)}}", 1, "`range` takes whole numbers from -2^63 to 2^63 - 1, and `half` is 0.5");
    check_err("{{json (range 1 18446744073709551615)}}", 1, "and `(…)` is 18446744073709551615");
    check_err("{{json (range name)}}", 1, "`range` takes whole numbers, and `name` is a text");
    check_err("{{json (range)}}", 1, "`range` takes 1 or 2 arguments, not 0");
    check_err("{{json (range 1 2 3)}}", 1, "not 3");
    check_err("{{range 3}}", 1, "`(range …)` is an array and cannot be printed");
}

#[test]
fn what_lists_cost_is_charged_first() {
    let check = |limits: &RenderLimits, page: &str, fault: Fault| match render_with(&[], page, limits) {
        Err(RenderError::Template { fault: got, .. }) => assert_eq!(*got, fault, "{page}"),
        other => panic!("{page}: {other:?}"),
    };
    let limits = RenderLimits::default();
    let steps = || Fault::Steps { limit: limits.steps };
    check(&limits, "{{len (range 1000000000000)}}", steps());
    check(&limits, "{{len (range -9223372036854775808 9223372036854775807)}}", steps());
    check(&limits, "{{len (range 9000000)}}", Fault::Size { limit_bytes: 16 << 20, of: " in one value" });
    // Each is small enough, and all of them are arguments of one call.
    let many = format!("{{{{and {}}}}}", "(range 500000) ".repeat(60));
    check(&limits, &many, Fault::Size { limit_bytes: 256 << 20, of: " in the values of helpers" });
    let few = RenderLimits { steps: 100, ..RenderLimits::default() };
    check(&few, "{{len (range 101)}}", Fault::Steps { limit: 100 });
    check(&few, "{{len (sort_by (range 50))}}", Fault::Steps { limit: 100 });
    check(&few, "{{len (join (range 50) \",\")}}{{sum (range 30)}}", Fault::Steps { limit: 100 });
    check(&few, "{{len (yaml (range 60))}}", Fault::Steps { limit: 100 });
    let small = RenderLimits { file_bytes: 100, ..RenderLimits::default() };
    let one = || Fault::Size { limit_bytes: 100, of: " in one value" };
    check(&small, "{{len (range 4)}}", one());
    check(&small, "{{len (join list name)}}{{len (join (sort_by list) (quote (quote (quote (quote (quote name))))))}}", one());
    check(&small, "{{len (yaml [[[[[[[1, 2]]]]]]] indent=90)}}", one());
    check(&small, "{{len (sort_by [\"aaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbb\"])}}", one());
    for helper in ["json", "quote", "shell", "yaml"] {
        let nested = format!("{{{{len {}name{}}}}}", format!("({helper} ").repeat(60), ")".repeat(60));
        // Closing, escaping and opening again makes four of every single quote.
        let nested = if helper == "shell" { nested.replace("name", "\"'\"") } else { nested };
        check(&limits, &nested, Fault::Size { limit_bytes: 16 << 20, of: " in one value" });
    }
}
