//! Plugins that are symbolic links, and directories that are replaced as a whole: what a link leads to counts, not the link.

use std::fs;
use std::os::unix::fs::symlink;

use super::tools::run;
use super::watched::{MANIFEST, WASM, Watched};
use crate::support::Site;

/// Points `link` to `target` as `ln -s` and a rename do.
fn swap_link(site: &Site, target: &str, link: &str) {
    let new = format!("{link}.new");
    symlink(target, site.path(&new)).expect("linked");
    fs::rename(site.path(&new), site.path(link)).expect("renamed");
}

/// Copies what lies in one directory of the site to another.
fn copy_files(site: &Site, from: &str, to: &str) {
    for entry in fs::read_dir(site.path(from)).expect("it is there") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().into_string().expect("plain names");
        site.write(&format!("{to}/{name}"), fs::read(entry.path()).expect("it can be read"));
    }
}

#[test]
fn a_link_to_elsewhere_is_swapped() {
    let mut watched = Watched::start();
    watched.build("a file becomes a link", |site, wasm| {
        site.write("builds/1/spread.wasm", wasm);
        run("ln", &[&"-sfn", &site.path("builds/1/spread.wasm"), &site.path(WASM)]);
    });
    watched.build("ln -sfn", |site, wasm| {
        site.write("builds/2/spread.wasm", wasm);
        run("ln", &[&"-sfn", &"../../builds/2/spread.wasm", &site.path(WASM)]);
    });
    watched.build("a link renamed into place", |site, wasm| {
        site.write("builds/3/spread.wasm", wasm);
        swap_link(site, "../../builds/3/spread.wasm", WASM);
    });
    watched.untouched("a link to other places with the same bytes", |site| {
        copy_files(site, "builds/3", "builds/4");
        swap_link(site, "../../builds/4/spread.wasm", WASM);
    });
    watched.build("a link through a link that is swapped in the directory", |site, wasm| {
        site.write("builds/5/spread.wasm", wasm);
        symlink("../../builds/5", site.path("etc/plugins/current")).expect("linked");
        swap_link(site, "current/spread.wasm", WASM);
    });
    watched.build("its swap", |site, wasm| {
        site.write("builds/6/spread.wasm", wasm);
        swap_link(site, "../../builds/6", "etc/plugins/current");
    });
    watched.build("a link becomes a file", |site, wasm| {
        run("cp", &[&"--remove-destination", &Watched::beside(site, "new.wasm", wasm), &site.path(WASM)]);
    });
    watched.end();
}

/// Where a volume's files are: links through `..data`, which leads to a directory of the day and is swapped as a whole.
fn mount(site: &Site, dir: &str, day: &str, names: &[&str]) {
    symlink(day, site.path(&format!("{dir}/..data"))).expect("linked");
    for name in names {
        symlink(format!("..data/{name}"), site.path(&format!("{dir}/{name}"))).expect("linked");
    }
}

/// As the kubelet updates a volume: the new day's files, the link renamed, the former day removed.
fn update(site: &Site, dir: &str, day: &str, former: &str) {
    symlink(day, site.path(&format!("{dir}/..data_tmp"))).expect("linked");
    fs::rename(site.path(&format!("{dir}/..data_tmp")), site.path(&format!("{dir}/..data"))).expect("renamed");
    fs::remove_dir_all(site.path(&format!("{dir}/{former}"))).expect("it is there");
}

