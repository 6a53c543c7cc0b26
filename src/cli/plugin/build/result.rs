//! What a build made, seen as a node sees it: inspected, compiled under a manifest, asked what it is and what it thinks of its
//! configuration. It puts nothing in force.

use std::path::Path;

use verwalter_core::digest::Digest;
use verwalter_core::ports::Kind;

use super::super::project::Project;
use super::super::{list, read};
use crate::cli::print;
use crate::cli::scratch::Scratch;
use crate::plugin::inspect::{Inspection, inspect};
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Compiler};

/// Compiled code of one plugin; the cache is gone with the command.
const CACHE_BYTES: u64 = 1 << 30;

/// A plugin that a node would take.
#[derive(Debug)]
pub(super) struct Built {
    /// Its file, below the project.
    file: String,
    /// What is in it.
    pub(super) wasm: Vec<u8>,
    kind: Kind,
    inspection: Inspection,
    /// The build that the manifest allows only, where that is another one.
    other_pin: Option<Digest>,
}

/// Sees whether a node would take the project's plugin under the manifest at `path`.
pub(super) fn check(project: &Project, path: &Path) -> anyhow::Result<Built> {
    let wasm = project.wasm();
    let file = wasm.strip_prefix(&project.dir).unwrap_or(&wasm).display().to_string();
    let wasm = read(&wasm)?;
    let inspection = inspect(&wasm).map_err(|err| anyhow::anyhow!("{file}: {err}"))?;
    let kind = project.kind;
    if !inspection.kinds.contains(&kind) {
        let kinds: Vec<String> = inspection.kinds.iter().map(ToString::to_string).collect();
        anyhow::bail!("{file}: project.yaml says `kind: {kind}`, but what it exports makes it a {}", kinds.join(", "));
    }
    let manifest = Manifest::read(path).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    anyhow::ensure!(manifest.kind == kind, "{}: says `kind: {}`, project.yaml says `kind: {kind}`", path.display(), manifest.kind);
    let cache = Scratch::new()?;
    let activator = Activator::without_storage(cache.path(), Compiler::default(), CACHE_BYTES)?.refusing(crate::render::refuse_filter);
    activator
        .load(&project.name, &wasm, &manifest)
        .map_err(|err| anyhow::anyhow!("{file}: a node would refuse it under {}: {err}", path.display()))?;
    let digest = Digest::of(&wasm);
    let other_pin = manifest.digest.filter(|pin| *pin != digest);
    Ok(Built { file, wasm, kind, inspection, other_pin })
}

impl Built {
    /// Prints what it is.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        print(format_args!("built    {}", self.file))?;
        print(format_args!("kind     {}", self.kind))?;
        print(format_args!("abi      {}", self.inspection.abi))?;
        print(format_args!("size     {} bytes", self.wasm.len()))?;
        print(format_args!("digest   {}", Digest::of(&self.wasm)))?;
        list("imports", &self.inspection.imports)?;
        if let Some(pin) = self.other_pin {
            eprintln!("note: the manifest allows {pin} only: put this build's digest there, or remove `digest`");
        }
        Ok(())
    }
}
