//! What can be wrong with templates and with rendering them, each with file and line. It decides nothing.

use std::fmt;

use verwalter_core::names::{RoleName, TemplateRef};
use verwalter_core::ports::FilterError;

/// One thing that is wrong with a file of a template directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Relative to the template directory; empty for the directory itself.
    pub file: String,
    /// From 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// How the message of an unknown helper begins.
const NO_HELPER: &str = "there is no helper `";

/// The message of an unknown helper; `near` says which may have been meant.
pub(super) fn no_helper(name: &str, near: &str) -> String {
    format!("{NO_HELPER}{name}`: use a built-in one or activate the filter plugin that has it{near}")
}

impl Problem {
    /// Whether a helper is not known: its plugin may only be broken.
    pub fn is_unknown_helper(&self) -> bool {
        self.message.starts_with(NO_HELPER)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None if self.file.is_empty() => f.write_str(&self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Why a role was not rendered. Nothing was written; what was in place stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The author of the templates is at fault: the directory cannot be used at all.
    #[error("template {template}: {}", list(.problems))]
    Unsound {
        /// The directory.
        template: TemplateRef,
        /// Everything that was found, by file and line. At least one.
        problems: Vec<Problem>,
    },
    /// A template met variables that it cannot do with, or a filter failed.
    #[error("role {role}: template {template}: {file}{}: {fault}", line_suffix(*.line))]
    Template {
        /// Whose render.
        role: RoleName,
        /// The directory.
        template: TemplateRef,
        /// The template or partial, relative to the directory.
        file: String,
        /// From 1, where it is known.
        line: Option<usize>,
        /// What went wrong and what to do about it.
        fault: Box<Fault>,
    },
    /// The render file says something that does not work out with these variables.
    #[error("role {role}: template {template}: {problem}")]
    File {
        /// Whose render.
        role: RoleName,
        /// The directory.
        template: TemplateRef,
        /// What and where.
        problem: Problem,
    },
    /// The operating system or a defect of the template library is at fault.
    #[error("template {template}: {reason}")]
    Broken {
        /// The directory.
        template: TemplateRef,
        /// What happened.
        reason: &'static str,
    },
}

impl RenderError {
    /// The error as a list of problems by file and line, for tools that check a whole tree.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            RenderError::Unsound { problems, .. } => problems.clone(),
            RenderError::Template { file, line, fault, .. } => {
                vec![Problem { file: file.clone(), line: *line, message: fault.to_string() }]
            }
            RenderError::File { problem, .. } => vec![problem.clone()],
            RenderError::Broken { reason, .. } => vec![Problem { file: String::new(), line: None, message: (*reason).to_owned() }],
        }
    }
}

/// What stopped a template while it was rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A path that leads to nothing.
    #[error("there is no `{path}`: give the role that variable, or write `default {path} …`")]
    Missing {
        /// As the template writes it.
        path: String,
    },
    /// A member that a `lookup` did not find.
    #[error("`lookup` finds no `{key}`: test it with `has (lookup …)` or write `default (lookup …) …`")]
    NoMember {
        /// What was looked up.
        key: String,
    },
    /// A null was to be printed.
    #[error("`{path}` is null and cannot be printed: write `default {path} …`")]
    Null {
        /// What was to be printed.
        path: String,
    },
    /// An object or array was to be printed.
    #[error("`{path}` is {kind} and cannot be printed: pick a member of it or write `json {path}`")]
    Unprintable {
        /// What was to be printed.
        path: String,
        /// `an object` or `an array`.
        kind: &'static str,
    },
    /// A helper was called in a way that it is not meant for.
    #[error("`{helper}` {reason}")]
    Usage {
        /// The helper or filter.
        helper: String,
        /// What it needs.
        reason: String,
    },
    /// A filter plugin failed.
    #[error("filter `{filter}` failed: {failure}")]
    Filter {
        /// The helper's name.
        filter: String,
        /// What the plugin or the sandbox says.
        failure: FilterError,
    },
    /// Blocks or partials nest too deep, most often a partial that includes itself for ever.
    #[error("blocks and partials nest deeper than {limit}: end the recursion, as with `if` around the partial")]
    Depth {
        /// The cap.
        limit: u32,
    },
    /// Too much work.
    #[error("it takes more than {limit} steps: loop over less")]
    Steps {
        /// The cap.
        limit: u64,
    },
    /// Too slow.
    #[error("it takes longer than {limit_ms} ms: loop over less, or use faster filters")]
    Time {
        /// The cap.
        limit_ms: u128,
    },
    /// Too much output.
    #[error("its output is larger than {limit_bytes} bytes{of}: print less")]
    Size {
        /// The cap.
        limit_bytes: usize,
        /// Empty, or of what else the cap is.
        of: &'static str,
    },
    /// Whatever else the template library refuses.
    #[error("{0}")]
    Other(String),
}

/// How many problems a message names: more does not fit a status page. [`RenderError::problems`] has them all.
const LISTED: usize = 20;

fn list(problems: &[Problem]) -> String {
    let mut text = problems.iter().take(LISTED).map(Problem::to_string).collect::<Vec<_>>().join("; ");
    if problems.len() > LISTED {
        text += &format!("; and {} more", problems.len() - LISTED);
    }
    text
}

fn line_suffix(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}
