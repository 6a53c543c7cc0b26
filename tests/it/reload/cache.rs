//! Compiled code on disk: used where it is sound, made again where it is not, and never taken from where others can write.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use verwalter::plugin::{Activator, Compiler};
use verwalter_core::digest::Digest;

use super::Site;
use crate::sandbox::world::{CACHE_BYTES, compiler};
use crate::support::program;

/// A compiler that cannot run: what is loaded all the same came from the cache.
fn no_compiler() -> Compiler {
    Compiler::at("/nonexistent/verwalter".into())
}

fn compiled(site: &Site, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.dir.path().join("storage/cache")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

#[test]
fn what_was_compiled_is_not_compiled_again() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.restart(no_compiler());
    site.reload();
    site.check("spread", "active×1");
    assert_eq!(site.decides(), "1");
    // A build that was never compiled shows that there was no compiler.
    site.put_scheduler("spread", 2);
    site.reload();
    site.check("spread", "kept×1 compile: the compiler process could not be started");
    assert_eq!(site.decides(), "1");
}

#[test]
fn a_compiler_that_could_not_run_is_tried_again() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.restart(no_compiler());
    site.reload();
    site.check("spread", "failed×0 compile: the compiler process could not be started");
    let before = site.status("spread").error.clone();
    // The same files, a sound machine: the same catalog goes on.
    let catalog = site.catalog.clone();
    site.restart(compiler());
    site.catalog = catalog;
    site.reload();
    site.check("spread", "active×1");
    assert!(before.is_some() && site.status("spread").error.is_none());
}

#[test]
fn damaged_code_is_compiled_again() {
    for extension in ["cwasm", "sum"] {
        let mut site = Site::new();
        site.put_scheduler("spread", 1);
        site.reload();
        let [file] = compiled(&site, extension).try_into().unwrap();
        let sound = fs::read(&file).unwrap();
        let mut damaged = sound.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        for damage in [&damaged[..], &sound[..middle], b""] {
            // Without a compiler there is nothing to run instead, and the damaged code is not run. The node is down while its
            // files are damaged: what is mapped must not shrink under it.
            site.restart(no_compiler());
            fs::write(&file, damage).unwrap();
            site.reload();
            site.check("spread", "failed×0 compile: the compiler process could not be started");
            site.restart(compiler());
            site.reload();
            site.check("spread", "active×1");
            assert_eq!(site.decides(), "1");
            assert_eq!(fs::read(&file).unwrap(), sound, "{extension}");
        }
    }
}

#[test]
fn a_cache_that_others_can_write_is_refused() {
    let check = |prepare: &dyn Fn(&std::path::Path)| {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        prepare(&cache);
        let refused = Activator::without_storage(&cache, compiler(), CACHE_BYTES).err().unwrap().to_string();
        assert!(refused.contains("must belong to this user and be writable by nobody else: `chmod 700` it, or remove it"), "{refused}");
    };
    for mode in [0o777, 0o770, 0o702] {
        check(&|cache| {
            fs::create_dir(cache).unwrap();
            fs::set_permissions(cache, fs::Permissions::from_mode(mode)).unwrap();
        });
    }
    // A link to a directory that is sound in itself: it can be pointed elsewhere.
    check(&|cache| {
        let elsewhere = cache.with_file_name("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(elsewhere, cache).unwrap();
    });
}

#[test]
fn the_cache_is_its_owners_alone() {
    let site = Site::new();
    let mode = fs::metadata(site.dir.path().join("storage/cache")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn code_beyond_the_caches_size_goes() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let activator = Activator::without_storage(&cache, compiler(), 1).unwrap();
    let name = verwalter_core::names::PluginName::new("spread").unwrap();
    let manifest = crate::sandbox::world::manifest(crate::sandbox::world::SCHEDULER);
    for instances in [1, 2, 3] {
        assert!(activator.load(&name, &super::placing_guest(instances), &manifest).is_ok());
        let files = fs::read_dir(&cache).unwrap().count();
        // The newest, which is in use, and its sum.
        assert_eq!(files, 2);
    }
}

#[test]
fn code_does_not_depend_on_how_many_threads_compile() {
    // The stacks of two threads do not fit into the smaller one; on one processor there is one thread either way.
    let compile = |memory_bytes: u64| {
        let plugin = fs::File::open("plugins/prebuilt/spread.wasm").unwrap();
        let memory = format!("--memory-bytes={memory_bytes}");
        let output = program().args(["compile-plugin", "component", "--seconds=60", &memory]).stdin(plugin).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Digest::of(&output.stdout)
    };
    assert_eq!(compile(60 << 20), compile(2 << 30));
}
