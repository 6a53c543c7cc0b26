//! The life of a plugin in a running daemon: how a build comes into force, what keeps it out, what sets it aside, how an operator goes
//! back, what a shadow shows, and what can be read of it all. Guests do what words in the metadata tell them, so that every scenario
//! decides itself when a build begins to fail.

mod daemon;
mod dry_run;
mod ending;
mod guards;
mod guest;
mod moves;
mod observed;
mod quarantine;
mod rollback;
mod shadow;
