//! A demo's directories in a temporary place, and the ways to start the program on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::{Node, program, run_to_end};

/// Settings under which things happen soon; `out/` as in the demo.
const QUICK_SETTINGS: &str = "round-interval: 150ms\nreload-quiet-time: 20ms\ncollect-interval: 200ms\noutput-dir: ../out\n";

/// A tree that the demo wrote, with its compiled plugins: made once for all tests, so that each need not compile them again.
static PREPARED: LazyLock<PathBuf> = LazyLock::new(|| {
    const PREFIX: &str = "prepared-";
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Nobody drops a static: each run removes what earlier ones left.
    for entry in fs::read_dir(parent).expect("cargo made it") {
        let name = entry.expect("the entry can be read").file_name().into_string().unwrap_or_default();
        if name.strip_prefix(PREFIX).is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another run may be at it too.
            let _ = fs::remove_dir_all(parent.join(name));
        }
    }
    let dir = parent.join(format!("{PREFIX}{}", std::process::id()));
    let root = dir.to_str().expect("its name is UTF-8");
    let ended = run_to_end(["demo", "--dir", root, "--rounds", "1", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    dir
});

/// `etc`, `var`, `log` and `out` below one directory.
pub(crate) struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    /// Nothing yet: the demo starts for the first time.
    pub(crate) fn fresh() -> Site {
        Site { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    /// The demo's tree, untouched but for short intervals; its plugins are compiled already, nothing has run.
    pub(crate) fn prepared() -> Site {
        let site = Site::fresh();
        for part in ["etc", "var/cache"] {
            copy_tree(&PREPARED.join(part), &site.path(part));
        }
        site.write("etc/verwalter.yaml", QUICK_SETTINGS);
        // Tests remove files of the tree: the demo must not bring them back.
        let marker = "var/demo-tree-written";
        site.write(marker, fs::read(PREPARED.join(marker)).expect("the demo wrote it"));
        site
    }

    /// A path below the site.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// A file's text, if it is there.
    pub(crate) fn read(&self, below: &str) -> Option<String> {
        fs::read_to_string(self.path(below)).ok()
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, below: &str, content: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it lies below the site")).expect("the directory is made");
        fs::write(path, content).expect("the file is written");
    }

    /// Replaces the one place of a file where `from` stands.
    pub(crate) fn edit(&self, below: &str, from: &str, to: &str) {
        let text = self.read(below).expect("the file is there");
        assert_eq!(text.matches(from).count(), 1, "{below} has one `{from}`: {text}");
        self.write(below, text.replace(from, to));
    }

    /// `demo` on this site with a port of its own.
    pub(crate) fn demo(&self, args: &[&str]) -> Node {
        let mut command = program();
        command.arg("demo").arg("--dir").arg(self.dir.path()).args(["--listen", "127.0.0.1:0"]).args(args);
        Node::start(command)
    }

    /// `run` on this site with a port and an identity of its own.
    pub(crate) fn run(&self, args: &[&str]) -> Node {
        let mut command = self.run_command(program());
        command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]).args(args);
        Node::start(command)
    }

    /// Adds `run` with the site's directories to a command.
    pub(crate) fn run_command(&self, mut command: Command) -> Command {
        command.arg("run");
        for (flag, below) in [("--config-dir", "etc"), ("--storage-dir", "var"), ("--log-dir", "log")] {
            command.arg(flag).arg(self.path(below));
        }
        command
    }

    /// The bytes of the demo's other build of the scheduler.
    pub(crate) fn other_build() -> Vec<u8> {
        fs::read(PREPARED.join("spread-other-build.wasm")).expect("the demo wrote it")
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the directory is made");
    for entry in fs::read_dir(from).expect("the directory can be listed") {
        let entry = entry.expect("the entry can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type is known").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the file is copied");
        }
    }
}
