//! The mapping `commands` of sandbox files: what commands of roles may run and with what. What each key may hold is the apply crate's word.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use verwalter_apply::command::Permits;

use crate::config::units::{ByteSize, Count, TimeSpan};

/// As it is written. A key that is not there leaves what other files say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCommands {
    programs: Vec<PathBuf>,
    root: Option<bool>,
    environment: BTreeMap<String, String>,
    user: Option<String>,
    writes: Vec<PathBuf>,
    limits: RawLimits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct RawLimits {
    timeout: Option<TimeSpan>,
    output: Option<ByteSize>,
    cpu: Option<TimeSpan>,
    memory: Option<ByteSize>,
    open_files: Option<Count>,
    processes: Option<Count>,
    file_size: Option<ByteSize>,
}

/// A value that is refused.
#[derive(Debug)]
pub(super) struct Mistake {
    /// The way to it: mapping keys and list indices, from the top of the file.
    pub(super) keys: Vec<String>,
    pub(super) message: &'static str,
}

impl Mistake {
    fn new(keys: &[&str], message: &'static str) -> Mistake {
        Mistake { keys: ["commands"].iter().chain(keys).map(|key| (*key).to_owned()).collect(), message }
    }

    /// The way as messages write it.
    pub(super) fn key(&self) -> String {
        match self.keys.as_slice() {
            [above @ .., index] if index.bytes().all(|byte| byte.is_ascii_digit()) => format!("{}[{index}]", above.join(".")),
            keys => keys.join("."),
        }
    }
}

impl RawCommands {
    /// Adds what is right to what other files allow, and returns what is not.
    pub(super) fn merge_into(self, permits: &mut Permits) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (index, program) in self.programs.into_iter().enumerate() {
            let allowed = permits.allow_program(program);
            mistakes.extend(allowed.err().map(|message| Mistake::new(&["programs", &index.to_string()], message)));
        }
        if let Some(root) = self.root {
            permits.set_root(root);
        }
        for (name, value) in self.environment {
            let set = permits.set_variable(&name, &value);
            mistakes.extend(set.err().map(|message| Mistake::new(&["environment", &name], message)));
        }
        if let Some(user) = self.user {
            mistakes.extend(permits.run_as(&user).err().map(|message| Mistake::new(&["user"], message)));
        }
        for (index, path) in self.writes.into_iter().enumerate() {
            let allowed = permits.allow_writes(path);
            mistakes.extend(allowed.err().map(|message| Mistake::new(&["writes", &index.to_string()], message)));
        }
        mistakes.extend(self.limits.merge_into(permits));
        mistakes
    }
}

impl RawLimits {
    fn merge_into(self, permits: &mut Permits) -> Option<Mistake> {
        let former = permits.limits().clone();
        let limits = verwalter_apply::command::Limits {
            timeout: self.timeout.map_or(former.timeout, |time| time.0),
            output_bytes: self.output.map_or(former.output_bytes, ByteSize::as_usize),
            cpu: self.cpu.map_or(former.cpu, |time| time.0),
            memory_bytes: self.memory.map_or(former.memory_bytes, ByteSize::bytes),
            open_files: self.open_files.map_or(former.open_files, |count| count.0),
            processes: self.processes.map_or(former.processes, |count| count.0),
            file_bytes: self.file_size.map_or(former.file_bytes, ByteSize::bytes),
        };
        // The first one only: the others are checked once it is right.
        permits.set_limits(limits).err().map(|(key, message)| Mistake::new(&["limits", key], message))
    }
}
