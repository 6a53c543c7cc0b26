//! What a file is, seen from its bytes alone: its ABI, the kinds it can be, what it imports and exports. Runs nothing.

use std::fmt;

use serde::Serialize;
use verwalter_core::plain::plain;
use verwalter_core::ports::Kind;
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use super::abi::{CORE_IMPORTS, CORE_MODULE, MATHS_IMPORTS, PANIC_IMPORT, PREDECESSOR_MODULE, WASI_IMPORTS, WASI_MODULE};
use super::nesting::{self, NestingError};

/// The largest plugin file, in bytes: above the largest language runtime known (SpiderMonkey, 12 MB) by far.
pub const MAX_WASM_BYTES: u64 = 256 << 20;
/// The most imports and the most exports, in all sections of a file: above what the largest runtime known has.
const MAX_NAMES: usize = 10_000;
/// The most that is kept of one name, in characters: more than any name of an ABI has. What is longer equals none of those.
const MAX_NAME_CHARS: usize = 120;

/// How a file speaks to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Abi {
    /// A component that exports an interface of `verwalter:plugin@1`.
    Component,
    /// A core module with the `vw_abi_1` marker.
    Core,
    /// A module made for verwalter 0.13, known by its exports.
    Predecessor,
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abi::Component => "component",
            Abi::Core => "core module, ABI 1",
            Abi::Predecessor => "verwalter 0.13 module",
        })
    }
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Its ABI.
    pub abi: Abi,
    /// The kinds that its exports make it fit for.
    pub kinds: Vec<Kind>,
    /// What it asks of the host.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

/// Why a file is no plugin. Its author is at fault; nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Not WebAssembly at all.
    #[error("it is no WebAssembly: {0}")]
    NotWasm(String),
    /// Text format.
    #[error("it is WebAssembly text: translate it with `wasm-tools parse` or `wat2wasm` first")]
    Text,
    /// Components within it that are not run.
    #[error(transparent)]
    Nesting(#[from] NestingError),
    /// Damaged, or of a later standard.
    #[error("it cannot be read as WebAssembly: {0}")]
    Malformed(String),
    /// More names than are looked at.
    #[error("it has more than {MAX_NAMES} {0}: build it without exporting every symbol")]
    TooMany(&'static str),
    /// No known ABI.
    #[error(
        "it speaks no plugin ABI: a component must export one of verwalter:plugin/{{scheduling,reviewing,filtering,querying}}@1.0.0, \
         a core module `memory`, `vw_abi_1`, `vw_alloc`, `vw_free` and one of `vw_schedule`, `vw_review`, `vw_apply`, `vw_query`, \
         a module of verwalter 0.13 `memory`, `alloc`, `dealloc` and `scheduler`, or `init`, `render_roles` and `query` (it exports: {exports})"
    )]
    NoAbi {
        /// What it has instead.
        exports: String,
    },
    /// The marker is there, a needed function is not.
    #[error("it has the marker `vw_abi_1` but does not export {0}")]
    Missing(&'static str),
    /// An import that no plugin gets.
    #[error("it imports `{import}`, which plugins do not get: {advice}")]
    Import {
        /// Its full name.
        import: String,
        /// How to build without it.
        advice: &'static str,
    },
}

/// Looks at a file's bytes.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, InspectError> {
    if !wasm.starts_with(b"\0asm") {
        let text = std::str::from_utf8(&wasm[..wasm.len().min(64)]).is_ok_and(|head| head.trim_start().starts_with('('));
        let begins: String = wasm.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        if wasm.is_empty() {
            return Err(InspectError::NotWasm("the file is empty".to_owned()));
        }
        return Err(if text { InspectError::Text } else { InspectError::NotWasm(format!("it begins with {begins:?}, not with 0061736d")) });
    }
    nesting::check(wasm)?;
    let names = names(wasm)?;
    let inspection = match names.encoding {
        Encoding::Component => component(names)?,
        Encoding::Module => module(names)?,
    };
    check_imports(&inspection)?;
    Ok(inspection)
}

