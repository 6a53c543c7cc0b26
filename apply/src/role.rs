//! What a role wants of a node, rendered: files, and what is done once they are in place. Data only: it touches neither files nor
//! processes. It can be written down, since what is in force is needed again when what follows it fails, or the role leaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::RenderedFile;

/// All of a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderedRole {
    /// The files that it is made of.
    pub files: Vec<RenderedFile>,
    /// Rendered texts that commands are given as files, by name: one plain file name each.
    pub arguments: BTreeMap<String, Vec<u8>>,
    /// What removes files that others wrote.
    pub cleanups: Vec<Cleanup>,
    /// What is done and asked about it.
    pub duties: Duties,
}

/// What is done for a role beside its files. Kept with the generation in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Duties {
    /// Done in this order once all files are in place, where anything changed.
    pub actions: Vec<Action>,
    /// Has to be seen then, all of it.
    pub health: Vec<Health>,
    /// Done once the role's files are gone.
    pub on_remove: Vec<Action>,
}

/// A step after the swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Always.
    Run(CommandLine),
    /// Where something below these directories has changed since before the swap.
    IfChanged {
        /// As they were written; relative ones lie below the output directory.
        directories: Vec<PathBuf>,
        /// In this order.
        commands: Vec<CommandLine>,
    },
    /// Notes how long a service's own log is, so that a reader may begin there.
    PeekLog {
        /// The name of a directory in the sandbox' `log-dirs`, and a path below it.
        log: String,
        /// Render file and line.
        source: String,
    },
}

/// A command of a render file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    /// Render file and line, for messages.
    pub source: String,
    /// What is run.
    pub program: Program,
    /// What it is told.
    pub arguments: Vec<Text>,
    /// After this long it is ended.
    pub timeout: Duration,
}

/// What a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A program by its path or name.
    Named(String),
    /// The same, as root.
    Root(String),
    /// The shell, on its one argument.
    Shell,
}

/// A string of a command. The paths in it are known when it is run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text(pub Vec<Piece>);

/// A part of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// As it stands.
    Plain(String),
    /// The path of one of [`RenderedRole::arguments`].
    Argument(String),
    /// The path of the staged file that is checked.
    Staged,
}

/// What shows that the role does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Render file and line, for messages.
    pub source: String,
    /// What is asked.
    pub probe: Probe,
    /// All successes must have come by then.
    pub within: Duration,
    /// Time between two probes.
    pub every: Duration,
    /// So many in a row, at least 1.
    pub successes: u32,
}

/// One question about a service's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// It ends with 0.
    Command(CommandLine),
    /// It is answered as it should be.
    Http {
        /// `http://HOST:PORT/PATH`.
        url: String,
        /// For one answer.
        timeout: Duration,
        /// The status that counts; `None`: any from 200 to 399.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What the beginning of the answer must contain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
    },
}

/// Removes the files whose names fit and are not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleanup {
    /// Render file and line, for messages.
    pub source: String,
    /// Which files: a path with wildcards and one group.
    pub pattern: String,
    /// What the group has in those that stay.
    pub keep: Vec<String>,
}

impl Text {
    /// A text without paths.
    pub fn plain(text: &str) -> Text {
        Text(vec![Piece::Plain(text.to_owned())])
    }

    /// With the paths that `argument` and `staged` have; `None` where one has no path.
    pub fn fill(&self, argument: impl Fn(&str) -> Option<String>, staged: Option<&str>) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => filled.push_str(text),
                Piece::Argument(name) => filled.push_str(&argument(name)?),
                Piece::Staged => filled.push_str(staged?),
            }
        }
        Some(filled)
    }

    /// The names of the arguments in it.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Argument(name) => Some(name.as_str()),
            Piece::Plain(_) | Piece::Staged => None,
        })
    }
}

impl Action {
    /// The commands in it.
    pub fn commands(&self) -> &[CommandLine] {
        match self {
            Action::Run(line) => std::slice::from_ref(line),
            Action::IfChanged { commands, .. } => commands,
            Action::PeekLog { .. } => &[],
        }
    }
}

impl Health {
    /// The command that is its probe.
    pub fn command(&self) -> Option<&CommandLine> {
        match &self.probe {
            Probe::Command(line) => Some(line),
            Probe::Http { .. } => None,
        }
    }
}

impl CommandLine {
    /// Whether it is told the path of a rendered text.
    pub fn takes_texts(&self) -> bool {
        self.arguments.iter().any(|text| text.arguments().next().is_some())
    }
}
