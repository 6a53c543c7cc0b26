//! How people and programs put a file in place, done to a running daemon: each way ends in exactly one activation, none in a failed
//! round. The tools are the real ones where they are installed; what a missing one does is done by hand beside it.

mod early;
mod mounts;
mod rounds;
mod slow;
mod tools;
mod watched;
