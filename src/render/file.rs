//! Render files: which templates are rendered, where the files go, and what is done then. It reads no template, renders nothing, and
//! neither writes a file nor runs a command.

mod duties;
mod places;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::{Location, Spanned};

pub(super) use self::duties::{DutiesPattern, HealthPattern, Line, ProbePattern, StepPattern};
pub(super) use self::places::{Attributes, Clean, How, Place};
use self::raw::{RawCommand, RawFile};
use super::Problem;
use super::source::Source;
use super::substitute::{Names, Pattern};
use crate::config::mistakes::MAX_MISTAKES;
use crate::config::pace::{PaceKeys, RawPace};
use crate::config::suggest;
use crate::config::yaml::{self, Tags};

/// The keys of a render file.
const KEYS: [&str; 7] = ["templates", "commands", "health", "on-remove", "wait", "splay", "interval"];

/// A render file, checked.
#[derive(Debug)]
pub(super) struct RenderFile {
    /// Its own name.
    pub(super) name: String,
    /// What it calls its templates, and the names of these in the directory.
    pub(super) templates: BTreeMap<String, String>,
    /// The files that are made of them, in order.
    pub(super) places: Vec<Place>,
    /// What removes others.
    pub(super) cleans: Vec<Clean>,
    /// What is done then.
    pub(super) duties: DutiesPattern,
    /// How soon and how often.
    pub(super) pace: PaceKeys,
}

/// What is wrong, and where.
type Wrong = (Location, String);

/// Reads a render file. `templates` are the names of the templates in the directory.
pub(super) fn parse(source: &Source, templates: &BTreeSet<&str>) -> Result<RenderFile, Vec<Problem>> {
    if source.text.trim().is_empty() {
        // Most likely it is being written, or was lost: a role without files would lose those that it has.
        let message = "it is empty: write what the role is made of, or `templates: {}` if it is to have nothing".to_owned();
        return Err(vec![Problem { file: source.name.clone(), line: None, message }]);
    }
    let raw: RawFile = from_yaml(source).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut file = RenderFile {
        name: source.name.clone(),
        templates: BTreeMap::new(),
        places: Vec::new(),
        cleans: Vec::new(),
        duties: DutiesPattern::default(),
        pace: PaceKeys::default(),
    };
    let unknown = || raw.others.keys().filter(|key| !key.starts_with('_'));
    for key in unknown().take(MAX_MISTAKES) {
        let at = yaml::locate(&source.text, &[key]).map(|at| at.line as usize);
        let message = format!("`{}`: unknown key: {}", key.escape_debug(), suggest::hint(key, &KEYS));
        problems.push(Problem { file: source.name.clone(), line: at, message });
    }
    if let Some(more) = unknown().count().checked_sub(MAX_MISTAKES).filter(|more| *more > 0) {
        let message = format!("has {more} more unknown keys than the {MAX_MISTAKES} that are told: mend these first");
        problems.push(Problem { file: source.name.clone(), line: None, message });
    }
    let mut problem = |(at, message): Wrong| problems.push(Problem { file: source.name.clone(), line: line(at), message });
    for (key, path) in &raw.templates {
        match beside(&source.name, &path.value).filter(|name| templates.contains(name.as_str())) {
            Some(name) => drop(file.templates.insert(key.clone(), name)),
            None => problem((
                path.referenced,
                format!(
                    "`templates.{key}` names `{}`, which is no template: it must be a .hbs file, relative to this one",
                    path.value.escape_debug()
                ),
            )),
        }
    }
    // Those that name no template are told once: what refers to them is not at fault.
    let files: BTreeSet<&str> = raw.templates.keys().map(String::as_str).collect();
    let reader = Reader { names: Names { files: &files, staged: false } };
    for command in raw.commands {
        let at = command.referenced;
        let read = match command.value {
            RawCommand::Copy(raw) => reader.copy(&raw, at).map(|place| file.places.push(place)),
            RawCommand::SplitText(raw) => reader.split(&raw, at).map(|place| file.places.push(place)),
            RawCommand::CleanFiles(raw) => reader.clean(&raw, at).map(|clean| file.cleans.push(clean)),
            other => reader.step(other, at).map(|step| file.duties.actions.push(step)),
        };
        if let Err(wrong) = read {
            problem(wrong);
        }
    }
    for health in raw.health {
        match reader.health(&health.value, health.referenced) {
            Ok(health) => file.duties.health.push(health),
            Err(wrong) => problem(wrong),
        }
    }
    for command in raw.on_remove {
        match reader.farewell(command.value, command.referenced) {
            Ok(step) => file.duties.on_remove.push(step),
            Err(wrong) => problem(wrong),
        }
    }
    let pace = RawPace { wait: raw.wait, splay: raw.splay, interval: raw.interval };
    file.pace = PaceKeys::check(pace, &mut |keys, message| {
        let at = yaml::locate(&source.text, keys).map(|at| at.line as usize);
        problems.push(Problem { file: source.name.clone(), line: at, message: format!("`{}`: {message}", keys.join(".")) });
    });
    if problems.is_empty() { Ok(file) } else { Err(problems) }
}

