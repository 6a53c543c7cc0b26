//! The work on files in a process of its own, which the kernel keeps below the node's roots.
//!
//! The daemon starts its own program again ([`FileChild::start`]); there, [`serve`] gives up what it does not need, lets Landlock shut off
//! everything but the roots, and only then reads what is to be done. Daemon and child share no memory, no environment and no file but two
//! pipes; when the daemon ends, however it ends, the child reads the end of its input and ends too.

mod child;
mod pipe;
mod restrict;
mod serve;
mod wire;

pub use self::child::{ChildError, FileChild, Launch};
pub use self::restrict::{Confinement, Landlock};
pub use self::serve::{ServeError, serve, serve_with};

#[cfg(test)]
mod tests;
