//! The templates of a node as they stood when its configuration tree was quiet: read once, with the rest of it, and parsed from memory whenever
//! they are needed. It reads files once, and renders nothing.
//!
//! Were they read when a role is rendered, a file that is just being written would be taken for what it is for a moment: empty, most often. A
//! role that has nothing in its render file has no files, and those that it had would go.

use std::collections::BTreeMap;
use std::path::Path;

use verwalter_core::names::TemplateRef;

use super::source::{self, Sources};
use super::{Problem, RenderError, RenderLimits, TemplateSet};

/// See the module.
#[derive(Debug, Default)]
pub struct Library(BTreeMap<TemplateRef, Result<Sources, Vec<Problem>>>);

impl Library {
    /// Reads these directories below `dir`, each under the caps of one. Blocks on files; what is wrong with one is told when it is needed.
    pub fn read<'a>(dir: &Path, references: impl IntoIterator<Item = &'a TemplateRef>) -> Library {
        let limits = RenderLimits::default();
        Library(references.into_iter().map(|reference| (reference.clone(), source::read(dir, reference, &limits))).collect())
    }

    /// Parses the templates of one directory, with the filters that there are now.
    ///
    /// # Errors
    /// Names every problem that was found.
    pub fn set(&self, reference: &TemplateRef, filters: &[String]) -> Result<TemplateSet, RenderError> {
        let unsound = |problems| RenderError::Unsound { template: reference.clone(), problems };
        let unknown = || {
            let message = format!("there is no directory templates/{reference} on this node: install it, or place the role elsewhere");
            vec![Problem { file: String::new(), line: None, message }]
        };
        let sources = self.0.get(reference).ok_or_else(|| unsound(unknown()))?;
        let sources = sources.as_ref().map_err(|problems| unsound(problems.clone()))?;
        TemplateSet::of(sources, reference, filters, &RenderLimits::default())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_meanwhile_is_not_read() {
        let temp = tempfile::tempdir().expect("a directory");
        let reference = TemplateRef::new("web/v1").expect("valid");
        let role = temp.path().join("web/v1");
        fs::create_dir_all(&role).expect("made");
        fs::write(role.join("a.render.yaml"), "templates: {page: page.hbs}\ncommands:\n- !Copy {src: '{{ files.page }}', dest: page}\n")
            .expect("written");
        fs::write(role.join("page.hbs"), "{{#if x}}{{upper x}}{{/if}}").expect("written");
        let library = Library::read(temp.path(), [&reference]);
        let error = library.set(&reference, &[]).expect_err("the filter is not known yet").to_string();
        assert!(error.contains("there is no helper `upper`"), "{error}");
        // The filter comes while somebody saves the render file.
        fs::write(role.join("a.render.yaml"), "").expect("written");
        let set = library.set(&reference, &["upper".to_owned()]).expect("as it was when it was read");
        assert_eq!(set.reference(), &reference);
        let other = TemplateRef::new("web/v2").expect("valid");
        let error = library.set(&other, &[]).expect_err("it was not read").to_string();
        assert!(error.contains("there is no directory templates/web/v2 on this node"), "{error}");
    }
}
