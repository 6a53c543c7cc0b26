//! All integration tests in one binary.

mod support;

mod cli;
mod demo;
mod docs;
mod faults;
mod http;
mod reload;
mod run;
mod sandbox;
mod tidy;
mod wire;
