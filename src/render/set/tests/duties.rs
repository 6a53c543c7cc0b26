//! What render files ask for beside copies, with the values of a role.

use std::time::Duration;

use verwalter_apply::role::{Action, CommandLine, Piece, Probe, Program, Text};

use super::*;

fn rendered(render_file: &str, templates: &[(&str, &str)]) -> Result<RenderedRole, String> {
    let mut files = vec![("sub/a.render.yaml", render_file)];
    files.extend(templates);
    render_role(&mut load(&files, &RenderLimits::default()).map_err(|err| err.to_string())?).map_err(|err| err.to_string())
}

#[test]
fn a_text_becomes_as_many_files_as_it_has_sections() {
    let file = "templates: {p: p.hbs}\ncommands:\n- !SplitText {section: '^== (.*)$', validate: '[a-z0-9]+', src: '{{ files.p }}', \
                dest: '/etc/{{ role }}/(*).conf', mode: 0600, owner: root, group: '33', backup: 2, check: [/bin/lint, '{{ staged }}']}\n";
    let role = rendered(file, &[("sub/p.hbs", "{{#each list}}== n{{this}}\nx {{this}}\n{{/each}}")]).expect("rendered");
    let of = |file: &RenderedFile| (file.dest.clone(), String::from_utf8(file.bytes.clone()).expect("text"));
    assert_eq!(
        role.files.iter().map(of).collect::<Vec<_>>(),
        ["a", "b", "c"].map(|item| (format!("/etc/web/n{item}.conf"), format!("x {item}\n")))
    );
    let check = CommandLine {
        source: "sub/a.render.yaml:3".to_owned(),
        program: Program::Named("/bin/lint".to_owned()),
        arguments: vec![Text(vec![Piece::Staged])],
        timeout: Duration::from_secs(30),
    };
    for file in &role.files {
        assert_eq!((file.mode, file.owner.as_deref(), file.group.as_deref(), file.backups), (0o600, Some("root"), Some("33"), 2));
        assert_eq!(file.check.as_ref(), Some(&check));
    }
    let bad = |text: &str, part: &str| {
        let err = rendered(file, &[("sub/p.hbs", text)]).expect_err("refused");
        assert!(err.starts_with("role web: template web/v1: sub/a.render.yaml:3: ") && err.contains(part), "{err}");
    };
    bad("x\n", "line 1 of the rendered text: text stands before the first section: `x`");
    bad("== ../x\n", "does not match the whole of `validate`: `../x`");
    bad("== a\n== a\n", "line 2 of the rendered text: a second section has the same name");
}

#[test]
fn rendered_texts_are_arguments_of_commands() {
    let file = "templates: {p: p.hbs, q: ../p.hbs}\ncommands:\n- !RootCommand [lithos_switch, '{{ role }}', '{{ files.p }}']\n\
                - !Sh 'cat {{ files.q }} {{ files.p }}'\n- !PeekLog 'web/{{ node }}.log'\n\
                - !Condition {dirs-changed: ['{{ role }}'], commands: [!Cmd [reload]]}\n\
                health: [{http: 'http://127.0.0.1/{{ role }}'}]\non-remove: [!Cmd [stop, '{{ role }}']]\n";
    let role = rendered(file, &[("sub/p.hbs", "P {{node}}"), ("p.hbs", "Q")]).expect("rendered");
    assert_eq!(role.files, []);
    let arguments: Vec<_> = role.arguments.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    assert_eq!(arguments, [("0-p", b"P alpha".as_slice()), ("1-p", b"Q".as_slice())]);
    let duties = role.duties;
    let [Action::Run(switch), Action::Run(cat), Action::PeekLog { log, source }, Action::IfChanged { directories, commands }] =
        duties.actions.as_slice()
    else {
        panic!("{:?}", duties.actions);
    };
    let at = |name: &str| Piece::Argument(name.to_owned());
    assert_eq!((&switch.program, switch.takes_texts()), (&Program::Root("lithos_switch".to_owned()), true));
    assert_eq!(switch.arguments, [Text::plain("web"), Text(vec![at("0-p")])]);
    let (plain, space) = (Piece::Plain("cat ".to_owned()), Piece::Plain(" ".to_owned()));
    assert_eq!((&cat.program, &cat.arguments), (&Program::Shell, &vec![Text(vec![plain, at("1-p"), space, at("0-p")])]));
    assert_eq!((log.as_str(), source.as_str()), ("web/alpha.log", "sub/a.render.yaml:5"));
    assert_eq!((directories.as_slice(), commands.len()), ([std::path::PathBuf::from("web")].as_slice(), 1));
    assert!(matches!(&duties.health[0].probe, Probe::Http { url, .. } if url == "http://127.0.0.1/web"));
    assert!(matches!(&duties.on_remove[..], [Action::Run(line)] if line.arguments == [Text::plain("web")]));
}

#[test]
fn what_is_kept_is_a_rendered_list() {
    let file = "templates: {p: p.hbs}\ncommands:\n- !CleanFiles {pattern: '/etc/{{ role }}/(*).conf', keep-list: '{{ files.p }}'}\n";
    let role = rendered(file, &[("sub/p.hbs", "a\n\n b \n")]).expect("rendered");
    assert_eq!(role.cleanups.len(), 1);
    assert_eq!(
        (role.cleanups[0].pattern.as_str(), role.cleanups[0].keep.as_slice()),
        ("/etc/web/(*).conf", ["a".into(), "b".into()].as_slice())
    );
}

#[test]
fn one_text_does_not_become_more_than_a_role_may_hold() {
    let copies: String = (0..5).map(|n| format!("- !Copy {{src: '{{{{ files.p }}}}', dest: f{n}}}\n")).collect();
    let file = format!("templates: {{p: p.hbs}}\ncommands:\n{copies}");
    let files = [("a.render.yaml", file.as_str()), ("p.hbs", "0123456789")];
    let limits = |role_bytes| RenderLimits { role_bytes, ..RenderLimits::default() };
    assert!(render_role(&mut load(&files, &limits(50)).expect("sound")).is_ok());
    let err = render_role(&mut load(&files, &limits(49)).expect("sound")).expect_err("too much").to_string();
    assert!(err.contains("a.render.yaml:7: all files of the role together have more than 49 bytes"), "{err}");
}
