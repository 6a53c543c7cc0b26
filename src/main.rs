//! The verwalter program: reads its arguments, does what they say, and says how that ended.

use std::process::ExitCode;

use clap::Parser;
use verwalter::cli::Cli;
use verwalter::exit::Exit;
use verwalter_core::plain::plain_lines;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("verwalter: {}", plain_lines(&format!("{error:#}")));
            Exit::Failed.into()
        }
    }
}
