//! The conformance suite: the four sample plugins of a language against their cases. An SDK is complete when all of them pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::case::{self, Case};
use super::golden::{self, Golden, Verdict};
use super::inputs::of_cases;
use super::property::{self, Held};
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Loaded};

/// The kinds that there is a sample of.
pub const KINDS: [Kind; 4] = [Kind::Scheduler, Kind::Policy, Kind::Filter, Kind::Query];

/// A built sample plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it is.
    pub kind: Kind,
    /// Its file, `sample-KIND.wasm`; its manifest lies beside it.
    pub file: PathBuf,
}

/// The samples in `dir`, each `sample-KIND.wasm`.
pub fn samples(dir: &Path) -> Vec<Sample> {
    let found = KINDS.map(|kind| Sample { kind, file: dir.join(format!("sample-{kind}.wasm")) });
    found.into_iter().filter(|sample| sample.file.is_file()).collect()
}

/// How a sample did.
#[derive(Debug, Clone)]
pub struct Conformed {
    /// Cases that were asked.
    pub cases: usize,
    /// What is wrong, a line each; the case's or the property's name comes first.
    pub wrong: Vec<String>,
}

/// Asks a sample all cases below `vectors` (`KIND/CASE/`), and checks what every plugin should hold on their inputs.
pub fn run(activator: &Activator, sample: &Sample, vectors: &Path) -> Conformed {
    let failed = |line: String| Conformed { cases: 0, wrong: vec![line] };
    let (plugin, manifest) = match load(activator, sample) {
        Ok(loaded) => loaded,
        Err(why) => return failed(why),
    };
    let dirs = match case::list(&vectors.join(sample.kind.to_string())) {
        Ok(dirs) => dirs,
        Err(err) => return failed(err.to_string()),
    };
    let mut wrong = Vec::new();
    let mut asked: Vec<(Case, Golden)> = Vec::new();
    for dir in &dirs {
        let case = match Case::read(dir, &manifest) {
            Ok(case) => case,
            Err(errors) => {
                wrong.extend(errors.iter().map(ToString::to_string));
                continue;
            }
        };
        let golden = golden::run(&plugin, &case);
        match &golden.verdict {
            Verdict::Passed => {}
            Verdict::Unknown => wrong.push(format!("{}: has no expected.json", case.name)),
            Verdict::Failed(lines) => wrong.extend(lines.iter().map(|line| format!("{}: {line}", case.name))),
        }
        asked.push((case, golden));
    }
    for checked in property::check(&plugin, &of_cases(&asked), &Default::default()) {
        if let Held::No(broken) = checked.verdict {
            wrong.extend(broken.lines.iter().map(|line| format!("{} on {}: {line}", checked.property, broken.input)));
        }
    }
    Conformed { cases: asked.len(), wrong }
}

fn load(activator: &Activator, sample: &Sample) -> Result<(Arc<Loaded>, Manifest), String> {
    let manifest = Manifest::read(&sample.file.with_extension("yaml"));
    let manifest = manifest.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    if manifest.kind != sample.kind {
        return Err(format!("{}: the manifest beside it says `kind: {}`", sample.file.display(), manifest.kind));
    }
    let wasm = fs::read(&sample.file).map_err(|err| format!("{} cannot be read: {err}", sample.file.display()))?;
    let name = PluginName::new(&format!("sample-{}", sample.kind)).expect("a valid name");
    let loaded = activator.load(&name, &wasm, &manifest).map_err(|err| format!("{}: {err}", sample.file.display()))?;
    Ok((Arc::new(loaded), manifest))
}
