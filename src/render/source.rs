//! Reads a template directory: every template and render file, in the order of their names, under caps. It parses nothing and never
//! leaves the directory of all templates.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use verwalter_core::digest::Digest;
use verwalter_core::names::TemplateRef;

use super::{Problem, RenderLimits};
use crate::config::file::{Opened, open_regular};

const TEMPLATE_SUFFIXES: [&str; 2] = [".hbs", ".handlebars"];
const RENDER_FILE_SUFFIXES: [&str; 3] = [".render.yaml", ".render.yml", ".vw.yaml"];

/// What was read, by name.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Handlebars templates.
    pub(super) templates: Vec<Source>,
    /// Render files.
    pub(super) render_files: Vec<Source>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the template directory, with `/`.
    pub(super) name: String,
    /// All of it.
    pub(super) text: String,
}

impl Sources {
    /// Over names and bytes.
    pub(super) fn digest(&self) -> Digest {
        let mut listing = String::new();
        for source in self.templates.iter().chain(&self.render_files) {
            // A name holds no line break unless somebody means mischief; escaped it holds none at all.
            listing += &format!("{} {}\n", Digest::of(source.text.as_bytes()), source.name.escape_default());
        }
        Digest::of(listing.as_bytes())
    }
}

/// Reads `templates/ROLE/VERSION`. Files whose names begin with a dot (editors' own) and those with other endings are passed over.
pub(super) fn read(templates: &Path, reference: &TemplateRef, limits: &RenderLimits) -> Result<Sources, Vec<Problem>> {
    let directory = templates.join(reference.role().as_str()).join(reference.version().as_str());
    let whole = |message: String| vec![Problem { file: String::new(), line: None, message }];
    let fence = fs::canonicalize(templates)
        .map_err(|err| whole(format!("the template directory {} cannot be read: {err}", templates.display())))?;
    let mut reader = Reader {
        fence,
        limits,
        entries_left: limits.entries,
        bytes_left: limits.source_bytes,
        sources: Sources::default(),
        problems: Vec::new(),
    };
    if let Some(directory) = reader.fenced(&directory, "") {
        reader.directory(&directory, "", limits.directory_depth);
    }
    let Reader { mut sources, mut problems, .. } = reader;
    if problems.is_empty() && sources.render_files.is_empty() {
        let suffix = RENDER_FILE_SUFFIXES[0];
        problems.push(Problem { file: String::new(), line: None, message: format!("it has no render file: add one named `NAME{suffix}`") });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // By whole name, whatever order the walk has.
    sources.templates.sort_by(|a, b| a.name.cmp(&b.name));
    sources.render_files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

struct Reader<'a> {
    /// Symlinks may lead anywhere below it: versions may share files.
    fence: PathBuf,
    limits: &'a RenderLimits,
    entries_left: usize,
    bytes_left: u64,
    sources: Sources,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, name: &str, message: String) {
        self.problems.push(Problem { file: name.to_owned(), line: None, message });
    }

    /// Where `path` really is, if that is inside the fence.
    fn fenced(&mut self, path: &Path, name: &str) -> Option<PathBuf> {
        match fs::canonicalize(path) {
            Ok(real) if real.starts_with(&self.fence) => Some(real),
            Ok(_) => {
                self.problem(name, "it is a symlink that leads out of the template directory: put the file itself there".to_owned());
                None
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound && name.is_empty() => {
                self.problem(
                    name,
                    format!("there is no directory {}: create it, or correct the role's `template` variable", path.display()),
                );
                None
            }
            Err(err) => {
                self.problem(name, format!("it cannot be read: {err}"));
                None
            }
        }
    }

    fn directory(&mut self, path: &Path, prefix: &str, depth_left: usize) {
        let mut names = Vec::new();
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(err) => return self.problem(prefix, format!("it cannot be read as a directory: {err}")),
        };
        for entry in entries {
            if self.entries_left == 0 {
                return self.problem(prefix, format!("the template directory has more than {} entries: remove some", self.limits.entries));
            }
            self.entries_left -= 1;
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(err) => self.problem(prefix, format!("it cannot be read as a directory: {err}")),
            }
        }
        names.sort();
        for name in names {
            let Some(text) = name.to_str() else {
                self.problem(prefix, format!("the name `{}` is no UTF-8: rename it", name.to_string_lossy()));
                continue;
            };
            if text.starts_with('.') {
                continue;
            }
            let full = if prefix.is_empty() { text.to_owned() } else { format!("{prefix}/{text}") };
            self.entry(&path.join(text), &full, depth_left);
        }
    }

    fn entry(&mut self, path: &Path, name: &str, depth_left: usize) {
        let wanted = is_template(name) || is_render_file(name);
        // What is neither wanted nor a directory may be anything, a symlink to nowhere too.
        let is_directory = fs::metadata(path).is_ok_and(|meta| meta.is_dir());
        if !wanted && !is_directory {
            return;
        }
        let Some(real) = self.fenced(path, name) else { return };
        if is_directory {
            if depth_left == 0 {
                let depth = self.limits.directory_depth;
                return self
                    .problem(name, format!("directories nest deeper than {depth}: flatten them, or remove the symlink that leads back"));
            }
            return self.directory(&real, name, depth_left - 1);
        }
        match self.text(&real) {
            Ok(text) => {
                let list = if is_template(name) { &mut self.sources.templates } else { &mut self.sources.render_files };
                list.push(Source { name: name.to_owned(), text });
            }
            Err(message) => self.problem(name, message),
        }
    }

    fn text(&mut self, path: &Path) -> Result<String, String> {
        let unreadable = |err: io::Error| format!("it cannot be read: {err}");
        let Opened::Regular(file, _) = open_regular(path).map_err(unreadable)? else {
            return Err("it is no file: remove it".to_owned());
        };
        let limit = self.limits.source_file_bytes;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let len = bytes.len() as u64;
        if len > limit {
            return Err(format!("it is larger than {limit} bytes: split it"));
        }
        self.bytes_left = self
            .bytes_left
            .checked_sub(len)
            .ok_or_else(|| format!("the templates are larger than {} bytes together: remove some", self.limits.source_bytes))?;
        String::from_utf8(bytes).map_err(|err| format!("it is no UTF-8 from byte {} on: save it as UTF-8", err.utf8_error().valid_up_to()))
    }
}

