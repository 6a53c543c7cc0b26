//! What is wrong with a set is found when it is loaded; where files go when it is rendered.

use super::*;

#[test]
fn what_is_wrong_with_a_set_is_found_at_once() {
    let files = [
        ("a.render.yaml", "templates: {p: page.hbs, q: gone.hbs}\ncommands: [!Cmd []]\n"),
        ("b.render.yaml", "commands: 7\n"),
        ("page.hbs", "\n{{#if a}}\n{{/each}}"),
        ("part.hbs", "{{uper a}}\n{{> pgae.hbs}}\n{{#*decorate}}{{/decorate}}\n{{#items}}{{/items}}{{eq (lokup a b) 1}}"),
        ("x/y.hbs", "\n\n{{a"),
    ];
    let problems = load(&files, &RenderLimits::default()).expect_err("unsound").problems();
    let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let expect = [
        "a.render.yaml:1: `templates.q` names `gone.hbs`, which is no template",
        "a.render.yaml:2: there is no program",
        "b.render.yaml:1: ",
        "page.hbs:3: helper \"if\" was opened, but \"each\" is closing",
        "part.hbs:1: there is no helper `uper`: use a built-in one or activate the filter plugin that has it (did you mean `upper`?)",
        "part.hbs:2: there is no partial `pgae.hbs`: name a template by its path in the directory (did you mean `page.hbs`?)",
        "part.hbs:3: `*decorate` cannot be used",
        "part.hbs:4: there is no helper `items`",
        "part.hbs:4: there is no helper `lokup`",
        "x/y.hbs:3: ",
    ];
    assert_eq!(found.len(), expect.len(), "{found:#?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.starts_with(expect), "{found}, not {expect}");
    }
}

#[test]
fn filters_must_have_names_of_their_own() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(temp.path().join("web/v1")).expect("mkdir");
    fs::write(temp.path().join("web/v1/a.render.yaml"), "{}").expect("write");
    let check = |filters: &[&str], expect: Option<&str>| {
        let filters: Vec<String> = filters.iter().map(|&name| name.to_owned()).collect();
        let set = TemplateSet::load(temp.path(), &TemplateRef::new("web/v1").expect("valid"), &filters, &RenderLimits::default());
        match (set, expect) {
            (Ok(_), None) => {}
            (Err(err), Some(part)) => assert!(err.to_string().contains(part), "{err}"),
            (got, _) => panic!("{filters:?}: {got:?}"),
        }
    };
    check(&["sort-by", "to_yaml", "b64"], None);
    check(&["a", "a"], Some("two filters are called `a`"));
    for name in ["", "a b", "a.b", "@a", " print", "a}}", "(a)", "1", "\"a\"", "true", "this", "else", "as"] {
        assert!(refuse_filter(name).is_some_and(|why| why.contains("cannot be called by templates")), "{name}");
        // No template can call it: that is no reason not to render them.
        check(&[name], None);
    }
}

#[test]
fn files_come_in_order_with_places_and_modes() {
    let files = [
        (
            "b.render.yaml",
            "templates: {p: p.hbs}\ncommands:\n- !Copy {src: '{{ files.p }}', dest: '/etc/{{ role }}/{{ node }}', mode: 0o600}\n",
        ),
        (
            "a/x.render.yaml",
            "templates: {p: ../p.hbs, q: q.hbs}\ncommands:\n- !Copy {src: '{{ files.q }}', dest: q}\n\
             - !Copy {src: '{{ files.p }}', dest: p}\n",
        ),
        ("p.hbs", "P{{node}}"),
        ("a/q.hbs", "Q"),
    ];
    let mut set = load(&files, &RenderLimits::default()).expect("sound");
    let file = |dest: &str, mode, bytes: &str, template: &str| RenderedFile {
        dest: dest.into(),
        mode,
        bytes: bytes.into(),
        format: None,
        template: template.into(),
        ..RenderedFile::default()
    };
    let expect = [file("q", 0o644, "Q", "a/q.hbs"), file("p", 0o644, "Palpha", "p.hbs"), file("/etc/web/alpha", 0o600, "Palpha", "p.hbs")];
    assert_eq!(render_set(&mut set).expect("rendered"), expect);
    assert_eq!(render_set(&mut set).expect("again"), expect);
}

#[test]
fn one_place_is_written_once() {
    let twice =
        "templates: {p: page.hbs}\ncommands:\n- !Copy {src: '{{ files.p }}', dest: a/b}\n- !Copy {src: '{{ files.p }}', dest: ./a//b}\n";
    let err =
        render_set(&mut load(&[("x.render.yaml", twice), ("page.hbs", "")], &RenderLimits::default()).expect("sound")).expect_err("twice");
    assert_eq!(
        err.to_string(),
        "role web: template web/v1: x.render.yaml:4: `./a//b` is written twice, also by x.render.yaml:3: a/b: change one `dest`"
    );
}

#[test]
fn the_digest_is_of_names_and_bytes() {
    let digest = |files: &[(&str, &str)]| load(files, &RenderLimits::default()).expect("sound").digest();
    let base = digest(&[("a.render.yaml", RENDER_FILE), ("page.hbs", "a")]);
    assert_eq!(digest(&[("page.hbs", "a"), ("a.render.yaml", RENDER_FILE), ("README", "x")]), base);
    assert_ne!(digest(&[("a.render.yaml", RENDER_FILE), ("page.hbs", "b")]), base);
    assert_ne!(digest(&[("b.render.yaml", RENDER_FILE), ("page.hbs", "a")]), base);
}