#[test]
fn a_volume_of_plugins_is_updated() {
    let site = Site::prepared();
    fs::rename(site.path("etc/plugins"), site.path("etc/plugins-before")).expect("renamed");
    copy_files(&site, "etc/plugins-before", "etc/plugins/..2026_01");
    mount(&site, "etc/plugins", "..2026_01", &["spread.wasm", "spread.yaml", "netfilters.wasm", "netfilters.yaml"]);
    let mut watched = Watched::start_on(site);
    watched.build("a new plugin", |site, wasm| {
        copy_files(site, "etc/plugins/..2026_01", "etc/plugins/..2026_02");
        site.write("etc/plugins/..2026_02/spread.wasm", wasm);
        update(site, "etc/plugins", "..2026_02", "..2026_01");
    });
    watched.both("a new plugin and its manifest", |site, wasm, manifest| {
        copy_files(site, "etc/plugins/..2026_02", "etc/plugins/..2026_03");
        site.write("etc/plugins/..2026_03/spread.wasm", wasm);
        site.write("etc/plugins/..2026_03/spread.yaml", manifest);
        update(site, "etc/plugins", "..2026_03", "..2026_02");
    });
    watched.untouched("an update without a change", |site| {
        copy_files(site, "etc/plugins/..2026_03", "etc/plugins/..2026_04");
        update(site, "etc/plugins", "..2026_04", "..2026_03");
    });
    watched.end();
}

#[test]
fn a_volume_with_the_directory_is_updated() {
    // The directory itself is a link through `..data`.
    let site = Site::prepared();
    copy_files(&site, "etc/plugins", "etc/..2026_01/plugins");
    fs::rename(site.path("etc/plugins"), site.path("plugins-before")).expect("renamed");
    mount(&site, "etc", "..2026_01", &["plugins"]);
    let mut watched = Watched::start_on(site);
    watched.build("a new day", |site, wasm| {
        copy_files(site, "etc/..2026_01/plugins", "etc/..2026_02/plugins");
        site.write("etc/..2026_02/plugins/spread.wasm", wasm);
        update(site, "etc", "..2026_02", "..2026_01");
    });
    watched.build("written within the day", |site, wasm| site.write(WASM, wasm));
    watched.both("another day", |site, wasm, manifest| {
        copy_files(site, "etc/..2026_02/plugins", "etc/..2026_03/plugins");
        site.write("etc/..2026_03/plugins/spread.wasm", wasm);
        site.write("etc/..2026_03/plugins/spread.yaml", manifest);
        update(site, "etc", "..2026_03", "..2026_02");
    });
    watched.end();
}

#[test]
fn the_directory_is_replaced() {
    let mut watched = Watched::start();
    watched.both("renamed away, a new one renamed in", |site, wasm, manifest| {
        copy_files(site, "etc/plugins", "plugins-new");
        site.write("plugins-new/spread.wasm", wasm);
        site.write("plugins-new/spread.yaml", manifest);
        fs::rename(site.path("etc/plugins"), site.path("plugins-old")).expect("renamed");
        fs::rename(site.path("plugins-new"), site.path("etc/plugins")).expect("renamed");
    });
    watched.untouched("what was renamed away is nobody's", |site| site.write("plugins-old/spread.wasm", "half"));
    watched.build("written into the new one", |site, wasm| site.write(WASM, wasm));
    watched.build("removed and written again", |site, wasm| {
        copy_files(site, "etc/plugins", "plugins-again");
        fs::remove_dir_all(site.path("etc/plugins")).expect("it is there");
        copy_files(site, "plugins-again", "etc/plugins");
        site.write(WASM, wasm);
    });
    watched.build("a link to a directory elsewhere takes its place", |site, wasm| {
        copy_files(site, "etc/plugins", "elsewhere/1");
        site.write("elsewhere/1/spread.wasm", wasm);
        fs::rename(site.path("etc/plugins"), site.path("plugins-older")).expect("renamed");
        symlink("../elsewhere/1", site.path("etc/plugins")).expect("linked");
    });
    watched.build("and is swapped", |site, wasm| {
        copy_files(site, "elsewhere/1", "elsewhere/2");
        site.write("elsewhere/2/spread.wasm", wasm);
        swap_link(site, "../elsewhere/2", "etc/plugins");
    });
    watched.manifest("a file in the directory elsewhere", |site, from, to| site.edit(MANIFEST, from, to));
    watched.end();
}
