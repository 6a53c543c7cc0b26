//! The `{{ … }}` in the strings of render files: a closed list of names, checked when the file is read. No template is rendered here.

/// A string with its substitutions found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Role,
    Node,
    File(String),
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
    /// Finds the substitutions in `text`; `files` are the names under `templates:`. An error says what is wrong and what is known.
    pub(super) fn parse<'a>(text: &str, files: impl Iterator<Item = &'a str>) -> Result<Pattern, String> {
        let files: Vec<&str> = files.collect();
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
                name => match name.strip_prefix("files.") {
                    Some(file) if files.contains(&file) => Part::File(file.to_owned()),
                    _ => return Err(format!("there is no `{}`: known are {}", name.escape_debug(), known(&files))),
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

    /// Whether a file stands anywhere in the string.
    pub(super) fn names_file(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::File(_)))
    }

    /// The string with its values. An error says which value is not there.
    pub(super) fn fill(&self, values: Values<'_>) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            text += match part {
                Part::Text(text) => text,
                Part::Role => values.role,
                Part::Node => values.node.ok_or("there is no `node` among the variables, or it is no hostname: set it to the node's")?,
                Part::File(name) => return Err(format!("`files.{name}` has no path: write it alone, as `src`")),
            };
        }
        Ok(text)
    }
}

fn known(files: &[&str]) -> String {
    let names = files.iter().map(|file| format!("`files.{file}`"));
    ["`role`".to_owned(), "`node`".to_owned()].into_iter().chain(names).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&str, &str>) {
        let values = Values { role: "web", node: Some("alpha") };
        let got = Pattern::parse(text, ["page", "conf"].into_iter()).and_then(|pattern| pattern.fill(values));
        assert_eq!(got, expect.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn substitutions() {
        check("", Ok(""));
        check("a/b", Ok("a/b"));
        check("{{ role }}/{{node}}.conf", Ok("web/alpha.conf"));
        check("}} {role}", Ok("}} {role}"));
        check("{{ role", Err("a `{{` is not closed: write `}}` after the name"));
        check("x{{ rolle }}", Err("there is no `rolle`: known are `role`, `node`, `files.page`, `files.conf`"));
        check("{{ files.pag }}", Err("there is no `files.pag`: known are `role`, `node`, `files.page`, `files.conf`"));
        check("{{}}", Err("there is no ``: known are `role`, `node`, `files.page`, `files.conf`"));
        check("{{ files.page }}", Err("`files.page` has no path: write it alone, as `src`"));
    }

    #[test]
    fn a_missing_node_is_an_error_only_where_it_is_used() {
        let fill = |text| Pattern::parse(text, [].into_iter()).expect("valid").fill(Values { role: "web", node: None });
        assert_eq!(fill("{{role}}"), Ok("web".to_owned()));
        assert!(fill("{{node}}").is_err());
    }
}
