//! `yaml`: what it writes is read back as what was meant, wherever it stands.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::yaml::{Tags, parse_yaml};

#[test]
fn one_line_or_a_block() {
    check("{{yaml name}} {{yaml one}} {{yaml half}} {{yaml yes}} {{yaml none}} {{yaml node}}", "\"x<y>&\\\"z\\\"\" 1 0.5 true null alpha");
    check("{{yaml list}} {{yaml map}} {{yaml nothing}} {{yaml bare}}", "[a, b, c] {k1: {v: 1}, k2: {v: 2}} [] {}");
    check("x:\n  {{yaml map indent=2}}\n", "x:\n  k1:\n    v: 1\n  k2:\n    v: 2\n");
    check("{{yaml servers indent=0}}", "- host: s1\n  ports:\n    - 80\n    - 443\n- host: s2\n  ports: []");
    check("{{yaml one indent=4}} {{yaml nothing indent=4}} {{yaml [[1, [2]], {}] indent=1}}", "1 [] - - 1\n   - - 2\n - {}");
    check("{{#each servers}}- {{yaml this indent=2}}\n{{/each}}", "- host: s1\n  ports:\n    - 80\n    - 443\n- host: s2\n  ports: []\n");
    check("{{#*inline \"p\"}}a:\n  {{yaml list indent=2}}\n{{/inline}}  {{> p}}", "  a:\n    - a\n    - b\n    - c\n");
}

#[test]
fn what_could_be_taken_for_something_else_is_quoted() {
    for text in [
        "",
        "1",
        "1.5",
        "0x1f",
        "1e3",
        "1_000",
        "0o7",
        "12:30",
        "2024-01-01",
        ".inf",
        ".NaN",
        "inf",
        "NaN",
        "-",
        "-1",
        "+1",
        "~",
        "null",
        "Null",
        "true",
        "False",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "=",
        "<<",
        "a b",
        " a",
        "a ",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "?",
        "? a",
        "[a",
        "{a",
        "a]",
        "a,b",
        "---",
        "...",
        "a\nb",
        "\t",
        "é",
        "{{x}}",
    ] {
        let page = format!("{{{{yaml {}}}}}", json!(text));
        check(&page, &json!(text).to_string());
        check(&format!("{{{{yaml {} indent=3}}}}", json!(text)), &json!(text).to_string());
    }
    for text in ["a", "web-1.example.org", "/etc/nginx", "_x", "nullable", "v1", "e1", "not", "A-"] {
        check(&format!("{{{{yaml \"{text}\"}}}}"), text);
    }
    let numbers = json!({ "n": [1e300, 1e16, 1.5e-9, -0.0, 3.0, u64::MAX, i64::MIN] });
    let page = "{{yaml n}}";
    assert_eq!(
        render_vars(page, &numbers).as_deref(),
        Ok("[1.0e+300, 1.0e+16, 1.5e-9, -0.0, 3.0, 18446744073709551615, -9223372036854775808]")
    );
}

#[test]
fn what_it_takes() {
    check_err("\n{{yaml gone}}", 2, "there is no `gone`");
    check_err("{{yaml}}", 1, "`yaml` takes 1 argument, not 0");
    check_err("{{yaml one 2}}", 1, "`yaml` takes 1 argument, not 2");
    check_err("{{yaml one indent=gone}}", 1, "there is no `gone`");
    check_err("{{yaml one indent=101}}", 1, "`yaml` takes a whole number from 0 to 100 as `indent`, not 101");
    check_err("{{yaml one indent=-1}}", 1, "as `indent`, not -1");
    check_err("{{yaml one indent=half}}", 1, "as `indent`, not 0.5");
    check_err("{{yaml one indent=name}}", 1, "as `indent`, not a text");
    check_err("{{yaml one style=1}}", 1, "`yaml` takes no argument named `style`: remove it, `indent` is the only one");
}

/// Any value of JSON, its texts and keys more awkward than most.
fn value() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            "[a-z0-9./_-]{0,6}",
            "[ -~]{0,10}",
            prop::collection::vec(any::<char>(), 0..6).prop_map(|chars| chars.into_iter().collect::<String>()),
            prop::sample::select(vec![
                "<<", "=", "null", "No", "1e3", "a: b", "- a", "? a", "\n", "\u{85}", "\u{2028}", "\u{feff}", "\0", "'", "\""
            ])
            .prop_map(str::to_owned),
            (160_usize..170, "[a-z\n]").prop_map(|(count, piece)| piece.repeat(count)),
        ]
    };
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text().prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_read_back_as_what_was_meant(value in value(), indent in 1_usize..10) {
        let space = " ".repeat(indent);
        let page = format!(
            "line: {{{{yaml v}}}}\nflow: [1, {{{{yaml v}}}}, {{a: {{{{yaml v}}}}}}]\nblock:\n{space}{{{{yaml v indent={indent}}}}}\nlist:\n\
             {space}- {{{{yaml v indent={}}}}}\nend: 1\n",
            indent + 2,
        );
        let text = render_vars(&page, &json!({ "v": value })).expect("every value can be written");
        let expect = json!({ "line": value, "flow": [1, value, { "a": value }], "block": value, "list": [value], "end": 1 });
        let got: Value = parse_yaml(Path::new("x.yaml"), &text, Tags::Refused).map_err(|err| TestCaseError::fail(format!("{err}\n{text}")))?;
        prop_assert_eq!(got, expect, "{}", text);
    }
}
