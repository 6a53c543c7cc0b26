//! What tests start as the process that carries out a role's whole transaction: it kills itself before a given step of it. It checks nothing.
//!
//! `apply-role deploy DIR SEED STEP` deploys what the seed says was before, and dies on the way to what comes after; `recover DIR SEED STEP`
//! does what a node does at its start, and may die of that too.

#[path = "../kills/world.rs"]
mod world;

use std::path::Path;
use std::process::ExitCode;

use world::{Scenario, Toll, World};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [what, dir, seed, step] = args[..] else { return ExitCode::from(2) };
    let (Ok(seed), Ok(step)) = (seed.parse(), step.parse()) else { return ExitCode::from(2) };
    let scenario = Scenario::of(seed);
    let toll = Toll::deadly(step);
    let done = match what {
        "deploy" => {
            World::open(Path::new(dir), &scenario, &Toll::none()).before(&scenario);
            World::open(Path::new(dir), &scenario, &toll).after(&scenario)
        }
        "recover" => World::open(Path::new(dir), &scenario, &toll).recover(),
        _ => return ExitCode::from(2),
    };
    // The scenario may be one that fails.
    println!("{done:?} in {} steps", toll.paid());
    ExitCode::SUCCESS
}
