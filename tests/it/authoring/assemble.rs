//! `plugin assemble`: text to a module, without any other tool.

use super::{run_in, write};

#[test]
fn files_become_one_module() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "a.wat", "(memory (export \"memory\") 1) ;; the end");
    write(dir.path(), "b.wat", "(func (export \"vw_abi_1\"))\n(func $oops)");
    let ended = run_in(dir.path(), Some(""), ["plugin", "assemble", "a.wat", "b.wat", "-o", "m.wasm"]);
    assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
    let wasm = std::fs::read(dir.path().join("m.wasm")).expect("written");
    assert_eq!(wasm, wat::parse_str("(module (memory (export \"memory\") 1) (func (export \"vw_abi_1\")) (func $oops))").expect("sound"));
}

#[test]
fn a_file_may_name_the_others() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "src/a.wat", "(memory 1)");
    write(dir.path(), "b.wat", "(func)");
    write(dir.path(), "files", "src/a.wat\n\nb.wat\n");
    let assemble = |args: &[&str]| run_in(dir.path(), Some(""), [&["plugin", "assemble", "-o", "m.wasm"], args].concat());
    assert_eq!(assemble(&["--list", "files"]).status, Some(0));
    let wasm = std::fs::read(dir.path().join("m.wasm")).expect("written");
    assert_eq!(wasm, wat::parse_str("(module (memory 1) (func))").expect("sound"));
    write(dir.path(), "files", "\n");
    let ended = assemble(&["--list", "files"]);
    assert_eq!((ended.status, ended.err.as_str()), (Some(1), "verwalter: files: names no files: write one a line\n"));
    assert_eq!(assemble(&["--list", "files", "b.wat"]).status, Some(2));
    assert_eq!(assemble(&[]).status, Some(2));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "a.wat", "(memory 1)");
    write(dir.path(), "b.wat", "(func\n  (call $missing))");
    let check = |args: &[&str], told: &str| {
        let ended = run_in(dir.path(), None, [&["plugin", "assemble", "-o", "m.wasm"], args].concat());
        assert_eq!((ended.status, ended.err.as_str()), (Some(1), told), "{args:?}");
        assert!(!dir.path().join("m.wasm").exists());
    };
    check(&["a.wat", "b.wat"], "verwalter: b.wat:2:9: unknown func: failed to find name `$missing`\n");
    check(&["c.wat"], "verwalter: c.wat: does not exist (or is a symbolic link to nothing)\n");
    check(&["."], "verwalter: .: is a directory where a file is expected: move it away\n");
}