fn is_template(name: &str) -> bool {
    TEMPLATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

fn is_render_file(name: &str) -> bool {
    RENDER_FILE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let temp = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(temp.path().join("t/web/v1/sub")).expect("mkdir");
        for (name, text) in [
            ("b.hbs", "b"),
            ("a.handlebars", "a"),
            ("sub/c.hbs", "c"),
            ("x.render.yaml", "{}"),
            ("y.vw.yaml", "{}"),
            ("z.txt", "z"),
            (".#b.hbs", ""),
        ] {
            fs::write(temp.path().join("t/web/v1").join(name), text).expect("write");
        }
        temp
    }

    fn load(temp: &Path, limits: &RenderLimits) -> Result<Sources, Vec<Problem>> {
        read(&temp.join("t"), &TemplateRef::new("web/v1").expect("valid"), limits)
    }

    fn check(change: impl FnOnce(&Path), limits: &RenderLimits, file: &str, part: &str) {
        let temp = tree();
        change(&temp.path().join("t/web/v1"));
        let problems = load(temp.path(), limits).expect_err(part);
        assert!(problems.iter().any(|p| p.file == file && p.message.contains(part)), "{problems:?}");
    }

    #[test]
    fn reads_by_name() {
        let temp = tree();
        let sources = load(temp.path(), &RenderLimits::default()).expect("sound");
        assert_eq!(
            sources.templates.iter().map(|s| (&*s.name, &*s.text)).collect::<Vec<_>>(),
            [("a.handlebars", "a"), ("b.hbs", "b"), ("sub/c.hbs", "c")]
        );
        assert_eq!(sources.render_files.iter().map(|s| &*s.name).collect::<Vec<_>>(), ["x.render.yaml", "y.vw.yaml"]);
        let digest = sources.digest();
        fs::write(temp.path().join("t/web/v1/z.txt"), "not read").expect("write");
        assert_eq!(load(temp.path(), &RenderLimits::default()).expect("sound").digest(), digest);
        fs::rename(temp.path().join("t/web/v1/b.hbs"), temp.path().join("t/web/v1/bb.hbs")).expect("rename");
        assert_ne!(load(temp.path(), &RenderLimits::default()).expect("sound").digest(), digest);
    }

    #[test]
    fn symlinks_stay_inside() {
        let temp = tree();
        fs::write(temp.path().join("t/elsewhere.hbs"), "s").expect("write");
        symlink("../../elsewhere.hbs", temp.path().join("t/web/v1/s.hbs")).expect("symlink");
        assert_eq!(load(temp.path(), &RenderLimits::default()).expect("sound").templates.len(), 4);
        check(|dir| symlink("/etc/hostname", dir.join("s.hbs")).expect("symlink"), &RenderLimits::default(), "s.hbs", "leads out");
        check(|dir| symlink("/etc", dir.join("etc")).expect("symlink"), &RenderLimits::default(), "etc", "leads out");
        check(|dir| symlink("nowhere", dir.join("s.hbs")).expect("symlink"), &RenderLimits::default(), "s.hbs", "cannot be read");
        check(
            |dir| symlink(".", dir.join("again")).expect("symlink"),
            &RenderLimits::default(),
            "again/again/again/again/again/again/again/again/again",
            "nest deeper",
        );
    }

    #[test]
    fn caps_and_odd_files() {
        let limits = RenderLimits::default;
        check(|_| {}, &RenderLimits { entries: 3, ..limits() }, "", "more than 3 entries");
        check(|_| {}, &RenderLimits { directory_depth: 0, ..limits() }, "sub", "nest deeper than 0");
        check(
            |dir| fs::write(dir.join("b.hbs"), "12345").expect("write"),
            &RenderLimits { source_file_bytes: 4, ..limits() },
            "b.hbs",
            "larger than 4 bytes",
        );
        check(|_| {}, &RenderLimits { source_bytes: 2, ..limits() }, "sub/c.hbs", "larger than 2 bytes together");
        check(|dir| fs::write(dir.join("b.hbs"), b"ok\xff").expect("write"), &limits(), "b.hbs", "no UTF-8 from byte 2");
        check(
            |dir| fs::create_dir(dir.join("d.hbs")).expect("mkdir"),
            &RenderLimits { directory_depth: 0, ..limits() },
            "d.hbs",
            "nest deeper",
        );
        let pipe = |dir: &Path| rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("p.hbs"), rustix::fs::Mode::RUSR).expect("a pipe");
        check(pipe, &limits(), "p.hbs", "it is no file: remove it");
        check(|dir| fs::remove_dir_all(dir).expect("rmdir"), &limits(), "", "there is no directory");
        let bare = |dir: &Path| ["x.render.yaml", "y.vw.yaml"].iter().for_each(|name| fs::remove_file(dir.join(name)).expect("rm"));
        check(bare, &limits(), "", "no render file");
    }
}
