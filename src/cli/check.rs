//! `verwalter check`: the whole tree without a daemon. Every file's first syntax or type error and all semantic errors in one run,
//! plugins compiled and asked, templates parsed; then the effective settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use verwalter_apply::Roots;
use verwalter_core::names::TemplateRef;

use super::{ConfigDir, print};
use crate::agents;
use crate::cli::scratch::Scratch;
use crate::config::settings::{SETTINGS_FILE, Settings};
use crate::config::{ConfigTree, FileError};
use crate::exit::Exit;
use crate::plugin::activate::{Listed, Listing};
use crate::plugin::catalog::PluginState;
use crate::plugin::rehearse::NoRehearsal;
use crate::plugin::{Activator, Catalog, Compiler};
use crate::render::{Problem, RenderError, RenderLimits, TemplateSet};
use crate::telemetry::chain;

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigDir,
    /// Do not print the effective settings
    #[arg(long, short)]
    quiet: bool,
}

/// Checks; errors go to standard error, one a line.
pub fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let (tree, mut errors) = ConfigTree::load(&args.config.config_dir);
    let cache = Scratch::new()?;
    let activator = Activator::without_storage(cache.path(), Compiler::default(), u64::MAX)?.refusing(crate::render::refuse_filter);
    // What stands there is what is asked about, half written or not.
    let listed = Listed { files: &tree.plugins.value, listing: Listing::Whole, whole: &|_| true };
    let catalog = Arc::new(activator.reload(&Catalog::default(), &listed, &NoRehearsal));
    errors.extend(plugin_errors(&tree, &catalog));
    let filters = catalog.filters().names();
    let filters_known = catalog.statuses().all(|plugin| plugin.error.is_none());
    let mut notes = Vec::new();
    for reference in &tree.templates.value {
        match TemplateSet::load(&tree.dir.join("templates"), reference, &filters, &RenderLimits::default()) {
            Ok(set) => {
                notes.extend(lacking_secrets(&tree, reference, &set));
                notes.extend(beyond_sandbox(&tree, reference, &set));
            }
            Err(error) => errors.extend(template_errors(&tree, reference, &error, filters_known)),
        }
    }
    if let Err(error) = agents::keys(&tree.settings.value.agents) {
        errors.push(FileError::new(&tree.dir.join(SETTINGS_FILE), chain(&error)).at_key("agent.key-file"));
    }
    errors.sort();
    for error in &errors {
        eprintln!("{error}");
    }
    for notice in &tree.notices {
        eprintln!("note: {notice}");
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    for oddity in agents::oddities(&tree.settings.value.agents) {
        eprintln!("note: {}: {oddity}", tree.dir.join(SETTINGS_FILE).display());
    }
    if !args.quiet {
        print_effective(&tree.settings.value, &tree, &catalog)?;
    }
    match errors.len() {
        0 => {
            eprintln!("{}: no errors", args.config.config_dir.display());
            Ok(Exit::Done)
        }
        n => {
            eprintln!("{}: {n} error{}", args.config.config_dir.display(), if n == 1 { "" } else { "s" });
            Ok(Exit::Failed)
        }
    }
}

fn plugin_errors(tree: &ConfigTree, catalog: &Catalog) -> Vec<FileError> {
    let mut errors = Vec::new();
    let active = catalog.statuses().filter(|plugin| plugin.state != PluginState::Off);
    for plugin in active {
        let Some(error) = &plugin.error else { continue };
        let files = tree.plugins.value.get(&plugin.name);
        // Manifest errors name their file and line themselves.
        let manifest = files.and_then(|files| files.manifest.as_deref()).map(crate::plugin::manifest::Manifest::read);
        if let Some(Err(manifest)) = manifest {
            errors.extend(manifest);
            continue;
        }
        let path = files.and_then(|files| files.wasm.clone().or_else(|| files.manifest.clone()));
        errors.push(FileError::new(&path.unwrap_or_else(|| tree.dir.join("plugins")), error.to_string()));
    }
    errors
}

/// The tree may be checked where its secrets are not.
fn lacking_secrets(tree: &ConfigTree, reference: &TemplateRef, set: &TemplateSet) -> Vec<FileError> {
    let lacking = set.secrets().filter(|name| tree.secrets.value.get(name).is_none());
    lacking
        .map(|name| FileError::new(&directory(tree, reference), format!("prints the secret {name}, which is not in secrets/ here")))
        .collect()
}

/// It may be checked where the sandbox is another than the nodes', too.
fn beyond_sandbox(tree: &ConfigTree, reference: &TemplateRef, set: &TemplateSet) -> Vec<FileError> {
    if !tree.sandbox.is_sound() || !tree.settings.is_sound() {
        // Half of it would refuse what the whole allows.
        return Vec::new();
    }
    let sandbox = &tree.sandbox.value;
    // By default it is a directory of the node's that no template names.
    let output = tree.settings.value.output_dir.clone().unwrap_or_default();
    let roots = Roots { output, writes: sandbox.writes.clone() };
    let beyond = set.asks_beyond(&roots, &sandbox.commands).into_iter();
    beyond.map(|problem| problem_in(&directory(tree, reference), &problem, "")).collect()
}

fn problem_in(dir: &Path, problem: &Problem, hint: &str) -> FileError {
    let line = problem.line.and_then(|line| u32::try_from(line).ok());
    let at = line.map(|line| crate::config::file::Position { line, column: 1 });
    FileError::new(&dir.join(&problem.file), format!("{}{hint}", problem.message)).at_position(at)
}

fn directory(tree: &ConfigTree, reference: &TemplateRef) -> PathBuf {
    tree.dir.join("templates").join(reference.role().as_str()).join(reference.version().as_str())
}

fn template_errors(tree: &ConfigTree, reference: &TemplateRef, error: &RenderError, filters_known: bool) -> Vec<FileError> {
    let dir = directory(tree, reference);
    let problems = error.problems();
    if problems.is_empty() {
        return vec![FileError::new(&dir, chain(error))];
    }
    let found = problems.into_iter().map(|problem| {
        let hint = if filters_known || !problem.is_unknown_helper() {
            ""
        } else {
            " (a plugin has errors too; its filters are unknown meanwhile)"
        };
        problem_in(&dir, &problem, hint)
    });
    found.collect()
}

fn print_effective(settings: &Settings, tree: &ConfigTree, catalog: &Catalog) -> anyhow::Result<()> {
    print(format_args!("# effective settings\n{settings}"))?;
    print(format_args!("# templates: {}", listed(tree.templates.value.iter())))?;
    for plugin in catalog.statuses() {
        let has_manifest = tree.plugins.value.get(&plugin.name).is_some_and(|files| files.manifest.is_some());
        let kind = match plugin.kind {
            Some(kind) => kind.to_string(),
            None if has_manifest => "broken manifest".to_owned(),
            None => "no manifest".to_owned(),
        };
        let digest = plugin.digest.map(|digest| digest.to_string()).unwrap_or_default();
        print(format_args!("# plugin {}: {kind}, {:?} {digest}", plugin.name, plugin.state))?;
    }
    Ok(())
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
