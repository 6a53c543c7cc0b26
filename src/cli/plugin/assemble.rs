//! `verwalter plugin assemble`: WebAssembly text to a module, so that plugins can be written by hand without any other tool. What comes
//! out is not looked at: `plugin build` and `plugin inspect` do that.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use wast::Wat;
use wast::parser::{self, ParseBuffer};

use crate::config::file::{self, FileError, Position};
use crate::exit::Exit;

/// The largest text: a thousand times what people write by hand.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// The options of `plugin assemble`.
#[derive(Debug, Args)]
pub(super) struct AssembleArgs {
    /// The text: one file with a whole module, or any number with fields of one, which are read one after the other
    #[arg(required_unless_present = "list", conflicts_with = "list", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The same files, named in this one, a line each
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The module to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// Assembles.
pub(super) fn run(args: &AssembleArgs) -> anyhow::Result<Exit> {
    let files = match &args.list {
        None => args.files.clone(),
        Some(list) => {
            let text = file::read_text(list, MAX_TEXT_BYTES)?;
            let files: Vec<PathBuf> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from).collect();
            anyhow::ensure!(!files.is_empty(), "{}: names no files: write one a line", list.display());
            files
        }
    };
    let texts = files.iter().map(|path| Ok((path.as_path(), file::read_text(path, MAX_TEXT_BYTES)?)));
    let wasm = assemble(&texts.collect::<Result<Vec<_>, FileError>>()?)?;
    std::fs::write(&args.output, wasm).with_context(|| format!("{} cannot be written", args.output.display()))?;
    Ok(Exit::Done)
}

/// One module of all texts. Several are put between `(module` and `)`.
fn assemble(texts: &[(&Path, String)]) -> Result<Vec<u8>, FileError> {
    const HEAD: &str = "(module\n";
    let several = texts.len() > 1;
    let mut all = if several { HEAD.to_owned() } else { String::new() };
    let mut begins = Vec::new();
    for (path, text) in texts {
        begins.push((all.len(), *path));
        all.push_str(text);
        // A comment to the end of the line must not reach into the next file.
        all.push('\n');
    }
    if several {
        all.push(')');
    }
    let told = |err: wast::Error| {
        let at = err.span().offset();
        let (begin, path) = begins.iter().rfind(|(begin, _)| *begin <= at).unwrap_or(&begins[0]);
        FileError::new(path, err.message()).at_position(Some(position(&all[*begin..], at.saturating_sub(*begin))))
    };
    let buffer = ParseBuffer::new(&all).map_err(told)?;
    let mut wat: Wat<'_> = parser::parse(&buffer).map_err(told)?;
    wat.encode().map_err(told)
}

fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: file::saturate(before.matches('\n').count() as u64 + 1),
        column: file::saturate(before[line_start..].chars().count() as u64 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expect: Result<(), &str>) {
        let names: Vec<PathBuf> = (0..texts.len()).map(|index| format!("{index}.wat").into()).collect();
        let texts: Vec<(&Path, String)> = names.iter().zip(texts).map(|(name, text)| (name.as_path(), (*text).to_owned())).collect();
        let made = assemble(&texts).map(|wasm| assert!(wasm.starts_with(b"\0asm"))).map_err(|err| err.to_string());
        assert_eq!(made, expect.map_err(str::to_owned), "{texts:?}");
    }

    #[test]
    fn one_module_or_the_fields_of_one() {
        check(&["(module (memory 1))"], Ok(()));
        check(&["(memory 1)"], Ok(()));
        check(&["(memory 1)", "(func $f)", "(export \"f\" (func $f))"], Ok(()));
        check(&["(func (call $g)) ;; later", "(func $g)"], Ok(()));
        check(&["(component)"], Ok(()));
    }

    #[test]
    fn mistakes_are_placed_in_their_file() {
        check(&["(module\n  (fnuc))"], Err("0.wat:2:4: expected valid module field"));
        check(&["(memory 1)", "(func\n \"é\" $x)"], Err("1.wat:2:2: expected an instruction"));
        check(&["(memory 1)\n", "\n(func (call $g))"], Err("1.wat:2:13: unknown func: failed to find name `$g`"));
        check(&["(func", "(memory 1)"], Err("1.wat:1:2: unknown operator or unexpected token"));
    }
}
