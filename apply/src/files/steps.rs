//! The hook before every change of the file system, for tests that stop there. It changes nothing itself.

use std::io;

/// One kind of change to the file system. What only looks is no step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A directory is made.
    MakeDirectory,
    /// A file of the staging is created and filled.
    Write,
    /// Two files change places.
    Exchange,
    /// A file or directory is moved to a place that must be free.
    MoveNew,
    /// A file is moved over what is in the place.
    Move,
    /// A file gets a second name.
    Link,
    /// A name is removed.
    Remove,
    /// A file, a directory or a whole file system is made to outlive a power failure.
    Sync,
}

/// Called before every [`Step`].
///
/// An error is taken for the one that the operating system would have given. One that says of [`Step::Exchange`] and [`Step::MoveNew`]
/// what a file system says that cannot do them (`EINVAL`) makes the program take its other way.
pub trait Steps {
    /// Looks at the step, and may stop it.
    fn before(&self, step: Step) -> io::Result<()>;
}

/// Lets every step happen: what the program runs with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Direct;

impl Steps for Direct {
    fn before(&self, _: Step) -> io::Result<()> {
        Ok(())
    }
}
