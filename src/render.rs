//! Renders a role's templates into files in memory: strict, under caps, with filter plugins as helpers. It writes no file and runs no
//! command.
//!
//! | module | owns |
//! |---|---|
//! | `source` | reading a template directory |
//! | `nesting`, `stack` | keeping a hostile template from the stack |
//! | `strict` | what makes every missing path an error, whatever the library does with it |
//! | `helpers`, `budget` | the built-in helpers, filter plugins, and what one render may use |
//! | `file`, `substitute` | render files and the `{{ … }}` in their strings |

mod budget;
mod error;
mod file;
mod helpers;
mod limits;
mod nesting;
mod set;
mod source;
mod stack;
mod strict;
mod substitute;

pub use self::error::{Fault, Problem, RenderError};
pub use self::limits::RenderLimits;
pub use self::set::TemplateSet;

/// A file of a role, rendered and not yet written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Where it goes: relative to the node's output directory, or absolute. Not checked yet.
    pub dest: String,
    /// Its permission bits, at most 0777.
    pub mode: u32,
    /// All of it.
    pub bytes: Vec<u8>,
    /// The template that it was made from, relative to the template directory.
    pub template: String,
}
