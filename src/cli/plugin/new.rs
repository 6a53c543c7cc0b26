//! `verwalter plugin new`: the source of a new plugin, which builds as it is. It fetches nothing, and never writes where something is.

mod content;
mod write;

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::embedded;
use crate::cli::print;
use crate::exit::Exit;

/// The options of `plugin new`.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// What it is written in
    #[arg(long, short, value_parser = PossibleValuesParser::new(embedded::languages()))]
    lang: String,
    /// What it is for
    #[arg(long, short, value_parser = parse_kind, default_value = "scheduler", value_name = "scheduler|policy|filter|query")]
    kind: Kind,
    /// The plugin's name: `[a-z][a-z0-9_-]*`
    #[arg(value_parser = parse_name)]
    name: PluginName,
    /// Where to write it [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let kind = embedded::KINDS.into_iter().find(|kind| kind.to_string() == text);
    kind.ok_or_else(|| format!("there are {}", embedded::KINDS.map(|kind| kind.to_string()).join(", ")))
}

/// A name that packages of every language may have: no digit in front, no dots.
fn parse_name(text: &str) -> Result<PluginName, String> {
    let name = PluginName::new(text).map_err(|err| err.to_string())?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.contains('.') {
        return Err("a package of this name is not possible in every language: begin with a letter, and leave out dots".to_owned());
    }
    // A package may not depend on one of its own name.
    if ["verwalter", "verwalter-core", "verwalter-plugin"].contains(&text.replace('_', "-").as_str()) {
        return Err("that is the SDK's own name".to_owned());
    }
    Ok(name)
}

/// Writes the project and says what is there.
pub(super) fn run(args: NewArgs) -> anyhow::Result<Exit> {
    let NewArgs { lang, kind, name, dir } = args;
    let kinds = embedded::kinds(&lang);
    if !kinds.contains(&kind) {
        let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        anyhow::bail!("there is no template of a {kind} in {lang}; in this language there are: {}", kinds.join(", "));
    }
    let dir = dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
    let files = content::project(&lang, kind, &name);
    write::write(&dir, &files)?;
    print(format_args!("{}: a {kind} in {lang}", dir.display()))?;
    for (path, what) in content::overview(&files) {
        print(format!("  {path:<24} {what}").trim_end())?;
    }
    print(format_args!("next:\n  cd {}\n  verwalter plugin build\n  verwalter plugin test\n  verwalter plugin bench", dir.display()))?;
    Ok(Exit::Done)
}
