//! The `{{ … }}` in the strings of render files: a closed list of names, checked when the file is read. No template is rendered here.

use std::collections::BTreeSet;

use verwalter_apply::role::{Piece, Text};

/// A string with its substitutions found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Role,
    Node,
    File(String),
    Staged,
}

/// What a string may name besides `role` and `node`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The names under `templates:`.
    pub(super) files: &'a BTreeSet<&'a str>,
    /// Whether it is about a file that is staged.
    pub(super) staged: bool,
}

/// The values of one render.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    /// The role.
    pub(super) role: &'a str,
    /// The node's hostname, where the variables have one.
    pub(super) node: Option<&'a str>,
}

impl Pattern {
    /// Finds the substitutions in `text`. An error says what is wrong and what is known.
    pub(super) fn parse(text: &str, names: Names<'_>) -> Result<Pattern, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("a `{{` is not closed: write `}}` after the name")?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match name.trim() {
                "role" => Part::Role,
                "node" => Part::Node,
                "staged" if names.staged => Part::Staged,
                name => match name.strip_prefix("files.") {
                    Some(file) if names.files.contains(file) => Part::File(file.to_owned()),
                    _ => return Err(format!("there is no `{}`: known are {}", name.escape_debug(), known(names))),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Pattern(parts))
    }

    /// The name under `templates:` when the whole string is one `{{ files.NAME }}`.
    pub(super) fn file(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::File(name)] => Some(name),
            _ => None,
        }
    }

    /// Whether a path stands anywhere in the string that is known only when it is used.
    pub(super) fn names_path(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::File(_) | Part::Staged))
    }

    /// What stands before whatever is put into it.
    pub(super) fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether nothing is put into it.
    pub(super) fn is_constant(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether the path of a rendered text stands in it.
    pub(super) fn names_file(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::File(_)))
    }

    /// Whether the file that is staged stands in it.
    pub(super) fn names_staged(&self) -> bool {
        self.0.contains(&Part::Staged)
    }

    /// The string with its values. An error says which value is not there.
    pub(super) fn fill(&self, values: Values<'_>) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            text += match part {
                Part::Text(text) => text,
                Part::Role => values.role,
                Part::Node => values.node()?,
                Part::File(_) | Part::Staged => return Err("only commands are told paths of rendered files".to_owned()),
            };
        }
        Ok(text)
    }

    /// The string with its values, but for paths. `argument` gives the name under which a rendered text becomes a file.
    pub(super) fn fill_text(&self, values: Values<'_>, mut argument: impl FnMut(&str) -> String) -> Result<Text, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        for part in &self.0 {
            let plain = match part {
                Part::Text(text) => text,
                Part::Role => values.role,
                Part::Node => values.node()?,
                Part::File(name) => {
                    pieces.push(Piece::Argument(argument(name)));
                    continue;
                }
                Part::Staged => {
                    pieces.push(Piece::Staged);
                    continue;
                }
            };
            match pieces.last_mut() {
                Some(Piece::Plain(before)) => before.push_str(plain),
                _ => pieces.push(Piece::Plain(plain.to_owned())),
            }
        }
        Ok(Text(pieces))
    }
}

impl Values<'_> {
    fn node(&self) -> Result<&str, String> {
        self.node.ok_or_else(|| "there is no `node` among the variables, or it is no hostname: set it to the node's".to_owned())
    }
}

fn known(names: Names<'_>) -> String {
    let staged = names.staged.then(|| "`staged`".to_owned());
    let files = names.files.iter().map(|file| format!("`files.{file}`"));
    ["`role`".to_owned(), "`node`".to_owned()].into_iter().chain(staged).chain(files).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&str, &str>) {
        let values = Values { role: "web", node: Some("alpha") };
        let names = Names { files: &BTreeSet::from(["page", "conf"]), staged: false };
        let got = Pattern::parse(text, names).and_then(|pattern| pattern.fill(values));
        assert_eq!(got, expect.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn substitutions() {
        check("", Ok(""));
        check("a/b", Ok("a/b"));
        check("{{ role }}/{{node}}.conf", Ok("web/alpha.conf"));
        check("}} {role}", Ok("}} {role}"));
        check("{{ role", Err("a `{{` is not closed: write `}}` after the name"));
        check("x{{ rolle }}", Err("there is no `rolle`: known are `role`, `node`, `files.conf`, `files.page`"));
        check("{{ files.pag }}", Err("there is no `files.pag`: known are `role`, `node`, `files.conf`, `files.page`"));
        check("{{}}", Err("there is no ``: known are `role`, `node`, `files.conf`, `files.page`"));
        check("{{ files.page }}", Err("only commands are told paths of rendered files"));
    }

    #[test]
    fn a_missing_node_is_an_error_only_where_it_is_used() {
        let fill = |text| {
            Pattern::parse(text, Names { files: &BTreeSet::new(), staged: false }).expect("valid").fill(Values { role: "web", node: None })
        };
        assert_eq!(fill("{{role}}"), Ok("web".to_owned()));
        assert!(fill("{{node}}").is_err());
    }

    #[test]
    fn paths_stay_open() {
        let names = Names { files: &BTreeSet::from(["page"]), staged: true };
        let pattern = Pattern::parse("{{role}}={{ files.page }}:{{ staged }}{{ node }}!", names).expect("valid");
        assert!(pattern.names_path() && pattern.names_staged() && !pattern.is_constant());
        let text = pattern.fill_text(Values { role: "web", node: Some("alpha") }, |key| format!("0-{key}"));
        let plain = |text: &str| Piece::Plain(text.to_owned());
        let pieces = vec![plain("web="), Piece::Argument("0-page".to_owned()), plain(":"), Piece::Staged, plain("alpha!")];
        assert_eq!(text, Ok(Text(pieces.clone())));
        let filled = Text(pieces).fill(|name| Some(format!("/r/{name}")), Some("/s"));
        assert_eq!(filled.as_deref(), Some("web=/r/0-page:/salpha!"));
    }
}
