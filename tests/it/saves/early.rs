//! Compiling before the tree is quiet.

use verwalter_core::digest::Digest;

use crate::support::{Site, eventually};

#[test]
fn a_build_is_compiled_while_the_tree_is_not_quiet_yet_and_not_in_force() {
    let site = Site::prepared();
    site.edit("etc/verwalter.yaml", "reload-quiet-time: 20ms", "reload-quiet-time: 60s");
    let mut node = site.run(&[]);
    node.ready();
    let build = Site::other_build();
    let digest = Digest::of(&build);
    let compiled = || {
        let listed = std::fs::read_dir(site.path("var/cache")).expect("the cache is there");
        let names = listed.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(&digest.hex()) && name.ends_with(".cwasm")).count()
    };
    // Whoever prepared the site may have compiled it.
    for name in std::fs::read_dir(site.path("var/cache")).expect("the cache is there").flatten() {
        if name.file_name().to_string_lossy().starts_with(&digest.hex()) {
            std::fs::remove_file(name.path()).expect("it can be removed");
        }
    }
    assert_eq!(compiled(), 0);
    site.write("etc/plugins/spread.wasm", build);
    eventually("it is compiled", || (compiled() == 1).then_some(()));
    let plugins = node.get("/v1/plugins").json().to_string();
    assert!(!plugins.contains(&digest.hex()), "the tree is not quiet for a minute: {plugins}");
    node.stop();
}
