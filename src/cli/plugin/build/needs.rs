//! Looks for what a recipe needs, and says of what is missing how to install it. It installs nothing.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::super::recipe::{Need, Probe, Variables, Version};
use super::child::{self, ChildError, Output};

/// How long a toolchain may take to say its version: far above what the slowest known takes on a cold disk.
const LONGEST: Duration = Duration::from_secs(60);
/// The most of a failed command's last line that is told, in characters.
const SAID: usize = 200;

/// A need that nothing met.
#[derive(Debug)]
pub(super) struct Unmet<'a> {
    need: &'a Need,
    /// What was tried, and what came of it.
    tried: Vec<(String, String)>,
}

/// Looks for everything and defines the variables of what was found. Answers what was not.
pub(super) fn meet<'a>(needs: &'a [Need], variables: &mut Variables, dir: &Path) -> Result<Vec<Unmet<'a>>, ChildError> {
    let mut missing = Vec::new();
    for need in needs {
        let mut tried = Vec::new();
        let mut met = false;
        for probe in &need.any {
            // It looks for something with what is missing itself.
            if !variables.has_all(&probe.run) {
                tried.push((child::shell(&probe.run), "needs what is missing above".to_owned()));
                continue;
            }
            let words = variables.expand(&probe.run);
            match look(probe, &words, dir)? {
                None => {
                    let defined: Vec<(&String, Vec<String>)> = probe
                        .sets
                        .iter()
                        .filter(|(_, words)| variables.has_all(words))
                        .map(|(name, words)| (name, variables.expand(words)))
                        .collect();
                    for (name, words) in defined {
                        variables.set(name, words);
                    }
                    met = true;
                    break;
                }
                Some(reason) => tried.push((child::shell(&words), reason)),
            }
        }
        if !met {
            missing.push(Unmet { need, tried });
        }
    }
    Ok(missing)
}

/// `None`: it will do. Otherwise why not.
fn look(probe: &Probe, words: &[String], dir: &Path) -> Result<Option<String>, ChildError> {
    let finished = match child::run(words, dir, [], Output::Kept, Some(LONGEST)) {
        Ok(finished) => finished,
        Err(ChildError::NotFound(_)) => return Ok(Some("not found".to_owned())),
        Err(ChildError::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            return Ok(Some("may not be run by this user".to_owned()));
        }
        Err(ChildError::Deadline { longest, .. }) => return Ok(Some(format!("was not done after {} s", longest.as_secs()))),
        Err(err) => return Err(err),
    };
    if !finished.status.success() {
        let last = finished.output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let last: String = last.chars().filter(|c| !c.is_control()).take(SAID).collect();
        let colon = if last.is_empty() { "" } else { ": " };
        return Ok(Some(format!("{}{colon}{last}", finished.status)));
    }
    let Some(least) = &probe.at_least else { return Ok(None) };
    Ok(match Version::first_in(&finished.output) {
        Some(found) if found.reaches(least) => None,
        Some(found) => Some(format!("is version {found}, and {least} is needed")),
        None => Some(format!("prints no version, and {least} is needed")),
    })
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing: {}", self.need.what)?;
        for (command, reason) in &self.tried {
            write!(f, "\n  tried    {command}: {reason}")?;
        }
        for line in &self.need.install {
            write!(f, "\n  install  {line}")?;
        }
        Ok(())
    }
}
