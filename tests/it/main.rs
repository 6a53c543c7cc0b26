//! All integration tests in one binary.

mod support;

mod cli;
mod demo;
mod faults;
mod http;
mod run;
mod tidy;
