//! `quote` and `shell`: words that the readers of their languages take for the very text.

use std::process::Command;

use proptest::prelude::*;

use super::*;

#[test]
fn quoted_texts() {
    check("{{quote name}} {{quote one}} {{quote half}} {{quote yes}} {{quote empty}}", r#""x<y>&\"z\"" "1" "0.5" "true" """#);
    check("{{quote \"a\\\\b\\nc\\td\\u0007\\u007f\\u0085\\u2028é😀\"}}", "\"a\\\\b\\nc\\td\\u0007\\u007f\\u0085\\u2028é😀\"");
    check_err("\n{{quote map}}", 2, "`quote` takes a text, a number, or true or false, and `map` is an object");
    check_err("{{quote none}}", 1, "and `none` is null");
    check_err("{{quote [1]}}", 1, "and `(…)` is an array");
    check_err("{{quote gone}}", 1, "there is no `gone`");
    check_err("{{quote one one}}", 1, "`quote` takes 1 argument, not 2");
    check_err("{{quote one style=\"x\"}}", 1, "`quote` takes no argument named `style`");
    check_err("{{#quote one}}{{/quote}}", 1, "cannot bear a block");
}

#[test]
fn shell_words() {
    check("{{shell name}} {{shell one}} {{shell empty}} {{shell yes}}", "'x<y>&\"z\"' '1' '' 'true'");
    check("{{shell \"it's $HOME `x` \\\\ \\n!\"}}", "'it'\\''s $HOME `x` \\ \n!'");
    check_err("\n{{shell \"a\\u0000b\"}}", 2, "`shell` takes no text with a NUL, which no word of a shell can hold, and `(…)` has one");
    check_err("{{shell list}}", 1, "`shell` takes a text, a number, or true or false, and `list` is an array");
    check_err("{{shell none}}", 1, "`none` is null");
    check_err("{{shell map.gone}}", 1, "there is no `map.gone`");
    check_err("{{shell}}", 1, "`shell` takes 1 argument, not 0");
}

#[test]
fn validated_texts() {
    check("{{validate one \"[0-9]\"}} {{validate half \".*\"}} {{validate yes \"true|false\"}} [{{validate empty \"\"}}]", "1 0.5 true []");
    check("{{validate \"a.b\" \"[a-z]+(\\\\.[a-z]{1,2})*\"}}", "a.b");
    // The whole text, whatever the expression says of lines, and whatever stands in it.
    for hostile in ["a\\nb", "a\\n", "\\na", "ab", "", " a"] {
        for pattern in ["a", "^a$", "(?m)a$", "(?m)^a$", "a|a"] {
            let page = format!("\n{{{{validate \"{hostile}\" \"{pattern}\"}}}}");
            check_err(&page, 2, "`validate` finds that `(…)` does not fit `");
        }
    }
    check_err("{{validate name \"[a-z]\\\\.\"}}", 1, "finds that `name` does not fit `[a-z]\\.`: correct the variable");
    check_err("{{validate map \"x\"}}", 1, "`validate` takes a text, a number, or true or false, and `map` is an object");
    check_err("{{validate none \"x\"}}", 1, "`none` is null");
    check_err("{{validate gone \"x\"}}", 1, "there is no `gone`");
    check_err("{{validate one one}}", 1, "takes a regular expression, and `one` is a number");
    check_err("{{validate one}}", 1, "`validate` takes 2 arguments, not 1");
    check_err("{{validate one \")|(\"}}", 1, "takes a regular expression, and this is none: unopened group");
    check_err(
        "{{validate one \"[0-9]{1000}{1000}\"}}",
        1,
        "takes a regular expression, and this is none: Compiled regex exceeds size limit",
    );
    check_err(&format!("{{{{validate one \"{}\"}}}}", "x".repeat(1_025)), 1, "1025 bytes are too many: write at most 1024");
    let long = json!({ "long": "x".repeat(65_537) });
    let err = render_vars("{{validate long \"x*\"}}", &long).expect_err("too long").to_string();
    assert!(err.contains("takes at most 65536 bytes, and `long` has 65537"), "{err}");
}

#[test]
fn more_expressions_than_are_kept() {
    let each = "{{#each (range 200)}}{{validate this (replace \"#\" \"#\" (json this))}} {{/each}}";
    let expect: String = (0..200).map(|number| format!("{number} ")).collect();
    check(each, &expect);
}

#[test]
fn replaced_texts() {
    check("{{replace \"50% of %i\" \"%\" \"%%\"}} {{replace one \"1\" \"\"}}|{{replace \"aaa\" \"aa\" \"b\"}}", "50%% of %%i |ba");
    check(
        "{{replace \"none\" \"x\" \"y\"}} {{replace empty \"x\" \"y\"}}|{{quote (replace \"<=>\" \">\" \"it's > <\")}}",
        "none |\"<=it's > <\"",
    );
    check_err("\n{{replace one \"\" \"x\"}}", 2, "`replace` takes a text to look for that is not empty");
    check_err("{{replace list \"a\" \"b\"}}", 1, "takes a text, a number, or true or false, and `list` is an array");
    check_err("{{replace one 1 \"b\"}}", 1, "takes a text to look for, and `(…)` is a number");
    check_err("{{replace one \"1\" 2}}", 1, "takes a text to put there, and `(…)` is a number");
    check_err("{{replace one \"1\"}}", 1, "`replace` takes 3 arguments, not 2");
}

/// Texts with everything that some language gives a meaning.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{1,8}",
        prop::sample::select(vec!["'", "\"", "\\", "$(x)", "`x`", "\n", "\r\n", "\t", "'\\''", "-n", "~", "!", "*", "\u{85}", "\u{feff}"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn with_text(helper: &str, texts: &[String]) -> String {
    let page = format!("{{{{#each texts}}}}{{{{{helper} this}}}} {{{{/each}}}}");
    render_vars(&page, &json!({ "texts": texts })).expect("every text can be written")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shell_reads_the_text_that_was_meant(texts in prop::collection::vec(awkward(), 1..20)) {
        let texts: Vec<String> = texts.into_iter().map(|text| text.replace('\0', "")).collect();
        let script = format!("printf '%s\\0' {}", with_text("shell", &texts));
        let told = Command::new("sh").args(["-c", &script]).env_clear().output().expect("every machine has a shell");
        prop_assert!(told.status.success(), "{script}");
        let expect: String = texts.iter().map(|text| format!("{text}\0")).collect();
        prop_assert_eq!(String::from_utf8(told.stdout).expect("text"), expect, "{}", script);
    }

    #[test]
    fn json_reads_the_text_that_was_meant(text in awkward()) {
        let quoted = with_text("quote", std::slice::from_ref(&text));
        prop_assert!(quoted.chars().all(|c| !c.is_control()), "{}", quoted);
        prop_assert_eq!(serde_json::from_str::<String>(quoted.trim_end()).expect("JSON"), text);
    }
}
