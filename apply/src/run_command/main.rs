//! The child that looks after a command, as a program of its own: for tests, which have no daemon to start once more. The daemon never
//! starts it. With `run PROGRAM ARGUMENT…` it plays the daemon, for trying things out and for tests that kill it.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use verwalter_apply::command::{self, Cancel, Command, Context, Permits, Privileges, Program, Runner};
use verwalter_core::names::RoleName;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_none_or(|word| word != "run") {
        return command::child_main();
    }
    match run(arguments.collect()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: Vec<String>) -> Result<String, Box<dyn Error>> {
    if words.is_empty() {
        return Err("usage: run PROGRAM [ARGUMENT]…".into());
    }
    let program = PathBuf::from(words.remove(0));
    let mut permits = Permits::default();
    permits.allow_program(program.clone())?;
    let command = Command {
        what: "the command line".to_owned(),
        program: Program::Path(program),
        arguments: words,
        timeout: command::DEFAULT_TIMEOUT,
        root: false,
    };
    let (role, cancel) = (RoleName::new("trial")?, Cancel::new()?);
    let context = Context { permits: &permits, role: &role, deployment_id: "trial", cancel: &cancel, mask: &str::to_owned };
    let runner = Runner::at("/proc/self/exe".into(), Vec::new(), Privileges::detect());
    Ok(runner.run(&command, &context)?.text)
}
