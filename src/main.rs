//! The verwalter program: reads its arguments, does what they say, and says how that ended.

use std::process::ExitCode;

use clap::Parser;
use verwalter::cli::Cli;
use verwalter::exit::Exit;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("verwalter: {error:#}");
            Exit::Failed.into()
        }
    }
}
