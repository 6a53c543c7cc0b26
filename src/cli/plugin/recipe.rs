//! How a language is built: the toolchain it needs, the commands to run, as `recipe.yaml` or `project.yaml` say. It never runs them.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::config::file::FileError;
use crate::config::mistakes::Mistakes;
use crate::config::yaml::{self, Tags};

pub(super) use words::Variables;

/// What is defined without a recipe's doing: the plugin's name, the same with `_` for `-` and `.`, its kind, the file to be made
/// (`build/NAME.wasm`), the directory for everything that is made (`build`), and this program.
pub(super) const BUILT_IN: [&str; 6] = ["name", "underscored", "kind", "out", "build", "verwalter"];

/// How a language is built.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Recipe {
    /// What must be there.
    pub(super) needs: Vec<Need>,
    /// What makes `{out}`: run in order in the project's directory.
    pub(super) steps: Vec<Step>,
    /// The language's own unit tests.
    pub(super) unit: Unit,
}

/// How the language's own unit tests are run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unit {
    /// What must be there, beside what the build needs.
    pub(super) needs: Vec<Need>,
    /// Run in order in the project's directory; none where the language has no runner.
    pub(super) steps: Vec<Step>,
}

/// One part of a toolchain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Need {
    /// A noun phrase for people.
    pub(super) what: String,
    /// Ways to meet it: the first that works counts. At least one.
    pub(super) any: Vec<Probe>,
    /// How to install it, a line each, the ordinary way first. At least one.
    pub(super) install: Vec<String>,
}

/// One way to meet a need: a command that ends with status 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe {
    /// Program and arguments.
    pub(super) run: Vec<String>,
    /// The oldest version that will do, compared with the first one in the command's output.
    pub(super) at_least: Option<Version>,
    /// Variables that it defines.
    pub(super) sets: BTreeMap<String, Vec<String>>,
}

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Program and arguments.
    pub(super) run: Vec<String>,
    /// What is set in its environment, beside what this program's own has.
    pub(super) env: BTreeMap<String, String>,
}