/// Reads the parts of one render file.
#[derive(Clone, Copy)]
struct Reader<'a> {
    names: Names<'a>,
}

impl Reader<'_> {
    /// A string with its substitutions; `key` is what a message calls it.
    fn pattern(&self, text: &Spanned<String>, key: &str) -> Result<Pattern, Wrong> {
        self.pattern_at(&text.value, text.referenced, key)
    }

    fn pattern_at(&self, text: &str, at: Location, key: &str) -> Result<Pattern, Wrong> {
        Pattern::parse(text, self.names).map_err(|message| (at, format!("`{key}`: {message}")))
    }
}

/// The name of a file that stands in the directory of the file `name`, if it does not leave the template directory.
fn beside(name: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" => return None,
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn from_yaml<T: DeserializeOwned>(source: &Source) -> Result<T, Problem> {
    yaml::parse_yaml(Path::new(&source.name), &source.text, Tags::Meant(raw::KINDS)).map_err(|err| {
        let key = if err.key.is_empty() { String::new() } else { format!("`{}`: ", err.key) };
        Problem { file: source.name.clone(), line: err.at.map(|at| at.line as usize), message: format!("{key}{}", err.message) }
    })
}

fn line(at: Location) -> Option<usize> {
    // The library counts from 1; 0 is its "unknown".
    usize::try_from(at.line()).ok().filter(|line| *line > 0)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use verwalter_apply::Format;

    use super::*;
    use crate::config::pace::Pace;

    fn parse_text(text: &str) -> Result<RenderFile, Vec<Problem>> {
        let source = Source { name: "sub/a.render.yaml".to_owned(), text: text.to_owned() };
        parse(&source, &BTreeSet::from(["sub/page.hbs", "top.hbs"]))
    }

    fn check_mode(mode: &str, expect: Result<u32, &str>) {
        let text = format!("templates: {{page: page.hbs}}\ncommands:\n- !Copy {{src: '{{{{ files.page }}}}', dest: a, mode: {mode}}}\n");
        match (parse_text(&text), expect) {
            (Ok(file), Ok(mode)) => assert_eq!(file.places[0].attributes.mode, Some(mode)),
            (Err(problems), Err(part)) => {
                assert!(problems.len() == 1 && problems[0].line == Some(3) && problems[0].message.contains(part), "{problems:?}");
            }
            (got, _) => panic!("{mode}: {got:?}"),
        }
    }

    fn check_refused(text: &str, expect: &[(usize, &str)]) {
        let problems = parse_text(text).expect_err(text);
        assert_eq!(problems.len(), expect.len(), "{problems:?}");
        for (problem, (line, part)) in problems.iter().zip(expect) {
            assert!(problem.line == Some(*line) && problem.message.contains(part), "{text}: {problem:?}, not {part}");
        }
    }

    #[test]
    fn reads_templates_and_copies() {
        let file = parse_text(
            "templates:\n  page: page.hbs\n  top: ../top.hbs\ncommands:\n- !Copy\n  src: \"{{ files.page }}\"\n  dest: \"{{ role }}/a\"\n\
             - !Copy { src: \"{{files.top}}\", dest: b, mode: \"0600\" }\n",
        )
        .expect("sound");
        assert_eq!(file.templates.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), [("page", "sub/page.hbs"), ("top", "top.hbs")]);
        assert_eq!(
            file.places.iter().map(|place| (&*place.src, place.attributes.mode, place.line)).collect::<Vec<_>>(),
            [("page", None, Some(6)), ("top", Some(0o600), Some(8))]
        );
    }

    #[test]
    fn modes() {
        check_mode("\"0644\"", Ok(0o644));
        check_mode("0o640", Ok(0o640));
        check_mode("0755", Ok(0o755));
        check_mode("0000", Ok(0));
        check_mode("\"4755\"", Err("no octal number"));
        check_mode("\"04755\"", Err("setuid"));
        check_mode("0o1777", Err("setuid"));
        check_mode("420", Err("no octal number"));
        check_mode("\"0888\"", Err("no octal number"));
        check_mode("rw-r--r--", Err("no octal number"));
        check_mode("\"0+44\"", Err("no octal number"));
        check_mode("077777777777777777777", Err("no octal number"));
    }

    #[test]
    fn formats() {
        let copy =
            |rest: &str| format!("templates: {{page: page.hbs}}\ncommands:\n- !Copy\n  src: '{{{{ files.page }}}}'\n  dest: a\n{rest}");
        let format = |rest: &str| parse_text(&copy(rest)).expect("sound").places[0].attributes.format;
        assert_eq!(format(""), None);
        for known in Format::ALL {
            assert_eq!(format(&format!("  format: {known}\n")), Some(known));
        }
        let message = "`yml` is no format: write one of `yaml`, `json`, `toml`, `ini`, `systemd`, `nginx`";
        check_refused(&copy("  format: yml\n"), &[(6, message)]);
        check_refused(&copy("  format: [yaml]\n"), &[(6, "format")]);
    }

    #[test]
    fn every_problem_has_its_line() {
        check_refused("templates: {a: ../../top.hbs}", &[(1, "is no template")]);
        check_refused("templates: {a: /top.hbs}", &[(1, "is no template")]);
        check_refused("commands:\n- !Copy {src: a, dest: b}\n", &[(2, "must be one `{{ files.NAME }}`")]);
        check_refused("commands:\n- !Copy\n  src: '{{ files.x }}'\n  dest: b\n", &[(3, "there is no `files.x`: known are `role`, `node`")]);
        check_refused(
            "templates: {p: page.hbs}\ncommands:\n- !Copy\n  src: '{{ files.p }}'\n  dest: 'x/{{ rol }}'\n",
            &[(5, "`dest`: there is no `rol`")],
        );
        check_refused(
            "templates: {p: page.hbs}\ncommands:\n- !Copy {src: '{{files.p}}', dest: '{{files.p}}'}\n",
            &[(3, "`dest` cannot hold")],
        );
        check_refused("commands:\n- !Copy {src: a, dest: b, onwer: root}\n", &[(2, "onwer")]);
        check_refused("templates: {}\ncomands: []\n", &[(2, "comands")]);
        check_refused("commands:\n- !Copi {src: a, dest: b}\n- {src: a}\n- !x [1]\n", &[(2, "`commands[0]`: unknown tag `!Copi`")]);
        let kinds = "known are `Copy`, `SplitText`, `CleanFiles`, `Cmd`, `RootCommand`, `Sh`, `Condition`, `PeekLog`";
        for unknown in ["!Frob x", "!Frob {a: b}", "!Frob [x]"] {
            let commands = format!("commands:\n- !PeekLog a/b\n- {unknown}\n");
            check_refused(&commands, &[(3, &format!("`commands[1]`: unknown tag `!Frob`: {kinds}"))]);
        }
        let begins = "`commands[0]`: a command begins with its kind, as in `!Cmd [nginx, -t]` or `!Sh 'systemctl reload nginx'`";
        check_refused("commands:\n- [nginx, -t]\n", &[(2, begins)]);
        check_refused("commands:\n- !Copy {src: a, dst: b}\n", &[(2, "`commands[0].Copy.dst`: unknown key: did you mean `dest`?")]);
        check_refused("templates: {value: [1], a: b}\n", &[(1, "`templates.value`: ")]);
        check_refused("commands:\n- {src: a, dest: b}\n", &[(2, "`src` is not known here")]);
        check_refused("commands:\n- !x [1]\n", &[(2, "")]);
        check_refused("commands: [!Copy 7]\n", &[(1, "")]);
        check_refused("commands:\n- [\n", &[(2, "unclosed")]);
        check_refused("templates: {a: x}\ntemplates: {a: y}\n", &[(2, "templates")]);
    }

    #[test]
    fn what_is_done_once_the_files_are_in_place() {
        let file = parse_text(
            "templates: {page: page.hbs}\n_shared: [1]\ncommands:\n- !Cmd [nginx, -t, '{{ files.page }}', 7]\n\
             - !RootCommand {command: [lithos_switch, '{{ role }}'], timeout: 2m}\n- !Sh echo {{ node }}\n- !Sh true\n\
             - !Sh {script: sleep 1, timeout: 5s}\n- !Condition {dirs_changed: [/etc/n, 'x/{{ role }}'], commands: [!Sh reload]}\n\
             - !PeekLog 'web/{{ role }}.log'\n\
             health:\n- {http: 'http://127.0.0.1:80/', within: 10s, successes: 3}\n- {command: [test, -e, /x]}\n- {sh: 'true', every: 200ms}\n\
             on_remove: [!Cmd [systemctl, stop, x]]\n",
        )
        .expect("sound");
        expect![[r#"
            Run 4 Named("nginx") 3 30s
            Run 5 Root("lithos_switch") 1 120s
            Run 6 Shell 1 30s
            Run 7 Shell 1 30s
            Run 8 Shell 1 5s
            IfChanged 9 2 1
            PeekLog 10
            Http 12 10s 1s 3
            Command 13 30s 1s 1
            Command 14 30s 200ms 1
            Run 15 Named("systemctl") 2 30s
        "#]]
        .assert_eq(&shown(&file.duties));
    }

    fn shown(duties: &DutiesPattern) -> String {
        let step = |step: &StepPattern| match step {
            StepPattern::Run(Line { line, program, arguments, timeout }) => {
                format!("Run {} {program:?} {} {timeout:?}\n", line.unwrap_or(0), arguments.len())
            }
            StepPattern::IfChanged { line, directories, commands } => {
                format!("IfChanged {} {} {}\n", line.unwrap_or(0), directories.len(), commands.len())
            }
            StepPattern::PeekLog { line, .. } => format!("PeekLog {}\n", line.unwrap_or(0)),
        };
        let health = |health: &HealthPattern| {
            let kind = if matches!(health.probe, ProbePattern::Http { .. }) { "Http" } else { "Command" };
            format!("{kind} {} {:?} {:?} {}\n", health.line.unwrap_or(0), health.within, health.every, health.successes)
        };
        let steps = duties.actions.iter().map(step).chain(duties.health.iter().map(health)).chain(duties.on_remove.iter().map(step));
        steps.collect()
    }

    #[test]
    fn the_pace() {
        let file = parse_text("wait: {min: 2s}\nsplay: 30s\ninterval: 5m\n").expect("sound");
        let pace = file.pace.over(Pace::default());
        assert_eq!((pace.wait.min().as_secs(), pace.wait.max().as_secs()), (2, 8));
        assert_eq!((pace.splay.as_secs(), pace.interval.as_secs()), (30, 300));
        assert_eq!(parse_text("templates: {}\n").expect("sound").pace, PaceKeys::default());
        check_refused("templates: {}\nsplya: 1s\n", &[(2, "did you mean `splay`?")]);
        let empty = parse_text(" \n").expect_err("most likely an accident");
        assert!(empty[0].message.starts_with("it is empty: "), "{empty:?}");
        check_refused("wait:\n  min: 1s\n  mox: 2s\n", &[(3, "did you mean `max`?")]);
        check_refused("wait:\n  min: 5s\n  max: 1s\ninterval: 25h\n", &[(3, "`wait.max`: 1s is less"), (4, "`interval`: 25h is out of")]);
        check_refused("interval: 5\n", &[(1, "`interval`: write a whole number and a unit")]);
    }

    #[test]
    fn what_cannot_be_done_has_its_line_too() {
        let command = |command: &str, part: &str| {
            check_refused(&format!("templates: {{p: page.hbs}}\ncommands:\n- {command}\n"), &[(3, part)]);
        };
        command("!Cmd []", "there is no program");
        command("!Cmd ['']", "cannot be made of variables");
        command("!Cmd ['{{ role }}']", "cannot be made of variables");
        command("!Cmd nginx -t", "as a list, as in `[nginx, -t]`");
        command("!Cmd {command: [a], timeout: 5}", "write a whole number and a unit");
        command("!Cmd {command: [a], timeout: 2h}", "`timeout`: 2h is out of range: write 10ms to 1h");
        command("!Cmd [a, '{{ staged }}']", "there is no `staged`: known are `role`, `node`, `files.p`");
        command("!Condition {dirs-changed: [a], commands: [!Condition {dirs-changed: [b], commands: []}]}", "holds `!Cmd`");
        command("!Condition {dirs-changed: [a], commands: [!Copy {src: '{{ files.p }}', dest: b}]}", "stands where only commands may");
        command("!Condition {commands: []}", "dirs-changed");
        command("!CleanFiles {pattern: 'a/b', keep_list: '{{ files.p }}'}", "exactly one group");
        command("!CleanFiles {pattern: 'a/(*)', keep_list: /etc/list}", "must be one `{{ files.NAME }}`");
        command("!SplitText {section: 'x', validate: 'y', src: '{{ files.p }}', dest: '(*)'}", "`section` has no group");
        command("!SplitText {section: '(', validate: 'y', src: '{{ files.p }}', dest: '(*)'}", "`section` is no regular expression");
        command("!SplitText {section: '(x)', validate: ')(', src: '{{ files.p }}', dest: '(*)'}", "`validate` is no regular");
        command("!SplitText {section: '(x)', validate: 'y', src: '{{ files.p }}', dest: '*/(*)'}", "the group alone may vary");
        let copy = |rest: &str, part: &str| command(&format!("!Copy {{src: '{{{{ files.p }}}}', dest: a, {rest}}}"), part);
        copy("owner: 'a b'", "`owner` must be a name or a number");
        copy("group: -x", "`group` must be a name");
        copy("backup: 101", "`backup`: 101 is out of range");
        copy("check: [nginx, -t]", "does not look at the new file");
        copy("check: [lint, '{{ staged }}', '{{ files.p }}']", "has no path before the role is deployed");
        let file = |text: &str, line: usize, part: &str| check_refused(text, &[(line, part)]);
        file("health: [{within: 1s}]", 1, "exactly one of `command`, `sh` and `http`");
        file("health:\n- {http: 'https://a/'}", 2, "TLS is not supported");
        file("health:\n- {http: 'http://a/', status: 199}", 2, "`status`: 199 is out of range: write 200 to 599");
        file("health:\n- {http: 'http://a/', status: 65736}", 2, "`status`: 65736 is out of range");
        file("health:\n- {http: 'http://a/', contains: ''}", 2, "`contains` must have 1 to 1024 bytes");
        file(&format!("health:\n- {{http: 'http://a/', contains: {}}}", "x".repeat(1025)), 2, "`contains` must have 1 to 1024 bytes");
        file("health:\n- {http: 'http://a/', contains: '{{ rol }}'}", 2, "`contains`: there is no `rol`");
        file("templates: {p: page.hbs}\nhealth:\n- {http: 'http://a/', contains: '{{ files.p }}'}", 3, "cannot hold a path");
        file("health:\n- {sh: x, status: 200}", 2, "`status` and `contains` are about what `http` is answered");
        file("health:\n- {command: [x], contains: y}", 2, "`status` and `contains` are about");
        file("health:\n- {sh: x, successes: 0}", 2, "`successes`: 0 is out of range");
        file("on-remove:\n- !Condition {dirs-changed: [a], commands: []}\n", 2, "has no meaning in `on-remove`");
        file("templates: {p: page.hbs}\non-remove:\n- !Sh 'a {{ files.p }}'\n", 3, "the role's files are gone then");
        file("templates: {}\nhelth: []\n", 2, "did you mean `health`?");
    }
}