struct Names {
    encoding: Encoding,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl From<BinaryReaderError> for InspectError {
    fn from(err: BinaryReaderError) -> InspectError {
        InspectError::Malformed(clip(&err.to_string()))
    }
}

/// The outermost imports and exports; nested modules and components are passed over.
fn names(wasm: &[u8]) -> Result<Names, InspectError> {
    let mut names = Names { encoding: Encoding::Module, imports: Vec::new(), exports: Vec::new() };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding, .. } => {
                if depth == 0 {
                    names.encoding = encoding;
                }
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            _ if depth != 1 => {}
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    names.import(&format!("{}.{}", import.module, import.name))?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    names.export(export?.name)?;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    names.import(import?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    names.export(export?.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

impl Names {
    fn import(&mut self, name: &str) -> Result<(), InspectError> {
        keep(&mut self.imports, name).map_err(|Full| InspectError::TooMany("imports"))
    }

    fn export(&mut self, name: &str) -> Result<(), InspectError> {
        keep(&mut self.exports, name).map_err(|Full| InspectError::TooMany("exports"))
    }
}

struct Full;

/// A file may have as many sections as it is long, and names of any length: both are bounded here, and nothing is passed over.
fn keep(list: &mut Vec<String>, name: &str) -> Result<(), Full> {
    if list.len() == MAX_NAMES {
        return Err(Full);
    }
    list.push(match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    });
    Ok(())
}

/// The interface that a component of each kind exports.
pub(super) const INTERFACES: [(Kind, &str); 4] =
    [(Kind::Scheduler, "scheduling"), (Kind::Policy, "reviewing"), (Kind::Filter, "filtering"), (Kind::Query, "querying")];

fn component(names: Names) -> Result<Inspection, InspectError> {
    let exports = |interface: &str| {
        let prefix = format!("verwalter:plugin/{interface}@1.");
        names.exports.iter().any(|export| export.starts_with(&prefix))
    };
    let kinds: Vec<Kind> = INTERFACES.iter().filter(|(_, interface)| exports(interface)).map(|(kind, _)| *kind).collect();
    if kinds.is_empty() {
        return Err(InspectError::NoAbi { exports: shorten(&names.exports) });
    }
    Ok(Inspection { abi: Abi::Component, kinds, imports: names.imports, exports: names.exports })
}

fn module(names: Names) -> Result<Inspection, InspectError> {
    let exports = |name: &str| names.exports.iter().any(|export| export == name);
    if !exports("vw_abi_1") {
        let functions = [(Kind::Scheduler, &["scheduler"][..]), (Kind::Query, &["init", "render_roles", "query"])];
        let whole = ["memory", "alloc", "dealloc"].iter().all(|name| exports(name));
        let fit = functions.iter().filter(|(_, needed)| whole && needed.iter().all(|name| exports(name)));
        let kinds: Vec<Kind> = fit.map(|(kind, _)| *kind).collect();
        if !kinds.is_empty() {
            return Ok(Inspection { abi: Abi::Predecessor, kinds, imports: names.imports, exports: names.exports });
        }
        return Err(InspectError::NoAbi { exports: shorten(&names.exports) });
    }
    for needed in ["memory", "vw_alloc", "vw_free"] {
        if !exports(needed) {
            return Err(InspectError::Missing(needed));
        }
    }
    let functions = [
        (Kind::Scheduler, &["vw_schedule"][..]),
        (Kind::Policy, &["vw_review"]),
        (Kind::Filter, &["vw_filters", "vw_apply"]),
        (Kind::Query, &["vw_query", "vw_render_roles"]),
    ];
    let kinds: Vec<Kind> = functions.iter().filter(|(_, needed)| needed.iter().all(|name| exports(name))).map(|(kind, _)| *kind).collect();
    if kinds.is_empty() {
        return Err(InspectError::Missing(
            "`vw_schedule`, nor `vw_review`, nor `vw_filters` with `vw_apply`, nor `vw_query` with `vw_render_roles`",
        ));
    }
    Ok(Inspection { abi: Abi::Core, kinds, imports: names.imports, exports: names.exports })
}

fn check_imports(inspection: &Inspection) -> Result<(), InspectError> {
    for import in &inspection.imports {
        let allowed = match inspection.abi {
            Abi::Component => ["verwalter:plugin/snapshot@1.", "verwalter:plugin/log@1."].iter().any(|prefix| import.starts_with(prefix)),
            Abi::Core => is_of(import, CORE_MODULE, &CORE_IMPORTS) || is_of(import, WASI_MODULE, &WASI_IMPORTS),
            Abi::Predecessor => {
                is_of(import, PREDECESSOR_MODULE, &MATHS_IMPORTS)
                    || is_of(import, PREDECESSOR_MODULE, &[PANIC_IMPORT])
                    || is_of(import, WASI_MODULE, &WASI_IMPORTS)
            }
        };
        if !allowed {
            return Err(InspectError::Import { import: clip(import), advice: advice(import) });
        }
    }
    Ok(())
}

fn is_of(import: &str, module: &str, names: &[&str]) -> bool {
    import.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')).is_some_and(|name| names.contains(&name))
}

/// How to build without an import, by where it comes from.
fn advice(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "build for wasm32-unknown-unknown (Rust), or with --stub-wasi (componentize-py, componentize-qjs), or with all features disabled (componentize-js)"
    } else if import.starts_with("wasi_snapshot_preview1.") {
        "of WASI preview 1 they get args, environ, clock, random_get, poll_oneoff, sched_yield, proc_exit and the standard streams: take out what opens \
         files or sockets (in Go: os.Open and what loads time zones), or build for wasm32-unknown-unknown (Rust) or wasm32-freestanding (Zig)"
    } else if import.starts_with("wasi_") {
        "build for preview 1 of WASI (a later toolchain), for wasm32-unknown-unknown (Rust) or for wasm32-freestanding (Zig)"
    } else if import.starts_with("env.abort") {
        "compile AssemblyScript with --use abort="
    } else if import.starts_with("env.") {
        "an undefined symbol became an import; link the library that defines it, or remove --allow-undefined"
    } else if import.starts_with("verwalter") {
        "this host knows verwalter.column, verwalter.attribute and verwalter.log (core) and verwalter:plugin/snapshot@1 and log@1 (component)"
    } else {
        "a plugin sees its input document, the snapshot and the log, and nothing else"
    }
}

/// Names come from the file: enough of one to know it by.
fn clip(name: &str) -> String {
    plain(name, MAX_NAME_CHARS)
}

fn shorten(exports: &[String]) -> String {
    const SHOWN: usize = 8;
    if exports.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = exports.iter().take(SHOWN).map(|name| clip(name)).collect();
    let more = exports.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests;
