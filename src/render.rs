//! Renders a role's templates into files in memory: strict, under caps, with filter plugins as helpers. It writes no file and runs no
//! command.
//!
//! | module | owns |
//! |---|---|
//! | `source`, `library` | reading a template directory, once while nobody writes it |
//! | `nesting`, `stack` | keeping a hostile template from the stack |
//! | `strict` | what makes every missing path an error, whatever the library does with it |
//! | `helpers`, `budget` | the built-in helpers, filter plugins, and what one render may use |
//! | `mask` | what keeps secrets out of everything that is shown |
//! | `file`, `fill`, `substitute`, `split` | render files, the `{{ … }}` in their strings, and texts that become several files |
//! | `asks` | what they ask of a node that it may refuse |

mod asks;
mod budget;
mod error;
mod file;
mod fill;
mod helpers;
mod library;
mod limits;
mod mask;
mod nesting;
mod set;
mod source;
mod split;
mod stack;
mod strict;
mod substitute;

pub use self::error::{Fault, Problem, RenderError};
pub use self::library::Library;
pub use self::limits::RenderLimits;
pub use self::mask::Mask;
pub use self::set::{Supplies, TemplateSet, refuse_filter};
