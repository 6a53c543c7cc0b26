//! What is wrong in one file beyond its syntax: the first mistakes each with its place, the others as a number. It reads no file.

use std::path::Path;

use super::file::FileError;
use super::yaml;

/// Most mistakes of one file that are told one by one. Arbitrary, above what a person mends before looking again: for each the whole file
/// is read once more to find its place, and a file may hold as many mistakes as it has bytes.
pub(crate) const MAX_MISTAKES: usize = 20;

/// The mistakes of one file, as they are found.
#[derive(Debug)]
pub(crate) struct Mistakes<'a> {
    path: &'a Path,
    text: &'a str,
    told: Vec<FileError>,
    more: usize,
}

impl<'a> Mistakes<'a> {
    /// None yet in `text`, the content of the file at `path`.
    pub(crate) fn new(path: &'a Path, text: &'a str) -> Mistakes<'a> {
        Mistakes { path, text, told: Vec::new(), more: 0 }
    }

    /// A mistake at `keys`, a path of mapping keys and list indices from the top.
    pub(crate) fn add(&mut self, keys: &[&str], message: impl Into<String>) {
        self.add_as(keys, || keys.join("."), message);
    }

    /// The same, with the path as `key` writes it.
    pub(crate) fn add_as(&mut self, keys: &[&str], key: impl FnOnce() -> String, message: impl Into<String>) {
        if self.told.len() == MAX_MISTAKES {
            self.more += 1;
            return;
        }
        self.told.push(FileError::new(self.path, message).at_key(key()).at_position(yaml::locate(self.text, keys)));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// All of them. What is not told has a line of its own, which says so wherever it comes to stand.
    pub(crate) fn into_errors(mut self) -> Vec<FileError> {
        if self.more > 0 {
            let message = format!("has {} more mistakes than the {MAX_MISTAKES} that are told: mend these first", self.more);
            self.told.push(FileError::new(self.path, message));
        }
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_with_their_places_and_the_others_counted() {
        let text = "a: [1, 2]\nb: 3\n";
        let mut mistakes = Mistakes::new(Path::new("f"), text);
        assert!(mistakes.is_empty());
        mistakes.add(&["b"], "is odd");
        mistakes.add_as(&["a", "1"], || "a[1]".to_owned(), "is even");
        let told = |mistakes: Mistakes<'_>| mistakes.into_errors().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(told(mistakes), ["f:2:1: `b`: is odd", "f:1:8: `a[1]`: is even"]);

        let mut mistakes = Mistakes::new(Path::new("f"), text);
        for _ in 0..MAX_MISTAKES + 3 {
            mistakes.add(&["b"], "is odd");
        }
        let told = told(mistakes);
        assert_eq!(told.len(), MAX_MISTAKES + 1);
        assert_eq!(told.last().map(String::as_str), Some("f: has 3 more mistakes than the 20 that are told: mend these first"));
    }
}
