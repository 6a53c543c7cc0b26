//! What tests start as the process that works on files. Its arguments make it a bad one: it never does anything else than `serve`.

use std::cell::Cell;
use std::io;
use std::process::ExitCode;

use verwalter_apply::confine::{serve, serve_with};
use verwalter_apply::files::{Step, Steps};

/// Kills the process before a step.
struct KillAt(Cell<usize>);

impl Steps for KillAt {
    fn before(&self, _: Step) -> io::Result<()> {
        match self.0.get().checked_sub(1) {
            Some(left) => self.0.set(left),
            None => rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?,
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let served = match args[..] {
        ["apply-files"] => serve(),
        ["killed-at", step] => serve_with(&KillAt(Cell::new(step.parse().unwrap_or(0)))),
        ["silent" | "chatty"] => {
            if args == ["chatty"] {
                println!("this is no frame, and nobody asked for it");
            }
            // Reads until the other side has had enough.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            return ExitCode::SUCCESS;
        }
        _ => return ExitCode::from(2),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}
