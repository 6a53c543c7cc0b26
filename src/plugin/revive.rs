//! Builds that were in force before, made again of what is remembered of them. It puts nothing in force.

use std::path::Path;

use verwalter_core::ids::UnixMillis;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Rehearsal;

use super::activate::Activator;
use super::build::Source;
use super::catalog::Entry;
use super::compilers::Patience;
use super::entry::{active_entry, off_entry};
use super::gather::file_errors;
use super::generations::{Generation, GenerationError};
use super::manifest::Manifest;
use super::pipeline::{Remedy, Step, Trace};
use crate::telemetry::chain;

impl Activator {
    /// The build that was in force in an earlier life of this node, or the newest before it that can be built.
    pub(super) fn restore(&self, name: &PluginName, now: UnixMillis) -> Entry {
        let ledger = self.generations().map(|generations| generations.ledger(name)).unwrap_or_default();
        let mut awaited = false;
        let restored = ledger.candidates().find_map(|generation| {
            let revived = self.revive(name, generation, now);
            awaited |= matches!(revived, Err(Remedy::Try));
            revived.ok()
        });
        // It may be an older one than the last that was in force, which is damaged now or cannot be built any more.
        if let (Some(generations), Some(loaded)) = (self.generations(), restored.as_ref().and_then(|entry| entry.loaded.as_ref()))
            && ledger.in_force().is_none_or(|last| last.build != loaded.build)
            // What only this machine cannot make just now is still the last good one.
            && !awaited
        {
            generations.returned(name, loaded.build);
        }
        if let Some(digest) = restored.as_ref().and_then(|entry| entry.status.digest) {
            tracing::warn!(plugin = %name, %digest, "the last good build of an earlier run is in force");
        }
        restored.unwrap_or_else(|| Entry { awaited, ..off_entry(name, None, None) })
    }

    /// A build that was in force, as an entry. Where it cannot be built, that is logged, and the error says whether another try may help.
    pub(super) fn revive(&self, name: &PluginName, generation: &Generation, now: UnixMillis) -> Result<Entry, Remedy> {
        let number = generation.number;
        let unusable =
            |step: Step, reason: &str| tracing::warn!(plugin = %name, generation = number, %step, reason, "a kept build is not used");
        let wasm = self.generations().ok_or(Remedy::Files)?.load(name, generation.build.wasm);
        let wasm = wasm.inspect_err(|err| unusable(Step::Read, &chain(err))).map_err(|err| match err {
            GenerationError::Storage(_) => Remedy::Try,
            GenerationError::Damaged { .. } => Remedy::Files,
        })?;
        let manifest = Manifest::parse(Path::new("kept manifest"), generation.manifest());
        let manifest = manifest.inspect_err(|errors| unusable(Step::Manifest, &file_errors(errors))).map_err(|_| Remedy::Files)?;
        let source = Source { wasm, manifest, manifest_text: generation.manifest().to_owned() };
        let mut trace = Trace::default();
        // A later version of the program may have taken the name of one of its filters: the others are as good as before.
        match self.workshop.build(name, &source, |_| None, Patience::Endless, &mut trace) {
            Ok((loaded, inspection)) => {
                let mut entry = active_entry(loaded, &inspection, source.wasm.len(), now);
                entry.status.generation = Some(number);
                entry.status.steps = trace.into_steps();
                Ok(entry)
            }
            Err(stopped) => {
                unusable(stopped.step, &stopped.reason);
                Err(stopped.remedy)
            }
        }
    }

    /// Whether a build that was in force before does well on the newest input.
    pub(super) fn does_well(&self, entry: &Entry, rehearsal: &dyn Rehearsal) -> bool {
        entry.loaded.as_ref().is_some_and(|loaded| self.rehearse(loaded, rehearsal).is_ok())
    }
}
