//! A plugin's files read whole, and what they ask for: a build to be activated, or that the plugin takes no part. Nothing is run.

use std::path::Path;

use verwalter_core::digest::Digest;
use verwalter_core::ports::Kind;

use super::build::Source;
use super::file as plugin_file;
use super::limits::Limits;
use super::manifest::{Manifest, Mode};
use super::pipeline::{Step, Stopped, Trace};
use crate::config::file::{self, FileError};
use crate::config::listing::PluginFiles;
use crate::config::yaml::MAX_SETTINGS_BYTES;

/// What tells one state of a plugin's files from another: the digests of its bytes and of its manifest, where they are there.
pub(super) type Fingerprint = (Option<Digest>, Option<Digest>);

/// A plugin's files as they were read.
pub(super) struct Files<'a> {
    wasm: Option<Result<Vec<u8>, FileError>>,
    manifest: Option<(&'a Path, Result<String, FileError>)>,
    /// Of what could be read.
    pub(super) fingerprint: Fingerprint,
    /// Whether all of it could be: only then the fingerprint tells this state from another.
    pub(super) are_whole: bool,
    /// What the manifest says that it is for, and of its effect.
    pub(super) kind: Option<Kind>,
    pub(super) mode: Option<Mode>,
}

impl<'a> Files<'a> {
    /// Reads both files, as far as their limits allow.
    pub(super) fn read(files: &'a PluginFiles) -> Files<'a> {
        let manifest = files.manifest.as_deref().map(|path| (path, file::read_text(path, MAX_SETTINGS_BYTES)));
        let parsed = manifest.as_ref().and_then(|(path, text)| Manifest::parse(path, text.as_ref().ok()?).ok());
        let (kind, mode) = parsed.as_ref().map(|manifest| (manifest.kind, manifest.mode)).unzip();
        // Its limits say how much of the file may come into memory; without a word of theirs the defaults do.
        let limits = parsed.map_or_else(|| Limits::of(Kind::Scheduler), |manifest| manifest.limits);
        let wasm = files.wasm.as_deref().map(|path| plugin_file::read(path, &limits));
        let wasm_digest = wasm.as_ref().and_then(|read| read.as_ref().ok()).map(|bytes| Digest::of(bytes));
        let manifest_digest = manifest.as_ref().and_then(|(_, read)| read.as_ref().ok()).map(|text| Digest::of(text.as_bytes()));
        let are_whole = (wasm_digest.is_some() || wasm.is_none()) && (manifest_digest.is_some() || manifest.is_none());
        Files { wasm, manifest, fingerprint: (wasm_digest, manifest_digest), are_whole, kind, mode }
    }
}

/// What a plugin's files ask for.
pub(super) enum Gathered {
    Source(Box<Source>),
    /// It takes no part; its bytes, when there are any, are inspected.
    Off(Option<Kind>, Option<Vec<u8>>),
}

/// Looks at what was read. The files are where `listed` says.
pub(super) fn gather(read: Files<'_>, listed: &PluginFiles, trace: &mut Trace) -> Result<Gathered, Stopped> {
    let Files { wasm, manifest, .. } = read;
    let unread = |err: FileError| Stopped::for_now(Step::Read, err.to_string());
    let (wasm, manifest) = trace.take(Step::Read, || {
        let wasm = wasm.transpose().map_err(unread)?;
        Ok((wasm, manifest.map(|(path, text)| text.map(|text| (path, text))).transpose().map_err(unread)?))
    })?;
    let Some((path, text)) = manifest else { return Ok(Gathered::Off(None, wasm)) };
    let manifest =
        trace.take(Step::Manifest, || Manifest::parse(path, &text).map_err(|errors| Stopped::at(Step::Manifest, file_errors(&errors))))?;
    if manifest.mode == Mode::Off {
        return Ok(Gathered::Off(Some(manifest.kind), wasm));
    }
    let Some(wasm) = wasm else {
        let path = listed.manifest.as_ref().map(|path| path.with_extension("wasm")).unwrap_or_default();
        let wrong = match path.symlink_metadata() {
            // A FIFO, a device, a link to nothing: the listing tells which, and what to do about it.
            Ok(_) => "is no file that can be read, see the errors of the configuration",
            Err(_) => "is missing",
        };
        let reason = format!("{} {wrong}: put the plugin beside its manifest, or remove the manifest", path.display());
        return Err(Stopped::at(Step::Read, reason));
    };
    Ok(Gathered::Source(Box::new(Source { wasm, manifest, manifest_text: text })))
}

/// The first errors in one line, the others as a number: it goes to the log and to everybody who asks for the plugin's status.
pub(super) fn file_errors(errors: &[FileError]) -> String {
    const NAMED: usize = 10;
    let mut line = errors.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if errors.len() > NAMED {
        line.push_str(&format!("; and {} more: `verwalter check` lists them", errors.len() - NAMED));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_errors_and_a_number() {
        let errors: Vec<_> = (0..25).map(|n| FileError::new(Path::new("f"), format!("{n}"))).collect();
        assert_eq!(file_errors(&errors[..2]), "f: 0; f: 1");
        let line = file_errors(&errors);
        assert!(line.starts_with("f: 0; ") && line.ends_with("; f: 9; and 15 more: `verwalter check` lists them"), "{line}");
    }

    #[test]
    fn a_plugin_that_is_no_file_is_not_called_missing() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("a.yaml");
        std::fs::write(&manifest, "kind: policy").unwrap();
        let files = PluginFiles { wasm: None, manifest: Some(manifest) };
        let reason = || gather(Files::read(&files), &files, &mut Trace::default()).err().expect("there is no plugin").reason;
        assert!(reason().contains("a.wasm is missing: put the plugin"), "{}", reason());
        std::os::unix::fs::symlink("/nowhere", dir.path().join("a.wasm")).unwrap();
        assert!(reason().contains("a.wasm is no file that can be read, see the errors"), "{}", reason());
    }
}
