//! A plugin's source directory, known by its `project.yaml`: what is built from it and where that lies. It never builds anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::recipe::{RawRecipe, Recipe};
use crate::config::file::{self, FileError};
use crate::config::yaml::{self, MAX_SETTINGS_BYTES, Tags};

/// What makes a directory a project.
pub(super) const FILE: &str = "project.yaml";

/// The source of one plugin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Project {
    /// The directory, absolute.
    pub(super) dir: PathBuf,
    /// The plugin's name: the stem of its files.
    pub(super) name: PluginName,
    /// What the plugin is for.
    pub(super) kind: Kind,
    /// One of the languages that this program has a recipe for; any word where the project brings its own.
    pub(super) language: String,
    /// The project's own recipe.
    pub(super) recipe: Option<Recipe>,
    /// Property checks that the author switched on or off, by name.
    pub(super) checks: BTreeMap<String, bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProject {
    name: PluginName,
    kind: Kind,
    language: String,
    #[serde(default)]
    recipe: Option<RawRecipe>,
    #[serde(default)]
    checks: BTreeMap<String, bool>,
}

impl Project {
    /// The project at `given`, or else the one that the working directory lies in; `None` where it lies in none.
    pub(super) fn find(given: Option<&Path>) -> anyhow::Result<Option<Project>> {
        if let Some(dir) = given {
            return Ok(Some(Project::open(&std::path::absolute(dir)?)?));
        }
        let here = std::env::current_dir().map_err(|err| anyhow::anyhow!("the working directory cannot be told: {err}"))?;
        let dir = here.ancestors().find(|dir| dir.join(FILE).exists());
        Ok(dir.map(Project::open).transpose()?)
    }

    /// The same where there must be one.
    pub(super) fn require(given: Option<&Path>) -> anyhow::Result<Project> {
        let none = "there is no project.yaml here or above: go into a plugin's project, name it with --project DIR, \
                    or make one with `verwalter plugin new`";
        Project::find(given)?.ok_or_else(|| anyhow::anyhow!(none))
    }

    /// Reads the project in `dir`, an absolute path.
    fn open(dir: &Path) -> Result<Project, ProjectErrors> {
        let path = dir.join(FILE);
        let text = file::read_text(&path, MAX_SETTINGS_BYTES)?;
        let raw: RawProject = yaml::parse_yaml(&path, &text, Tags::Refused)?;
        let recipe = raw.recipe.map(|recipe| recipe.check(&path, &text, &["recipe"])).transpose().map_err(ProjectErrors)?;
        Ok(Project { dir: dir.to_owned(), name: raw.name, kind: raw.kind, language: raw.language, recipe, checks: raw.checks })
    }

    /// What a build leaves.
    pub(super) fn wasm(&self) -> PathBuf {
        self.dir.join("build").join(format!("{}.wasm", self.name))
    }

    /// The plugin's manifest, as it goes to a node.
    pub(super) fn manifest(&self) -> PathBuf {
        self.dir.join(format!("{}.yaml", self.name))
    }

    /// The golden cases.
    pub(super) fn cases(&self) -> PathBuf {
        self.dir.join("cases")
    }
}

/// What is wrong with a `project.yaml`. Its writer is at fault; nothing was built.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub(super) struct ProjectErrors(Vec<FileError>);

impl From<FileError> for ProjectErrors {
    fn from(error: FileError) -> ProjectErrors {
        ProjectErrors(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(FILE), text).expect("written");
        let got = match Project::open(dir.path()) {
            Ok(project) => format!("{} {} {} {:?}", project.name, project.kind, project.language, project.checks),
            Err(errors) => errors.to_string().replace(&format!("{}/", dir.path().display()), ""),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn projects_are_read_strictly() {
        check("name: mine\nkind: policy\nlanguage: wat\n", "mine policy wat {}");
        check("name: mine\nkind: query\nlanguage: c\nchecks: { stable: false }\n", "mine query c {\"stable\": false}");
        check("name: mine\nkind: policy\n", "project.yaml:2:1: the key `language` is missing: add it");
        check("name: mine\nkind: polcy\nlanguage: c\n", "project.yaml:2:7: `kind`: `polcy` is not known here: did you mean `policy`?");
        check("name: mine\nkid: policy\nlanguage: c\n", "project.yaml:2:1: `kid`: unknown key: did you mean `kind`?");
        check(
            "name: Mine\nkind: policy\nlanguage: c\n",
            "project.yaml:1:7: `name`: plugin name `Mine` must begin with a lower-case letter or a digit",
        );
    }

    #[test]
    fn a_recipe_of_its_own_is_read_with_it() {
        let head = "name: mine\nkind: policy\nlanguage: cobol\nrecipe:\n  steps:\n";
        check(&format!("{head}  - run: [cobc, \"{{out}}\"]\n"), "mine policy cobol {}");
        check(
            &format!("{head}  - run: []\n"),
            "project.yaml:6:5: `recipe.steps[0].run`: has no words: write the program and its arguments",
        );
    }
}
