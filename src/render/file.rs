//! Render files: which templates are rendered and where the files go. It reads no template and renders nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{Location, Spanned};

use super::Problem;
use super::source::Source;
use super::substitute::Pattern;
use crate::config::yaml::{self, Tags};

/// The mode of a file whose command names none.
const DEFAULT_MODE: u32 = 0o644;

/// A render file, checked.
#[derive(Debug)]
pub(super) struct RenderFile {
    /// Its own name.
    pub(super) name: String,
    /// What it calls its templates, and the names of these in the directory.
    pub(super) templates: BTreeMap<String, String>,
    /// What is done with them, in order.
    pub(super) copies: Vec<Copy>,
}

/// `!Copy`
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) line: Option<usize>,
    /// A key of the file's `templates`.
    pub(super) src: String,
    pub(super) dest: Pattern,
    pub(super) mode: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    templates: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    commands: Vec<Spanned<RawCommand>>,
}

#[derive(Deserialize)]
enum RawCommand {
    Copy(Box<RawCopy>),
    Cmd(IgnoredAny),
    RootCommand(IgnoredAny),
    Sh(IgnoredAny),
    Condition(IgnoredAny),
    SplitText(IgnoredAny),
    CleanFiles(IgnoredAny),
    PeekLog(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCopy {
    src: Spanned<String>,
    dest: Spanned<String>,
    mode: Option<Spanned<String>>,
}

/// Reads a render file. `templates` are the names of the templates in the directory.
pub(super) fn parse(source: &Source, templates: &BTreeSet<&str>) -> Result<RenderFile, Vec<Problem>> {
    let raw: RawFile = from_yaml(source).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut problem = |at: Location, message: String| problems.push(Problem { file: source.name.clone(), line: line(at), message });
    let mut file = RenderFile { name: source.name.clone(), templates: BTreeMap::new(), copies: Vec::new() };
    for (key, path) in &raw.templates {
        match beside(&source.name, &path.value).filter(|name| templates.contains(name.as_str())) {
            Some(name) => drop(file.templates.insert(key.clone(), name)),
            None => problem(
                path.referenced,
                format!(
                    "`templates.{key}` names `{}`, which is no template: it must be a .hbs file, relative to this one",
                    path.value.escape_debug()
                ),
            ),
        }
    }
    for command in raw.commands {
        let at = command.referenced;
        let unsupported = match command.value {
            RawCommand::Copy(raw_copy) => {
                match copy(&raw_copy, at, &raw.templates) {
                    Ok(copy) => file.copies.push(copy),
                    Err((at, message)) => problem(at, message),
                }
                continue;
            }
            RawCommand::Cmd(_) => "Cmd",
            RawCommand::RootCommand(_) => "RootCommand",
            RawCommand::Sh(_) => "Sh",
            RawCommand::Condition(_) => "Condition",
            RawCommand::SplitText(_) => "SplitText",
            RawCommand::CleanFiles(_) => "CleanFiles",
            RawCommand::PeekLog(_) => "PeekLog",
        };
        problem(at, format!("`!{unsupported}` is not supported by this version: remove it, `!Copy` is the only command so far"));
    }
    if problems.is_empty() { Ok(file) } else { Err(problems) }
}

fn copy(raw: &RawCopy, at: Location, templates: &BTreeMap<String, Spanned<String>>) -> Result<Copy, (Location, String)> {
    let pattern = |text: &Spanned<String>, key: &str| {
        Pattern::parse(&text.value, templates.keys().map(String::as_str))
            .map_err(|message| (text.referenced, format!("`{key}`: {message}")))
    };
    let src = pattern(&raw.src, "src")?;
    let Some(src) = src.file() else {
        return Err((raw.src.referenced, "`src` must be one `{{ files.NAME }}` and nothing else, with NAME from `templates`".to_owned()));
    };
    let dest = pattern(&raw.dest, "dest")?;
    if dest.names_file() {
        return Err((
            raw.dest.referenced,
            "`dest` cannot hold `{{ files.NAME }}`: write a path, relative to the output directory or absolute".to_owned(),
        ));
    }
    let mode = match &raw.mode {
        Some(text) => mode(&text.value).map_err(|message| (text.referenced, message))?,
        None => DEFAULT_MODE,
    };
    Ok(Copy { line: line(at), src: src.to_owned(), dest, mode })
}

/// Permission bits, written `"0644"`, `0644` or `0o644`. Read from the text: YAML's versions differ on whether `0644` is octal.
fn mode(text: &str) -> Result<u32, String> {
    let shown = || text.escape_debug().to_string().chars().take(32).collect::<String>();
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix('0'));
    let bits = digits
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|d| u32::from_str_radix(d, 8).ok());
    match bits {
        Some(bits) if bits <= 0o777 => Ok(bits),
        Some(bits) if bits <= 0o7777 => {
            Err(format!("the mode `{}` sets setuid, setgid or the sticky bit, which no rendered file may have: write `0644`", shown()))
        }
        _ => Err(format!("the mode `{}` is no octal number: write it as `0644`", shown())),
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
    yaml::parse_yaml(Path::new(&source.name), &source.text, Tags::Meant).map_err(|err| {
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
    use super::*;

    fn parse_text(text: &str) -> Result<RenderFile, Vec<Problem>> {
        let source = Source { name: "sub/a.render.yaml".to_owned(), text: text.to_owned() };
        parse(&source, &BTreeSet::from(["sub/page.hbs", "top.hbs"]))
    }

    fn check_mode(mode: &str, expect: Result<u32, &str>) {
        let text = format!("templates: {{page: page.hbs}}\ncommands:\n- !Copy {{src: '{{{{ files.page }}}}', dest: a, mode: {mode}}}\n");
        match (parse_text(&text), expect) {
            (Ok(file), Ok(mode)) => assert_eq!(file.copies[0].mode, mode),
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
            file.copies.iter().map(|copy| (&*copy.src, copy.mode, copy.line)).collect::<Vec<_>>(),
            [("page", 0o644, Some(6)), ("top", 0o600, Some(8))]
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
    fn every_problem_has_its_line() {
        check_refused("templates: {a: ../../top.hbs}", &[(1, "is no template")]);
        check_refused("templates: {a: /top.hbs}", &[(1, "is no template")]);
        check_refused(
            "commands:\n- !Sh 'rm -rf /'\n- !Cmd [a, b]\n",
            &[(2, "`!Sh` is not supported by this version"), (3, "`!Cmd` is not")],
        );
        check_refused("commands:\n- !Condition {dirs_changed: [a], commands: [!Sh b]}\n", &[(2, "`!Condition` is not")]);
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
        check_refused("commands:\n- !Copy {src: a, dest: b, owner: root}\n", &[(2, "owner")]);
        check_refused("templates: {}\ncomands: []\n", &[(2, "comands")]);
        check_refused("commands:\n- !Copi {src: a, dest: b}\n- {src: a}\n- !x [1]\n", &[(2, "unknown tag `!Copi`")]);
        check_refused("commands:\n- {src: a, dest: b}\n", &[(2, "`src` is not known here")]);
        check_refused("commands:\n- !x [1]\n", &[(2, "")]);
        check_refused("commands: [!Copy 7]\n", &[(1, "")]);
        check_refused("commands:\n- [\n", &[(2, "unclosed")]);
        check_refused("templates: {a: x}\ntemplates: {a: y}\n", &[(2, "templates")]);
    }
}
