//! What a file is, seen from its bytes alone: its ABI, the kinds it can be, what it imports and exports. Runs nothing.

use std::fmt;

use serde::Serialize;
use verwalter_core::ports::Kind;
use wasmparser::{Encoding, Parser, Payload};

use super::imports::{CORE_IMPORTS, CORE_MODULE};

/// The largest plugin file, in bytes: above the largest language runtime known (SpiderMonkey, 12 MB) by far.
pub const MAX_WASM_BYTES: u64 = 256 << 20;
/// The most imports and exports that are listed: above what the largest runtime known has.
const MAX_NAMES: usize = 10_000;

/// How a file speaks to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Abi {
    /// A component that exports an interface of `verwalter:plugin@1`.
    Component,
    /// A core module with the `vw_abi_1` marker.
    Core,
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abi::Component => "component",
            Abi::Core => "core module, ABI 1",
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
    /// Damaged, or of a later standard.
    #[error("it cannot be read as WebAssembly: {0}")]
    Malformed(String),
    /// No known ABI.
    #[error(
        "it speaks no plugin ABI: a component must export one of verwalter:plugin/{{scheduling,reviewing,filtering,querying}}@1.0.0, \
         a core module `memory`, `vw_abi_1`, `vw_alloc`, `vw_free` and one of `vw_schedule`, `vw_review`, `vw_apply`, `vw_query` (it exports: {exports})"
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
        return Err(if text { InspectError::Text } else { InspectError::NotWasm(format!("it begins with {begins:?}, not with 0061736d")) });
    }
    let names = names(wasm).map_err(|err| InspectError::Malformed(err.to_string()))?;
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

/// The outermost imports and exports; nested modules and components are passed over.
fn names(wasm: &[u8]) -> wasmparser::Result<Names> {
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
                for import in section.into_imports().take(MAX_NAMES) {
                    let import = import?;
                    names.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter().take(MAX_NAMES) {
                    names.exports.push(export?.name.to_owned());
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.into_iter().take(MAX_NAMES) {
                    names.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.into_iter().take(MAX_NAMES) {
                    names.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
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
            Abi::Core => {
                import.strip_prefix(CORE_MODULE).and_then(|rest| rest.strip_prefix('.')).is_some_and(|name| CORE_IMPORTS.contains(&name))
            }
        };
        if !allowed {
            return Err(InspectError::Import { import: clip(import), advice: advice(import) });
        }
    }
    Ok(())
}

/// How to build without an import, by where it comes from.
fn advice(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "build for wasm32-unknown-unknown (Rust), or with --stub-wasi (componentize-py, componentize-qjs), or with all features disabled (componentize-js)"
    } else if import.starts_with("wasi_") {
        "build for wasm32-unknown-unknown (Rust) or wasm32-freestanding (Zig), or as a reactor without stdio, clock and environment (C: -mexec-model=reactor)"
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
    name.chars().filter(|c| !c.is_control()).take(120).collect()
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
mod tests {
    use super::*;

    fn check(wat: &str, expect: &str) {
        let wasm = wat::parse_str(wat).expect("valid text");
        let got = match inspect(&wasm) {
            Ok(found) => format!("{} {:?}", found.abi, found.kinds),
            Err(err) => err.to_string(),
        };
        assert!(got.starts_with(expect), "{got}");
    }

    const ALLOC: &str = r#"(memory (export "memory") 1) (func (export "vw_abi_1")) (func (export "vw_alloc") (param i32) (result i32) i32.const 0)
        (func (export "vw_free") (param i32 i32))"#;

    #[test]
    fn core_modules() {
        check(
            &format!(r#"(module {ALLOC} (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#),
            "core module, ABI 1 [Scheduler]",
        );
        check(&format!("(module {ALLOC})"), "it has the marker `vw_abi_1` but does not export `vw_schedule`");
        check(
            r#"(module (func (export "vw_abi_1")) (memory (export "memory") 1))"#,
            "it has the marker `vw_abi_1` but does not export vw_alloc",
        );
        check("(module)", "it speaks no plugin ABI");
    }

    #[test]
    fn refused_imports_say_how_to_build_without_them() {
        let with =
            |import: &str| format!(r#"(module {import} {ALLOC} (func (export "vw_schedule") (param i32 i32) (result i64) i64.const 0))"#);
        check(
            &with(r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#),
            "it imports `wasi_snapshot_preview1.fd_write`, which plugins do not get: build for wasm32-unknown-unknown",
        );
        check(
            &with(r#"(import "env" "abort" (func))"#),
            "it imports `env.abort`, which plugins do not get: compile AssemblyScript with --use abort=",
        );
        check(&with(r#"(import "verwalter" "clock" (func))"#), "it imports `verwalter.clock`, which plugins do not get: this host knows");
        check(&with(r#"(import "verwalter" "log" (func))"#), "core module");
    }

    #[test]
    fn files_that_are_no_plugins() {
        let check = |bytes: &[u8], expect: &str| assert!(inspect(bytes).expect_err(expect).to_string().starts_with(expect));
        check(b"", "it is no WebAssembly");
        check(b"MZ\x90", "it is no WebAssembly: it begins with \"4d5a90\"");
        check(b"  (module)", "it is WebAssembly text");
        check(b"\0asm\x01\0\0", "it cannot be read as WebAssembly");
        check(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f", "it cannot be read as WebAssembly");
    }
}
