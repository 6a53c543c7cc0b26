//! What a new project consists of: a template with the plugin's name in it, the SDK's source, the contract, some cases. It writes nothing.

use std::borrow::Cow;

use verwalter_core::names::PluginName;
use verwalter_core::ports::Kind;

use super::super::embedded;

/// A file of a new project.
#[derive(Debug)]
pub(super) struct NewFile {
    /// Below the project, with `/`.
    pub(super) path: String,
    /// Whether it is a program.
    pub(super) executable: bool,
    /// What is in it.
    pub(super) bytes: Cow<'static, [u8]>,
}

/// The files of a project, by path.
pub(super) fn project(language: &str, kind: Kind, name: &PluginName) -> Vec<NewFile> {
    let named = Named { kind, name: name.as_str(), underscored: name.as_str().replace(['-', '.'], "_") };
    let mut files = Vec::new();
    for (path, file) in embedded::below(&format!("sdk/{language}/templates/{kind}")) {
        let bytes = match std::str::from_utf8(file.bytes) {
            Ok(text) => Cow::Owned(named.rename(text).into_bytes()),
            Err(_) => Cow::Borrowed(file.bytes),
        };
        files.push(NewFile { path: named.rename(path), executable: file.executable, bytes });
    }
    for (from, to) in parts(language, kind) {
        for (rest, file) in embedded::below(&from) {
            let path = if rest.is_empty() { to.clone() } else { format!("{to}/{rest}") };
            files.push(NewFile { path, executable: file.executable, bytes: Cow::Borrowed(file.bytes) });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// What is copied as it stands: from where in the repository to where in a project.
fn parts(language: &str, kind: Kind) -> Vec<(String, String)> {
    let sdk: &[(&str, &str)] = match language {
        // Two crates in a workspace of their own, whose manifest is the repository's without the host.
        "rust" => &[
            ("sdk/rust/workspace.toml", "sdk/Cargo.toml"),
            ("sdk/rust/toolchain", "sdk/toolchain"),
            ("sdk/rust/Cargo.toml", "sdk/verwalter-plugin/Cargo.toml"),
            ("sdk/rust/src", "sdk/verwalter-plugin/src"),
            ("core/Cargo.toml", "sdk/verwalter-core/Cargo.toml"),
            ("core/src", "sdk/verwalter-core/src"),
        ],
        _ => &[],
    };
    let mut parts: Vec<(String, String)> = sdk.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    parts.push((format!("sdk/{language}/lib"), "sdk".to_owned()));
    parts.push((format!("sdk/vectors/samples/{kind}"), "cases".to_owned()));
    let fixed = [("LICENSE-APACHE", "sdk/LICENSE-APACHE"), ("LICENSE-MIT", "sdk/LICENSE-MIT"), ("sdk/wit/plugin.wit", "wit/plugin.wit")];
    parts.extend(fixed.map(|(from, to)| (from.to_owned(), to.to_owned())));
    parts
}

/// Puts a plugin's name in the place of the sample's.
struct Named<'a> {
    kind: Kind,
    name: &'a str,
    underscored: String,
}

impl Named<'_> {
    /// In one pass: a name may hold the sample's.
    fn rename(&self, text: &str) -> String {
        let (dashed, underscored) = (format!("sample-{}", self.kind), format!("sample_{}", self.kind));
        let mut renamed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = [rest.find(&dashed), rest.find(&underscored)].into_iter().flatten().min() {
            renamed.push_str(&rest[..at]);
            renamed.push_str(if rest[at..].starts_with(&dashed) { self.name } else { &self.underscored });
            rest = &rest[at + dashed.len()..];
        }
        renamed + rest
    }
}

/// What a person wants to hear of the files: those to work on each, the others by directory.
pub(super) fn overview(files: &[NewFile]) -> Vec<(String, String)> {
    let known = [
        ("sdk", "the SDK's source, to be left as it is"),
        ("wit", "the contract between plugins and verwalter"),
        ("cases", "inputs and the answers that `verwalter plugin test` expects"),
    ];
    let own = files.iter().filter(|file| !known.iter().any(|(dir, _)| file.path.starts_with(&format!("{dir}/"))));
    let mut overview: Vec<(String, String)> = own.map(|file| (file.path.clone(), String::new())).collect();
    overview.extend(known.map(|(dir, what)| (format!("{dir}/"), what.to_owned())));
    overview
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_once() {
        let check = |name: &str, text: &str, expect: &str| {
            let underscored = name.replace(['-', '.'], "_");
            assert_eq!(Named { kind: Kind::Filter, name, underscored }.rename(text), expect, "{name}: {text}");
        };
        check("my-web", "sample-filter sample_filter.c sample-filters", "my-web my_web.c my-webs");
        check("sample_filter", "a sample-filter b", "a sample_filter b");
        check("sample-filter-2", "sample_filter/sample-filter", "sample_filter_2/sample-filter-2");
        check("x", "sample-policy sample filter", "sample-policy sample filter");
    }
}
