//! Runs the commands of a recipe in order. The first that fails ends it with what it printed.

use std::path::Path;

use super::super::recipe::{Step, Variables};
use super::child::{self, ChildError, Output};

/// A command that did not do its work. The plugin's source is at fault, or the recipe.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// It could not be run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// It says so.
    #[error("`{command}` failed: {status}")]
    Failed {
        /// As one would type it.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

/// Runs `steps` in `dir`; each is told on standard error before it runs, and what a failing one printed after it.
pub(super) fn run(steps: &[Step], variables: &Variables, dir: &Path, output: Output) -> Result<(), StepError> {
    for step in steps {
        let words = variables.expand(&step.run);
        let command = child::shell(&words);
        eprintln!("run: {command}");
        let env = step.env.iter().map(|(name, value)| (name, variables.fill(value)));
        let finished = child::run(&words, dir, env, output, None)?;
        if !finished.status.success() {
            if !finished.output.is_empty() {
                eprintln!("{}", finished.output);
            }
            return Err(StepError::Failed { command, status: finished.status });
        }
    }
    Ok(())
}
