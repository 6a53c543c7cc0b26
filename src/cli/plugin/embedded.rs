//! What the program has with it for authors of plugins: each language's recipe, SDK and templates, the contract, sample cases. `build.rs`
//! says what that is. Nothing is read from a disk or fetched.

use std::path::Path;

use verwalter_core::ports::Kind;

use super::recipe::Recipe;

/// A file of the repository.
#[derive(Debug)]
pub(super) struct File {
    /// Below the repository, with `/`.
    pub(super) path: &'static str,
    /// Whether it is a program.
    pub(super) executable: bool,
    /// As it stands.
    pub(super) bytes: &'static [u8],
}

/// All of them, by path.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What a plugin can be for, in the order of the contract.
pub(super) const KINDS: [Kind; 4] = [Kind::Scheduler, Kind::Policy, Kind::Filter, Kind::Query];

/// The file at `path`, or the files below it, each with its path below that.
pub(super) fn below(path: &str) -> impl Iterator<Item = (&'static str, &'static File)> {
    FILES.iter().filter_map(move |file| {
        let rest = file.path.strip_prefix(path)?;
        if rest.is_empty() { Some((rest, file)) } else { Some((rest.strip_prefix('/')?, file)) }
    })
}

/// The languages that plugins can be written in.
pub(super) fn languages() -> Vec<&'static str> {
    below("sdk").filter_map(|(rest, _)| rest.strip_suffix("/recipe.yaml")).collect()
}

/// The kinds that there is a template for in `language`.
pub(super) fn kinds(language: &str) -> Vec<Kind> {
    KINDS.into_iter().filter(|kind| below(&format!("sdk/{language}/templates/{kind}")).next().is_some()).collect()
}

/// How `language` is built; `None` where it is none of [`languages`].
pub(super) fn recipe(language: &str) -> Option<Recipe> {
    let path = format!("sdk/{language}/recipe.yaml");
    let (_, file) = below(&path).next()?;
    let text = std::str::from_utf8(file.bytes).expect("a test reads all recipes");
    Some(Recipe::parse(Path::new(&path), text).expect("a test reads all recipes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_can_be_read() {
        for language in languages() {
            let path = format!("sdk/{language}/recipe.yaml");
            let (_, file) = below(&path).next().unwrap();
            let read = Recipe::parse(Path::new(&path), std::str::from_utf8(file.bytes).unwrap());
            let errors: Vec<String> = read.err().unwrap_or_default().iter().map(ToString::to_string).collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn only_sources_are_embedded() {
        assert!(FILES.is_sorted_by_key(|file| file.path));
        for made in ["/build/", "/target/", "/node_modules/", "/__pycache__/", "/.zig-cache/", "Cargo.lock"] {
            assert!(!FILES.iter().any(|file| file.path.contains(made)), "{made}");
        }
    }

    #[test]
    fn paths_are_whole() {
        assert_eq!(below("sdk/wit/plugin.wit").map(|(rest, _)| rest).collect::<Vec<_>>(), [""]);
        assert_eq!(below("sdk/wit").map(|(rest, _)| rest).collect::<Vec<_>>(), ["plugin.wit"]);
        assert_eq!(below("sdk/wi").count(), 0);
    }
}
