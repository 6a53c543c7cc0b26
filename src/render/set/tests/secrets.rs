//! `secret` in templates: where it may stand, and that nothing but the output gets it. Masks are tried on what was printed.

use super::*;

fn set(page: &str, part: &str) -> Result<TemplateSet, RenderError> {
    load(&[("page.hbs", page), ("part.hbs", part), ("a.render.yaml", RENDER_FILE)], &RenderLimits::default())
}

/// What a template and a partial print, whether the file counts as private, and what the mask leaves of it.
fn check(template: &str, expect: &str, expect_private: bool, expect_hidden: &str) {
    let mut set = set(template, "{{secret \"key\"}}").expect("sound");
    let file = &render_set(&mut set).expect("renders")[0];
    let text = String::from_utf8(file.bytes.clone()).expect("text");
    let hidden = crate::render::Mask::default().with(&SECRETS).hidden(text.clone());
    assert_eq!((text.as_str(), file.private, hidden.as_str()), (expect, expect_private, expect_hidden), "{template}");
}

#[test]
fn they_are_printed_plain_or_quoted() {
    check("{{name}}", "x<y>&\"z\"", false, "x<y>&\"z\"");
    check("a={{secret \"db-password\"}}!", "a=it's \"hunter22\"!", true, "a=‹secret db-password›!");
    check("{{{secret \"db-password\"}}}", "it's \"hunter22\"", true, "‹secret db-password›");
    check("{{json (secret \"db-password\")}}", r#""it's \"hunter22\"""#, true, "\"‹secret db-password›\"");
    check("{{quote (secret \"db-password\")}}", r#""it's \"hunter22\"""#, true, "\"‹secret db-password›\"");
    check("{{shell (secret \"db-password\")}}", r#"'it'\''s "hunter22"'"#, true, "'‹secret db-password›'");
    check("{{yaml (secret \"key\")}}", r#""AAAA\nBBBB""#, true, "\"‹secret key›\"");
    check("{{yaml (secret \"key\") indent=2}}", r#""AAAA\nBBBB""#, true, "\"‹secret key›\"");
    check("{{#if yes}}{{secret \"key\"}}{{/if}}", "AAAA\nBBBB", true, "‹secret key›\n‹secret key›");
    check("{{#if no}}{{secret \"key\"}}{{/if}}", "", false, "");
    check("  {{> part.hbs}}\n", "  AAAA\n  BBBB", true, "  ‹secret key›\n  ‹secret key›");
}

#[test]
fn nothing_but_the_output_gets_them() {
    let refused = |template: &str, expect: &str| {
        let error = set(template, "{{x}}").expect_err(template).to_string();
        assert!(error.contains(expect), "{template}: {error}");
    };
    let printed =
        "page.hbs:1: `secret` is for printing: write it alone, or within `quote`, `shell`, `json` or `yaml`, which no plugin sees";
    refused("{{upper (secret \"key\")}}", printed);
    refused("{{upper (quote (secret \"key\"))}}", printed);
    refused("{{json (upper (secret \"key\"))}}", printed);
    refused("{{yaml map indent=(secret \"key\")}}", printed);
    refused("{{#if (eq (secret \"key\") name)}}x{{/if}}", printed);
    refused("{{#with (secret \"key\")}}{{this}}{{/with}}", printed);
    refused("{{#secret \"key\"}}x{{/secret}}", printed);
    refused("{{> part.hbs x=(secret \"key\")}}", printed);
    refused("{{> (secret \"key\")}}", printed);
    refused("{{#> part.hbs}}{{upper (secret \"key\")}}{{/part.hbs}}", printed);
    refused("{{default (secret \"key\") 1}}", printed);
}

#[test]
fn no_schedule_chooses_one() {
    let refused = |template: &str, expect: &str| {
        let error = set(template, "").expect_err(template).to_string();
        assert!(error.contains(expect), "{template}: {error}");
    };
    let named = "page.hbs:1: `secret` takes one name in quotes, as in `secret \"db-password\"`: nothing else may choose it";
    refused("{{secret name}}", named);
    refused("{{secret}}", named);
    refused("{{secret \"a\" \"b\"}}", named);
    refused("{{secret 1}}", named);
    refused("{{secret (upper name)}}", named);
    refused("{{quote (secret name)}}", named);
    refused("{{secret \"../../etc/shadow\"}}", "the secret's name `../../etc/shadow` must begin with a lower-case letter or a digit");
}

#[test]
fn one_that_is_not_there_is_told() {
    let mut set = set("\n{{secret \"none\"}}", "").expect("sound");
    assert_eq!(set.secrets().collect::<Vec<_>>(), ["none"]);
    let error = render_set(&mut set).expect_err("there is none").to_string();
    let expect =
        "page.hbs:2: `secret` finds no secret `none` on this node: write it to secrets/none of the configuration directory, mode 0600";
    assert!(error.ends_with(expect), "{error}");
}

#[test]
fn names_of_files_are_not_made_of_them() {
    let refused = |command: &str| {
        let file = format!("templates: {{page: page.hbs}}\ncommands:\n- {command}\n");
        let files = [("page.hbs", "== {{secret \"db-password\"}}\n"), ("a.render.yaml", &file)];
        let error = render_set(&mut load(&files, &RenderLimits::default()).expect("sound")).expect_err(command).to_string();
        assert!(error.contains("a.render.yaml:3: a secret is printed into the ") && !error.contains("hunter"), "{error}");
    };
    refused("!SplitText {section: '^== (.*)$', validate: '[a-z]+', src: '{{ files.page }}', dest: 'x/(*)'}");
    refused("!CleanFiles {pattern: 'x/(*)', keep-list: '{{ files.page }}'}");
}

#[test]
fn their_files_are_closed_to_others_unless_a_mode_is_written() {
    let mode = |template: &str, written: &str| {
        let file = format!("templates: {{page: page.hbs}}\ncommands:\n- !Copy {{src: '{{{{ files.page }}}}', dest: a{written}}}\n");
        let files = [("page.hbs", template), ("a.render.yaml", &file)];
        render_set(&mut load(&files, &RenderLimits::default()).expect("sound")).expect("renders")[0].mode
    };
    assert_eq!(mode("x", ""), 0o644);
    assert_eq!(mode("{{secret \"key\"}}", ""), 0o600);
    assert_eq!(mode("{{secret \"key\"}}", ", mode: '0640'"), 0o640);
}
