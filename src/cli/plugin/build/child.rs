//! One command, run to its end. It stays in this program's process group: what a terminal sends (Ctrl-C), and what a supervisor sends to
//! the group, ends the command and all that it started, without this program having to forward anything.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::child;

/// The most of a command's output that is kept, in bytes, its end: more than a person reads, and compilers put the cause first or last.
const OUTPUT_BYTES: u64 = 256 << 10;

/// How often a command is looked at: most are done after a few milliseconds, and looking more often would take time from them.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a command's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// It is kept, for the case that the command fails.
    Kept,
    /// To where this program's own goes.
    Shown,
}

impl Output {
    pub(super) fn shown(verbose: bool) -> Output {
        if verbose { Output::Shown } else { Output::Kept }
    }
}

/// A command that ran.
#[derive(Debug)]
pub(super) struct Finished {
    /// How it ended.
    pub(super) status: ExitStatus,
    /// What it printed, both streams in the order in which they were written; empty where that was shown.
    pub(super) output: String,
}

/// Why a command did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChildError {
    /// There is no such program.
    #[error("there is no program `{0}` in PATH")]
    NotFound(String),
    /// The system refused.
    #[error("`{program}` could not be run: {source}")]
    Io {
        /// The first word.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It took too long, and was ended.
    #[error("`{program}` was not done after {} s", .longest.as_secs())]
    Deadline {
        /// The first word.
        program: String,
        /// How long it had.
        longest: Duration,
    },
}

/// Runs `words` in `dir` with these variables beside the environment's. `longest`: `None` for what a person waits for and can end.
pub(super) fn run<'a>(
    words: &[String],
    dir: &Path,
    env: impl IntoIterator<Item = (&'a String, String)>,
    output: Output,
    longest: Option<Duration>,
) -> Result<Finished, ChildError> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    let failed = |source: io::Error| ChildError::Io { program: program.to_owned(), source };
    // Not PATH's business: a program of the project, wherever this one was started.
    let found = if program.contains('/') { dir.join(program) } else { program.into() };
    let mut command = Command::new(found);
    command.args(words.iter().skip(1)).current_dir(dir).envs(env).stdin(Stdio::null());
    // A file, not a pipe: nothing is waited for that a command leaves behind, and a flood costs no memory.
    let mut kept = tempfile::tempfile().map_err(failed)?;
    if output == Output::Kept {
        let handle = || kept.try_clone().map_err(failed);
        command.stdout(handle()?).stderr(handle()?);
    }
    let mut child = command.spawn().map_err(|err| match err.kind() {
        io::ErrorKind::NotFound => ChildError::NotFound(program.to_owned()),
        _ => failed(err),
    })?;
    let status = match longest {
        None => child.wait().map_err(failed)?,
        Some(longest) => match child::wait(&mut child, longest, PAUSE).map_err(failed)? {
            Some(status) => status,
            None => return Err(ChildError::Deadline { program: program.to_owned(), longest }),
        },
    };
    Ok(Finished { status, output: read_end(&mut kept).map_err(failed)? })
}

fn read_end(file: &mut File) -> io::Result<String> {
    let all = file.seek(SeekFrom::End(0))?;
    let left_out = all.saturating_sub(OUTPUT_BYTES);
    file.seek(SeekFrom::Start(left_out))?;
    let mut bytes = Vec::new();
    file.take(OUTPUT_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    Ok(if left_out > 0 { format!("… ({left_out} bytes left out)\n{text}") } else { text.to_owned() })
}

/// A command as a person could type it.
pub(super) fn shell(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=+:,@%^".contains(c);
    let quoted = words.iter().map(|word| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, longest: Option<Duration>) -> Result<Finished, ChildError> {
        let words = ["sh", "-c", script].map(str::to_owned);
        run(&words, Path::new("/"), [(&"GREETING".to_owned(), "hello".to_owned())], Output::Kept, longest)
    }

    #[test]
    fn output_is_kept_in_order() {
        let finished = sh("echo $GREETING; echo two >&2; echo three; pwd; exit 3", None).unwrap();
        assert_eq!((finished.status.code(), finished.output.as_str()), (Some(3), "hello\ntwo\nthree\n/"));
    }

    #[test]
    fn a_flood_is_cut() {
        let finished = sh("yes | head -c 1000000; echo end", None).unwrap();
        assert!(
            finished.output.starts_with("… (737860 bytes left out)\n") && finished.output.ends_with("\nend"),
            "{}",
            finished.output.len()
        );
    }

    #[test]
    fn what_is_left_behind_is_not_waited_for() {
        // Both streams stay open in the one that goes on.
        assert!(sh("sleep 30 & echo done", None).unwrap().output == "done");
    }

    #[test]
    fn deadlines_are_kept() {
        let error = sh("exec sleep 30", Some(Duration::from_millis(50))).unwrap_err();
        assert_eq!(error.to_string(), "`sh` was not done after 0 s");
    }

    #[test]
    fn programs_are_looked_for_in_path_and_project() {
        let dir = tempfile::tempdir().unwrap();
        let check = |program: &str| run(&[program.to_owned()], dir.path(), [], Output::Kept, None).map(|finished| finished.output);
        assert_eq!(check("no-such-program").unwrap_err().to_string(), "there is no program `no-such-program` in PATH");
        assert_eq!(check("bin/tool").unwrap_err().to_string(), "there is no program `bin/tool` in PATH");
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/pwd", dir.path().join("bin/tool")).unwrap();
        assert_eq!(check("bin/tool").unwrap(), dir.path().canonicalize().unwrap().display().to_string());
    }

    #[test]
    fn commands_are_shown_as_one_types_them() {
        let check = |words: &[&str], expect: &str| {
            assert_eq!(shell(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()), expect);
        };
        check(&["cc", "-O2", "-o", "build/a.wasm"], "cc -O2 -o build/a.wasm");
        check(&["sh", "-c", "echo 'a b'", ""], r"sh -c 'echo '\''a b'\''' ''");
    }
}
