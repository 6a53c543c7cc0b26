//! `verwalter plugin build`: looks for the toolchain, runs the recipe's steps, and sees what came out with the eyes of a node. It installs
//! no toolchain.

mod child;
mod install;
mod needs;
mod result;
mod steps;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::embedded;
use super::project::Project;
use super::recipe::{Need, Recipe, Variables};
use crate::cli::print;
use crate::exit::Exit;
use child::Output;

/// The options of `plugin build`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 built, and a node would take it; 1 it could not be built, or a node would refuse it; \
                        7 a tool is missing that the build needs.")]
pub(super) struct BuildArgs {
    /// The project [default: the one that the working directory lies in]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Show what the commands print, also where they succeed
    #[arg(long, short)]
    verbose: bool,
    /// Put the plugin, and its manifest unless one is there, into this directory: `plugins/` of a node
    #[arg(long, value_name = "DIR")]
    install: Option<PathBuf>,
}

/// Builds; what came out goes to standard output, progress and errors to standard error.
pub(super) fn run(args: &BuildArgs) -> anyhow::Result<Exit> {
    let project = Project::require(args.project.as_deref())?;
    let recipe = recipe(&project)?;
    let wasm = project.wasm();
    let build = wasm.parent().expect("it lies below the project");
    std::fs::create_dir_all(build).with_context(|| format!("{} cannot be made", build.display()))?;
    let mut variables = variables(&project)?;
    if !all_met(&project, &[&recipe.needs], &mut variables)? {
        return Ok(Exit::Toolchain);
    }
    // A former result must not be taken for this one's.
    match std::fs::remove_file(&wasm) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            return Err(err).with_context(|| format!("{} cannot be removed", wasm.display()));
        }
        _ => {}
    }
    steps::run(&recipe.steps, &variables, &project.dir, Output::shown(args.verbose))?;
    anyhow::ensure!(
        wasm.is_file(),
        "the steps of the recipe succeeded, but left no file {}: the last one must write {{out}}",
        wasm.strip_prefix(&project.dir).unwrap_or(&wasm).display()
    );
    let plugin = result::check(&project, &project.manifest())?;
    plugin.print()?;
    if let Some(dir) = &args.install {
        for line in install::install(&project, &plugin, dir)? {
            print(line)?;
        }
    }
    Ok(Exit::Done)
}

/// Runs the unit tests of the project's language, without the host.
pub(super) fn run_unit(project: &Project, verbose: bool) -> anyhow::Result<Exit> {
    let recipe = recipe(project)?;
    if recipe.unit.steps.is_empty() {
        print(format_args!("unit tests: {} has no runner of its own, the cases are the tests", project.language))?;
        return Ok(Exit::Done);
    }
    let mut variables = variables(project)?;
    if !all_met(project, &[&recipe.needs, &recipe.unit.needs], &mut variables)? {
        return Ok(Exit::Toolchain);
    }
    steps::run(&recipe.unit.steps, &variables, &project.dir, Output::shown(verbose))?;
    print("unit tests: passed")?;
    Ok(Exit::Done)
}

/// The project's own recipe, or that of its language.
fn recipe(project: &Project) -> anyhow::Result<Recipe> {
    if let Some(recipe) = &project.recipe {
        return Ok(recipe.clone());
    }
    let language = &project.language;
    embedded::recipe(language).with_context(|| {
        let known = embedded::languages();
        let hint = crate::config::suggest::hint(language, &known);
        format!("project.yaml: there is no recipe for the language `{language}`: {hint}, or write one below `recipe:`")
    })
}

fn variables(project: &Project) -> anyhow::Result<Variables> {
    let name = project.name.as_str();
    let verwalter = std::env::current_exe().context("the path of this program cannot be told")?;
    let verwalter =
        verwalter.into_os_string().into_string().map_err(|path| anyhow::anyhow!("the path of this program is no UTF-8: {path:?}"))?;
    let mut variables = Variables::default();
    for (key, value) in [
        ("name", name.to_owned()),
        ("underscored", name.replace(['-', '.'], "_")),
        ("kind", project.kind.to_string()),
        ("out", format!("build/{name}.wasm")),
        ("build", "build".to_owned()),
        ("verwalter", verwalter),
    ] {
        variables.set(key, vec![value]);
    }
    Ok(variables)
}

/// Whether everything is there; if not, all that is missing was told.
fn all_met(project: &Project, needs: &[&[Need]], variables: &mut Variables) -> anyhow::Result<bool> {
    let mut missing = 0;
    for needs in needs {
        for unmet in needs::meet(needs, variables, &project.dir)? {
            eprintln!("{unmet}");
            missing += 1;
        }
    }
    if missing > 0 {
        let (tools, them) = if missing == 1 { ("a tool is".to_owned(), "it") } else { (format!("{missing} tools are"), "them") };
        eprintln!(
            "verwalter: {tools} missing for a plugin in {}: install {them} as told above, one line of each will do",
            project.language
        );
    }
    Ok(missing == 0)
}