/// Numbers between dots. Missing ones count as 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(Vec<u64>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRecipe {
    #[serde(default)]
    needs: Vec<RawNeed>,
    steps: Vec<RawStep>,
    #[serde(default)]
    unit: RawUnit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawUnit {
    needs: Vec<RawNeed>,
    steps: Vec<RawStep>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawNeed {
    what: String,
    any: Vec<RawProbe>,
    install: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProbe {
    run: Vec<String>,
    #[serde(default)]
    at_least: Option<String>,
    #[serde(default)]
    sets: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawStep {
    run: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl Recipe {
    /// Reads a `recipe.yaml`: its first syntax or type error, or else all semantic errors. An error calls the text `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Recipe, Vec<FileError>> {
        let raw: RawRecipe = yaml::parse_yaml(path, text, Tags::Refused).map_err(|err| vec![err])?;
        raw.check(path, text, &[])
    }
}

impl RawRecipe {
    /// The recipe, or everything that is wrong with it. It stands below the keys `at` of `text`, the content of `path`.
    pub(super) fn check(self, path: &Path, text: &str, at: &[&str]) -> Result<Recipe, Vec<FileError>> {
        let mut reader = Reader { mistakes: Mistakes::new(path, text), known: BUILT_IN.iter().map(|name| (*name).to_owned()).collect() };
        let at: Vec<String> = at.iter().map(|key| (*key).to_owned()).collect();
        let below = |keys: &[&str]| at.iter().cloned().chain(keys.iter().map(|key| (*key).to_owned())).collect::<Vec<_>>();
        let needs = reader.needs(self.needs, &below(&["needs"]));
        let steps = reader.steps(self.steps, &below(&["steps"]));
        if steps.is_empty() {
            reader.refuse(&below(&["steps"]), "has no commands: write what makes {out}");
        }
        let unit = Unit {
            needs: reader.needs(self.unit.needs, &below(&["unit", "needs"])),
            steps: reader.steps(self.unit.steps, &below(&["unit", "steps"])),
        };
        if reader.mistakes.is_empty() { Ok(Recipe { needs, steps, unit }) } else { Err(reader.mistakes.into_errors()) }
    }
}

/// Reads a recipe in the order in which it is carried out: what is defined later is not known yet.
struct Reader<'a> {
    mistakes: Mistakes<'a>,
    known: BTreeSet<String>,
}

impl Reader<'_> {
    fn refuse(&mut self, keys: &[String], message: impl Into<String>) {
        let path: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.mistakes.add_as(&path, || shown(keys), message);
    }

    fn needs(&mut self, raw: Vec<RawNeed>, at: &[String]) -> Vec<Need> {
        raw.into_iter().enumerate().map(|(index, need)| self.need(need, &below(at, &[&index]))).collect()
    }

    fn need(&mut self, raw: RawNeed, at: &[String]) -> Need {
        if raw.what.trim().is_empty() {
            self.refuse(&below(at, &[&"what"]), "is empty: say what is needed, for a message");
        }
        if raw.any.is_empty() {
            self.refuse(&below(at, &[&"any"]), "has no entries: write a command that shows whether it is there");
        }
        if raw.install.iter().all(|line| line.trim().is_empty()) {
            self.refuse(&below(at, &[&"install"]), "has no lines: say how to install it");
        }
        // What not every way defines, nobody can use.
        let mut common: Option<BTreeSet<String>> = None;
        let mut any = Vec::new();
        for (index, probe) in raw.any.into_iter().enumerate() {
            let at = below(at, &[&"any", &index]);
            self.words(&probe.run, &below(&at, &[&"run"]));
            for (name, words) in &probe.sets {
                let at = below(&at, &[&"sets", name]);
                if !words::is_name(name) {
                    self.refuse(&at, "is no name of a variable: write [a-z][a-z0-9_-]*");
                } else if BUILT_IN.contains(&name.as_str()) {
                    self.refuse(&at, "is defined already: choose another name");
                }
                // None at all is possible: an option that only other ways need.
                self.defined(words, &at);
            }
            let at_least = probe.at_least.and_then(|text| {
                let version = Version::parse(&text);
                if version.is_none() {
                    self.refuse(&below(&at, &[&"at-least"]), "is no version: write numbers between dots");
                }
                version
            });
            let names: BTreeSet<String> = probe.sets.keys().cloned().collect();
            common = Some(common.map_or_else(|| names.clone(), |common| &common & &names));
            any.push(Probe { run: probe.run, at_least, sets: probe.sets });
        }
        self.known.extend(common.unwrap_or_default());
        Need { what: raw.what, any, install: raw.install }
    }

    fn steps(&mut self, raw: Vec<RawStep>, at: &[String]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, step) in raw.into_iter().enumerate() {
            let at = below(at, &[&index]);
            self.words(&step.run, &below(&at, &[&"run"]));
            for (name, value) in &step.env {
                let at = below(&at, &[&"env", name]);
                if name.is_empty() || name.contains(['=', '\0']) {
                    self.refuse(&at, "is no name of an environment variable");
                }
                self.known_variables(value, &at);
            }
            steps.push(Step { run: step.run, env: step.env });
        }
        steps
    }

    fn words(&mut self, words: &[String], at: &[String]) {
        if words.first().is_none_or(String::is_empty) {
            self.refuse(at, "has no words: write the program and its arguments");
        }
        self.defined(words, at);
    }

    fn defined(&mut self, words: &[String], at: &[String]) {
        for (index, word) in words.iter().enumerate() {
            self.known_variables(word, &below(at, &[&index]));
        }
    }

    fn known_variables(&mut self, word: &str, at: &[String]) {
        if word.contains('\0') {
            self.refuse(at, "holds a character 0, which no command can be given");
        }
        for name in words::variables(word).filter(|name| !self.known.contains(*name)).collect::<Vec<_>>() {
            let known = self.known.iter().map(|known| format!("{{{known}}}")).collect::<Vec<_>>().join(" ");
            let message = format!(
                "{{{name}}} is not defined here: there are {known}, and what every entry of a need `sets`; a shell's own is written ${name}"
            );
            self.refuse(at, message);
        }
    }
}

/// A path of keys as messages write it.
fn shown(keys: &[String]) -> String {
    let mut shown = String::new();
    for key in keys {
        match key.parse::<usize>() {
            Ok(index) => shown.push_str(&format!("[{index}]")),
            Err(_) if shown.is_empty() => shown.push_str(key),
            Err(_) => shown.push_str(&format!(".{key}")),
        }
    }
    shown
}

fn below(at: &[String], keys: &[&dyn ToString]) -> Vec<String> {
    at.iter().cloned().chain(keys.iter().map(|key| key.to_string())).collect()
}

impl Version {
    /// Reads `14` or `1.2.3`.
    fn parse(text: &str) -> Option<Version> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>().map(Version)
    }

    /// The first dotted number in `output`, or else the first number.
    pub(super) fn first_in(output: &str) -> Option<Version> {
        let numbers = output.split(|c: char| !c.is_ascii_digit() && c != '.').map(|number| number.trim_matches('.'));
        let mut versions = numbers.filter(|number| !number.is_empty()).filter_map(Version::parse).peekable();
        let plain = versions.peek().cloned();
        versions.find(|version| version.0.len() > 1).or(plain)
    }

    /// Whether it is not older than `least`.
    pub(super) fn reaches(&self, least: &Version) -> bool {
        let part = |version: &Version, index: usize| version.0.get(index).copied().unwrap_or(0);
        let parts = self.0.len().max(least.0.len());
        let differing = (0..parts).find(|index| part(self, *index) != part(least, *index));
        differing.is_none_or(|index| part(self, index) > part(least, index))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests;
