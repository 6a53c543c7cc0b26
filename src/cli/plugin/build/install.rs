//! Puts a plugin that was built into `plugins/` of a node, whole or not at all. A manifest that is there stays: it is the operator's.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use super::super::project::Project;
use super::result::{self, Built};

/// Installs into `dir`, which must exist; says what it did, a line each.
pub(super) fn install(project: &Project, plugin: &Built, dir: &Path) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(dir.is_dir(), "{} is no directory: --install takes `plugins/` of a node's configuration tree", dir.display());
    let manifest = dir.join(format!("{}.yaml", project.name));
    let mut done = Vec::new();
    // First: a node that saw the plugin alone would say that nobody told it what the file is for.
    if manifest.exists() {
        result::check(project, &manifest)?;
        done.push(format!("kept     {}", manifest.display()));
    } else {
        let text = std::fs::read(project.manifest()).with_context(|| format!("{} cannot be read", project.manifest().display()))?;
        let written = temporary(dir, &text).and_then(|file| file.persist_noclobber(&manifest).map_err(|err| err.error));
        written.with_context(|| format!("{} cannot be written", manifest.display()))?;
        done.push(format!("new      {}", manifest.display()));
    }
    let wasm = dir.join(format!("{}.wasm", project.name));
    let written = temporary(dir, &plugin.wasm).and_then(|file| file.persist(&wasm).map_err(|err| err.error));
    written.with_context(|| format!("{} cannot be written", wasm.display()))?;
    done.push(format!("new      {}", wasm.display()));
    Ok(done)
}

/// A file beside its later place. Its name is hidden: a node does not read it.
fn temporary(dir: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    // Readable as the person's umask has it: the node may run as another user.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}
