//! The plugin that a command is about: its file, its manifest and its cases, in a project or by themselves; and the build made of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use verwalter_core::digest::Digest;
use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::project::Project;
use super::read;
use crate::cli::scratch::Scratch;
use crate::lab::case;
use crate::plugin::inspect::{Abi, inspect};
use crate::plugin::manifest::Manifest;
use crate::plugin::{Activator, Compiler, Loaded};

/// Compiled code that a command leaves in its cache directory.
const CACHE_BYTES: u64 = 512 << 20;

/// Where a plugin lies.
pub(super) struct Target {
    /// Its file.
    pub(super) file: PathBuf,
    /// Its manifest; `None`: a plain one of the kind that the file is.
    pub(super) manifest: Option<PathBuf>,
    /// The directory of its cases, where there is one.
    pub(super) cases: Option<PathBuf>,
    /// The project that it is built in.
    pub(super) project: Option<Project>,
}

impl Target {
    /// A file by itself: its manifest and its cases lie beside it, unless they are named.
    pub(super) fn file(file: &Path, manifest: Option<&Path>, cases: Option<&Path>) -> Target {
        let beside = |path: PathBuf, is_there: fn(&Path) -> bool| is_there(&path).then_some(path);
        Target {
            file: file.to_owned(),
            manifest: manifest.map(Path::to_owned).or_else(|| beside(file.with_extension("yaml"), Path::is_file)),
            cases: cases.map(Path::to_owned).or_else(|| beside(file.with_file_name("cases"), Path::is_dir)),
            project: None,
        }
    }

    /// What a project builds.
    pub(super) fn project(project: Project, manifest: Option<&Path>, cases: Option<&Path>) -> anyhow::Result<Target> {
        let file = project.wasm();
        anyhow::ensure!(file.exists(), "{} is not there: run `verwalter plugin build` first", file.display());
        let dir = Some(project.cases()).filter(|dir| dir.is_dir());
        Ok(Target {
            manifest: Some(manifest.map_or_else(|| project.manifest(), Path::to_owned)),
            cases: cases.map(Path::to_owned).or(dir),
            file,
            project: Some(project),
        })
    }

    /// The directories of the cases, by name. Where cases of several kinds lie side by side, `KIND/CASE/`, those of this kind.
    pub(super) fn case_dirs(&self, kind: Kind) -> anyhow::Result<Vec<PathBuf>> {
        let Some(dir) = &self.cases else { return Ok(Vec::new()) };
        let of_kind = dir.join(kind.to_string());
        let is_case = ["input.json", "config.json"].iter().any(|file| of_kind.join(file).exists());
        Ok(case::list(if of_kind.is_dir() && !is_case { &of_kind } else { dir })?)
    }
}

/// A plugin that can be asked.
pub(super) struct Subject {
    /// What it is called: its file's stem.
    pub(super) name: PluginName,
    /// Its file's digest.
    pub(super) digest: Digest,
    /// How it speaks to the host.
    pub(super) abi: Abi,
    /// Its file's size.
    pub(super) size_bytes: u64,
    /// Its manifest.
    pub(super) manifest: Manifest,
    /// Its build.
    pub(super) loaded: Arc<Loaded>,
    /// How long it took until it could be called: compiling, unless that was done before.
    pub(super) load_time: Duration,
}

/// Where builds are made.
pub(super) struct Workbench {
    activator: Activator,
    _cache: Option<Scratch>,
}

impl Workbench {
    /// Compiled code goes with the command.
    pub(super) fn open() -> anyhow::Result<Workbench> {
        let cache = Scratch::new()?;
        let activator = Activator::without_storage(cache.path(), Compiler::default(), CACHE_BYTES)?.refusing(crate::render::refuse_filter);
        Ok(Workbench { activator, _cache: Some(cache) })
    }

    /// A project keeps compiled code among what it builds: a language's runtime takes seconds to compile.
    pub(super) fn of(target: &Target) -> anyhow::Result<Workbench> {
        let Some(project) = &target.project else { return Workbench::open() };
        let cache = project.dir.join("build").join("compiled");
        let activator = Activator::without_storage(&cache, Compiler::default(), CACHE_BYTES)?.refusing(crate::render::refuse_filter);
        Ok(Workbench { activator, _cache: None })
    }

    /// Builds a plugin.
    pub(super) fn load(&self, target: &Target) -> anyhow::Result<Subject> {
        let file = &target.file;
        let wasm = read(file)?;
        let found = inspect(&wasm).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
        let manifest = match &target.manifest {
            Some(path) => Manifest::read(path).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                anyhow::anyhow!("{}", lines.join("\n"))
            })?,
            None => Manifest::plain(only_kind(file, &found.kinds)?),
        };
        let name = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| PluginName::new(stem).ok());
        let name = name.unwrap_or_else(|| PluginName::new("plugin").expect("a valid name"));
        let started = Instant::now();
        let loaded = self.activator.load(&name, &wasm, &manifest).map_err(|err| anyhow::anyhow!("{}: {err}", file.display()))?;
        Ok(Subject {
            name,
            digest: Digest::of(&wasm),
            abi: found.abi,
            size_bytes: wasm.len() as u64,
            manifest,
            loaded: Arc::new(loaded),
            load_time: started.elapsed(),
        })
    }
}

/// What the file is, where no manifest says so.
fn only_kind(file: &Path, kinds: &[Kind]) -> anyhow::Result<Kind> {
    match kinds {
        [kind] => Ok(*kind),
        kinds => {
            let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            anyhow::bail!("{} can be a {}: say which with --manifest FILE that has `kind: …`", file.display(), kinds.join(" or a "))
        }
    }
}

/// Makes `dir` an empty directory.
pub(super) fn emptied(dir: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be emptied", dir.display());
    match fs::remove_dir_all(dir) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => return Err(err).with_context(cannot),
        _ => {}
    }
    fs::create_dir_all(dir).with_context(cannot)
}
